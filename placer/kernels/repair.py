"""
Repair: a pod that fits nowhere takes the place of pods that fit elsewhere, or of less important ones.

Only pods are taken off that no affinity, spread or distinct rule counts, so that every other binding stays legal in the
order in which it is listed; they are bound again after the pod they made room for.
"""

from __future__ import annotations

import numpy as np

from placer.kernels.bind import hold_units, put, volumes_fit
from placer.kernels.devices import choose_units
from placer.kernels.jit import njit
from placer.kernels.place import begin_class, best_node, bind, scan
from placer.kernels.terms import terms_allow

MOST_EJECTED = 4
ATTEMPTS = 6


@njit
def link_lines(log, repair):  # type: ignore[no-untyped-def]
    """Lists the counting lines of each node."""
    repair.head[:] = -1
    for line in range(log.lines[0]):
        if log.line_of_slot[log.slot[line]] == line:
            repair.next[line] = repair.head[log.node[line]]
            repair.head[log.node[line]] = line


@njit
def unlink(log, repair, line):  # type: ignore[no-untyped-def]
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
def take_off(problem, state, log, repair, line):  # type: ignore[no-untyped-def]
    """Takes the pod of a line off its node."""
    slot = log.slot[line]
    pod_class = repair.class_of_slot[slot]
    start, stop = log.unit_start[line], log.unit_start[line + 1]
    hold_units(problem, state, pod_class, log.unit[start:stop], log.unit_need[start:stop], stop - start, -1)
    put(problem, state, pod_class, log.node[line], -1)
    log.line_of_slot[slot] = -1
    unlink(log, repair, line)


@njit
def put_back(problem, state, log, repair, line):  # type: ignore[no-untyped-def]
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
def shortage(problem, state, pod_class, node, given, size):  # type: ignore[no-untyped-def]
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
def choose_ejected(problem, state, log, repair, pod_class, node, out):  # type: ignore[no-untyped-def]
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
def place_one(problem, goals, state, work, log, repair, slot):  # type: ignore[no-untyped-def]
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
def bind_on(problem, goals, state, work, log, repair, slot, node):  # type: ignore[no-untyped-def]
    """Binds a pod and lists its line with the node."""
    line = log.lines[0]
    bind(problem, goals, state, work, log, repair.class_of_slot[slot], node, slot)
    repair.next[line] = repair.head[node]
    repair.head[node] = line


@njit
def exchange(problem, goals, state, work, log, repair, slot, node, ejected, count):  # type: ignore[no-untyped-def]
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
        and choose_units(problem, state, pod_class, node, work, False) >= 0
        and volumes_fit(problem, state, pod_class, node)
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
def repair_pod(problem, goals, state, work, log, repair, slot):  # type: ignore[no-untyped-def]
    """
    Makes room for one pod that fits nowhere: tries the nodes where least has to go. O(nodes × pods of a node).
    """
    nodes, classes = problem.nodes, problem.classes
    pod_class = repair.class_of_slot[slot]
    signature = classes.eligible[pod_class]
    tried = np.full(ATTEMPTS, -1, np.int64)
    ejected = np.zeros(MOST_EJECTED, np.int64)
    for attempt in range(ATTEMPTS):
        if log.lines[0] + MOST_EJECTED + 1 >= log.slot.shape[0]:
            return False
        chosen, least = -1, np.inf
        for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
            segment = classes.eligible_segments[index]
            for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
                if repair.head[node] < 0 or (tried[:attempt] == node).any():
                    continue
                count, total = choose_ejected(problem, state, log, repair, pod_class, node, ejected)
                if count > 0 and total < least and terms_allow(problem, state, pod_class, node):
                    chosen, least = node, total
        if chosen < 0:
            return False
        tried[attempt] = chosen
        count, _ = choose_ejected(problem, state, log, repair, pod_class, chosen, ejected)
        if exchange(problem, goals, state, work, log, repair, slot, chosen, ejected, count):
            return True
    return False


@njit
def repair_slots(problem, goals, state, work, log, repair, slots):  # type: ignore[no-untyped-def]
    """Tries to make room for each of these pods in order; how many were placed so."""
    done = 0
    for index in range(slots.shape[0]):
        if log.line_of_slot[slots[index]] < 0 and repair_pod(problem, goals, state, work, log, repair, slots[index]):
            done += 1
    work.scan_key[0] = -1
    return done
