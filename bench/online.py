"""One arriving pod at a time on a loaded cluster: every node looked at, then the pod is put there."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.common import Options, say

NODES, PODS, DECISIONS = 30_000, 200_000, 5_000
CASES = ("plain", "full")


def run(options: Options, nodes: int = NODES, pods: int = PODS, decisions: int = DECISIONS) -> dict[str, Any]:
    """
    Latency of single decisions.

    What is timed: one call that scores all nodes for a pod whose class is known, applies its rules and chooses; and
    putting it there. Arrivals are drawn from the classes by how many pods each has; each leaves again afterwards.
    """
    cases = [one_case(case, nodes, pods, decisions, options) for case in CASES if options.set in (None, case)]
    return {
        "work": {"nodes": nodes, "standing": pods, "decisions": decisions, "goal": "pack", "seed": options.seed},
        "cases": cases,
    }


def one_case(case: str, nodes: int, pods: int, decisions: int, options: Options) -> dict[str, Any]:
    """One case, measured."""
    from placer.encode.encode import encode
    from placer.encode.goals import encode_goals
    from placer.engine import place, pods_per_class, prepare
    from placer.kernels.arrive import admit, decide, leave
    from placer.kernels.structs import pack
    from placer.traces.mesos import generate

    cluster = generate(case, nodes=nodes, pods=pods, seed=options.seed)
    encoded = encode(cluster)
    goals = encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded))
    started = prepare(cluster, encoded, goals)
    say(f"online {case}: filling {nodes} nodes")
    place(started)
    problem, goal, state, work = (pack(part) for part in (encoded.problem, goals, started.state, started.work))
    rng = np.random.default_rng(options.seed)
    arrivals = rng.choice(encoded.class_of_pod[encoded.pending], decisions + 100).tolist()
    seconds = np.zeros(len(arrivals))
    placed = 0
    for index, pod_class in enumerate(arrivals):
        begin = time.perf_counter()
        node = decide(problem, goal, state, work, pod_class)
        if node >= 0:
            slots = admit(problem, goal, state, work, pod_class, node)
        seconds[index] = time.perf_counter() - begin
        if node >= 0:
            placed += 1
            leave(problem, state, work, pod_class, node, slots)
    warm = np.sort(seconds[100:]) * 1e6
    result = {
        "case": case,
        "nodes": nodes,
        "placed": placed,
        "p50_us": float(np.percentile(warm, 50)),
        "p99_us": float(np.percentile(warm, 99)),
        "decisions_per_s": float(1e6 * len(warm) / warm.sum()),
    }
    say(f"online {case}: {result}")
    return result
