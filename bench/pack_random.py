"""Random clusters up to 60 pods × 15 nodes, all rules mixed, seed by seed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench.common import Options, say
from bench.pack_rows import entries, solved
from bench.peers import PEERS
from placer.model.cluster import Cluster

TESTS = Path(__file__).parents[1] / "tests"
NODES, PODS, SEEDS = 15, 60, 100
LIMIT = 1.0
"""Seconds for one cluster."""
PLAIN = frozenset({"prices", "priorities", "standing"})
"""What the peers' model can say."""


def instances(options: Options) -> list[dict[str, Any]]:
    """All rules; HiGHS and naive CP-SAT model none between pods and no devices: what they come to is no answer."""
    return seeded("random", None, options)


def seeded(chosen: str, rules: frozenset[str] | None, options: Options) -> list[dict[str, Any]]:
    """The clusters with these rules; one more is solved before, so that no time is that of loading."""
    limit = options.time_limit or LIMIT
    solved(random_cluster(SEEDS, rules), limit)
    rows = []
    for seed in range(SEEDS):
        if options.set not in (None, str(seed)):
            continue
        cluster = random_cluster(seed, rules)
        answer = solved(cluster, limit)
        rows += entries(chosen, str(seed), answer, {name: peer(cluster, limit) for name, peer in PEERS.items()})
        solution = answer.solution
        say(f"pack {chosen} {seed}: {solution.status} {dict(solution.objective)} in {answer.seconds:.2f} s")
    return rows


def random_cluster(seed: int, rules: frozenset[str] | None) -> Cluster:
    """The tests' random cluster of a seed; ``None`` are all rules."""
    sys.path.insert(0, str(TESTS))
    try:
        from strategies import ALL_RULES  # type: ignore[import-not-found]
        from strategies import random_cluster as draw
    finally:
        sys.path.remove(str(TESTS))
    cluster: Cluster = draw(seed, NODES, PODS, ALL_RULES if rules is None else rules)
    return cluster
