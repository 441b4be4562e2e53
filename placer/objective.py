"""The objective of a run, tier by tier, from its final state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placer.engine import Run
from placer.goals import Tier
from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT

HEADROOM_FROM = 0.8


def measure(cluster: Cluster, run: Run, tiers: Sequence[Tier]) -> dict[str, float]:
    """What each tier comes to: the weighted sum of its goals, lower is better."""
    values = {name: _goal(name, cluster, run) for tier in tiers for name, _ in tier.parts}
    return {tier.key: sum(weight * values[name] for name, weight in tier.parts) for tier in tiers}


def _goal(name: str, cluster: Cluster, run: Run) -> float:
    nodes, state = run.encoded.problem.nodes, run.state
    if name == "pack":
        return float(nodes.price[state.pods > 0].sum()) / PRICE_UNIT
    if name in ("balance", "headroom"):
        used = (nodes.capacity - state.free)[run.goals.squared] * nodes.scale[run.goals.squared]
        has = nodes.scale[run.goals.squared] > 0
        values = used**2 if name == "balance" else np.maximum(0.0, used - HEADROOM_FROM)
        return float(values[has].sum())
    if name == "fragmentation":
        from placer.kernels.fragmentation import total_fragmentation
        from placer.kernels.structs import pack

        return float(total_fragmentation(pack(run.encoded.problem), pack(run.goals), pack(run.state)))
    from placer.preferences import lost

    return lost(cluster, run)
