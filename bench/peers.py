"""Peers of ``bench pack``: first fit decreasing, which keeps every rule, and the model that everybody writes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from bench.peers_model import CpSat, Highs, LateError, Plain, Writer, solve
from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT
from placer.model.table import PENDING

GRACE = 1.1
"""A peer that runs apart is ended when it takes this many times its seconds."""


class Peer(NamedTuple):
    """What a peer came to: unplaced pods and price, or nothing within its time, with a note where that has a reason."""

    unplaced: float | None
    pack: float | None
    seconds: float
    note: str = ""


def started(cluster: Cluster) -> Any:
    """A run with the standing pods in it, the tables of its classes, and the class of each pod that may be placed."""
    from placer.encode.encode import encode
    from placer.encode.goals import encode_goals
    from placer.engine import pods_per_class, pods_to_place, prepare
    from placer.packing.case import read_case

    encoded = encode(cluster)
    run = prepare(cluster, encoded, encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded)))
    pending = pods_to_place(run.plan)
    return run, read_case(encoded.problem, run.state, pending), np.repeat(np.arange(len(pending)), pending)


def pending(cluster: Cluster) -> int:
    """How many pods are pending."""
    return int((cluster.pod_table.node == PENDING).sum())


def first_fit_decreasing(cluster: Cluster, seconds: float) -> Peer:
    """
    Most important first, then largest; each pod on the first node where every rule lets it.

    What is free only shrinks, so that a pod without rules between pods begins where the last of its class went.
    """
    from placer.kernels.arrive import admit, fits_now
    from placer.kernels.structs import pack

    begun = time.perf_counter()
    run, case, class_of_pod = started(cluster)
    problem, goals, state, work = pack(case.problem), pack(run.goals), pack(run.state), pack(run.work)
    classes, load = case.problem.classes, run.goals.load
    total = np.maximum(case.problem.nodes.capacity[load].sum(axis=1), 1)
    size = ((classes.need[:, load] / total) ** 2).sum(axis=1)
    ruled = (np.diff(classes.term_start) > 0).tolist()
    placed, first, last = 0, 0, -1
    nodes: list[int] = []
    for pod_class in sorted(class_of_pod.tolist(), key=lambda each: (-classes.priority[each], -size[each])):
        if time.perf_counter() - begun > seconds:
            break
        if pod_class != last or ruled[pod_class]:
            first, last, nodes = 0, pod_class, np.flatnonzero(case.allowed[pod_class]).tolist()
        while first < len(nodes) and not fits_now(problem, state, work, pod_class, nodes[first]):
            first += 1
        if first < len(nodes):
            admit(problem, goals, state, work, pod_class, nodes[first])
            placed += 1
    price = int(case.problem.nodes.price[run.state.pods > 0].sum()) / PRICE_UNIT
    return Peer(pending(cluster) - placed, price, time.perf_counter() - begun)


def naive_cp_sat(cluster: Cluster, seconds: float) -> Peer:
    """x[pod, node] in CP-SAT."""
    return by_model(cluster, CpSat(), seconds)


def highs(cluster: Cluster, seconds: float) -> Peer:
    """x[pod, node] in HiGHS."""
    return by_model(cluster, Highs(), seconds)


def by_model(cluster: Cluster, writer: Writer, seconds: float) -> Peer:
    """The model written and solved within the time."""
    begun = time.perf_counter()
    run, case, class_of_pod = started(cluster)
    problem, state = run.encoded.problem, run.state
    need = problem.classes.need[class_of_pod]
    free = np.clip(state.free, 0, need.sum(axis=0)[:, None])
    step = np.maximum(np.gcd.reduce(np.vstack([need, free.T]), axis=0), 1)
    unit = max(int(np.gcd.reduce(problem.nodes.price)), 1)
    given = Plain(
        need=need // step,
        priority=problem.classes.priority[class_of_pod].astype(np.int64),
        allowed=case.allowed[class_of_pod],
        free=free.T // step,
        price=problem.nodes.price // unit,
        used=state.pods > 0,
    )
    try:
        found = solve(given, writer, begun + seconds)
    except LateError as reason:
        return Peer(None, None, time.perf_counter() - begun, str(reason))
    if found is None:
        return Peer(None, None, time.perf_counter() - begun, "found no answer within the time")
    used = given.used.copy()
    used[[node for _, node in found]] = True
    price = int(problem.nodes.price[used].sum()) / PRICE_UNIT
    return Peer(pending(cluster) - len(found), price, time.perf_counter() - begun)


PEERS: dict[str, Callable[[Cluster, float], Peer]] = {
    "first fit decreasing": first_fit_decreasing,
    "naive CP-SAT": naive_cp_sat,
    "HiGHS": highs,
}


def apart(name: str, cluster: Cluster, seconds: float) -> Peer:
    """
    A peer in a process of its own, which is ended where the solver does not look at its clock or eats the memory.

    Its seconds are its own: they begin once it has read the cluster and loaded what it needs.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(name, cluster, seconds, theirs), daemon=True)
    child.start()
    theirs.close()
    begun = time.perf_counter()
    try:
        ours.recv()
        begun = time.perf_counter()
        if not ours.poll(seconds * GRACE):
            return Peer(None, None, time.perf_counter() - begun, "was ended: it did not stop within its time")
        answer: Peer = ours.recv()
        return answer
    except EOFError:
        child.join()
        return Peer(None, None, time.perf_counter() - begun, f"ended with exit code {child.exitcode} and no answer")
    finally:
        child.kill()
        child.join()


def _run(name: str, cluster: Cluster, seconds: float, to: Connection) -> None:
    """What the child does: one small cluster first, so that no time is that of loading."""
    from placer.traces.mesos import generate

    PEERS[name](generate("plain", nodes=3, pods=10), 1.0)
    to.send("ready")
    to.send(PEERS[name](cluster, seconds))
