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

from placer.kernels.bind import hold_units, may_stand, put, resources_fit, volumes_fit
from placer.kernels.costs import (
    ABOVE,
    MAX,
    PREFERENCE,
    ROOM,
    VARIANCE,
    add_wholes,
    cell_of,
    cell_values,
    change_at,
    copies_on,
    domain_of,
    in_cell,
    measure,
)
from placer.kernels.devices import choose_units
from placer.kernels.fragmentation import fragmentation_change, node_fragmentation
from placer.kernels.improve import amounts_fit, draw
from placer.kernels.jit import njit
from placer.kernels.repair import unlink
from placer.kernels.terms import AT_MOST_BY_DOMAIN, SOFT_COUNT, soft_cost, term_allows

if TYPE_CHECKING:
    from placer.encode.problem import Costs, Goals, Log, Problem, Repair, State, Walk, Work

TRIED, KEPT, STEPS, UNITS, WINDOW, RETURNS = 0, 1, 2, 3, 4, 5
NOW, BEST, MOVE = 0, 1, 2
WHOLE = (MAX, VARIANCE, ROOM)
"""Kinds that have sums over all cells."""
FEW, MANY = 6, 16
"""Nodes among which the best is chosen for a pod that makes room, and for one of a node that is emptied."""
RELOCATE, SWAP = 35, 80
"""Of 100 draws, those below the first move a pod alone, those below the second let pods change places."""
TARGETS = 4
"""Nodes tried for a pod that moves alone."""


@njit
def set_leaf(walk: Walk, term: int, leaf: int, value: float) -> None:
    """Writes one cell of a term's tree and the maxima above it. O(log cells)."""
    base = walk.tree_start[term]
    at = (walk.tree_start[term + 1] - base) // 2 + leaf
    walk.tree[base + at] = value
    at //= 2
    while at >= 1:
        most = max(walk.tree[base + 2 * at], walk.tree[base + 2 * at + 1])
        if walk.tree[base + at] == most:
            break
        walk.tree[base + at] = most
        at //= 2


@njit
def whole_value(costs: Costs, walk: Walk, term: int) -> float:
    """What a term that has sums comes to now, factor apart. O(1)."""
    kind, whole = costs.kind[term], walk.whole[term]
    if kind == MAX:
        return float(walk.tree[walk.tree_start[term] + 1])
    if kind == VARIANCE:
        return float(whole[1] / whole[2] - (whole[0] / whole[2]) ** 2) if whole[2] > 0.0 else 0.0
    return float(max(0.0, costs.threshold[term] - whole[0]))


@njit
def leaf_of(costs: Costs, term: int, pod_class: int, node: int) -> int:
    """The place of a pod's cell in a term's tree."""
    first = costs.of[costs.first[term]]
    leaf: int = cell_of(costs, first, pod_class, node) - costs.start[first]
    return leaf


@njit
def shift_whole(problem: Problem, state: State, walk: Walk, term: int, pod_class: int, node: int, sign: int) -> None:
    """Takes into a term's sums a pod that comes (``sign`` 1) or goes (-1); before it is put there or taken off."""
    costs = problem.costs
    if costs.kind[term] == ROOM:
        if costs.weight[term, node] > 0.0:
            walk.whole[term, 0] += copies_on(problem, state, term, node, pod_class, sign)
            walk.whole[term, 0] -= copies_on(problem, state, term, node, pod_class, 0)
        return
    domain = domain_of(costs, term, node)
    if domain < 0:
        return
    before, after = cell_values(costs, state, term, pod_class, node, sign)
    if costs.kind[term] == MAX:
        set_leaf(walk, term, leaf_of(costs, term, pod_class, node), costs.weight[term, domain] * after)
    else:
        walk.whole[term, 0] += after - before
        walk.whole[term, 1] += after * after - before * before


@njit
def fullness(problem: Problem, state: State, walk: Walk, pod_class: int, node: int, sign: int) -> float:
    """
    By how much a node that is paid for while it holds any pod gets emptier by a pod that goes (``sign`` -1) or comes.

    As what it costs × the square of what is used of it: to be lowered where nodes are to be emptied, so that loads
    gather (Falkenauer, Journal of Heuristics 1996).
    """
    nodes, need = problem.nodes, problem.classes.need
    used, more = 0.0, 0.0
    for index in range(walk.guide.shape[0]):
        resource = walk.guide[index]
        scale = nodes.scale[resource, node]
        if scale > 0.0:
            used += 1.0 - state.free[resource, node] * scale
            more += sign * need[pod_class, resource] * scale
    return float(-walk.worth[node] * more * (2.0 * used + more))


