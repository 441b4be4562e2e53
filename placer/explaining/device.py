"""Units of one node: what is free of each, and which of them a pod's needs could take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from placer.explaining.subject import Subject
from placer.model.device import NUMA, WHOLE, Device, DeviceNeed


@dataclass(slots=True)
class NodeUnits:
    """
    The units of a node in the order listed.

    Attributes
    ----------
    devices
        Which line each unit comes from.
    place
        Its number among the node's units of its kind.
    milli
        Thousandths free of each unit.
    left
        What is left of each unit's capacity.
    """

    devices: list[Device]
    place: list[int]
    milli: list[int]
    left: list[dict[str, int]]

    @classmethod
    def empty(cls, listed: Sequence[Device]) -> NodeUnits:
        """The units of a node on which nothing stands."""
        devices = [device for device in listed for _ in range(device.count)]
        seen: dict[str, int] = {}
        place = []
        for device in devices:
            place.append(seen.get(device.kind, 0))
            seen[device.kind] = place[-1] + 1
        return cls(devices, place, [WHOLE] * len(devices), [dict(device.capacity) for device in devices])

    def copy(self) -> NodeUnits:
        """The same units, to be changed apart."""
        return NodeUnits(self.devices, self.place, list(self.milli), [dict(left) for left in self.left])

    def zones(self) -> list[int]:
        """Units of kind ``numa``, in order."""
        return [unit for unit, device in enumerate(self.devices) if device.kind == NUMA]

    def free(self, unit: int) -> bool:
        """Whether nothing is taken of the unit."""
        return self.milli[unit] == WHOLE and self.left[unit] == self.devices[unit].capacity

    def meets(self, unit: int, need: DeviceNeed) -> bool:
        """Whether the unit alone could serve the need."""
        device = self.devices[unit]
        if device.kind != need.kind or not all(expression.matches(device.attributes) for expression in need.where):
            return False
        if need.whole:
            return self.free(unit) and all(device.capacity.get(name, 0) >= part for name, part in need.amounts.items())
        left = self.left[unit]
        return self.milli[unit] >= need.share_milli and all(
            left.get(name, 0) >= amount for name, amount in need.amounts.items()
        )

    def eligible(self, need: DeviceNeed, zone: int | None = None) -> list[int]:
        """Units that could serve the need: of any zone, or of this one and of none."""
        return [
            unit
            for unit, device in enumerate(self.devices)
            if (zone is None or device.zone is None or device.zone == zone) and self.meets(unit, need)
        ]

    def take(self, unit: int, need: DeviceNeed) -> None:
        """Takes of the unit what the need asks for."""
        if need.whole:
            self.milli[unit], self.left[unit] = 0, {}
            return
        self.milli[unit] -= need.share_milli
        for name, amount in need.amounts.items():
            self.left[unit][name] = self.left[unit].get(name, 0) - amount


def choose_units(
    units: NodeUnits, needs: Sequence[DeviceNeed], zone: int | None = None, tightest: bool = False
) -> list[list[int]] | int:
    """
    Different units for every need: the first ones that do, or those with the least free.

    Returns
    -------
    Units per need; or the place of the first need that cannot be met beside those before it. Augmenting paths, so
    that an answer is found wherever there is one.
    """
    eligible = [units.eligible(need, zone) for need in needs]
    if tightest:
        eligible = [sorted(listed, key=lambda unit: units.milli[unit]) for listed in eligible]
    owner: dict[int, int] = {}

    def give(need: int, seen: set[int]) -> bool:
        for unit in eligible[need]:
            if unit in seen:
                continue
            seen.add(unit)
            if unit not in owner or give(owner[unit], seen):
                owner[unit] = need
                return True
        return False

    for index, need in enumerate(needs):
        for _ in range(need.count):
            if not give(index, set()):
                return index
    return [sorted(unit for unit, holder in owner.items() if holder == index) for index in range(len(needs))]


def without_zone_share(units: NodeUnits, zone_unit: int, requests: Mapping[str, int]) -> NodeUnits | None:
    """The units after cpu and memory are taken of a zone, or ``None`` where it has no room for them."""
    left = units.left[zone_unit]
    asked = {name: requests[name] for name in ("cpu", "memory") if requests.get(name, 0) > 0}
    if any(left.get(name, 0) < amount for name, amount in asked.items()):
        return None
    rest = units.copy()
    for name, amount in asked.items():
        rest.left[zone_unit][name] -= amount
    return rest


def choose_zone(units: NodeUnits, pod: Subject) -> tuple[int, NodeUnits, list[list[int]]] | None:
    """The first zone with room for the pod: its unit, the units with cpu and memory taken, those of the needs."""
    for unit in units.zones():
        rest = without_zone_share(units, unit, pod.requests)
        chosen = choose_units(rest, pod.needs, units.place[unit]) if rest is not None else 0
        if rest is not None and not isinstance(chosen, int):
            return unit, rest, chosen
    return None


def place_pod(units: NodeUnits, pod: Subject) -> NodeUnits:
    """
    The units after a pod whose units are not recorded: need by need those of lowest place that have room.

    Where too few have room for a need, nothing is taken for it. A pod that wants one NUMA zone is in the first that has
    room for all of it, where there is one.
    """
    if pod.pod.numa is not None and units.zones():
        found = choose_zone(units, pod)
        if found is not None:
            return take_all(found[1], pod.needs, found[2])
    after, used = units.copy(), set[int]()
    for need in pod.needs:
        eligible = [unit for unit in after.eligible(need) if unit not in used][: need.count]
        if len(eligible) == need.count:
            used.update(eligible)
            for unit in eligible:
                after.take(unit, need)
    return after


def take_all(units: NodeUnits, needs: Sequence[DeviceNeed], chosen: Sequence[Sequence[int]]) -> NodeUnits:
    """The units after the needs have taken theirs."""
    after = units.copy()
    for need, taken in zip(needs, chosen, strict=True):
        for unit in taken:
            after.take(unit, need)
    return after


def place_recorded(units: NodeUnits, pod: Subject, recorded: Mapping[str, Sequence[int]]) -> NodeUnits:
    """
    The units after a pod takes those that its binding names.

    A kind's places serve the needs of that kind in their order; one more place of kind ``numa`` is the pod's zone.
    """
    after = units.copy()
    number = {
        (device.kind, place): unit for unit, (device, place) in enumerate(zip(units.devices, units.place, strict=True))
    }
    places = {kind: list(listed) for kind, listed in recorded.items()}
    for need in pod.needs:
        own = places.get(need.kind, [])
        for place in own[: need.count]:
            if (need.kind, place) in number:
                after.take(number[need.kind, place], need)
        places[need.kind] = own[need.count :]
    for place in places.get(NUMA, []) if pod.pod.numa is not None else []:
        if (NUMA, place) in number:
            left = after.left[number[NUMA, place]]
            for name in ("cpu", "memory"):
                left[name] = left.get(name, 0) - pod.requests.get(name, 0)
    return after
