"""
Search: pods move and change places for any goal, one after another, and what was best is kept.

A pod that moves keeps its line of the log, so that counts over time stay the same wherever it counts as before: rules
that ask for others (affinity, spread, distinct domains) are not touched by it, and rules with an upper bound are asked
on the final state, which no moment before it exceeds. The change of a move is worked out from the terms it touches.

Of several tiers the first that changes decides. In the tier that leads a move for the worse is kept by chance, by how
much worse it is (Kirkpatrick, Gelatt and Vecchi, Science 1983); in the others never. What was done since the best is
noted and can be undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.costs import add_wholes
from placer.kernels.improve import amounts_fit, draw
from placer.kernels.jit import njit
from placer.kernels.steps import (
    KEPT,
    RETURNS,
    STEPS,
    TRIED,
    UNITS,
    WINDOW,
    exchange_slots,
    land,
    lift,
    may_change,
    may_move,
    undo,
)
from placer.kernels.weigh import BEST, MOVE, NOW, relocation, swap_change

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Log, Problem, Repair, State, Walk, Work

FEW, MANY = 6, 16
"""Nodes among which the best is chosen for a pod that makes room, and for one of a node that is emptied."""
RELOCATE, SWAP = 35, 80
"""Of 100 draws, those below the first move a pod alone, those below the second let pods change places."""
TARGETS = 4
"""Nodes tried for a pod that moves alone."""


@njit
def accepts(walk: Walk, change: NDArray[np.float64]) -> bool:
    """Whether a move of this change is kept: by the first tier that changes."""
    for tier in range(change.shape[0]):
        if change[tier] < -walk.grain[tier]:
            return True
        if change[tier] > walk.grain[tier]:
            guide = tier == change.shape[0] - 1
            if tier != walk.lead[0] and not guide:
                return False
            sums = walk.heat[3:5] if guide else walk.heat[1:3]
            sums[0] += change[tier]
            sums[1] += 1.0
            if walk.heat[0] <= 0.0:
                return False
            chance = (draw(walk.random, 2**30) + 0.5) / 2**30
            return bool(change[tier] < -walk.heat[0] * sums[0] / sums[1] * np.log(chance))
    return True


@njit
def is_less(walk: Walk, one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether one list of tiers is below another by the first in which they differ."""
    for tier in range(one.shape[0]):
        if abs(one[tier] - other[tier]) > walk.grain[tier]:
            return bool(one[tier] < other[tier])
    return False


@njit
def keep(walk: Walk) -> None:
    """Takes the move under way into what is; where nothing was better so far, what was noted is forgotten."""
    walk.value[NOW] += walk.value[MOVE]
    walk.value[MOVE] = 0.0
    walk.counts[KEPT] += 1
    if not is_less(walk, walk.value[BEST], walk.value[NOW]):
        walk.value[BEST] = walk.value[NOW]
        walk.counts[STEPS] = walk.counts[UNITS] = 0


@njit
def keep_or_undo(
    problem: Problem,
    goals: Goals,
    state: State,
    log: Log,
    repair: Repair,
    walk: Walk,
    mark: int,
    landed: bool,
    known: bool,
) -> bool:
    """Ends a move: kept where all pods stand again and the change is accepted, or was (``known``); whether it was."""
    if landed and (known or accepts(walk, walk.value[MOVE])):
        keep(walk)
        return True
    undo(problem, goals, state, log, repair, walk, mark)
    return False


@njit
def draw_on(log: Log, repair: Repair, walk: Walk, node: int) -> int:
    """A line of a node whose pod may move, all alike likely; -1 for none. O(pods of the node)."""
    count, chosen = 0, -1
    line = repair.head[node]
    while line >= 0:
        if walk.moves[repair.class_of_slot[log.slot[line]]]:
            count += 1
            if draw(walk.random, count) == 0:
                chosen = line
        line = repair.next[line]
    return chosen


@njit
def draw_line(log: Log, repair: Repair, walk: Walk) -> int:
    """A line whose pod may move, of the window where there is one; -1 for none."""
    if walk.counts[WINDOW] > 0:
        return draw_on(log, repair, walk, walk.window[draw(walk.random, walk.counts[WINDOW])])
    return int(walk.line[draw(walk.random, walk.line.shape[0])])


