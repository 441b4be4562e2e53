"""Devices and Numa: the units that pods take of their nodes, replayed one pod after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from placer.checks.facts import Mask
from placer.checks.finding import Finding
from placer.checks.holdings import NodeUnits, Taken, in_zone
from placer.checks.scene import Events, Scene
from placer.checks.timeline import BINDING, MOVE
from placer.model.device import NUMA, DeviceNeed
from placer.model.rule import Rule


class Replay(NamedTuple):
    """
    What replaying the events gives.

    Attributes
    ----------
    findings
        In no particular order.
    units
        Row of a node → its units as they are in the end, for nodes that a pod with needs touched.
    zoneless
        Rows of pods with ``numa="prefer"`` that have no zone in the end although their node has zones.
    """

    findings: list[Finding]
    units: dict[int, NodeUnits]
    zoneless: set[int]


class _Pod(NamedTuple):
    """What a pod asks of units; ``amounts`` are its requests for cpu and memory."""

    needs: Sequence[DeviceNeed]
    numa: str | None
    amounts: dict[str, int]


def replay(scene: Scene) -> Replay:
    """
    Takes units as bindings name them, standing pods first.

    A standing pod holds the units that its field ``units`` names. Those that name none then take, in input order and
    need by need, the units of lowest place that have room; so does a pod that a move brings.
    """
    timeline, pods, facts = scene.timeline, scene.facts.pods, scene.facts
    needs, numa = facts.units.needs, pods["numa"]
    wants = np.array([bool(value) for value in needs.values], bool)[needs.codes] if len(pods) else np.zeros(0, bool)
    wants = wants | (np.array([value is not None for value in numa.values], bool)[numa.codes] if len(pods) else wants)
    named = np.zeros(len(timeline), bool)
    lines = np.array([*scene.units], np.int64)
    named[(timeline.source == BINDING) & np.isin(timeline.line, lines)] = True
    recorded = facts.truthy("units")
    if recorded is not None:
        wants = wants | recorded
    events = np.flatnonzero(wants[timeline.pod] | named)
    first = _standing_order(scene, events, recorded)
    state = _State(scene)
    for event in first:
        state.apply(event)
    zoneless = {row for row, without in state.without_zone.items() if without}
    return Replay(state.findings, state.nodes, zoneless)


def _standing_order(scene: Scene, events: Events, recorded: Mask | None) -> list[int]:
    """Standing pods whose units are known, then the other standing ones, then the rest in order."""
    timeline = scene.timeline
    known = np.zeros(len(events), bool) if recorded is None else recorded[timeline.pod[events]]
    rank = np.where(timeline.line[events] >= 0, 2, np.where(known, 0, 1))
    return [int(event) for event in events[np.argsort(rank, kind="stable")]]


class _State:
    """Units of the nodes that pods touched so far, and what each pod holds."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.nodes: dict[int, NodeUnits] = {}
        self.held: dict[tuple[int, int], list[Taken]] = {}
        self.without_zone: dict[int, bool] = {}
        self.findings: list[Finding] = []

    def apply(self, event: int) -> None:
        """Lets a pod arrive or leave."""
        timeline, facts = self.scene.timeline, self.scene.facts
        row, node = int(timeline.pod[event]), int(timeline.node[event])
        if node not in self.nodes:
            self.nodes[node] = NodeUnits(facts.units.devices[node])
        units = self.nodes[node]
        if timeline.sign[event] < 0:
            for part in self.held.pop((row, node), []):
                units.change(part, 1)
            return
        pod = _Pod(facts.units.needs[row], facts.pods["numa"][row], self._amounts(row))
        broken: list[tuple[Rule, str]] = []
        source = int(timeline.source[event])
        names = self.scene.units.get(int(timeline.line[event]), {}) if source == BINDING else {}
        if source not in (BINDING, MOVE):
            names = facts.pods["units"][row]
        if source == BINDING or names:
            taken, zoned = _take_named(units, pod, names, broken)
        else:
            taken, zoned = _take_lowest(units, pod, broken)
        self.held[row, node] = taken
        self.without_zone[row] = pod.numa == "prefer" and bool(units.zones) and not zoned
        if timeline.checked[event]:
            self.findings += [Finding(event, rule.name, detail) for rule, detail in broken]

    def _amounts(self, row: int) -> dict[str, int]:
        requests = self.scene.facts.units.requests
        return {name: int(requests.column(name)[row]) for name in ("cpu", "memory") if requests.column(name)[row] > 0}


