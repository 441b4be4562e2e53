"""What ``make demo`` shows: the openb cluster and mesos30k, placed and verified."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.common import Options, say
from placer.data import dataset
from placer.model.cluster import Cluster


def run(options: Options) -> dict[str, Any]:
    """Places both clusters and ends with a verified summary; times are of this run, read to verified answer."""
    from placer.traces import mesos, openb
    from placer.warm import warm_placing

    cases: dict[str, Callable[[], Cluster]] = {
        "openb (1,523 nodes, 6,212 GPUs, 8,152 pods)": lambda: openb.read(
            dataset("alibaba-openb-gpu-2023"), "all_node", "default"
        ),
        "mesos30k full (30,000 nodes, 250,000 pods)": lambda: mesos.generate("full", seed=options.seed),
    }
    say("demo: compiling the kernels that it uses, once on this machine: a minute or two")
    compile_s = round(warm_placing(), 2)
    rows = []
    for name, make in cases.items():
        say(f"demo: {name}")
        rows.append(one(name, make()))
    return {
        "work": {"goal": "pack"},
        "compile_s": compile_s,
        "cases": rows,
        "verified": all(row["violations"] == 0 for row in rows),
    }


def one(name: str, cluster: Cluster) -> dict[str, Any]:
    """One cluster, placed and verified."""
    import placer as pl

    started = time.perf_counter()
    solution = pl.solve(cluster, goals=["pack"])
    placed = time.perf_counter()
    violations = pl.verify(cluster, solution)
    for violation in violations[:5]:
        say(f"  {violation.message}")
    return {
        "cluster": name,
        "bound": len(solution.bindings),
        "unplaced": len(solution.unplaced),
        "nodes_used": solution.statistics["nodes_used"],
        "solve_s": round(placed - started, 2),
        "verify_s": round(time.perf_counter() - placed, 2),
        "violations": len(violations),
    }
