"""
Kubernetes' own scheduler benchmark on the exact profile: pods decided a second, from encoded cluster to bindings.

The workloads are those of ``test/integration/scheduler_perf`` (Kubernetes 1.36) as far as they concern decisions, with
the floors that Kubernetes' own CI demands; and three of the real scheduling cycle, measured in one process without an
API server, looking at all nodes.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.common import Options, say
from bench.scheduler_perf_work import CYCLES, WORKLOADS, Work
from placer.writing import peak_rss_mb

WARM = "SchedulingBasic"


class Row(NamedTuple):
    """What came of one workload; ``verified`` is None where pods left meanwhile, so that no one state is the last."""

    nodes: int
    seconds: float
    decided: int
    bound: int
    preempted: int
    left_out: int
    verified: bool | None


def run(options: Options) -> dict[str, Any]:
    """Every workload, the median of the repeats."""
    rows = []
    once(WORKLOADS[WARM].build(0.01))
    for name, workload in {**WORKLOADS, **CYCLES}.items():
        if options.set not in (None, name):
            continue
        found = sorted((once(workload.build(1.0)) for _ in range(options.repeat)), key=lambda row: row.seconds)
        middle = found[len(found) // 2]
        rate = round(middle.decided / middle.seconds)
        rows.append(
            {
                "name": name,
                "nodes": middle.nodes,
                "pods": middle.decided,
                "pods_per_s": rate,
                "kubernetes_floor": workload.floor,
                "kube_cycle_pods_per_s": workload.cycle,
                "times_floor": None if workload.floor is None else round(rate / workload.floor),
                "times_cycle": None if workload.cycle is None else round(rate / workload.cycle),
                "seconds": round(middle.seconds, 5),
                "min_s": round(found[0].seconds, 5),
                "bound": middle.bound,
                "preempted": middle.preempted,
                "left_out": middle.left_out,
                "verified": middle.verified,
            }
        )
        say(f"scheduler-perf: {name}: {rate:,} pods/s")
    return {
        "work": {"profile": "kubernetes", "measured": "encoded cluster to bindings, kernels warm", "nodes": "all"},
        "workloads": rows,
        "peak_rss_mb": peak_rss_mb(),
    }


def once(work: Work) -> Row:
    """Decides a workload's pods in order; events come between them."""
    from placer.decisions import Decisions
    from placer.exact import solution_of
    from placer.model.profile import KUBERNETES
    from placer.verify import verify

    decisions = Decisions(work.cluster, KUBERNETES, work.sequence)
    started = time.perf_counter()
    if work.events:
        _with_events(decisions, work.every, work.events)
    else:
        decisions.decide_all()
    seconds = time.perf_counter() - started
    bound = int((decisions.run.log.line_of_slot >= 0).sum())
    decided = bound + len(decisions.failures)
    verified = None if work.events else not verify(work.cluster, solution_of(work.cluster, decisions))
    nodes = len(work.cluster.node_table)
    return Row(nodes, seconds, decided, bound, len(decisions.preempted), len(decisions.failures), verified)


def _with_events(decisions: Any, every: int, events: tuple[NDArray[np.int32], ...]) -> None:
    """Decides ``every`` pods, then lets one event happen: pods leave."""
    waiting = list(events)
    while not decisions.decide_all(steps=every):
        if waiting:
            decisions.remove(waiting.pop(0))
