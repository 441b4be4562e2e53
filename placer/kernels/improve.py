"""
Improve: nodes in use are emptied pod by pod, so that fewer are paid for.

A target hands its pods to nodes that are better used: a pod moves there where it fits, else it changes places with one
or two smaller ones, so that what is free gathers on the target. Each move is legal and kept by itself; a target need
not be emptied for the next to profit. Only pods are moved that no affinity, spread or distinct rule counts, and each is
bound anew at the end of the log, so that every other binding stays legal in the order in which it is listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.arrive import fits_now
from placer.kernels.bind import may_stand
from placer.kernels.jit import njit
from placer.kernels.repair import bind_on, link_lines, put_back, take_off
from placer.kernels.terms import terms_allow

if TYPE_CHECKING:
    from placer.encode.problem import Classes, Goals, Log, Problem, Repair, Search, State, Work

WINDOW = 64
"""Nodes looked at for one move, of which the best is made."""
MOST_FRUITLESS = 8
"""Windows in a row without a move, after which a target is left as it is."""
SPARE_LINES = 512
"""Lines of the log that are free when a target is begun."""
MOST_PAIRED = 32
"""Pods of a node among which pairs are tried."""
MOST_TRIED = 1_000_000
"""Moves tried for one target, a few hundredths of a second."""
LEAST_GAIN = 1e-9
TRIED, KEPT, ENOUGH = 0, 1, 2


@njit
def draw(random: NDArray[np.int64], below: int) -> int:
    """The next of a sequence of pseudo-random numbers from 0 on: Marsaglia, "Xorshift RNGs"."""
    value = random[0]
    value ^= value << 13
    value ^= (value >> 7) & 0x1FFFFFFFFFFFFFF
    value ^= value << 17
    random[0] = value
    drawn: int = (value & 0x7FFFFFFFFFFFFFFF) % below
    return drawn


@njit
def compact(log: Log, repair: Repair) -> None:
    """Drops the lines that no longer count, in place, and lists the others with their nodes again. O(lines)."""
    count = 0
    for line in range(log.lines[0]):
        slot = log.slot[line]
        if log.line_of_slot[slot] != line:
            continue
        start, stop = log.unit_start[line], log.unit_start[line + 1]
        base = log.unit_start[count]
        for index in range(stop - start):
            log.unit[base + index] = log.unit[start + index]
            log.unit_need[base + index] = log.unit_need[start + index]
        log.slot[count], log.node[count] = slot, log.node[line]
        log.unit_start[count + 1] = base + stop - start
        log.line_of_slot[slot] = count
        count += 1
    log.lines[0] = count
    link_lines(log, repair)


@njit
def need_of(classes: Classes, pod_class: int, resource: int) -> int:
    """What a pod asks for; nothing where the class is -1."""
    need: int = classes.need[pod_class, resource] if pod_class >= 0 else 0
    return need


@njit
def amounts_fit(
    classes: Classes, state: State, node: int, pod_class: int, beside: int, gone: int, gone_too: int
) -> bool:
    """Whether amounts suffice for a pod, with one of another class beside it, in the place of two; -1 is none."""
    for index in range(classes.asked.shape[1] if pod_class >= 0 else 0):
        resource = classes.asked[pod_class, index]
        if resource < 0:
            break
        given = need_of(classes, gone, resource) + need_of(classes, gone_too, resource)
        if state.free[resource, node] + given < classes.need[pod_class, resource] + need_of(classes, beside, resource):
            return False
    return True


@njit
def allows(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    """Whether static rules and rules between pods allow a class on a node; always for -1."""
    return pod_class < 0 or (may_stand(problem, pod_class, node) and terms_allow(problem, state, pod_class, node))


@njit
def try_pods(
    problem: Problem,
    state: State,
    log: Log,
    repair: Repair,
    search: Search,
    node: int,
    target: int,
    count: int,
    best: float,
    line: int,
    also: int,
) -> float:
    """
    Looks for a better move to one node among the target's pods, in exchange for the pods of two lines, -1 for none.

    Parameters
    ----------
    count
        Pods of the target, listed in ``search.line``.
    best
        The gain to beat; a move that does is written to ``search.move``.

    Returns
    -------
    The best gain known: by how much the target gets smaller. O(pods of the target).
    """
    classes, size = problem.classes, search.size
    other = repair.class_of_slot[log.slot[line]] if line >= 0 else -1
    third = repair.class_of_slot[log.slot[also]] if also >= 0 else -1
    less = (size[other] if line >= 0 else 0.0) + (size[third] if also >= 0 else 0.0)
    search.moves[TRIED] += count
    for index in range(count):
        pod_class = repair.class_of_slot[log.slot[search.line[index]]]
        gain = size[pod_class] - less
        if (
            gain > best
            and amounts_fit(classes, state, node, pod_class, -1, other, third)
            and amounts_fit(classes, state, target, other, third, pod_class, -1)
            and amounts_fit(classes, state, target, third, other, pod_class, -1)
            and allows(problem, state, pod_class, node)
            and allows(problem, state, other, target)
            and allows(problem, state, third, target)
        ):
            best = gain
            search.move[0], search.move[1] = search.line[index], node
            search.move[2], search.move[3] = line, also
    return best


@njit
def try_node(
    problem: Problem,
    state: State,
    log: Log,
    repair: Repair,
    search: Search,
    node: int,
    target: int,
    count: int,
    best: float,
    deep: bool,
) -> float:
    """
    Looks for a better move to one node: alone, for one of its pods, or where ``deep`` for two of them.

    Returns
    -------
    As :func:`try_pods`. O(pods of the target × pods of the node, squared where ``deep``).
    """
    free = problem.classes.free_to_move
    pairs = deep and state.pods[node] <= MOST_PAIRED
    best = try_pods(problem, state, log, repair, search, node, target, count, best, -1, -1)
    line = repair.head[node]
    while line >= 0:
        if free[repair.class_of_slot[log.slot[line]]]:
            best = try_pods(problem, state, log, repair, search, node, target, count, best, line, -1)
            also = repair.next[line] if pairs else -1
            while also >= 0:
                if free[repair.class_of_slot[log.slot[also]]]:
                    best = try_pods(problem, state, log, repair, search, node, target, count, best, line, also)
                also = repair.next[also]
        line = repair.next[line]
    return best


@njit
def find_move(
    problem: Problem, state: State, log: Log, repair: Repair, search: Search, target: int, deep: bool
) -> float:
    """
    The best move among WINDOW nodes from a random one on that are better used than the target; what it gains.

    Pairs of pods are tried where ``deep``. Only the load per price decides which of two nodes is the better used, so
    that the sum of its squares grows with each move and no move is made in circles.
    """
    nodes = problem.nodes
    count = 0
    line = repair.head[target]
    while line >= 0 and count < search.line.shape[0]:
        search.line[count] = line
        count += 1
        line = repair.next[line]
    best = LEAST_GAIN
    start = draw(search.random, search.used.shape[0])
    for index in range(min(WINDOW, search.used.shape[0])):
        node = search.used[(start + index) % search.used.shape[0]]
        if search.moves[TRIED] >= search.moves[ENOUGH]:
            break
        if node == target or state.pods[node] == 0:
            continue
        if search.load[node] * nodes.price[target] > search.load[target] * nodes.price[node]:
            best = try_node(problem, state, log, repair, search, node, target, count, best, deep)
    return best if best > LEAST_GAIN else 0.0


@njit
def make_move(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, search: Search, target: int
) -> bool:
    """Makes the move found, with all rules asked; undone where one of them rejects it. Whether it was made."""
    start, node, out = log.lines[0], search.move[1], search.move[2:]
    take_off(problem, state, log, repair, search.move[0])
    for line in out:
        if line >= 0:
            take_off(problem, state, log, repair, line)
    slot = log.slot[search.move[0]]
    gain = search.size[repair.class_of_slot[slot]]
    done = fits_now(problem, state, work, repair.class_of_slot[slot], node)
    if done:
        bind_on(problem, goals, state, work, log, repair, slot, node)
    for line in out:
        if done and line >= 0:
            slot = log.slot[line]
            gain -= search.size[repair.class_of_slot[slot]]
            done = fits_now(problem, state, work, repair.class_of_slot[slot], target)
            if done:
                bind_on(problem, goals, state, work, log, repair, slot, target)
    if not done:
        for line in range(log.lines[0] - 1, start - 1, -1):
            take_off(problem, state, log, repair, line)
        log.lines[0] = start
        for line in out[::-1]:
            if line >= 0:
                put_back(problem, state, log, repair, line)
        put_back(problem, state, log, repair, search.move[0])
        return False
    search.load[target] -= gain
    search.load[node] += gain
    search.moves[KEPT] += 1
    return True


@njit
def empty_node(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, search: Search, target: int
) -> None:
    """Hands over as many pods of a node as others take, the largest gain first."""
    if log.lines[0] + SPARE_LINES > log.slot.shape[0]:
        compact(log, repair)
    fruitless = 0
    search.moves[ENOUGH] = search.moves[TRIED] + MOST_TRIED
    while state.pods[target] > 0 and fruitless < MOST_FRUITLESS and log.lines[0] + 3 < log.slot.shape[0]:
        found = find_move(problem, state, log, repair, search, target, fruitless > 0) > 0.0
        if found and make_move(problem, goals, state, work, log, repair, search, target):
            fruitless = 0
        else:
            fruitless += 1


@njit
def empty_nodes(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    search: Search,
    targets: NDArray[np.int32],
) -> None:
    """Tries to empty each of these nodes, in order."""
    for target in targets:
        empty_node(problem, goals, state, work, log, repair, search, target)
    work.scan_key[0] = -1
