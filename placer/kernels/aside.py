"""
Nodes set aside while a run of equal pods is ranked.

Most nodes of a segment hold none of the pods that soft rules over hostnames count, and so score alike but for their
load. The others are set aside and looked at one by one, so that a decision costs segments + nodes aside, not nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.counters import count_at
from placer.kernels.jit import njit
from placer.kernels.place import least_of_segment, set_score
from placer.kernels.ranking import (
    LARGEST,
    MOST,
    PULLS,
    SPREAD,
    is_feasible,
    lacks_key,
)

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Nodes, Problem, Ranking, State, Work


@njit
def suits(problem: Problem, ranking: Ranking, pod_class: int) -> bool:
    """Whether each soft constraint of a class is equal within segments, or over hostnames that all nodes have."""
    nodes = problem.nodes
    for index in range(ranking.spread_start[pod_class], ranking.spread_start[pod_class + 1]):
        key = ranking.spread_key[index]
        complete = nodes.domain_start[key, nodes.domains[key]] == nodes.row.shape[0]
        if not nodes.by_segment[key] and not (ranking.spread_by_node[index] and complete):
            return False
    return True


@njit
def set_aside(nodes: Nodes, work: Work, node: int) -> None:
    """Takes a node out of the minima, to be looked at on its own."""
    if not work.aside[node]:
        score = work.score[node]
        set_score(nodes, work, node, np.inf)
        work.feasible[nodes.segment[node]] += 1 if score < np.inf else 0
        work.aside[node] = True
        work.side_score[node] = score
        work.side[work.side_count[0]] = node
        work.side_count[0] += 1


@njit
def put_domain_aside(
    problem: Problem, state: State, work: Work, counter: int, domain: int, into: NDArray[np.int64], weight: int
) -> None:
    """Sets the nodes of a domain aside; with a weight above or below 0 what they hold is added, else written."""
    nodes = problem.nodes
    key = problem.counters.key[counter]
    for place in range(nodes.domain_start[key, domain], nodes.domain_start[key, domain + 1]):
        node = nodes.domain_nodes[key, place]
        if work.eligible[nodes.segment[node]]:
            set_aside(nodes, work, node)
        count = count_at(nodes, problem.counters, state, counter, node)
        if weight == 0:
            into[node] = count
        else:
            into[node] += weight * count


@njit
def gather(problem: Problem, ranking: Ranking, state: State, work: Work, pod_class: int) -> None:
    """Sets aside the nodes that soft rules over hostnames count pods on. O(nodes + entries of the counters)."""
    nodes, classes, counters = problem.nodes, problem.classes, problem.counters
    work.eligible[:] = False
    signature = classes.eligible[pod_class]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        work.eligible[segment] = True
        work.ignored[segment] = lacks_key(problem, ranking, pod_class, nodes.segment_start[segment])
    start = ranking.spread_start[pod_class]
    for index in range(start, ranking.spread_start[pod_class + 1]):
        if ranking.spread_by_node[index]:
            work.counts[index - start, :] = 0
            entry = state.head[ranking.spread_counter[index]]
            while entry >= 0:
                domain = state.entry_domain[entry]
                counter = ranking.spread_counter[index]
                put_domain_aside(problem, state, work, counter, domain, work.counts[index - start], 0)
                entry = state.entry_next[entry]
    work.pulled[:] = 0
    for index in range(ranking.pull_start[pod_class], ranking.pull_start[pod_class + 1]):
        counter = ranking.pull_counter[index]
        if not nodes.by_segment[counters.key[counter]]:
            entry = state.head[counter]
            while entry >= 0:
                domain = state.entry_domain[entry]
                put_domain_aside(problem, state, work, counter, domain, work.pulled, ranking.pull_weight[index])
                entry = state.entry_next[entry]


@njit
def release(work: Work) -> None:
    """Forgets what is set aside; scores are worked out anew by the next scan."""
    for place in range(work.side_count[0]):
        work.aside[work.side[place]] = False
    work.side_count[0] = 0


@njit
def pulled_at(problem: Problem, ranking: Ranking, state: State, pod_class: int, node: int, by_segment: bool) -> int:
    """The raw column pods of a node over keys that are equal within segments, or over the others."""
    total = 0
    for index in range(ranking.pull_start[pod_class], ranking.pull_start[pod_class + 1]):
        counter = ranking.pull_counter[index]
        if problem.nodes.by_segment[problem.counters.key[counter]] == by_segment:
            total += ranking.pull_weight[index] * count_at(problem.nodes, problem.counters, state, counter, node)
    return total


@njit
def note_binding(problem: Problem, ranking: Ranking, state: State, work: Work, pod_class: int, node: int) -> None:
    """Takes in what a binding on a node changed for soft rules over hostnames."""
    nodes, counters = problem.nodes, problem.counters
    start = ranking.spread_start[pod_class]
    for index in range(start, ranking.spread_start[pod_class + 1]):
        if ranking.spread_by_node[index]:
            counter = ranking.spread_counter[index]
            domain = nodes.domain[counters.key[counter], node]
            if domain >= 0:
                put_domain_aside(problem, state, work, counter, domain, work.counts[index - start], 0)
    for index in range(ranking.pull_start[pod_class], ranking.pull_start[pod_class + 1]):
        counter = ranking.pull_counter[index]
        key = counters.key[counter]
        domain = nodes.domain[key, node]
        if nodes.by_segment[key] or domain < 0:
            continue
        for place in range(nodes.domain_start[key, domain], nodes.domain_start[key, domain + 1]):
            other = nodes.domain_nodes[key, place]
            if work.eligible[nodes.segment[other]]:
                set_aside(nodes, work, other)
            work.pulled[other] = pulled_at(problem, ranking, state, pod_class, other, False)


@njit
def domain_weights(
    problem: Problem, ranking: Ranking, work: Work, pod_class: int, weights: NDArray[np.float64]
) -> None:
    """Writes log(domains + 2) of each soft constraint: hosts are feasible nodes, others domains that have some."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    start = ranking.spread_start[pod_class]
    for index in range(start, ranking.spread_start[pod_class + 1]):
        key, size = ranking.spread_key[index], 0
        work.seen[: nodes.domains[key] + 1 if nodes.by_segment[key] else 0] = False
        for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
            segment = classes.eligible_segments[place]
            if not is_feasible(work, segment) or work.ignored[segment]:
                continue
            if ranking.spread_by_node[index]:
                size += work.feasible[segment]
                continue
            domain = nodes.domain[key, nodes.segment_start[segment]]
            if not work.seen[domain]:
                work.seen[domain] = True
                size += 1
        weights[index - start] = np.log(float(size + 2))


