"""
Costs: what the terms of goals come to, measured with each pod that comes or goes.

A term over cells changes by what its function changes in one cell. Of the largest cell, the variance and the room for
copies sums over all cells are kept beside it, in ``whole``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Costs, Problem, State

ANY, LINEAR, SQUARES, ABOVE, MAX, VARIANCE = 0, 1, 2, 3, 4, 5
PRODUCT, PREFERENCE, ROOM, FRAGMENTATION, WISHES = 6, 7, 8, 9, 10
BY_NODE, BY_SEGMENT, ACROSS = 0, 1, 2
"""Keys whose domains are single nodes, that are equal within segments, and others."""
TIE = 1e-3
"""What a fuller cell weighs beside the largest one, and lost room beside copies without a place, while placing."""


@njit
def cell_of(costs: Costs, measured: int, pod_class: int, node: int) -> int:
    """The cell of a measure in which a pod of a class counts on a node; -1 where the node lacks the key."""
    domain = costs.domain[costs.key[measured], node]
    if domain < 0:
        return -1
    cell: int = costs.start[measured] + costs.group[measured, pod_class] * costs.domains[measured] + domain
    return cell


@njit
def measure(costs: Costs, state: State, pod_class: int, node: int, sign: int) -> None:
    """Adds a pod to all measures (``sign`` 1), or takes it out (-1). O(measures it adds to)."""
    for index in range(costs.touched_start[pod_class], costs.touched_start[pod_class + 1]):
        measured = costs.touched[index]
        cell = cell_of(costs, measured, pod_class, node)
        if cell >= 0:
            state.cost_value[cell] += sign * costs.amount[measured, pod_class]


@njit
def cell_values(costs: Costs, state: State, term: int, pod_class: int, node: int, sign: int) -> tuple[float, float]:
    """What a term's cell has before and after a pod comes (``sign`` 1) or goes (-1); the node has the key."""
    before, more = 0.0, 0.0
    for index in range(costs.first[term], costs.first[term + 1]):
        measured = costs.of[index]
        domain = costs.domain[costs.key[measured], node]
        cell = costs.start[measured] + costs.group[measured, pod_class] * costs.domains[measured] + domain
        scale = costs.scale[measured, domain]
        before += state.cost_value[cell] * scale
        more += (state.cost_value[cell] + sign * costs.amount[measured, pod_class]) * scale
    return before, more


@njit
def in_cell(kind: int, value: float, threshold: float) -> float:
    """What a term over cells says of one that has ``value``, weight apart."""
    if kind == ANY:
        return 1.0 if value > 0.0 else 0.0
    if kind == SQUARES:
        return value * value
    if kind == ABOVE:
        return max(0.0, value - threshold)
    return value


@njit
def product_change(costs: Costs, state: State, term: int, pod_class: int, node: int, sign: int) -> float:
    """By how much the product of a term's two measures changes in a pod's cell."""
    first, second = costs.of[costs.first[term]], costs.of[costs.first[term] + 1]
    one = state.cost_value[cell_of(costs, first, pod_class, node)]
    other = state.cost_value[cell_of(costs, second, pod_class, node)]
    more, more_too = sign * costs.amount[first, pod_class], sign * costs.amount[second, pod_class]
    return float((one + more) * (other + more_too) - one * other)


@njit
def domain_of(costs: Costs, term: int, node: int) -> int:
    """The node's domain of a term over cells; -1 where it lacks the key or the domain is left out."""
    domain: int = costs.domain[costs.key[costs.of[costs.first[term]]], node]
    return domain if domain >= 0 and costs.weight[term, domain] > 0.0 else -1


@njit
def wish_of(costs: Costs, term: int, pod_class: int, node: int) -> float:
    """What a preference costs one pod of a class on a node."""
    for index in range(costs.wish_term.shape[0]):
        if costs.wish_term[index] == term:
            row = costs.wish_row[index, pod_class]
            return float(costs.wish_cost[row, node]) if row >= 0 else 0.0
    return 0.0


