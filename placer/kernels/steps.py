"""
Steps: a pod off its node and onto another one in its line of the log, noted so that it can be undone.

Counts over time stay the same wherever a pod counts as before: rules that ask for others (affinity, spread, distinct
domains) are not touched, and rules with an upper bound are asked on the final state, which no moment before it exceeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.kernels.bind import hold_units, may_stand, put, resources_fit, volumes_fit
from placer.kernels.devices import choose_units
from placer.kernels.fragmentation import fragmentation_change, node_fragmentation
from placer.kernels.jit import njit
from placer.kernels.repair import unlink
from placer.kernels.terms import AT_MOST_BY_DOMAIN, SOFT_COUNT, soft_cost, term_allows
from placer.kernels.weigh import MOVE, shift

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Log, Problem, Repair, State, Walk, Work

TRIED, KEPT, STEPS, UNITS, WINDOW, RETURNS = 0, 1, 2, 3, 4, 5
"""Places of ``Walk.counts``."""


@njit
def stays_counted(problem: Problem, walk: Walk, pod_class: int, source: int, node: int) -> bool:
    """Whether a pod counts on both nodes alike wherever a rule that asks for others looks."""
    nodes, counters = problem.nodes, problem.counters
    for index in range(walk.fixed_start[pod_class], walk.fixed_start[pod_class + 1]):
        counter = walk.fixed[index]
        key, chosen = counters.key[counter], counters.eligible[counter]
        if nodes.domain[key, source] != nodes.domain[key, node]:
            return False
        if chosen >= 0:
            allowed = counters.eligible_segment[chosen]
            if allowed[nodes.segment[source]] != allowed[nodes.segment[node]]:
                return False
    return True


@njit
def bounds_allow(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    """Whether the class's rules with an upper bound allow one more pod on a node."""
    classes, terms = problem.classes, problem.terms
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        kind = terms.kind[term]
        if kind >= SOFT_COUNT:
            break
        if kind <= AT_MOST_BY_DOMAIN and not term_allows(problem, state, term, node, terms.bound[term], False):
            return False
    return True


@njit
def may_change(problem: Problem, walk: Walk, pod_class: int, source: int, node: int) -> bool:
    """Whether static rules allow a class on a node and its pod counts as before there; always for -1."""
    return pod_class < 0 or (
        may_stand(problem, pod_class, node) and stays_counted(problem, walk, pod_class, source, node)
    )


@njit
def may_move(problem: Problem, state: State, walk: Walk, pod_class: int, source: int, node: int) -> bool:
    """What is asked first of a move: amounts, static rules, and that the pod counts as before."""
    return (
        node != source
        and resources_fit(problem, state, pod_class, node)
        and may_change(problem, walk, pod_class, source, node)
    )


@njit
def wishes_lost(problem: Problem, state: State, pod_class: int, node: int, zoned: bool) -> float:
    """What a pod's own wishes lose on a node on which it does not stand yet."""
    classes = problem.classes
    lost = classes.wish_cost[classes.wish[pod_class], problem.nodes.segment[node]]
    lost += soft_cost(problem, state, pod_class, node)
    if classes.numa[pod_class] == 2 and problem.units.zones[node] > 0 and not zoned:
        lost += 1
    return float(lost)


@njit
def is_zoned(log: Log, line: int) -> bool:
    """Whether the pod of a line holds a NUMA zone, which is its last unit."""
    last = log.unit_start[line + 1]
    zoned: bool = last > log.unit_start[line] and log.unit_need[last - 1] < 0
    return zoned


@njit
def take(
    problem: Problem, goals: Goals, state: State, log: Log, repair: Repair, walk: Walk, line: int, node: int, sign: int
) -> None:
    """Puts the pod of a line on a node with the units that the line names (``sign`` 1), or takes it off (-1)."""
    costs, pod_class = problem.costs, repair.class_of_slot[log.slot[line]]
    start, stop = log.unit_start[line], log.unit_start[line + 1]
    broken, wished = walk.special[0], walk.special[1]
    if broken >= 0:
        before = node_fragmentation(problem, goals, state, node)
    shift(problem, state, walk, pod_class, node, sign)
    if wished >= 0 and sign > 0:
        lost = wishes_lost(problem, state, pod_class, node, is_zoned(log, line))
        walk.value[MOVE, costs.tier[wished]] += costs.factor[wished] * lost
    hold_units(problem, state, pod_class, log.unit[start:stop], log.unit_need[start:stop], stop - start, sign)
    put(problem, state, pod_class, node, sign)
    if wished >= 0 and sign < 0:
        lost = wishes_lost(problem, state, pod_class, node, is_zoned(log, line))
        walk.value[MOVE, costs.tier[wished]] -= costs.factor[wished] * lost
    if broken >= 0:
        change = node_fragmentation(problem, goals, state, node) - before
        walk.value[MOVE, costs.tier[broken]] += costs.factor[broken] * change


