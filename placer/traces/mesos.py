"""
The generator ``mesos-scale``: clusters of any size drawn from real marginals.

Nodes are the machine kinds of a Google cell, pods the request vectors and app sizes of Alibaba's Tianchi 2018 set;
where each comes from is told beside ``marginals.json.xz``. Requests are scaled to 88 % of the scarcest resource.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from placer.data import dataset
from placer.errors import InputError
from placer.model.cluster import POD_FIELDS, Cluster
from placer.model.device import Device
from placer.model.relation import REGION, ZONE
from placer.model.table import PENDING, Amounts, Column, Names, NodeTable, PodTable
from placer.model.taint import Taint
from placer.model.value import FrozenDict
from placer.traces.mesos_rules import DRIVER, add_rules

Case = Literal["plain", "full", "distinct"]
LOAD = 0.88
"""Share of the scarcest resource that all pods together ask for."""
JITTER = 0.05
TRIES = 16
ZONES = 3
NAMESPACES = 20
MIB = 2**20
PODS_PER_NODE = 110
GPU = "nvidia.com/gpu"
GPUS = 8
GPU_NODES, SSD_NODES, TAINTED_NODES = 0.05, 1 / 3, 0.05


class Marginals(NamedTuple):
    """
    What is drawn from.

    Attributes
    ----------
    capacity, node_share
        (kinds, 2) milli-CPU and MiB of each kind of node, and how common it is.
    request, request_share
        (vectors, 2) milli-CPU and MiB of each request vector, and how common it is.
    size, size_share
        Pods of an app, and how many apps have that many.
    """

    capacity: NDArray[np.int64]
    node_share: NDArray[np.float64]
    request: NDArray[np.int64]
    request_share: NDArray[np.float64]
    size: NDArray[np.int64]
    size_share: NDArray[np.float64]


def read_marginals() -> Marginals:
    """The marginals that come with placer."""
    data = json.loads(lzma.decompress(dataset("mesos-scale/marginals.json.xz").read_bytes()))
    nodes, requests = data["headline"]["nodes"], data["pods"]["tianchi2018"]["rows"]
    sizes = np.array(data["apps"]["tianchi2018"]["replicas_histogram"], np.int64)
    counts = np.array([row["count"] for row in nodes], np.float64)
    weights = np.array([row["weight"] for row in requests])
    return Marginals(
        capacity=np.array([[row["cpu_milli"], row["memory_mib"]] for row in nodes], np.int64),
        node_share=counts / counts.sum(),
        request=np.array([[row["cpu_milli"], row["memory_mib"]] for row in requests], np.int64),
        request_share=weights / weights.sum(),
        size=sizes[:, 0],
        size_share=sizes[:, 1] / sizes[:, 1].sum(),
    )


class Apps(NamedTuple):
    """
    The apps of a cluster.

    Attributes
    ----------
    size
        (apps,) pods of each.
    request
        (apps, 2) milli-CPU and MiB of one pod.
    of_pod
        (pods,) int32.
    """

    size: NDArray[np.int64]
    request: NDArray[np.int64]
    of_pod: NDArray[np.int32]


def generate(case: str = "plain", nodes: int = 30_000, pods: int = 250_000, seed: int = 0) -> Cluster:
    """
    Draws a cluster; all pods are pending.

    Parameters
    ----------
    case
        ``plain``: requests only. ``full``: zone spread on 20 % of the apps, host anti-affinity on 15 %, required zone
        affinity on 3 %, selectors and taints on 15 %, host ports on 1 %, three priority bands, 5 % stateful with zonal
        volumes, 5 % with GPUs or shares of one, for which 5 % of the nodes carry eight. ``distinct``: plain, every
        request jittered by up to 5 % until no two are equal.
    nodes, pods
        How many.
    seed
        The same seed draws the same cluster.

    Raises
    ------
    InputError
        An unknown case, or a number that is not above 0.
    """
    if case not in get_args(Case):
        raise InputError(f"mesos-scale: case is {case!r}: choose among {', '.join(get_args(Case))}")
    for name, value in (("nodes", nodes), ("pods", pods)):
        if value < 1:
            raise InputError(f"mesos-scale: {name} is {value!r}: give a number above 0")
    rng = np.random.default_rng(seed)
    marginals = read_marginals()
    capacity = _capacities(marginals, nodes, rng)
    apps = _apps(marginals, capacity, pods, rng)
    table = _nodes(capacity, rng, full=case == "full")
    requests = apps.request[apps.of_pod]
    requests = _jitter(requests, rng) if case == "distinct" else requests * np.array([1, MIB])
    fields = {name: Column.constant(value, pods) for name, value in POD_FIELDS.items()}
    fields["labels"] = Column(apps.of_pod, [FrozenDict(app=f"app-{app}") for app in range(len(apps.size))])
    fields["owner"] = Column(apps.of_pod, [f"Deployment/app-{app}" for app in range(len(apps.size))])
    spaces = rng.integers(0, NAMESPACES, len(apps.size)).astype(np.int32)
    fields["namespace"] = Column(spaces[apps.of_pod], [f"team-{space}" for space in range(NAMESPACES)])
    ordinal = (np.arange(pods) - np.repeat(np.cumsum(apps.size) - apps.size, apps.size)).astype(np.int32)
    names = Names([f"app-{app}" for app in range(len(apps.size))], apps.of_pod, ordinal)
    priority = np.zeros(pods, np.int32)
    if case == "full":
        carries = table.devices.map(bool)
        gpu_nodes = np.array([*capacity[carries].sum(axis=0), 1000 * GPUS * carries.sum()], np.int64)
        priority = add_rules(fields, apps.size, apps.request, apps.of_pod, ordinal, capacity, gpu_nodes, rng)
    pod_table = PodTable(
        names=names,
        node=np.full(pods, PENDING, np.int32),
        priority=priority,
        requests=Amounts(("cpu", "memory"), requests),
        fields=fields,
    )
    return Cluster.from_tables(table, pod_table)


def _capacities(marginals: Marginals, nodes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(nodes, 2) capacities in shuffled order; kinds apportioned by largest remainder."""
    exact = marginals.node_share * nodes
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: nodes - counts.sum()]] += 1
    return rng.permutation(np.repeat(marginals.capacity, counts, axis=0))