@njit
def level(costs: Costs, state: State, term: int, pod_class: int, node: int, sign: int) -> float:
    """By how much the squares of cells grow of which a term takes the largest: to be lowered among equal ones."""
    domain = domain_of(costs, term, node)
    if domain < 0:
        return 0.0
    before, after = cell_values(costs, state, term, pod_class, node, sign)
    return float(costs.factor[term] * costs.weight[term, domain] ** 2 * (after * after - before * before))


@njit
def shift(problem: Problem, state: State, walk: Walk, pod_class: int, node: int, sign: int) -> None:
    """Adds to the move under way what a pod that comes (``sign`` 1) or goes (-1) changes; before it does."""
    costs, last = problem.costs, walk.grain.shape[0] - 1
    if walk.guide.shape[0] > 0:
        walk.value[MOVE, last] += fullness(problem, state, walk, pod_class, node, sign)
    for index in range(costs.term_start[pod_class], costs.term_start[pod_class + 1]):
        term = costs.term[index]
        kind = costs.kind[term]
        if kind == MAX:
            walk.value[MOVE, last] += level(costs, state, term, pod_class, node, sign)
        if kind in WHOLE:
            before = whole_value(costs, walk, term)
            shift_whole(problem, state, walk, term, pod_class, node, sign)
            change = whole_value(costs, walk, term) - before
        else:
            change = change_at(costs, state, term, pod_class, node, sign)
        walk.value[MOVE, costs.tier[term]] += costs.factor[term] * change


@njit
def whole_change(
    problem: Problem, state: State, walk: Walk, term: int, pod_class: int, source: int, node: int
) -> float:
    """By how much a term that has sums changes when a pod moves; nothing is kept."""
    costs, whole = problem.costs, walk.whole[term]
    kind = costs.kind[term]
    before = whole_value(costs, walk, term)
    if kind == ROOM:
        more = 0
        if costs.weight[term, source] > 0.0:
            more += copies_on(problem, state, term, source, pod_class, -1)
            more -= copies_on(problem, state, term, source, pod_class, 0)
        if costs.weight[term, node] > 0.0:
            more += copies_on(problem, state, term, node, pod_class, 1)
            more -= copies_on(problem, state, term, node, pod_class, 0)
        return float(max(0.0, costs.threshold[term] - whole[0] - more) - before)
    one, other = domain_of(costs, term, source), domain_of(costs, term, node)
    if one == other:
        return 0.0
    old = new = old_too = new_too = 0.0
    if one >= 0:
        old, new = cell_values(costs, state, term, pod_class, source, -1)
    if other >= 0:
        old_too, new_too = cell_values(costs, state, term, pod_class, node, 1)
    if kind == VARIANCE:
        total = whole[0] + new - old + new_too - old_too
        squares = whole[1] + new * new - old * old + new_too * new_too - old_too * old_too
        return float(squares / whole[2] - (total / whole[2]) ** 2 - before)
    leaf = leaf_of(costs, term, pod_class, source) if one >= 0 else -1
    leaf_too = leaf_of(costs, term, pod_class, node) if other >= 0 else -1
    if one >= 0:
        set_leaf(walk, term, leaf, costs.weight[term, one] * new)
    if other >= 0:
        set_leaf(walk, term, leaf_too, costs.weight[term, other] * new_too)
    after = whole_value(costs, walk, term)
    if one >= 0:
        set_leaf(walk, term, leaf, costs.weight[term, one] * old)
    if other >= 0:
        set_leaf(walk, term, leaf_too, costs.weight[term, other] * old_too)
    return after - before


