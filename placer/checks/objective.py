"""The objective, computed again from the final state by the formulas of the goals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.devices import Replay
from placer.checks.facts import Facts
from placer.checks.fragmentation import measure as fragmentation
from placer.checks.preferences import measure as preferences
from placer.checks.scene import Scene
from placer.checks.terms import value
from placer.checks.timeline import standing_timeline
from placer.goals import Tier, parse_goals
from placer.model.term import Fragmentation, Term, Wishes
from placer.solution import decided


class Final(NamedTuple):
    """
    The state in the end.

    Attributes
    ----------
    where
        (pods,) row of each pod's node, -1 for none.
    replay
        Units that pods hold.
    schedulers
        Whose pods were decided; ``None`` is all.
    """

    facts: Facts
    where: NDArray[np.int64]
    replay: Callable[[], Replay]
    schedulers: Sequence[str] | None = None


def measure(final: Final, keys: Sequence[str], tiers: Sequence[Tier] = ()) -> dict[str, float]:
    """
    What each tier comes to, ``unplaced`` included.

    Parameters
    ----------
    keys
        ``unplaced``, or goals joined by ``+``, each with or without a weight: ``2*pack+balance``.
    tiers
        What keys stand for, where they are known; other keys are read as they are written.
    """
    known = {tier.key: tier for tier in tiers}
    return {
        key: float(_unplaced(final).sum())
        if key == "unplaced"
        else tier_value(final, known[key] if key in known else parse_goals([key])[0])
        for key in keys
    }


def tier_value(final: Final, tier: Tier) -> float:
    """The weighted sum of a tier's terms."""
    return sum(
        part.weight * sum(term_value(final, term) for term in part.goal.terms(final.facts.cluster))
        for part in tier.parts
    )


def term_value(final: Final, term: Term) -> float:
    """What one term comes to."""
    if isinstance(term, Fragmentation):
        return term.factor * fragmentation(final.facts, final.where, final.replay().units)
    if isinstance(term, Wishes):
        return term.factor * _preferences(final)
    return value(term, final.facts, final.where)


def unplaced_by_priority(final: Final) -> dict[int, int]:
    """How many pending pods have no node, by priority."""
    priorities, counts = np.unique(final.facts.pods.priority[_unplaced(final)], return_counts=True)
    return dict(zip(priorities.tolist(), counts.tolist(), strict=True))


def _unplaced(final: Final) -> NDArray[np.bool_]:
    left: NDArray[np.bool_] = decided(final.facts.cluster, final.schedulers) & (final.where < 0)
    return left


def _preferences(final: Final) -> float:
    scene = Scene(final.facts, standing_timeline(final.facts.cluster, final.where), {})
    zoneless = sum(final.where[row] >= 0 for row in final.replay().zoneless)
    return preferences(scene, int(zoneless))
