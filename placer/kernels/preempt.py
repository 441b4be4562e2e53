"""
Preemption: which pods of lower priority to evict from a node, and what that costs.

The procedure is kube-scheduler's DefaultPreemption (Kubernetes, "Pod Priority and Preemption"): all pods of lower
priority go; where the pod then fits, they come back one by one, those first whose disruption budget would break, the
more important first, unless the pod stops fitting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import put
from placer.kernels.counters import count_pod, find_entry
from placer.kernels.jit import njit
from placer.kernels.reject import HOLDERS, first_rejection
from placer.kernels.terms import SOFT_COUNT, bootstraps

if TYPE_CHECKING:
    from placer.encode.problem import Bodies, Problem, State, Work

NO_VICTIMS = 127
LATEST = 2**62
LOWEST = -(2**31)


@njit
def lie_down(bodies: Bodies, body: int, node: int) -> None:
    """Lists a pod as the last of a node's."""
    bodies.next[body] = -1
    if bodies.head[node] < 0:
        bodies.head[node] = body
    else:
        bodies.next[bodies.tail[node]] = body
    bodies.tail[node] = body


@njit
def lie_down_all(bodies: Bodies, rows: NDArray[np.int32], nodes: NDArray[np.int32]) -> None:
    """Lists pods that were bound, in order."""
    for place in range(rows.shape[0]):
        lie_down(bodies, rows[place], nodes[place])


@njit
def get_up(bodies: Bodies, body: int, node: int) -> None:
    """Takes a pod off a node's list. O(pods of the node)."""
    before = -1
    at = bodies.head[node]
    while at != body:
        before = at
        at = bodies.next[at]
    if before < 0:
        bodies.head[node] = bodies.next[body]
    else:
        bodies.next[before] = bodies.next[body]
    if bodies.tail[node] == body:
        bodies.tail[node] = before


@njit
def is_before(bodies: Bodies, one: int, other: int) -> bool:
    """
    Whether a pod is more important than one that stands before it: of higher priority, else started earlier.

    kube-scheduler takes the present time for pods without a start, so that of two the later one goes first.
    """
    if bodies.priority[one] != bodies.priority[other]:
        return bool(bodies.priority[one] > bodies.priority[other])
    if bodies.started[one] == LATEST and bodies.started[other] == LATEST:
        return True
    return bool(bodies.started[one] < bodies.started[other])


@njit
def lower_pods(bodies: Bodies, priority: int, node: int, listed: NDArray[np.int32]) -> int:
    """Lists the node's pods of lower priority, most important first; how many. Those that hold units are left alone."""
    count = 0
    body = bodies.head[node]
    while body >= 0:
        if bodies.priority[body] < priority and not bodies.holds_units[body]:
            place = count
            while place > 0 and is_before(bodies, body, listed[place - 1]):
                listed[place] = listed[place - 1]
                place -= 1
            listed[place] = body
            count += 1
        body = bodies.next[body]
    return count


@njit
def mark_breaking(bodies: Bodies, listed: NDArray[np.int32], count: int, breaking: NDArray[np.bool_]) -> None:
    """Says which evictions, in this order, would break a disruption budget."""
    bodies.left[:] = bodies.allowed
    for place in range(count):
        body = listed[place]
        breaks = False
        for index in range(bodies.budget_start[body], bodies.budget_start[body + 1]):
            budget = bodies.budget[index]
            bodies.left[budget] -= 1
            breaks = breaks or bodies.left[budget] < 0
        breaking[place] = breaks


@njit
def count_once(problem: Problem, state: State, pod_class: int, extra: NDArray[np.int64], put_back: bool) -> None:
    """
    Counts each ReadWriteOncePod claim of a class as held once, however many pods hold it, or as before.

    kube-scheduler counts claims in conflict, not pods, when it takes victims away.
    """
    classes, terms = problem.classes, problem.terms
    start = classes.term_start[pod_class]
    for term in range(start, classes.term_start[pod_class + 1]):
        if terms.kind[term] >= SOFT_COUNT:
            break
        if terms.rule[term] != HOLDERS or terms.offset[term] != 0:
            continue
        entry = find_entry(state, terms.counter[term], 0)
        if put_back:
            if extra[term - start] > 0:
                state.entry_count[entry] += extra[term - start]
        else:
            extra[term - start] = 0
            if entry >= 0 and state.entry_count[entry] > 1:
                extra[term - start] = state.entry_count[entry] - 1
                state.entry_count[entry] = 1


@njit
def move(problem: Problem, state: State, bodies: Bodies, pod_class: int, body: int, node: int, sign: int) -> None:
    """
    Takes a pod off a node or puts it back, as preemption for a pod of a class sees it.

    kube-scheduler's spread then counts pods that it had left out: terminating ones, and all under an empty selector.
    """
    classes, terms = problem.classes, problem.terms
    kind = bodies.pod_class[body]
    put(problem, state, kind, node, sign)
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        if terms.kind[term] >= SOFT_COUNT:
            break
        if terms.ghost[term] < 0:
            continue
        for index in range(classes.adds_start[kind], classes.adds_start[kind + 1]):
            if classes.adds[index] == terms.ghost[term]:
                count_pod(problem.nodes, problem.counters, state, terms.counter[term], node, sign)


