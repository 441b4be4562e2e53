"""A warm start: the answer begins from another one, keeps what of it is legal, and is never worse."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_cluster
from test_improve import gaps, told

import placer as pl
from placer.answers import preferred
from placer.solution import Eviction, Move

STEPS = 16
one_goal = st.sampled_from(["pack", "balance", "preferences"])


def where(solution: pl.Solution) -> dict[str, str]:
    return {binding.pod: binding.node for binding in solution.bindings}


@given(
    st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 24), st.sampled_from(["pack", "balance", "preferences"])
)
@settings(max_examples=40)
def test_an_answer_that_nothing_improves_comes_back_as_it_is(seed, nodes, pods, goal):
    cluster = random_cluster(seed, nodes, pods)
    first = pl.solve(cluster, goals=goal)

    again = pl.solve(cluster, goals=goal, start=first)

    assert told(again) == told(first)
    assert again.statistics["start"] == {"bindings": len(first.bindings), "kept": len(first.bindings)}


@given(
    st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 24), st.sampled_from(["pack", "balance", "preferences"])
)
@settings(max_examples=40)
def test_the_answer_is_legal_and_never_worse_than_a_start_for_another_goal(seed, nodes, pods, goal):
    cluster = random_cluster(seed, nodes, pods)
    start = pl.solve(cluster, goals=["headroom"])

    solution = pl.solve(cluster, goals=goal, start=start, steps=STEPS)

    assert pl.verify(cluster, solution) == []
    # What the start comes to under this goal: it comes back itself where nothing more is done.
    as_it_is = pl.solve(cluster, goals=goal, start=start)
    assert preferred(solution, as_it_is) is solution
    if not start.unplaced:
        assert where(as_it_is) == where(start)


def test_a_search_goes_on_from_where_another_one_ended():
    cluster = gaps()
    start = pl.solve(cluster, steps=300)
    assert start.objective["pack"] < pl.solve(cluster).objective["pack"]

    solution = pl.solve(cluster, start=start, steps=300)

    assert solution.objective["pack"] <= start.objective["pack"]


def test_a_start_is_read_back_from_its_file_with_its_units(tmp_path):
    cluster = random_cluster(11, 8, 24)
    first = pl.solve(cluster)
    assert any(binding.devices for binding in first.bindings)
    first.write(tmp_path / "solution.json")

    again = pl.solve(cluster, start=pl.Solution.read(tmp_path / "solution.json"))

    assert told(again) == told(first)


def test_the_rest_is_placed_around_the_start():
    cluster = pl.Cluster([pl.Node("a", cpu=2), pl.Node("b", cpu=2, price=9)], [pl.Pod("p", replicas=3, cpu=1)])
    start = pl.solve(cluster)
    only = replace(start, bindings=[pl.solve(cluster).bindings[0]._replace(node="b")], unplaced=[])

    solution = pl.solve(cluster, start=only)

    assert where(solution)[only.bindings[0].pod] == "b"
    assert solution.unplaced == []
    assert solution.statistics["start"] == {"bindings": 1, "kept": 1}


def test_what_is_not_legal_is_decided_anew_with_a_warning(caplog):
    cluster = pl.Cluster([pl.Node("a", cpu=2), pl.Node("b", cpu=2)], [pl.Pod("p", replicas=3, cpu=1)])
    binding = pl.solve(cluster).bindings[0]
    names = [f"default/p-{number}" for number in (0, 1, 2, 2)]
    wrong = [binding._replace(pod=name, node="a") for name in names]
    wrong += [binding._replace(pod="default/p-2", node="nowhere"), binding._replace(pod="default/nobody", node="b")]

    with caplog.at_level(logging.WARNING, "placer"):
        solution = pl.solve(cluster, start=replace(pl.solve(cluster), bindings=wrong))

    assert pl.verify(cluster, solution) == []
    assert where(solution) == {"default/p-0": "a", "default/p-1": "a", "default/p-2": "b"}
    assert solution.statistics["start"] == {"bindings": 6, "kept": 2}
    assert caplog.messages == [
        "start: 4 of 6 bindings are not legal here and are decided anew, first that of default/p-2 to a"
    ]


def test_a_start_for_another_input_is_refused_by_name():
    start = pl.solve(gaps(2)).to_dict()

    with pytest.raises(pl.PlacerError, match="it was made for another input") as raised:
        pl.solve(gaps(3), start=pl.Solution.from_dict(start))

    assert type(raised.value).__name__ == "StaleSolutionError"


SOLVED = pl.solve(gaps(2))


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        ("solution.json", "solve: start is 'solution.json': give a Solution"),
        ({}, "solve: start is '{}': give a Solution"),
        (replace(SOLVED, evictions=[Eviction("a", "b", "c")]), "start has 1 evictions and 0 moves"),
        (replace(SOLVED, moves=[Move(0, "a", "b", "c")]), "start has 0 evictions and 1 moves"),
        (replace(SOLVED, bindings=[SOLVED.bindings[0]._replace(node=3)]), r"bindings\[0\].node is 3: give a name"),
        (
            replace(SOLVED, bindings=[SOLVED.bindings[0]._replace(devices={"gpu": "all"})]),
            r"bindings\[0\].devices\['gpu'\] is 'all': give a list of places",
        ),
    ],
)
def test_what_is_no_start_is_refused(start, problem):
    with pytest.raises(pl.InputError, match=problem):
        pl.solve(gaps(2), start=start)


def test_a_profile_that_decides_pod_by_pod_has_no_start():
    with pytest.raises(pl.PlacerError, match="start is improved by goals"):
        pl.solve(gaps(2), profile="kubernetes", start=SOLVED)


def test_a_proof_begins_from_the_start_too():
    cluster = pl.Cluster([pl.Node("a", cpu=2), pl.Node("b", cpu=2)], [pl.Pod("p", replicas=2, cpu=1)])
    apart = [binding._replace(node=node) for binding, node in zip(pl.solve(cluster).bindings, ("a", "b"), strict=True)]

    solution = pl.solve(cluster, start=replace(pl.solve(cluster), bindings=apart), prove=True)

    assert (solution.status, solution.objective["pack"]) == ("optimal", 1)
