"""NodeVolumeLimits and VolumeRestrictions: volumes that a node attaches, and volumes with a single holder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.model.rule import Rule

ONCE = "ReadWriteOncePod"


def check_limits(scene: Scene) -> Iterator[Finding]:
    """Per driver that an arrival brings a new volume of, the distinct volumes of a node are at most its limit."""
    timeline, pods, limits = scene.timeline, scene.facts.pods, scene.facts.nodes.volume_limits
    limited = {driver for value in limits.values for driver in value}
    if not limited:
        return
    holders: dict[tuple[int, str, str, str], int] = {}
    attached: dict[tuple[int, str], int] = {}
    carriers = np.union1d(scene.carriers("volumes", checked=False), scene.carriers("disks", checked=False))
    for event in carriers.tolist():
        row, node, sign = int(timeline.pod[event]), int(timeline.node[event]), int(timeline.sign[event])
        own = {(volume.driver, pods["namespace"][row], volume.name) for volume in pods["volumes"][row]}
        own |= {(disk.driver, "", f"{disk.kind} {disk.name}") for disk in pods["disks"][row]}
        new: dict[str, int] = {}
        for driver, namespace, name in own:
            if driver not in limited:
                continue
            key = (node, driver, namespace, name)
            before = holders.get(key, 0)
            holders[key] = before + sign
            if (before == 0) != (before + sign == 0):
                attached[node, driver] = attached.get((node, driver), 0) + sign
                new[driver] = new.get(driver, 0) + sign
        if timeline.checked[event]:
            most = limits[node]
            for driver, count in sorted(new.items()):
                have = attached[node, driver]
                if count > 0 and driver in most and have > most[driver]:
                    yield Finding(
                        event,
                        Rule.NodeVolumeLimits.name,
                        f"{driver} would attach {have} volumes, {count} of them new, of at most {most[driver]}",
                    )


def check_single_holders(scene: Scene) -> Iterator[Finding]:
    """A ReadWriteOncePod volume is held by one pod at a time in the whole cluster."""
    timeline, pods = scene.timeline, scene.facts.pods
    if not any(volume.access == ONCE for volumes in pods["volumes"].values for volume in volumes):
        return
    holders: dict[tuple[str, str], int] = {}
    single: dict[tuple[str, str], int] = {}
    held_by: dict[tuple[int, tuple[str, str]], int] = {}
    for event in scene.carriers("volumes", checked=False).tolist():
        row, sign = int(timeline.pod[event]), int(timeline.sign[event])
        namespace = pods["namespace"][row]
        access: dict[tuple[str, str], bool] = {}
        for volume in pods["volumes"][row]:
            key = (namespace, volume.name)
            access[key] = access.get(key, False) or volume.access == ONCE
        for key, once in access.items():
            own = held_by.get((row, key), 0)
            others = holders.get(key, 0) - own
            others_single = single.get(key, 0) - (own if once else 0)
            if timeline.checked[event] and others > 0 and (once or others_single > 0):
                yield Finding(
                    event,
                    Rule.VolumeRestrictions.name,
                    f"volume {key[1]} is {ONCE} and held by {others} other pods, allowed is 0",
                )
            held_by[row, key] = own + sign
            holders[key] = holders.get(key, 0) + sign
            single[key] = single.get(key, 0) + (sign if once else 0)
