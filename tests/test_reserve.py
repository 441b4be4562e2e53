"""Reserves: what stands in any one node, rack or zone fits elsewhere if it fails; each is taken away and looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import brute_force_best, failing
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.errors import UsageError
from placer.solution import Binding, Solution

ZONE, RACK, HOST = "topology.kubernetes.io/zone", "topology.kubernetes.io/rack", "kubernetes.io/hostname"
UNITS_KNOWN = ALL_RULES - {"devices", "numa"}
"""Which units a standing pod that names none holds depends on the others: the reference has no such pods."""


def zones(each: int, *names: str, **fields: Any) -> list[pl.Node]:
    return [
        pl.Node(f"{zone}{row}", labels={ZONE: zone}, **{"cpu": 4, "memory": "8Gi", **fields})
        for zone in names
        for row in range(each)
    ]


def places(cluster: pl.Cluster, solution: pl.Solution) -> dict[str, str]:
    return {binding.pod: binding.node for binding in solution.bindings}


def assert_holds(cluster: pl.Cluster, solution: pl.Solution, key: str) -> None:
    """Each domain is taken away, and what stood there arrives where it is said to go, by the slow reference."""
    assert pl.verify(cluster, solution) == []
    pods = failing.final(cluster, solution)
    named = {each.pod: (each.node, each.devices) for each in solution.failover}
    for nodes in failing.domains(cluster, key).values():
        after, have_to_move = failing.without(cluster, pods, nodes)
        here = {f"{pod.namespace}/{pod.name}" for pod in pods if pod.node in nodes}
        moved = {key: place for key, place in named.items() if key in here}
        assert set(moved) == have_to_move
        assert failing.arrive(after, moved) == []


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([ZONE, RACK, HOST]), st.sampled_from([True, False]))
def test_whatever_the_rules_each_domain_may_fail(seed, key, fresh):
    rules = ALL_RULES - {"standing"} if fresh else UNITS_KNOWN
    cluster = random_cluster(seed, 3 + seed % 4, 3 + seed % 11, rules)

    try:
        solution = pl.solve(cluster, reserve=key)
    except (pl.InfeasibleError, pl.InputError):
        return  # what stands breaks it by itself, or no two domains have nodes: the next test, and the last

    assert_holds(cluster, solution, key)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([ZONE, RACK, HOST]))
def test_only_a_reserve_that_what_stands_breaks_by_itself_is_infeasible(seed, key):
    cluster = random_cluster(seed, 2 + seed % 4, 3 + seed % 6, UNITS_KNOWN)

    try:
        pl.solve(cluster, reserve=key)
        return
    except pl.InputError:
        return
    except pl.InfeasibleError as error:
        assert "even with nothing placed" in str(error)

    lost = []
    for nodes in failing.domains(cluster, key).values():
        after, have_to_move = failing.without(cluster, list(cluster.pods), nodes)
        left = [pod for pod in after.pods if pod.node or f"{pod.namespace}/{pod.name}" in have_to_move]
        lost.append(len(have_to_move) - brute_force_best(pl.Cluster(after.nodes, left, cluster.namespaces)))
    assert max(lost) > 0


def test_pods_are_left_out_until_a_zone_may_fail_the_least_important_first():
    cluster = pl.Cluster(
        zones(2, "a", "b", "c"), [pl.Pod("web", replicas=10, cpu=2), pl.Pod("vip", replicas=2, cpu=2, priority=1)]
    )

    solution = pl.solve(cluster, reserve="zone")

    assert_holds(cluster, solution, ZONE)
    assert len(solution.bindings) == 8  # four nodes of two each are left if a zone fails
    assert {"default/vip-0", "default/vip-1"} <= set(places(cluster, solution))
    assert {reason.rule for pod in solution.unplaced for reason in pod.reasons} == {"Reserve"}
    assert "failed" in solution.unplaced[0].message or "fails" in solution.unplaced[0].message


def test_the_largest_are_left_out_so_that_few_are():
    nodes = zones(1, "a", "b")
    cluster = pl.Cluster(nodes, [pl.Pod("small", replicas=4, cpu=1), pl.Pod("large", cpu=4)])

    solution = pl.solve(cluster, reserve="zone")

    assert [pod.pod for pod in solution.unplaced] == ["default/large"]


def test_one_node_may_fail():
    cluster = pl.Cluster([pl.Node(f"n{row}", cpu=4) for row in range(3)], [pl.Pod("web", replicas=12, cpu=1)])

    solution = pl.solve(cluster, reserve="node")

    assert_holds(cluster, solution, HOST)
    assert len(solution.bindings) == 8


def test_a_spread_is_judged_over_the_zones_that_are_left():
    cluster = pl.Cluster(zones(1, "a", "b", "c"), [pl.Pod("web", replicas=6, cpu=1, spread="zone")])

    solution = pl.solve(cluster, reserve="zone")

    assert len(solution.bindings) == 6
    assert_holds(cluster, solution, ZONE)


def test_replicas_that_need_every_zone_cannot_be_rescued():
    apart = pl.Pod("db", replicas=3, cpu=1, apart="zone")
    cluster = pl.Cluster(zones(2, "a", "b", "c"), [apart])

    solution = pl.solve(cluster, reserve="zone")

    assert len(solution.bindings) == 2
    assert_holds(cluster, solution, ZONE)


def test_pods_that_may_stand_nowhere_else_are_exempt():
    nodes = zones(1, "a", "b")
    pinned = pl.Pod("daemon", cpu=1, nodes=["a0"])
    chosen = pl.Pod("local", cpu=1, node_selector={ZONE: "b"})
    cluster = pl.Cluster(nodes, [pinned, chosen, pl.Pod("leaving", cpu=4, node="b0", terminating=True)])

    solution = pl.solve(cluster, reserve="zone")

    assert places(cluster, solution) == {"default/daemon": "a0"}
    assert list(solution.failover) == []
    assert solution.statistics["reserve"] == {"domains": 2, "exempt": 2}


def test_what_stands_has_a_place_elsewhere_as_well():
    cluster = pl.Cluster(zones(1, "a", "b"), [pl.Pod("old", cpu=3, node="a0"), pl.Pod("new", replicas=2, cpu=1)])

    solution = pl.solve(cluster, reserve="zone")

    assert len(solution.bindings) == 1
    assert {each.pod: each.node for each in solution.failover}["default/old"] == "b0"
    assert_holds(cluster, solution, ZONE)


def test_nodes_without_the_label_never_fail_and_take_what_others_lose():
    cluster = pl.Cluster([*zones(1, "a"), pl.Node("spare", cpu=4)], [pl.Pod("web", replicas=4, cpu=1)])

    solution = pl.solve(cluster, reserve="zone")

    assert len(solution.bindings) == 4
    assert_holds(cluster, solution, ZONE)


def test_devices_have_a_place_elsewhere():
    gpus = [{"kind": "nvidia.com/gpu", "count": 2}]
    share = [{"kind": "nvidia.com/gpu", "share": 0.6}]
    cluster = pl.Cluster(zones(1, "a", "b", devices=gpus), [pl.Pod("train", replicas=4, devices=share)])

    solution = pl.solve(cluster, reserve="zone")

    assert len(solution.bindings) == 2
    assert all(each.devices for each in solution.failover)
    assert_holds(cluster, solution, ZONE)


def test_a_search_for_fewer_nodes_keeps_the_reserve():
    cluster = random_cluster(7, 12, 40, {"replicas", "spread", "prices"})

    solution = pl.solve(cluster, reserve="zone", steps=200, seed=1)

    assert_holds(cluster, solution, ZONE)


def test_an_answer_that_had_to_keep_more_is_not_called_optimal():
    cluster = pl.Cluster(zones(1, "a", "b"), [pl.Pod("web", replicas=6, cpu=1)])

    solution = pl.solve(cluster, reserve="zone", prove=True)

    assert len(solution.bindings) == 4
    assert solution.status == "feasible"
    assert solution.bound == {"unplaced": 0, "pack": 0}
    assert pl.verify(cluster, solution) == []


def test_an_answer_that_is_best_without_a_reserve_is_best_with_it():
    cluster = pl.Cluster(zones(1, "a", "b"), [pl.Pod("web", replicas=4, cpu=1)])

    solution = pl.solve(cluster, reserve="zone", prove=True)

    assert solution.status == "optimal"
    assert_holds(cluster, solution, ZONE)


def test_equal_runs_are_equal():
    cluster = random_cluster(3, 8, 30, UNITS_KNOWN - {"standing"})

    first, second = (pl.solve(cluster, reserve="zone").to_dict() for _ in range(2))

    assert first | {"statistics": {}} == second | {"statistics": {}}


def test_the_file_says_what_was_asked_for_and_verify_reads_it(tmp_path):
    cluster = pl.Cluster(zones(2, "a", "b", "c"), [pl.Pod("web", replicas=4, cpu=2)])
    solution = pl.solve(cluster, reserve="zone")
    solution.write(tmp_path / "answer.json")

    read = Solution.read(tmp_path / "answer.json")

    assert read.reserve == ZONE
    assert read.to_dict() == solution.to_dict()
    assert pl.verify(cluster, read) == []


def test_a_file_without_the_fields_is_read():
    document = pl.solve(pl.Cluster(zones(1, "a"), [pl.Pod("web", cpu=1)])).to_dict()
    for field in ("reserve", "failover", "buffers", "room", "unmet"):
        del document[field]

    read = Solution.from_dict(document)

    assert (read.reserve, list(read.failover), list(read.buffers)) == (None, [], [])


def crowded() -> tuple[pl.Cluster, pl.Solution]:
    """Two zones of which the first holds more than the second has room for."""
    cluster = pl.Cluster(zones(1, "a", "b"), [pl.Pod("web", replicas=5, cpu=1)])
    solution = pl.solve(cluster)
    return cluster, replace(solution, reserve=ZONE)


def test_verify_names_the_domain_and_the_pods_that_do_not_fit():
    cluster, solution = crowded()

    violations = pl.verify(cluster, solution)

    assert [each.rule for each in violations] == ["Reserve", "Reserve"]
    assert f"if {ZONE}=a failed, 1 of 4 pods would not fit elsewhere" in violations[0].message
    assert "no node has room for it" in violations[0].message
    assert f"if {ZONE}=b failed, 1 of 1 pods would not fit elsewhere" in violations[1].message


def test_verify_finds_places_itself_where_none_are_named():
    cluster = pl.Cluster(zones(2, "a", "b", "c"), [pl.Pod("web", replicas=6, cpu=2, spread="zone")])
    solution = pl.solve(cluster, reserve="zone")

    assert pl.verify(cluster, replace(solution, failover=[])) == []


@pytest.mark.parametrize(
    ("failover", "words"),
    [
        (Binding("default/web-0", "a1"), "leaves a pod in the domain that fails"),
        (Binding("default/nobody", "b0"), "names what the input does not have"),
        (Binding("default/web-0", "nowhere"), "names what the input does not have"),
        (Binding("default/big", "b0"), "cpu would be 5000 of 4000"),
    ],
)
def test_verify_refuses_a_place_that_is_none(failover: Binding, words: str):
    cluster = pl.Cluster(
        zones(2, "a", "b"), [pl.Pod("web", replicas=2, cpu=1, nodes=["a0", "b0"]), pl.Pod("big", cpu=4, node="a1")]
    )
    solution = replace(pl.solve(cluster), reserve=ZONE)
    kept = [Binding("default/web-1", "b0")] if failover.pod == "default/big" else []

    violations = pl.verify(cluster, replace(solution, failover=[*kept, failover]))

    assert any(words in each.message for each in violations), violations


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"reserve": "rack"}, "no node has the label 'topology.kubernetes.io/rack'"),
        ({"reserve": "zon"}, "no node has the label 'zon'"),
        ({"reserve": "region"}, "all nodes have topology.kubernetes.io/region=r"),
    ],
)
def test_a_reserve_that_makes_no_sense_is_refused(asked: dict[str, Any], words: str):
    nodes = [
        pl.Node(f"n{row}", cpu=1, labels={"topology.kubernetes.io/region": "r", ZONE: zone})
        for row, zone in enumerate("ab")
    ]

    with pytest.raises(pl.InputError, match=words):
        pl.solve(pl.Cluster(nodes, [pl.Pod("web", cpu=1)]), **asked)


def test_a_reserve_that_what_stands_breaks_is_infeasible():
    cluster = pl.Cluster(zones(1, "a", "b"), [pl.Pod("old", replicas=5, cpu=1, node="a0")])

    with pytest.raises(pl.InfeasibleError, match=f"if {ZONE}=a failed, 1 pods that stand would not fit elsewhere"):
        pl.solve(cluster, reserve="zone")


def test_a_profile_keeps_no_reserve():
    with pytest.raises(UsageError, match="give goals too"):
        pl.solve(pl.Cluster(zones(1, "a", "b"), []), profile="kubernetes", reserve="zone")


def test_all_or_nothing_counts_what_is_left_out_for_a_reserve():
    cluster = pl.Cluster(zones(1, "a", "b"), [pl.Pod("web", replicas=5, cpu=1)])

    with pytest.raises(pl.InfeasibleError, match="1 pods stay unplaced"):
        pl.solve(cluster, reserve="zone", require_all=True)
