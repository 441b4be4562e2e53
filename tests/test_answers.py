"""Answers on the way: each better than the one before, with what is proven of it, whenever it is looked at."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_cluster
from test_improve import gaps

import placer as pl
from placer import filling, prove, rounds
from placer.answers import Answer, preferred

STEPS = 600
one_goal = st.sampled_from(["pack", "balance", "preferences"])

MANY = 2000
"""Steps that are enough for nodes to be filled, and then emptied."""


@pytest.fixture
def large(monkeypatch) -> pl.Cluster:
    """Taken as too large for a proof to the end and for patterns, and searched in several cells."""
    monkeypatch.setattr(rounds, "CELL", 8)
    monkeypatch.setattr(prove, "MOST_CELLS", 0)
    monkeypatch.setattr(filling, "MOST_PODS", 0)
    return gaps()


def watched(cluster: pl.Cluster, **asked) -> tuple[list[Answer], pl.Solution]:
    found: list[Answer] = []
    solution = pl.solve(cluster, on_answer=found.append, **asked)
    return found, solution


@given(
    st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 24), st.sampled_from(["pack", "balance", "preferences"])
)
@settings(max_examples=30)
def test_the_last_answer_is_the_solution_and_each_is_better_than_the_one_before(seed, nodes, pods, goal):
    cluster = random_cluster(seed, nodes, pods)

    found, solution = watched(cluster, goals=goal, steps=16)

    assert found[-1].objective == solution.objective
    assert found[-1].solution.bindings == solution.bindings
    for before, after in pairwise(found):
        assert preferred(before.solution, after.solution) is after.solution
        assert before.seconds <= after.seconds


def test_answers_may_be_looked_at_when_all_is_over(large):
    found, _ = watched(large, goals=["pack", "balance"], steps=MANY, prove=True)

    assert len(found) > 2
    for answer in found:
        assert pl.verify(large, answer.solution) == []
        assert answer.solution.objective == pytest.approx(answer.objective)
        assert (answer.solution.bound, answer.solution.gap) == (answer.bound, answer.gap)


def test_the_gap_closes_as_answers_get_better(large):
    found, solution = watched(large, steps=STEPS, prove=True)

    gaps_seen = [answer.gap for answer in found]
    assert gaps_seen == sorted(gaps_seen, reverse=True)
    assert gaps_seen[0] > gaps_seen[-1] == solution.gap
    assert all(0 < answer.bound["pack"] <= answer.objective["pack"] for answer in found)


def test_no_bounds_are_told_where_none_were_asked_for():
    found, _ = watched(gaps(), steps=STEPS)

    assert {(answer.bound, answer.gap) for answer in found} == {(None, None)}


def test_a_proof_is_told_with_its_answer():
    nodes = [pl.Node("a", cpu=6, price=5), pl.Node("b", cpu=5, price=2), pl.Node("c", cpu=5, price=2)]
    cluster = pl.Cluster(nodes, [pl.Pod(f"p{cpu}{row}", cpu=cpu) for row in range(2) for cpu in (3, 2)])

    found, solution = watched(cluster, prove=True)

    assert (found[-1].gap, found[-1].objective) == (0.0, solution.objective)


def test_a_gap_ends_the_search_on_a_large_problem_as_soon_as_it_is_reached(large):
    full = pl.solve(large, steps=MANY, prove=True)
    wide = (3 * pl.solve(large, prove=True).gap + full.gap) / 4

    solution = pl.solve(large, steps=MANY, gap=wide)

    assert solution.stopped == "gap_limit"
    assert full.gap <= solution.gap <= wide
    assert solution.statistics.get("improve", {"steps": 0})["steps"] < full.statistics["improve"]["steps"]
    assert pl.verify(large, solution) == []


def test_there_is_no_search_where_placing_is_close_enough(large):
    solution = pl.solve(large, time_limit=60, gap=0.9)

    assert solution.stopped == "gap_limit"
    assert "improve" not in solution.statistics


def test_there_is_no_search_where_placing_has_reached_the_bound():
    cluster = pl.Cluster([pl.Node(f"n{row}", cpu=2) for row in range(6000)], [pl.Pod("p", replicas=6000, cpu=1)])

    solution = pl.solve(cluster, time_limit=60, prove=True)

    assert (solution.status, solution.stopped, solution.gap) == ("optimal", "done", 0.0)
    assert "improve" not in solution.statistics


def test_an_interrupt_from_an_answer_gives_that_answer():
    cluster, stop, found = gaps(), threading.Event(), []

    def first_better(answer: Answer) -> None:
        found.append(answer)
        if len(found) == 2:
            stop.set()

    solution = pl.solve(cluster, steps=STEPS, stop=stop, on_answer=first_better)

    assert solution.stopped == "interrupted"
    assert solution.objective["pack"] <= found[1].objective["pack"] < found[0].objective["pack"]
    assert pl.verify(cluster, solution) == []


def test_what_on_answer_raises_ends_the_run():
    def refuse(answer: Answer) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        pl.solve(gaps(), steps=STEPS, on_answer=refuse)