def _take_named(
    units: NodeUnits, pod: _Pod, names: Mapping[str, Sequence[int]], broken: list[tuple[Rule, str]]
) -> tuple[list[Taken], bool]:
    """
    Takes the units that are named: per kind, need by need in their order, and last the pod's NUMA zone.

    Returns
    -------
    What was taken, and whether a zone was.
    """
    left = {kind: list(places) for kind, places in names.items()}
    pairs: list[tuple[DeviceNeed, int]] = []
    for need in pod.needs:
        places = left.get(need.kind, [])
        if len(places) < need.count:
            broken.append((Rule.Devices, f"{len(places)} units of {need.kind} are named for a need of {need.count}"))
        pairs += [(need, place) for place in places[: need.count]]
        left[need.kind] = places[need.count :]
    zone = left[NUMA].pop(0) if pod.numa is not None and units.zones and left.get(NUMA) else None
    for kind, places in left.items():
        if places:
            broken.append((Rule.Devices, f"{len(places)} units of {kind} are named beyond its needs, allowed are 0"))
    taken = _take_zone(units, pod, zone, broken)
    zoned = bool(taken)
    seen: set[int] = set()
    for need, place in pairs:
        unit = units.number.get((need.kind, place))
        if unit is None:
            have = sum(kind == need.kind for kind, _ in units.number)
            broken.append((Rule.Devices, f"{need.kind} {place} is named, the node has {have} units, counted from 0"))
            continue
        if unit in seen:
            broken.append((Rule.Devices, f"{need.kind} {place} is named twice, allowed is once"))
            continue
        seen.add(unit)
        why = units.short(unit, need)
        if why is not None:
            broken.append((Rule.Devices, f"{need.kind} {place}: {why}"))
        if not in_zone(units.devices[unit], zone):
            there = units.devices[unit].zone
            broken.append((Rule.Numa, f"{need.kind} {place} is of NUMA zone {there}, the pod's zone is {zone}"))
        taken.append(units.take(unit, need))
    return taken, zoned


def _take_zone(units: NodeUnits, pod: _Pod, zone: int | None, broken: list[tuple[Rule, str]]) -> list[Taken]:
    """Takes cpu and memory of the zone that is named; ``require`` needs one wherever the node has zones."""
    if zone is None:
        if pod.numa == "require" and units.zones:
            broken.append((Rule.Numa, f"0 NUMA zones of the node's {len(units.zones)} are named, 1 is needed"))
        return []
    unit = units.number.get((NUMA, zone))
    if unit is None:
        broken.append((Rule.Numa, f"NUMA zone {zone} is named, the node has {len(units.zones)}, counted from 0"))
        return []
    for name, amount in pod.amounts.items():
        have = units.left[unit].get(name, 0)
        if amount > have:
            broken.append((Rule.Numa, f"NUMA zone {zone} has {have} {name} left, asked are {amount}"))
    return [units.change(Taken(unit, 0, dict(pod.amounts)), -1)]


def _take_lowest(units: NodeUnits, pod: _Pod, broken: list[tuple[Rule, str]]) -> tuple[list[Taken], bool]:
    """Takes the first zone with room for all, where one is wanted, and the units of lowest place that have room."""
    if pod.numa is not None and units.zones:
        for zone in range(len(units.zones)):
            unwanted: list[tuple[Rule, str]] = []
            taken = _take_zone(units, pod, zone, unwanted)
            if not unwanted:
                taken += _take_needs(units, pod, zone, unwanted)
            if not unwanted:
                return taken, True
            for part in taken:
                units.change(part, 1)
        if pod.numa == "require":
            broken.append((Rule.Numa, f"0 of {len(units.zones)} NUMA zones have room for the pod, 1 is needed"))
    return _take_needs(units, pod, None, broken), False


def _take_needs(units: NodeUnits, pod: _Pod, zone: int | None, broken: list[tuple[Rule, str]]) -> list[Taken]:
    used: set[int] = set()
    taken: list[Taken] = []
    for need in pod.needs:
        chosen = units.lowest(need, used, zone)
        if not chosen:
            broken.append((Rule.Devices, f"fewer than {need.count} units of {need.kind} have room for it"))
        used.update(chosen)
        taken += [units.take(unit, need) for unit in chosen]
    return taken
