"""GPU allocation on the Alibaba cluster of 2023, by the procedure of Weng et al., USENIX ATC 2023."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.common import Options, say
from placer.data import dataset
from placer.encode.eligible import allowed_by_class
from placer.encode.encode import Encoded, encode
from placer.model.cluster import Cluster
from placer.model.pod import GPU
from placer.traces import openb

SEEDS = range(42, 52)
RATIO = 1.3
FGD = (100.0, 0.0, 0.0, 0.0)
POLICIES = (
    FGD,
    (100.0, 1e-3, 0.0, 1e-3),
    (100.0, 2e-3, 1e-3, 1e-3),
    (200.0, 1e-3, 1e-3, 1e-3),
    (0.0, 0.005, 0.005, 0.005),
    (0.0, 0.01, 0.01, 0.01),
    (0.0, 0.02, 0.01, 0.01),
)
"""Online policies to choose among: see ``kernels.arrive.arrival_score``."""
REHEARSALS = (1, 2, 3)
"""Seeds of the orders on which a policy is chosen; none of them is measured."""
TRACES = (
    "cpu050", "cpu100", "cpu250", "default", "gpushare20", "gpushare40", "gpushare60", "gpushare80", "gpuspec10",
    "gpuspec25", "multigpu20", "multigpu40",
)  # fmt: skip


class Trace(NamedTuple):
    """One list, encoded once: all orders are made of its pods."""

    cluster: Cluster
    encoded: Encoded
    gpu: NDArray[np.int64]
    capacity: int
    allowed: NDArray[np.bool_]


def run(options: Options) -> dict[str, Any]:
    """
    Mean GPU allocation in per cent when 100 % of the GPU capacity has arrived, over ten shuffled orders.

    ``fgd_pct``: the paper's policy, written again, on the same orders; ``online_pct``: one pod at a time, no moves, by
    the policy that did best on three other orders of the list; ``batch_pct``: all that have arrived placed at once and
    verified; ``bound_pct``: what no placement can exceed.
    """
    folder = options.data or dataset("alibaba-openb-gpu-2023")
    published = openb.published(folder)
    seeds = list(SEEDS)[: options.repeat if options.repeat != 3 else len(SEEDS)]
    traces = []
    for name in TRACES:
        if options.set in (None, name):
            traces.append(one_trace(Path(folder), name, published.get(name, {}), seeds))
            say(f"openb: {traces[-1]}")
    return {"work": {"nodes": "gpu_node", "ratio": RATIO, "seeds": seeds, "read_at": "100 % arrived"}, "traces": traces}


def one_trace(folder: Path, name: str, published: dict[str, float], seeds: list[int]) -> dict[str, Any]:
    """One pod list, all orders; two at a time, since kernels release the interpreter lock."""
    trace = read(folder, name)
    policy = rehearse(trace)
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda seed: one_order(trace, seed, policy), seeds))
    means = np.array([row[:4] for row in rows]).mean(axis=0)
    return {
        "trace": name,
        "orders": len(seeds),
        "published": published,
        "fgd_pct": round(float(means[0]), 3),
        "online_pct": round(float(means[1]), 3),
        "batch_pct": round(float(means[2]), 3),
        "bound_pct": round(float(means[3]), 3),
        "verified": all(row[4] for row in rows),
    }


def read(folder: Path, name: str) -> Trace:
    """A list with what is the same for all orders."""
    cluster = openb.read(folder, "gpu_node", name)
    encoded = encode(cluster)
    gpu, capacity = openb.gpu_milli(cluster)
    return Trace(cluster, encoded, gpu, capacity, allowed_by_class(encoded.problem))


def rehearse(trace: Trace) -> tuple[float, ...]:
    """
    The online policy that does best on other orders of the same list.

    FGD knows the mix of pods that will come, not their order; so does this choice.
    """
    orders = [arrived(trace, openb.inflate(trace.cluster, seed, RATIO)) for seed in REHEARSALS]
    jobs = [(policy, order) for policy in POLICIES for order in orders]
    with ThreadPoolExecutor(2) as pool:
        reached = list(pool.map(lambda job: online(trace, job[1], job[0]), jobs))
    means = np.array(reached).reshape(len(POLICIES), len(orders)).mean(axis=1)
    return POLICIES[int(np.argmax(means))]


def arrived(trace: Trace, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The part of an order until its GPU requests sum to the cluster's."""
    return order[: int(np.searchsorted(np.cumsum(trace.gpu[order]), trace.capacity)) + 1]


