"""The objective, computed again from the final state by the formulas of the goals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.devices import Replay
from placer.checks.facts import Facts
from placer.checks.fragmentation import measure as fragmentation
from placer.checks.preferences import measure as preferences
from placer.checks.scene import Scene
from placer.checks.timeline import standing_timeline
from placer.goals import parse_goals
from placer.model.node import PRICE_UNIT
from placer.solution import decided

HEADROOM_FROM = 0.8


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


def measure(final: Final, keys: Sequence[str]) -> dict[str, float]:
    """
    What each tier comes to, ``unplaced`` included.

    Parameters
    ----------
    keys
        ``unplaced``, or goals joined by ``+``, each with or without a weight: ``2*pack+balance``.
    """
    known: dict[str, float] = {}
    values: dict[str, float] = {}
    for key in keys:
        if key == "unplaced":
            values[key] = float(_unplaced(final).sum())
            continue
        for name, _ in parse_goals([key])[0].parts:
            if name not in known:
                known[name] = GOALS[name](final)
        values[key] = sum(weight * known[name] for name, weight in parse_goals([key])[0].parts)
    return values


def unplaced_by_priority(final: Final) -> dict[int, int]:
    """How many pending pods have no node, by priority."""
    priorities, counts = np.unique(final.facts.pods.priority[_unplaced(final)], return_counts=True)
    return dict(zip(priorities.tolist(), counts.tolist(), strict=True))


def _unplaced(final: Final) -> NDArray[np.bool_]:
    left: NDArray[np.bool_] = decided(final.facts.cluster, final.schedulers) & (final.where < 0)
    return left


def _pack(final: Final) -> float:
    """Prices of the nodes that hold any pod."""
    used = np.unique(final.where[final.where >= 0])
    return int(final.facts.nodes.price[used].sum()) / PRICE_UNIT


def _load(final: Final) -> list[NDArray[np.float64]]:
    """Used over allocatable, for cpu and for memory, of the nodes that have any."""
    stands = np.flatnonzero(final.where >= 0)
    loads = []
    for resource in ("cpu", "memory"):
        have = final.facts.units.allocatable.column(resource, 0)
        used = np.zeros(len(have), np.int64)
        np.add.at(used, final.where[stands], final.facts.units.requests.column(resource)[stands])
        loads.append(used[have > 0] / have[have > 0])
    return loads


def _balance(final: Final) -> float:
    """Squared load."""
    return float(sum((load**2).sum() for load in _load(final)))


def _headroom(final: Final) -> float:
    """Load above four fifths."""
    return float(sum(np.maximum(0.0, load - HEADROOM_FROM).sum() for load in _load(final)))


def _fragmentation(final: Final) -> float:
    return fragmentation(final.facts, final.where, final.replay().units)


def _preferences(final: Final) -> float:
    scene = Scene(final.facts, standing_timeline(final.facts.cluster, final.where), {})
    zoneless = sum(final.where[row] >= 0 for row in final.replay().zoneless)
    return preferences(scene, int(zoneless))


GOALS: Mapping[str, Callable[[Final], float]] = {
    "pack": _pack,
    "balance": _balance,
    "headroom": _headroom,
    "fragmentation": _fragmentation,
    "preferences": _preferences,
}
