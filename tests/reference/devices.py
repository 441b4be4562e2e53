"""Devices and NUMA zones: which units a pod may take, by trying them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import NamedTuple

import placer as pl
from placer.model.rule import Rule

from .state import Part, State

Choice = tuple[list[Part], int | None]
"""What a pod takes of units, and its NUMA zone."""


class Given(NamedTuple):
    """Units as a binding names them: the first rule they break, what is taken, and the zone."""

    rule: Rule | None
    parts: list[Part]
    zone: int | None


def serves(state: State, node: int, unit: int, need: pl.DeviceNeed) -> bool:
    """Whether one unit alone can give what a need takes of each of its units."""
    device, taken = state.units[node][unit].device, state.taken[node][unit]
    if device.kind != need.kind or not all(one.matches(device.attributes) for one in need.where):
        return False
    if need.whole:
        free = taken.milli == 0 and not any(taken.amounts.get(name, 0) for name in device.capacity)
        return free and all(amount <= device.capacity.get(name, 0) for name, amount in need.amounts.items())
    return need.share_milli <= 1000 - taken.milli and all(
        amount <= device.capacity.get(name, 0) - taken.amounts.get(name, 0) for name, amount in need.amounts.items()
    )


def part(state: State, node: int, unit: int, need: pl.DeviceNeed) -> Part:
    """What a need takes of a unit."""
    if need.whole:
        return Part(unit, 1000, state.units[node][unit].device.capacity)
    return Part(unit, need.share_milli, need.amounts)


def zones(state: State, node: int) -> list[int]:
    """The units that are NUMA zones."""
    return [unit for unit, (_, device) in enumerate(state.units[node]) if device.kind == "numa"]


def in_zone(state: State, node: int, unit: int, zone: int | None) -> bool:
    """Whether a unit hangs on the zone, or on none."""
    return zone is None or state.units[node][unit].device.zone in (None, zone)


def zone_part(state: State, pod: int, unit: int) -> Part:
    """What a pod takes of its zone."""
    return Part(unit, 0, {name: state.requests[pod].get(name, 0) for name in ("cpu", "memory")})


def zone_has_room(state: State, pod: int, node: int, unit: int) -> bool:
    """Whether a zone has the cpu and memory that a pod asks for."""
    capacity, taken = state.units[node][unit].device.capacity, state.taken[node][unit].amounts
    wanted = {name: amount for name, amount in zone_part(state, pod, unit).amounts.items() if amount > 0}
    return all(amount <= capacity.get(name, 0) - taken.get(name, 0) for name, amount in wanted.items())


def assignments(
    state: State, node: int, needs: Sequence[pl.DeviceNeed], zone: int | None, used: frozenset[int] = frozenset()
) -> Iterator[list[Part]]:
    """Every way to give the needs different units, lowest places first."""
    if not needs:
        yield []
        return
    need = needs[0]
    able = [
        unit
        for unit in range(len(state.units[node]))
        if unit not in used and in_zone(state, node, unit, zone) and serves(state, node, unit, need)
    ]
    for chosen in combinations(able, need.count):
        parts = [part(state, node, unit, need) for unit in chosen]
        for rest in assignments(state, node, needs[1:], zone, used | set(chosen)):
            yield [*parts, *rest]


def choices(state: State, pod: int, node: int) -> Iterator[Choice]:
    """Every way in which a pod may take units of a node; what ``numa="prefer"`` prefers comes first."""
    numa, needs = state.pods[pod].numa, state.needs[pod]
    in_a_zone = False
    for place, unit in enumerate(zones(state, node) if numa else []):
        if zone_has_room(state, pod, node, unit):
            own = zone_part(state, pod, unit)
            state.change(node, [own], 1)
            found = list(assignments(state, node, needs, place))
            state.change(node, [own], -1)
            for parts in found:
                in_a_zone = True
                yield [*parts, own], place
    if not (numa == "require" and zones(state, node)) and not in_a_zone:
        for parts in assignments(state, node, needs, None):
            yield parts, None


def why_not(state: State, pod: int, node: int) -> Rule | None:
    """Devices or Numa, where the pod's needs cannot be met on a node."""
    if next(choices(state, pod, node), None) is not None:
        return None
    whatever_the_zone = next(assignments(state, node, state.needs[pod], None), None)
    return Rule.Devices if whatever_the_zone is None else Rule.Numa