@njit
def lift(problem: Problem, goals: Goals, state: State, log: Log, repair: Repair, walk: Walk, line: int) -> None:
    """Notes where the pod of a line stands and takes it off."""
    step, base = walk.counts[STEPS], walk.counts[UNITS]
    node = log.node[line]
    walk.undo[step, 0], walk.undo[step, 1], walk.undo[step, 2] = line, node, base
    for unit in range(log.unit_start[line], log.unit_start[line + 1]):
        walk.undo_unit[base] = log.unit[unit]
        base += 1
    walk.counts[STEPS], walk.counts[UNITS] = step + 1, base
    take(problem, goals, state, log, repair, walk, line, node, -1)
    unlink(log, repair, line)
    log.node[line] = -1


@njit
def set_down(
    problem: Problem, goals: Goals, state: State, log: Log, repair: Repair, walk: Walk, line: int, node: int
) -> None:
    """Puts the pod of a line that was taken off on a node, units as the line names them."""
    take(problem, goals, state, log, repair, walk, line, node, 1)
    log.node[line] = node
    repair.next[line] = repair.head[node]
    repair.head[node] = line


@njit
def land(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    repair: Repair,
    walk: Walk,
    line: int,
    node: int,
) -> bool:
    """Puts the pod of a line that was taken off on a node; not where amounts, bounds, units or volumes forbid it."""
    pod_class = repair.class_of_slot[log.slot[line]]
    start, stop = log.unit_start[line], log.unit_start[line + 1]
    if not (
        resources_fit(problem, state, pod_class, node)
        and bounds_allow(problem, state, pod_class, node)
        and volumes_fit(problem, state, pod_class, node)
    ):
        return False
    slots = choose_units(problem, state, pod_class, node, work)
    if slots != stop - start:
        return False
    if walk.special[0] >= 0 and slots > 0:
        fragmentation_change(problem, goals, state, work, pod_class, node, slots)
    for slot in range(slots):
        if log.unit_need[start + slot] != work.slot_need[slot]:
            return False
    for slot in range(slots):
        log.unit[start + slot] = work.chosen[slot]
    set_down(problem, goals, state, log, repair, walk, line, node)
    return True


@njit
def exchange_slots(
    problem: Problem, goals: Goals, state: State, log: Log, repair: Repair, walk: Walk, line: int, other: int
) -> None:
    """Lets the pods of two lines, neither of which holds units, change places in the log."""
    take(problem, goals, state, log, repair, walk, line, log.node[line], -1)
    take(problem, goals, state, log, repair, walk, other, log.node[other], -1)
    log.slot[line], log.slot[other] = log.slot[other], log.slot[line]
    log.line_of_slot[log.slot[line]], log.line_of_slot[log.slot[other]] = line, other
    take(problem, goals, state, log, repair, walk, line, log.node[line], 1)
    take(problem, goals, state, log, repair, walk, other, log.node[other], 1)


@njit
def undo(problem: Problem, goals: Goals, state: State, log: Log, repair: Repair, walk: Walk, mark: int) -> None:
    """Undoes the steps noted from ``mark`` on, the last one first."""
    for step in range(walk.counts[STEPS] - 1, mark - 1, -1):
        line, node, base = walk.undo[step, 0], walk.undo[step, 1], walk.undo[step, 2]
        if node < 0:
            exchange_slots(problem, goals, state, log, repair, walk, line, -1 - node)
            continue
        if log.node[line] >= 0:
            take(problem, goals, state, log, repair, walk, line, log.node[line], -1)
            unlink(log, repair, line)
        for unit in range(log.unit_start[line], log.unit_start[line + 1]):
            log.unit[unit] = walk.undo_unit[base + unit - log.unit_start[line]]
        set_down(problem, goals, state, log, repair, walk, line, node)
        walk.counts[UNITS] = base
    walk.counts[STEPS] = mark
    walk.value[MOVE] = 0.0
