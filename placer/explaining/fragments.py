"""Fragmentation: GPU thousandths that a typical pod of the cluster cannot use (Weng et al., USENIX ATC 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.explaining.device import NodeUnits, choose_units, choose_zone, take_all
from placer.explaining.others import Mask
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.device import DeviceNeed
from placer.model.pod import GPU

Values = NDArray[np.float64]


class Typical(NamedTuple):
    """
    Pods by requests and needs.

    Attributes
    ----------
    requests
        (kinds, resources) base units.
    needs
        Needs of each kind of pod.
    weight
        (kinds,) their fraction of the cluster's pods.
    """

    requests: NDArray[np.int64]
    needs: list[tuple[DeviceNeed, ...]]
    weight: Values


def typical_pods(state: State) -> tuple[Typical, float]:
    """Kinds of pods that need GPUs; and the fraction of the pods that need none, which can use no GPU at all."""
    others = state.others
    wants = np.array([any(need.kind == GPU for need in needs) for needs in others.needs.values], bool)
    rows = np.flatnonzero(wants[others.needs.codes])
    table = np.column_stack([others.needs.codes[rows].astype(np.int64), others.requests.table[rows]])
    distinct, counts = np.unique(table, axis=0, return_counts=True)
    all_pods = max(len(others.table), 1)
    needs = [others.needs.values[code] for code in distinct[:, 0].tolist()]
    return Typical(distinct[:, 1:], needs, counts / all_pods), 1 - len(rows) / all_pods


def fragmentation(state: State, pod: Subject, nodes: Mask) -> Values:
    """What the expected GPU thousandths that cannot be used grow by; units are taken with the least free first."""
    has_gpu = np.array([any(d.kind == GPU for d in units.devices) for units in state.empty], bool)
    rows = np.flatnonzero(has_gpu[state.listed.codes] & nodes) if len(has_gpu) else np.zeros(0, np.int64)
    change = np.zeros(state.count)
    if len(rows):
        typical, none = typical_pods(state)
        before = [state.units(row) for row in rows.tolist()]
        after = [_placed(units, pod) for units in before]
        names = state.others.requests.resources
        free = np.column_stack([(state.allocatable(name) - state.load(name))[rows] for name in names])
        asks = np.array([pod.requests.get(name, 0) for name in names], np.int64)
        change[rows] = _unusable(after, free.reshape(len(rows), -1) - asks, typical, none)
        change[rows] -= _unusable(before, free.reshape(len(rows), -1), typical, none)
    return change


def _placed(units: NodeUnits, pod: Subject) -> NodeUnits:
    if pod.pod.numa is not None and units.zones():
        found = choose_zone(units, pod)
        if found is not None:
            return take_all(found[1], pod.needs, found[2])
    chosen = choose_units(units, pod.needs, tightest=True)
    return units if isinstance(chosen, int) else take_all(units, pod.needs, chosen)


def _unusable(nodes: Sequence[NodeUnits], free: NDArray[np.int64], typical: Typical, none: float) -> Values:
    """(nodes,) expected thousandths that a typical pod cannot use: all of them where it does not fit at all."""
    milli = [[left for left, device in zip(u.milli, u.devices, strict=True) if device.kind == GPU] for u in nodes]
    whole = np.array([sum(left) for left in milli], np.float64)
    expected = none * whole
    known: dict[tuple[DeviceNeed, ...], Values] = {}
    for kind, needs in enumerate(typical.needs):
        if needs not in known:
            known[needs] = np.array([_unfit(units, needs) for units in nodes])
        asks = typical.requests[kind]
        fits = ((asks == 0) | (asks <= free)).all(axis=1)
        expected += typical.weight[kind] * np.where(fits, known[needs], whole)
    return expected


def _unfit(units: NodeUnits, needs: Sequence[DeviceNeed]) -> float:
    """GPU thousandths of a node in units that serve none of the needs: all, where the needs cannot be met together."""
    gpus = [unit for unit, device in enumerate(units.devices) if device.kind == GPU]
    useful: set[int] = set()
    if not isinstance(choose_units(units, needs), int):
        useful = {unit for need in needs if need.kind == GPU for unit in units.eligible(need)}
    return float(sum(units.milli[unit] for unit in gpus if unit not in useful))
