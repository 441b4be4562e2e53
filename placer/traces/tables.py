"""Tables of nodes and pods from arrays, with everything else at its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.model.cluster import POD_FIELDS
from placer.model.node import PRICE_UNIT
from placer.model.table import PENDING, Amounts, Column, Names, NodeTable, PodTable
from placer.model.value import FrozenDict

MIB = 2**20
Quantities = Mapping[str, NDArray[np.int64]]


def node_table(
    names: Names,
    allocatable: Quantities,
    *,
    price: NDArray[np.int64] | None = None,
    labels: Column[Any] | None = None,
    taints: Column[Any] | None = None,
    devices: Column[Any] | None = None,
    volume_limits: Column[Any] | None = None,
) -> NodeTable:
    """
    Nodes.

    Parameters
    ----------
    names
        Unique.
    allocatable
        (nodes,) base units by resource.
    price
        (nodes,) millionths; 1 each where not given.
    """
    count = len(names)
    return NodeTable(
        names=names,
        labels=_given(labels, FrozenDict(), count),
        named=np.ones(count, bool),
        allocatable=_amounts(allocatable, count),
        price=np.full(count, PRICE_UNIT, np.int64) if price is None else price,
        unschedulable=np.zeros(count, bool),
        taints=_given(taints, (), count),
        devices=_given(devices, (), count),
        images=Column.constant((), count),
        volume_limits=_given(volume_limits, FrozenDict(), count),
    )


def pod_table(
    names: Names, requests: Quantities, *, priority: NDArray[np.int32] | None = None, **fields: Column[Any]
) -> PodTable:
    """
    Pending pods.

    Parameters
    ----------
    names
        Unique within their namespace.
    requests
        (pods,) base units by resource.
    priority
        (pods,); 0 where not given.
    fields
        Columns of :class:`placer.model.pod.Pod`'s fields by name.
    """
    count = len(names)
    return PodTable(
        names=names,
        node=np.full(count, PENDING, np.int32),
        priority=np.zeros(count, np.int32) if priority is None else priority,
        requests=_amounts(requests, count),
        fields={name: _given(fields.get(name), default, count) for name, default in POD_FIELDS.items()},
    )


def _given(column: Column[Any] | None, default: Any, count: int) -> Column[Any]:
    return Column.constant(default, count) if column is None else column


def _amounts(amounts: Quantities, count: int) -> Amounts:
    table = np.empty((count, len(amounts)), np.int64)
    for index, resource in enumerate(sorted(amounts)):
        table[:, index] = amounts[resource]
    return Amounts(tuple(sorted(amounts)), table)
