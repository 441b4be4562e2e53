"""Tianchi 2020: the contest's rules and cost by hand, CPU ids against brute force, and a set of our own end to end."""

from __future__ import annotations

import json
import lzma
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench import pack
from bench.common import Options
from bench.tianchi2020_check import Given, Put, cost, violations
from bench.tianchi2020_cpus import assign
from placer.traces.tianchi2020 import Thread

RULE = {
    "defaultMaxInstancePerNode": 2,
    "replicasMaxInstancePerNodes": [{"replicas": 2, "restrain": "le", "maxInstancePerNode": 1}],
    "nodeResourceWeights": [{"resource": name, "weight": weight} for name, weight in (("CPU", 2), ("RAM", 1))],
}
THREADS = [{"cpu": cpu, "core": cpu // 2 % 2, "socket": cpu // 4} for cpu in range(8)]
"""Two sockets with two cores each, with two ids each."""
SMALL = Given(
    apps=[
        {"appName": "a", "group": "g", "replicas": 3, "cpu": 2, "ram": 4, "disk": 10, "gpu": 0},
        {"appName": "b", "group": "h", "replicas": 1, "cpu": 4, "ram": 4, "disk": 10, "gpu": 1},
    ],
    nodes=[
        {"sn": "n1", "cpu": 8, "ram": 16, "disk": 30, "gpu": 1, "eni": 3, "topologies": THREADS},
        {"sn": "n2", "cpu": 8, "ram": 16, "disk": 30, "gpu": 0, "eni": 2, "topologies": []},
    ],
    rule=RULE,
)
A, B = ("a", "g"), ("b", "h")
LEGAL = [Put(*A, "n1", (0, 2)), Put(*B, "n1", (1, 3, 4, 6)), Put(*A, "n2"), Put(*A, "n2")]


def test_the_cost_is_price_and_pods_beyond_the_first_and_ids_across_sockets_and_together_on_cores() -> None:
    """Written out by hand."""
    assert violations(SMALL, LEGAL) == []
    assert cost(SMALL, LEGAL) == {"price": 10 + 16 + 16 + 16 + 16, "beyond": 1, "across": 2, "together": 0}
    together = [Put(*A, "n1", (0, 1)), *LEGAL[1:]]
    assert cost(SMALL, together)["together"] == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (LEGAL[:3], "('a', 'g') has 2 pods, not 3"),
        ([*LEGAL, LEGAL[2]], "('a', 'g') has 4 pods, not 3"),
        ([*LEGAL, Put("c", "i", "n2")], "('c', 'i') is no app"),
        ([*LEGAL[:3], Put(*A, "n3")], "n3 is no node"),
        ([*LEGAL[:1], Put(*B, "n2"), *LEGAL[2:]], "n2: gpu of its pods is 1, above 0"),
        ([*LEGAL[:1], Put(*B, "n2"), *LEGAL[2:]], "n2: has 3 pods, above 2"),
        ([*LEGAL[:2], Put(*A, "n1", (5, 7)), Put(*A, "n1", (5,))], "n1: has 3 pods of g, above 2"),
        ([*LEGAL[:2], Put(*A, "n1", (5, 7)), Put(*A, "n1", (5,))], "n1: cpu of its pods is 10, above 8"),
        ([*LEGAL[:2], Put(*A, "n1", (5, 7)), Put(*A, "n1", (5,))], "n1: gives CPU id 5 to 2"),
        ([*LEGAL[:2], Put(*A, "n1", (5, 7)), Put(*A, "n1", (5,))], "n1: gives a of g 1 CPU ids"),
        ([Put(*A, "n1", (0, 9)), *LEGAL[1:]], "n1: has no CPU id 9"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_told(answer: list[Put], problem: str) -> None:
    """Each of rules 1 to 4."""
    assert problem in violations(SMALL, answer)


def test_a_group_with_few_replicas_has_one_pod_on_a_node() -> None:
    """Groups of at most two, here."""
    few = SMALL._replace(apps=[{**SMALL.apps[0], "replicas": 2}])
    assert violations(few, [Put(*A, "n2"), Put(*A, "n2")]) == ["n2: has 2 pods of g, above 1"]


@settings(deadline=None, derandomize=True)
@given(
    sockets=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=2),
    wanted=st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_cpu_ids_cost_no_more_than_the_best_of_all_ways(sockets: list[tuple[int, int]], wanted: list[int]) -> None:
    """(cores, ids per core) per socket, against every order of up to seven ids cut into the pods' shares."""
    places = [(each, core) for each, (cores, ids) in enumerate(sockets) for core in range(cores) for _ in range(ids)]
    assume(sum(wanted) <= len(places) <= 7)
    threads = [Thread(cpu=cpu, core=core, socket=socket) for cpu, (socket, core) in enumerate(places)]
    node = {"sn": "n", "cpu": 9, "ram": 9, "disk": 9, "gpu": 0, "eni": 9}
    topology = [{"cpu": each.cpu, "core": each.core, "socket": each.socket} for each in threads]
    apps = [{"appName": f"a{pod}", "group": f"g{pod}", "replicas": 1, "cpu": ids} for pod, ids in enumerate(wanted)]
    apps = [{**app, "ram": 0, "disk": 0, "gpu": 0} for app in apps]
    case = Given(apps, [{**node, "topologies": topology}], RULE)

    def put(shares: list[tuple[int, ...]]) -> list[Put]:
        return [Put(f"a{pod}", f"g{pod}", "n", ids) for pod, ids in enumerate(shares)]

    def cut(order: tuple[int, ...]) -> list[tuple[int, ...]]:
        ends = [sum(wanted[: pod + 1]) for pod in range(len(wanted))]
        return [order[end - ids : end] for end, ids in zip(ends, wanted, strict=True)]

    found = put(assign(threads, wanted))
    assert violations(case, found) == []
    best = min(sum(cost(case, put(cut(order))).values()) for order in permutations(range(len(places))))
    assert sum(cost(case, found).values()) == best


def test_a_set_is_solved_checked_and_priced(tmp_path: Path) -> None:
    """Nine pods of a group, and one that takes four ids where a socket has two cores."""
    folder = tmp_path / "tianchi2020-container-layout"
    folder.mkdir()
    node = {"nodeModelName": "m", "disk": 100, "gpu": 0, "eni": 5, "topologies": THREADS}
    nodes = [{"sn": f"n{place}", "cpu": 8, "ram": 16 + 8 * (place > 4), **node} for place in range(8)]
    apps = [{**SMALL.apps[0], "replicas": 9}, {**SMALL.apps[1], "gpu": 0}]
    for name in ("data_1", "data_2"):
        for part, value in (("schedule.app", apps), ("schedule.node", nodes), ("rule", RULE)):
            (folder / f"{name}.{part}.json.xz").write_bytes(lzma.compress(json.dumps(value).encode()))
    [row] = pack.run(Options(set="tianchi2020/data_1", data=tmp_path, time_limit=20.0))["instances"]
    assert (row["name"], row["objective"], row["verified"]) == ("data_1/schedule", 5 * 32 + 4 + 2, True)
    assert (row["parts"]["price"], row["parts"]["beyond"]) == (160, 4)
    assert row["bound"] <= 160
