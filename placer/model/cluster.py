"""The cluster: nodes, pods and namespaces; what is read, solved, verified and written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from placer.errors import InputError
from placer.model.budget import DisruptionBudget
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.relation import HOSTNAME
from placer.model.table import ABSENT, PENDING, UNKNOWN, Amounts, Column, Names, NodeTable, PodTable
from placer.model.value import FrozenDict
from placer.model.volume import Volume

COLUMNS_OF_THEIR_OWN = ("name", "requests", "replicas", "priority", "node")
POD_FIELDS: dict[str, Any] = {
    name: field.default for name, field in Pod.model_fields.items() if name not in COLUMNS_OF_THEIR_OWN
}
"""Fields of a pod that are kept as columns, with their defaults."""


class Cluster:
    """
    Nodes, what runs on them and what is pending.

    Parameters
    ----------
    nodes, pods
        In input order; names are unique. A pod with ``node`` set stands there already.
    namespaces
        Labels by namespace, for namespace selectors; one that is not listed has only its name as label
        ``kubernetes.io/metadata.name``.
    budgets
        Disruption budgets, which preemption keeps where it can.

    Raises
    ------
    InputError
        A duplicate name, or a value out of range.
    """

    node_table: NodeTable
    pod_table: PodTable
    namespaces: dict[str, dict[str, str]]
    budgets: tuple[DisruptionBudget, ...]
    warnings: list[str]

    def __init__(
        self,
        nodes: Iterable[Node] = (),
        pods: Iterable[Pod] = (),
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
        budgets: Iterable[DisruptionBudget] = (),
    ) -> None:
        node_table = tabulate_nodes(list(nodes))
        self._set(node_table, tabulate_pods(list(pods), node_table), namespaces or {}, [], tuple(budgets))

    @classmethod
    def from_tables(
        cls,
        nodes: NodeTable,
        pods: PodTable,
        namespaces: Mapping[str, Mapping[str, str]] | None = None,
        warnings: Sequence[str] = (),
        budgets: Iterable[DisruptionBudget] = (),
    ) -> Cluster:
        """A cluster from tables that a reader has filled; checks that names are unique."""
        cluster = cls.__new__(cls)
        cluster._set(nodes, pods, namespaces or {}, list(warnings), tuple(budgets))
        return cluster

    @classmethod
    def from_frames(cls, nodes: Any, pods: Any) -> Cluster:
        """A cluster from polars, pandas or pyarrow tables: anything with the Arrow C stream."""
        from placer.formats.frames import read_frames

        return read_frames(nodes, pods)

    @classmethod
    def from_kubernetes(cls, objects: Iterable[Any]) -> Cluster:
        """A cluster from Kubernetes API objects: dicts, or objects of the Kubernetes client."""
        from placer.orchestrators.kubernetes import read_objects

        return read_objects(objects)

    def _set(
        self,
        nodes: NodeTable,
        pods: PodTable,
        namespaces: Mapping[str, Mapping[str, str]],
        warnings: list[str],
        budgets: tuple[DisruptionBudget, ...],
    ) -> None:
        self.budgets = budgets
        self.node_table, self.pod_table, self.warnings = nodes, pods, warnings
        self.namespaces = {name: dict(labels) for name, labels in namespaces.items()}
        if not nodes.names.checked:
            _refuse_duplicates("Node", nodes.names.tolist())
        if not pods.names.checked:
            _refuse_duplicates("Pod", pods.keys())
        for row, name in pods.unknown_nodes.items():
            if len(warnings) < 100:
                warnings.append(f"Pod {pods.key(row)}: bound to node {name!r}, which the input does not have")

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes, made on demand."""
        return _View(len(self.node_table), self.node)

    @property
    def pods(self) -> Sequence[Pod]:
        """The pods, replicas written out, made on demand."""
        return _View(len(self.pod_table), self.pod)

    def node_labels(self, row: int) -> Mapping[str, str]:
        """All labels of a node, the hostname included."""
        table = self.node_table
        labels = table.labels[row]
        return {HOSTNAME: table.names[row], **labels} if table.named[row] else labels

    def namespace_labels(self, name: str) -> dict[str, str]:
        """Labels of a namespace, its name included."""
        return {"kubernetes.io/metadata.name": name, **self.namespaces.get(name, {})}

    @property
    def selectable_namespaces(self) -> set[str]:
        """
        The namespaces that a namespace selector picks from: those of the input; where it has none, those of its pods.

        Kubernetes selects among namespaces that exist; an input without any is taken to have left them out.
        """
        return set(self.namespaces) or set(self.pod_table["namespace"].values)

    def node(self, row: int) -> Node:
        """The node of a row."""
        table = self.node_table
        amounts = table.allocatable.table[row].tolist()
        return Node(
            table.names[row],
            labels=self.node_labels(row),
            hostname=bool(HOSTNAME in self.node_labels(row)),
            taints=table.taints[row],
            allocatable={},
            devices=table.devices[row],
            unschedulable=bool(table.unschedulable[row]),
            images=table.images[row],
            volume_limits=table.volume_limits[row],
            price_micro=int(table.price[row]),
        ).model_copy(
            update={
                "allocatable": FrozenDict(
                    {r: v for r, v in zip(table.allocatable.resources, amounts, strict=True) if v != ABSENT}
                )
            }
        )

    def pod(self, row: int) -> Pod:
        """The pod of a row."""
        table = self.pod_table
        amounts = zip(table.requests.resources, table.requests.table[row].tolist(), strict=True)
        node = int(table.node[row])
        return Pod.model_construct(
            **{name: column[row] for name, column in table.fields.items()},
            name=table.names[row],
            requests=FrozenDict({resource: amount for resource, amount in amounts if amount}),
            replicas=None,
            priority=int(table.priority[row]),
            node=None if node == PENDING else table.unknown_nodes.get(row) or self.node_table.names[node],
        )

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over all that the cluster holds; equal clusters read in the same order have the same."""
        total = hashlib.sha256()
        nodes, pods = self.node_table, self.pod_table
        total.update("\0".join(nodes.names.tolist()).encode())
        total.update("\0".join(pods.names.tolist()).encode())
        for array in (nodes.named, nodes.price, nodes.unschedulable, pods.node, pods.priority):
            total.update(np.ascontiguousarray(array).tobytes())
        for amounts in (nodes.allocatable, pods.requests):
            for index in np.argsort(np.array(amounts.resources, dtype=object), kind="stable"):
                column = amounts.table[:, index]
                if (column != 0).any():
                    total.update(amounts.resources[index].encode())
                    total.update(np.ascontiguousarray(column).tobytes())
        columns = {name: getattr(nodes, name) for name in ("labels", "taints", "devices", "images", "volume_limits")}
        for name, column in {**columns, **{f"pod.{key}": value for key, value in pods.fields.items()}}.items():
            codes, values = _first_appearance(column)
            total.update(name.encode())
            total.update(codes.tobytes())
            total.update(json.dumps([_plain(value) for value in values], sort_keys=True).encode())
        total.update(json.dumps(self.namespaces, sort_keys=True).encode())
        if self.budgets:
            total.update(json.dumps([_plain(budget) for budget in self.budgets], sort_keys=True).encode())
        return f"sha256:{total.hexdigest()}"

    def write(self, path: str | Path, format: str | None = None) -> None:
        """
        Writes the cluster so that :func:`placer.load` gives it back, every rule included.

        Parameters
        ----------
        path
            A ``.json``, ``.yaml`` file (Kubernetes objects), also ``.gz``, ``.xz``, ``.zst``, or a directory, which
            gets ``nodes.parquet`` and ``pods.parquet``.
        format
            One of ``placer formats``, where the path does not tell.
        """
        from placer.formats import write

        write(self, Path(path), format)

    def __repr__(self) -> str:
        pending = int((self.pod_table.node == PENDING).sum())
        return f"<Cluster: {len(self.node_table)} nodes, {len(self.pod_table)} pods, {pending} pending>"


class _View(Sequence[Any]):
    """Objects of a table, made when asked for."""

    def __init__(self, length: int, make: Any) -> None:
        self._length, self._make = length, make

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self._make(row) for row in range(*index.indices(self._length))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._make(index % self._length)

    def __iter__(self) -> Iterator[Any]:
        return (self._make(row) for row in range(self._length))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Volume) and value.waiting:
        return [value.model_dump(mode="json", exclude={"waiting"}), value.waiting.digest]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _first_appearance(column: Column[Any]) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Codes renumbered in order of first appearance, and the values in that order."""
    if not len(column):
        return column.codes, []
    rows = len(column)
    if column.uniform:
        return column.codes, column.values
    first = np.full(len(column.values), rows, np.int64)
    first[column.codes[::-1]] = np.arange(rows - 1, -1, -1)
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < rows)]
    rank = np.zeros(len(first), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[column.codes], [column.values[code] for code in order.tolist()]


def _refuse_duplicates(kind: str, names: list[str]) -> None:
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    problems = []
    for name in names:
        if name in seen:
            problems.append(f"{kind} {name}: metadata.name {name!r} is a duplicate: each name may stand once")
        seen.add(name)
    raise InputError(problems)


def tabulate_amounts(rows: Sequence[Mapping[str, int]], missing: int) -> Amounts:
    """Amounts by name, one mapping a row, as a table; resources sorted by name."""
    distinct = Column.of(rows, key=lambda amounts: tuple(sorted(amounts.items())))
    resources = tuple(sorted({resource for amounts in distinct.values for resource in amounts}))
    place = {resource: index for index, resource in enumerate(resources)}
    table = np.full((len(distinct.values), len(resources)), missing, np.int64)
    for row, amounts in enumerate(distinct.values):
        for resource, amount in amounts.items():
            table[row, place[resource]] = amount
    return Amounts(resources, np.ascontiguousarray(table[distinct.codes]))


def tabulate_nodes(nodes: Sequence[Node]) -> NodeTable:
    """Nodes as a table."""
    named = np.array([node.labels.get(HOSTNAME) == node.name for node in nodes], bool)
    labels: list[Mapping[str, str]] = [
        FrozenDict({key: value for key, value in node.labels.items() if key != HOSTNAME}) if same else node.labels
        for node, same in zip(nodes, named.tolist(), strict=True)
    ]
    return NodeTable(
        names=Names([node.name for node in nodes]),
        labels=Column.of(labels),
        named=named,
        allocatable=tabulate_amounts([node.allocatable for node in nodes], ABSENT),
        price=np.array([node.price_micro for node in nodes], np.int64),
        unschedulable=np.array([node.unschedulable for node in nodes], bool),
        taints=Column.of(node.taints for node in nodes),
        devices=Column.of(node.devices for node in nodes),
        images=Column.of(node.images for node in nodes),
        volume_limits=Column.of(node.volume_limits for node in nodes),
    )


def tabulate_pods(pods: Sequence[Pod], nodes: NodeTable) -> PodTable:
    """Pods as a table, replicas written out as codes."""
    counts = np.array([1 if pod.replicas is None else pod.replicas for pod in pods], np.int64)
    row = np.repeat(np.arange(len(pods), dtype=np.int32), counts)
    ordinal = (np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.int32)
    alone = np.array([pod.replicas is None for pod in pods], bool)[row] if len(pods) else np.zeros(0, bool)
    ordinal[alone] = -1
    requests = tabulate_amounts([pod.requests for pod in pods], 0)
    fields = {name: Column.of(getattr(pod, name) for pod in pods).take(row) for name in POD_FIELDS}
    node = np.array([PENDING if pod.node is None else nodes.index(pod.node) for pod in pods], np.int32)
    strangers = {index: pod.node for index, pod in enumerate(pods) if pod.node is not None and node[index] < 0}
    node[list(strangers)] = UNKNOWN
    where = node[row] if len(pods) else np.zeros(0, np.int32)
    return PodTable(
        names=Names([pod.name for pod in pods], row, ordinal),
        node=where,
        priority=np.array([pod.priority for pod in pods], np.int32)[row] if len(pods) else np.zeros(0, np.int32),
        requests=Amounts(requests.resources, np.ascontiguousarray(requests.table[row])),
        fields=fields,
        unknown_nodes={int(place): strangers[int(row[place])] for place in np.flatnonzero(where == UNKNOWN)},
    )
