"""How nodes score: what placing the pod there adds to each goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.facts import Facts
from placer.checks.terms import added
from placer.explaining.fragments import fragmentation
from placer.explaining.others import Mask
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.explaining.wishes import preferences
from placer.goals import Part, Tier
from placer.model.term import Fragmentation, Wishes

Values = NDArray[np.float64]


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


def score(state: State, pod: Subject, tiers: Sequence[Tier], nodes: Mask) -> Score:
    """
    Scores nodes by goals.

    Parameters
    ----------
    nodes
        (nodes,) those of interest: units are looked at there only.
    """
    parts = [part for tier in tiers for part in tier.parts]
    values = {part.name: grown(part, state, pod, nodes) for part in parts}
    empty = np.zeros((state.count, 0))
    sums = [sum((part.weight * values[part.name] for part in tier.parts), np.zeros(state.count)) for tier in tiers]
    return Score(
        list(values),
        np.stack(list(values.values()), axis=1) if values else empty,
        np.stack(sums, axis=1) if sums else empty,
    )


def grown(part: Part, state: State, pod: Subject, nodes: Mask) -> Values:
    """(nodes,) what placing the pod there adds to a goal, weight apart."""
    others, total = state.others, np.zeros(state.count)
    facts, where = Facts(others.cluster), others.where.astype(np.int64)
    for term in part.goal.terms(others.cluster):
        if isinstance(term, Fragmentation):
            total += term.factor * fragmentation(state, pod, nodes)
        elif isinstance(term, Wishes):
            total += term.factor * preferences(state, pod, nodes)
        else:
            total += added(term, facts, where, others.row)
    return total
