"""How nodes score: what placing the pod there adds to each goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.explaining.fragments import fragmentation
from placer.explaining.others import Mask
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.explaining.wishes import preferences
from placer.goals import parse_goals
from placer.model.node import PRICE_UNIT

Values = NDArray[np.float64]
LOADS = ("cpu", "memory")
COMFORTABLE = 0.8
"""Load up to which headroom costs nothing."""


class Score(NamedTuple):
    """
    All nodes scored.

    Attributes
    ----------
    goals
        Names, in the order given.
    values
        (nodes, goals) what placing the pod there adds; only meant where no rule rejects.
    tiers
        (nodes, tiers) weighted sums.
    """

    goals: list[str]
    values: Values
    tiers: Values

    def terms(self, node: int) -> Mapping[str, float]:
        """Goal → value of one node."""
        return dict(zip(self.goals, self.values[node].tolist(), strict=True))

    def total(self, node: int) -> tuple[float, ...]:
        """Values of one node by tier."""
        return tuple(self.tiers[node].tolist())


def pack(state: State, pod: Subject, nodes: Mask) -> Values:
    """The node's price where it is empty."""
    return np.where(state.crowd == 0, state.nodes.price / PRICE_UNIT, 0.0)


def _loads(state: State, pod: Subject, function: Callable[[Values], Values]) -> Values:
    """Sum over cpu and memory, where the node has any, of what a function of used/allocatable gains."""
    total = np.zeros(state.count)
    for name in LOADS:
        capacity = state.allocatable(name)
        some = capacity > 0
        used = state.load(name)[some]
        after = function((used + pod.requests.get(name, 0)) / capacity[some])
        total[some] += after - function(used / capacity[some])
    return total


def balance(state: State, pod: Subject, nodes: Mask) -> Values:
    """Sum over cpu and memory of (used/allocatable)²."""
    return _loads(state, pod, np.square)


def headroom(state: State, pod: Subject, nodes: Mask) -> Values:
    """Sum over cpu and memory of the load above four fifths."""
    return _loads(state, pod, lambda load: np.maximum(load - COMFORTABLE, 0.0))


GOALS: dict[str, Callable[[State, Subject, Mask], Values]] = {
    "pack": pack,
    "balance": balance,
    "headroom": headroom,
    "fragmentation": fragmentation,
    "preferences": preferences,
}
"""Goal → (nodes,) what placing the pod there adds."""


def score(state: State, pod: Subject, goals: Sequence[str], nodes: Mask) -> Score:
    """
    Scores nodes by goals.

    Parameters
    ----------
    nodes
        (nodes,) those of interest: units are looked at there only.
    """
    tiers = parse_goals(goals)
    names = [name for tier in tiers for name, _ in tier.parts]
    values = {name: GOALS[name](state, pod, nodes) for name in names}
    empty = np.zeros((state.count, 0))
    sums = [sum((weight * values[name] for name, weight in tier.parts), np.zeros(state.count)) for tier in tiers]
    return Score(
        names,
        np.stack([values[name] for name in names], axis=1) if names else empty,
        np.stack(sums, axis=1) if sums else empty,
    )
