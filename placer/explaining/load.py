"""Rules on what a node carries: resources, ports, volumes, devices, NUMA zones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from placer.explaining.device import NodeUnits, choose_units, choose_zone
from placer.explaining.others import Mask
from placer.explaining.rejection import Rejection
from placer.explaining.state import State
from placer.explaining.subject import Subject, amount_text
from placer.model.device import WHOLE, DeviceNeed
from placer.model.rule import OTHER_WORDS, WORDS, Rule, insufficient
from placer.model.volume import Disk, HostPort, Volume


def asked(pod: Subject) -> dict[str, int]:
    """What the pod asks for by resource, its own place among ``pods`` included."""
    return {"pods": 1, **{name: amount for name, amount in pod.requests.items() if name != "pods"}}


def resources(state: State, pod: Subject, nodes: Mask) -> Rejection:
    """For each resource asked for, what stands there and the pod are at most allocatable."""
    parts = {
        insufficient(name): amount > state.allocatable(name) - state.load(name) for name, amount in asked(pod).items()
    }

    def detail(node: int) -> str:
        texts = []
        for name, amount in asked(pod).items():
            if parts[insufficient(name)][node]:
                total = int(state.allocatable(name)[node])
                free = total - int(state.load(name)[node])
                figures = (amount_text(name, number) for number in (amount, free, total))
                texts.append("{}: asks {}, {} free of {}".format(insufficient(name), *figures))
        return "; ".join(texts)

    return Rejection(Rule.NodeResourcesFit, parts, detail)


def port_text(port: HostPort) -> str:
    """``80/TCP``, with the address where it is not every one."""
    return f"{port.port}/{port.protocol}" + ("" if port.host_ip == "0.0.0.0" else f" on {port.host_ip}")


def clashing(state: State, port: HostPort) -> Mask:
    """(nodes,) on which a pod holds a port that clashes."""
    column = state.others.table["host_ports"]
    hit = np.array([any(port.clashes(other) for other in ports) for ports in column.values], bool)[column.codes]
    mask = state.everywhere.copy()
    mask[state.others.where[hit & state.others.standing]] = True
    return mask


def ports(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """No two pods on a node hold ports that clash."""
    masks = {port: clashing(state, port) for port in pod.pod.host_ports}
    if not masks:
        return None

    def detail(node: int) -> str:
        taken = ", ".join(port_text(port) for port, mask in masks.items() if mask[node])
        return f"{WORDS[Rule.NodePorts]}: {taken} in use"

    return Rejection(Rule.NodePorts, {WORDS[Rule.NodePorts]: np.logical_or.reduce(list(masks.values()))}, detail)


def held_elsewhere(state: State, pod: Subject, names: Sequence[str]) -> list[str]:
    """Which of the pod's ReadWriteOncePod volumes another pod that stands names."""
    others = state.others
    same = others.only(pod.pod.namespace)[others.table["namespace"].codes] & others.standing
    codes = np.unique(others.table["volumes"].codes[same])
    used = {(volume.name, volume.access) for code in codes for volume in others.table["volumes"].values[code]}
    own = {volume.name: volume.access for volume in pod.pod.volumes}
    once = "ReadWriteOncePod"
    return [name for name in names if (name, once) in used or (own[name] == once and name in {n for n, _ in used})]


def restrictions(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """No disk that clashes is on the node, and a ReadWriteOncePod volume is held by one pod in the cluster."""
    held = held_elsewhere(state, pod, [volume.name for volume in pod.pod.volumes]) if pod.pod.volumes else []
    disks = {disk: _with_disk(state, disk) for disk in pod.pod.disks}
    clash = np.logical_or.reduce([state.everywhere, *disks.values()])
    words, of_disks = WORDS[Rule.VolumeRestrictions], OTHER_WORDS[Rule.VolumeRestrictions]
    parts = {of_disks: clash, words: ~clash if held else state.everywhere}

    def detail(node: int) -> str:
        if clash[node]:
            return f"{of_disks}: {', '.join(disk.name for disk, mask in disks.items() if mask[node])}"
        return f"{words}: {', '.join(held)}"

    return Rejection(Rule.VolumeRestrictions, parts, detail) if held or disks else None


def _with_disk(state: State, disk: Disk) -> Mask:
    """(nodes,) on which a pod holds a disk that clashes."""
    column = state.others.table["disks"]
    hit = np.array([any(disk.clashes(other) for other in disks) for disks in column.values], bool)[column.codes]
    mask = state.everywhere.copy()
    mask[state.others.where[hit & state.others.standing]] = True
    return mask


def _attaches(namespace: str, volumes: Sequence[Volume], disks: Sequence[Disk], driver: str) -> set[tuple[str, str]]:
    """What a pod attaches that counts for a driver: volumes of its namespace, and disks, which are of all of them."""
    own = {(namespace, volume.name) for volume in volumes if volume.driver == driver}
    return own | {("", f"{disk.kind} {disk.name}") for disk in disks if disk.driver == driver}


def attached(state: State, driver: str) -> tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]:
    """
    The volumes of a driver that are attached.

    Returns
    -------
    (nodes,) how many distinct ones; and (namespace, name) → rows of the nodes that have it.
    """
    others = state.others
    volumes, namespaces = others.table["volumes"], others.table["namespace"]
    disks = others.table["disks"]
    has = np.array([any(v.driver == driver for v in value) for value in volumes.values], bool)[volumes.codes]
    has |= np.array([any(d.driver == driver for d in value) for value in disks.values], bool)[disks.codes]
    rows = np.flatnonzero(has & others.standing)
    places: dict[tuple[str, str], set[int]] = {}
    for row in rows.tolist():
        for name in _attaches(namespaces[row], volumes[row], disks[row], driver):
            places.setdefault(name, set()).add(int(others.where[row]))
    count = np.zeros(state.count, np.int64)
    for found in places.values():
        count[list(found)] += 1
    return count, {name: np.array(sorted(found), np.int64) for name, found in places.items()}