def one_order(trace: Trace, seed: int, policy: tuple[float, ...]) -> tuple[float, float, float, float, bool]:
    """FGD, online, batch and bound in per cent for one order, and whether the batch answer was verified."""
    order = arrived(trace, openb.inflate(trace.cluster, seed, RATIO))
    fgd = online(trace, order, FGD)
    ours = online(trace, order, policy)
    batch, verified = placed_at_once(trace, order)
    return fgd, ours, batch, bound(trace, order), verified


def online(trace: Trace, order: NDArray[np.int64], policy: tuple[float, ...]) -> float:
    """Per cent of the GPUs allocated, one pod at a time, nothing moved."""
    from placer.encode.goals import encode_goals
    from placer.engine import pods_per_class, prepare
    from placer.kernels.arrive import arrive_by_fragmentation
    from placer.kernels.structs import pack

    encoded = trace.encoded
    goals = encode_goals(encoded, [[("fragmentation", 1.0)]], pods_per_class(encoded))
    started = prepare(trace.cluster, encoded, goals)
    arrivals = encoded.class_of_pod[order].astype(np.int32)
    node_of = np.zeros(len(arrivals), np.int32)
    kept, stamp = np.zeros(trace.allowed.shape), np.full(trace.allowed.shape, -1, np.int32)
    packed = pack(encoded.problem), pack(goals), pack(started.state), pack(started.work)
    arrive_by_fragmentation(*packed, arrivals, np.array(policy), trace.allowed, kept, stamp, node_of)
    return 100.0 * float(trace.gpu[order][node_of >= 0].sum()) / trace.capacity


def placed_at_once(trace: Trace, order: NDArray[np.int64]) -> tuple[float, bool]:
    """Per cent of the GPUs allocated when all that have arrived are placed together, and whether it verifies."""
    import placer as pl

    cluster = openb.arrivals(trace.cluster, order)
    solution = pl.solve(cluster, goals=["pack"])
    rows = solution.rows(cluster).pod
    allocated = 100.0 * float(trace.gpu[order][rows].sum()) / trace.capacity
    return allocated, not pl.verify(cluster, solution)


def bound(trace: Trace, order: NDArray[np.int64]) -> float:
    """Per cent of the GPUs that no placement of these pods can exceed: class × node kind, GPUs cut into patterns."""
    from placer.packing.patterns import Supply, device_bound

    encoded = trace.encoded
    classes, nodes = encoded.problem.classes, encoded.problem.nodes
    kinds, first, sizes = np.unique(
        np.vstack([nodes.capacity, nodes.segment[None, :]]), axis=1, return_index=True, return_counts=True
    )
    capacity = np.ascontiguousarray(kinds[:-1].T)
    count = np.bincount(encoded.class_of_pod[order], minlength=len(classes.priority))
    resource = encoded.resources.index(f"device:{GPU}")
    share = np.zeros(len(classes.priority), np.int64)
    owner = np.repeat(np.arange(len(share)), np.diff(classes.unit_start))
    share[owner] = classes.unit_amount[:, 0]
    supply = Supply(
        classes.need, count, capacity, sizes, trace.allowed[:, first], resource, share, capacity[:, resource] // 1000
    )
    return 100.0 * device_bound(supply) / trace.capacity
