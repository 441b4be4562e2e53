"""Units: which ones a pod takes on a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Problem, State, Work

WHOLE = 1000


@njit
def unit_matches(problem: Problem, need: int, unit: int) -> bool:
    """Whether the attributes of a unit satisfy a need."""
    matches: bool = problem.classes.unit_match[problem.classes.unit_where[need], problem.units.attributes[unit]]
    return matches


@njit
def unit_serves(problem: Problem, state: State, need: int, unit: int, zone: int) -> bool:
    """Whether one unit can serve a need; ``zone`` at -1 asks for no NUMA zone."""
    units, classes = problem.units, problem.classes
    if units.kind[unit] != classes.unit_kind[need]:
        return False
    if zone >= 0 and units.zone[unit] >= 0 and units.zone[unit] != zone:
        return False
    if not unit_matches(problem, need, unit):
        return False
    if classes.unit_amount[need, 0] == WHOLE:
        for dimension in range(units.capacity.shape[1]):
            if state.unit_free[unit, dimension] != units.capacity[unit, dimension]:
                return False
            if units.capacity[unit, dimension] < classes.unit_amount[need, dimension]:
                return False
        return True
    for dimension in range(units.capacity.shape[1]):
        amount = classes.unit_amount[need, dimension]
        if amount > 0 and state.unit_free[unit, dimension] < amount:
            return False
    return True


@njit
def _next_unit(
    problem: Problem, state: State, need: int, node: int, zone: int, chosen: NDArray[np.int32], slot: int, after: int
) -> int:
    """The next candidate for a slot after unit ``after`` (-1: from the start), or -1; the fullest first."""
    units = problem.units
    best, best_key = -1, 0
    after_key = -1 if after < 0 else state.unit_free[after, 0]
    for unit in range(units.start[node], units.start[node + 1]):
        key = state.unit_free[unit, 0]
        if after >= 0 and (key < after_key or (key == after_key and unit <= after)):
            continue
        if best >= 0 and key >= best_key:
            continue
        if not unit_serves(problem, state, need, unit, zone):
            continue
        taken = False
        for other in range(slot):
            taken = taken or chosen[other] == unit
        if not taken:
            best, best_key = unit, key
    return best


@njit
def _assign(
    problem: Problem,
    state: State,
    pod_class: int,
    node: int,
    zone: int,
    chosen: NDArray[np.int32],
    slot_need: NDArray[np.int32],
) -> int:
    """
    Finds different units for all slots of a class on a node by depth-first search; slots, or -1 where there are none.

    Slots of one need take units in search order, so that equal slots are not permuted. Exact.
    """
    classes = problem.classes
    slots = 0
    for need in range(classes.unit_start[pod_class], classes.unit_start[pod_class + 1]):
        for _ in range(classes.unit_count[need]):
            slot_need[slots] = need
            slots += 1
    slot = 0
    fresh = True
    while slot < slots:
        need = slot_need[slot]
        if fresh:
            after = chosen[slot - 1] if slot > 0 and slot_need[slot - 1] == need else -1
        else:
            after = chosen[slot]
        unit = _next_unit(problem, state, need, node, zone, chosen, slot, after)
        if unit >= 0:
            chosen[slot] = unit
            slot += 1
            fresh = True
        else:
            slot -= 1
            fresh = False
            if slot < 0 or slot_need[slots - 1] == slot_need[0]:
                return -1
    return slots


@njit
def choose_units(problem: Problem, state: State, pod_class: int, node: int, work: Work) -> int:
    """
    Chooses the units that a pod takes.

    Parameters
    ----------
    work
        Scratch: ``chosen`` receives the units, a NUMA zone's unit last; ``slot_need`` the need of each (-1 the zone).

    Returns
    -------
    How many were chosen, -1 where the node has no fit, -2 where only a NUMA zone is missing.
    """
    classes, units = problem.classes, problem.units
    policy = classes.numa[pod_class]
    if policy == 0 or units.zones[node] == 0:
        return _assign(problem, state, pod_class, node, -1, work.chosen, work.slot_need)
    numa, cpu, memory = units.numa_kind[0], units.numa_kind[1], units.numa_kind[2]
    tried = -1
    for _ in range(units.zones[node]):
        best = -1
        for unit in range(units.start[node], units.start[node + 1]):
            if units.kind[unit] != numa:
                continue
            if tried >= 0 and (
                state.unit_free[unit, cpu] < state.unit_free[tried, cpu]
                or (state.unit_free[unit, cpu] == state.unit_free[tried, cpu] and unit <= tried)
            ):
                continue
            if best < 0 or state.unit_free[unit, cpu] < state.unit_free[best, cpu]:
                best = unit
        if best < 0:
            break
        tried = best
        wanted = classes.numa_amount[pod_class]
        if (wanted[0] > 0 and state.unit_free[best, cpu] < wanted[0]) or (
            wanted[1] > 0 and state.unit_free[best, memory] < wanted[1]
        ):
            continue
        slots = _assign(problem, state, pod_class, node, units.place[best], work.chosen, work.slot_need)
        if slots >= 0:
            work.chosen[slots] = best
            work.slot_need[slots] = -1
            return slots + 1
    slots = _assign(problem, state, pod_class, node, -1, work.chosen, work.slot_need)
    if policy == 2 or slots < 0:
        return slots
    return -2


@njit
def hold_unit(problem: Problem, state: State, pod_class: int, need: int, unit: int, sign: int) -> None:
    """Takes (``sign`` 1) or gives back (-1) what a need, or at -1 the NUMA zone, holds of a unit."""
    units, classes = problem.units, problem.classes
    if need < 0:
        state.unit_free[unit, units.numa_kind[1]] -= sign * classes.numa_amount[pod_class, 0]
        state.unit_free[unit, units.numa_kind[2]] -= sign * classes.numa_amount[pod_class, 1]
        return
    whole = classes.unit_amount[need, 0] == WHOLE
    for dimension in range(units.capacity.shape[1]):
        amount = units.capacity[unit, dimension] if whole else classes.unit_amount[need, dimension]
        state.unit_free[unit, dimension] -= sign * amount
