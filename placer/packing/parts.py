"""What patterns are made of: classes of pods, kinds of nodes, and what may not share a node."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import BOOL, I64, Problem, State
from placer.kernels.terms import AT_MOST, SOFT_COUNT

MOST_CLASSES = 2_000
MOST_KINDS = 64


class Parts(NamedTuple):
    """
    A problem as nodes of few kinds that are filled one by one.

    Attributes
    ----------
    pod_class, pods
        (classes,) which class of the problem, and pods to place; larger pods first.
    need
        (classes, resources) request of one; the last columns count pods of groups of which a node takes only so many.
    most
        (classes,) how many pods of the class one node takes, whatever its size.
    clash
        (classes, classes) symmetric: which may not share a node in any order of arrival.
    capacity, nodes
        (kinds, resources) free on one, and (kinds,) how many there are.
    price
        (kinds,) millionths; 0 where the nodes are used anyway.
    eligible
        (classes, kinds) whether static rules allow it.
    node_start, node
        Nodes of each kind: kind k's are ``node[node_start[k]:node_start[k + 1]]``.
    all_rules
        Whether these are all rules of the pods, so that nodes filled so are legal.
    """

    pod_class: I64
    pods: I64
    need: I64
    most: I64
    clash: BOOL
    capacity: I64
    nodes: I64
    price: I64
    eligible: BOOL
    node_start: I64
    node: I64
    all_rules: bool


class _Shared(NamedTuple):
    """Rules between pods of one node: conflicts, and at most so many of a group."""

    clash: BOOL
    most: I64
    group: I64
    limit: I64
    all_rules: bool


def read_parts(problem: Problem, state: State, pending: I64) -> Parts | None:
    """
    Reads a problem; ``None`` where it has too many classes or kinds for patterns.

    Rules that bind a node alone are kept: amounts, static ones, conflicts and limits of pods that share it. What else
    there is only makes a placement dearer, so that bounds hold without it.

    Parameters
    ----------
    state
        With the standing pods in it.
    pending
        (classes,) pods to place.
    """
    chosen = np.flatnonzero(pending)
    if not 0 < len(chosen) <= MOST_CLASSES:
        return None
    classes = problem.classes
    asked = classes.need[chosen].any(axis=0)
    need, free = classes.need[np.ix_(chosen, asked)], np.maximum(state.free[asked].T, 0)
    free = np.minimum(
        free, np.minimum((need.astype(np.float64) * pending[chosen, None]).sum(axis=0), 2.0**61).astype(np.int64)
    )
    if not need.shape[1]:
        return None
    size = (need / np.maximum(free.max(axis=0, initial=1), 1)).sum(axis=1)
    order = np.argsort(-size, kind="stable")
    chosen, need = chosen[order], need[order]
    allowed = _allowed(problem, chosen)
    _, pattern = np.unique(allowed, axis=1, return_inverse=True)
    paid = state.pods > 0
    table = np.column_stack([free, problem.nodes.price, paid, pattern.reshape(-1)[problem.nodes.segment]])
    _, first, kind, count = np.unique(table, axis=0, return_index=True, return_inverse=True, return_counts=True)
    if len(first) > MOST_KINDS:
        return None
    shared = _shared(problem, state, chosen)
    node_start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return Parts(
        pod_class=chosen.astype(np.int64),
        pods=pending[chosen],
        need=np.ascontiguousarray(np.column_stack([need, shared.group])),
        most=np.minimum(shared.most, pending[chosen]),
        clash=shared.clash,
        capacity=np.column_stack([free[first], np.tile(shared.limit, (len(first), 1))]).astype(np.int64),
        nodes=count.astype(np.int64),
        price=np.where(paid[first], 0, problem.nodes.price[first]),
        eligible=allowed[:, problem.nodes.segment[first]],
        node_start=node_start,
        node=np.argsort(kind.reshape(-1), kind="stable").astype(np.int64),
        all_rules=shared.all_rules and _plain(problem, chosen),
    )


def _allowed(problem: Problem, chosen: NDArray[np.int64]) -> BOOL:
    """(chosen classes, segments) what static rules allow."""
    classes, segments = problem.classes, len(problem.nodes.segment_start) - 1
    by_signature = np.zeros((len(classes.eligible_start) - 1, segments), bool)
    owner = np.repeat(np.arange(len(by_signature)), np.diff(classes.eligible_start))
    by_signature[owner, classes.eligible_segments] = True
    return by_signature[classes.eligible[chosen]]


def _plain(problem: Problem, chosen: NDArray[np.int64]) -> bool:
    """Whether the classes take no units, zones, shared volumes or claims."""
    classes, claims = problem.classes, problem.claims
    starts = (classes.unit_start, classes.volume_start, claims.start)
    return not any(np.diff(start)[chosen].any() for start in starts) and not classes.numa[chosen].any()


def _shared(problem: Problem, state: State, chosen: NDArray[np.int64]) -> _Shared:
    """Rules of at most so many pods of a group on one node; other hard rules are left out."""
    terms, counters, nodes = problem.terms, problem.counters, problem.nodes
    alone = np.array([len(np.unique(row)) == len(row) and (row >= 0).all() for row in nodes.domain], bool)
    one_node = alone[counters.key] & (counters.eligible < 0)
    count = len(chosen)
    place = np.full(len(problem.classes.priority), -1, np.int64)
    place[chosen] = np.arange(count)
    members: dict[int, list[int]] = {}
    for mine, pod_class in enumerate(chosen.tolist()):
        for counter in problem.classes.adds[slice(*problem.classes.adds_start[pod_class : pod_class + 2])].tolist():
            members.setdefault(counter, []).append(mine)
    rejects = np.zeros((count, count), bool)
    most, groups, all_rules = np.full(count, 2**40), dict[int, dict[int, int]](), True
    for mine, pod_class in enumerate(chosen.tolist()):
        for term in range(*problem.classes.term_start[pod_class : pod_class + 2].tolist()):
            kind, counter, bound = int(terms.kind[term]), int(terms.counter[term]), int(terms.bound[term])
            if kind >= SOFT_COUNT:
                break
            counted = members.get(counter, [])
            if kind != AT_MOST or not one_node[counter]:
                all_rules = False
            elif bound == 0:
                rejects[mine, counted] = True
            elif mine in counted:
                groups.setdefault(counter, {})[mine] = bound + 1
            elif counted:
                all_rules = False
            all_rules &= not state.total[counter]
    clash = rejects & rejects.T
    all_rules &= bool((rejects == rejects.T).all())
    most[np.diagonal(clash)] = 1
    columns, limits = [], []
    for counter, bounds in groups.items():
        if len(bounds) == 1:
            mine, limit = next(iter(bounds.items()))
            most[mine] = min(most[mine], limit)
        else:
            columns.append(np.isin(np.arange(count), list(bounds)))
            limits.append(max(bounds.values()))
        all_rules &= len(bounds) == len(members[counter]) and len(set(bounds.values())) == 1
    group = np.array(columns, np.int64).reshape(-1, count).T
    return _Shared(clash, most, group, np.array(limits, np.int64), all_rules)
