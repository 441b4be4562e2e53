"""A legal order for pods whose nodes are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from placer.encode.problem import Problem
from placer.kernels.bind import put
from placer.kernels.claims import claims_fit, release_claims, settle_claims
from placer.kernels.terms import terms_allow

ROUNDS = 60
"""Orders tried."""


def arrange(
    problem: Problem,
    packed: tuple[Any, Any, Any],
    pods: Sequence[tuple[int, int]],
    times: Sequence[int],
    stop: Callable[[], bool] = lambda: False,
) -> tuple[list[int], list[int]]:
    """
    Looks for an order in which each pod may arrive.

    Each round puts whoever may arrive, first by ``times`` and then by weight; whoever was left over weighs more in the
    next round.

    Parameters
    ----------
    packed
        Problem, state and scratch for the kernels; the state is left as it was.
    pods
        (class, node) of each.
    times
        When each is to arrive, -1 where that is open.
    stop
        Asked before each pod that is put: whether to leave the rest over.

    Returns
    -------
    Places in ``pods`` in a legal order, and those left over in the best round; all are in the first where it succeeds.
    """
    classes = problem.classes
    ruled = (np.diff(classes.term_start) > 0) | (np.diff(problem.claims.start) > 0)
    counts = np.diff(classes.adds_start) > 0
    free = [place for place, (pod_class, _) in enumerate(pods) if not ruled[pod_class] and not counts[pod_class]]
    waiting = [place for place, (pod_class, _) in enumerate(pods) if ruled[pod_class] or counts[pod_class]]
    weight = {place: float(ruled[pods[place][0]]) for place in waiting}
    best: tuple[list[int], list[int]] = ([], waiting)
    line = sorted(waiting, key=lambda place: times[place])
    for _ in range(ROUNDS):
        order, left = _round(packed, pods, line, stop)
        if len(left) < len(best[1]) or not left:
            best = (order, left)
        if not left or stop():
            break
        for place in left:
            weight[place] += 1.0
        line = sorted(waiting, key=lambda place: -weight[place])
    return [*free, *best[0]], best[1]


def _round(
    packed: tuple[Any, Any, Any], pods: Sequence[tuple[int, int]], waiting: list[int], stop: Callable[[], bool]
) -> tuple[list[int], list[int]]:
    """One round: the first in line that may arrive does, until none may."""
    problem, state, work = packed
    order: list[int] = []
    left = waiting
    while left and not stop():
        chosen = next((place for place in left if _may_arrive(packed, *pods[place])), None)
        if chosen is None:
            break
        settle_claims(problem, state, work, *pods[chosen])
        put(problem, state, *pods[chosen], 1)
        order.append(chosen)
        left = [place for place in left if place != chosen]
    for place in reversed(order):
        put(problem, state, *pods[place], -1)
        release_claims(problem, state, pods[place][0])
    return order, left


def _may_arrive(packed: tuple[Any, Any, Any], pod_class: int, node: int) -> bool:
    problem, state, work = packed
    allowed = terms_allow(problem, state, pod_class, node) and claims_fit(problem, state, work, pod_class, node)
    return bool(allowed)
