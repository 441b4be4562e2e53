"""
Weighing: by how much each tier changes when a pod moves, worked out from the terms that the move touches.

Terms that take the largest cell, the variance or what finds room have sums over all cells, which are kept up to date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.costs import (
    ABOVE,
    MAX,
    PREFERENCE,
    ROOM,
    VARIANCE,
    cell_of,
    cell_values,
    change_at,
    copies_on,
    domain_of,
    in_cell,
    measure,
)
from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Costs, Problem, State, Walk

NOW, BEST, MOVE = 0, 1, 2
"""Rows of ``Walk.value``: what is, what was best, and the change of the move under way."""
WHOLE = (MAX, VARIANCE, ROOM)
"""Kinds that have sums over all cells."""


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
