"""
Devices as they count: extended resources that some node lists as devices become needs for whole units.

Kubernetes asks for ``nvidia.com/gpu: 2`` as a resource. Where any node of the cluster lists devices of that kind, such
a request means two whole units, and a node that only gives a number of them has that many units without attributes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from placer.model.cluster import Cluster
from placer.model.device import Device, DeviceNeed
from placer.model.table import ABSENT, Amounts, Column


class Units(NamedTuple):
    """
    What :func:`units` returns.

    Attributes
    ----------
    devices
        Per node, a tuple of :class:`Device`.
    needs
        Per pod, a tuple of :class:`DeviceNeed`, those made from requests last.
    allocatable, requests
        As in the tables, without the resources that are devices.
    """

    devices: Column[tuple[Device, ...]]
    needs: Column[tuple[DeviceNeed, ...]]
    allocatable: Amounts
    requests: Amounts


def units(cluster: Cluster) -> Units:
    """Devices and needs of a cluster, with requests for device kinds turned into needs."""
    nodes, pods = cluster.node_table, cluster.pod_table
    kinds = sorted({device.kind for devices in nodes.devices.values for device in devices})
    devices: Column[tuple[Device, ...]] = nodes.devices
    needs: Column[tuple[DeviceNeed, ...]] = pods["devices"]
    for kind in kinds:
        if kind in nodes.allocatable.resources:
            devices = _give_units(devices, kind, nodes.allocatable.column(kind, ABSENT))
        if kind in pods.requests.resources:
            needs = _ask_units(needs, kind, pods.requests.column(kind))
    return Units(devices, needs, _without(nodes.allocatable, kinds), _without(pods.requests, kinds))


def _give_units(devices: Column[tuple[Device, ...]], kind: str, counts: np.ndarray) -> Column[tuple[Device, ...]]:
    lists_kind = np.array([any(device.kind == kind for device in listed) for listed in devices.values], bool)
    given = np.where(lists_kind[devices.codes], 0, np.maximum(counts, 0))
    pairs, inverse = np.unique(np.stack([devices.codes.astype(np.int64), given]), axis=1, return_inverse=True)
    values = [
        (*devices.values[code], Device(kind=kind, count=count)) if count else devices.values[code]
        for code, count in pairs.T.tolist()
    ]
    return Column(inverse.reshape(-1).astype(np.int32), values)


def _ask_units(needs: Column[tuple[DeviceNeed, ...]], kind: str, counts: np.ndarray) -> Column[tuple[DeviceNeed, ...]]:
    pairs, inverse = np.unique(np.stack([needs.codes.astype(np.int64), counts]), axis=1, return_inverse=True)
    values = [
        (*needs.values[code], DeviceNeed(kind=kind, count=count)) if count else needs.values[code]
        for code, count in pairs.T.tolist()
    ]
    return Column(inverse.reshape(-1).astype(np.int32), values)


def _without(amounts: Amounts, kinds: list[str]) -> Amounts:
    if not set(kinds) & set(amounts.resources):
        return amounts
    keep = [index for index, resource in enumerate(amounts.resources) if resource not in kinds]
    return Amounts(tuple(amounts.resources[index] for index in keep), np.ascontiguousarray(amounts.table[:, keep]))