@njit
def change_at(costs: Costs, state: State, term: int, pod_class: int, node: int, sign: int) -> float:
    """
    By how much a term that is a sum over cells or pods changes with a pod that comes (``sign`` 1) or goes (-1).

    Its factor apart, and before the pod is put there or taken off. Not for terms with a ``whole``.
    """
    kind = costs.kind[term]
    if kind == PREFERENCE:
        return sign * wish_of(costs, term, pod_class, node)
    domain = domain_of(costs, term, node)
    if domain < 0:
        return 0.0
    if kind == PRODUCT:
        return float(costs.weight[term, domain] * product_change(costs, state, term, pod_class, node, sign))
    before, after = cell_values(costs, state, term, pod_class, node, sign)
    threshold = costs.threshold[term]
    return float(costs.weight[term, domain] * (in_cell(kind, after, threshold) - in_cell(kind, before, threshold)))


@njit
def copies_on(problem: Problem, state: State, term: int, node: int, pod_class: int, sign: int) -> int:
    """How many copies of a term's shape a node takes, with one more pod of a class (``sign`` 1), or less (-1)."""
    costs = problem.costs
    least = -1
    for resource in range(costs.room.shape[1]):
        asked = costs.room[term, resource]
        if asked > 0:
            left = state.free[resource, node]
            if sign != 0:
                left -= sign * problem.classes.need[pod_class, resource]
            fits = max(left, 0) // asked
            least = fits if least < 0 else min(least, fits)
    return max(least, 0)


@njit
def add_whole(problem: Problem, state: State, term: int, whole: NDArray[np.float64]) -> None:
    """Writes a term's sums: the largest cell; sum, sum of squares and number of cells; copies. O(cells or nodes)."""
    costs = problem.costs
    kind = costs.kind[term]
    whole[:] = 0.0
    if kind == ROOM:
        for node in range(costs.weight.shape[1]):
            if costs.weight[term, node] > 0.0:
                whole[0] += copies_on(problem, state, term, node, -1, 0)
        return
    first = costs.of[costs.first[term]]
    domains = costs.domains[first]
    for cell in range(costs.start[first + 1] - costs.start[first]):
        domain = cell % domains
        weight = costs.weight[term, domain]
        if weight > 0.0:
            value = 0.0
            for index in range(costs.first[term], costs.first[term + 1]):
                measured = costs.of[index]
                value += state.cost_value[costs.start[measured] + cell] * costs.scale[measured, domain]
            if kind == MAX:
                whole[0] = max(whole[0], weight * value)
            else:
                whole[0] += value
                whole[1] += value * value
                whole[2] += 1.0


@njit
def add_wholes(problem: Problem, state: State, whole: NDArray[np.float64], placing: bool) -> None:
    """Writes (terms, 3) the sums of all terms that have any; of those that place pods where ``placing``."""
    costs = problem.costs
    for term in range(costs.kind.shape[0]):
        kind = costs.kind[term]
        if (kind == MAX or kind == VARIANCE or kind == ROOM) and (not placing or costs.place[term] != 0.0):
            add_whole(problem, state, term, whole[term])


@njit
def whole_at(problem: Problem, state: State, term: int, pod_class: int, node: int, whole: NDArray[np.float64]) -> float:
    """What one more pod of a class costs by a term that has sums, factor apart; ties go to what fills least."""
    costs = problem.costs
    kind = costs.kind[term]
    if kind == ROOM:
        if costs.weight[term, node] <= 0.0:
            return 0.0
        fewer = copies_on(problem, state, term, node, pod_class, 0)
        fewer -= copies_on(problem, state, term, node, pod_class, 1)
        short = max(0.0, costs.threshold[term] - whole[0] + fewer) - max(0.0, costs.threshold[term] - whole[0])
        return float(short + TIE * fewer)
    domain = domain_of(costs, term, node)
    if domain < 0:
        return 0.0
    before, after = cell_values(costs, state, term, pod_class, node, 1)
    if kind == MAX:
        value = costs.weight[term, domain] * after
        return float(max(0.0, value - whole[0]) + TIE * value)
    more = after - before
    squares = (after * after - before * before) / whole[2]
    return float(squares - more * (2.0 * whole[0] + more) / (whole[2] * whole[2]))


