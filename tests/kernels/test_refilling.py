"""Refill: a unit with something free is filled anew where that takes more of it and leaves out no more pods."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl
from kernels import references as slow
from kernels.placed import Placed, check_legal
from kernels.world import GOALS, gpu_world, world
from placer.engine import share_pool
from placer.kernels import bind, refill

seeds = st.integers(0, 10**6)
gpus = st.builds(gpu_world, seeds, st.integers(1, 3), st.integers(4, 16), bind=st.just(False))
mixed = st.builds(
    world, seeds, st.integers(1, 4), st.integers(6, 16), goals=st.sampled_from(GOALS), bind=st.just(False)
)
examples = settings(max_examples=80)


def waiting_in(placed: Placed) -> np.ndarray:
    """Pods of each class that are not placed."""
    left = placed.repair.class_of_slot[placed.log.line_of_slot < 0]
    return np.bincount(left, minlength=placed.made.classes).astype(np.int32)


def shares(placed: Placed) -> list[int]:
    """Classes that take a share of one unit, largest first."""
    problem = placed.made.problem
    found = [one for one in range(placed.made.classes) if slow.share_of(problem, one)]
    return sorted(found, key=lambda one: -slow.share_of(problem, one))


@given(st.one_of(gpus, mixed))
@examples
def test_the_pods_of_a_unit_and_those_without_units_are_found(made):
    placed = Placed(made)
    problem, log = made.problem, placed.log
    out = np.zeros(16, np.int64)
    for node in range(made.nodes):
        held = {line: log.unit[log.unit_start[line] : log.unit_start[line + 1]].tolist() for line in placed.on(node)}
        kind = {line: int(placed.repair.class_of_slot[log.slot[line]]) for line in held}
        for unit in [-1, *range(problem.units.start[node], problem.units.start[node + 1])]:
            count = refill.lines_on(*placed.parts("problem"), node, unit, -1, out)
            found = out[:count].tolist()
            wanted = [
                line
                for line in placed.on(node)
                if problem.classes.free_to_move[kind[line]]
                and (held[line] == [] if unit < 0 else held[line] == [unit] and slow.share_of(problem, kind[line]))
            ]
            level = [
                line
                for line in wanted
                if problem.classes.priority[kind[line]] == problem.classes.priority[kind[wanted[0]]]
            ]
            assert len({kind[line] for line in found} if unit < 0 else found) == count
            assert {kind[line] for line in found} == {kind[line] for line in level}
            assert set(found) <= set(level)


@given(st.one_of(gpus, mixed))
@examples
def test_shares_fit_where_the_rules_let_them(made):
    placed = Placed(made)
    problem, state = made.structs("problem", "state")
    for pod_class in range(made.classes):
        assert refill.share_of(problem, pod_class) == slow.share_of(made.problem, pod_class)
        for node in range(made.nodes):
            fits = bind.resources_fit(problem, state, pod_class, node)
            assert fits == slow.resources_fit(made.problem, made.state, pod_class, node)
            assert bind.may_stand(problem, pod_class, node) == slow.may_stand(made.problem, pod_class, node)
            for unit in range(made.problem.units.start[node], made.problem.units.start[node + 1]):
                if slow.share_of(made.problem, pod_class):
                    expected = slow.share_fits(made.problem, made.state, pod_class, node, unit)
                    assert refill.share_fits(problem, state, pod_class, node, unit) == expected
    decides = np.diff(made.problem.claims.start) > 0
    assert set(share_pool(made.problem, waiting_in(placed), placed.repair.size)) == {
        one for one in shares(placed) if waiting_in(placed)[one] and not decides[one]
    }


@given(gpus, st.integers(0, 3))
@examples
def test_a_unit_is_filled_as_well_as_can_be(made, least):
    problem, state = made.structs("problem", "state")
    placed = Placed(made)
    for line in placed.lines():
        refill.take_off(*placed.parts("problem", "state"), line)
    placed.log.lines[0] = 0
    waiting = waiting_in(placed)
    distinct = {slow.share_of(made.problem, one): one for one in shares(placed)}
    able, best, expected = np.array(list(distinct.values()), np.int32), np.zeros(16, np.int32), np.zeros(16, np.int32)
    for node in range(made.nodes):
        for unit in range(made.problem.units.start[node], made.problem.units.start[node + 1]):
            before = placed.seen(), waiting.tolist()
            found = refill.best_filling(problem, state, able, waiting, node, unit, least, best)
            assert (placed.seen(), waiting.tolist()) == before
            assert found == slow.best_filling(made.problem, made.state, able, waiting, node, unit, least, expected)


@given(st.one_of(gpus, mixed))
@examples
def test_the_classes_to_choose_from_fit_and_stand_in_order(made):
    placed = Placed(made)
    waiting = waiting_in(placed)
    pool = share_pool(made.problem, waiting, placed.repair.size)
    line_of = {placed.log.unit[placed.log.unit_start[line]]: line for line in placed.lines()}
    for unit, line in line_of.items():
        node, kind = int(placed.log.node[line]), int(placed.repair.class_of_slot[placed.log.slot[line]])
        if not slow.share_of(made.problem, kind):
            continue
        problem, state, log, repair = placed.parts("problem", "state")
        able = refill.able_classes(problem, state, repair, log, np.array([line]), pool, waiting, node, unit).tolist()
        fit = [
            one
            for one in pool.tolist()
            if made.problem.classes.priority[one] == made.problem.classes.priority[kind]
            and slow.may_stand(made.problem, one, node)
            and slow.share_fits(made.problem, made.state, one, node, unit)
        ]
        assert set(able) == {*fit, kind}
        assert len(able) == len(set(able))
        assert able == sorted(able, key=lambda one: -slow.share_of(made.problem, one))


def tally(placed: Placed) -> tuple[Counter[int], Counter[tuple[int, int]]]:
    """Pods left out by priority, and thousandths taken by priority and kind of device."""
    problem = placed.made.problem
    kinds = placed.repair.class_of_slot
    left = Counter(problem.classes.priority[kinds[placed.left()]].tolist())
    taken: Counter[tuple[int, int]] = Counter()
    for line in placed.lines():
        kind = kinds[placed.log.slot[line]]
        for need in range(problem.classes.unit_start[kind], problem.classes.unit_start[kind + 1]):
            amount = int(problem.classes.unit_count[need] * problem.classes.unit_amount[need, 0])
            taken[int(problem.classes.priority[kind]), int(problem.classes.unit_kind[need])] += amount
    return left, taken


@given(st.one_of(gpus, mixed), st.integers(0, 1))
@settings(max_examples=200)
def test_refilling_is_legal_and_makes_nothing_worse(made, more):
    placed = Placed(made)
    waiting = waiting_in(placed)
    pool = share_pool(made.problem, waiting, placed.repair.size)
    before, (left, taken) = placed.seen(), tally(placed)
    placed.log.next_slot[:] = made.run.plan.first_slot

    problem, state, work, log, repair = placed.parts("problem", "state", "work")
    done = refill.refill_nodes(problem, state, work, log, repair, pool, waiting, 0, made.nodes, more)

    left_after, taken_after = tally(placed)
    assert waiting.tolist() == waiting_in(placed).tolist()
    assert left_after <= left
    assert taken_after >= taken
    assert done == 0 or left_after < left or (not more and taken_after > taken)
    assert done > 0 or placed.seen() == before
    check_legal(placed)


def gpu(name: str, share: float, **fields: object) -> pl.Pod:
    """A pod with a share of a GPU, or one or several whole."""
    need = pl.DeviceNeed(kind="nvidia.com/gpu", **({"share": share} if share < 1 else {"count": int(share)}))
    return pl.Pod(name, devices=[need], **fields)


def placed_on(gpus: int, *pods: pl.Pod, goals: tuple[str, ...] = ("pack",)) -> set[str]:
    """Which pods a node of 4 cpus with some GPUs takes."""
    node = pl.Node("n", cpu=4, memory="8Gi", devices=[pl.Device(kind="nvidia.com/gpu", count=gpus)])
    cluster = pl.Cluster([node], list(pods))
    solution = pl.solve(cluster, goals=goals)
    assert list(pl.verify(cluster, solution)) == []
    return {binding.pod.removeprefix("default/") for binding in solution.bindings}


@pytest.mark.parametrize("goals", [("pack",), ("balance",)])
def test_a_large_share_gives_way_to_smaller_ones_that_fill_the_gpu(goals):
    found = placed_on(1, gpu("large", 0.8), gpu("half", 0.5), gpu("other-half", 0.5), goals=goals)

    assert found == {"half", "other-half"}


def test_a_pod_without_gpu_gives_way_where_it_keeps_a_gpu_free():
    assert placed_on(1, pl.Pod("plain", cpu=4), gpu("gpu", 0.5, cpu=2)) == {"gpu"}


def test_as_many_pods_are_not_enough_where_another_goal_may_pay():
    assert placed_on(1, pl.Pod("plain", cpu=4), gpu("gpu", 0.5, cpu=2), goals=("balance",)) == {"plain"}


def test_a_pod_with_several_gpus_does_not_give_way_to_shares():
    assert placed_on(2, gpu("several", 2), gpu("a", 0.5), gpu("b", 0.5), gpu("c", 0.5)) == {"several"}


def test_a_more_important_share_does_not_give_way():
    assert placed_on(1, gpu("large", 0.8, priority=1), gpu("a", 0.5), gpu("b", 0.5)) == {"large"}
