"""
Place: class by class, every node looked at once, the best one found again after each pod.

Scores stand in one array; the least score of each block of nodes and of each segment is kept beside it. A binding
changes one node, so the next best node is found from one block and the segments' minima. Nothing is sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import hold_units, put
from placer.kernels.claims import settle_claims, waits
from placer.kernels.costs import ACROSS, BY_SEGMENT, add_wholes, segment_cost
from placer.kernels.devices import choose_units
from placer.kernels.fragmentation import fragmentation_change
from placer.kernels.jit import njit
from placer.kernels.score import FRAGMENTATION, score_range
from placer.kernels.terms import (
    AFFINITY,
    AT_MOST_BY_DOMAIN,
    SOFT_COUNT,
    bootstraps,
    most_before,
    term_allows,
)

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Log, Nodes, Plan, Problem, State, Work

BLOCK = 64
SPAN = 32


@njit
def refresh_block(nodes: Nodes, work: Work, segment: int, block: int) -> None:
    """Finds the least score of one block again. O(BLOCK)."""
    low = nodes.segment_start[segment] + (block - nodes.block_start[segment]) * BLOCK
    part = work.score[low : min(low + BLOCK, nodes.segment_start[segment + 1])]
    least = np.inf
    for node in range(part.shape[0]):
        least = part[node] if part[node] < least else least
    work.block_best[block] = least


@njit
def refresh_span(nodes: Nodes, work: Work, segment: int, span: int) -> None:
    """Finds the least score of one span of blocks again. O(SPAN)."""
    low = nodes.block_start[segment] + (span - nodes.span_start[segment]) * SPAN
    part = work.block_best[low : min(low + SPAN, nodes.block_start[segment + 1])]
    least = np.inf
    for block in range(part.shape[0]):
        least = part[block] if part[block] < least else least
    work.span_best[span] = least


@njit
def refresh_segment(nodes: Nodes, work: Work, segment: int) -> None:
    """Finds the least score of one segment again, from its spans."""
    part = work.span_best[nodes.span_start[segment] : nodes.span_start[segment + 1]]
    least = np.inf
    for span in range(part.shape[0]):
        least = part[span] if part[span] < least else least
    work.segment_best[segment] = least


@njit
def set_score(nodes: Nodes, work: Work, node: int, score: float) -> None:
    """Changes one node's score and the minima above it, where it is not set aside: see ``kernels.aside``."""
    segment = nodes.segment[node]
    if work.aside.shape[0] > 0:
        if work.aside[node]:
            work.feasible[segment] += (1 if score < np.inf else 0) - (1 if work.side_score[node] < np.inf else 0)
            work.side_score[node] = score
            return
        work.feasible[segment] += (1 if score < np.inf else 0) - (1 if work.score[node] < np.inf else 0)
    block = nodes.block_start[segment] + (node - nodes.segment_start[segment]) // BLOCK
    span = nodes.span_start[segment] + (block - nodes.block_start[segment]) // SPAN
    before = work.score[node]
    work.score[node] = score
    if score < work.block_best[block]:
        work.block_best[block] = score
        work.span_best[span] = min(score, work.span_best[span])
        work.segment_best[segment] = min(score, work.segment_best[segment])
    elif before == work.block_best[block] and score > before:
        refresh_block(nodes, work, segment, block)
        if before == work.span_best[span]:
            refresh_span(nodes, work, segment, span)
            if before == work.segment_best[segment]:
                refresh_segment(nodes, work, segment)


@njit
def score_of(work: Work, node: int) -> float:
    """A node's score, wherever it stands."""
    if work.aside.shape[0] > 0 and work.aside[node]:
        return float(work.side_score[node])
    return float(work.score[node])


@njit
def scan(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, need: NDArray[np.int64]) -> None:
    """
    Scores every eligible node for a class, group × domain rules apart, and fills the minima.

    O(nodes), and the cells of terms that need sums over all of them.
    """
    nodes, classes = problem.nodes, problem.classes
    add_wholes(problem, state, work.whole, True)
    signature = classes.eligible[pod_class]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        low, high = nodes.segment_start[segment], nodes.segment_start[segment + 1]
        score_range(problem, goals, state, work, pod_class, need, low, high, work.score)
        for block in range(nodes.block_start[segment], nodes.block_start[segment + 1]):
            refresh_block(nodes, work, segment, block)
        for span in range(nodes.span_start[segment], nodes.span_start[segment + 1]):
            refresh_span(nodes, work, segment, span)
        refresh_segment(nodes, work, segment)


