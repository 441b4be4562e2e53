"""
Place by a ranking: one pod after the other, in order, each on the feasible node that scores best.

Equal pods in a row share a scan: a binding changes one node's score, and what is normalised is worked out anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.aside import gather, note_binding, rank_aside, release, suits
from placer.kernels.claims import waits
from placer.kernels.jit import njit
from placer.kernels.place import after_binding, begin_class, bind, least_of_segment, scan
from placer.kernels.ranking import (
    BALANCE,
    IMAGES,
    PULLS,
    RESOURCES,
    SKIPPED,
    SPREAD,
    TAINTS,
    WISHES,
    balance_points,
    balances,
    count_feasible,
    first_image,
    is_feasible,
    pull_points,
    pulls_any,
    resource_points,
    spread_points,
    static_points,
)

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Log, Problem, Ranking, State, Work


@njit
def best_by_segment(problem: Problem, work: Work, pod_class: int) -> int:
    """The best node where all that is normalised is equal within a segment; the first in input order of equals."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    best, chosen = -np.inf, -1
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        if not is_feasible(work, segment):
            continue
        total = work.points[segment] - work.segment_best[segment]
        if total >= best:
            node = least_of_segment(nodes, work, segment)
            if total > best or nodes.row[node] < nodes.row[chosen]:
                best, chosen = total, node
    return chosen


@njit
def best_by_node(problem: Problem, work: Work, pod_class: int, spread: int, pull: int) -> int:
    """The best node with the columns spread and pods, at these weights; the first of equals. O(nodes)."""
    nodes, classes = problem.nodes, problem.classes
    signature = classes.eligible[pod_class]
    best, chosen = -np.inf, -1
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        if not is_feasible(work, segment):
            continue
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            total = work.points[segment] - work.score[node]
            total += spread * work.spread[node] if spread > 0 else 0
            total += pull * work.pull[node] if pull > 0 else 0
            if total > best or (total == best and nodes.row[node] < nodes.row[chosen]):
                best, chosen = total, node
    return chosen if best > -np.inf else -1


@njit
def rank(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int) -> int:
    """The node that one more pod of a class goes to, -1 for none; its scan and rules have been worked out."""
    ranking = goals.ranking
    static_points(problem, ranking, work, pod_class)
    spread, pull = ranking.weight[SPREAD], ranking.weight[PULLS]
    if ranking.spread_start[pod_class] == ranking.spread_start[pod_class + 1]:
        spread = 0
    if pull > 0 and not pulls_any(ranking, state, pod_class):
        pull = 0
    if spread == 0 and pull == 0:
        return best_by_segment(problem, work, pod_class)
    if spread > 0:
        spread_points(problem, ranking, state, work, pod_class)
    if pull > 0:
        pull_points(problem, ranking, state, work, pod_class)
    return best_by_node(problem, work, pod_class, spread, pull)


@njit
def rank_quickly(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int) -> int:
    """As ``rank``, with nodes set aside."""
    ranking = goals.ranking
    static_points(problem, ranking, work, pod_class)
    pulls = ranking.weight[PULLS] > 0 and pulls_any(ranking, state, pod_class)
    return int(rank_aside(problem, goals, state, work, pod_class, pulls))


@njit
def is_dynamic(ranking: Ranking, pod_class: int) -> bool:
    """Whether a class has columns that count pods around a node."""
    spread = ranking.spread_start[pod_class] < ranking.spread_start[pod_class + 1]
    return bool(spread or ranking.pull_start[pod_class] < ranking.pull_start[pod_class + 1])


@njit
def rank_class(problem: Problem, goals: Goals, state: State, work: Work, log: Log, pod_class: int, wanted: int) -> int:
    """Decides up to ``wanted`` pods of a class; how many were placed before one fits nowhere."""
    ranking = goals.ranking
    need = problem.classes.need[pod_class]
    scan(problem, goals, state, work, pod_class, need)
    count_feasible(problem, work, pod_class)
    first = begin_class(problem, state, work, pod_class)
    quick = is_dynamic(ranking, pod_class) and suits(problem, ranking, pod_class)
    if quick:
        gather(problem, ranking, state, work, pod_class)
    placed = 0
    while placed < wanted:
        if quick:
            node = rank_quickly(problem, goals, state, work, pod_class)
        else:
            node = rank(problem, goals, state, work, pod_class)
        if node < 0:
            break
        slot = log.next_slot[pod_class]
        bind(problem, goals, state, work, log, pod_class, node, slot)
        log.next_slot[pod_class] = slot + 1
        placed += 1
        if placed < wanted:
            first = after_binding(problem, goals, state, work, pod_class, need, node, first)
            if quick:
                note_binding(problem, ranking, state, work, pod_class, node)
    release(work)
    work.blocked_count[0] = 0
    work.scan_key[0] = -1
    return placed