@njit
def add_simple(costs: Costs, state: State, pod_class: int, source: int, node: int, into: NDArray[np.float64]) -> None:
    """
    Adds to each tier what a pod that moves changes by terms that are sums over cells of one measure.

    They are most there are. Arrays are named once, outside the loop: to reach into a struct costs more than the sum.
    """
    terms, first, of, kinds, tiers = costs.term, costs.first, costs.of, costs.kind, costs.tier
    domain, key, start, domains, group = costs.domain, costs.key, costs.start, costs.domains, costs.group
    amounts, scales, weights, factors, values = costs.amount, costs.scale, costs.weight, costs.factor, state.cost_value
    thresholds = costs.threshold
    for index in range(costs.term_start[pod_class], costs.term_start[pod_class + 1]):
        term = terms[index]
        kind = kinds[term]
        if kind > ABOVE or first[term + 1] - first[term] != 1:
            continue
        measured = of[first[term]]
        one, other = domain[key[measured], source], domain[key[measured], node]
        if one == other:
            continue
        base = start[measured] + group[measured, pod_class] * domains[measured]
        amount, threshold, change = amounts[measured, pod_class], thresholds[term], 0.0
        if one >= 0:
            scale, before = scales[measured, one], values[base + one]
            fewer = in_cell(kind, (before - amount) * scale, threshold) - in_cell(kind, before * scale, threshold)
            change += weights[term, one] * fewer
        if other >= 0:
            scale, before = scales[measured, other], values[base + other]
            more = in_cell(kind, (before + amount) * scale, threshold) - in_cell(kind, before * scale, threshold)
            change += weights[term, other] * more
        into[tiers[term]] += factors[term] * change


@njit
def relocation(
    problem: Problem, state: State, walk: Walk, pod_class: int, source: int, node: int, into: NDArray[np.float64]
) -> None:
    """Writes by how much each tier changes when a pod moves, units and wishes apart; nothing is kept."""
    costs, last = problem.costs, into.shape[0] - 1
    into[:] = 0.0
    if walk.guide.shape[0] > 0:
        into[last] += fullness(problem, state, walk, pod_class, source, -1)
        into[last] += fullness(problem, state, walk, pod_class, node, 1)
    add_simple(costs, state, pod_class, source, node, into)
    for index in range(costs.term_start[pod_class], costs.term_start[pod_class + 1]):
        term = costs.term[index]
        kind = costs.kind[term]
        if kind <= ABOVE and costs.first[term + 1] - costs.first[term] == 1:
            continue
        if kind == MAX and domain_of(costs, term, source) != domain_of(costs, term, node):
            into[last] += level(costs, state, term, pod_class, source, -1)
            into[last] += level(costs, state, term, pod_class, node, 1)
        if kind in WHOLE:
            change = whole_change(problem, state, walk, term, pod_class, source, node)
        elif kind != PREFERENCE and domain_of(costs, term, source) == domain_of(costs, term, node):
            continue
        else:
            change = change_at(costs, state, term, pod_class, source, -1)
            change += change_at(costs, state, term, pod_class, node, 1)
        into[costs.tier[term]] += costs.factor[term] * change


@njit
def swap_change(problem: Problem, state: State, walk: Walk, one: int, other: int, source: int, node: int) -> None:
    """Writes to ``trial`` by how much each tier changes when two pods change nodes; nothing is kept. Without sums."""
    costs = problem.costs
    relocation(problem, state, walk, one, source, node, walk.trial[1])
    measure(costs, state, one, source, -1)
    measure(costs, state, one, node, 1)
    relocation(problem, state, walk, other, node, source, walk.trial[0])
    measure(costs, state, one, node, -1)
    measure(costs, state, one, source, 1)
    walk.trial[0] += walk.trial[1]


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
def draw_on(problem: Problem, log: Log, repair: Repair, walk: Walk, node: int) -> int:
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
def draw_line(problem: Problem, log: Log, repair: Repair, walk: Walk) -> int:
    """A line whose pod may move, of the window where there is one; -1 for none."""
    if walk.counts[WINDOW] > 0:
        return draw_on(problem, log, repair, walk, walk.window[draw(walk.random, walk.counts[WINDOW])])
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
    other = draw_on(problem, log, repair, walk, node)
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
            line = draw_line(problem, log, repair, walk)
            if line < 0:
                walk.counts[TRIED] += 1
                continue
            kind = draw(walk.random, 100)
            if kind < SWAP and kind >= RELOCATE:
                other = draw_line(problem, log, repair, walk)
                if other >= 0:
                    also = draw_on(problem, log, repair, walk, log.node[other]) if kind % 4 == 0 else -1
                    swap(problem, goals, state, work, log, repair, walk, line, other, also)
                continue
            if kind < RELOCATE:
                for _ in range(TARGETS):
                    if relocate(problem, goals, state, work, log, repair, walk, line, draw_node(problem, log, walk)):
                        break
            else:
                chain(problem, goals, state, work, log, repair, walk, line, draw_node(problem, log, walk))
