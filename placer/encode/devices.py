"""Devices as units, needs as rows over them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import BOOL, I32, I64, Units
from placer.model.device import NUMA, WHOLE, Device, DeviceNeed
from placer.model.selector import Requirement
from placer.model.table import Column


class Vocabulary(NamedTuple):
    """Numbers of kinds, of capacity dimensions (0 is thousandths), and of sets of attributes."""

    kinds: dict[str, int]
    dimensions: dict[str, int]
    attributes: dict[tuple[tuple[str, str], ...], int]


def vocabulary(devices: list[tuple[Device, ...]], needs: list[tuple[DeviceNeed, ...]], numa: bool) -> Vocabulary:
    """Numbers all that devices and needs name."""
    kinds: dict[str, int] = {}
    dimensions: dict[str, int] = {"": 0}
    attributes: dict[tuple[tuple[str, str], ...], int] = {}
    for listed in devices:
        for device in listed:
            kinds.setdefault(device.kind, len(kinds))
            attributes.setdefault(_attributes(device), len(attributes))
            for name in device.capacity:
                dimensions.setdefault(name, len(dimensions))
    for wanted in needs:
        for need in wanted:
            kinds.setdefault(need.kind, len(kinds))
            for name in need.amounts:
                dimensions.setdefault(name, len(dimensions))
    if numa:
        kinds.setdefault(NUMA, len(kinds))
        for name in ("cpu", "memory"):
            dimensions.setdefault(name, len(dimensions))
    return Vocabulary(kinds, dimensions, attributes)


def _attributes(device: Device) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(device.attributes.items()))


def encode_units(devices: Column[tuple[Device, ...]], words: Vocabulary) -> Units:
    """
    Writes devices out to units.

    Parameters
    ----------
    devices
        Per node, in internal order.
    """
    parts = [_units_of(listed, words) for listed in devices.values]
    sizes = np.array([len(part[0]) for part in parts], np.int64)
    offset = np.cumsum(sizes) - sizes
    counts = sizes[devices.codes]
    start = np.zeros(len(devices) + 1, np.int32)
    np.cumsum(counts, out=start[1:])
    source = np.arange(start[-1]) - np.repeat(start[:-1] - offset[devices.codes], counts)
    width = len(words.dimensions)
    kind, place, zone, attributes = (
        np.concatenate([part[index] for part in parts] or [np.zeros(0, np.int32)]).astype(np.int32)[source]
        for index in range(4)
    )
    capacity = np.concatenate([part[4] for part in parts] or [np.zeros((0, width), np.int64)])[source]
    zones = np.array([sum(d.count for d in listed if d.kind == NUMA) for listed in devices.values], np.int32)
    numa = np.array(
        [words.kinds.get(NUMA, -1), words.dimensions.get("cpu", -1), words.dimensions.get("memory", -1)], np.int32
    )
    return Units(
        start=start,
        kind=kind,
        place=place,
        capacity=np.ascontiguousarray(capacity, np.int64),
        attributes=attributes,
        zone=zone,
        zones=zones[devices.codes],
        numa_kind=numa,
    )


def _units_of(listed: tuple[Device, ...], words: Vocabulary) -> tuple[list[int], list[int], list[int], list[int], I64]:
    kind: list[int] = []
    place: list[int] = []
    zone: list[int] = []
    attributes: list[int] = []
    capacity: list[list[int]] = []
    used: dict[str, int] = {}
    for device in listed:
        row = [0] * len(words.dimensions)
        row[0] = WHOLE
        for name, amount in device.capacity.items():
            row[words.dimensions[name]] = amount
        for _ in range(device.count):
            kind.append(words.kinds[device.kind])
            place.append(used.setdefault(device.kind, 0))
            used[device.kind] += 1
            zone.append(-1 if device.zone is None else device.zone)
            attributes.append(words.attributes[_attributes(device)])
            capacity.append(row)
    return kind, place, zone, attributes, np.array(capacity, np.int64).reshape(-1, len(words.dimensions))


class Needs(NamedTuple):
    """Needs of distinct values, one row a need; see ``problem.Classes``."""

    start: I32
    kind: I32
    units: I32
    amount: I64
    where: I32
    match: BOOL


def encode_needs(values: list[tuple[DeviceNeed, ...]], words: Vocabulary) -> Needs:
    """Needs of each distinct value, and which sets of attributes each of their selectors accepts."""
    flat = [need for wanted in values for need in wanted]
    start = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(wanted) for wanted in values], out=start[1:])
    amount = np.zeros((len(flat), len(words.dimensions)), np.int64)
    selectors: dict[tuple[Requirement, ...], int] = {}
    for row, need in enumerate(flat):
        amount[row, 0] = need.share_milli
        for name, value in need.amounts.items():
            amount[row, words.dimensions[name]] = value
        selectors.setdefault(need.where, len(selectors))
    match = np.array(
        [[all(e.matches(dict(have)) for e in where) for have in words.attributes] for where in selectors],
        np.bool_,
    ).reshape(len(selectors), len(words.attributes))
    return Needs(
        start=start,
        kind=np.array([words.kinds[need.kind] for need in flat], np.int32),
        units=np.array([need.count for need in flat], np.int32),
        amount=amount,
        where=np.array([selectors[need.where] for need in flat], np.int32),
        match=match,
    )


def kind_totals(values: list[tuple[DeviceNeed, ...]], kinds: list[str]) -> NDArray[np.int64]:
    """(values, kinds) thousandths of each kind that all needs of a value take together."""
    totals = np.zeros((len(values), len(kinds)), np.int64)
    for row, wanted in enumerate(values):
        for need in wanted:
            totals[row, kinds.index(need.kind)] += need.count * need.share_milli
    return totals
