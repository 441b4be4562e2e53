"""Decisions pod by pod against kube-scheduler: its recorded ones, and the reference on drawn clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from reference.kubernetes.draw import FAMILIES, draw_case
from reference.kubernetes.schedule import decide_all

import placer as pl
from bench.kube_oracle import CASES, KINDS, decide, objects_of, read_cases, view
from placer.decisions import Decisions
from placer.model.profile import KUBERNETES

RECORDED = sorted({file.name.rsplit("-", 1)[0] for file in CASES.glob("*.json.gz")})
SEEDS = range(100, 105)


def differences(case: Mapping[str, Any], expected: list[dict[str, Any]]) -> list[str]:
    return [
        f"{case['name']} {wanted['pod']} {kind}: expected {view(wanted, kind)}, got {view(got, kind)}"
        for wanted, got in zip(expected, decide(case), strict=True)
        for kind in KINDS
        if view(wanted, kind) != view(got, kind)
    ]


@pytest.mark.parametrize("family", RECORDED)
def test_every_recorded_decision_is_equal(family):
    files = [file for file in sorted(CASES.glob(f"{family}-*.json.gz")) if file.name.rsplit("-", 1)[0] == family]
    cases = [case for file in files for case in read_cases(file)]
    assert cases
    assert [text for case in cases for text in differences(case, case["expected"])] == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_decisions_on_drawn_clusters_are_the_references(family, seed):
    case = draw_case(seed, family)
    assert differences(case, decide_all(case)) == []


def rows_of(cluster: pl.Cluster, case: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    names = [pod["metadata"] for pod in case["cluster"]["pending"]]
    return np.array(
        [cluster.pod_table.index(f"{m.get('namespace') or 'default'}/{m['name']}") for m in names], np.int32
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_runs_of_equal_pods_end_where_deciding_one_by_one_does(family):
    for seed in range(8):
        case = draw_case(seed, family)
        for kind, copies in (("pending", 3), ("pods", 1)):
            if kind == "pending":
                case["cluster"][kind] = [
                    {**pod, "metadata": {**pod["metadata"], "name": f"{pod['metadata']['name']}-{copy}"}}
                    for pod in case["cluster"][kind]
                    for copy in range(copies)
                ]
        one_by_one = {each["pod"]: each.get("node") for each in decide(case)}
        cluster = pl.Cluster.from_kubernetes(objects_of(case["cluster"]))
        decisions = Decisions(cluster, KUBERNETES, rows_of(cluster, case))
        assert decisions.decide_all()
        log, row = decisions.run.log, decisions.encoded.problem.nodes.row
        lines = int(log.lines[0])
        pods = decisions.run.pod_of_slot[log.slot[:lines]].tolist()
        together = {
            cluster.pod_table.key(pod): cluster.node_table.names[row[node]]
            for pod, node in zip(pods, log.node[:lines].tolist(), strict=True)
        }
        assert together == {pod: node for pod, node in one_by_one.items() if node}


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_by_the_exact_profile_and_beside_it_by_goals_verify(family):
    for seed in range(6):
        cluster = pl.Cluster.from_kubernetes(objects_of(draw_case(seed, family)["cluster"]))
        exact = pl.solve(cluster, profile="kubernetes")
        assert pl.verify(cluster, exact) == []
        goals = pl.solve(cluster, profile="kubernetes", goals=["pack"])
        assert pl.verify(cluster, goals) == []
        both = goals.statistics["beside"]
        assert both["kubernetes"]["unplaced"] == exact.objective["unplaced"]
        assert both["goals"]["unplaced"] == goals.objective["unplaced"]


def test_a_pod_of_higher_priority_takes_the_place_of_a_lower_one():
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=4, pods=9)], [pl.Pod("low", cpu=3, node="n1"), pl.Pod("high", cpu=2, priority=1)]
    )
    solution = pl.solve(cluster, profile="kubernetes")
    assert [tuple(one) for one in solution.evictions] == [("default/low", "n1", "default/high")]
    assert [(one.pod, one.node) for one in solution.bindings] == [("default/high", "n1")]
    assert pl.verify(cluster, solution) == []


def test_a_pod_bound_in_the_run_and_evicted_in_it_is_bound_first():
    from placer.model.profile import Profile

    pods = [pl.Pod("low", cpu=3, scheduler_name="one"), pl.Pod("high", cpu=3, priority=0, scheduler_name="two")]
    cluster = pl.Cluster([pl.Node("n1", cpu=4, pods=9)], pods)
    solution = pl.solve(cluster, profile=[Profile(scheduler_name="one"), Profile(scheduler_name="two")])
    assert [one.pod for one in solution.bindings] == ["default/low"]
    assert [one.pod for one in solution.unplaced] == ["default/high"]
    assert pl.verify(cluster, solution) == []


def test_preemption_never_is_said():
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=1, pods=9)],
        [pl.Pod("low", cpu=1, node="n1"), pl.Pod("high", cpu=1, priority=1, preemption_policy="Never")],
    )
    (left,) = pl.solve(cluster, profile="kubernetes").unplaced
    assert left.message == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."
    )


def test_steps_stop_after_so_many_pods():
    cluster = pl.Cluster([pl.Node("n1", cpu=9, pods=9)], [pl.Pod("web", replicas=5, cpu=1)])
    solution = pl.solve(cluster, profile="kubernetes", steps=2)
    assert (len(solution.bindings), solution.stopped) == (2, "step_limit")


def test_recorded_cases_are_here():
    assert len(RECORDED) == 21


def test_a_nominated_pod_takes_the_node_where_room_was_made_for_it():
    nodes = [pl.Node("n1", cpu=4, memory="4Gi", pods=9), pl.Node("n2", cpu=8, memory="8Gi", pods=9)]
    cluster = pl.Cluster(nodes, [pl.Pod("high", cpu=2, priority=1, nominated="n1")])
    assert [one.node for one in pl.solve(cluster, profile="kubernetes").bindings] == ["n1"]


def test_room_for_a_nominated_pod_is_left_to_it():
    nodes = [pl.Node("n1", cpu=4, memory="4Gi", pods=9), pl.Node("n2", cpu=3, memory="2Gi", pods=9)]
    pods = [pl.Pod("first", cpu=2, priority=1), pl.Pod("second", cpu=3, priority=1, nominated="n1")]
    solution = pl.solve(pl.Cluster(nodes, pods), profile="kubernetes")
    assert {one.pod: one.node for one in solution.bindings} == {"default/first": "n2", "default/second": "n1"}


def test_a_pod_of_higher_priority_does_not_wait_for_a_nominated_one():
    nodes = [pl.Node("n1", cpu=4, memory="4Gi", pods=9)]
    pods = [pl.Pod("first", cpu=2, priority=2), pl.Pod("second", cpu=3, priority=1, nominated="n1")]
    solution = pl.solve(pl.Cluster(nodes, pods), profile="kubernetes")
    assert [one.pod for one in solution.bindings] == ["default/first"]
