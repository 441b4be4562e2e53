"""Huawei CodeCraft 2021: servers with two NUMA nodes, and machines that take one or half of each."""

from __future__ import annotations

from pathlib import Path

import pytest

import placer as pl
from placer.errors import InputError
from placer.traces import FORMATS, huawei2021

SERVERS = "2\n(NV603, 92, 324, 53800, 500)\n(NV604, 128, 512, 87800, 800)\n"
MACHINES = "2\n(large, 2, 8, 0)\n(xlarge, 32, 64, 1)\n"
DAYS = "3\n2\n(add, large, 5)\n(add, large, 0)\n2\n(del, 0)\n(add, xlarge, 1)\n3\n(add, large, 2)\n(del, 1)\n(del, 2)\n"
"""The example of the contest's text."""


def trace(folder: Path, text: str = SERVERS + MACHINES + DAYS) -> Path:
    path = folder / "training.txt"
    path.write_text(text)
    return path


def test_a_server_has_two_zones_with_half_each_and_costs_its_price(tmp_path: Path):
    cluster = huawei2021.read(trace(tmp_path), fleet={"NV603": 1, "NV604": 2})

    assert [(node.name, node.price, dict(node.allocatable)) for node in cluster.nodes] == [
        ("server-0", 53800, {"cpu": 92_000, "memory": 324 * 2**30}),
        ("server-1", 87800, {"cpu": 128_000, "memory": 512 * 2**30}),
        ("server-2", 87800, {"cpu": 128_000, "memory": 512 * 2**30}),
    ]
    assert cluster.nodes[0].devices == (pl.Device(kind="numa", count=2, capacity={"cpu": "46", "memory": "162Gi"}),)
    assert cluster.nodes[0].labels["energy"] == "500"


def test_a_machine_requires_one_zone_and_a_dual_one_half_of_each(tmp_path: Path):
    single, dual = huawei2021.read(trace(tmp_path), day=2).pods

    assert (single.name, single.numa, single.devices, dict(single.requests)) == (
        "vm-5",
        "require",
        (),
        {"cpu": 2_000, "memory": 8 * 2**30},
    )
    assert (dual.name, dual.numa, dict(dual.requests)) == ("vm-1", None, {"cpu": 32_000, "memory": 64 * 2**30})
    assert dual.devices == (pl.DeviceNeed(kind="numa", count=2, amounts={"cpu": "16", "memory": "32Gi"}),)


@pytest.mark.parametrize(
    ("day", "alive"), [(1, ["vm-5", "vm-0"]), (2, ["vm-5", "vm-1"]), (3, ["vm-5"]), (None, ["vm-5"])]
)
def test_the_machines_are_those_that_run_at_the_end_of_the_day(tmp_path: Path, day: int | None, alive: list[str]):
    assert [pod.name for pod in huawei2021.read(trace(tmp_path), day=day).pods] == alive


def test_lifetimes_and_offers_of_the_final_and_the_look_ahead_are_read_over(tmp_path: Path):
    text = SERVERS + MACHINES + "1 75\n1\n(add, large, 958779254, 39, 2422)\n"

    assert [pod.name for pod in huawei2021.read(trace(tmp_path, text)).pods] == ["vm-958779254"]


def test_a_fleet_that_is_not_given_is_of_the_cheapest_type_that_holds_each_machine(tmp_path: Path):
    servers = "2\n(small, 30, 64, 1, 1)\n(large, 64, 128, 100, 1)\n"
    days = "1\n4\n(add, xlarge, 1)\n(add, xlarge, 2)\n(add, xlarge, 3)\n(add, xlarge, 4)\n"

    cluster = huawei2021.read(trace(tmp_path, servers + MACHINES + days))

    assert [node.labels["node.kubernetes.io/instance-type"] for node in cluster.nodes] == ["large"] * 3
    assert not pl.solve(cluster).unplaced


def test_two_zones_with_room_in_sum_refuse_a_machine_that_no_zone_holds(tmp_path: Path):
    text = "1\n(host, 64, 64, 1, 1)\n1\n(wide, 40, 8, 0)\n1\n1\n(add, wide, 1)\n"

    solution = pl.solve(huawei2021.read(trace(tmp_path, text), fleet={"host": 1}))

    assert [pod.pod for pod in solution.unplaced] == ["default/vm-1"]


def test_a_file_is_detected_by_how_it_begins(tmp_path: Path):
    (tmp_path / "other").write_text("2\n3\n")

    assert FORMATS["huawei-2021"].detect(trace(tmp_path))
    assert not FORMATS["huawei-2021"].detect(tmp_path / "other")
    assert repr(pl.load(trace(tmp_path))) == "<Cluster: 1 nodes, 1 pods, 1 pending>"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1 is missing: write the number of server types"),
        ("x\n", "line 1 is 'x': write the number of server types"),
        ("1\n(NV603, 92, 324)\n", "line 2 is '(NV603, 92, 324)': write a server type, as (host0Y6DP, 300,"),
        ("1\n(NV603, -92, 324, 1, 1)\n", "line 2 is '(NV603, -92, 324, 1, 1)': write a server type"),
        ("1\n(NV603, 92, 324, 9999999, 1)\n", "line 2 is '(NV603, 92, 324, 9999999, 1)': write a server type"),
        (SERVERS + "1\n(large, 2, 8, 2)\n", "line 5 is '(large, 2, 8, 2)': write a machine type"),
        (SERVERS + "2\n(large, 2, 8, 1)\n(large, 2, 8, 1)\n1\n0\n", "line 6 has machine type 'large', a duplicate"),
        (SERVERS + MACHINES + "1\n1\n(add, big, 1)\n", "line 9 adds machine type 'big', which is not among the 2"),
        (SERVERS + MACHINES + "1\n1\n(del, 1)\n", "line 9 deletes 1, which does not run"),
        (
            SERVERS + MACHINES + "1\n2\n(add, large, 1)\n(add, large, 1)\n",
            "line 10 adds 1, a duplicate: it runs already",
        ),
        (SERVERS + MACHINES + "1\n2\n(add, large, 1)\n", "line 10 is missing: write (add, vm38TGB, 5) or (del, 5)"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_value(tmp_path: Path, text: str, problem: str):
    with pytest.raises(InputError) as caught:
        huawei2021.read(trace(tmp_path, text))

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"day": 0}, "day 0 is not among its 3: give 1 to 3"),
        ({"day": 4}, "day 4 is not among its 3: give 1 to 3"),
        ({"fleet": {"NV1": 1}}, "there is no server type 'NV1': choose among its 2"),
        ({"fleet": {"NV603": -1}}, "the fleet has -1 of server type 'NV603': give a number of 0 or more"),
    ],
)
def test_a_day_or_a_fleet_that_the_file_does_not_have_is_refused(tmp_path: Path, options, problem: str):
    with pytest.raises(InputError) as caught:
        huawei2021.read(trace(tmp_path), **options)

    assert problem in str(caught.value)
