"""solve(): the same answer each time, whatever stops it, and from many threads at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_cluster

import placer as pl

GOALS = (["pack"], ["balance+headroom"], ["fragmentation", "pack"], ["preferences"])


def told(solution: pl.Solution) -> dict[str, Any]:
    """All that a solution says but how long it took."""
    return {key: value for key, value in solution.to_dict().items() if key != "statistics"}


def many(pods: int = 3000) -> pl.Cluster:
    """A cluster whose pods are of many families, so that limits have something to cut."""
    nodes = [pl.Node(f"n{row}", cpu=16, memory=64) for row in range(pods // 20)]
    return pl.Cluster(nodes, [pl.Pod(f"p{row}", cpu=f"{100 + row % 1500}m", memory=1 + row % 3) for row in range(pods)])


@given(st.integers(0, 10**6), st.sampled_from(GOALS))
@settings(max_examples=40)
def test_the_same_input_has_the_same_answer(seed, goals):
    one = pl.solve(random_cluster(seed, 6, 12), goals=goals, seed=7)
    other = pl.solve(random_cluster(seed, 6, 12), goals=goals, seed=7)

    assert told(one) == told(other)


def test_the_answer_says_the_seed_and_the_limits():
    solution = pl.solve(many(100), seed=42, time_limit=60, steps=10**6)

    assert solution.to_dict()["seed"] == 42
    assert solution.to_dict()["limits"] == {"time_limit": 60, "steps": 10**6}
    assert solution.stopped == "done"


def test_a_time_limit_that_is_over_at_once_returns_a_legal_part():
    cluster = many()

    solution = pl.solve(cluster, time_limit=1e-9)

    assert solution.stopped == "time_limit"
    assert pl.verify(cluster, solution) == []
    assert len(solution.bindings) + len(solution.unplaced) == 3000


def test_a_stop_event_ends_the_run_with_a_legal_part():
    cluster, stop = many(), threading.Event()

    solution = pl.solve(cluster, stop=stop, progress=lambda stage, done, total: stop.set() if done > 1 else None)

    assert solution.stopped == "interrupted"
    assert pl.verify(cluster, solution) == []
    assert 0 < len(solution.bindings) < 3000
    assert {each.message for each in solution.unplaced} == {"not looked at before the run was stopped (interrupted)"}


def test_a_stop_event_set_before_places_nothing():
    stop = threading.Event()
    stop.set()

    solution = pl.solve(many(100), stop=stop)

    assert (solution.stopped, len(solution.bindings)) == ("interrupted", 0)


@pytest.mark.parametrize("steps", [1, 10, 700])
def test_a_limit_in_steps_cuts_at_the_same_place_each_time(steps):
    cluster = many()

    one, other = pl.solve(cluster, steps=steps), pl.solve(many(), steps=steps)

    assert one.stopped == "step_limit"
    assert told(one) == told(other)
    assert pl.verify(cluster, one) == []
    assert 0 < len(one.bindings) < 3000


def test_more_steps_place_no_fewer_pods():
    placed = [len(pl.solve(many(), steps=steps).bindings) for steps in (1, 100, 1000)]

    assert placed == sorted(placed)


def test_steps_that_suffice_are_no_limit():
    cluster = many(100)

    limited = told(pl.solve(cluster, steps=10**6))

    assert {**limited, "limits": {}} == told(pl.solve(cluster))


def test_require_all_raises_with_the_first_pod_and_its_reason():
    cluster = pl.Cluster([pl.Node("n", cpu=1)], [pl.Pod("a", cpu=1), pl.Pod("b", cpu=2)])

    with pytest.raises(pl.InfeasibleError, match=r"1 pods stay unplaced, first default/b: .*Insufficient cpu"):
        pl.solve(cluster, require_all=True)


def test_require_all_returns_where_all_are_placed():
    cluster = pl.Cluster([pl.Node("n", cpu=3)], [pl.Pod("a", cpu=1), pl.Pod("b", cpu=2)])

    assert len(pl.solve(cluster, require_all=True).bindings) == 2


def test_many_threads_at_once_have_the_answers_of_one():
    seeds = range(16)
    alone = [told(pl.solve(random_cluster(seed, 6, 12))) for seed in seeds]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda seed: told(pl.solve(random_cluster(seed, 6, 12))), seeds))

    assert together == alone


def test_threads_that_share_a_cluster_have_one_answer():
    cluster = many(500)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: told(pl.solve(cluster)), range(4)))

    assert answers == [told(pl.solve(cluster))] * 4


def test_the_cluster_is_not_changed():
    cluster = random_cluster(3, 6, 12)
    before = cluster.digest

    pl.solve(cluster)

    assert cluster.digest == before
    assert pl.Cluster(list(cluster.nodes), list(cluster.pods), cluster.namespaces).digest == before


def test_an_empty_cluster_has_an_empty_answer():
    solution = pl.solve(pl.Cluster([], []))

    assert (list(solution.bindings), list(solution.unplaced)) == ([], [])
    assert solution.objective == {"unplaced": 0, "pack": 0}


def test_without_nodes_every_pod_stays_out():
    solution = pl.solve(pl.Cluster([], [pl.Pod("a", cpu=1, spread="zone"), pl.Pod("b", gpu=1)]))

    assert [(each.pod, each.message) for each in solution.unplaced] == [
        ("default/a", "no nodes available to schedule pods"),
        ("default/b", "no nodes available to schedule pods"),
    ]


def test_without_pods_there_is_nothing_to_do():
    solution = pl.solve(pl.Cluster([pl.Node("n", cpu=1)], []))

    assert (list(solution.bindings), list(solution.unplaced)) == ([], [])


@pytest.mark.parametrize("goals", GOALS)
@pytest.mark.parametrize("part", ["nothing", "no nodes", "no pods", "only standing"])
def test_nothing_to_place_is_no_error_under_any_goal(goals, part):
    full = random_cluster(8, 3, 6)
    nodes = [] if part in ("nothing", "no nodes") else list(full.nodes)
    pods = {"no nodes": list(full.pods), "only standing": [pl.Pod("s", cpu=1, node="n0")]}.get(part, [])

    solution = pl.solve(pl.Cluster(nodes, pods, full.namespaces), goals=goals)

    assert list(solution.bindings) == []


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"time_limit": 0}, "solve: time_limit is 0: give a number above 0, or leave it out"),
        ({"steps": -1}, "solve: steps is -1: give a number above 0, or leave it out"),
        ({"threads": 0}, "solve: threads is 0: give a number above 0, or leave it out"),
        ({"time_limit": float("nan")}, "solve: time_limit is nan: give a number above 0, or leave it out"),
        ({"time_limit": "10"}, "solve: time_limit is '10': give a number above 0, or leave it out"),
        ({"steps": 1.5}, r"solve: steps is 1\.5: give a whole number above 0, or leave it out"),
        ({"threads": True}, "solve: threads is True: give a number above 0, or leave it out"),
        ({"gap": "1%"}, "solve: gap is '1%': give 0 or a number above, or leave it out"),
        ({"on_answer": 3}, "solve: on_answer is 3: give a function of one answer, or leave it out"),
    ],
)
def test_limits_must_be_above_0(limits, message):
    with pytest.raises(pl.InputError, match=message):
        pl.solve(pl.Cluster([], []), **limits)


def test_replicas_whose_volumes_lie_in_different_zones_take_turns_under_one_spread_constraint():
    zones = ["a", "b", "c"]
    nodes = [pl.Node(f"n{zone}", cpu=20, labels={"topology.kubernetes.io/zone": zone}) for zone in zones]

    def volume(replica: int) -> pl.Volume:
        zone = pl.Requirement(key="topology.kubernetes.io/zone", operator="In", values=(zones[replica % 3],))
        return pl.Volume(name=f"data-{replica}", topology=(pl.NodeSelectorTerm(match_expressions=(zone,)),))

    pods = [
        pl.Pod(f"db-{replica}", cpu=1, labels={"app": "db"}, spread="zone", volumes=(volume(replica),))
        for replica in range(30)
    ]
    cluster = pl.Cluster(nodes, pods)

    solution = pl.solve(cluster)

    assert len(solution.bindings) == 30
    assert pl.verify(cluster, solution) == []
