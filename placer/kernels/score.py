"""
Scores: what one more pod of a class costs on each node; the lowest wins, infinite where it does not fit.

Each goal adds its share in a loop of its own over a contiguous range of nodes, so that the loops vectorise and a goal
that is not asked for costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import volumes_fit
from placer.kernels.claims import claims_fit, waits
from placer.kernels.costs import add_costs
from placer.kernels.devices import choose_units
from placer.kernels.fragmentation import fragmentation_change
from placer.kernels.jit import njit
from placer.kernels.ranking import add_ranking
from placer.kernels.terms import soft_cost

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Nodes, Problem, State, Work

PACK, BALANCE, HEADROOM, FRAGMENTATION, PREFERENCES = 0, 1, 2, 3, 4
HEADROOM_FROM = 0.8
TIGHT = 1e-3


@njit
def score_fit(
    free: NDArray[np.int64],
    need: NDArray[np.int64],
    asked: NDArray[np.int32],
    low: int,
    high: int,
    score: NDArray[np.float64],
) -> None:
    """Writes 0 where every resource asked for fits, infinity elsewhere, for nodes in [low, high)."""
    part = score[low:high]
    part[:] = 0.0
    for index in range(asked.shape[0]):
        resource = asked[index]
        if resource < 0:
            break
        left = free[resource, low:high]
        amount = need[resource]
        for node in range(high - low):
            part[node] = part[node] if left[node] >= amount else np.inf


@njit
def add_pack(
    nodes: Nodes, goals: Goals, state: State, need: NDArray[np.int64], low: int, high: int, score: NDArray[np.float64]
) -> None:
    """
    Adds what opening a node costs, and how lopsided it leaves what is free.

    The second is (largest - least) / sum of the free fractions of the load resources: the angle between what is left
    and what the node had. Filling nodes evenly in all resources strands the least. Nodes with free devices are kept for
    pods that need them. The range is one segment's.
    """
    weight = goals.weight[PACK]
    part = score[low:high]
    pods = state.pods[low:high]
    opening = goals.opening[low:high]
    loads = 0
    first, second = 0, 0
    for index in range(goals.load.shape[0]):
        resource = goals.load[index]
        if nodes.scale[resource, low] > 0:
            second = resource if loads == 1 else second
            first = resource if loads == 0 else first
            loads += 1
    if loads == 2:
        free_a, free_b = state.free[first, low:high], state.free[second, low:high]
        scale_a, scale_b = nodes.scale[first, low:high], nodes.scale[second, low:high]
        need_a, need_b = need[first], need[second]
        for node in range(high - low):
            a = (free_a[node] - need_a) * scale_a[node]
            b = (free_b[node] - need_b) * scale_b[node]
            lopsided = abs(a - b) / max(a + b + TIGHT, TIGHT)
            part[node] += weight * ((opening[node] if pods[node] == 0 else 0.0) + lopsided)
        return
    for node in range(low, high):
        least, most, total, spoiled = np.inf, 0.0, TIGHT, 0.0
        for index in range(goals.load.shape[0]):
            resource = goals.load[index]
            if nodes.scale[resource, node] > 0:
                left = (state.free[resource, node] - need[resource]) * nodes.scale[resource, node]
                least, most, total = min(least, left), max(most, left), total + left
                if need[resource] == 0 and index >= goals.squared.shape[0]:
                    spoiled += goals.device_factor[2] * left
        lopsided = (most - least) / max(total, TIGHT) if loads > 1 else 0.0
        opened = goals.opening[node] if state.pods[node] == 0 else 0.0
        score[node] += weight * (opened + lopsided + spoiled)


@njit
def add_spread_load(
    nodes: Nodes, goals: Goals, state: State, need: NDArray[np.int64], low: int, high: int, score: NDArray[np.float64]
) -> None:
    """Adds the change of squared utilisation (balance) and of load above four fifths (headroom)."""
    balance, headroom = goals.weight[BALANCE], goals.weight[HEADROOM]
    for index in range(goals.squared.shape[0]):
        resource = goals.squared[index]
        free, scale = state.free[resource, low:high], nodes.scale[resource, low:high]
        part = score[low:high]
        amount = need[resource]
        for node in range(high - low):
            more = amount * scale[node]
            used = 1.0 - free[node] * scale[node]
            part[node] += balance * more * (2.0 * used + more) if scale[node] > 0.0 else 0.0
        if headroom > 0:
            for node in range(high - low):
                used = 1.0 - free[node] * scale[node]
                over = max(0.0, used + amount * scale[node] - HEADROOM_FROM) - max(0.0, used - HEADROOM_FROM)
                part[node] += headroom * over if scale[node] > 0.0 else 0.0


@njit
def add_wishes(
    problem: Problem, goals: Goals, state: State, pod_class: int, low: int, high: int, score: NDArray[np.float64]
) -> None:
    """Adds what preferences lose; the range is one segment's."""
    weight = goals.weight[PREFERENCES]
    classes = problem.classes
    fixed = classes.wish_cost[classes.wish[pod_class], problem.nodes.segment[low]]
    soft = False
    last = classes.term_start[pod_class + 1] - 1
    if last >= classes.term_start[pod_class]:
        soft = problem.terms.kind[last] >= 5
    for node in range(low, high):
        if score[node] < np.inf:
            score[node] += weight * (fixed + (soft_cost(problem, state, pod_class, node) if soft else 0))


