"""A pod that fits nowhere, and the question whether a changed one would."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import NamedTuple, TypeVar

import numpy as np

from placer.explaining.others import Mask
from placer.explaining.rejections import accepting
from placer.explaining.state import State
from placer.explaining.subject import Subject, device_kinds, subject
from placer.model.pod import Pod
from placer.model.rule import Rule

T = TypeVar("T", bound=Hashable)
ENUMERATED = 8
"""Up to so many parts, all their sets are tried; above, parts are taken back one at a time."""


class Relaxed(NamedTuple):
    """A changed pod and the change in words."""

    text: str
    pod: Pod


@dataclass(frozen=True)
class Problem:
    """
    Which changes would do.

    Attributes
    ----------
    nodes
        The nodes that may take the pod.
    rules
        The rules that must accept it there; the others are not asked.
    """

    state: State
    asked: Subject
    nodes: Mask
    rules: frozenset[Rule] = frozenset(Rule)
    _open: dict[frozenset[Rule], Mask] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> list[str]:
        """Kinds of devices of the cluster."""
        return device_kinds(self.state.nodes)

    def subject(self, pod: Pod) -> Subject:
        """A changed pod as the rules see it."""
        return subject(pod, self.kinds)

    def open_but(self, rules: Collection[Rule]) -> Mask:
        """(nodes,) those that all rules but these accept."""
        asked = self.rules - frozenset(rules)
        if asked not in self._open:
            self._open[asked] = accepting(self.state, self.asked, self.nodes, asked)
        return self._open[asked]

    def fits(self, pod: Pod) -> bool:
        """Whether some node accepts the pod."""
        return bool(accepting(self.state, self.subject(pod), self.nodes, self.rules).any())

    def fits_on(self, pod: Pod, nodes: Mask, rules: Collection[Rule]) -> bool:
        """Whether one of the nodes accepts the pod as far as these rules go, the others being known to."""
        return bool(accepting(self.state, self.subject(pod), nodes, self.rules & frozenset(rules)).any())


def smallest_set(
    candidates: Iterable[frozenset[T]], changed: Callable[[frozenset[T]], Pod], problem: Problem
) -> frozenset[T] | None:
    """
    The first of the smallest candidates that makes the pod fit, without what is not needed of it.

    Parameters
    ----------
    changed
        The pod with the change that a set means; a larger set asks for no less.
    """
    listed = sorted(candidates, key=len)
    for chosen in (*listed, frozenset[T]().union(*listed)):
        if chosen and problem.fits(changed(chosen)):
            return smallest_part(sorted(chosen, key=repr), changed, problem)
    return None


def smallest_part(items: Sequence[T], changed: Callable[[frozenset[T]], Pod], problem: Problem) -> frozenset[T] | None:
    """A smallest set of these items that makes the pod fit; of many items, one that holds none in vain."""
    if not items or not problem.fits(changed(frozenset(items))):
        return None
    if len(items) <= ENUMERATED:
        for size in range(1, len(items) + 1):
            for part in combinations(items, size):
                if problem.fits(changed(frozenset(part))):
                    return frozenset(part)
    kept = set(items)
    for item in items:
        if len(kept) > 1 and problem.fits(changed(frozenset(kept - {item}))):
            kept.remove(item)
    return frozenset(kept)


def least_raise(raises: Sequence[np.ndarray], nodes: Mask) -> int | None:
    """The node with the fewest limits to raise, then by the least in sum; ``None`` without a node."""
    rows = np.flatnonzero(nodes)
    if not len(rows) or not raises:
        return None
    table = np.stack([amounts[rows] for amounts in raises], axis=1)
    order = np.lexsort([rows, table.sum(axis=1), (table > 0).sum(axis=1)])
    return int(rows[order[0]])


def largest(values: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The largest of ascending values that fits, where all below a value that fits do; ``None`` where none does."""
    if not values or not fits(values[0]):
        return None
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(values[middle]) else (low, middle)
    return values[low]