@njit
def least_of_segment(nodes: Nodes, work: Work, segment: int) -> int:
    """The first node of a segment that has its least score. O(spans + SPAN + BLOCK)."""
    best = work.segment_best[segment]
    span = nodes.span_start[segment]
    while work.span_best[span] != best:
        span += 1
    block = nodes.block_start[segment] + (span - nodes.span_start[segment]) * SPAN
    while work.block_best[block] != best:
        block += 1
    node: int = nodes.segment_start[segment] + (block - nodes.block_start[segment]) * BLOCK
    while work.score[node] != best:
        node += 1
    return node


@njit
def best_node(problem: Problem, work: Work, pod_class: int) -> int:
    """The eligible node of least score in a segment that is open now, the first of equals; -1 for none."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    best, chosen = np.inf, -1
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        if work.segment_open[segment] and work.segment_best[segment] + work.segment_more[segment] < best:
            best, chosen = work.segment_best[segment] + work.segment_more[segment], segment
    if chosen < 0:
        return -1
    return int(least_of_segment(nodes, work, chosen))


@njit
def open_segments(problem: Problem, state: State, work: Work, pod_class: int, first: bool) -> None:
    """Says which segments the class's rules over large domains allow now."""
    nodes, classes, terms, counters = problem.nodes, problem.classes, problem.terms, problem.counters
    signature = classes.eligible[pod_class]
    start, stop = classes.term_start[pod_class], classes.term_start[pod_class + 1]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        allowed = True
        for term in range(start, stop):
            if terms.kind[term] >= SOFT_COUNT or not allowed:
                break
            if nodes.by_segment[counters.key[terms.counter[term]]]:
                node = nodes.segment_start[segment]
                allowed = term_allows(problem, state, term, node, work.most[term - start], first)
        work.segment_open[segment] = allowed


@njit
def block_node(problem: Problem, work: Work, node: int) -> None:
    """Takes a node out of the search for this class, to be scored again afterwards."""
    if score_of(work, node) < np.inf:
        work.blocked[work.blocked_count[0]] = node
        work.blocked_count[0] += 1
        set_score(problem.nodes, work, node, np.inf)


@njit
def block_domain(problem: Problem, work: Work, key: int, domain: int) -> None:
    """Takes all nodes of a domain out."""
    nodes = problem.nodes
    for place in range(nodes.domain_start[key, domain], nodes.domain_start[key, domain + 1]):
        block_node(problem, work, nodes.domain_nodes[key, place])


@njit
def block_by_nodes(problem: Problem, state: State, work: Work, pod_class: int, first: bool) -> None:
    """Takes out the nodes that the class's rules over small domains (such as hostnames) reject now."""
    nodes, classes, terms, counters = problem.nodes, problem.classes, problem.terms, problem.counters
    start, stop = classes.term_start[pod_class], classes.term_start[pod_class + 1]
    for term in range(start, stop):
        kind, counter = terms.kind[term], terms.counter[term]
        if kind >= SOFT_COUNT:
            break
        key = counters.key[counter]
        if nodes.by_segment[key]:
            continue
        most = work.most[term - start]
        if kind == AFFINITY or kind == AT_MOST_BY_DOMAIN:
            for node in range(nodes.row.shape[0]):
                if score_of(work, node) < np.inf and not term_allows(problem, state, term, node, most, first):
                    block_node(problem, work, node)
            continue
        entry = state.head[counter]
        while entry >= 0:
            if state.entry_count[entry] > most:
                block_domain(problem, work, key, state.entry_domain[entry])
            entry = state.entry_next[entry]
        if most < 0:
            for node in range(nodes.row.shape[0]):
                if nodes.domain[key, node] >= 0:
                    block_node(problem, work, node)
        if terms.needs_key[term]:
            for place in range(nodes.domain_start[key, nodes.domains[key]], nodes.row.shape[0]):
                block_node(problem, work, nodes.domain_nodes[key, place])


@njit
def unblock(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, need: NDArray[np.int64]) -> None:
    """Scores the nodes again that were taken out."""
    for index in range(work.blocked_count[0]):
        node = work.blocked[index]
        score_range(problem, goals, state, work, pod_class, need, node, node + 1, work.single)
        set_score(problem.nodes, work, node, work.single[node])
    work.blocked_count[0] = 0


