"""Tables with a pod changed or nodes added: what a proposal does to a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from placer.model.cluster import Cluster, tabulate_nodes
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.table import ABSENT, Amounts, Column, Names, NodeTable, PodTable

T = TypeVar("T")


def _joined(first: Column[T], second: Column[T]) -> Column[T]:
    codes = np.concatenate([first.codes, second.codes + np.int32(len(first.values))]).astype(np.int32)
    return Column(codes, [*first.values, *second.values])


def _joined_amounts(first: Amounts, second: Amounts) -> Amounts:
    resources = tuple(sorted({*first.resources, *second.resources}))
    columns = [np.concatenate([part.column(name, ABSENT) for part in (first, second)]) for name in resources]
    rows = len(first.table) + len(second.table)
    return Amounts(resources, np.stack(columns, axis=1) if columns else np.zeros((rows, 0), np.int64))


def append_nodes(table: NodeTable, nodes: Sequence[Node]) -> NodeTable:
    """The table with more nodes at its end."""
    if not nodes:
        return table
    more = tabulate_nodes(nodes)
    return NodeTable(
        names=Names([*table.names.tolist(), *more.names.tolist()]),
        labels=_joined(table.labels, more.labels),
        named=np.concatenate([table.named, more.named]),
        allocatable=_joined_amounts(table.allocatable, more.allocatable),
        price=np.concatenate([table.price, more.price]),
        unschedulable=np.concatenate([table.unschedulable, more.unschedulable]),
        taints=_joined(table.taints, more.taints),
        devices=_joined(table.devices, more.devices),
        images=_joined(table.images, more.images),
        volume_limits=_joined(table.volume_limits, more.volume_limits),
    )


def replace_pods(table: PodTable, rows: Sequence[int] | NDArray[np.int64], pod: Pod) -> PodTable:
    """The table with the rules and requests of a pod in rows that have equal ones; name, priority and node stay."""
    fields = {}
    for name, column in table.fields.items():
        value = getattr(pod, name)
        if column[int(rows[0])] == value:
            fields[name] = column
            continue
        codes = column.codes.copy()
        codes[rows] = len(column.values)
        fields[name] = Column(codes, [*column.values, value])
    amounts = table.requests.table.copy()
    amounts[rows] = [pod.requests.get(resource, 0) for resource in table.requests.resources]
    requests = Amounts(table.requests.resources, amounts)
    return PodTable(table.names, table.node, table.priority, requests, fields, table.unknown_nodes)


def changed_cluster(cluster: Cluster, pod: Pod | None, nodes: Sequence[Node]) -> Cluster:
    """The cluster with this pod in place of the one of its name, and with these nodes added."""
    pods = cluster.pod_table
    if pod is not None:
        pods = replace_pods(pods, [pods.index(f"{pod.namespace}/{pod.name}")], pod)
    return Cluster.from_tables(append_nodes(cluster.node_table, nodes), pods, cluster.namespaces)
