"""
Repair: a pod that fits nowhere takes the place of pods that fit elsewhere, or of less important ones.

Only pods are taken off that no affinity, spread or distinct rule counts, so that every other binding stays legal in the
order in which it is listed; they are bound again after the pod they made room for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import hold_units, put, volumes_fit
from placer.kernels.claims import claims_fit, release_claims
from placer.kernels.devices import choose_units
from placer.kernels.jit import njit
from placer.kernels.place import begin_class, best_node, bind, scan
from placer.kernels.terms import terms_allow

if TYPE_CHECKING:
    from placer.encode.problem import Classes, Goals, Log, Problem, Repair, State, Work

MOST_EJECTED = 16
ATTEMPTS = 12
NEAR = 256


@njit
def link_lines(log: Log, repair: Repair) -> None:
    """Lists the counting lines of each node."""
    repair.head[:] = -1
    for line in range(log.lines[0]):
        if log.line_of_slot[log.slot[line]] == line:
            repair.next[line] = repair.head[log.node[line]]
            repair.head[log.node[line]] = line


@njit
def unlink(log: Log, repair: Repair, line: int) -> None:
    """Takes a line out of its node's list."""
    node = log.node[line]
    if repair.head[node] == line:
        repair.head[node] = repair.next[line]
        return
    before = repair.head[node]
    while repair.next[before] != line:
        before = repair.next[before]
    repair.next[before] = repair.next[line]


@njit
def take_off(problem: Problem, state: State, log: Log, repair: Repair, line: int) -> None:
    """Takes the pod of a line off its node."""
    slot = log.slot[line]
    pod_class = repair.class_of_slot[slot]
    start, stop = log.unit_start[line], log.unit_start[line + 1]
    hold_units(problem, state, pod_class, log.unit[start:stop], log.unit_need[start:stop], stop - start, -1)
    put(problem, state, pod_class, log.node[line], -1)
    release_claims(problem, state, pod_class)
    log.line_of_slot[slot] = -1
    unlink(log, repair, line)


@njit
def put_back(problem: Problem, state: State, log: Log, repair: Repair, line: int) -> None:
    """Undoes :func:`take_off`."""
    slot = log.slot[line]
    pod_class = repair.class_of_slot[slot]
    start, stop = log.unit_start[line], log.unit_start[line + 1]
    hold_units(problem, state, pod_class, log.unit[start:stop], log.unit_need[start:stop], stop - start, 1)
    put(problem, state, pod_class, log.node[line], 1)
    log.line_of_slot[slot] = line
    repair.next[line] = repair.head[log.node[line]]
    repair.head[log.node[line]] = line


@njit
def shortage(
    problem: Problem, state: State, pod_class: int, node: int, given: NDArray[np.int64], size: NDArray[np.float64]
) -> float:
    """How much is short on a node for one more pod, as the sum of shares of ``size``, with ``given`` handed back."""
    classes = problem.classes
    total = 0.0
    for index in range(classes.asked.shape[1]):
        resource = classes.asked[pod_class, index]
        if resource < 0:
            break
        short = classes.need[pod_class, resource] - state.free[resource, node] - given[resource]
        if short > 0:
            total += short * size[resource]
    return total


@njit
def choose_ejected(
    problem: Problem, state: State, log: Log, repair: Repair, pod_class: int, node: int, out: NDArray[np.int64]
) -> tuple[int, float]:
    """
    Chooses pods of a node that would have to go for one more pod of a class.

    One pod that suffices and is least in size; else the ones that cover most of what is short, up to MOST_EJECTED.

    Returns
    -------
    How many were written to ``out`` (0: none suffice) and their size.
    """
    classes = problem.classes
    given, size = repair.given, repair.size
    given[:] = 0
    count, total = 0, 0.0
    while count < MOST_EJECTED:
        now = shortage(problem, state, pod_class, node, given, size)
        if now == 0.0:
            break
        best, best_left, best_size = -1, now, np.inf
        line = repair.head[node]
        while line >= 0:
            other = repair.class_of_slot[log.slot[line]]
            used = False
            for index in range(count):
                used = used or out[index] == line
            if classes.free_to_move[other] and not used:
                amount = 0.0
                for resource in range(given.shape[0]):
                    given[resource] += classes.need[other, resource]
                    amount += classes.need[other, resource] * size[resource]
                left = shortage(problem, state, pod_class, node, given, size)
                for resource in range(given.shape[0]):
                    given[resource] -= classes.need[other, resource]
                if left < best_left or (left == best_left and amount < best_size and left < now):
                    best, best_left, best_size = line, left, amount
            line = repair.next[line]
        if best < 0:
            return 0, 0.0
        out[count] = best
        count += 1
        total += best_size
        other = repair.class_of_slot[log.slot[best]]
        for resource in range(given.shape[0]):
            given[resource] += classes.need[other, resource]
    if shortage(problem, state, pod_class, node, given, size) > 0.0:
        return 0, 0.0
    return count, total


@njit
def place_one(problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, slot: int) -> bool:
    """Places one pod where it costs least; whether it found a node."""
    pod_class = repair.class_of_slot[slot]
    need = problem.classes.need[pod_class]
    scan(problem, goals, state, work, pod_class, need)
    begin_class(problem, state, work, pod_class)
    node = best_node(problem, work, pod_class)
    work.blocked_count[0] = 0
    if node < 0:
        return False
    bind_on(problem, goals, state, work, log, repair, slot, node)
    return True


