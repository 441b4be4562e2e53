"""Peers: what the model comes to, and what becomes of one that does not end in time."""

from __future__ import annotations

import pytest

import placer as pl
from bench.peers import apart, by_model, first_fit_decreasing
from bench.peers_model import CpSat, Highs

LONG = 60.0


def three_nodes() -> pl.Cluster:
    """Two nodes at 1 and one at 5; first fit decreasing needs all, the best answer the two cheap ones."""
    nodes = [pl.Node("dear", cpu=10, price=5), pl.Node("n1", cpu=10), pl.Node("n2", cpu=10)]
    return pl.Cluster(nodes, [pl.Pod("six", replicas=2, cpu=6), pl.Pod("four", replicas=2, cpu=4)])


def test_first_fit_decreasing_takes_nodes_as_they_come() -> None:
    """Largest first: six and four on the dear node, the same again on the next."""
    answer = first_fit_decreasing(three_nodes(), LONG)
    assert (answer.unplaced, answer.pack) == (0, 6)


@pytest.mark.parametrize("solver", [CpSat, Highs])
def test_the_model_finds_the_best_answer_of_a_small_cluster(solver: type[CpSat] | type[Highs]) -> None:
    """All pods on the two cheap nodes."""
    answer = by_model(three_nodes(), solver(), LONG)
    assert (answer.unplaced, answer.pack) == (0, 2)


@pytest.mark.parametrize("solver", [CpSat, Highs])
def test_the_model_leaves_the_least_important_out_and_counts_what_stands(solver: type[CpSat] | type[Highs]) -> None:
    """One place for two pods; the node in use costs, whoever is on it."""
    nodes = [pl.Node("n1", cpu=10), pl.Node("n2", cpu=1, price=3)]
    pods = [pl.Pod("stands", cpu=1, node="n2"), pl.Pod("low", cpu=10), pl.Pod("high", cpu=10, priority=1)]
    pods.append(pl.Pod("never", cpu=20, priority=2))
    answer = by_model(pl.Cluster(nodes, pods), solver(), LONG)
    assert (answer.unplaced, answer.pack) == (2, 4)


@pytest.mark.parametrize("solver", [CpSat, Highs])
def test_a_model_that_is_not_built_in_time_says_how_far_it_came(solver: type[CpSat] | type[Highs]) -> None:
    """The first look at the clock is after the first pod."""
    answer = by_model(three_nodes(), solver(), 0.0)
    assert (answer.unplaced, answer.note) == (None, "3 of 12 literals were written within the time")


def test_a_peer_apart_comes_to_what_it_comes_to_here() -> None:
    """In a process of its own, loaded before its time begins."""
    assert apart("first fit decreasing", three_nodes(), LONG)[:2] == (0, 6)


def test_a_peer_that_does_not_end_in_time_is_ended() -> None:
    """No solver is done in a hundred-thousandth of a second."""
    answer = apart("HiGHS", three_nodes(), 1e-5)
    assert answer.unplaced is None
    assert answer.note in (
        "was ended: it did not stop within its time",
        "3 of 12 literals were written within the time",
    )
