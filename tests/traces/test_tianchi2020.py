"""Tianchi 2020, part "schedule": apps and their replicas, priced nodes, and how many of a group a node may have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import placer as pl
from placer.errors import InputError
from placer.traces import FORMATS, tianchi2020

APPS = [
    {"appName": "a", "group": "g", "replicas": 3, "cpu": 4, "ram": 8, "disk": 60, "gpu": 0},
    {"appName": "b", "group": "h", "replicas": 1, "cpu": 8, "ram": 32, "disk": 40, "gpu": 1},
]
NODE = {"nodeModelName": "m", "cpu": 32, "ram": 64, "disk": 200, "gpu": 0, "eni": 5, "topologies": []}
NODES = [{"sn": "n1", **NODE}, {"sn": "n2", **NODE, "gpu": 2, "topologies": [{"cpu": 0, "core": 0, "socket": 0}]}]
RULE = {
    "defaultMaxInstancePerNode": 2,
    "replicasMaxInstancePerNodes": [{"replicas": 2, "restrain": "le", "maxInstancePerNode": 1}],
    "nodeResourceWeights": [
        {"resource": "GPU", "weight": 10},
        {"resource": "CPU", "weight": 2},
        {"resource": "RAM", "weight": 1},
    ],
    "timeLimitInMins": 30,
}


def write(folder: Path, apps: Any = APPS, nodes: Any = NODES, rule: Any = RULE, name: str = "set") -> Path:
    for part, value in ((tianchi2020.APPS, apps), (tianchi2020.NODES, nodes), (tianchi2020.RULE, rule)):
        (folder / f"{name}{part}").write_text(value if isinstance(value, str) else json.dumps(value))
    return folder / f"{name}{tianchi2020.APPS}"


def rule_with(*limits: tuple[str, int, int]) -> dict[str, Any]:
    """(restrain, replicas, most per node) each."""
    keys = ("restrain", "replicas", "maxInstancePerNode")
    return {**RULE, "replicasMaxInstancePerNodes": [dict(zip(keys, limit, strict=True)) for limit in limits]}


def test_a_node_costs_ten_a_gpu_two_a_core_and_one_a_gib_and_holds_as_many_pods_as_eni_says(tmp_path: Path):
    first, second = tianchi2020.read(write(tmp_path)).nodes

    assert (first.name, first.price, second.price) == ("n1", 128, 148)
    assert dict(first.allocatable) == {
        "cpu": 32_000,
        "memory": 64 * 2**30,
        "ephemeral-storage": 200 * 2**30,
        "nvidia.com/gpu": 0,
        "pods": 5,
    }
    assert first.labels["node.kubernetes.io/instance-type"] == "m"


def test_replicas_are_numbered_and_ask_for_what_their_app_says(tmp_path: Path):
    pods = list(tianchi2020.read(write(tmp_path)).pods)

    assert [pod.name for pod in pods] == ["a.g-0", "a.g-1", "a.g-2", "b.h-0"]
    assert (pods[3].requests["cpu"], pods[3].requests["memory"], pods[3].requests["nvidia.com/gpu"]) == (
        8_000,
        32 * 2**30,
        1,
    )
    assert dict(pods[0].labels) == {"app": "a", "group": "g"}


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ([("le", 3, 1)], 1),
        ([("le", 2, 1)], 2),
        ([("le", 5, 3), ("le", 3, 1), ("le", 4, 4)], 1),
        ([("ge", 3, 3)], 3),
        ([("ge", 4, 3)], 2),
    ],
)
def test_the_smallest_limit_that_is_meant_for_a_groups_size_holds(tmp_path: Path, limits: list[Any], most: int):
    pod = tianchi2020.read(write(tmp_path, rule=rule_with(*limits))).pods[0]

    assert [limit.at_most for limit in pod.domain_limits] == [most]


def test_the_size_of_a_group_is_that_of_all_its_apps(tmp_path: Path):
    apps = [{**APPS[0], "replicas": 2}, {**APPS[1], "group": "g"}]

    pods = tianchi2020.read(write(tmp_path, apps)).pods

    assert [pod.domain_limits[0].at_most for pod in pods] == [2, 2, 2]


def test_a_node_takes_no_more_of_a_group_than_its_limit_nor_more_pods_than_eni(tmp_path: Path):
    apps = [{**APPS[0], "replicas": 3}, {**APPS[0], "appName": "c", "group": "i", "replicas": 2}]
    nodes = [{"sn": "n1", **NODE}, {"sn": "n2", **NODE, "eni": 1}]

    cluster = tianchi2020.read(write(tmp_path, apps, nodes))
    solution = pl.solve(cluster, goals=["pack"])

    assert pl.verify(cluster, solution) == []
    assert len(solution.bindings) == 4, "n1 holds two of g and one of i, n2 one pod"


def test_half_of_preferences_counts_the_pods_beyond_the_first_of_a_group_on_a_node(tmp_path: Path):
    apps = [{**APPS[0], "replicas": 2}]
    rule = rule_with(("le", 1, 1))

    solution = pl.solve(tianchi2020.read(write(tmp_path, apps, NODES[:1], rule)), goals=["pack", "preferences"])

    assert solution.objective["preferences"] == 2, "each of the two wishes that it were alone"


def test_a_set_is_told_by_its_list_of_apps(tmp_path: Path):
    path = write(tmp_path)

    assert FORMATS["tianchi-2020"].detect(path)
    assert FORMATS["tianchi-2020"].detect(tmp_path)
    assert not FORMATS["tianchi-2020"].detect(tmp_path / f"set{tianchi2020.RULE}")
    assert pl.load(path).digest == pl.load(tmp_path).digest == pl.load(path, format="tianchi-2020").digest


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"apps": "[{"}, "set.schedule.app.json: is no JSON (Input data was truncated): it is cut short or damaged"),
        ({"apps": [{**APPS[0], "cpu": "4"}]}, "set.schedule.app.json: [0].cpu is '4': give an integer"),
        ({"apps": [{**APPS[0], "cpu": -4}]}, "set.schedule.app.json: [0].cpu is -4: give an integer of at least 0"),
        ({"apps": [{"appName": "a"}]}, "set.schedule.app.json: [0].group is missing"),
        ({"apps": [APPS[0], APPS[0]]}, "set.schedule.app.json: [1]: appName and group is ('a', 'g'), a duplicate"),
        ({"nodes": [NODES[0], NODES[0]]}, "set.schedule.node.json: [1]: sn is 'n1', a duplicate"),
        ({"nodes": [{**NODES[0], "eni": 2**21}]}, "[0].eni is 2097152: give an integer of at most 1048576"),
        ({"rule": rule_with(("lt", 1, 1))}, "replicasMaxInstancePerNodes[0].restrain is 'lt'"),
        ({"rule": rule_with(("le", 1, 0))}, "maxInstancePerNode is 0: give an integer of at least 1"),
    ],
)
def test_what_is_wrong_is_told_with_file_place_and_value(tmp_path: Path, files: dict[str, Any], problem: str):
    with pytest.raises(InputError) as caught:
        tianchi2020.read(write(tmp_path, **files))

    assert problem in str(caught.value)


def test_a_folder_of_several_sets_is_refused_by_their_names(tmp_path: Path):
    write(tmp_path, name="data_1")
    write(tmp_path, name="data_2")

    with pytest.raises(InputError, match=r"data_1\.schedule\.app\.json, data_2\.schedule\.app\.json: give one of"):
        tianchi2020.read(tmp_path)


def test_files_that_are_not_there_are_named(tmp_path: Path):
    path = write(tmp_path)
    (tmp_path / f"set{tianchi2020.NODES}").unlink()

    with pytest.raises(InputError, match=r"has no file 'set\.schedule\.node\.json'.*stands beside set\.schedule\.app"):
        tianchi2020.read(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"has no file <set>\.schedule\.app\.json"):
        tianchi2020.read(tmp_path / "empty")
