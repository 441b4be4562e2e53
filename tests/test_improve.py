"""Improving: what is left of a limit lowers pack, and breaks nothing."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_cluster

import placer as pl
from placer.encode.tiers import encode_tiers
from placer.engine import place, prepare
from placer.goals import parse_goals

STEPS = 200


def told(solution: pl.Solution) -> dict[str, Any]:
    """All that a solution says but how long it took."""
    return {key: value for key, value in solution.to_dict().items() if key not in ("statistics", "limits", "stopped")}


def gaps(groups: int = 40) -> pl.Cluster:
    """Nodes that placing fills in a way that leaves gaps: requests of thirds and of quarters and more."""
    pods = [pl.Pod(f"p{row}", cpu=f"{300 + 37 * (row * row % 17)}m", memory=1 + row % 3) for row in range(groups * 4)]
    return pl.Cluster([pl.Node(f"n{row}", cpu=2, memory=16) for row in range(groups * 2)], pods)


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 24), st.sampled_from(["pack", "2*pack", "balance"]))
@settings(max_examples=150)
def test_improving_is_legal_leaves_no_pod_out_and_never_costs_more(seed, nodes, pods, goal):
    cluster = random_cluster(seed, nodes, pods)
    before = pl.solve(cluster, goals=[goal])

    after = pl.solve(cluster, goals=[goal], steps=STEPS, seed=seed)

    assert pl.verify(cluster, after) == []
    assert len(after.unplaced) <= len(before.unplaced)
    assert len(after.unplaced) < len(before.unplaced) or after.objective[goal] <= before.objective[goal] + 1e-9


@given(st.integers(0, 10**6), st.integers(1, 60))
@settings(max_examples=30)
def test_equal_seeds_and_steps_give_equal_answers(seed, steps):
    cluster = random_cluster(seed, 8, 24)

    assert told(pl.solve(cluster, steps=steps, seed=seed)) == told(pl.solve(cluster, steps=steps, seed=seed))


def test_a_search_until_no_move_helps_uses_fewer_nodes():
    cluster = gaps()
    before = pl.solve(cluster)

    after = pl.solve(cluster, steps=STEPS)

    assert pl.verify(cluster, after) == []
    assert after.objective["pack"] < before.objective["pack"]
    assert after.stopped == "done"


def test_pods_are_moved_from_a_dear_node_to_a_cheap_one_in_exchange_for_smaller_ones():
    nodes = [pl.Node("cheap", cpu=4, price=1), pl.Node("dear", cpu=4, price=9)]
    rigid = pl.Pod("stays", cpu=1, node="cheap")
    cluster = pl.Cluster(nodes, [rigid, pl.Pod("a", cpu=2), pl.Pod("b", cpu=1)])

    solution = pl.solve(cluster, steps=STEPS)

    assert {binding.node for binding in solution.bindings} == {"cheap"}


def test_pods_that_stand_stay():
    nodes = [pl.Node("a", cpu=4), pl.Node("b", cpu=4)]
    cluster = pl.Cluster(nodes, [pl.Pod("x", cpu=1, node="a"), pl.Pod("y", cpu=1, node="b"), pl.Pod("z", cpu=1)])

    solution = pl.solve(cluster, steps=STEPS)

    assert [binding.pod for binding in solution.bindings] == ["default/z"]
    assert solution.objective["pack"] == 2


def test_without_a_limit_and_for_other_goals_there_is_no_search():
    cluster = gaps(4)

    assert "improve" not in pl.solve(cluster).statistics
    assert "improve" not in pl.solve(cluster, goals=["balance", "pack"], steps=STEPS).statistics
    assert "improve" not in pl.solve(cluster, goals=["pack+balance"], steps=STEPS).statistics


def test_the_statistics_say_what_the_search_did():
    known = pl.solve(gaps(), goals=["pack", "balance"], steps=STEPS).statistics["improve"]

    assert set(known) == {"steps", "moves_tried", "moves_kept", "moves_per_s"}
    assert known["moves_tried"] > known["moves_kept"] > 0
    assert known["steps"] > 0


def test_steps_end_the_search():
    cluster = gaps()
    enough = pl.solve(cluster, steps=STEPS)
    families = pl.solve(cluster, steps=1).statistics

    assert "improve" not in families
    searched = (s for s in (pl.solve(cluster, steps=steps) for steps in range(1, 500)) if "fill" in s.statistics)
    short = next(s for s in searched if s.stopped == "step_limit")
    assert short.statistics["fill"]["neighbourhoods"] <= enough.statistics["fill"]["neighbourhoods"]
    assert short.unplaced == []


def test_a_time_limit_ends_the_search_in_time():
    cluster = gaps(2000)
    pl.solve(gaps(4), time_limit=60)
    started = time.monotonic()

    solution = pl.solve(cluster, time_limit=1.5)

    assert time.monotonic() - started < 2.5
    assert solution.stopped in ("time_limit", "done")
    assert solution.unplaced == []
    assert pl.verify(cluster, solution) == []


def test_a_stop_event_ends_the_search_with_all_pods_placed():
    cluster, stop = gaps(400), threading.Event()

    solution = pl.solve(
        cluster,
        time_limit=60,
        stop=stop,
        progress=lambda stage, done, total: stop.set() if stage in ("fill", "improve") else None,
    )

    assert solution.stopped == "interrupted"
    assert solution.unplaced == []
    assert pl.verify(cluster, solution) == []


@pytest.mark.parametrize("seed", [-1, 0, 2**70])
def test_any_integer_is_a_seed(seed):
    assert pl.solve(gaps(4), steps=STEPS, seed=seed).unplaced == []


@pytest.mark.parametrize("steps", [2, 9, 16])
def test_families_that_wait_for_one_another_do_not_turn_few_steps_into_endless_ones(steps):
    cluster = random_cluster(2, 4, 12)
    encoded, goals = encode_tiers(cluster, parse_goals("balance"))

    assert place(prepare(cluster, encoded, goals), steps=steps) >= 0
    assert pl.solve(cluster, goals=["balance"], steps=steps, time_limit=20).stopped == "step_limit"
