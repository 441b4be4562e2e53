"""Units of one node: what is left of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from placer.model.device import NUMA, WHOLE, Device, DeviceNeed


class Taken(NamedTuple):
    """What was taken of one unit."""

    unit: int
    milli: int
    amounts: dict[str, int]


class NodeUnits:
    """
    The units of a node, in the order listed.

    Attributes
    ----------
    devices
        The line that each unit comes from.
    number
        (kind, place) → unit; places count per kind.
    milli
        Thousandths left of each unit.
    left
        What is left of each unit's capacity.
    zones
        Units of kind ``numa``, by place.
    """

    def __init__(self, listed: Sequence[Device]) -> None:
        self.devices = [device for device in listed for _ in range(device.count)]
        self.number: dict[tuple[str, int], int] = {}
        counts: dict[str, int] = {}
        for unit, device in enumerate(self.devices):
            place = counts.get(device.kind, 0)
            self.number[device.kind, place] = unit
            counts[device.kind] = place + 1
        self.milli = [WHOLE] * len(self.devices)
        self.left = [dict(device.capacity) for device in self.devices]
        self.zones = [self.number[NUMA, place] for place in range(counts.get(NUMA, 0))]

    def short(self, unit: int, need: DeviceNeed) -> str | None:
        """Why a unit does not serve a need, or ``None``."""
        device, left = self.devices[unit], self.left[unit]
        for expression in need.where:
            if not expression.matches(device.attributes):
                have = device.attributes.get(expression.key)
                return f"{expression.key} is {have!r}, asked is {expression.operator} {list(expression.values)}"
        full = self.milli[unit] == WHOLE and all(left[name] == most for name, most in device.capacity.items())
        if need.whole and not full:
            return f"{self.milli[unit]} of {WHOLE} thousandths are left, asked is all of it, entirely free"
        if self.milli[unit] < need.share_milli:
            return f"{self.milli[unit]} thousandths are left, asked are {need.share_milli}"
        for name, amount in need.amounts.items():
            if left.get(name, 0) < amount:
                return f"{name} has {left.get(name, 0)} left, asked are {amount}"
        return None

    def take(self, unit: int, need: DeviceNeed) -> Taken:
        """Takes what a need takes of a unit: all of it, or a share and amounts."""
        device = self.devices[unit]
        amounts = device.capacity if need.whole else need.amounts
        return self.change(Taken(unit, need.share_milli, dict(amounts)), -1)

    def change(self, taken: Taken, sign: int) -> Taken:
        """Takes (-1) or gives back (1)."""
        self.milli[taken.unit] += sign * taken.milli
        left = self.left[taken.unit]
        for name, amount in taken.amounts.items():
            left[name] = left.get(name, 0) + sign * amount
        return taken

    def lowest(self, need: DeviceNeed, used: set[int], zone: int | None) -> list[int]:
        """The units of lowest place that serve a need, or none where too few do."""
        found: list[int] = []
        for unit, device in enumerate(self.devices):
            if device.kind != need.kind or unit in used or not in_zone(device, zone):
                continue
            if self.short(unit, need) is None:
                found.append(unit)
                if len(found) == need.count:
                    return found
        return []


def in_zone(device: Device, zone: int | None) -> bool:
    """Whether a unit hangs on a NUMA zone, or on none."""
    return zone is None or device.zone is None or device.zone == zone