@njit
def spread_of(
    problem: Problem,
    ranking: Ranking,
    state: State,
    work: Work,
    pod_class: int,
    node: int,
    alone: bool,
    weights: NDArray[np.float64],
) -> int:
    """The raw column spread of a node set aside (``alone``), or of the others of its segment."""
    nodes, counters = problem.nodes, problem.counters
    start = ranking.spread_start[pod_class]
    total = 0.0
    for index in range(start, ranking.spread_start[pod_class + 1]):
        if nodes.domain[ranking.spread_key[index], node] < 0:
            continue
        count = 0
        if not ranking.spread_by_node[index]:
            count = count_at(nodes, counters, state, ranking.spread_counter[index], node)
        elif alone:
            count = work.counts[index - start, node]
        total += count * weights[index - start] + float(ranking.spread_skew[index] - 1)
    whole = np.floor(total)
    return int(whole) + (1 if total - whole >= 0.5 else 0)


@njit
def even_points(raw: int, least: int, most: int) -> int:
    """The column spread, 0 to 100; ``raw`` below 0 is a node that is left out."""
    if raw < 0:
        return 0
    return MOST if most == 0 else MOST * (most + least - raw) // most


@njit
def near_points(raw: int, least: int, most: int) -> int:
    """The column pods, 0 to 100."""
    return int(float(MOST) * (float(raw - least) / float(most - least))) if most > least else 0