@njit
def read_terms(problem: Problem, state: State, work: Work, pod_class: int) -> bool:
    """Computes what each hard term allows now; whether that changed."""
    classes, terms = problem.classes, problem.terms
    start = classes.term_start[pod_class]
    changed = False
    for term in range(start, classes.term_start[pod_class + 1]):
        kind = terms.kind[term]
        if kind >= SOFT_COUNT:
            break
        most = 0
        if kind != AFFINITY and kind != AT_MOST_BY_DOMAIN:
            most = most_before(problem, state, term)
        if most != work.most[term - start]:
            work.most[term - start] = most
            changed = True
    return changed


@njit
def read_segment_costs(problem: Problem, state: State, work: Work, pod_class: int) -> None:
    """Works out what the goals' terms add to all nodes of each segment. O(terms of the class × segments)."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        more = 0.0
        if nodes.segment_start[segment] < nodes.segment_start[segment + 1]:
            more = segment_cost(problem, state, work.whole, pod_class, nodes.segment_start[segment])
        work.segment_more[segment] = more


@njit
def rescore(
    problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, need: NDArray[np.int64], node: int
) -> None:
    """
    Scores again what a binding on a node changed: the node, and by the goals' terms what shares a domain with it.

    O(terms of the class × (segments + nodes of domains of keys that differ within segments)).
    """
    nodes, costs = problem.nodes, problem.costs
    score_range(problem, goals, state, work, pod_class, need, node, node + 1, work.single)
    set_score(nodes, work, node, work.single[node])
    by_segment = False
    for index in range(costs.term_start[pod_class], costs.term_start[pod_class + 1]):
        term = costs.term[index]
        if costs.place[term] == 0.0:
            continue
        by_segment = by_segment or costs.reach[term] == BY_SEGMENT
        if costs.reach[term] == ACROSS:
            key = costs.key[costs.of[costs.first[term]]]
            domain = costs.domain[key, node]
            first = costs.domain_start[key, domain] if domain >= 0 else 0
            last = costs.domain_start[key, domain + 1] if domain >= 0 else 0
            for place in range(first, last):
                other = costs.domain_nodes[key, place]
                if other != node and score_of(work, other) < np.inf:
                    score_range(problem, goals, state, work, pod_class, need, other, other + 1, work.single)
                    set_score(nodes, work, other, work.single[other])
    if by_segment:
        read_segment_costs(problem, state, work, pod_class)


@njit
def begin_class(problem: Problem, state: State, work: Work, pod_class: int) -> bool:
    """Opens and closes segments and nodes for a class's rules as things stand; whether it is its group's first."""
    read_terms(problem, state, work, pod_class)
    first = bootstraps(problem, state, pod_class)
    open_segments(problem, state, work, pod_class, first)
    read_segment_costs(problem, state, work, pod_class)
    block_by_nodes(problem, state, work, pod_class, first)
    return first


@njit
def after_binding(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    pod_class: int,
    need: NDArray[np.int64],
    node: int,
    first: bool,
) -> bool:
    """Takes in what a binding changed for the next pod of the same class; whether it still is the group's first."""
    nodes, classes, terms, counters = problem.nodes, problem.classes, problem.terms, problem.counters
    start, stop = classes.term_start[pod_class], classes.term_start[pod_class + 1]
    rescore(problem, goals, state, work, pod_class, need, node)
    if start == stop or terms.kind[start] >= SOFT_COUNT:
        return first
    changed = read_terms(problem, state, work, pod_class)
    still_first = bootstraps(problem, state, pod_class)
    open_segments(problem, state, work, pod_class, still_first)
    if changed or still_first != first:
        unblock(problem, goals, state, work, pod_class, need)
        block_by_nodes(problem, state, work, pod_class, still_first)
        return still_first
    for term in range(start, stop):
        if terms.kind[term] >= SOFT_COUNT:
            break
        key = counters.key[terms.counter[term]]
        if not nodes.by_segment[key] and nodes.domain[key, node] >= 0:
            if not term_allows(problem, state, term, node, work.most[term - start], still_first):
                block_domain(problem, work, key, nodes.domain[key, node])
    return still_first


