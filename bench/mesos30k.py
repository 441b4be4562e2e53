"""The headline: mesos-scale clusters of 30,000 nodes × 250,000 pods, from arrays to verified bindings."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.common import Options, say, timed
from placer.encode.encode import Encoded
from placer.encode.problem import UNLIMITED
from placer.encode.tiers import encode_tiers
from placer.goals import parse_goals
from placer.model.cluster import Cluster
from placer.writing import peak_rss_mb

PACK = parse_goals("pack")

NODES, PODS = 30_000, 250_000
CASES = ("plain", "full", "distinct")


def run(options: Options, nodes: int = NODES, pods: int = PODS) -> dict[str, Any]:
    """
    Times encode, place and verify of each case, goal ``pack``; quality is that of the timed run.

    What is timed: encode from tables to arrays; place from arrays to bindings (fresh state, order, kernels, repair);
    verify of the whole answer. Kernels are warm: one small solve comes first.
    """
    from placer.warm import warmup

    warmup()
    cases = [one_case(case, nodes, pods, options) for case in CASES if options.set in (None, case)]
    return {
        "work": {"nodes": nodes, "pods": pods, "goal": "pack", "seed": options.seed, "repeat": options.repeat},
        "cases": cases,
        "peak_rss_mb": peak_rss_mb(),
        "scan_limit_s": max(case.pop("scan_limit_s") for case in cases),
    }


def one_case(case: str, nodes: int, pods: int, options: Options) -> dict[str, Any]:
    """One case, measured."""
    from placer.traces.mesos import generate

    say(f"mesos30k {case}: drawing {nodes} nodes × {pods} pods")
    cluster = generate(case, nodes=nodes, pods=pods, seed=options.seed)
    encode_time, encoded = timed(lambda: encode_tiers(cluster, PACK)[0], options.repeat)
    say(f"mesos30k {case}: placing")
    place_time, solution_run = timed(lambda: place_encoded(cluster, encoded), options.repeat)
    verify_time, (violations, solution) = timed(lambda: check(cluster, solution_run), 1)
    used = int((solution_run.state.pods > 0).sum())
    bounds = bounds_of(encoded)
    result = {
        "case": case,
        "nodes": nodes,
        "pods": pods,
        "pod_classes": len(encoded.problem.classes.priority),
        "encode_s": encode_time.median,
        "encode_min_s": encode_time.least,
        "place_s": place_time.median,
        "place_min_s": place_time.least,
        "pods_per_s": len(solution.bindings) / place_time.median,
        "verify_s": verify_time.median,
        "unplaced": len(solution.unplaced),
        "unplaced_bound": bounds["unplaced"],
        "nodes_used": used,
        "nodes_bound": bounds["nodes"],
        "verified": not violations,
        "scan_limit_s": scan_limit(encoded),
    }
    say(f"mesos30k {case}: {result}")
    return result


def place_encoded(cluster: Cluster, encoded: Encoded) -> Any:
    """From arrays to bindings: goals, fresh state, order of placing, kernels and repair."""
    from placer.encode.goals import encode_goals
    from placer.engine import bindings, place, pods_per_class, prepare

    goals = encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded))
    started = prepare(cluster, encoded, goals)
    place(started)
    bindings(started)
    return started


def check(cluster: Cluster, run: Any) -> tuple[list[Any], Any]:
    """The independent check of a run's answer."""
    from placer.verify import verify
    from placer.writing import answer

    solution = answer(cluster, run, PACK)
    started = time.perf_counter()
    violations = verify(cluster, solution)
    say(f"verified in {time.perf_counter() - started:.2f} s: {len(violations)} violations")
    for violation in violations[:5]:
        say(f"  {violation}")
    return violations, solution


def bounds_of(encoded: Encoded) -> dict[str, int]:
    """Proven bounds: nodes any placement of all pods uses; pods that no placement places."""
    from placer.engine import pods_per_class
    from placer.packing.bounds import demand_of, nodes_bound, supply_of, unplaced_bound

    problem = encoded.problem
    counts = pods_per_class(encoded)
    capacity = np.where(problem.nodes.capacity < UNLIMITED, problem.nodes.capacity, 0)
    limited = (problem.nodes.capacity < UNLIMITED).all(axis=1)
    demand = counts @ problem.classes.need
    return {
        "nodes": nodes_bound(np.ascontiguousarray(capacity[limited].T), demand[limited]),
        "unplaced": unplaced_bound(
            supply_of(np.ascontiguousarray(capacity[limited].T)), demand_of(problem.classes.need[:, limited], counts)
        ),
    }


def scan_limit(encoded: Encoded) -> float:
    """Seconds of one plain pass of one thread over the bytes of the problem's arrays."""
    arrays = [array for part in encoded.problem for array in part if array.size]
    flat = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
    words = [part[: len(part) // 8 * 8].view(np.int64) for part in flat]
    timing, _ = timed(lambda: [int(np.bitwise_xor.reduce(part)) for part in words if len(part)], 5)
    return timing.median
