"""Claims that are bound with their first pod: which volume each gets on a node, and who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Problem, State, Work

MADE, UNDECIDED = -1, -2
"""In place of a volume: one is made; nothing is to be decided, or nothing will do."""


@njit
def waits(problem: Problem, pod_class: int) -> bool:
    """Whether pods of a class have claims that are not bound yet, or that another pod of theirs decides."""
    start = problem.claims.start
    some: bool = start[pod_class + 1] > start[pod_class]
    return some


@njit
def stays_served(problem: Problem, state: State, claim: int, node: int) -> bool:
    """Whether the volume that a claim is bound to reaches a node, or is made there."""
    claims, volume = problem.claims, state.claim_volume[claim]
    if volume < 0:
        made: bool = state.claim_node[claim] == node
        return made
    reached: bool = claims.reach[claims.reached[volume], problem.nodes.segment[node]]
    return reached


@njit
def find_volume(problem: Problem, state: State, work: Work, first: int, wait: int, node: int) -> int:
    """The first volume offered that reaches the node and that no claim holds, nor one before of the pod; -1: none."""
    claims, segment = problem.claims, problem.nodes.segment[node]
    offered = claims.offered[wait]
    for index in range(claims.offer_start[offered], claims.offer_start[offered + 1]):
        volume: int = claims.offer[index]
        name = claims.name[volume]
        if state.held_by[name] >= 0 or not claims.reach[claims.reached[volume], segment]:
            continue
        taken = False
        for before in range(wait - first):
            mine = work.picked[before]
            taken = taken or (mine >= 0 and claims.name[mine] == name)
        if not taken:
            return volume
    return -1


@njit
def claims_fit(problem: Problem, state: State, work: Work, pod_class: int, node: int) -> bool:
    """
    Whether each claim of a class has, finds, or is made a volume on a node.

    Writes to ``work.picked`` what each would be bound to. O(offers of its claims).
    """
    claims = problem.claims
    first = claims.start[pod_class]
    fits = True
    for wait in range(first, claims.start[pod_class + 1]):
        claim = claims.claim[wait]
        if state.claim_volume[claim] >= 0 or state.claim_node[claim] >= 0:
            work.picked[wait - first] = UNDECIDED
            fits = fits and stays_served(problem, state, claim, node)
            continue
        volume = find_volume(problem, state, work, first, wait, node)
        made = claims.made[wait]
        if volume < 0 and (made < 0 or not claims.reach[made, problem.nodes.segment[node]]):
            volume = UNDECIDED
            fits = False
        work.picked[wait - first] = volume
    return fits


@njit
def settle_claims(problem: Problem, state: State, work: Work, pod_class: int, node: int) -> None:
    """Decides what claims of a pod that is put on a node are not decided yet; before it is put."""
    claims = problem.claims
    first = claims.start[pod_class]
    if waits(problem, pod_class):
        claims_fit(problem, state, work, pod_class, node)
    for wait in range(first, claims.start[pod_class + 1]):
        claim, volume = claims.claim[wait], work.picked[wait - first]
        state.claim_pods[claim] += 1
        if volume >= 0:
            state.claim_volume[claim] = volume
            state.held_by[claims.name[volume]] = claim
        elif volume == MADE:
            state.claim_node[claim] = node


@njit
def release_claims(problem: Problem, state: State, pod_class: int) -> None:
    """Takes back what was decided for claims of a pod that nobody holds any more; after it was taken off."""
    claims = problem.claims
    for wait in range(claims.start[pod_class], claims.start[pod_class + 1]):
        claim = claims.claim[wait]
        state.claim_pods[claim] -= 1
        if state.claim_pods[claim] == 0:
            if state.claim_volume[claim] >= 0:
                state.held_by[claims.name[state.claim_volume[claim]]] = -1
            state.claim_volume[claim] = -1
            state.claim_node[claim] = -1
