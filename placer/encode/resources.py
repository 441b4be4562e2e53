"""Resources: one row of amounts for all that is counted on a node, attach limits and devices included."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine
from placer.encode.devices import kind_totals
from placer.encode.problem import UNLIMITED
from placer.model.cluster import Cluster
from placer.model.device import NUMA, WHOLE
from placer.model.profile import Profile
from placer.model.table import ABSENT, Column
from placer.model.units import Units
from placer.model.volume import Volume

LOAD = ("cpu", "memory")
SCORED = "scored:"
"""Before a resource's name: what rankings count in use, of a resource that never runs short."""
ASSUMED = {"cpu": 100, "memory": 200 * 2**20}
"""What rankings count for a pod that does not ask: Kubernetes, ``GetNonzeroRequests``."""


class Resources(NamedTuple):
    """
    Amounts in table order.

    Attributes
    ----------
    names
        ``cpu``, ``memory``, …, ``pods``; ``attach:<driver>``; ``device:<kind>`` in thousandths.
    capacity
        (resources, nodes) int64; ``UNLIMITED`` where the node sets no limit.
    code
        (pods,) int32: which row of ``need``.
    need
        (distinct, resources) int64.
    shared
        Volumes that several pods name: (namespace, name) → their number.
    shared_of
        (pods,) int32: which of ``shared_lists``.
    shared_lists
        Distinct tuples of shared volumes, as (volume, attach resource or -1, single holder).
    """

    names: list[str]
    capacity: NDArray[np.int64]
    code: NDArray[np.int32]
    need: NDArray[np.int64]
    shared_of: NDArray[np.int32]
    shared_lists: list[tuple[tuple[int, int, bool], ...]]


def encode_resources(cluster: Cluster, units: Units, profile: Profile | None = None) -> Resources:
    """Amounts of nodes and pods; only resources that some pod asks for are kept, and what a profile ranks by."""
    nodes, pods = cluster.node_table, cluster.pod_table
    requests, allocatable = units.requests, units.allocatable
    asked = [r for index, r in enumerate(requests.resources) if requests.table[:, index].any() or r in LOAD]
    ignored = [r for r in asked if profile is not None and _is_ignored(r, profile)]
    asked = [r for r in asked if r != "pods" and r not in ignored]
    names = sorted(asked, key=lambda r: (r not in LOAD, r))
    capacity = [np.maximum(allocatable.column(r, ABSENT), 0) for r in names]
    need_columns = [requests.column(r) for r in names]
    ones = np.ones(len(pods), np.int64)
    if "pods" in allocatable.resources:
        limit = allocatable.column("pods", ABSENT)
        names.append("pods")
        capacity.append(np.where(limit == ABSENT, UNLIMITED, limit))
        need_columns.append(ones)
    volumes = _volumes(cluster)
    for driver, (limits, private) in volumes.drivers.items():
        names.append(f"attach:{driver}")
        capacity.append(limits)
        need_columns.append(private)
    device_names, device_capacity, device_need = _devices(units)
    names += device_names
    capacity += device_capacity
    need_columns += device_need
    if profile is not None:
        scored = {**scored_use(cluster, units), **{r: requests.column(r) for r in ignored}}
        names += [SCORED + r for r in scored]
        capacity += [np.full(len(nodes), UNLIMITED)] * len(scored)
        need_columns += scored.values()
        for row, name in enumerate(names):
            if ("NodeVolumeLimits" if name.startswith("attach:") else "NodeResourcesFit") not in profile.filters:
                capacity[row] = np.full(len(nodes), UNLIMITED)
    code, first = combine(need_columns, len(pods))
    table = np.stack([column[first] for column in need_columns], axis=1) if names else np.zeros((len(first), 0))
    shared_lists = [
        tuple((volume, names.index(f"attach:{driver}") if driver else -1, single) for volume, driver, single in listed)
        for listed in volumes.shared_lists
    ]
    return Resources(
        names=names,
        capacity=np.array(capacity, np.int64).reshape(len(names), len(nodes)),
        code=code,
        need=np.ascontiguousarray(table, np.int64),
        shared_of=volumes.shared_of,
        shared_lists=shared_lists,
    )


