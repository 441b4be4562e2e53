"""Buffers: pods that never come, for which room stays free; and the cluster as it would be with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from placer.errors import InputError
from placer.model.cluster import Cluster, tabulate_pods
from placer.model.pod import Pod
from placer.model.relation import topology_key
from placer.model.table import Amounts, Column, Names, PodTable

FORBIDDEN = ("priority", "node", "scheduling_gates", "unsupported")
"""Fields of a pod that mean nothing for a buffer."""


def read_reserve(cluster: Cluster, reserve: str | None) -> str | None:
    """
    The label key that a reserve is about; ``node``, ``host``, ``zone``, ``region`` and ``rack`` are short for theirs.

    Raises
    ------
    InputError
        No node has the label, or all nodes have it and share one value.
    """
    if reserve is None:
        return None
    key = topology_key(reserve) if isinstance(reserve, str) else reserve
    nodes = range(len(cluster.node_table))
    values = {cluster.node_labels(row).get(key) for row in nodes}
    if values <= {None} and nodes:
        raise InputError(f"reserve is {reserve!r}: no node has the label {key!r}: give node, rack, zone, or a label")
    if len(values) == 1 and nodes:
        raise InputError(
            f"reserve is {reserve!r}: all nodes have {key}={values.pop()}, so that nothing is left if it fails: "
            "give a label of which the nodes have two values or more"
        )
    return key


def read_buffers(cluster: Cluster, buffers: Iterable[Pod]) -> tuple[Pod, ...]:
    """
    Buffers that make sense for a cluster.

    Raises
    ------
    InputError
        What is no pod, zero replicas, a field that means nothing for a buffer, or the name of another pod.
    """
    given: list[Any] = [buffers] if isinstance(buffers, Pod) else list(buffers)
    problems = [text for pod in given for text in _problems(pod)]
    if not problems:
        problems = list(_clashes(cluster, given))
    if problems:
        raise InputError(problems)
    return tuple(given)


def _problems(pod: Any) -> Iterator[str]:
    if not isinstance(pod, Pod):
        yield f"buffers: {pod!r:.60} is no pod: give pods, such as placer.Pod('spare', replicas=3, cpu=1)"
        return
    where = f"buffers: Pod {pod.namespace}/{pod.name}"
    if pod.replicas == 0:
        yield f"{where}: replicas is 0, which keeps no room: give 1 or more, or leave the buffer out"
    for field in FORBIDDEN:
        if getattr(pod, field):
            yield f"{where}: {field} is {getattr(pod, field)!r}, which means nothing for a buffer: leave it out"
    if any(volume.waiting for volume in pod.volumes):
        yield f"{where}: volumes has a claim that waits for its first consumer: a buffer decides none: leave it out"


def _clashes(cluster: Cluster, buffers: Sequence[Pod]) -> Iterator[str]:
    seen: set[str] = set()
    keys = tabulate_pods(buffers, cluster.node_table).keys()
    for key in keys:
        if cluster.pod_table.index(key) >= 0:
            yield f"buffers: Pod {key} is a pod of the cluster as well: give the buffer another name"
        if key in seen:
            yield f"buffers: Pod {key} is a duplicate: each name may stand once"
        seen.add(key)


def with_buffers(cluster: Cluster, buffers: Sequence[Pod]) -> Cluster:
    """The cluster with the buffers' pods pending in it, behind its own pods."""
    own, more = cluster.pod_table, tabulate_pods(buffers, cluster.node_table)
    pods = PodTable(
        names=Names([*own.names.tolist(), *more.names.tolist()], checked=own.names.checked),
        node=np.concatenate([own.node, more.node]),
        priority=np.concatenate([own.priority, more.priority]),
        requests=_joined_amounts(own.requests, more.requests),
        fields={name: _joined(column, more.fields[name]) for name, column in own.fields.items()},
        unknown_nodes=dict(own.unknown_nodes),
    )
    return Cluster.from_tables(cluster.node_table, pods, cluster.namespaces, (), cluster.budgets)


def _joined(own: Column[Any], more: Column[Any]) -> Column[Any]:
    """Both columns in one, equal values once."""
    values = list(own.values)
    place = []
    for value in more.values:
        if value not in values:
            values.append(value)
        place.append(values.index(value))
    codes = np.array(place, np.int32)[more.codes] if place else more.codes
    return Column(np.concatenate([own.codes, codes]).astype(np.int32), values)


def _joined_amounts(own: Amounts, more: Amounts) -> Amounts:
    resources = tuple(sorted({*own.resources, *more.resources}))
    columns = [np.concatenate([own.column(name), more.column(name)]) for name in resources]
    rows = len(own.table) + len(more.table)
    table = np.stack(columns, axis=1) if columns else np.zeros((rows, 0), np.int64)
    return Amounts(resources, np.ascontiguousarray(table, np.int64))
