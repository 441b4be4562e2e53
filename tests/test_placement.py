"""Placements on their way: what comes back is not believed, and what is legal is applied whole or not at all."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_cluster

import placer as pl
from placer.encode.tiers import encode_tiers
from placer.engine import Run, place, prepare, standing_state
from placer.goals import parse_goals
from placer.placement import (
    Base,
    Lines,
    check_lines,
    copied,
    fresh_run,
    lines_of,
    made_anew,
    new_base,
    restore,
    resumed,
)
from placer.rounds import Incumbent
from placer.writing import answer

TIERS = parse_goals("pack")


def begun(cluster: pl.Cluster) -> tuple[Run, Base]:
    """A run in which nothing is placed, and what its jobs share."""
    encoded, goals = encode_tiers(cluster, TIERS)
    run = prepare(cluster, encoded, goals)
    return run, new_base(run, standing_state(cluster, encoded))


def seen(run: Run) -> dict[str, Any]:
    """What a run's state means: free numbers of lists and places in tables are left out."""
    state = run.state
    arrays = state.free, state.pods, state.unit_free, state.total, state.nonzero, state.claim_pods, state.cost_value
    lines = lines_of(run.log)
    return {"state": [part.tolist() for part in arrays], "lines": [part.tolist() for part in lines]}


def violations(cluster: pl.Cluster, run: Run, full: Run) -> list[Any]:
    """What is wrong with a run of which some may have been left out."""
    whole = run._replace(encoded=full.encoded, pod_of_slot=full.pod_of_slot)
    return pl.verify(cluster, answer(cluster, whole, TIERS))


def shuffled(lines: Lines, nodes: int, seed: int) -> Lines:
    """Some of the lines, on other nodes, in another order, with other units: what no kernel has seen."""
    random = Random(seed)
    count = len(lines.slot)
    order = random.sample(range(count), random.randint(0, count))
    node = [random.choice([int(lines.node[line]), random.randrange(-1, nodes)]) for line in order]
    named = [
        range(lines.unit_start[line], lines.unit_start[line + 1]) if random.random() < 0.5 else () for line in order
    ]
    index = [each for units in named for each in units]
    unit, need = lines.unit[index].copy(), lines.need[index].copy()
    if len(unit):
        unit[random.randrange(len(unit))] += random.choice([-1, 0, 1])
    start = np.cumsum([0, *map(len, named)]).astype(np.int64)
    return Lines(lines.slot[order], np.array(node, np.int32), start, unit, need)


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 24))
@settings(max_examples=100)
def test_a_placement_that_was_made_here_is_restored_to_the_last_unit(seed, nodes, pods):
    run, base = begun(random_cluster(seed, nodes, pods))
    place(run)

    other = fresh_run(base)

    assert restore(other, lines_of(run.log)).all()
    assert seen(other) == seen(run)


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 24))
@settings(max_examples=50)
def test_a_run_is_resumed_from_its_state_and_lines(seed, nodes, pods):
    run, base = begun(random_cluster(seed, nodes, pods))
    place(run)

    assert seen(resumed(base, run.state, lines_of(run.log))) == seen(run)


@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 24))
@settings(max_examples=100)
def test_of_any_lines_only_legal_ones_are_bound(seed, nodes, pods):
    cluster = random_cluster(seed, nodes, pods)
    run, base = begun(cluster)
    place(run)
    wrong = shuffled(lines_of(run.log), nodes, seed)
    there = wrong.node >= 0
    other = fresh_run(base)

    restore(other, wrong._replace(node=np.where(there, wrong.node, 0).astype(np.int32)))

    assert violations(cluster, other, run) == []


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 24))
@settings(max_examples=150)
def test_what_is_applied_is_legal_and_no_worse_and_what_is_not_leaves_nothing_behind(seed, nodes, pods):
    cluster = random_cluster(seed, nodes, pods)
    run, base = begun(cluster)
    place(run)
    incumbent = Incumbent(run, base, TIERS)
    before, value = seen(run), incumbent.value

    done = incumbent.apply(shuffled(lines_of(run.log), nodes, seed))

    assert incumbent.value <= value
    assert done or seen(run) == before
    assert violations(cluster, run, run) == []


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 24))
@settings(max_examples=100)
def test_what_was_made_anew_leads_from_one_placement_to_the_other(seed, nodes, pods):
    run, base = begun(random_cluster(seed, nodes, pods))
    place(run)
    before, after = lines_of(run.log), fresh_run(base)
    changed = shuffled(before, nodes, seed)
    restore(after, changed._replace(node=np.maximum(changed.node, 0)))

    anew = made_anew(before, after.log)

    old = np.isin(before.slot, anew.slot, invert=True)
    slots = [*before.slot[old].tolist(), *anew.slot[anew.node >= 0].tolist()]
    on = [*before.node[old].tolist(), *anew.node[anew.node >= 0].tolist()]
    assert (slots, on) == (lines_of(after.log).slot.tolist(), lines_of(after.log).node.tolist())


def test_a_copy_goes_its_own_way():
    run, _ = begun(random_cluster(1, 4, 12))
    before, other = seen(run), copied(run)

    place(other)

    assert seen(run) == before
    assert seen(other) != before


EMPTY = Lines(*(np.zeros(size, kind) for size, kind in ((0, "i4"), (0, "i4"), (1, "i8"), (0, "i4"), (0, "i4"))))
ONE = EMPTY._replace(slot=np.array([2], np.int32), node=np.array([1], np.int32), unit_start=np.zeros(2, np.int64))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (None, "the answer is 'None', no lines of a placement"),
        ("x" * 1000, "no lines of a placement"),
        (tuple(ONE), "no lines of a placement"),
        (ONE._replace(slot=[2]), r"the answer's slot is '\[2\]', no array of int32"),
        (ONE._replace(node=np.array([1], np.int64)), "the answer's node is .*, no array of int32"),
        (ONE._replace(unit=np.zeros((0, 2), np.int32)), "the answer's unit is .*, no array of int32"),
        (ONE._replace(node=np.zeros(2, np.int32)), "lengths that do not go together"),
        (ONE._replace(need=np.zeros(1, np.int32)), "lengths that do not go together"),
        (ONE._replace(slot=np.array([3], np.int32)), "pods are out of range"),
        (ONE._replace(slot=np.array([-1], np.int32)), "pods are out of range"),
        (ONE._replace(node=np.array([2], np.int32)), "nodes are out of range"),
        (ONE._replace(node=np.array([-2], np.int32)), "nodes are out of range"),
        (ONE._replace(unit_start=np.array([0, 1], np.int64)), "units are not in order"),
        (ONE._replace(unit_start=np.array([-1, 0], np.int64)), "units are not in order"),
        (
            Lines(*(np.repeat(part, 2) for part in ONE[:2]), np.zeros(3, np.int64), *EMPTY[3:]),
            "pods are out of range, or named twice",
        ),
    ],
)
def test_lines_that_no_kernel_may_read_are_refused(lines, problem):
    with pytest.raises(ValueError, match=problem):
        check_lines(lines, pods=3, nodes=2)


@pytest.mark.parametrize("lines", [EMPTY, ONE, ONE._replace(node=np.array([-1], np.int32))])
def test_lines_in_range_are_read(lines):
    check_lines(lines, pods=3, nodes=2)
