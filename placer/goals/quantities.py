"""What pods ask for and nodes have, as arrays, for goals to measure; devices count as resources of their kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.goals.narrow import Mask, pods_of
from placer.model.cluster import Cluster
from placer.model.device import WHOLE
from placer.model.relation import HOSTNAME, topology_key
from placer.model.table import ABSENT
from placer.model.term import NODE, Measure
from placer.model.units import units


def device_kinds(cluster: Cluster) -> list[str]:
    """Kinds of devices that nodes list."""
    return sorted({device.kind for devices in cluster.node_table.devices.values for device in devices})


def requested(cluster: Cluster, resource: str) -> NDArray[np.int64]:
    """
    (pods,) what each pod asks for, in base units; of devices, thousandths of units.

    Examples
    --------
    >>> import placer as pl
    >>> pl.requested(pl.Cluster(pods=[pl.Pod("a", replicas=2, cpu=0.5)]), "cpu").tolist()
    [500, 500]
    """
    if resource not in device_kinds(cluster):
        return np.array(cluster.pod_table.requests.column(resource), np.int64)
    needs = units(cluster).needs
    taken = ([need.count * need.share_milli for need in listed if need.kind == resource] for listed in needs.values)
    by_value = [sum(each) for each in taken]
    return np.array(by_value, np.int64)[needs.codes] if len(needs) else np.zeros(0, np.int64)


def allocatable(cluster: Cluster, resource: str) -> NDArray[np.int64]:
    """(nodes,) what each node has for pods, in base units; of devices, thousandths of units; 0 where it has none."""
    if resource not in device_kinds(cluster):
        return np.maximum(cluster.node_table.allocatable.column(resource, ABSENT), 0)
    devices = units(cluster).devices
    by_value = [sum(each.count for each in listed if each.kind == resource) * WHOLE for listed in devices.values]
    return np.array(by_value, np.int64)[devices.codes] if len(devices) else np.zeros(0, np.int64)


def domains(cluster: Cluster, key: str) -> NDArray[np.int32]:
    """(nodes,) the domain of a topology key that each node stands in, -1 for none; ``"node"`` is each by itself."""
    count = len(cluster.node_table)
    if key == NODE:
        return np.arange(count, dtype=np.int32)
    table, label, index = cluster.node_table, topology_key(key), dict[str, int]()
    by_value = [
        index.setdefault(labels[label], len(index)) if label in labels else -1 for labels in table.labels.values
    ]
    found = np.array(by_value, np.int32)[table.labels.codes] if count else np.zeros(0, np.int32)
    if label == HOSTNAME:
        named = np.flatnonzero(table.named)
        found[named] = [index.setdefault(table.names[row], len(index)) for row in named.tolist()]
    return found


def share(cluster: Cluster, resource: str, key: str = NODE, nodes: Mask | None = None, pods: Any = None) -> Measure:
    """
    What pods ask for over what their domain has: a measure whose value is the domain's load, 0 to 1.

    Parameters
    ----------
    nodes
        (nodes,) whose allocatable counts; all by default.
    pods
        Whose requests count, as a selector or mask; all by default.
    """
    have = allocatable(cluster, resource).astype(np.float64)
    if nodes is not None:
        have = np.where(nodes, have, 0.0)
    if key != NODE:
        domain = domains(cluster, key)
        sums = np.bincount(domain[domain >= 0], have[domain >= 0], minlength=int(domain.max(initial=0)) + 1)
        have = np.where(domain >= 0, sums[domain], 0.0)
    amount = np.where(pods_of(cluster, pods), requested(cluster, resource), 0)
    return Measure(amount, np.divide(1.0, have, out=np.zeros(len(have)), where=have > 0))


def group_by(cluster: Cluster, label: str | None, counted: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """
    Groups of pods: those of one namespace with one value of a label; without a label, of one controller or name.

    Parameters
    ----------
    counted
        (pods,) which pods form groups; the others, and those without the label, are in group 0, alone.

    Returns
    -------
    (pods,) group, and (pods,) how many counted pods the group of each has, 0 for pods in none.
    """
    table = cluster.pod_table
    if label is not None:
        labels = table["labels"]
        texts = sorted({value[label] for value in labels.values if label in value})
        place = {text: index for index, text in enumerate(texts)}
        if not texts:
            raise InputError(f"goals: by is {label!r}: no pod has this label: name one that pods have")
        mark = np.array([place.get(value.get(label, ""), -1) for value in labels.values])[labels.codes]
    else:
        names, owners = table.names, table["owner"]
        rows = np.arange(len(table)) if names.row is None else np.asarray(names.row)
        owned = np.array([bool(owner) for owner in owners.values], bool)[owners.codes] if len(table) else rows > 0
        mark = np.where(owned, owners.codes, rows + len(owners.values))
    member = counted & (mark >= 0)
    pairs = np.stack([table["namespace"].codes[member].astype(np.int64), mark[member]])
    _, inverse = np.unique(pairs, axis=1, return_inverse=True)
    group, size = np.zeros(len(table), np.int32), np.zeros(len(table), np.int64)
    group[member] = inverse.reshape(-1)
    size[member] = np.bincount(inverse.reshape(-1))[inverse.reshape(-1)] if member.any() else 0
    return group, size
