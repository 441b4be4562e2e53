"""One arriving pod at a time: every node looked at, nothing moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import hold_units, put, resources_fit, volumes_fit
from placer.kernels.claims import claims_fit, release_claims, settle_claims
from placer.kernels.devices import choose_units
from placer.kernels.fragmentation import fragmentation_change
from placer.kernels.jit import njit
from placer.kernels.place import begin_class, best_node, scan
from placer.kernels.score import FRAGMENTATION
from placer.kernels.terms import terms_allow

if TYPE_CHECKING:
    from placer.encode.problem import Goals, Problem, State, Work


@njit
def decide(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int) -> int:
    """The best node for one more pod of a class now, -1 for none. O(nodes)."""
    scan(problem, goals, state, work, pod_class, problem.classes.need[pod_class])
    begin_class(problem, state, work, pod_class)
    node = best_node(problem, work, pod_class)
    work.blocked_count[0] = 0
    work.scan_key[0] = -1
    return node


@njit
def admit(problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, node: int) -> int:
    """Puts one pod on a node, its units chosen as scored; how many units it took, named in ``work``."""
    slots = choose_units(problem, state, pod_class, node, work)
    if goals.weight[FRAGMENTATION] > 0:
        fragmentation_change(problem, goals, state, work, pod_class, node, slots)
    hold_units(problem, state, pod_class, work.chosen, work.slot_need, slots, 1)
    settle_claims(problem, state, work, pod_class, node)
    put(problem, state, pod_class, node, 1)
    return slots


@njit
def fits_now(problem: Problem, state: State, work: Work, pod_class: int, node: int) -> bool:
    """Whether one more pod of a class fits on a node that its static rules allow."""
    if not resources_fit(problem, state, pod_class, node):
        return False
    if choose_units(problem, state, pod_class, node, work) < 0:
        return False
    if not claims_fit(problem, state, work, pod_class, node):
        return False
    return volumes_fit(problem, state, pod_class, node) and terms_allow(problem, state, pod_class, node)


@njit
def arrival_score(
    problem: Problem, goals: Goals, state: State, work: Work, pod_class: int, node: int, policy: NDArray[np.float64]
) -> float:
    """
    What one more pod scores on a node under fragmentation gradient descent, lower is better; infinite without a fit.

    Parameters
    ----------
    policy
        (4,) how many whole steps a sigmoid maps the growth of fragmentation to, 0 for none; then what the fractions of
        cpu, memory and devices that the pod would leave free weigh beside it. (100, 0, 0, 0) is the authors' simulator.
    """
    if not fits_now(problem, state, work, pod_class, node):
        return np.inf
    slots = choose_units(problem, state, pod_class, node, work)
    score = fragmentation_change(problem, goals, state, work, pod_class, node, slots)
    if policy[0] > 0.0:
        score = -np.floor(policy[0] / (1.0 + np.exp(score)))
    for index in range(goals.load.shape[0]):
        resource = goals.load[index]
        free = state.free[resource, node] - problem.classes.need[pod_class, resource]
        score += policy[min(index, 2) + 1] * free * problem.nodes.scale[resource, node]
    return score


@njit
def arrive_by_fragmentation(
    problem: Problem,
    goals: Goals,
    state: State,
    work: Work,
    arrivals: NDArray[np.int32],
    policy: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    kept: NDArray[np.float64],
    stamp: NDArray[np.int32],
    node_of: NDArray[np.int32],
) -> None:
    """
    Fragmentation gradient descent: each pod goes where fragmentation grows least (Weng et al., USENIX ATC 2023).

    A node's score for a class is kept until something is put there, so that a decision costs what changed since the
    class last came. Memory is classes × nodes: for clusters of some thousand nodes.

    Parameters
    ----------
    arrivals
        (pods,) class of each pod, in order of arrival.
    policy
        (4,) as in :func:`arrival_score`.
    allowed
        (classes, nodes) bool: static rules.
    kept, stamp
        (classes, nodes) float64 and int32, -1 at first: kept scores, and the node's number of pods when computed.
    node_of
        (pods,) written: the node, -1 for a pod that fits nowhere.
    """
    nodes = problem.nodes.row.shape[0]
    for pod in range(arrivals.shape[0]):
        pod_class = arrivals[pod]
        best, chosen = np.inf, -1
        for node in range(nodes):
            if not allowed[pod_class, node]:
                continue
            if stamp[pod_class, node] != state.pods[node]:
                stamp[pod_class, node] = state.pods[node]
                kept[pod_class, node] = arrival_score(problem, goals, state, work, pod_class, node, policy)
            if kept[pod_class, node] < best:
                best, chosen = kept[pod_class, node], node
        node_of[pod] = chosen
        if chosen >= 0:
            admit(problem, goals, state, work, pod_class, chosen)


@njit
def leave(problem: Problem, state: State, work: Work, pod_class: int, node: int, slots: int) -> None:
    """Takes off the pod that was admitted last, its units still named in ``work``."""
    hold_units(problem, state, pod_class, work.chosen, work.slot_need, slots, -1)
    put(problem, state, pod_class, node, -1)
    release_claims(problem, state, pod_class)