def volume_limit(state: State, driver: str) -> np.ndarray:
    """(nodes,) a driver's attach limit, without end where the node does not name it."""
    limits = state.nodes.volume_limits
    endless = np.iinfo(np.int64).max
    values = np.array([value.get(driver, endless) for value in limits.values], np.int64)
    return values[limits.codes] if len(values) else np.zeros(0, np.int64)


def volume_limits(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """Per driver that the pod brings a new volume of, the distinct volumes attached are at most the node's limit."""
    limited = {driver for value in state.nodes.volume_limits.values for driver in value}
    own = {*(volume.driver for volume in pod.pod.volumes), *(disk.driver for disk in pod.pod.disks)}
    drivers = sorted(own & limited)
    over: dict[str, Mask] = {}
    for driver in drivers:
        count, places = attached(state, driver)
        new = np.zeros(state.count, np.int64)
        for name in _attaches(pod.pod.namespace, pod.pod.volumes, pod.pod.disks, driver):
            new += 1
            new[places.get(name, [])] -= 1
        over[driver] = (new > 0) & (count + new > volume_limit(state, driver))
    if not over:
        return None
    words = WORDS[Rule.NodeVolumeLimits]

    def detail(node: int) -> str:
        full = (f"{driver} attaches {volume_limit(state, driver)[node]}" for driver in drivers if over[driver][node])
        return f"{words}: {', '.join(full)}"

    return Rejection(Rule.NodeVolumeLimits, {words: np.logical_or.reduce(list(over.values()))}, detail)


def need_text(need: DeviceNeed) -> str:
    """``2 units``, ``2 units at 300/1000``, with amounts and expressions."""
    text = f"{need.count} unit" + ("s" if need.count > 1 else "")
    if 0 < need.share_milli < WHOLE:
        text += f" at {need.share_milli}/1000"
    if need.amounts:
        text += " with " + ", ".join(f"{amount_text(name, amount)} {name}" for name, amount in need.amounts.items())
    if need.where:
        text += " where " + ", ".join(f"{r.key} {r.operator} {', '.join(r.values)}".strip() for r in need.where)
    return text


def _by_units(state: State, nodes: Mask, ask: Callable[[NodeUnits], int]) -> np.ndarray:
    """(nodes,) an answer that depends on the node's units alone, asked once per listing where nothing is taken."""
    known = np.array([ask(units) for units in state.empty], np.int64)
    answers = known[state.listed.codes] if len(known) else np.zeros(state.count, np.int64)
    for node, units in state.touched.items():
        if nodes[node]:
            answers[node] = ask(units)
    return answers


def devices(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """A need takes different units of its kind whose attributes satisfy it; whole ones must be entirely free."""
    if not pod.needs:
        return None

    def first_unmet(units: NodeUnits) -> int:
        chosen = choose_units(units, pod.needs)
        return chosen if isinstance(chosen, int) else -1

    unmet = _by_units(state, nodes, first_unmet)
    kinds = dict.fromkeys(need.kind for need in pod.needs)
    parts = {
        WORDS[Rule.Devices].format(kind): np.isin(unmet, [i for i, need in enumerate(pod.needs) if need.kind == kind])
        for kind in kinds
    }

    def detail(node: int) -> str:
        need = pod.needs[unmet[node]]
        units = state.units(node)
        have = sum(device.kind == need.kind for device in units.devices)
        fit = len(units.eligible(need))
        return f"{WORDS[Rule.Devices].format(need.kind)}: asks {need_text(need)}, {fit} of {have} could serve it"

    return Rejection(Rule.Devices, parts, detail)


def numa(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """With ``numa="require"``, one zone has room for cpu, memory and all needs."""
    if pod.pod.numa != "require":
        return None
    rejects = _by_units(state, nodes, lambda units: bool(units.zones()) and choose_zone(units, pod) is None) > 0

    def detail(node: int) -> str:
        units = state.units(node)
        texts = []
        for place, unit in enumerate(units.zones()):
            left = (f"{amount_text(name, units.left[unit].get(name, 0))} {name}" for name in ("cpu", "memory"))
            texts.append(f"zone {place} has {', '.join(left)} free")
        return f"{WORDS[Rule.Numa]}: {'; '.join(texts)}"

    return Rejection(Rule.Numa, {WORDS[Rule.Numa]: rejects}, detail)


RULES = {
    ports: Rule.NodePorts,
    resources: Rule.NodeResourcesFit,
    devices: Rule.Devices,
    numa: Rule.Numa,
    restrictions: Rule.VolumeRestrictions,
    volume_limits: Rule.NodeVolumeLimits,
}
