"""What a model is built from: a problem, what stands already, and the pods to place, as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.eligible import allowed_by_class
from placer.encode.problem import BOOL, I64, Problem, State
from placer.kernels.terms import AT_MOST, AT_MOST_BY_DOMAIN, DISTINCT, SKEW, SOFT_COUNT


class Item(NamedTuple):
    """
    Pods that a model does not tell apart.

    All pending ones of a class; or one, where pods of the class take units or their order counts.
    """

    pod_class: int
    pods: int


class Rule(NamedTuple):
    """
    A hard term of a class.

    Attributes
    ----------
    limit
        (domains,) the most pods that may be there before one more; beside the least count, for skew. Empty for others.
    fewest
        For skew the fewest domains, for distinct domains how many.
    """

    kind: int
    counter: int
    limit: I64
    fewest: int
    needs_key: bool


class Typical(NamedTuple):
    """
    Pods whose use of GPUs fragmentation is about.

    Attributes
    ----------
    kind
        The kind of device, -1 for none.
    of_class
        (classes,) pods of each class.
    pods
        All pods that are counted, those that have no class included.
    unknown
        Those of them that have no class and ask for a device of the kind.
    rows
        Rows of ``capacity`` of which a pod must find enough.
    """

    kind: int
    of_class: I64
    pods: int
    unknown: int
    rows: Sequence[int]


class Stood(NamedTuple):
    """
    The pods that stand already; their wishes and preferences count as well.

    Attributes
    ----------
    pod_class, node, pods
        (pairs,) how many pods of a class stand on a node.
    zoneless
        Those that would like one NUMA zone and have none.
    """

    pod_class: I64
    node: I64
    pods: I64
    zoneless: int = 0


class Outside(NamedTuple):
    """What the cells of a term that are not written come to: how many of weight above 0, and of these sum and most."""

    cells: int = 0
    total: float = 0.0
    most: float = 0.0


NOBODY = Stood(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))
NOTHING_TYPICAL = Typical(-1, np.zeros(0, np.int64), 0, 0, ())


class Case(NamedTuple):
    """
    A problem read for modelling.

    Attributes
    ----------
    state
        With the standing pods in it; nothing pending is placed.
    items
        The pods to place.
    rules
        Per class its hard terms.
    members
        (counters, classes) whether pods of the class count.
    standing
        Per counter, (domains,) pods that stand.
    counts_on
        (counters, nodes) whether pods on the node count.
    allowed
        (classes, nodes) whether one pod may be there at all.
    exact
        Classes whose rules between pods are modelled in the order of arrival.
    stood
        The pods in ``state``.
    outside
        Term → what else it looks at, where the case is a part of a problem.
    """

    problem: Problem
    state: State
    items: Sequence[Item]
    rules: Sequence[Sequence[Rule]]
    members: BOOL
    standing: Sequence[I64]
    counts_on: BOOL
    allowed: BOOL
    exact: frozenset[int]
    stood: Stood = NOBODY
    typical: Typical = NOTHING_TYPICAL
    outside: Mapping[int, Outside] = MappingProxyType({})

    def key(self, counter: int) -> int:
        """The topology key of a counter."""
        return int(self.problem.counters.key[counter])

    def domain(self, counter: int) -> NDArray[np.int32]:
        """(nodes,) the domain of each node under a counter's key, -1 for none."""
        domains: NDArray[np.int32] = self.problem.nodes.domain[self.key(counter)]
        return domains


def read_case(
    problem: Problem,
    state: State,
    pending: I64,
    exact: frozenset[int] = frozenset(),
    stood: Stood = NOBODY,
    typical: Typical = NOTHING_TYPICAL,
) -> Case:
    """
    Reads a problem.

    Parameters
    ----------
    state
        With the standing pods in it.
    pending
        (classes,) pods to place.
    exact
        Classes whose rules between pods are to be modelled in the order of arrival.
    stood, typical
        What terms of goals ask for beyond the state: the pods in it, and the pods that fragmentation is about.
    """
    classes = problem.classes
    rules = [_rules(problem, pod_class) for pod_class in range(len(pending))]
    members = np.zeros((len(problem.counters.key), len(pending)), bool)
    owner = np.repeat(np.arange(len(pending)), np.diff(classes.adds_start))
    members[classes.adds, owner] = True
    case = Case(
        problem=problem,
        state=state,
        items=_items(problem, pending, exact | _counted(rules, members, exact)),
        rules=rules,
        members=members,
        standing=[_standing(problem, state, counter) for counter in range(len(members))],
        counts_on=_counts_on(problem),
        allowed=allowed_by_class(problem),
        exact=exact,
        stood=stood,
        typical=typical,
    )
    _forbid(case)
    return case


