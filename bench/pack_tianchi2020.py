"""Tianchi 2020, part "schedule": the contest's own cost, checked by its own rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.common import Options, say
from bench.pack_rows import folder, row, searched, solved
from bench.tianchi2020_check import Put, cost, read, violations
from bench.tianchi2020_cpus import assign
from placer.model.cluster import Cluster
from placer.solution import Solution
from placer.traces import tianchi2020

LIMIT = 300.0
BEST_KNOWN = {"data_1": None, "data_2": 249_662}
"""Rank 2 of 4,031 teams; the set's README has why this is data_2's."""


def instances(options: Options) -> list[dict[str, Any]]:
    """
    Both sets; the objective is the contest's cost, the bound that of the price of nodes.

    What the price of nodes is at least, the cost is at least as well: all else that it counts is 0 or more.
    """
    data = folder(options, "tianchi2020-container-layout")
    rows = []
    for name, best in BEST_KNOWN.items():
        if options.set in (None, name):
            rows.append(one_set(data, name, best, options))
            say(f"pack tianchi2020 {name}: {rows[-1]}")
    return rows


def one_set(data: Path, name: str, best: int | None, options: Options) -> dict[str, Any]:
    """One set; an answer that breaks a rule or leaves pods out is not verified, whatever its cost."""
    path = next(data.glob(f"{name}{tianchi2020.APPS}*"))
    cluster = tianchi2020.read(path)
    answer = solved(cluster, options.time_limit or LIMIT, ("pack", "preferences"), options.seed)
    solution = answer.solution
    given, puts = read(data, name), placements(tianchi2020.parse(path), cluster, solution)
    problems, parts = violations(given, puts), cost(given, puts)
    for problem in problems[:5]:
        say(f"pack tianchi2020 {name}: {problem}")
    assert solution.bound is not None, "solved() asks for bounds"
    return row(
        "tianchi2020",
        f"{name}/schedule",
        sum(parts.values()),
        solution.bound["pack"],
        answer.seconds,
        answer.verified and not problems,
        best_known=best,
        parts=parts,
        statistics=searched(solution),
    )


def placements(trace: tianchi2020.Trace, cluster: Cluster, solution: Solution) -> list[Put]:
    """The bindings as the contest has them, with CPU ids on nodes that have a topology."""
    rows = solution.rows(cluster)
    machines = {machine.sn: machine for machine in trace.machines}
    cores = {(app.app_name, app.group): app.cpu for app in trace.apps}
    here: dict[str, list[tuple[str, str]]] = {}
    for pod, node in zip(rows.pod.tolist(), rows.node.tolist(), strict=True):
        labels = cluster.pod_table["labels"][pod]
        here.setdefault(cluster.node_table.names[node], []).append((labels["app"], labels["group"]))
    found = []
    for node, pods in here.items():
        threads = machines[node].topologies
        ids = assign(threads, [cores[pod] for pod in pods]) if threads else [()] * len(pods)
        found += [Put(*pod, node, cpus) for pod, cpus in zip(pods, ids, strict=True)]
    return found
