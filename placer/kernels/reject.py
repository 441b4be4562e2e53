"""Why nodes reject a pod: the first rule that fails, node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import volumes_fit
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

STATIC = -1
PORTS, FIT, DEVICES, NUMA, HOLDERS, ATTACH, LAST = 10, 11, 12, 13, 14, 15, 21
OTHER_WORDS = 64
"""Added to a rule that rejects in its second wording: anti-affinity, or a node that lacks the key of a spread."""


@njit
def _term_rejects(problem: Problem, state: State, pod_class: int, node: int, rule: int, first: bool) -> int:
    """The code of a hard term of this rule that rejects the node, or 0."""
    classes, terms = problem.classes, problem.terms
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        kind = terms.kind[term]
        if kind >= SOFT_COUNT:
            break
        if terms.rule[term] != rule:
            continue
        most = 0 if kind == AFFINITY or kind == AT_MOST_BY_DOMAIN else most_before(problem, state, term)
        if not term_allows(problem, state, term, node, most, first):
            lacks = problem.nodes.domain[problem.counters.key[terms.counter[term]], node] < 0
            second = (rule == 16 and lacks) or (rule == 17 and kind == AT_MOST)
            return rule + (OTHER_WORDS if second else 0)
    return 0


@njit
def first_rejection(
    problem: Problem, state: State, work: Work, pod_class: int, node: int, resource_rule: NDArray[np.int8], first: bool
) -> int:
    """The first rule, static ones apart, that rejects a class on a node now; 0 where it fits."""
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
    for rule in range(ATTACH + 1, LAST + 1):
        code = _term_rejects(problem, state, pod_class, node, rule, first)
        if code:
            return code
    return 0


@njit
def rejections(
    problem: Problem, state: State, work: Work, pod_class: int, resource_rule: NDArray[np.int8], rules: NDArray[np.int8]
) -> None:
    """
    Names the first rule that rejects a class, for every node.

    Parameters
    ----------
    resource_rule
        (resources,) int8: the rule that each resource belongs to.
    rules
        (nodes,) int8 written: a rule's number, ``STATIC`` (-1) where a static rule rejects, 0 where the class fits.
    """
    nodes, classes = problem.nodes, problem.classes
    rules[:] = STATIC
    first = bootstraps(problem, state, pod_class)
    signature = classes.eligible[pod_class]
    for index in range(classes.eligible_start[signature], classes.eligible_start[signature + 1]):
        segment = classes.eligible_segments[index]
        for node in range(nodes.segment_start[segment], nodes.segment_start[segment + 1]):
            rules[node] = first_rejection(problem, state, work, pod_class, node, resource_rule, first)
