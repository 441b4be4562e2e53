"""The figures of a solution: nodes used, how full they are, what stays out and why."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.model.cluster import Cluster
from placer.model.device import NUMA, WHOLE, Device, DeviceNeed
from placer.model.table import PENDING
from placer.model.units import units
from placer.solution import Solution

FIRST = ("cpu", "memory")
SHOWN = 6


class Use(NamedTuple):
    """
    How much of a resource is asked for by what stands.

    Attributes
    ----------
    of_all, of_used
        Fractions of what all nodes have, and of what the nodes that hold a pod have.
    """

    resource: str
    of_all: float
    of_used: float


class Why(NamedTuple):
    """Pods that stay unplaced with the same message."""

    message: str
    pods: int
    first: str


class Figures(NamedTuple):
    """
    What the table of ``placer solve`` says.

    Attributes
    ----------
    bound, pending
        Pods of the input.
    nodes_used
        Nodes that hold a pod in the end.
    """

    nodes: int
    nodes_used: int
    pods: int
    bound: int
    pending: int
    use: list[Use]
    why: list[Why]


def figures(cluster: Cluster, solution: Solution) -> Figures:
    """Sums up a solution. O(pods + nodes)."""
    node = final_nodes(cluster, solution)
    used = np.zeros(len(cluster.node_table), bool)
    used[node[node >= 0]] = True
    pending = int((cluster.pod_table.node == PENDING).sum())
    return Figures(
        nodes=len(cluster.node_table),
        nodes_used=int(used.sum()),
        pods=len(node),
        bound=len(node) - pending,
        pending=pending,
        use=_uses(cluster, node >= 0, used)[:SHOWN],
        why=_reasons(solution),
    )


def final_nodes(cluster: Cluster, solution: Solution) -> NDArray[np.int32]:
    """(pods,) the row of the node on which each stands when all is applied; below 0 where on none."""
    pods, nodes = cluster.pod_table, cluster.node_table
    node = pods.node.copy()
    for eviction in solution.evictions:
        node[pods.index(eviction.pod)] = PENDING
    rows = solution.rows(cluster)
    node[rows.pod] = rows.node
    for move in solution.moves:
        node[pods.index(move.pod)] = nodes.index(move.target)
    return node


def _uses(cluster: Cluster, stands: NDArray[np.bool_], used: NDArray[np.bool_]) -> list[Use]:
    read = units(cluster)
    found = []
    # Floats: sums of amounts near the largest integers must not wrap.
    for resource in sorted(read.requests.resources, key=lambda name: (name not in FIRST, name)):
        asked = read.requests.column(resource)[stands].sum(dtype=float)
        has = np.maximum(read.allocatable.column(resource), 0)
        found.append(_use(resource, asked, has, used))
    for kind in sorted({device.kind for listed in read.devices.values for device in listed} - {NUMA}):
        has = read.devices.map(partial(_thousandths_of, kind))
        asked = read.needs.map(partial(_thousandths_asked, kind))[stands].sum(dtype=float)
        found.append(_use(kind, asked, has, used))
    return [use for use in found if use.of_all > 0]


def _thousandths_of(kind: str, devices: tuple[Device, ...]) -> int:
    return sum(device.count for device in devices if device.kind == kind) * WHOLE


def _thousandths_asked(kind: str, needs: tuple[DeviceNeed, ...]) -> int:
    return sum(need.count * need.share_milli for need in needs if need.kind == kind)


def _use(resource: str, asked: float, has: NDArray[np.int64], used: NDArray[np.bool_]) -> Use:
    everywhere, there = has.sum(dtype=float), has[used].sum(dtype=float)
    return Use(resource, asked / everywhere if everywhere else 0.0, asked / there if there else 0.0)


def _reasons(solution: Solution) -> list[Why]:
    """Messages, the most common first."""
    counts = Counter(unplaced.message for unplaced in solution.unplaced)
    first: dict[str, str] = {}
    for unplaced in solution.unplaced:
        first.setdefault(unplaced.message, unplaced.pod)
    return [Why(message, pods, first[message]) for message, pods in counts.most_common()]
