"""What two pods on a node may not both hold: host ports, and disks that are no claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol, Self, TypeVar

from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.model.rule import Rule
from placer.model.volume import Disk, HostPort


class _Held(Hashable, Protocol):
    def clashes(self, other: Self, /) -> bool: ...


Thing = TypeVar("Thing", bound=_Held)


def check_ports(scene: Scene) -> Iterator[Finding]:
    """NodePorts: no two pods on a node hold ports that clash."""
    return _check(scene, "host_ports", Rule.NodePorts, _port_key, _port_clash)


def check_disks(scene: Scene) -> Iterator[Finding]:
    """VolumeRestrictions: no two pods on a node hold disks that clash."""
    return _check(scene, "disks", Rule.VolumeRestrictions, _disk_key, _disk_clash)


def _check(
    scene: Scene,
    field: str,
    rule: Rule,
    key: Callable[[Thing], Hashable],
    text: Callable[[Thing, Thing, int], str],
) -> Iterator[Finding]:
    """
    Walks through the events of pods that hold such things; without an order, pods arrive in input order.

    Parameters
    ----------
    field
        Of the pods: what they hold, each with ``clashes``.
    key
        Only what has the same key can clash.
    text
        Says that one would clash with another, which so many hold.
    """
    timeline, column = scene.timeline, scene.facts.pods[field]
    held: dict[tuple[int, Hashable], Counter[Thing]] = {}
    for event in scene.carriers(field, checked=False).tolist():
        things, node = column[int(timeline.pod[event])], int(timeline.node[event])
        places = [held.setdefault((node, key(thing)), Counter()) for thing in things]
        if timeline.checked[event]:
            clashes = [
                text(thing, other, count)
                for thing, place in zip(things, places, strict=True)
                for other, count in place.items()
                if count > 0 and thing.clashes(other)
            ]
            if clashes:
                yield Finding(event, rule.name, "; ".join(clashes))
        for thing, place in zip(things, places, strict=True):
            place[thing] += int(timeline.sign[event])


def _port_key(port: HostPort) -> Hashable:
    return port.port, port.protocol


def _port_clash(port: HostPort, other: HostPort, count: int) -> str:
    one, two = (f"{each.host_ip}:{each.port}/{each.protocol}" for each in (port, other))
    return f"{one} would clash with {two}, held by {count}, allowed is 0"


def _disk_key(disk: Disk) -> Hashable:
    return disk.kind, disk.name


def _disk_clash(disk: Disk, _: Disk, count: int) -> str:
    return f"{disk.kind} disk {disk.name} would be held beside {count} others, allowed is 0"
