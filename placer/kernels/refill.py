"""
Refill: a unit with something free is filled anew, from the pods that hold it and those that are left out.

Shares leave gaps that none of the pods left out fits, where another combination would fill the unit; and a unit stays
free where a pod without devices has the cpu. So the unit's pods, and one such other, give way to the combination that
takes most of the unit. It is made of as many pods at least, of the same priority: no fewer are placed than before, and
no less of the units is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import may_stand, put, resources_fit, volumes_fit
from placer.kernels.devices import hold_unit, unit_serves
from placer.kernels.jit import njit
from placer.kernels.place import record
from placer.kernels.repair import put_back, take_off
from placer.kernels.terms import terms_allow

if TYPE_CHECKING:
    from placer.encode.problem import Log, Problem, Repair, State, Work

MOST_SHARES = 16
"""Pods that one unit is refilled with at most."""
MOST_OTHERS = 4
"""Pods without devices of which each may be the one to give way."""
TRIALS = 256
"""Pods tried in all combinations for one unit."""


@njit
def share_of(problem: Problem, pod_class: int) -> int:
    """The thousandths that a pod takes of one unit; 0 where it needs no device, several units or a NUMA zone."""
    classes = problem.classes
    need = classes.unit_start[pod_class]
    if classes.unit_start[pod_class + 1] != need + 1 or classes.unit_count[need] != 1 or classes.numa[pod_class] != 0:
        return 0
    share: int = classes.unit_amount[need, 0]
    return share


@njit
def share_fits(problem: Problem, state: State, pod_class: int, node: int, unit: int) -> bool:
    """Whether a pod that takes a share of one unit fits on a node and this unit now, static rules apart."""
    need = problem.classes.unit_start[pod_class]
    return (
        resources_fit(problem, state, pod_class, node)
        and unit_serves(problem, state, need, unit, -1)
        and volumes_fit(problem, state, pod_class, node)
        and terms_allow(problem, state, pod_class, node)
    )


@njit
def put_share(problem: Problem, state: State, pod_class: int, node: int, unit: int, sign: int) -> None:
    """Puts a pod that takes a share of one unit on a node and this unit (``sign`` 1), or takes it off (-1)."""
    hold_unit(problem, state, pod_class, problem.classes.unit_start[pod_class], unit, sign)
    put(problem, state, pod_class, node, sign)


@njit
def lines_on(
    problem: Problem, log: Log, repair: Repair, node: int, unit: int, like: int, out: NDArray[np.int64]
) -> int:
    """
    Writes the lines of pods of a node, all of one priority, that may go.

    Parameters
    ----------
    unit
        Those that hold this unit and no other; at -1 those without units, one a class.
    like
        A class whose priority they have; at -1 the first one found has it.

    Returns
    -------
    How many. O(pods of the node × length of ``out``).
    """
    classes = problem.classes
    count = 0
    line = repair.head[node]
    while line >= 0 and count < out.shape[0]:
        pod_class = repair.class_of_slot[log.slot[line]]
        start, taken = log.unit_start[line], log.unit_start[line + 1] - log.unit_start[line]
        meant = taken == 1 and log.unit[start] == unit and share_of(problem, pod_class) > 0
        if unit < 0:
            meant = taken == 0
            for index in range(count):
                meant = meant and repair.class_of_slot[log.slot[out[index]]] != pod_class
        if meant and classes.free_to_move[pod_class]:
            like = pod_class if like < 0 else like
            if classes.priority[pod_class] == classes.priority[like]:
                out[count] = line
                count += 1
        line = repair.next[line]
    return count


@njit
def best_filling(
    problem: Problem,
    state: State,
    able: NDArray[np.int32],
    waiting: NDArray[np.int32],
    node: int,
    unit: int,
    least: int,
    best: NDArray[np.int32],
) -> tuple[int, int]:
    """
    Searches, depth first, for the pods that take most of a unit, and of those for the most; all is left as it was.

    Parameters
    ----------
    able
        (classes,) to choose from, in descending order of share. One of each share is tried at a time.
    waiting
        (all classes,) how many of each there are.
    least
        Fewer pods than that will not do.
    best
        (MOST_SHARES,) written: a class a pod.

    Returns
    -------
    How many pods were found, 0 for none, and what they take. At most TRIALS pods are tried.
    """
    chosen = np.zeros(best.shape[0] + 1, np.int64)
    depth, taken, found, most, trials, tried = 0, 0, 0, 0, 0, -1
    while True:
        index = chosen[depth]
        next_one = -1
        while index < able.shape[0] and depth < best.shape[0] and trials < TRIALS and next_one < 0:
            share = share_of(problem, able[index])
            if share != tried and share <= state.unit_free[unit, 0] and waiting[able[index]] > 0:
                trials += 1
                if share_fits(problem, state, able[index], node, unit):
                    next_one = able[index]
                    break
            index += 1
        if next_one >= 0:
            put_share(problem, state, next_one, node, unit, 1)
            waiting[next_one] -= 1
            taken += share_of(problem, next_one)
            chosen[depth], chosen[depth + 1] = index, index
            depth, tried = depth + 1, -1
            if depth >= least and (taken > most or (taken == most and depth > found)):
                most, found = taken, depth
                best[:depth] = able[chosen[:depth]]
            continue
        if depth == 0:
            return found, most
        depth -= 1
        back = able[chosen[depth]]
        put_share(problem, state, back, node, unit, -1)
        waiting[back] += 1
        tried = share_of(problem, back)
        taken -= tried
        chosen[depth] += 1


@njit
def able_classes(
    problem: Problem,
    state: State,
    repair: Repair,
    log: Log,
    lines: NDArray[np.int64],
    pool: NDArray[np.int32],
    waiting: NDArray[np.int32],
    node: int,
    unit: int,
) -> NDArray[np.int32]:
    """The classes of the pool that fit on the unit now, and those of ``lines`` that held it, in the pool's order."""
    classes = problem.classes
    level = classes.priority[repair.class_of_slot[log.slot[lines[0]]]]
    able = np.zeros(pool.shape[0] + lines.shape[0], np.int32)
    count = 0
    for pod_class in pool:
        if waiting[pod_class] > 0 and classes.priority[pod_class] == level and may_stand(problem, pod_class, node):
            if share_fits(problem, state, pod_class, node, unit):
                able[count] = pod_class
                count += 1
    for line in lines:
        pod_class = repair.class_of_slot[log.slot[line]]
        share = share_of(problem, pod_class)
        if share == 0 or np.any(able[:count] == pod_class):
            continue
        place = count
        while place > 0 and share_of(problem, able[place - 1]) < share:
            able[place] = able[place - 1]
            place -= 1
        able[place] = pod_class
        count += 1
    return able[:count]


