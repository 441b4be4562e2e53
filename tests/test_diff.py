"""diff(): two answers to one input, by where pods stand and by what the objective comes to."""

from __future__ import annotations

import pytest
from strategies import random_cluster

import placer as pl
from placer.diff import Group, Moved, NodeChange


def answer(bindings: dict[str, str], **fields) -> pl.Solution:
    rows = [{"pod": f"default/{pod}", "node": node} for pod, node in bindings.items()]
    return pl.Solution.from_dict({"version": 1, "input": "sha256:1", "bindings": rows, **fields})


def test_an_answer_does_not_differ_from_itself():
    solution = pl.solve(random_cluster(3, 6, 20), prove=True)

    found = pl.diff(solution, solution)

    assert (found.moved, found.same, found.other_units) == ([], len(solution.bindings), 0)
    assert found.verdict() == "both are equally good"
    assert {value.difference for value in found.tiers} == {0.0}


def test_pods_are_counted_by_group_and_by_node():
    first = answer({"web-0": "n1", "web-1": "n1", "web-2": "n2", "db": "n2"})
    second = answer({"web-0": "n1", "web-1": "n3", "db": "n2", "new-7": "n1"})

    found = pl.diff(first, second)

    assert found.moved == [
        Moved("default/new-7", None, "n1"),
        Moved("default/web-1", "n1", "n3"),
        Moved("default/web-2", "n2", None),
    ]
    assert found.groups == [Group("default/web", 1, 0, 1, 2), Group("default/new", 0, 1, 0, 1)]
    assert found.nodes == [NodeChange("n1", 1, 1), NodeChange("n2", 1, 0), NodeChange("n3", 0, 1)]
    assert (found.count()[1:], found.same) == ((1, 1, 1, 3), 2)


def test_pods_of_a_group_that_change_places_differ_in_name_only():
    (group,) = pl.diff(answer({"web-0": "n1", "web-1": "n2"}), answer({"web-0": "n2", "web-1": "n1"})).groups

    assert (group.elsewhere, group.net) == (2, 0)


def test_pods_that_stood_are_where_they_were_unless_an_answer_says_otherwise():
    moves = [
        {"wave": 1, "pod": "default/a", "source": "n2", "target": "n3"},
        {"wave": 0, "pod": "default/a", "source": "n1", "target": "n2"},
    ]
    evictions = [{"pod": "default/low", "node": "n5", "beneficiary": "default/high"}]

    found = pl.diff(answer({"high": "n5"}, evictions=evictions), answer({}, moves=moves))

    assert found.moved == [
        Moved("default/a", "n1", "n3"),
        Moved("default/high", "n5", None),
        Moved("default/low", None, "n5"),
    ]


def test_an_evicted_pod_that_is_bound_again_stands_where_it_is_bound():
    evictions = [{"pod": "default/low", "node": "n5", "beneficiary": "default/high"}]

    found = pl.diff(answer({"high": "n5", "low": "n1"}, evictions=evictions), answer({"high": "n5", "low": "n1"}))

    assert (found.moved, found.same) == ([], 2)


def test_other_units_on_the_same_node_are_counted():
    def taking(places: list[int]) -> pl.Solution:
        rows = [{"pod": "default/a", "node": "n1", "devices": {"gpu": places}}]
        return pl.Solution.from_dict({"version": 1, "input": "sha256:1", "bindings": rows})

    assert pl.diff(taking([0, 1]), taking([1, 0])).other_units == 0
    assert pl.diff(taking([0, 1]), taking([0, 2])).other_units == 1


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"unplaced": 0, "pack": 5}, {"unplaced": 0, "pack": 4}, "the second is better by 1 in pack"),
        ({"unplaced": 0, "pack": 5}, {"unplaced": 2, "pack": 1}, "the first is better by 2 in unplaced"),
        ({"unplaced": 0, "pack": 5}, {"unplaced": 0, "balance": 1}, "the answers have different goals"),
        ({"unplaced": 1}, {"unplaced": 1}, "both are equally good"),
    ],
)
def test_the_first_tier_that_differs_decides(first, second, said):
    assert pl.diff(answer({}, objective=first), answer({}, objective=second)).verdict() == said


def test_bounds_gaps_and_tiers_stand_side_by_side():
    first = answer({}, objective={"unplaced": 1}, bound={"unplaced": 0}, gap=1.0)
    second = answer({}, objective={"unplaced": 0, "pack": 2.5})

    found = pl.diff(first, second)

    unplaced, pack = found.tiers
    assert (unplaced.first, unplaced.first_bound, unplaced.second, unplaced.second_bound) == (1, 0, 0, None)
    assert (pack.first, pack.second, pack.difference) == (None, 2.5, None)
    assert found.gap == (1.0, None)


def test_terms_are_compared_where_both_answers_have_them():
    def costing(after: float) -> list[dict[str, object]]:
        term = {"tier": "pack+balance", "goal": "balance", "term": "balance", "before": 0.0, "weight": 1.0}
        return [{**term, "after": after}]

    first, second = answer({}, terms=costing(2.0)), answer({}, terms=costing(1.5))

    (term,) = pl.diff(first, second).terms
    assert (term.tier, term.goal, term.first, term.second, term.difference) == (
        "pack+balance",
        "balance",
        2.0,
        1.5,
        -0.5,
    )
    assert pl.diff(first, answer({})).terms == []


def test_answers_to_different_inputs_are_refused_by_name():
    other = answer({})
    other.input = "sha256:2"

    with pytest.raises(pl.InputError, match=r"a\.json was made for the input 'sha256:1', b\.json for 'sha256:2'"):
        pl.diff(answer({}), other, names=("a.json", "b.json"))