@njit
def add_by_node(
    costs: Costs, state: State, term: int, pod_class: int, low: int, high: int, score: NDArray[np.float64]
) -> None:
    """Adds a term of one measure that is a sum over single nodes, for nodes in [low, high)."""
    kind, measured, factor = costs.kind[term], costs.of[costs.first[term]], costs.place[term]
    base = costs.start[measured] + costs.group[measured, pod_class] * costs.domains[measured]
    value = state.cost_value[base + low : base + high]
    scale, weight = costs.scale[measured, low:high], costs.weight[term, low:high]
    amount = float(costs.amount[measured, pod_class])
    threshold = costs.threshold[term]
    part = score[low:high]
    if kind == ANY:
        for node in range(high - low):
            opens = value[node] * scale[node] <= 0.0 and (value[node] + amount) * scale[node] > 0.0
            part[node] += factor * weight[node] if opens else 0.0
    elif kind == LINEAR:
        for node in range(high - low):
            part[node] += factor * weight[node] * amount * scale[node]
    elif kind == SQUARES:
        for node in range(high - low):
            more = amount * scale[node]
            part[node] += factor * weight[node] * more * (2.0 * value[node] * scale[node] + more)
    else:
        for node in range(high - low):
            used = value[node] * scale[node]
            over = max(0.0, used + amount * scale[node] - threshold) - max(0.0, used - threshold)
            part[node] += factor * weight[node] * over


@njit
def cost_at(problem: Problem, state: State, term: int, pod_class: int, node: int, whole: NDArray[np.float64]) -> float:
    """What one more pod of a class on a node costs by a term while nodes are chosen."""
    costs = problem.costs
    kind = costs.kind[term]
    if kind == MAX or kind == VARIANCE or kind == ROOM:
        return float(costs.place[term] * whole_at(problem, state, term, pod_class, node, whole[term]))
    return float(costs.place[term] * change_at(costs, state, term, pod_class, node, 1))


@njit
def add_costs(
    problem: Problem,
    state: State,
    whole: NDArray[np.float64],
    pod_class: int,
    low: int,
    high: int,
    score: NDArray[np.float64],
) -> None:
    """
    Adds what one more pod of a class costs by the terms that place pods, for nodes [low, high) of one segment.

    Terms over keys that are equal within segments are left to :func:`segment_cost`. O(terms of the class × nodes).
    """
    costs = problem.costs
    for index in range(costs.term_start[pod_class], costs.term_start[pod_class + 1]):
        term = costs.term[index]
        reach = costs.reach[term]
        if costs.place[term] == 0.0 or reach == BY_SEGMENT:
            continue
        if reach == BY_NODE and costs.kind[term] <= ABOVE and costs.first[term + 1] - costs.first[term] == 1:
            add_by_node(costs, state, term, pod_class, low, high, score)
            continue
        for node in range(low, high):
            if score[node] < np.inf:
                score[node] += cost_at(problem, state, term, pod_class, node, whole)


@njit
def segment_cost(problem: Problem, state: State, whole: NDArray[np.float64], pod_class: int, node: int) -> float:
    """What one more pod costs on any node of a segment, by terms over keys that are equal within segments."""
    costs = problem.costs
    total = 0.0
    for index in range(costs.term_start[pod_class], costs.term_start[pod_class + 1]):
        term = costs.term[index]
        if costs.place[term] != 0.0 and costs.reach[term] == BY_SEGMENT:
            total += cost_at(problem, state, term, pod_class, node, whole)
    return total
