"""A run written out as a solution, with its objective, its reasons and its statistics."""

from __future__ import annotations

import resource as process_resource
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placer.goals import Tier
from placer.model.cluster import Cluster
from placer.solution import Bindings, Rows, Solution, by_priority

if TYPE_CHECKING:
    from placer.engine import Run
    from placer.room import Room


def answer(
    cluster: Cluster,
    run: Run,
    tiers: Sequence[Tier],
    stopped: str = "done",
    decided: NDArray[np.bool_] | None = None,
    room: Room | None = None,
) -> Solution:
    """
    The solution that a run has come to.

    Parameters
    ----------
    decided
        (pods,) those that are not left alone; all by default.
    room
        What the run holds for buffers: a reason for what is unplaced, and nothing that goals count.
    """
    from placer.engine import bindings, claims_of
    from placer.objective import left_out, measure, objective
    from placer.reasons import unplaced
    from placer.room import given_back

    (bound, nodes), devices = bindings(run)
    rows = Rows(bound, nodes)
    left = unplaced(cluster, run, stopped)
    missing = np.array([cluster.pod_table.index(each.pod) for each in left], np.int64)
    if decided is not None:
        left = [each for each, asked in zip(left, decided[missing].tolist(), strict=True) if asked]
        missing = missing[decided[missing]]
    with given_back(run, room):
        terms = measure(cluster, run, tiers, rows, devices)
    return Solution(
        input=cluster.digest,
        bindings=Bindings(cluster, rows, devices, claims_of(cluster, run, bound)),
        unplaced=left,
        goals=[tier.key for tier in tiers],
        objective={"unplaced": len(left), **objective(tiers, terms)},
        unplaced_by_priority=by_priority(cluster, missing),
        terms=[left_out(cluster, len(left), None if decided is None else int(decided.sum())), *terms],
        tiers=tiers,
    )


def statistics(cluster: Cluster, run: Any, seconds: dict[str, float]) -> dict[str, Any]:
    """What a solution tells of its run: sizes, seconds by stage, memory."""
    return {
        "nodes": len(cluster.node_table),
        "pods": len(cluster.pod_table),
        "pod_classes": len(run.encoded.problem.classes.priority),
        "node_classes": len(run.encoded.problem.nodes.segment_start) - 1,
        "nodes_used": int((run.state.pods > 0).sum()),
        "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> int:
    """The most memory that this process has held, in MiB."""
    peak = process_resource.getrusage(process_resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))
