"""The objective of a run, tier by tier, from its final state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from placer.checks.devices import replay
from placer.checks.facts import Facts
from placer.checks.objective import Final
from placer.checks.objective import measure as measure_final
from placer.checks.scene import Scene
from placer.checks.timeline import Plan, final_places, solution_timeline
from placer.engine import Run
from placer.goals import Tier
from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT
from placer.solution import Rows

HEADROOM_FROM = 0.8
FROM_STATE = ("pack", "balance", "headroom")
"""Goals that the run's arrays give exactly; the kernels only estimate the others while they score."""


def measure(
    cluster: Cluster,
    run: Run,
    tiers: Sequence[Tier],
    rows: Rows,
    devices: Mapping[int, Mapping[str, Sequence[int]]],
) -> dict[str, float]:
    """
    What each tier comes to: the weighted sum of its goals, lower is better.

    Parameters
    ----------
    rows, devices
        The bindings and the units they take, as in :class:`placer.solution.Bindings`.
    """
    facts = Facts(cluster)
    plan = Plan(rows.pod.astype(np.int64), rows.node.astype(np.int64), np.arange(len(rows.pod)), [], [])
    scene = Scene(facts, solution_timeline(cluster, plan, held=False), devices)
    final = Final(facts, final_places(cluster, plan), cache(lambda: replay(scene)))
    names = {name for tier in tiers for name, _ in tier.parts}
    values = {
        name: from_state(name, run) if name in FROM_STATE else measure_final(final, [name])[name] for name in names
    }
    return {tier.key: sum(weight * values[name] for name, weight in tier.parts) for tier in tiers}


def from_state(name: str, run: Run) -> float:
    """What one of the goals in ``FROM_STATE`` comes to."""
    nodes, state = run.encoded.problem.nodes, run.state
    if name == "pack":
        return float(nodes.price[state.pods > 0].sum()) / PRICE_UNIT
    scale = nodes.scale[run.goals.squared]
    used = (nodes.capacity - state.free)[run.goals.squared] * scale
    values = used**2 if name == "balance" else np.maximum(0.0, used - HEADROOM_FROM)
    return float(values[scale > 0].sum())
