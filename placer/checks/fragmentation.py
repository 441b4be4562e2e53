"""Fragmentation: GPU thousandths that a typical pod of the cluster cannot use (Weng et al., USENIX ATC 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from placer.checks.distinct import distinct
from placer.checks.facts import Facts
from placer.checks.holdings import NodeUnits
from placer.model.device import DeviceNeed
from placer.model.pod import GPU
from placer.model.table import ABSENT, UNKNOWN


def measure(facts: Facts, where: NDArray[np.int64], touched: dict[int, NodeUnits]) -> float:
    """
    Sums over nodes what of their GPUs is of no use to a pod drawn from the cluster's pods.

    All that is free, for a pod that asks for no GPU or does not fit; else what is free on units that alone do not
    serve it. Pods bound to a node that the cluster does not have count nowhere.

    Parameters
    ----------
    where
        (pods,) row of each pod's node, -1 for none.
    touched
        Row of a node → its units, for nodes on which pods hold any.
    """
    listed = facts.units.devices
    has = np.array([any(device.kind == GPU for device in value) for value in listed.values], bool)
    rows = np.flatnonzero(has[listed.codes]) if len(has) else np.zeros(0, np.int64)
    if not len(rows):
        return 0.0
    fresh = [NodeUnits(value) for value in listed.values]
    nodes = [touched.get(row) or fresh[listed.codes[row]] for row in rows.tolist()]
    free = np.array([sum(_free(units)) for units in nodes], np.float64)
    room = _room(facts, where, rows)
    needs, requests = facts.units.needs, facts.units.requests
    wants = np.array([any(need.kind == GPU for need in value) for value in needs.values], bool)[needs.codes]
    counted = facts.pods.node != UNKNOWN
    if not counted.any():
        return 0.0
    pods = np.flatnonzero(wants & counted)
    expected = float((counted.sum() - len(pods)) * free.sum())
    if len(pods):
        codes, first = distinct([needs.codes[pods], *_ranks(requests.table[pods])])
        counts = np.bincount(codes)
        unfit: dict[int, NDArray[np.float64]] = {}
        for pod, count in zip(pods[first].tolist(), counts.tolist(), strict=True):
            code = int(needs.codes[pod])
            if code not in unfit:
                unfit[code] = np.array([_unfit(units, needs.values[code]) for units in nodes])
            asks = np.append(requests.table[pod], 1)
            fits = ((asks <= room) | (asks == 0)).all(axis=1)
            expected += count * float(np.where(fits, unfit[code], free).sum())
    return expected / float(counted.sum())


def _free(units: NodeUnits) -> list[int]:
    return [left for left, device in zip(units.milli, units.devices, strict=True) if device.kind == GPU]


def _ranks(table: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Each column's values as codes."""
    return [np.unique(column, return_inverse=True)[1] for column in table.T]


def _room(facts: Facts, where: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(rows, resources + pods) what nodes have left."""
    requests, allocatable = facts.units.requests, facts.units.allocatable
    stands = np.flatnonzero(where >= 0)
    room = np.zeros((len(rows), len(requests.resources) + 1), np.int64)
    for index, resource in enumerate(requests.resources):
        used = np.zeros(len(facts.nodes), np.int64)
        np.add.at(used, where[stands], requests.table[stands, index])
        room[:, index] = (np.maximum(allocatable.column(resource, ABSENT), 0) - used)[rows]
    most = allocatable.column("pods", ABSENT)[rows]
    crowd = np.bincount(where[stands], minlength=len(facts.nodes))[rows]
    room[:, -1] = np.where(most == ABSENT, 1, most - crowd)
    return room


def _unfit(units: NodeUnits, needs: Sequence[DeviceNeed]) -> float:
    """GPU thousandths in units that serve none of the needs: all of them where the needs are not met together."""
    serving = [
        [
            unit
            for unit, device in enumerate(units.devices)
            if device.kind == need.kind and units.short(unit, need) is None
        ]
        for need in needs
    ]
    useful: set[int] = set()
    if _met(serving, [need.count for need in needs]):
        useful = {unit for need, able in zip(needs, serving, strict=True) if need.kind == GPU for unit in able}
    gpus = [unit for unit, device in enumerate(units.devices) if device.kind == GPU]
    return float(sum(units.milli[unit] for unit in gpus if unit not in useful))


def _met(serving: list[list[int]], counts: list[int]) -> bool:
    """Whether all needs get different units: a bipartite matching by augmenting paths."""
    if len(serving) == 1:
        return len(serving[0]) >= counts[0]
    holder: dict[int, int] = {}

    def give(need: int, seen: set[int]) -> bool:
        for unit in serving[need]:
            if unit not in seen:
                seen.add(unit)
                if unit not in holder or give(holder[unit], seen):
                    holder[unit] = need
                    return True
        return False

    return all(give(need, set()) for need, count in enumerate(counts) for _ in range(count))