@njit
def rank_aside(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, pulls: bool) -> int:
    """
    The node that scores best, segment by segment and one by one for those aside; ``work.points`` has been worked out.

    O(segments + nodes aside) × (constraints + pulls). ``pulls`` says whether the column pods is scored.
    """
    nodes, classes, ranking = problem.nodes, problem.classes, goals.ranking
    signature = classes.eligible[pod_class]
    start, stop = classes.eligible_start[signature], classes.eligible_start[signature + 1]
    spread = ranking.weight[SPREAD]
    if ranking.spread_start[pod_class] == ranking.spread_start[pod_class + 1]:
        spread = 0
    pull = ranking.weight[PULLS] if pulls else 0
    weights = work.weights
    if spread > 0:
        domain_weights(problem, ranking, work, pod_class, weights)
    least, most, nearest, farthest = LARGEST, 0, -LARGEST, LARGEST
    for place in range(start, stop):
        segment = classes.eligible_segments[place]
        if not is_feasible(work, segment):
            continue
        node = nodes.segment_start[segment]
        plain = work.segment_best[segment] < np.inf
        raw = -1
        if spread > 0 and not work.ignored[segment]:
            raw = spread_of(problem, ranking, state, work, pod_class, node, False, weights)
            if plain:
                least, most = min(least, raw), max(most, raw)
        work.plain_spread[segment] = raw
        if pull > 0:
            work.plain_pull[segment] = pulled_at(problem, ranking, state, pod_class, node, True)
            if plain:
                farthest, nearest = min(farthest, work.plain_pull[segment]), max(nearest, work.plain_pull[segment])
    for place in range(work.side_count[0]):
        node = work.side[place]
        segment = nodes.segment[node]
        if work.side_score[node] == np.inf or not work.segment_open[segment]:
            continue
        if spread > 0:
            raw = -1
            if not work.ignored[segment]:
                raw = spread_of(problem, ranking, state, work, pod_class, node, True, weights)
                least, most = min(least, raw), max(most, raw)
            work.spread[node] = raw
        if pull > 0:
            raw = work.plain_pull[segment] + work.pulled[node]
            work.pull[node] = raw
            farthest, nearest = min(farthest, raw), max(nearest, raw)
    return best_of_both(problem, work, pod_class, spread, pull, least, most, farthest, nearest)


@njit
def best_of_both(
    problem: Problem,
    work: Work,
    pod_class: int,
    spread: int,
    pull: int,
    least: int,
    most: int,
    farthest: int,
    nearest: int,
) -> int:
    """The best among segments and nodes aside, the first in input order of equals; -1 for none."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    best, chosen = -np.inf, -1
    for place in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[place]
        if not work.segment_open[segment] or work.segment_best[segment] == np.inf:
            continue
        total = work.points[segment] - work.segment_best[segment]
        total += spread * even_points(work.plain_spread[segment], least, most) if spread > 0 else 0
        total += pull * near_points(work.plain_pull[segment], farthest, nearest) if pull > 0 else 0
        if total >= best:
            node = least_of_segment(nodes, work, segment)
            if total > best or nodes.row[node] < nodes.row[chosen]:
                best, chosen = total, node
    for place in range(work.side_count[0]):
        node = work.side[place]
        segment = nodes.segment[node]
        if work.side_score[node] == np.inf or not work.segment_open[segment]:
            continue
        total = work.points[segment] - work.side_score[node]
        total += spread * even_points(work.spread[node], least, most) if spread > 0 else 0
        total += pull * near_points(work.pull[node], farthest, nearest) if pull > 0 else 0
        if total > best or (total == best and nodes.row[node] < nodes.row[chosen]):
            best, chosen = total, node
    return chosen