def _items(problem: Problem, pending: I64, ordered: frozenset[int]) -> list[Item]:
    """One item a class; one a pod where units are taken, since each pod takes its own, or where order counts."""
    classes = problem.classes
    apart = (np.diff(classes.unit_start) > 0) | (classes.numa > 0)
    apart[list(ordered)] = True
    items = []
    for pod_class in np.flatnonzero(pending).tolist():
        count = int(pending[pod_class])
        items += [Item(pod_class, 1)] * count if apart[pod_class] else [Item(pod_class, count)]
    return items


def _counted(rules: Sequence[Sequence[Rule]], members: BOOL, exact: frozenset[int]) -> frozenset[int]:
    """The classes that the rules of some count."""
    counters = {rule.counter for pod_class in exact for rule in rules[pod_class]}
    return frozenset(np.flatnonzero(members[sorted(counters)].any(axis=0)).tolist())


def _rules(problem: Problem, pod_class: int) -> list[Rule]:
    terms, counters, found = problem.terms, problem.counters, []
    for term in range(int(problem.classes.term_start[pod_class]), int(problem.classes.term_start[pod_class + 1])):
        kind, counter = int(terms.kind[term]), int(terms.counter[term])
        if kind >= SOFT_COUNT:
            break
        bound, offset = int(terms.bound[term]), int(terms.offset[term])
        domains = int(problem.nodes.domains[counters.key[counter]])
        limit, fewest = np.zeros(0, np.int64), 0
        if kind == AT_MOST:
            limit = np.full(domains, bound)
        elif kind == AT_MOST_BY_DOMAIN:
            limit = terms.domain_bound[offset : offset + domains].astype(np.int64)
        elif kind == SKEW:
            limit, fewest = np.full(domains, bound - int(terms.member[term])), offset
        elif kind == DISTINCT:
            fewest = bound
        found.append(Rule(kind, counter, limit, fewest, bool(terms.needs_key[term])))
    return found


def _standing(problem: Problem, state: State, counter: int) -> I64:
    """(domains,) pods that a counter has, out of the sparse table."""
    found = np.zeros(int(problem.nodes.domains[problem.counters.key[counter]]), np.int64)
    entry = int(state.head[counter])
    while entry >= 0:
        found[state.entry_domain[entry]] = state.entry_count[entry]
        entry = int(state.entry_next[entry])
    return found


def _counts_on(problem: Problem) -> BOOL:
    counters, nodes = problem.counters, problem.nodes
    found = nodes.domain[counters.key] >= 0
    for counter in np.flatnonzero(counters.eligible >= 0).tolist():
        found[counter] &= counters.eligible_segment[counters.eligible[counter]][nodes.segment]
    return found


def _forbid(case: Case) -> None:
    """Takes out where a class does not fit from the beginning: amounts, keys, and counts that only grow."""
    need, free = case.problem.classes.need, case.state.free
    for pod_class in {item.pod_class for item in case.items}:
        allowed = case.allowed[pod_class]
        asked = need[pod_class] > 0
        allowed &= (free[asked] >= need[pod_class][asked, None]).all(axis=0)
        for rule in case.rules[pod_class]:
            domain = case.domain(rule.counter)
            if rule.needs_key:
                allowed &= domain >= 0
            if rule.kind in (AT_MOST, AT_MOST_BY_DOMAIN) and len(rule.limit):
                full = case.standing[rule.counter] > rule.limit
                allowed &= (domain < 0) | ~full[domain]