@njit
def draw_node(problem: Problem, log: Log, walk: Walk) -> int:
    """A node of the window; without one a node in use, or as often any node."""
    if walk.counts[WINDOW] > 0:
        return int(walk.window[draw(walk.random, walk.counts[WINDOW])])
    if draw(walk.random, 2) == 0:
        node = log.node[walk.line[draw(walk.random, walk.line.shape[0])]]
        if node >= 0:
            return int(node)
    return draw(walk.random, problem.nodes.row.shape[0])


@njit
def best_target(
    problem: Problem, state: State, log: Log, repair: Repair, walk: Walk, line: int, other: int, tries: int
) -> int:
    """The node, not ``other``, of some drawn on which the pod of a line fits and costs least; -1 for none."""
    pod_class, source = repair.class_of_slot[log.slot[line]], log.node[line]
    chosen = -1
    walk.counts[TRIED] += tries
    for _ in range(tries):
        node = draw_node(problem, log, walk)
        if node != other and may_move(problem, state, walk, pod_class, source, node):
            relocation(problem, state, walk, pod_class, source, node, walk.trial[0])
            if chosen < 0 or is_less(walk, walk.trial[0], walk.trial[1]):
                walk.trial[1] = walk.trial[0]
                chosen = node
    return chosen


@njit
def relocate(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, walk: Walk, line: int, node: int
) -> bool:
    """Moves one pod, where that is legal and accepted; whether it did."""
    pod_class, source = repair.class_of_slot[log.slot[line]], log.node[line]
    walk.counts[TRIED] += 1
    if not may_move(problem, state, walk, pod_class, source, node):
        return False
    known = walk.special[0] < 0 and walk.special[1] < 0
    if known:
        relocation(problem, state, walk, pod_class, source, node, walk.trial[0])
        if not accepts(walk, walk.trial[0]):
            return False
    mark = walk.counts[STEPS]
    lift(problem, goals, state, log, repair, walk, line)
    landed = land(problem, goals, state, work, log, repair, walk, line, node)
    return keep_or_undo(problem, goals, state, log, repair, walk, mark, landed, known)


@njit
def swap(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    walk: Walk,
    line: int,
    other: int,
    also: int,
) -> bool:
    """Lets a pod change nodes with one or two of another node (``also``, -1 for none); whether they did."""
    classes = problem.classes
    one, two = repair.class_of_slot[log.slot[line]], repair.class_of_slot[log.slot[other]]
    three = repair.class_of_slot[log.slot[also]] if also >= 0 else -1
    source, node = log.node[line], log.node[other]
    walk.counts[TRIED] += 1
    if (
        (one == two and also < 0)
        or source == node
        or also == other
        or not amounts_fit(classes, state, node, one, -1, two, three)
        or not amounts_fit(classes, state, source, two, three, one, -1)
        or not amounts_fit(classes, state, source, three, two, one, -1)
    ):
        return False
    mark, kin = walk.counts[STEPS], also < 0 and walk.kin[one] >= 0 and walk.kin[one] == walk.kin[two]
    if not (
        kin
        or (
            may_change(problem, walk, one, source, node)
            and may_change(problem, walk, two, node, source)
            and may_change(problem, walk, three, node, source)
        )
    ):
        return False
    known = also < 0 and not (walk.by_state[one] or walk.by_state[two])
    if known:
        swap_change(problem, state, walk, one, two, source, node)
        if not accepts(walk, walk.trial[0]):
            return False
    if kin:
        exchange_slots(problem, goals, state, log, repair, walk, line, other)
        walk.undo[mark, 0], walk.undo[mark, 1], walk.undo[mark, 2] = line, -1 - other, walk.counts[UNITS]
        walk.counts[STEPS] = mark + 1
        return keep_or_undo(problem, goals, state, log, repair, walk, mark, True, known)
    lift(problem, goals, state, log, repair, walk, line)
    lift(problem, goals, state, log, repair, walk, other)
    if also >= 0:
        lift(problem, goals, state, log, repair, walk, also)
    landed = land(problem, goals, state, work, log, repair, walk, line, node)
    landed = landed and land(problem, goals, state, work, log, repair, walk, other, source)
    landed = landed and (also < 0 or land(problem, goals, state, work, log, repair, walk, also, source))
    return keep_or_undo(problem, goals, state, log, repair, walk, mark, landed, known)