@njit
def victims_on(
    problem: Problem,
    state: State,
    work: Work,
    bodies: Bodies,
    pod_class: int,
    node: int,
    resource_rule: NDArray[np.int8],
    late: int,
    cost: NDArray[np.int64],
) -> int:
    """
    The pods to evict from a node so that one more pod of a class fits there; the state is left as it was.

    Parameters
    ----------
    cost
        (5,) int64 written: broken budgets, the highest victim's priority, the sum of priorities above the lowest there
        is, victims, and the earliest start among the highest victims.

    Returns
    -------
    0 where it helps: ``bodies.victims`` then lists ``cost[3]`` of them; ``NO_VICTIMS``; or the rule that still rejects,
    with ``bodies.short`` telling the resources that are short then.
    """
    listed, breaking = bodies.listed, bodies.breaking
    count = lower_pods(bodies, problem.classes.priority[pod_class], node, listed)
    if count == 0:
        return NO_VICTIMS
    count_once(problem, state, pod_class, bodies.extra, False)
    for place in range(count):
        move(problem, state, bodies, pod_class, listed[place], node, -1)
    first = bootstraps(problem, state, pod_class)
    code = int(first_rejection(problem, state, work, pod_class, node, resource_rule, late, first))
    if code != 0:
        for resource in range(bodies.short.shape[0]):
            need = problem.classes.need[pod_class, resource]
            bodies.short[resource] = need > 0 and state.free[resource, node] < need
        for place in range(count):
            move(problem, state, bodies, pod_class, listed[place], node, 1)
        count_once(problem, state, pod_class, bodies.extra, True)
        return code
    mark_breaking(bodies, listed, count, breaking)
    taken = 0
    cost[:] = 0
    for turn in range(2):
        for place in range(count):
            if breaking[place] != (turn == 0):
                continue
            body = listed[place]
            move(problem, state, bodies, pod_class, body, node, 1)
            first = bootstraps(problem, state, pod_class)
            if first_rejection(problem, state, work, pod_class, node, resource_rule, late, first) != 0:
                move(problem, state, bodies, pod_class, body, node, -1)
                bodies.victims[taken] = body
                taken += 1
                cost[0] += 1 if turn == 0 else 0
    for place in range(taken):
        move(problem, state, bodies, pod_class, bodies.victims[place], node, 1)
    count_once(problem, state, pod_class, bodies.extra, True)
    weigh(bodies, taken, cost)
    return 0


@njit
def weigh(bodies: Bodies, taken: int, cost: NDArray[np.int64]) -> None:
    """Writes what the victims cost, broken budgets apart."""
    highest, start = np.int64(LOWEST), np.int64(LATEST)
    for place in range(taken):
        body = bodies.victims[place]
        priority = np.int64(bodies.priority[body])
        cost[2] += priority - LOWEST
        if priority > highest:
            highest, start = priority, bodies.started[body]
        elif priority == highest:
            start = min(start, bodies.started[body])
    cost[1], cost[3], cost[4] = highest, taken, start


@njit
def is_cheaper(one: NDArray[np.int64], other: NDArray[np.int64]) -> int:
    """1 where the first costs less, 0 for equals, else -1; a later start costs less."""
    for index in range(4):
        if one[index] != other[index]:
            return 1 if one[index] < other[index] else -1
    if one[4] == other[4]:
        return 0
    return 1 if one[4] > other[4] else -1


@njit
def choose_candidates(
    problem: Problem,
    state: State,
    work: Work,
    bodies: Bodies,
    pod_class: int,
    candidates: NDArray[np.int32],
    enough: int,
    resource_rule: NDArray[np.int8],
    late: NDArray[np.int8],
    codes: NDArray[np.int8],
    shorts: NDArray[np.bool_],
    costs: NDArray[np.int64],
) -> int:
    """
    Tries candidate nodes in order until enough of them help.

    Parameters
    ----------
    candidates
        (candidates,) internal nodes, in input order, where evictions may help.
    enough
        How many have to help, one of them without a broken budget, before the search ends.
    late
        (segments,) int8, as for ``rejections``.
    codes
        (candidates,) int8 written: 0 helps, ``NO_VICTIMS``, or the rule that still rejects; -1 was not tried.
    shorts
        (candidates, resources) bool written: what is still short.
    costs
        (candidates, 5) int64 written: see ``victims_on``.

    Returns
    -------
    The place of the cheapest candidate, the first of equals; -1 where none helps.
    """
    best, helped, unbroken = -1, 0, 0
    codes[:] = -1
    for place in range(candidates.shape[0]):
        node = candidates[place]
        rejects = late[problem.nodes.segment[node]]
        code = victims_on(problem, state, work, bodies, pod_class, node, resource_rule, rejects, costs[place])
        codes[place] = code
        if code != 0:
            if code != NO_VICTIMS:
                shorts[place] = bodies.short
            continue
        helped += 1
        unbroken += 1 if costs[place, 0] == 0 else 0
        if best < 0 or is_cheaper(costs[place], costs[best]) > 0:
            best = place
        if unbroken > 0 and helped >= enough:
            break
    return best


@njit
def evict(problem: Problem, state: State, bodies: Bodies, node: int, taken: int) -> None:
    """Takes the first ``taken`` of ``bodies.victims`` off a node."""
    for place in range(taken):
        body = bodies.victims[place]
        put(problem, state, bodies.pod_class[body], node, -1)
        get_up(bodies, body, node)


@njit
def take_away(
    problem: Problem, state: State, bodies: Bodies, rows: NDArray[np.int32], nodes: NDArray[np.int32]
) -> None:
    """Takes pods off their nodes."""
    for place in range(rows.shape[0]):
        put(problem, state, bodies.pod_class[rows[place]], nodes[place], -1)
        get_up(bodies, rows[place], nodes[place])
