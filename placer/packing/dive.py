"""
Whole patterns out of fractions: those used most are taken, what is left is solved again, until all pods are covered.

Diving: R. Sadykov, F. Vanderbeck, A. Pessoa, I. Tahiri, E. Uchoa, "Primal heuristics for branch and price: the assets
of diving methods", INFORMS Journal on Computing 31, 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from placer.encode.problem import I64
from placer.packing.configuration import QUICK, Configuration, Pattern
from placer.packing.parts import Parts

ROUNDS = 30
"""Rounds of new patterns after each step."""
SURE = 0.75
"""How much of a pattern is used where it is taken beside the one used most."""


def dive(
    program: Configuration,
    pods: I64,
    nodes: I64,
    share: float = 0.1,
    stop: Callable[[], bool] = lambda: False,
    random: np.random.Generator | None = None,
) -> list[Pattern] | None:
    """
    Whole patterns for all pods.

    Parameters
    ----------
    pods, nodes
        (classes,) to place and (kinds,) there are; the program is left with none.
    share
        The least part of the nodes still needed that one step decides.
    random
        Which patterns are taken varies a little by it.

    Returns
    -------
    Patterns with each pod once, ``None`` where it was stopped, or ran out of nodes.
    """
    left, free = pods.copy(), nodes.copy()
    taken: list[Pattern] = []
    while left.any():
        program.limit(left, free)
        relaxed = program.solve(stop, ROUNDS, 1e-5, (QUICK,))
        if stop():
            return None
        order = sorted(relaxed.used, key=lambda pair: (-_weight(pair[1], random), pair[0]))
        least = len(taken) + max(1, int(share * sum(times for _, times in order)))
        before = len(taken)
        for pattern, times in order:
            if len(taken) >= least and times < SURE:
                break
            for _ in range(max(1, int(times + 1e-6))):
                if not _fits(pattern, left) or free[pattern.kind] == 0:
                    break
                taken.append(pattern)
                free[pattern.kind] -= 1
                for pod_class in pattern.pods:
                    left[pod_class] -= 1
        if len(taken) == before:
            rest = _rest(order, left, free)
            if rest is None:
                return None
            taken.append(rest)
            free[rest.kind] -= 1
            for pod_class in rest.pods:
                left[pod_class] -= 1
    return cheapest(program.parts, taken, nodes)


def _weight(times: float, random: np.random.Generator | None) -> float:
    return times if random is None else times + 0.2 * random.random()


def _fits(pattern: Pattern, left: I64) -> bool:
    """Whether so many pods of each class are left."""
    return all(left[pod_class] >= pattern.pods.count(pod_class) for pod_class in set(pattern.pods))


def _rest(order: Sequence[tuple[Pattern, float]], left: I64, free: I64) -> Pattern | None:
    """The pattern used most, without the pods that are covered already."""
    for pattern, _ in order:
        pods: list[int] = []
        for pod_class in pattern.pods:
            if pods.count(pod_class) < left[pod_class]:
                pods.append(pod_class)
        if pods and free[pattern.kind] > 0:
            return Pattern(pattern.kind, tuple(pods))
    return None


def cheapest(parts: Parts, patterns: Sequence[Pattern], nodes: I64) -> list[Pattern]:
    """The same pods together, each pattern on the cheapest kind of node that takes it and is left."""
    free = nodes.copy()
    for pattern in patterns:
        free[pattern.kind] -= 1
    moved = []
    for pattern in patterns:
        pods = list(pattern.pods)
        fits = (parts.need[pods].sum(axis=0) <= parts.capacity).all(axis=1) & parts.eligible[pods].all(axis=0)
        fits &= (free > 0) | (np.arange(len(free)) == pattern.kind)
        kind = int(np.flatnonzero(fits)[np.argmin(parts.price[fits])])
        kind = kind if parts.price[kind] < parts.price[pattern.kind] else pattern.kind
        free[pattern.kind] += 1
        free[kind] -= 1
        moved.append(Pattern(kind, pattern.pods))
    return moved


def price_of(parts: Parts, patterns: Sequence[Pattern]) -> int:
    """Millionths that the nodes cost."""
    return sum(int(parts.price[pattern.kind]) for pattern in patterns)