def _is_ignored(resource: str, profile: Profile) -> bool:
    """Whether NodeResourcesFit is told not to look at an extended resource."""
    group = resource.partition("/")[0]
    return "/" in resource and (resource in profile.fit.ignored_resources or group in profile.fit.ignored_groups)


def scored_use(cluster: Cluster, units: Units) -> dict[str, NDArray[np.int64]]:
    """(pods,) cpu and memory that rankings count of pods that stand, with what is assumed of those that do not ask."""
    assumed = cluster.pod_table["assumed"]
    found = {}
    for name, usual in ASSUMED.items():
        request = units.requests.column(name)
        given = np.array([amounts.get(name, -1) for amounts in assumed.values], np.int64)[assumed.codes]
        found[name] = np.where(given >= 0, given, np.where(request == 0, usual, request))
    return found


class _Volumes(NamedTuple):
    drivers: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    shared_of: NDArray[np.int32]
    shared_lists: list[tuple[tuple[int, str, bool], ...]]


def _volumes(cluster: Cluster) -> _Volumes:
    """Attach limits by driver, private volumes a pod brings, and volumes that several pods name."""
    pods, nodes = cluster.pod_table, cluster.node_table
    column, disks = pods["volumes"], pods["disks"]
    none = np.zeros(len(pods), np.int32)
    if not any(bool(listed) for listed in (*column.values, *disks.values)):
        return _Volumes({}, none, [()])
    limited = sorted({driver for limits in nodes.volume_limits.values for driver in limits})
    of_pod, first = combine([pods["namespace"].codes, column.codes, disks.codes], len(pods))
    holders = np.bincount(of_pod, minlength=len(first))
    named: dict[tuple[str, str], int] = {}
    lists = []
    for row in first.tolist():
        namespace = pods["namespace"][row]
        distinct = {(namespace, volume.name): volume for volume in column[row]}
        # A disk is one for all namespaces, which a pod's never is the empty one of.
        for disk in disks[row]:
            distinct["", f"{disk.kind}/{disk.name}"] = Volume(name=disk.kind, driver=disk.driver)
        lists.append(distinct)
    uses: dict[tuple[str, str], int] = {}
    for distinct, count in zip(lists, holders.tolist(), strict=True):
        for key in distinct:
            uses[key] = uses.get(key, 0) + count
    single_holder = {
        key for distinct in lists for key, volume in distinct.items() if volume.access == "ReadWriteOncePod"
    }
    private = np.zeros((len(lists), len(limited)), np.int64)
    shared: list[tuple[tuple[int, str, bool], ...]] = []
    for row, distinct in enumerate(lists):
        together = []
        for key, volume in distinct.items():
            single = key in single_holder
            if uses[key] == 1:
                if volume.driver in limited:
                    private[row, limited.index(volume.driver)] += 1
            elif single or volume.driver in limited:
                number = named.setdefault(key, len(named))
                together.append((number, volume.driver if volume.driver in limited else "", single))
        shared.append(tuple(together))
    lists_column = Column.of(shared)
    drivers = {}
    for index, driver in enumerate(limited):
        by_code = np.array([limits.get(driver, UNLIMITED) for limits in nodes.volume_limits.values], np.int64)
        drivers[driver] = by_code[nodes.volume_limits.codes], private[of_pod, index]
    return _Volumes(drivers, lists_column.codes[of_pod], lists_column.values)


def _devices(units: Units) -> tuple[list[str], list[NDArray[Any]], list[NDArray[Any]]]:
    """Thousandths of each kind of device, as an amount: what is short in sum is short in units."""
    kinds = sorted({need.kind for wanted in units.needs.values for need in wanted} - {NUMA})
    totals = kind_totals([tuple(need for need in wanted if need.kind != NUMA) for wanted in units.needs.values], kinds)
    counts = np.array(
        [
            [sum(WHOLE * device.count for device in listed if device.kind == kind) for kind in kinds]
            for listed in units.devices.values
        ],
        np.int64,
    ).reshape(len(units.devices.values), len(kinds))
    names = [f"device:{kind}" for kind in kinds]
    capacity = [counts[units.devices.codes, index] for index in range(len(kinds))]
    return names, capacity, [totals[units.needs.codes, index] for index in range(len(kinds))]