@njit
def bind_on(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, slot: int, node: int
) -> None:
    """Binds a pod and lists its line with the node."""
    line = log.lines[0]
    bind(problem, goals, state, work, log, repair.class_of_slot[slot], node, slot)
    repair.next[line] = repair.head[node]
    repair.head[node] = line


@njit
def exchange(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    slot: int,
    node: int,
    ejected: NDArray[np.int64],
    count: int,
) -> bool:
    """
    Puts a pod in the place of others and those elsewhere; undone whole where one that is as important finds no place.

    Returns
    -------
    Whether it was done.
    """
    classes = problem.classes
    pod_class = repair.class_of_slot[slot]
    for index in range(count):
        take_off(problem, state, log, repair, ejected[index])
    start = log.lines[0]
    fits = (
        terms_allow(problem, state, pod_class, node)
        and choose_units(problem, state, pod_class, node, work) >= 0
        and volumes_fit(problem, state, pod_class, node)
        and claims_fit(problem, state, work, pod_class, node)
    )
    if fits:
        bind_on(problem, goals, state, work, log, repair, slot, node)
        for index in range(count):
            other = log.slot[ejected[index]]
            less = classes.priority[repair.class_of_slot[other]] < classes.priority[pod_class]
            if not place_one(problem, goals, state, work, log, repair, other) and not less:
                fits = False
                break
    if fits:
        return True
    for line in range(log.lines[0] - 1, start - 1, -1):
        take_off(problem, state, log, repair, line)
    log.lines[0] = start
    for index in range(count - 1, -1, -1):
        put_back(problem, state, log, repair, ejected[index])
    return False


@njit
def choose_holders(
    log: Log, repair: Repair, pod_class: int, node: int, classes: Classes, out: NDArray[np.int64]
) -> tuple[int, float]:
    """Chooses pods of a node that hold units, smallest first, where only units are short; how many, and their size."""
    count, total = 0, 0.0
    while count < MOST_EJECTED:
        best, best_size = -1, np.inf
        line = repair.head[node]
        while line >= 0:
            other = repair.class_of_slot[log.slot[line]]
            used = False
            for index in range(count):
                used = used or out[index] == line
            holds = log.unit_start[line + 1] > log.unit_start[line]
            if holds and classes.free_to_move[other] and not used:
                amount = 0.0
                for resource in range(repair.size.shape[0]):
                    amount += classes.need[other, resource] * repair.size[resource]
                if amount < best_size:
                    best, best_size = line, amount
            line = repair.next[line]
        if best < 0:
            break
        out[count] = best
        count += 1
        total += best_size
    return count, total


@njit
def choose_out(
    problem: Problem, state: State, log: Log, repair: Repair, pod_class: int, node: int, out: NDArray[np.int64]
) -> tuple[int, float]:
    """Which pods of a node would have to go, whether amounts or units are short; how many, and their size."""
    repair.given[:] = 0
    if shortage(problem, state, pod_class, node, repair.given, repair.size) > 0.0:
        return choose_ejected(problem, state, log, repair, pod_class, node, out)
    return choose_holders(log, repair, pod_class, node, problem.classes, out)


@njit
def near_nodes(
    problem: Problem, state: State, log: Log, repair: Repair, pod_class: int, near: NDArray[np.int64]
) -> int:
    """Writes the eligible nodes where least is short, rules between pods apart; how many. O(nodes)."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    amounts = np.full(near.shape[0], np.inf)
    count = 0
    repair.given[:] = 0
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            if repair.head[node] < 0:
                continue
            short = shortage(problem, state, pod_class, node, repair.given, repair.size)
            if short >= amounts[near.shape[0] - 1] or not terms_allow(problem, state, pod_class, node):
                continue
            place = min(count, near.shape[0] - 1)
            while place > 0 and amounts[place - 1] > short:
                amounts[place], near[place] = amounts[place - 1], near[place - 1]
                place -= 1
            amounts[place], near[place] = short, node
            count = min(count + 1, near.shape[0])
    return count


@njit
def repair_pod(problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, slot: int) -> bool:
    """
    Makes room for one pod that fits nowhere, on one of the NEAR nodes where least is short.

    Tries those first from which least has to go. O(nodes + NEAR × pods of a node + ATTEMPTS × nodes).
    """
    pod_class = repair.class_of_slot[slot]
    near = np.zeros(NEAR, np.int64)
    sizes = np.full(NEAR, np.inf)
    ejected = np.zeros(MOST_EJECTED, np.int64)
    found = near_nodes(problem, state, log, repair, pod_class, near)
    for index in range(found):
        count, total = choose_out(problem, state, log, repair, pod_class, near[index], ejected)
        sizes[index] = total if count > 0 else np.inf
    for _ in range(ATTEMPTS):
        best = np.argmin(sizes)
        if sizes[best] == np.inf or log.lines[0] + MOST_EJECTED + 1 >= log.slot.shape[0]:
            return False
        sizes[best] = np.inf
        count, _ = choose_out(problem, state, log, repair, pod_class, near[best], ejected)
        if exchange(problem, goals, state, work, log, repair, slot, near[best], ejected, count):
            return True
    return False


@njit
def repair_slots(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, slots: NDArray[np.int64]
) -> int:
    """
    Tries to make room for each of these pods in order; how many were placed so.

    A pod equal to the one that has just failed would fail as well.
    """
    done, failed = 0, -1
    for slot in slots:
        if log.line_of_slot[slot] >= 0 or repair.class_of_slot[slot] == failed:
            continue
        made = repair_pod(problem, goals, state, work, log, repair, slot)
        done += 1 if made else 0
        failed = -1 if made else repair.class_of_slot[slot]
    work.scan_key[0] = -1
    return done
