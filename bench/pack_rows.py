"""What the sets of ``bench pack`` share: where their data is, one answer with its bound, and the rows it gives."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.common import Options
from bench.peers import Peer
from placer.data import dataset
from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.solution import Solution

CLOSED = 1e-9
"""A gap below this is rounding."""


class MissingDataError(Exception):
    """A set's data is not here; the set is skipped with these words."""


class Answer(NamedTuple):
    """A solution, the seconds it took, and whether it verifies."""

    solution: Solution
    seconds: float
    verified: bool


def folder(options: Options, name: str) -> Path:
    """
    A data set's folder, in ``--data`` where that is given.

    Raises
    ------
    MissingDataError
        It is not there.
    """
    if options.data is not None:
        if not (options.data / name).is_dir():
            raise MissingDataError(f"there is no folder {name} in {options.data}: give --data the folder of all sets")
        return options.data / name
    try:
        return dataset(name)
    except InputError as error:
        raise MissingDataError(f"{error}; or give --data the folder of all sets") from error


def solved(cluster: Cluster, limit: float | None, goals: Sequence[str] = ("pack",), seed: int = 0) -> Answer:
    """The answer with bounds within a limit."""
    import placer as pl

    begun = time.perf_counter()
    solution = pl.solve(cluster, goals=goals, prove=True, time_limit=limit, seed=seed)
    seconds = time.perf_counter() - begun
    return Answer(solution, seconds, not pl.verify(cluster, solution))


def row(
    chosen: str, name: str, objective: float, bound: float, seconds: float, verified: bool, **more: Any
) -> dict[str, Any]:
    """One row; ``more`` are other keys, or other values for its own."""
    gap = (objective - bound) / max(1.0, abs(objective))
    return {
        "set": chosen,
        "name": name,
        "objective": objective,
        "bound": bound,
        "gap": gap if abs(gap) > CLOSED else 0.0,
        "seconds": seconds,
        "best_known": None,
        "verified": verified,
        "peers": {},
        **more,
    }


def entries(chosen: str, name: str, answer: Answer, peers: Mapping[str, Peer] | None = None) -> list[dict[str, Any]]:
    """One row per tier; ``best_known`` is what is proven to be best."""
    solution = answer.solution
    assert solution.bound is not None, "solved() asks for bounds"
    best = solution.objective if solution.status == "optimal" else {}
    return [
        row(
            chosen,
            f"{name}/{tier}",
            objective,
            solution.bound[tier],
            answer.seconds,
            answer.verified,
            best_known=best.get(tier),
            peers={each: _peer(peer, tier) for each, peer in (peers or {}).items()},
            statistics=searched(solution),
        )
        for tier, objective in solution.objective.items()
    ]


def _peer(peer: Peer, tier: str) -> dict[str, Any]:
    note = {"note": peer.note} if peer.note else {}
    return {"objective": getattr(peer, tier), "seconds": peer.seconds, **note}


def searched(solution: Solution) -> dict[str, Any]:
    """What proved the bound, what the search did and how long each stage took, as the solution's statistics have it."""
    size = ("nodes", "pods", "pod_classes", "node_classes", "nodes_used", "peak_rss_mb")
    return {name: value for name, value in solution.statistics.items() if name not in size}