@njit
def rank_runs(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    log: Log,
    run_class: NDArray[np.int32],
    run_length: NDArray[np.int64],
    position: NDArray[np.int64],
    most: int,
) -> bool:
    """
    Decides pods in order, run by run of equal ones.

    Parameters
    ----------
    run_class, run_length
        (runs,) class and number of equal pods in a row.
    position
        (2,) read and written: the run, and how many of its pods are decided.
    most
        Pods to decide before looking at the clock again.

    Returns
    -------
    Whether the pod at ``position`` fits nowhere.
    """
    decided = 0
    while position[0] < run_class.shape[0] and decided < most:
        pod_class = run_class[position[0]]
        wanted = min(run_length[position[0]] - position[1], most - decided)
        if waits(problem, pod_class):
            # What one pod decides for a claim changes every node for the next.
            wanted = min(wanted, 1)
        placed = rank_class(problem, goals, state, work, log, pod_class, wanted)
        decided += placed
        position[1] += placed
        if placed < wanted:
            return True
        if position[1] == run_length[position[0]]:
            position[0] += 1
            position[1] = 0
    return False


@njit
def bind_one(
    problem: Problem, goals: Goals, state: State, work: Work, log: Log, pod_class: int, node: int, slot: int
) -> None:
    """Binds one pod where preemption has made room."""
    bind(problem, goals, state, work, log, pod_class, node, slot)
    work.scan_key[0] = -1


@njit
def explain_ranking(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    pod_class: int,
    feasible: NDArray[np.bool_],
    table: NDArray[np.int64],
) -> int:
    """
    Decides one more pod of a class, binding nothing, and writes down how each feasible node scores.

    Parameters
    ----------
    feasible
        (nodes,) bool written.
    table
        (7, nodes) int64 written: points × weight by column, ``SKIPPED`` for a column that is not scored.

    Returns
    -------
    The node, -1 for none.
    """
    ranking, classes, nodes = goals.ranking, problem.classes, problem.nodes
    scan(problem, goals, state, work, pod_class, classes.need[pod_class])
    count_feasible(problem, work, pod_class)
    begin_class(problem, state, work, pod_class)
    chosen = rank(problem, goals, state, work, pod_class)
    feasible[:] = False
    table[:] = SKIPPED
    spread = ranking.spread_start[pod_class] < ranking.spread_start[pod_class + 1]
    pull = pulls_any(ranking, state, pod_class)
    balance = balances(problem, ranking, pod_class)
    signature = classes.eligible[pod_class]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        if not is_feasible(work, segment):
            continue
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            if work.score[node] == np.inf:
                continue
            feasible[node] = True
            taints, wishes = work.static[0, segment], work.static[1, segment]
            table[TAINTS, node] = ranking.weight[TAINTS] * taints
            if ranking.wish_row[pod_class] >= 0:
                table[WISHES, node] = ranking.weight[WISHES] * wishes
            points = resource_points(problem, ranking, state, pod_class, node)
            table[RESOURCES, node] = ranking.weight[RESOURCES] * points
            if balance:
                points = balance_points(problem, ranking, state, pod_class, node)
                table[BALANCE, node] = ranking.weight[BALANCE] * points
            if spread:
                table[SPREAD, node] = ranking.weight[SPREAD] * work.spread[node]
            if pull:
                table[PULLS, node] = ranking.weight[PULLS] * work.pull[node]
            entry = first_image(ranking, pod_class, node)
            held = entry < ranking.image_start[pod_class + 1] and ranking.image_node[entry] == node
            table[IMAGES, node] = ranking.weight[IMAGES] * ranking.image_points[entry] if held else 0
    work.blocked_count[0] = 0
    work.scan_key[0] = -1
    return int(chosen)
