"""
Peers of ``bench pack``: first fit decreasing, and the model that everybody writes, by CP-SAT and by HiGHS.

First fit decreasing keeps every rule. The model has a literal per pod and node, capacity and static rules; it knows no
rule between pods, no units and no order, so that where a cluster has them its answer may break them, and is better.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT


class Plain(NamedTuple):
    """A cluster as the model sees it: per pending pod its request, priority and nodes; per node what is free."""

    need: NDArray[np.int64]
    priority: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    free: NDArray[np.int64]
    price: NDArray[np.int64]
    used: NDArray[np.bool_]
    blocked: int


class Peer(NamedTuple):
    """What a peer came to: unplaced pods and price, or nothing within its time."""

    unplaced: float | None
    pack: float | None
    seconds: float


def started(cluster: Cluster) -> Any:
    """A run with the standing pods in it, the tables of its classes, and how many pods can never be placed."""
    from placer.encode.encode import encode
    from placer.encode.goals import encode_goals
    from placer.engine import pods_per_class, prepare
    from placer.packing.case import read_case

    encoded = encode(cluster)
    run = prepare(cluster, encoded, encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded)))
    pending = (run.plan.last_slot - run.plan.first_slot).astype(np.int64)
    return run, read_case(encoded.problem, run.state, pending), np.repeat(np.arange(len(pending)), pending)


def plain(cluster: Cluster) -> Plain:
    """What the model is written from."""
    run, case, class_of_pod = started(cluster)
    problem, state = run.encoded.problem, run.state
    blocked = int((cluster.pod_table.node == -1).sum()) - len(class_of_pod)
    need = problem.classes.need[class_of_pod]
    free = np.clip(state.free, 0, need.sum(axis=0)[:, None])
    step = np.maximum(np.gcd.reduce(np.vstack([need, free.T]), axis=0), 1)
    return Plain(
        need=need // step,
        priority=problem.classes.priority[class_of_pod].astype(np.int64),
        allowed=case.allowed[class_of_pod],
        free=free.T // step,
        price=problem.nodes.price,
        used=state.pods > 0,
        blocked=blocked,
    )


def first_fit_decreasing(cluster: Cluster, _: float) -> Peer:
    """Most important first, then largest; each pod on the first node where every rule lets it."""
    from placer.kernels.arrive import admit, fits_now
    from placer.kernels.structs import pack

    begun = time.perf_counter()
    run, case, class_of_pod = started(cluster)
    problem, goals, state, work = pack(case.problem), pack(run.goals), pack(run.state), pack(run.work)
    classes, load = case.problem.classes, run.goals.load
    total = np.maximum(case.problem.nodes.capacity[load].sum(axis=1), 1)
    size = ((classes.need[:, load] / total) ** 2).sum(axis=1)
    placed = 0
    for pod_class in sorted(class_of_pod.tolist(), key=lambda each: (-classes.priority[each], -size[each])):
        for node in np.flatnonzero(case.allowed[pod_class]).tolist():
            if fits_now(problem, state, work, pod_class, node):
                admit(problem, goals, state, work, pod_class, node)
                placed += 1
                break
    left = int((cluster.pod_table.node == -1).sum()) - placed
    price = int(case.problem.nodes.price[run.state.pods > 0].sum()) / PRICE_UNIT
    return Peer(left, price, time.perf_counter() - begun)


def weights(given: Plain) -> NDArray[np.int64]:
    """What leaving a pod out costs, so that priorities come first, then the price of nodes."""
    levels = np.unique(given.priority)
    return (len(given.priority) + 1) ** np.searchsorted(levels, given.priority) * (int(given.price.sum()) + 1)


def naive_cp_sat(cluster: Cluster, seconds: float) -> Peer:
    """x[pod, node] in CP-SAT, one weighted objective."""
    from ortools.sat.python import cp_model

    begun = time.perf_counter()
    given, model = plain(cluster), cp_model.CpModel()
    x, objective = _write(given, model.new_bool_var, model.add)
    model.minimize(objective)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Peer(None, None, time.perf_counter() - begun)
    return _read(given, x, lambda literal: bool(solver.value(literal)), begun)


def highs(cluster: Cluster, seconds: float) -> Peer:
    """x[pod, node] in HiGHS, one weighted objective."""
    from ortools.linear_solver import pywraplp

    begun = time.perf_counter()
    given, solver = plain(cluster), pywraplp.Solver.CreateSolver("HIGHS")
    x, objective = _write(given, solver.BoolVar, solver.Add)
    solver.Minimize(objective)
    solver.SetTimeLimit(max(1, round(seconds * 1000)))
    with silent():
        status = solver.Solve()
    if status not in (solver.OPTIMAL, solver.FEASIBLE):
        return Peer(None, None, time.perf_counter() - begun)
    return _read(given, x, lambda variable: variable.solution_value() > 0.5, begun)


@contextmanager
def silent() -> Iterator[None]:
    """HiGHS prints on the process's stdout, which is for results."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _write(given: Plain, literal: Callable[[str], Any], add: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The model, in words that both solvers have."""
    x = {(int(pod), int(node)): literal("") for pod, node in zip(*np.nonzero(given.allowed), strict=True)}
    used = [1 if stands else literal("") for stands in given.used]
    for pod in range(len(given.need)):
        mine = [variable for (each, _), variable in x.items() if each == pod]
        if mine:
            add(sum(mine) <= 1)
    for node in range(len(given.free)):
        here = [(pod, variable) for (pod, each), variable in x.items() if each == node]
        for resource in range(given.free.shape[1]):
            asking = [int(given.need[p, resource]) * variable for p, variable in here if given.need[p, resource]]
            if asking:
                add(sum(asking) <= int(given.free[node, resource]) * used[node])
        if not given.used[node]:
            for _, variable in here:
                add(variable <= used[node])
    cost = weights(given).tolist()
    left = sum(cost) - sum(cost[pod] * variable for (pod, _), variable in x.items())
    return x, left + sum(int(price) * each for price, each in zip(given.price, used, strict=True))


def _read(given: Plain, x: Any, is_set: Callable[[Any], bool], begun: float) -> Peer:
    chosen = [pair for pair, variable in x.items() if is_set(variable)]
    nodes = given.used.copy()
    nodes[[node for _, node in chosen]] = True
    left = len(given.need) - len(chosen) + given.blocked
    return Peer(left, int(given.price[nodes].sum()) / PRICE_UNIT, time.perf_counter() - begun)


PEERS: dict[str, Callable[[Cluster, float], Peer]] = {
    "first fit decreasing": first_fit_decreasing,
    "naive CP-SAT": naive_cp_sat,
    "HiGHS": highs,
}