def _apps(marginals: Marginals, capacity: NDArray[np.int64], pods: int, rng: np.random.Generator) -> Apps:
    """Apps drawn until there are enough pods, the last one cut; requests scaled to the load wanted."""
    mean = float(marginals.size @ marginals.size_share)
    sizes = np.zeros(0, np.int64)
    while sizes.sum() < pods:
        more = int((pods - sizes.sum()) / mean * 1.05) + 16
        sizes = np.concatenate([sizes, rng.choice(marginals.size, more, p=marginals.size_share)])
    count = int(np.searchsorted(np.cumsum(sizes), pods)) + 1
    sizes = sizes[:count]
    sizes[-1] -= sizes.sum() - pods
    vectors = marginals.request[rng.choice(len(marginals.request), count, p=marginals.request_share)]
    factor = LOAD / ((vectors * sizes[:, None]).sum(axis=0) / capacity.sum(axis=0)).max()
    request = np.maximum(np.floor(vectors * factor), 1).astype(np.int64)
    return Apps(sizes, request, np.repeat(np.arange(count, dtype=np.int32), sizes))


def _jitter(requests: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """
    Every request changed by up to 5 % until no two are equal; the sum stays about the same.

    From milli-CPU and MiB to milli-CPU and bytes. Memory is drawn in whole MiB; where pods are too many for that, the
    rest of them in whole KiB, then bytes.
    """
    result: NDArray[np.int64] = requests * np.array([1, MIB])
    again = np.arange(len(requests))
    for unit in (MIB, 2**10, 1):
        in_units = requests * np.array([1, MIB // unit])
        for _ in range(TRIES):
            wide = 1 + rng.uniform(-JITTER, JITTER, (len(again), 2))
            drawn = np.maximum(np.rint(in_units[again] * wide), 1).astype(np.int64)
            result[again] = drawn * np.array([1, unit])
            code = result[:, 0] << 40 | result[:, 1]
            order = np.argsort(code, kind="stable")
            repeated = np.zeros(len(code), bool)
            repeated[order[1:]] = code[order[1:]] == code[order[:-1]]
            again = np.flatnonzero(repeated)
            if not len(again):
                return result
    raise InputError(
        f"mesos-scale: {len(again)} of {len(requests)} pods find no request of their own within 5 %: "
        "give more nodes, or fewer pods"
    )


def _nodes(capacity: NDArray[np.int64], rng: np.random.Generator, *, full: bool) -> NodeTable:
    """Nodes in three zones; for the full case a third with ssd, 5 % tainted, 5 % with eight GPUs."""
    count = len(capacity)
    zone = rng.permutation(count) % ZONES
    kinds, kind = np.unique(capacity, axis=0, return_inverse=True)
    ssd = rng.random(count) < SSD_NODES if full else np.zeros(count, bool)
    tainted = _some(count, TAINTED_NODES, rng) if full else np.zeros(count, bool)
    gpus = _some(count, GPU_NODES, rng) & ~tainted if full else np.zeros(count, bool)
    labels: list[Mapping[str, str]] = [
        FrozenDict(
            {
                REGION: "region-1",
                ZONE: f"zone-{place}",
                "node.kubernetes.io/instance-type": f"c{cpu // 1000}m{memory // 1024}",
                **({"disk": "ssd"} if fast else {}),
                **({"dedicated": "batch"} if apart else {}),
            }
        )
        for place in range(ZONES)
        for cpu, memory in kinds.tolist()
        for fast in (False, True)
        for apart in (False, True)
    ]
    code = ((zone * len(kinds) + kind.reshape(-1)) * 2 + ssd) * 2 + tainted
    allocatable = np.column_stack([capacity[:, 0], capacity[:, 1] * MIB, np.full(count, PODS_PER_NODE)])
    return NodeTable(
        names=Names([f"n-{row:05d}" for row in range(count)]),
        labels=Column(code.astype(np.int32), labels),
        named=np.ones(count, bool),
        allocatable=Amounts(("cpu", "memory", "pods"), np.ascontiguousarray(allocatable, np.int64)),
        price=np.full(count, 1_000_000, np.int64),
        unschedulable=np.zeros(count, bool),
        taints=Column(tainted.astype(np.int32), [(), (Taint(key="dedicated", value="batch"),)]),
        devices=Column(gpus.astype(np.int32), [(), (Device(kind=GPU, count=GPUS),)]),
        images=Column.constant((), count),
        volume_limits=Column.constant(FrozenDict({DRIVER: 25} if full else {}), count),
    )


def _some(count: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(count,) exactly this share, drawn."""
    chosen: NDArray[Any] = rng.permutation(count) < round(count * share)
    return chosen