@njit
def bind(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, pod_class: int, node: int, slot: int
) -> None:
    """Binds one pod to a node and writes it into the log, units included."""
    classes = problem.classes
    slots = 0
    if classes.unit_start[pod_class + 1] > classes.unit_start[pod_class] or classes.numa[pod_class] > 0:
        slots = choose_units(problem, state, pod_class, node, work)
        if goals.weight[FRAGMENTATION] > 0:
            fragmentation_change(problem, goals, state, work, pod_class, node, slots)
        hold_units(problem, state, pod_class, work.chosen, work.slot_need, slots, 1)
    settle_claims(problem, state, work, pod_class, node)
    put(problem, state, pod_class, node, 1)
    record(log, work, slot, node, slots)


@njit
def record(log: Log, work: Work, slot: int, node: int, slots: int) -> None:
    """Writes a binding into the log, with the units that ``work`` names."""
    line = log.lines[0]
    log.slot[line] = slot
    log.node[line] = node
    base = log.unit_start[line]
    for index in range(slots):
        log.unit[base + index] = work.chosen[index]
        log.unit_need[base + index] = work.slot_need[index]
    log.unit_start[line + 1] = base + slots
    log.lines[0] = line + 1
    log.line_of_slot[slot] = line


@njit
def place_class(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    pod_class: int,
    need: NDArray[np.int64],
    wanted: int,
) -> int:
    """
    Places up to ``wanted`` more pods of a class, the scan for ``need`` having been made.

    Returns
    -------
    How many were placed. O(wanted × (BLOCK + SPAN + spans of a segment + segments × terms)).
    """
    first = begin_class(problem, state, work, pod_class)
    placed = 0
    while placed < wanted:
        node = best_node(problem, work, pod_class)
        if node < 0:
            break
        slot = log.next_slot[pod_class]
        while log.line_of_slot[slot] >= 0:
            slot += 1
        bind(problem, goals, state, work, log, pod_class, node, slot)
        log.next_slot[pod_class] = slot + 1
        placed += 1
        if waits(problem, pod_class):
            # What one pod decides for a claim, or takes of the volumes, changes every node for the next.
            work.blocked_count[0] = 0
            scan(problem, goals, state, work, pod_class, need)
            first = begin_class(problem, state, work, pod_class)
        else:
            first = after_binding(problem, goals, state, work, pod_class, need, node, first)
    unblock(problem, goals, state, work, pod_class, need)
    return placed


@njit
def place_family(problem: Problem, goals: Goals, state: State, work: Work, log: Log, plan: Plan, family: int) -> int:
    """
    Places one family, class by class; how many pods were placed.

    A family is classes alike in all but nearly equal requests. One scan for the family's largest request serves all of
    its classes; where that finds no node, the class is scanned for on its own, so that no pod is left out that fits.
    """
    start, stop = plan.family_start[family], plan.family_start[family + 1]
    fresh = plan.scan_key[family] == work.scan_key[0]
    placed = 0
    for index in range(start, stop):
        pod_class = plan.order[index]
        wanted = 0
        for slot in range(log.next_slot[pod_class], plan.last_slot[pod_class]):
            wanted += log.line_of_slot[slot] < 0
        if wanted <= 0:
            continue
        if not fresh:
            scan(problem, goals, state, work, pod_class, plan.family_need[family])
            fresh = True
        made = place_class(problem, goals, state, work, log, pod_class, plan.family_need[family], wanted)
        placed += made
        if made < wanted and stop - start > 1:
            need = problem.classes.need[pod_class]
            scan(problem, goals, state, work, pod_class, need)
            placed += place_class(problem, goals, state, work, log, pod_class, need, wanted - made)
            fresh = False
    work.scan_key[0] = plan.scan_key[family] if fresh else -1
    return placed


@njit
def place_families(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, plan: Plan, low: int, high: int
) -> None:
    """
    Places families [low, high) of the plan.

    Families of one circle wait for one another, as replicas whose volumes lie in different zones do under one spread
    constraint: they take turns until none of them gets further.
    """
    family = low
    while family < high:
        after = family + 1
        while after < high and plan.circle[family] >= 0 and plan.circle[after] == plan.circle[family]:
            after += 1
        while True:
            placed = 0
            for turn in range(family, after):
                placed += place_family(problem, goals, state, work, log, plan, turn)
            if placed == 0 or after - family == 1:
                break
        family = after
