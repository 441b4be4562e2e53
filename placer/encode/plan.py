"""The order of placing: priority first, then size; classes that one scan serves stand together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine, renumber
from placer.encode.problem import UNLIMITED, Plan, Problem
from placer.encode.terms import AFFINITY, DISTINCT

MANY = 4096
"""Distinct requests above which nearly equal ones share a scan."""
GRAIN = 0.04
"""How nearly: the ratio of neighbouring steps is 1 + GRAIN."""


def make_plan(problem: Problem, pending: NDArray[np.int64], load: NDArray[np.int32]) -> Plan:
    """
    Orders the classes that have pending pods.

    Parameters
    ----------
    pending
        (classes,) pods to place.
    load
        Resources that make a pod large: the length of its request, each as a share of what the cluster has.
    """
    classes = problem.classes
    chosen = np.flatnonzero(pending > 0)
    need = classes.need[chosen]
    grid, corner = _grid(need)
    size = _size(problem, corner, load)
    alike, _ = combine(
        [
            classes.priority[chosen],
            classes.eligible[chosen],
            _unit_rows(problem)[chosen],
            classes.numa[chosen],
            classes.wish[chosen],
            _alone(problem)[chosen],
            _cost_rows(problem)[chosen],
            *grid.T,
        ],
        len(chosen),
    )
    terms = _term_rows(problem)[chosen]
    circle = _circles(problem, chosen)
    order = np.lexsort((-_size(problem, need, load), terms, alike, circle, -size, -classes.priority[chosen]))
    alike, terms, circle = alike[order], terms[order], circle[order]
    new_family = np.ones(len(order), bool)
    new_family[1:] = (alike[1:] != alike[:-1]) | (terms[1:] != terms[:-1])
    family_start = np.concatenate([np.flatnonzero(new_family), [len(order)]]).astype(np.int32)
    largest = np.maximum.reduceat(need[order], family_start[:-1], axis=0) if len(order) else need
    same = combine([alike[family_start[:-1]], *largest.T], len(largest))[0] if len(order) else np.zeros(0, np.int32)
    last = np.cumsum(pending).astype(np.int32)
    return Plan(
        order=chosen[order].astype(np.int32),
        family_start=family_start,
        family_need=np.ascontiguousarray(largest, np.int64),
        scan_key=same.astype(np.int64),
        circle=np.ascontiguousarray(circle[family_start[:-1]]),
        first_slot=(last - pending).astype(np.int32),
        last_slot=last,
    )


def _grid(need: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Requests rounded to steps of a few per cent where there are many distinct ones; codes and upper corners."""
    distinct = combine(list(need.T), len(need))[1]
    if len(distinct) <= MANY:
        return need, need
    step = np.where(need > 0, np.ceil(np.log(np.maximum(need, 1)) / np.log1p(GRAIN)), -1).astype(np.int64)
    corner = np.where(need > 0, np.exp(step * np.log1p(GRAIN)), 0).astype(np.int64)
    return step, corner


def _size(problem: Problem, need: NDArray[np.int64], load: NDArray[np.int32]) -> NDArray[np.float64]:
    """
    (rows,) length of each request as shares of what the cluster has.

    For pods that need a device only the nodes that carry some count: a large pod with a small share of a GPU is hard to
    place beside them.
    """
    capacity = np.where(problem.nodes.capacity < UNLIMITED, problem.nodes.capacity, 0)[load]
    asked = need[:, load]
    size: NDArray[np.float64] = ((asked / np.maximum(capacity.sum(axis=1), 1)) ** 2).sum(axis=1)
    for place in range(len(load)):
        carries = capacity[place] > 0
        rows = asked[:, place] > 0
        if rows.any() and not carries.all():
            total = np.maximum(capacity[:, carries].sum(axis=1), 1)
            size[rows] = np.maximum(size[rows], ((asked[rows] / total) ** 2).sum(axis=1))
    return size


def _unit_rows(problem: Problem) -> NDArray[np.int32]:
    """(classes,) equal where device needs are."""
    classes = problem.classes
    parts = classes.unit_kind, classes.unit_count, classes.unit_where, classes.unit_amount
    rows = [b"".join(part[a:b].tobytes() for part in parts) for a, b in pairwise(classes.unit_start.tolist())]
    index: dict[bytes, int] = {}
    return np.array([index.setdefault(row, len(index)) for row in rows], np.int32)


def _alone(problem: Problem) -> NDArray[np.int32]:
    """(classes,) a code of its own for each class whose score depends on more than its request and signature."""
    classes, terms = problem.classes, problem.terms
    soft = np.zeros(len(classes.priority) + 1, np.int64)
    owner = np.repeat(np.arange(len(classes.priority)), np.diff(classes.term_start))
    np.add.at(soft, owner[terms.kind >= 5], 1)
    special = (np.diff(classes.volume_start) > 0) | (soft[:-1] > 0) | (np.diff(problem.claims.start) > 0)
    return np.where(special, np.arange(len(special)), -1).astype(np.int32)


def _cost_rows(problem: Problem) -> NDArray[np.int32]:
    """(classes,) equal where the goals' terms that place pods see no difference, or next to none in amounts."""
    costs = problem.costs
    placing = np.flatnonzero(costs.place != 0.0)
    measures = np.unique([m for term in placing for m in costs.of[costs.first[term] : costs.first[term + 1]].tolist()])
    measures = measures.astype(np.int64)
    amount = costs.amount[measures].T
    if not len(placing):
        return np.zeros(len(amount), np.int32)
    rows = costs.wish_row[np.isin(costs.wish_term, placing)]
    columns = [*_grid(np.ascontiguousarray(amount))[0].T, *np.where(amount.T > 0, costs.group[measures], -1), *rows]
    return combine(columns, len(amount))[0] if columns else np.zeros(len(amount), np.int32)


def _term_rows(problem: Problem) -> NDArray[np.int32]:
    """(classes,) equal where the classes have no rules, own codes for the others."""
    classes = problem.classes
    ruled = (np.diff(classes.term_start) > 0) | (np.diff(classes.adds_start) > 0)
    return renumber(np.where(ruled, np.arange(len(ruled)), -1))[0]


def _circles(problem: Problem, chosen: NDArray[np.int64]) -> NDArray[np.int32]:
    """
    (chosen,) a number for classes that wait for one another, -1 for the others.

    Those are classes with a rule that asks others to be there first (affinity, skew, distinct domains) over a counter
    that more than one of them has.
    """
    terms = problem.terms
    owner = np.repeat(np.arange(len(problem.classes.priority)), np.diff(problem.classes.term_start))
    waits = (terms.kind >= AFFINITY) & (terms.kind <= DISTINCT)
    first = np.full(len(problem.classes.priority), -1, np.int64)
    first[owner[waits][::-1]] = terms.counter[waits][::-1]
    mine = first[chosen]
    shared = np.bincount(mine[mine >= 0], minlength=1) > 1
    return np.where((mine >= 0) & shared[np.maximum(mine, 0)], mine, -1).astype(np.int32)
