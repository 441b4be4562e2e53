"""Compiling the kernels once, in one process, and saying so."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placer.engine import Run
    from placer.model.cluster import Cluster


PLACING, RANKING = "place.place_families", "rank.rank_runs"
IMPROVING, SEARCHING, APPLYING = "improve.empty_nodes", "search.wander", "replay.rebind"
"""The kernels through which goals, profiles, both searches and what they found reach the others."""


def is_warm(*kernels: str) -> bool:
    """Whether this machine's kernel cache holds these already; by default those of all that placer does."""
    names = kernels or (PLACING, RANKING, IMPROVING, SEARCHING, APPLYING)
    return all(any(_folder().glob(f"{name}-*.nbi")) for name in names)


def _folder() -> Path:
    """Where compiled kernels are kept."""
    from placer.kernels.place import place_families

    return Path(place_families.stats.cache_path)  # type: ignore[attr-defined]


def warmup(report: Callable[[str], None] | None = None) -> float:
    """
    Compiles every kernel, or loads it from the cache.

    Parameters
    ----------
    report
        Told once when kernels have to be compiled, and where they are kept.

    Returns
    -------
    Seconds taken.
    """
    started = time.perf_counter()
    if report and not is_warm():
        report(f"compiling kernels, once on this machine (two to five minutes); kept in {_folder()}")
    _solve_a_little()
    return time.perf_counter() - started


def warm_placing() -> float:
    """As :func:`warmup`, only what a solve by goals without a limit or a proof needs."""
    from placer.solve import solve

    started = time.perf_counter()
    solve(_little(), goals=["pack"])
    return time.perf_counter() - started


def _solve_a_little() -> None:
    """Small solves that between them reach every kernel."""
    from placer.solve import solve

    cluster = _little()
    solve(cluster, goals=["pack"], steps=1000)
    solve(_ranked(cluster), profile="kubernetes")
    solve(cluster, goals=["fragmentation", "balance+headroom", "preferences"], steps=40)
    _keep_a_little()
    _fill_a_little()
    _prove_a_little(cluster)


def _little() -> Cluster:
    """A cluster with something of each rule that has kernels of its own."""
    from placer.model.cluster import Cluster
    from placer.model.device import Device, DeviceNeed
    from placer.model.node import Node
    from placer.model.pod import Pod

    gpus = [Device(kind="nvidia.com/gpu", count=2)]
    return Cluster(
        [Node("a", cpu=4, memory="4Gi", pods=10, devices=gpus), Node("b", cpu=4, memory="4Gi", pods=10)],
        [
            Pod("stands", cpu=1, node="a", devices=[DeviceNeed(kind="nvidia.com/gpu", share=0.5)]),
            Pod("web", replicas=3, cpu=1, apart="host"),
            Pod("gpu", replicas=3, devices=[DeviceNeed(kind="nvidia.com/gpu", share=0.5)]),
            Pod("share", devices=[DeviceNeed(kind="nvidia.com/gpu", share=0.7)]),
            Pod("none", cpu=99),
        ],
    )


def _fill_a_little() -> None:
    """What filling nodes by patterns asks of the kernels, which no rules but those of one node allow."""
    from placer.model.cluster import Cluster
    from placer.model.node import Node
    from placer.model.pod import Pod
    from placer.solve import solve

    nodes = [Node(f"n{cpu}", cpu=cpu, price=cpu) for cpu in (3, 4, 5)]
    solve(Cluster(nodes, [Pod("a", cpu=2, replicas=3), Pod("b", cpu=1, apart_from=["default/a-0"])]), steps=20)


def _keep_a_little() -> None:
    """What reserves and buffers ask of the kernels one by one, units included."""
    from placer.model.cluster import Cluster
    from placer.model.device import Device, DeviceNeed
    from placer.model.node import Node
    from placer.model.pod import Pod
    from placer.solve import solve

    gpus, share = [Device(kind="nvidia.com/gpu")], [DeviceNeed(kind="nvidia.com/gpu", share=0.3)]
    nodes = [Node(name, cpu=2, devices=gpus) for name in ("a", "b")]
    pods = [Pod("share", replicas=5, cpu="100m", devices=share), Pod("web", replicas=3, cpu=1, apart="host")]
    solve(Cluster(nodes, pods), reserve="node", buffers=[Pod("spare", devices=share)])


def _ranked(cluster: Cluster) -> Cluster:
    """The cluster with one more pod, for which the exact profile has to evict another."""
    from placer.model.cluster import Cluster
    from placer.model.node import Node
    from placer.model.pod import Pod

    low = Pod("low", cpu=3, node="c")
    pods = [*cluster.pods, low, Pod("high", cpu=4, priority=1, node_selector={"only": "c"})]
    return Cluster([*cluster.nodes, Node("c", cpu=4, labels={"only": "c"})], pods)


def _prove_a_little(cluster: Cluster) -> None:
    """What a proof asks of the kernels one by one: the same pods again, in an order that is looked for."""
    from placer.encode.encode import encode
    from placer.encode.goals import encode_goals
    from placer.engine import place, pods_per_class, pods_to_place, prepare
    from placer.packing.case import read_case
    from placer.prove import arranged, placed_by

    encoded = encode(cluster)
    goals = encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded))
    run, fresh = prepare(cluster, encoded, goals), prepare(cluster, encoded, goals)
    place(run)
    case = read_case(encoded.problem, fresh.state, pods_to_place(run.plan))
    arranged(case, fresh, placed_by(case, run))
    _apply_a_little(cluster, run)


def _apply_a_little(cluster: Cluster, run: Run) -> None:
    """What a search asks of the kernels where jobs hand in what they found: one way to apply it, and the other."""
    from placer.engine import standing_state
    from placer.placement import fresh_run, lines_of, new_base, restore
    from placer.rounds import Incumbent

    base = new_base(run, standing_state(cluster, run.encoded))
    lines = lines_of(run.log)
    restore(fresh_run(base), lines)
    Incumbent(run, base, ()).rebind(lines)
