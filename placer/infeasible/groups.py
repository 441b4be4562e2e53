"""Groups: pods of one owner, or of one name but for a number, that have the same rules; and a cluster without some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine
from placer.explaining.edit import replace_pods
from placer.infeasible.stem import stem
from placer.model.cluster import Cluster
from placer.model.pod import Pod
from placer.model.table import Amounts, Column, Names, NodeTable, PodTable

OWN = frozenset({"expected", "nominated", "owner", "scheduler_name", "siblings", "started", "stateful", "units"})
"""Fields that tell no groups apart: they are no rules."""


class Group(NamedTuple):
    """
    Pods that are told apart by their number only.

    Attributes
    ----------
    name
        ``namespace/name`` of its owner, or of its only pod; of several groups of one owner, its first and last pod.
    rows
        Rows of its pods.
    pod
        The first of them.
    """

    name: str
    rows: NDArray[np.int64]
    pod: Pod


def groups(cluster: Cluster, chosen: NDArray[np.bool_]) -> list[Group]:
    """The groups of the pods chosen, in the order of their first pods; O(pods)."""
    pods = cluster.pod_table
    rows = np.flatnonzero(chosen)
    amounts, _ = combine(
        [pods.requests.table[rows, column] for column in range(len(pods.requests.resources))], len(rows)
    )
    names = Column.of(stem(pods.names[row], pods["owner"][row]) for row in rows.tolist())
    columns = [names.codes, amounts, pods.priority[rows]]
    columns += [column.codes[rows] for name, column in pods.fields.items() if name not in OWN]
    code, first = combine(columns, len(rows))
    order = np.argsort(code, kind="stable")
    parts = np.split(rows[order], np.cumsum(np.bincount(code, minlength=len(first)))[:-1]) if len(rows) else []
    count = np.bincount(names.codes[first], minlength=len(names.values)) if len(rows) else np.zeros(0, np.int64)
    found = []
    for place, members in enumerate(parts):
        pod = cluster.pod(int(members[0]))
        name = names[int(first[place])] if len(members) > 1 else pod.name
        if len(members) > 1 and count[names.codes[first[place]]] > 1:
            name = f"{pod.name} to {pods.names[int(members[-1])]}"
        found.append(Group(f"{pod.namespace}/{name}", members, pod))
    return found


def edited(cluster: Cluster, changed: Mapping[int, Pod], listed: Sequence[Group]) -> Cluster:
    """The cluster with the rules and requests of some groups, by place, as those of a changed pod."""
    pods = cluster.pod_table
    for place, pod in changed.items():
        pods = replace_pods(pods, listed[place].rows, pod)
    return Cluster.from_tables(cluster.node_table, pods, cluster.namespaces, budgets=cluster.budgets)


def part_of(cluster: Cluster, pods: NDArray[np.bool_], nodes: NDArray[np.bool_] | None = None) -> Cluster:
    """
    The cluster with some of its pods, and some of its nodes, only.

    Parameters
    ----------
    nodes
        (nodes,) those kept, all by default; what stands on others is left out as well.
    """
    table, node_table = cluster.pod_table, cluster.node_table
    keep = pods.copy()
    where = table.node
    if nodes is not None and not nodes.all():
        place = np.where(nodes, np.cumsum(nodes) - 1, -3).astype(np.int32)
        node_table = _nodes(node_table, np.flatnonzero(nodes))
        where = np.where(where >= 0, place[where], where).astype(np.int32)
        keep &= where != -3
    rows = np.flatnonzero(keep)
    kept = PodTable(
        names=Names([table.names[row] for row in rows.tolist()]),
        node=where[rows],
        priority=table.priority[rows],
        requests=Amounts(table.requests.resources, np.ascontiguousarray(table.requests.table[rows])),
        fields={name: column.take(rows) for name, column in table.fields.items()},
        unknown_nodes={
            place: table.unknown_nodes[row] for place, row in enumerate(rows.tolist()) if row in table.unknown_nodes
        },
    )
    return Cluster.from_tables(node_table, kept, cluster.namespaces, budgets=cluster.budgets)


def _nodes(table: NodeTable, rows: NDArray[np.int64]) -> NodeTable:
    amounts = Amounts(table.allocatable.resources, np.ascontiguousarray(table.allocatable.table[rows]))
    return NodeTable(
        names=Names([table.names[row] for row in rows.tolist()]),
        labels=table.labels.take(rows),
        named=table.named[rows],
        allocatable=amounts,
        price=table.price[rows],
        unschedulable=table.unschedulable[rows],
        taints=table.taints.take(rows),
        devices=table.devices.take(rows),
        images=table.images.take(rows),
        volume_limits=table.volume_limits.take(rows),
    )
