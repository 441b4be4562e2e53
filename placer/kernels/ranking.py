"""
Rankings: kube-scheduler's scores, column by column, in its own int64 and float64 operations.

What depends on the node alone (resources, balance, images) stands in ``work.score`` as a negative sum, so that the
least score is the best and one binding changes one node. What is normalised over the feasible nodes (taints, node
affinity, spread, pods) is added when a node is chosen. Source: Kubernetes, "Scheduling Policies", the plugins by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Nodes, Problem, Ranking, State, Work

TAINTS, WISHES, RESOURCES, SPREAD, PULLS, BALANCE, IMAGES = 0, 1, 2, 3, 4, 5, 6
MOST = 100
LARGEST = 2**62
SKIPPED = -1


@njit
def in_use(problem: Problem, state: State, row: int, node: int) -> int:
    """What a node's pods use of a resource, by its row of ``capacity``; -1 is a resource that nobody asks for."""
    used: int = 0 if row < 0 else problem.nodes.capacity[row, node] - state.free[row, node]
    return used


@njit
def shape_points(shape: NDArray[np.int64], utilization: int) -> int:
    """RequestedToCapacityRatio: the broken line through the points of ``shape``."""
    for point in range(shape.shape[1]):
        if utilization <= shape[0, point]:
            if point == 0:
                return int(shape[1, 0])
            low, high = shape[0, point - 1], shape[0, point]
            rise = (shape[1, point] - shape[1, point - 1]) * (utilization - low)
            # Go divides towards zero.
            step = rise // (high - low) if rise >= 0 else -((-rise) // (high - low))
            return int(shape[1, point - 1] + step)
    return int(shape[1, shape.shape[1] - 1])


