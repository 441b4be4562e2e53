"""Fragmentation: the GPU thousandths of a node that a typical pod cannot use (Weng et al., USENIX ATC 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.kernels.bind import charge, resources_fit
from placer.kernels.devices import WHOLE, hold_unit, unit_matches, unit_serves
from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Problem, State, Work


@njit
def node_fragmentation(problem: Problem, goals: Goals, state: State, node: int) -> float:
    """
    Expected GPU thousandths on a node that a pod drawn from the typical mix cannot use.

    For a pod that asks for no GPU, or that does not fit, that is all that is free; else what is free on single units
    that are too full for it. O(typical pods × (resources + units of the node)).
    """
    units, classes = problem.units, problem.classes
    first, last = units.start[node], units.start[node + 1]
    total = 0
    for unit in range(first, last):
        if units.kind[unit] == goals.gpu_kind[0]:
            total += state.unit_free[unit, 0]
    if total == 0:
        return 0.0
    expected = 0.0
    for typical in range(goals.typical_class.shape[0]):
        pod_class = goals.typical_class[typical]
        share = goals.typical_share[typical]
        need = -1
        for candidate in range(classes.unit_start[pod_class], classes.unit_start[pod_class + 1]):
            if classes.unit_kind[candidate] == goals.gpu_kind[0]:
                need = candidate
        if need < 0 or not resources_fit(problem, state, pod_class, node):
            expected += share * total
            continue
        wanted = classes.unit_amount[need, 0]
        usable, serving = 0, 0
        for unit in range(first, last):
            left = state.unit_free[unit, 0]
            if units.kind[unit] == goals.gpu_kind[0] and left >= wanted and unit_matches(problem, need, unit):
                usable += left
                serving += 1
        expected += share * (total - usable if serving >= classes.unit_count[need] else total)
    return expected


@njit
def fragmentation_after(
    problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, node: int, slots: int
) -> float:
    """A node's fragmentation with one more pod on it, which takes the units in ``work.chosen``."""
    charge(problem, state, pod_class, node, 1)
    for slot in range(slots):
        hold_unit(problem, state, pod_class, work.slot_need[slot], work.chosen[slot], 1)
    after = node_fragmentation(problem, goals, state, node)
    for slot in range(slots):
        hold_unit(problem, state, pod_class, work.slot_need[slot], work.chosen[slot], -1)
    charge(problem, state, pod_class, node, -1)
    return after


@njit
def fragmentation_change(
    problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, node: int, slots: int
) -> float:
    """
    How much fragmentation grows on a node with one more pod of a class, in GPUs.

    A pod that takes a share of one unit tries every unit that is free to another extent or has other attributes, and
    leaves the best one in ``work.chosen``.
    """
    units, classes = problem.units, problem.classes
    if units.start[node] == units.start[node + 1]:
        return 0.0
    before = node_fragmentation(problem, goals, state, node)
    best = fragmentation_after(problem, goals, state, work, pod_class, node, slots)
    one_share = slots == 1 and work.slot_need[0] >= 0 and classes.unit_amount[work.slot_need[0], 0] < WHOLE
    if one_share:
        need, first_choice = work.slot_need[0], work.chosen[0]
        winner = previous = first_choice
        for unit in range(units.start[node], units.start[node + 1]):
            as_free = state.unit_free[unit, 0] == state.unit_free[previous, 0]
            if as_free and units.attributes[unit] == units.attributes[previous]:
                continue
            if not unit_serves(problem, state, need, unit, -1):
                continue
            previous = unit
            work.chosen[0] = unit
            after = fragmentation_after(problem, goals, state, work, pod_class, node, 1)
            if after < best:
                best, winner = after, unit
        work.chosen[0] = winner
    return (best - before) / WHOLE