@njit
def chain(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, walk: Walk, line: int, node: int
) -> bool:
    """Moves a pod to a node from which another one goes elsewhere first; whether it did."""
    pod_class, source = repair.class_of_slot[log.slot[line]], log.node[line]
    walk.counts[TRIED] += 1
    other = draw_on(log, repair, walk, node)
    if node == source or other < 0:
        return False
    gone = repair.class_of_slot[log.slot[other]]
    if not (
        amounts_fit(problem.classes, state, node, pod_class, -1, gone, -1)
        and may_change(problem, walk, pod_class, source, node)
    ):
        return False
    target = best_target(problem, state, log, repair, walk, other, source, FEW)
    if target < 0:
        return False
    mark = walk.counts[STEPS]
    lift(problem, goals, state, log, repair, walk, other)
    landed = land(problem, goals, state, work, log, repair, walk, other, target)
    if landed:
        lift(problem, goals, state, log, repair, walk, line)
        landed = land(problem, goals, state, work, log, repair, walk, line, node)
    return keep_or_undo(problem, goals, state, log, repair, walk, mark, landed, False)


@njit
def clear_node(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, repair: Repair, walk: Walk, node: int
) -> bool:
    """Moves all pods of a node elsewhere, each to the best of MANY nodes; whether it did."""
    count = 0
    line = repair.head[node]
    while line >= 0:
        if count == walk.held.shape[0] or not walk.moves[repair.class_of_slot[log.slot[line]]]:
            return False
        walk.held[count] = line
        count += 1
        line = repair.next[line]
    walk.counts[TRIED] += 1
    if count == 0 or state.pods[node] != count:
        return False
    mark, landed = walk.counts[STEPS], True
    for index in range(count):
        line = walk.held[index]
        target = best_target(problem, state, log, repair, walk, line, node, MANY)
        landed = target >= 0
        if landed:
            lift(problem, goals, state, log, repair, walk, line)
            landed = land(problem, goals, state, work, log, repair, walk, line, target)
        if not landed:
            break
    return keep_or_undo(problem, goals, state, log, repair, walk, mark, landed, False)


@njit
def return_to_best(problem: Problem, goals: Goals, state: State, log: Log, repair: Repair, walk: Walk) -> None:
    """Undoes what was done since the best."""
    undo(problem, goals, state, log, repair, walk, 0)
    walk.value[NOW] = walk.value[BEST]
    walk.counts[RETURNS] += 1


@njit
def wander(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    walk: Walk,
    tries: int,
    hot: float,
    cold: float,
) -> None:
    """
    Tries some moves.

    Parameters
    ----------
    tries
        Moves to try; the last one may look at a few more.
    hot, cold
        How much worse a move may be on average and be kept, at first and at last, as a share of what those for the
        worse cost; falls by equal ratios. 0 is never.
    """
    add_wholes(problem, state, walk.whole, False)
    start = walk.counts[TRIED]
    spare = walk.held.shape[0] + 4
    while walk.counts[TRIED] - start < tries:
        done = (walk.counts[TRIED] - start) / tries
        walk.heat[0] = hot * (cold / hot) ** done if hot > 0.0 else 0.0
        for _ in range(16):
            if walk.counts[STEPS] + spare > walk.undo.shape[0]:
                return_to_best(problem, goals, state, log, repair, walk)
            if walk.lead[1] > 0 and draw(walk.random, 64) == 0:
                clear_node(problem, goals, state, work, log, repair, walk, draw_node(problem, log, walk))
                continue
            line = draw_line(log, repair, walk)
            if line < 0:
                walk.counts[TRIED] += 1
                continue
            kind = draw(walk.random, 100)
            if kind < SWAP and kind >= RELOCATE:
                other = draw_line(log, repair, walk)
                if other >= 0:
                    also = draw_on(log, repair, walk, log.node[other]) if kind % 4 == 0 else -1
                    swap(problem, goals, state, work, log, repair, walk, line, other, also)
                continue
            if kind < RELOCATE:
                for _ in range(TARGETS):
                    if relocate(problem, goals, state, work, log, repair, walk, line, draw_node(problem, log, walk)):
                        break
            else:
                chain(problem, goals, state, work, log, repair, walk, line, draw_node(problem, log, walk))