def named(state: State, pod: int, devices: Mapping[str, Sequence[int]]) -> tuple[list[list[int]], dict[str, list[int]]]:
    """Places need by need, and those left over by kind."""
    left = {kind: list(places) for kind, places in devices.items()}
    served = []
    for need in state.needs[pod]:
        places = left.get(need.kind, [])
        served.append(places[: need.count])
        left[need.kind] = places[need.count :]
    return served, left


def unit_at(state: State, node: int, kind: str, place: int) -> int | None:
    """The unit that a kind and a place name."""
    found = [unit for unit, (at, device) in enumerate(state.units[node]) if (device.kind, at) == (kind, place)]
    return found[0] if found else None


def given(state: State, pod: int, node: int, devices: Mapping[str, Sequence[int]]) -> Given:
    """Checks units as a binding names them."""
    served, left = named(state, pod, devices)
    broken: set[Rule] = set()
    parts: list[Part] = []
    place = None
    if state.pods[pod].numa and zones(state, node) and left.get("numa"):
        place = left["numa"].pop(0)
    unit = None if place is None else unit_at(state, node, "numa", place)
    if place is None and state.pods[pod].numa == "require" and zones(state, node):
        broken.add(Rule.Numa)
    if place is not None and (unit is None or not zone_has_room(state, pod, node, unit)):
        broken.add(Rule.Numa)
    if any(left.values()):
        broken.add(Rule.Devices)
    for need, places in zip(state.needs[pod], served, strict=True):
        if len(places) < need.count:
            broken.add(Rule.Devices)
        for each in places:
            taking = unit_at(state, node, need.kind, each)
            if taking is None or taking in {one.unit for one in parts} or not serves(state, node, taking, need):
                broken.add(Rule.Devices)
            if taking is not None:
                if not in_zone(state, node, taking, place):
                    broken.add(Rule.Numa)
                parts.append(part(state, node, taking, need))
    if unit is not None:
        parts.append(zone_part(state, pod, unit))
    return Given(min(broken, default=None), parts, None if unit is None else place)


def recorded(state: State, pod: int, node: int) -> Choice:
    """What the input says that a pod holds; units that the node does not have are left out."""
    served, left = named(state, pod, state.pods[pod].units)
    parts = []
    for need, places in zip(state.needs[pod], served, strict=True):
        found = [unit_at(state, node, need.kind, place) for place in places]
        parts += [part(state, node, unit, need) for unit in found if unit is not None]
    if state.pods[pod].numa and left.get("numa"):
        place = left["numa"][0]
        unit = unit_at(state, node, "numa", place)
        if unit is not None:
            return [*parts, zone_part(state, pod, unit)], place
    return parts, None


def lowest(state: State, pod: int, node: int) -> Choice:
    """What a pod is taken to hold of which the input says nothing."""
    needs = state.needs[pod]
    for place, unit in enumerate(zones(state, node) if state.pods[pod].numa else []):
        if zone_has_room(state, pod, node, unit):
            own = zone_part(state, pod, unit)
            state.change(node, [own], 1)
            found = _need_by_need(state, node, needs, place)
            state.change(node, [own], -1)
            if all(len(parts) == need.count for need, parts in zip(needs, found, strict=True)):
                return [*chain(*found), own], place
    return [*chain(*_need_by_need(state, node, needs, None))], None


def _need_by_need(state: State, node: int, needs: Sequence[pl.DeviceNeed], zone: int | None) -> list[list[Part]]:
    used: set[int] = set()
    found: list[list[Part]] = []
    for need in needs:
        able = [
            unit
            for unit in range(len(state.units[node]))
            if unit not in used and in_zone(state, node, unit, zone) and serves(state, node, unit, need)
        ][: need.count]
        able = able if len(able) == need.count else []
        used.update(able)
        found.append([part(state, node, unit, need) for unit in able])
    return found
