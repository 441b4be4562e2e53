"""ApartFrom: pods that may not share a node, whichever of the two names the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.model.rule import Rule


def check(scene: Scene) -> Iterator[Finding]:
    """Walks through the events of pods that name others or are named; without an order, all stand from the start."""
    timeline, pods = scene.timeline, scene.facts.pods
    enemies = _enemies(scene)
    if not enemies:
        return
    concerned = np.zeros(len(pods), bool)
    concerned[list(enemies)] = True
    events = np.flatnonzero(concerned[timeline.pod])
    where: dict[int, int] = {}
    if not timeline.ordered:
        where = dict(zip(timeline.pod[events].tolist(), timeline.node[events].tolist(), strict=True))
    for event in events.tolist():
        row, node = int(timeline.pod[event]), int(timeline.node[event])
        if timeline.checked[event]:
            near = [other for other in sorted(enemies[row]) if where.get(other) == node]
            if near:
                names = ", ".join(pods.key(other) for other in near[:3])
                yield Finding(event, Rule.ApartFrom.name, f"{len(near)} pods to stay apart from are there: {names}")
        if timeline.sign[event] > 0:
            where[row] = node
        else:
            where.pop(row, None)


def _enemies(scene: Scene) -> dict[int, set[int]]:
    """Row of a pod → rows of the pods that it names or that name it."""
    pods = scene.facts.pods
    some = scene.facts.truthy("apart_from")
    enemies: dict[int, set[int]] = {}
    for row in np.flatnonzero(some).tolist() if some is not None else ():
        for name in pods["apart_from"][row]:
            other = pods.index(name)
            if other >= 0 and other != row:
                enemies.setdefault(row, set()).add(other)
                enemies.setdefault(other, set()).add(row)
    return enemies
