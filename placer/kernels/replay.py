"""
Bindings made elsewhere, bound here one by one where each is legal.

What a job, another process or an earlier answer says is not believed: all rules are asked again as it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import hold_units, may_stand, put, resources_fit, volumes_fit
from placer.kernels.claims import claims_fit, settle_claims
from placer.kernels.devices import choose_units, unit_serves
from placer.kernels.jit import njit
from placer.kernels.place import record
from placer.kernels.repair import put_back, take_off
from placer.kernels.terms import terms_allow

if TYPE_CHECKING:
    from placer.encode.problem import Log, Problem, Repair, State, Work

REQUIRED = 1


@njit
def zone_of(
    problem: Problem, state: State, pod_class: int, node: int, unit: NDArray[np.int32], need: NDArray[np.int32]
) -> int:
    """The NUMA zone among units that are named for a pod, -1 for none; -2 where it is not as it must be."""
    classes, units = problem.classes, problem.units
    wanted, zone = classes.numa_amount[pod_class], -1
    for index in range(unit.shape[0]):
        named = unit[index]
        if need[index] >= 0:
            continue
        if zone >= 0 or classes.numa[pod_class] == 0 or units.kind[named] != units.numa_kind[0]:
            return -2
        if wanted[0] > 0 and state.unit_free[named, units.numa_kind[1]] < wanted[0]:
            return -2
        if wanted[1] > 0 and state.unit_free[named, units.numa_kind[2]] < wanted[1]:
            return -2
        zone = units.place[named]
    if zone < 0 and classes.numa[pod_class] == REQUIRED and units.zones[node] > 0:
        return -2
    return zone


@njit
def units_serve(
    problem: Problem, state: State, pod_class: int, node: int, unit: NDArray[np.int32], need: NDArray[np.int32]
) -> bool:
    """
    Whether the units that are named for a pod are the node's, free, different, and serve each of its needs in full.

    Parameters
    ----------
    unit, need
        (taken,) units and the need that each serves; need -1 is the NUMA zone.
    """
    classes, units = problem.classes, problem.units
    first, last = classes.unit_start[pod_class], classes.unit_start[pod_class + 1]
    for index in range(unit.shape[0]):
        if unit[index] < units.start[node] or unit[index] >= units.start[node + 1]:
            return False
        if need[index] < -1 or (need[index] >= 0 and (need[index] < first or need[index] >= last)):
            return False
    zone = zone_of(problem, state, pod_class, node, unit, need)
    if zone < -1:
        return False
    for wanted in range(first, last):
        count = 0
        for index in range(unit.shape[0]):
            if need[index] != wanted:
                continue
            count += 1
            if not unit_serves(problem, state, wanted, unit[index], zone):
                return False
            for other in range(index):
                if need[other] >= 0 and unit[other] == unit[index]:
                    return False
        if count != classes.unit_count[wanted]:
            return False
    return True


@njit
def may_arrive(
    problem: Problem,
    state: State,
    work: Work,
    pod_class: int,
    node: int,
    unit: NDArray[np.int32],
    need: NDArray[np.int32],
) -> int:
    """
    Whether a pod may arrive on a node now with the units named, or, where none are, with any that serve.

    Returns
    -------
    How many units it takes, written to ``work``; -1 where a rule rejects it. O(resources + terms + units of the node).
    """
    if not (may_stand(problem, pod_class, node) and resources_fit(problem, state, pod_class, node)):
        return -1
    slots: int = unit.shape[0]
    if slots == 0:
        slots = choose_units(problem, state, pod_class, node, work)
    elif units_serve(problem, state, pod_class, node, unit, need):
        work.chosen[:slots] = unit
        work.slot_need[:slots] = need
    else:
        slots = -1
    if slots < 0 or not volumes_fit(problem, state, pod_class, node):
        return -1
    if not (terms_allow(problem, state, pod_class, node) and claims_fit(problem, state, work, pod_class, node)):
        return -1
    return slots


@njit
def arrive(
    problem: Problem, state: State, work: Work, log: Log, pod_class: int, slot: int, node: int, slots: int
) -> None:
    """Binds a pod that may arrive, with the units that ``work`` names."""
    hold_units(problem, state, pod_class, work.chosen, work.slot_need, slots, 1)
    settle_claims(problem, state, work, pod_class, node)
    put(problem, state, pod_class, node, 1)
    record(log, work, slot, node, slots)


@njit
def replay(
    problem: Problem,
    state: State,
    work: Work,
    log: Log,
    class_of_slot: NDArray[np.int32],
    slot: NDArray[np.int32],
    node: NDArray[np.int32],
    unit_start: NDArray[np.int64],
    unit: NDArray[np.int32],
    need: NDArray[np.int32],
    kept: NDArray[np.bool_],
) -> int:
    """
    Binds pods in order where each is legal, and leaves out those that are not. O(lines).

    Parameters
    ----------
    slot, node
        (lines,) pods, each once and not placed yet, and their nodes.
    unit_start, unit, need
        As in :class:`placer.encode.problem.Log`.
    kept
        (lines,) written: whether it was bound.

    Returns
    -------
    How many were bound.
    """
    count = 0
    for line in range(slot.shape[0]):
        span = unit[unit_start[line] : unit_start[line + 1]]
        serves = need[unit_start[line] : unit_start[line + 1]]
        pod_class = class_of_slot[slot[line]]
        slots = may_arrive(problem, state, work, pod_class, node[line], span, serves)
        kept[line] = slots >= 0
        if slots >= 0:
            arrive(problem, state, work, log, pod_class, slot[line], node[line], slots)
            count += 1
    return count


@njit
def put_as_before(
    problem: Problem,
    state: State,
    log: Log,
    repair: Repair,
    begin: int,
    before: NDArray[np.int64],
) -> None:
    """Undoes :func:`rebind`: takes off what lines from ``begin`` on bound, puts back what stood ``before``."""
    for line in range(log.lines[0] - 1, begin - 1, -1):
        take_off(problem, state, log, repair, line)
    log.lines[0] = begin
    for index in range(before.shape[0] - 1, -1, -1):
        if before[index] >= 0:
            put_back(problem, state, log, repair, before[index])


@njit
def rebind(
    problem: Problem,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    slot: NDArray[np.int32],
    node: NDArray[np.int32],
    unit_start: NDArray[np.int64],
    unit: NDArray[np.int32],
    need: NDArray[np.int32],
    before: NDArray[np.int64],
) -> bool:
    """
    Takes pods off and binds them anew in order at the end of the log; undone whole where a rule rejects one of them.

    Parameters
    ----------
    slot, node
        (lines,) pods, each once, and their nodes; -1 leaves the pod without one.
    before
        (lines,) written: the line that bound each pod, -1 for none; with it :func:`put_as_before` undoes it all.

    Returns
    -------
    Whether it was done. The log must have room for as many lines.
    """
    begin, done = log.lines[0], True
    for index in range(slot.shape[0]):
        before[index] = log.line_of_slot[slot[index]]
        if before[index] >= 0:
            take_off(problem, state, log, repair, before[index])
    for index in range(slot.shape[0]):
        if node[index] < 0:
            continue
        span = unit[unit_start[index] : unit_start[index + 1]]
        serves = need[unit_start[index] : unit_start[index + 1]]
        pod_class = repair.class_of_slot[slot[index]]
        slots = may_arrive(problem, state, work, pod_class, node[index], span, serves)
        if slots < 0:
            done = False
            break
        line = log.lines[0]
        arrive(problem, state, work, log, pod_class, slot[index], node[index], slots)
        repair.next[line] = repair.head[node[index]]
        repair.head[node[index]] = line
    if not done:
        put_as_before(problem, state, log, repair, begin, before)
    return done
