"""Answers with a bound: how far from the best, proven, and the same for peers."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.common import Options, say
from bench.peers import PEERS, Peer
from placer.model.cluster import Cluster

ROOT = Path(__file__).parents[1]
NODES, PODS, SEEDS = 15, 60, 100
LIMIT = 1.0
"""Seconds for one random cluster."""
SETS = {
    "random": "60 pods on 15 nodes, all rules mixed, seeds 0 to 99",
    "plain": "the same without rules but prices, priorities and standing pods: what the peers' model can say",
    "openb": "GPU thousandths left out when 100 % of the demand has arrived, one order a list",
    "mesos30k": "30,000 nodes × 250,000 pods: pods left out, then nodes used",
}


def run(options: Options) -> dict[str, Any]:
    """
    Per instance and tier: objective, bound, gap and seconds of ``solve(goals=["pack"], prove=True)``, all minimised.

    ``peers``: the same cluster and time; HiGHS and naive CP-SAT model neither rules between pods nor devices, so that
    on ``random`` what they come to is no answer. ``best_known`` is what is proven to be best, else null.
    """
    runs: dict[str, Callable[[Options], list[dict[str, Any]]]] = {
        "random": lambda given: seeded("random", given),
        "plain": lambda given: seeded("plain", given),
        "openb": openb,
        "mesos30k": mesos,
    }
    chosen = [name for name in runs if options.set in (None, name)]
    instances = [row for name in chosen for row in runs[name](options)]
    return {
        "work": {name: SETS[name] for name in chosen},
        "proven": {name: proven(instances, name) for name in chosen},
        "instances": instances,
    }


def proven(instances: list[dict[str, Any]], chosen: str) -> dict[str, Any]:
    """How many instances of a set are closed in all tiers, and their seconds."""
    names: dict[str, list[dict[str, Any]]] = {}
    for row in instances:
        if row["set"] == chosen:
            names.setdefault(row["name"].rpartition("/")[0], []).append(row)
    seconds = [rows[0]["seconds"] for rows in names.values()]
    closed = sum(all(row["gap"] == 0 for row in rows) for rows in names.values())
    in_time = sum(all(row["gap"] == 0 and row["seconds"] <= LIMIT for row in rows) for rows in names.values())
    return {
        "of": len(names),
        "closed": closed,
        "within_1_s": in_time,
        "median_s": statistics.median(seconds) if seconds else None,
        "most_s": max(seconds, default=None),
    }


def random_cluster(chosen: str, seed: int) -> Cluster:
    """The tests' random cluster of a seed."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from strategies import ALL_RULES  # type: ignore[import-not-found]
        from strategies import random_cluster as draw
    finally:
        sys.path.remove(str(ROOT / "tests"))
    rules = ALL_RULES if chosen == "random" else {"prices", "priorities", "standing"}
    cluster: Cluster = draw(seed, NODES, PODS, rules)
    return cluster


def seeded(chosen: str, options: Options) -> list[dict[str, Any]]:
    """The random clusters; one is solved before, so that no time is that of loading."""
    limit = options.time_limit or LIMIT
    solved(random_cluster(chosen, SEEDS), limit)
    rows = []
    for seed in range(SEEDS):
        cluster = random_cluster(chosen, seed)
        solution, seconds, verified = solved(cluster, limit)
        peers = {name: peer(cluster, limit) for name, peer in PEERS.items()}
        rows += entries(chosen, str(seed), solution, seconds, verified, peers)
        say(f"pack {chosen} {seed}: {solution.status} {dict(solution.objective)} in {seconds:.2f} s")
    return rows


def solved(cluster: Cluster, limit: float | None) -> tuple[Any, float, bool]:
    """The answer with bounds, its seconds, and whether it verifies."""
    import placer as pl

    begun = time.perf_counter()
    solution = pl.solve(cluster, goals=["pack"], prove=True, time_limit=limit)
    seconds = time.perf_counter() - begun
    return solution, seconds, not pl.verify(cluster, solution)


def entries(
    chosen: str, name: str, solution: Any, seconds: float, verified: bool, peers: dict[str, Peer]
) -> list[dict[str, Any]]:
    """One row per tier."""
    rows = []
    for tier, objective in solution.objective.items():
        bound = solution.bound[tier]
        gap = (objective - bound) / max(1.0, abs(objective))
        rows.append(
            {
                "set": chosen,
                "name": f"{name}/{tier}",
                "objective": objective,
                "bound": bound,
                "gap": gap if gap > 1e-9 else 0.0,
                "seconds": seconds,
                "best_known": objective if solution.status == "optimal" else None,
                "verified": verified,
                "peers": {
                    each: {"objective": getattr(peer, tier), "seconds": peer.seconds} for each, peer in peers.items()
                },
            }
        )
    return rows


def openb(options: Options) -> list[dict[str, Any]]:
    """GPU thousandths left out, against the bound by patterns."""
    from bench import openb as lists
    from placer.data import dataset
    from placer.traces.openb import inflate

    rows = []
    folder = Path(options.data / "alibaba-openb-gpu-2023" if options.data else dataset("alibaba-openb-gpu-2023"))
    for name in lists.TRACES:
        trace = lists.read(folder, name)
        order = lists.arrived(trace, inflate(trace.cluster, 42, lists.RATIO))
        demand = int(trace.gpu[order].sum())
        begun = time.perf_counter()
        reached, verified = lists.placed_at_once(trace, order)
        most = lists.bound(trace, order)
        seconds = time.perf_counter() - begun
        objective, bound = demand - reached / 100 * trace.capacity, max(0.0, demand - most / 100 * trace.capacity)
        rows.append(
            {
                "set": "openb",
                "name": name,
                "objective": round(objective, 3),
                "bound": round(bound, 3),
                "gap": (objective - bound) / max(1.0, objective),
                "seconds": seconds,
                "best_known": None,
                "verified": verified,
                "peers": {},
            }
        )
        say(f"pack openb {name}: {reached:.2f} % of at most {most:.2f} %")
    return rows


def mesos(options: Options) -> list[dict[str, Any]]:
    """The three cases of mesos30k."""
    from placer.traces.mesos import generate

    rows = []
    for case in ("plain", "full", "distinct"):
        cluster = generate(case, seed=options.seed)
        rows += entries("mesos30k", case, *solved(cluster, options.time_limit), {})
        say(f"pack mesos30k {case}: {rows[-1]}")
    return rows