@njit
def amount_points(ranking: Ranking, asked: int, amount: int) -> int:
    """What one resource scores that would be ``asked`` of ``amount``, above 0, in use."""
    strategy = ranking.strategy[0]
    if strategy == 0:
        return 0 if asked > amount else (amount - asked) * MOST // amount
    if strategy == 1:
        return min(asked, amount) * MOST // amount
    return shape_points(ranking.shape, MOST if asked > amount else asked * MOST // amount)


@njit
def resource_points(problem: Problem, ranking: Ranking, state: State, pod_class: int, node: int) -> int:
    """NodeResourcesFit: the weighted mean over its resources, 0 to 100."""
    total, weights = 0, 0
    for index in range(ranking.fit_row.shape[0]):
        row, amount = ranking.fit_row[index], ranking.fit_amount[index, node]
        more = ranking.fit_need[pod_class, index]
        if amount == 0 or (more == 0 and ranking.fit_extended[index]):
            continue
        points = amount_points(ranking, in_use(problem, state, row, node) + more, amount)
        if ranking.strategy[0] < 2 or points > 0:
            total += points * ranking.fit_weight[index]
            weights += ranking.fit_weight[index]
    if weights == 0:
        return 0
    if ranking.strategy[0] < 2:
        return total // weights
    return int(np.floor(float(total) / float(weights) + 0.5))


@njit
def deviation_points(problem: Problem, ranking: Ranking, state: State, pod_class: int, node: int, more: bool) -> int:
    """100 less the standard deviation of the resources' use in per cent, with the pod or without it."""
    need = problem.classes.need[pod_class]
    count, total, first, second = 0, 0.0, 0.0, 0.0
    for index in range(ranking.balance_row.shape[0]):
        row, amount = ranking.balance_row[index], ranking.balance_amount[index, node]
        asked = need[row] if row >= 0 else 0
        if amount == 0 or (asked == 0 and ranking.balance_extended[index]):
            continue
        used = in_use(problem, state, row, node) + (asked if more else 0)
        share = min(float(used) / float(amount), 1.0)
        first, second = (share, second) if count == 0 else (first, share if count == 1 else second)
        total += share
        count += 1
    spread = 0.0
    if count == 2:
        spread = abs((first - second) / 2.0)
    elif count > 2:
        mean, squares = total / count, 0.0
        for index in range(ranking.balance_row.shape[0]):
            row, amount = ranking.balance_row[index], ranking.balance_amount[index, node]
            asked = need[row] if row >= 0 else 0
            if amount == 0 or (asked == 0 and ranking.balance_extended[index]):
                continue
            used = in_use(problem, state, row, node) + (asked if more else 0)
            share = min(float(used) / float(amount), 1.0)
            squares += (share - mean) * (share - mean)
        spread = np.sqrt(squares / count)
    return int((1.0 - spread) * MOST)


@njit
def balances(problem: Problem, ranking: Ranking, pod_class: int) -> bool:
    """Whether the column balance is scored: not for a pod that asks for none of its resources."""
    for index in range(ranking.balance_row.shape[0]):
        row = ranking.balance_row[index]
        if row >= 0 and problem.classes.need[pod_class, row] > 0:
            return True
    return False


@njit
def balance_points(problem: Problem, ranking: Ranking, state: State, pod_class: int, node: int) -> int:
    """NodeResourcesBalancedAllocation: 75, more where the pod evens the node's use out, less where it skews it."""
    before = deviation_points(problem, ranking, state, pod_class, node, False)
    after = deviation_points(problem, ranking, state, pod_class, node, True)
    return (after - before + 150) // 2


@njit
def rank_regularly(
    problem: Problem,
    ranking: Ranking,
    state: State,
    pod_class: int,
    low: int,
    high: int,
    balance: int,
    score: NDArray[np.float64],
) -> None:
    """
    As ``resource_points`` and ``balance_points`` for nodes that have both of two resources, which is what vectorises.

    Amounts stay below 2**46, so that 100 times an amount, and quotients cut to whole numbers, are exact in float64.
    """
    nodes, classes = problem.nodes, problem.classes
    weight = float(ranking.weight[RESOURCES])
    row_a, row_b = ranking.fit_row[0], ranking.fit_row[1]
    size_a, size_b = ranking.fit_amount[0, low:high], ranking.fit_amount[1, low:high]
    cap_a, cap_b = nodes.capacity[row_a, low:high], nodes.capacity[row_b, low:high]
    free_a, free_b = state.free[row_a, low:high], state.free[row_b, low:high]
    more_a, more_b = ranking.fit_need[pod_class, 0], ranking.fit_need[pod_class, 1]
    by_a, by_b = float(ranking.fit_weight[0]), float(ranking.fit_weight[1])
    part = score[low:high]
    for node in range(high - low):
        left_a = max(float(size_a[node] - (cap_a[node] - free_a[node]) - more_a), 0.0)
        left_b = max(float(size_b[node] - (cap_b[node] - free_b[node]) - more_b), 0.0)
        points = np.floor(left_a * 100.0 / float(size_a[node])) * by_a
        points += np.floor(left_b * 100.0 / float(size_b[node])) * by_b
        part[node] -= weight * np.floor(points / (by_a + by_b))
    if balance == 0:
        return
    row_a, row_b = ranking.balance_row[0], ranking.balance_row[1]
    size_a, size_b = ranking.balance_amount[0, low:high], ranking.balance_amount[1, low:high]
    cap_a, cap_b = nodes.capacity[row_a, low:high], nodes.capacity[row_b, low:high]
    free_a, free_b = state.free[row_a, low:high], state.free[row_b, low:high]
    more_a, more_b = classes.need[pod_class, row_a], classes.need[pod_class, row_b]
    weight = float(balance)
    for node in range(high - low):
        used_a, used_b = cap_a[node] - free_a[node], cap_b[node] - free_b[node]
        whole_a, whole_b = float(size_a[node]), float(size_b[node])
        before = abs((min(float(used_a) / whole_a, 1.0) - min(float(used_b) / whole_b, 1.0)) / 2.0)
        after = abs((min(float(used_a + more_a) / whole_a, 1.0) - min(float(used_b + more_b) / whole_b, 1.0)) / 2.0)
        gain = np.floor((1.0 - after) * 100.0) - np.floor((1.0 - before) * 100.0)
        part[node] -= weight * np.floor((gain + 150.0) / 2.0)


@njit
def first_image(ranking: Ranking, pod_class: int, node: int) -> int:
    """The first of the class's entries of images on a node of this number or above. O(log)."""
    low, high = ranking.image_start[pod_class], ranking.image_start[pod_class + 1]
    while low < high:
        middle = (low + high) // 2
        if ranking.image_node[middle] < node:
            low = middle + 1
        else:
            high = middle
    return int(low)


@njit
def add_ranking(
    problem: Problem,
    ranking: Ranking,
    state: State,
    pod_class: int,
    low: int,
    high: int,
    score: NDArray[np.float64],
) -> None:
    """Takes what depends on the node alone off the scores of nodes in [low, high)."""
    resources, balance = ranking.weight[RESOURCES], ranking.weight[BALANCE]
    if balance > 0 and not balances(problem, ranking, pod_class):
        balance = 0
    if ranking.regular[0]:
        rank_regularly(problem, ranking, state, pod_class, low, high, balance, score)
    for node in range(low, high if not ranking.regular[0] else low):
        if score[node] < np.inf:
            points = 0
            if resources > 0:
                points += resources * resource_points(problem, ranking, state, pod_class, node)
            if balance > 0:
                points += balance * balance_points(problem, ranking, state, pod_class, node)
            score[node] -= points
    if ranking.weight[IMAGES] > 0:
        entry = first_image(ranking, pod_class, low)
        while entry < ranking.image_start[pod_class + 1] and ranking.image_node[entry] < high:
            score[ranking.image_node[entry]] -= ranking.weight[IMAGES] * ranking.image_points[entry]
            entry += 1


@njit
def is_feasible(work: Work, segment: int) -> bool:
    """Whether a segment has a node that the pod fits on now."""
    return bool(work.segment_open[segment] and work.feasible[segment] > 0)


@njit
def count_feasible(problem: Problem, work: Work, pod_class: int) -> None:
    """Counts the nodes that a class fits on, by segment, right after its scan. O(nodes)."""
    nodes, classes = problem.nodes, problem.classes
    work.feasible[:] = 0
    signature = classes.eligible[pod_class]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            work.feasible[segment] += 1 if work.score[node] < np.inf else 0


@njit
def static_points(problem: Problem, ranking: Ranking, work: Work, pod_class: int) -> None:
    """
    Writes what taints and node affinity score into ``work.points``, by segment.

    Both are normalised by the largest value of a feasible node: Kubernetes, TaintToleration, NodeAffinity.
    """
    classes = problem.classes
    signature = classes.eligible[pod_class]
    start, stop = classes.eligible_start[signature], classes.eligible_start[signature + 1]
    taints = ranking.taint_count[ranking.taint_row[pod_class]]
    wish_row = ranking.wish_row[pod_class]
    wishes = ranking.wish_points[max(wish_row, 0)]
    most_taints, most_wishes = 0, 0
    for index in range(start, stop):
        segment = classes.eligible_segments[index]
        if is_feasible(work, segment):
            most_taints = max(most_taints, taints[segment])
            most_wishes = max(most_wishes, wishes[segment])
    for index in range(start, stop):
        segment = classes.eligible_segments[index]
        points = MOST if most_taints == 0 else MOST - MOST * taints[segment] // most_taints
        work.static[0, segment] = points
        points = wishes[segment] if most_wishes == 0 else MOST * wishes[segment] // most_wishes
        work.static[1, segment] = points if wish_row >= 0 else 0
        work.points[segment] = (
            ranking.weight[TAINTS] * work.static[0, segment] + ranking.weight[WISHES] * work.static[1, segment]
        )


@njit
def read_counts(nodes: Nodes, key: int, state: State, counter: int, near: NDArray[np.int64]) -> None:
    """Writes how many of a counter's group stand in each node's domain. O(nodes)."""
    near[:] = 0
    entry = state.head[counter]
    while entry >= 0:
        domain, count = state.entry_domain[entry], state.entry_count[entry]
        for place in range(nodes.domain_start[key, domain], nodes.domain_start[key, domain + 1]):
            near[nodes.domain_nodes[key, place]] = count
        entry = state.entry_next[entry]


@njit
def lacks_key(problem: Problem, ranking: Ranking, pod_class: int, node: int) -> bool:
    """Whether a node is left out of the column spread for lack of a key."""
    if not ranking.spread_all[pod_class]:
        return False
    for index in range(ranking.spread_start[pod_class], ranking.spread_start[pod_class + 1]):
        if problem.nodes.domain[ranking.spread_key[index], node] < 0:
            return True
    return False


@njit
def constraint_weight(problem: Problem, ranking: Ranking, work: Work, pod_class: int, index: int) -> float:
    """log(domains + 2) of one constraint, over feasible nodes: few domains weigh as much as many."""
    nodes, classes = problem.nodes, problem.classes
    key = ranking.spread_key[index]
    seen = np.zeros(nodes.domains[key] + 1, np.bool_)
    size = 0
    signature = classes.eligible[pod_class]
    for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[place]
        if not is_feasible(work, segment):
            continue
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            if work.score[node] == np.inf or lacks_key(problem, ranking, pod_class, node):
                continue
            if ranking.spread_by_node[index]:
                size += 1
            elif not seen[nodes.domain[key, node]]:
                seen[nodes.domain[key, node]] = True
                size += 1
                if nodes.by_segment[key]:
                    break
    return float(np.log(float(size + 2)))


@njit
def spread_points(problem: Problem, ranking: Ranking, state: State, work: Work, pod_class: int) -> None:
    """
    Writes what PodTopologySpread scores, 0 to 100, into ``work.spread``, for feasible nodes.

    O(nodes × constraints).
    """
    nodes, classes = problem.nodes, problem.classes
    work.sums[:] = 0.0
    for index in range(ranking.spread_start[pod_class], ranking.spread_start[pod_class + 1]):
        weight = constraint_weight(problem, ranking, work, pod_class, index)
        counter, key = ranking.spread_counter[index], ranking.spread_key[index]
        read_counts(nodes, problem.counters.key[counter], state, counter, work.near)
        for node in range(nodes.row.shape[0]):
            if nodes.domain[key, node] >= 0:
                work.sums[node] += work.near[node] * weight + float(ranking.spread_skew[index] - 1)
    least, most = LARGEST, 0
    signature = classes.eligible[pod_class]
    for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[place]
        if not is_feasible(work, segment):
            continue
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            if work.score[node] == np.inf:
                continue
            if lacks_key(problem, ranking, pod_class, node):
                work.spread[node] = -1
                continue
            whole = np.floor(work.sums[node])
            raw = int(whole) + (1 if work.sums[node] - whole >= 0.5 else 0)
            work.spread[node] = raw
            least, most = min(least, raw), max(most, raw)
    for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[place]
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            raw = work.spread[node]
            if raw < 0:
                work.spread[node] = 0
            elif most == 0:
                work.spread[node] = MOST
            else:
                work.spread[node] = MOST * (most + least - raw) // most


@njit
def pulls_any(ranking: Ranking, state: State, pod_class: int) -> bool:
    """Whether InterPodAffinity scores: some pod that counts stands somewhere."""
    for index in range(ranking.pull_start[pod_class], ranking.pull_start[pod_class + 1]):
        if state.total[ranking.pull_counter[index]] > 0:
            return True
    return False


@njit
def pull_points(problem: Problem, ranking: Ranking, state: State, work: Work, pod_class: int) -> None:
    """Writes what InterPodAffinity scores, 0 to 100, into ``work.pull``, for feasible nodes. O(nodes × pulls)."""
    nodes, classes = problem.nodes, problem.classes
    work.pull[:] = 0
    for index in range(ranking.pull_start[pod_class], ranking.pull_start[pod_class + 1]):
        counter, weight = ranking.pull_counter[index], ranking.pull_weight[index]
        key = problem.counters.key[counter]
        entry = state.head[counter]
        while entry >= 0:
            domain, count = state.entry_domain[entry], state.entry_count[entry]
            for place in range(nodes.domain_start[key, domain], nodes.domain_start[key, domain + 1]):
                work.pull[nodes.domain_nodes[key, place]] += weight * count
            entry = state.entry_next[entry]
    least, most = LARGEST, -LARGEST
    signature = classes.eligible[pod_class]
    for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[place]
        if is_feasible(work, segment):
            for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
                if work.score[node] < np.inf:
                    least, most = min(least, work.pull[node]), max(most, work.pull[node])
    for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[place]
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            points = 0
            if most > least:
                points = int(float(MOST) * (float(work.pull[node] - least) / float(most - least)))
            work.pull[node] = points