@njit
def refill_unit(
    problem: Problem,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    pool: NDArray[np.int32],
    waiting: NDArray[np.int32],
    lines: NDArray[np.int64],
    unit: int,
    more: int,
) -> bool:
    """
    Fills a unit anew in place of the pods of ``lines``, all on its node; undone where that is no better.

    Parameters
    ----------
    pool, waiting, more
        As in :func:`refill_nodes`.

    Returns
    -------
    Whether it was done: with more of the unit taken, or as much of it by more pods.
    """
    node, held = log.node[lines[0]], state.unit_free[unit, 0]
    for line in lines:
        take_off(problem, state, log, repair, line)
        waiting[repair.class_of_slot[log.slot[line]]] += 1
    held = state.unit_free[unit, 0] - held
    able = able_classes(problem, state, repair, log, lines, pool, waiting, node, unit)
    best = np.zeros(MOST_SHARES, np.int32)
    found, taken = best_filling(problem, state, able, waiting, node, unit, lines.shape[0] + more, best)
    if taken < held or (taken == held and found <= lines.shape[0]):
        for line in lines[::-1]:
            put_back(problem, state, log, repair, line)
            waiting[repair.class_of_slot[log.slot[line]]] -= 1
        return False
    for line in lines:
        slot = log.slot[line]
        pod_class = repair.class_of_slot[slot]
        log.next_slot[pod_class] = min(log.next_slot[pod_class], slot)
    for pod_class in best[:found]:
        bind_share(problem, state, work, log, repair, pod_class, node, unit)
        waiting[pod_class] -= 1
    return True


@njit
def bind_share(
    problem: Problem, state: State, work: Work, log: Log, repair: Repair, pod_class: int, node: int, unit: int
) -> None:
    """Binds the first pod of a class that is not placed, to hold this unit, and lists its line with the node."""
    slot = log.next_slot[pod_class]
    while log.line_of_slot[slot] >= 0:
        slot += 1
    log.next_slot[pod_class] = slot + 1
    put_share(problem, state, pod_class, node, unit, 1)
    work.chosen[0], work.slot_need[0] = unit, problem.classes.unit_start[pod_class]
    line = log.lines[0]
    record(log, work, slot, node, 1)
    repair.next[line] = repair.head[node]
    repair.head[node] = line


@njit
def refill_at(
    problem: Problem,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    pool: NDArray[np.int32],
    waiting: NDArray[np.int32],
    node: int,
    unit: int,
    more: int,
) -> bool:
    """Fills a unit anew in place of the pods that hold it, else of those and one without devices; whether it did."""
    lines, others = np.zeros(MOST_SHARES, np.int64), np.zeros(MOST_OTHERS, np.int64)
    count = lines_on(problem, log, repair, node, unit, -1, lines[1:])
    if count > 0 and refill_unit(problem, state, work, log, repair, pool, waiting, lines[1 : count + 1], unit, more):
        return True
    like = repair.class_of_slot[log.slot[lines[1]]] if count > 0 else -1
    for index in range(lines_on(problem, log, repair, node, -1, like, others)):
        lines[0] = others[index]
        if refill_unit(problem, state, work, log, repair, pool, waiting, lines[: count + 1], unit, more):
            return True
    return False


@njit
def refill_nodes(
    problem: Problem,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    pool: NDArray[np.int32],
    waiting: NDArray[np.int32],
    low: int,
    high: int,
    more: int,
) -> int:
    """
    Looks once at each unit of nodes [low, high) that has something free.

    Parameters
    ----------
    pool
        (classes,) that take a share of one unit and are left out, in descending order of share.
    waiting
        (all classes,) pods of each that are not placed; kept so.
    more
        1 where more pods have to be placed than before, 0 where as many will do if they take more of the unit.

    Returns
    -------
    How many units were filled anew. O(units × MOST_OTHERS × (pool + TRIALS)).
    """
    units = problem.units
    done = 0
    for node in range(low, high):
        for unit in range(units.start[node], units.start[node + 1]):
            if state.unit_free[unit, 0] > 0 and log.lines[0] + MOST_SHARES < log.slot.shape[0]:
                done += refill_at(problem, state, work, log, repair, pool, waiting, node, unit, more)
    return done
