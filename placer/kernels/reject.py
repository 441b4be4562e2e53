"""Why nodes reject a pod: the first rule that fails, node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import volumes_fit
from placer.kernels.claims import claims_fit
from placer.kernels.devices import choose_units
from placer.kernels.jit import njit
from placer.kernels.terms import (
    AFFINITY,
    AT_MOST,
    AT_MOST_BY_DOMAIN,
    SOFT_COUNT,
    bootstraps,
    most_before,
    term_allows,
)

if TYPE_CHECKING:
    from placer.encode.problem import Problem, State, Work

PORTS, FIT, DEVICES, NUMA, HOLDERS, ATTACH, BINDING, VOLUME_ZONE = 9, 10, 11, 12, 13, 14, 15, 16
SPREAD, AFFINE, LAST = 17, 18, 22
OTHER_WORDS = 32
"""
Added to a rule that rejects in its second wording: disk, anti-affinity, or a node that lacks the key of a spread.

VolumeBinding is named in its first wording for volumes out of reach, in its second where none is found to bind.
"""
THIRD_WORDS = 64
"""Added in its third wording: anti-affinity of pods that stand; of VolumeBinding both wordings together."""
NOT_REACHED, NOT_FOUND, OUT_OF_ZONE = 1, 2, 4
OF_BINDING = NOT_REACHED | NOT_FOUND
"""Bits of what volumes have against a node: out of reach, none to bind, in another zone; the first two together."""


@njit
def _rejects(problem: Problem, state: State, term: int, node: int, first: bool) -> bool:
    """Whether a hard term rejects a node now."""
    kind = problem.terms.kind[term]
    most = 0 if kind == AFFINITY or kind == AT_MOST_BY_DOMAIN else most_before(problem, state, term)
    return not term_allows(problem, state, term, node, most, first)


@njit
def _term_rejects(problem: Problem, state: State, pod_class: int, node: int, rule: int, first: bool) -> int:
    """The code of a hard term of this rule that rejects the node, or 0."""
    classes, terms = problem.classes, problem.terms
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        kind = terms.kind[term]
        if kind >= SOFT_COUNT:
            break
        if terms.rule[term] == rule and _rejects(problem, state, term, node, first):
            lacks = problem.nodes.domain[problem.counters.key[terms.counter[term]], node] < 0
            second = (rule == SPREAD and lacks) or (kind == AT_MOST and terms.offset[term] == 1)
            return rule + (OTHER_WORDS if second else 0)
    return 0


@njit
def _affinity_rejects(problem: Problem, state: State, pod_class: int, node: int, first: bool) -> int:
    """The code of InterPodAffinity, or 0: affinity first, then anti-affinity of the pod, then that of others."""
    classes, terms = problem.classes, problem.terms
    code = 0
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        if terms.kind[term] >= SOFT_COUNT:
            break
        if terms.rule[term] != AFFINE or not _rejects(problem, state, term, node, first):
            continue
        if terms.kind[term] == AFFINITY:
            return AFFINE
        words = OTHER_WORDS if terms.offset[term] == 0 else THIRD_WORDS
        code = AFFINE + words if code == 0 else min(code, AFFINE + words)
    return code


@njit
def first_rejection(
    problem: Problem,
    state: State,
    work: Work,
    pod_class: int,
    node: int,
    resource_rule: NDArray[np.int8],
    late: int,
    first: bool,
) -> int:
    """
    The first rule from NodePorts on that rejects a class on a node now; 0 where it fits.

    Parameters
    ----------
    resource_rule
        (resources,) int8: the rule that each resource belongs to.
    late
        What the class's volumes have against the node: see ``rejections``.
    first
        What ``bootstraps`` said of the class.
    """
    classes = problem.classes
    code = _term_rejects(problem, state, pod_class, node, PORTS, first)
    if code:
        return code
    short = LAST + 1
    for index in range(classes.asked.shape[1]):
        resource = classes.asked[pod_class, index]
        if resource < 0:
            break
        if state.free[resource, node] < classes.need[pod_class, resource]:
            short = min(short, resource_rule[resource])
    if short == FIT or short == DEVICES:
        return short
    slots = choose_units(problem, state, pod_class, node, work)
    if slots < 0:
        return DEVICES if slots == -1 else NUMA
    code = _term_rejects(problem, state, pod_class, node, HOLDERS, first)
    if code:
        return code
    if short == ATTACH or not volumes_fit(problem, state, pod_class, node):
        return ATTACH
    if not claims_fit(problem, state, work, pod_class, node):
        late |= NOT_FOUND
    if late & OF_BINDING:
        return BINDING + OTHER_WORDS * ((late & OF_BINDING) - 1)
    if late & OUT_OF_ZONE:
        return VOLUME_ZONE
    for rule in range(SPREAD, LAST + 1):
        if rule == AFFINE:
            code = _affinity_rejects(problem, state, pod_class, node, first)
        else:
            code = _term_rejects(problem, state, pod_class, node, rule, first)
        if code:
            return code
    return 0


@njit
def rejections(
    problem: Problem,
    state: State,
    work: Work,
    pod_class: int,
    resource_rule: NDArray[np.int8],
    early: NDArray[np.int8],
    late: NDArray[np.int8],
    rules: NDArray[np.int8],
) -> None:
    """
    Names the first rule that rejects a class, for every node.

    Parameters
    ----------
    resource_rule
        (resources,) int8: the rule that each resource belongs to.
    early
        (segments,) int8: the first static rule before NodePorts that rejects the segment, 0 for none.
    late
        (segments,) int8: what the class's volumes have against it, as the bits of ``encode.statics``.
    rules
        (nodes,) int8 written: a rule's number, with ``OTHER_WORDS`` for its other words; 0 where the class fits.
    """
    nodes = problem.nodes
    first = bootstraps(problem, state, pod_class)
    for segment in range(early.shape[0]):
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            code = early[segment]
            if code == 0:
                code = first_rejection(problem, state, work, pod_class, node, resource_rule, late[segment], first)
            rules[node] = code


@njit
def tell_rejections(
    problem: Problem,
    state: State,
    pod_class: int,
    resource_rule: NDArray[np.int8],
    pods_row: int,
    fixed: NDArray[np.bool_],
    codes: NDArray[np.int8],
    lasting: NDArray[np.bool_],
    code_count: NDArray[np.int64],
    short_count: NDArray[np.int64],
) -> None:
    """
    Counts what ``rejections`` said, and says where no eviction can help. O(nodes × resources asked).

    Parameters
    ----------
    pods_row
        The resource that counts pods, of which a node always has enough once it is empty; -1 for none.
    fixed
        (128,) codes that evictions do not change.
    codes
        (nodes,) int8 from ``rejections``.
    lasting
        (nodes,) bool written.
    code_count, short_count
        (128,) and (resources,) int64 written: nodes by code, and nodes that are rejected for want of a resource.
    """
    classes, capacity = problem.classes, problem.nodes.capacity
    code_count[:] = 0
    short_count[:] = 0
    for node in range(codes.shape[0]):
        code = codes[node]
        code_count[code] += 1
        lasting[node] = fixed[code]
        if code != FIT and code != DEVICES:
            continue
        for index in range(classes.asked.shape[1]):
            resource = classes.asked[pod_class, index]
            if resource < 0:
                break
            if resource_rule[resource] != code or state.free[resource, node] >= classes.need[pod_class, resource]:
                continue
            short_count[resource] += 1
            beyond = capacity[resource, node] < classes.need[pod_class, resource]
            if code == FIT and resource != pods_row and beyond:
                lasting[node] = True
