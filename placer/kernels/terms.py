"""Group × domain rules: what count a node's domain may have before one more pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.kernels.counters import count_at, least_count
from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Problem, State

AT_MOST, AT_MOST_BY_DOMAIN, AFFINITY, SKEW, DISTINCT = 0, 1, 2, 3, 4
SOFT_COUNT, SOFT_ABSENT, SOFT_SKEW, SOFT_BY_DOMAIN = 5, 6, 7, 8
ANY_COUNT = 2**40


@njit
def bootstraps(problem: Problem, state: State, pod_class: int) -> bool:
    """Whether the pod is the first of the group it wants to stand with, and one of it itself."""
    classes, terms = problem.classes, problem.terms
    if not classes.self_affine[pod_class]:
        return False
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        if terms.kind[term] == AFFINITY and state.total[terms.counter[term]] > 0:
            return False
    return True


@njit
def most_before(problem: Problem, state: State, term: int) -> int:
    """
    The most pods that a domain may hold of a term's group for one more pod to be legal there.

    Not for affinity, which asks for at least one, nor for rules that bound each domain apart.
    """
    terms = problem.terms
    kind, counter = terms.kind[term], terms.counter[term]
    if kind == AT_MOST:
        fixed: int = terms.bound[term]
        return fixed
    if kind == SKEW:
        least = least_count(problem.counters, state, counter, terms.offset[term])
        most: int = terms.bound[term] + least - terms.member[term]
        return most
    if state.nonzero[counter] >= terms.bound[term]:
        return ANY_COUNT
    return 0


@njit
def term_allows(problem: Problem, state: State, term: int, node: int, most: int, first: bool) -> bool:
    """
    Whether a hard term allows one more pod on a node.

    Parameters
    ----------
    most
        What ``most_before`` said of the term.
    first
        What ``bootstraps`` said of the class.
    """
    terms, counters, nodes = problem.terms, problem.counters, problem.nodes
    counter = terms.counter[term]
    domain = nodes.domain[counters.key[counter], node]
    if domain < 0:
        return not terms.needs_key[term]
    kind = terms.kind[term]
    if kind == AFFINITY:
        return first or count_at(nodes, counters, state, counter, node) > 0
    if kind == AT_MOST_BY_DOMAIN:
        most = terms.domain_bound[terms.offset[term] + domain]
    return count_at(nodes, counters, state, counter, node) <= most


@njit
def terms_allow(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    """Whether every hard term of the class allows one more pod on a node."""
    classes, terms = problem.classes, problem.terms
    first = bootstraps(problem, state, pod_class)
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        kind = terms.kind[term]
        if kind >= SOFT_COUNT:
            break
        most = 0 if kind == AFFINITY or kind == AT_MOST_BY_DOMAIN else most_before(problem, state, term)
        if not term_allows(problem, state, term, node, most, first):
            return False
    return True


@njit
def soft_cost(problem: Problem, state: State, pod_class: int, node: int) -> int:
    """What the class's soft terms cost one more of its pods on a node."""
    classes, terms, counters, nodes = problem.classes, problem.terms, problem.counters, problem.nodes
    cost = 0
    for term in range(classes.term_start[pod_class], classes.term_start[pod_class + 1]):
        kind = terms.kind[term]
        if kind < SOFT_COUNT:
            continue
        counter = terms.counter[term]
        domain = nodes.domain[counters.key[counter], node]
        others = count_at(nodes, counters, state, counter, node)
        if kind == SOFT_COUNT:
            cost += terms.bound[term] * others
        elif kind == SOFT_ABSENT:
            cost += terms.bound[term] if others <= 0 else 0
        elif kind == SOFT_SKEW:
            least = least_count(counters, state, counter, 0)
            cost += max(0, others + terms.member[term] - least - terms.bound[term]) if domain >= 0 else 0
        elif domain < 0 or others > terms.domain_bound[terms.offset[term] + domain]:
            cost += 1
    return cost