@njit
def devices_left(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, node: int) -> float:
    """
    What a pod would leave free of the devices it takes: of the node's, as a fraction, and of the first unit.

    Tight nodes and tight units first, so that whole nodes stay free for pods that need many units.
    """
    classes = problem.classes
    left = 0.0
    for index in range(goals.squared.shape[0], goals.load.shape[0]):
        resource = goals.load[index]
        if classes.need[pod_class, resource] > 0:
            free = state.free[resource, node] - classes.need[pod_class, resource]
            left += goals.device_factor[0] * free * problem.nodes.scale[resource, node]
    if work.slot_need[0] >= 0:
        unit = state.unit_free[work.chosen[0], 0] - classes.unit_amount[work.slot_need[0], 0]
        left += goals.device_factor[1] * unit / 1000.0
    return left


@njit
def check_units(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    pod_class: int,
    low: int,
    high: int,
    score: NDArray[np.float64],
) -> None:
    """
    Marks nodes whose units, attach limits or claims do not fit, and scores fragmentation and NUMA wishes.

    Under the goal pack the fullest units are preferred.
    """
    classes = problem.classes
    has_units = classes.unit_start[pod_class + 1] > classes.unit_start[pod_class] or classes.numa[pod_class] > 0
    has_claims = waits(problem, pod_class)
    has_volumes = classes.volume_start[pod_class + 1] > classes.volume_start[pod_class]
    weight = goals.weight[FRAGMENTATION]
    for node in range(low, high):
        if score[node] == np.inf:
            continue
        if has_volumes and not volumes_fit(problem, state, pod_class, node):
            score[node] = np.inf
            continue
        if has_claims and not claims_fit(problem, state, work, pod_class, node):
            score[node] = np.inf
            continue
        slots = 0
        if has_units:
            slots = choose_units(problem, state, pod_class, node, work)
            if slots < 0:
                score[node] = np.inf
                continue
            if classes.numa[pod_class] == 2 and goals.weight[PREFERENCES] > 0 and problem.units.zones[node] > 0:
                placed = slots > 0 and work.slot_need[slots - 1] == -1
                score[node] += 0.0 if placed else goals.weight[PREFERENCES]
            if slots > 0 and goals.weight[PACK] > 0:
                score[node] += goals.weight[PACK] * devices_left(problem, goals, state, work, pod_class, node)
        if weight > 0:
            score[node] += weight * fragmentation_change(problem, goals, state, work, pod_class, node, slots)


@njit
def score_range(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    pod_class: int,
    need: NDArray[np.int64],
    low: int,
    high: int,
    score: NDArray[np.float64],
) -> None:
    """
    Scores one more pod of a class on nodes [low, high) of one segment; group × domain rules are not asked here.

    Parameters
    ----------
    need
        (resources,) what to look for; the class's own need or a family's.
    """
    classes = problem.classes
    score_fit(state.free, need, classes.asked[pod_class], low, high, score)
    if goals.weight[PACK] > 0:
        add_pack(problem.nodes, goals, state, need, low, high, score)
    if goals.weight[BALANCE] > 0 or goals.weight[HEADROOM] > 0:
        add_spread_load(problem.nodes, goals, state, need, low, high, score)
    if goals.weight[PREFERENCES] > 0:
        add_wishes(problem, goals, state, pod_class, low, high, score)
    add_costs(problem, state, work.whole, pod_class, low, high, score)
    if (
        classes.unit_start[pod_class + 1] > classes.unit_start[pod_class]
        or classes.numa[pod_class] > 0
        or classes.volume_start[pod_class + 1] > classes.volume_start[pod_class]
        or waits(problem, pod_class)
        or goals.weight[FRAGMENTATION] > 0
    ):
        check_units(problem, goals, state, work, pod_class, low, high, score)
    if goals.ranking.strategy[0] >= 0:
        add_ranking(problem, goals.ranking, state, pod_class, low, high, score)
