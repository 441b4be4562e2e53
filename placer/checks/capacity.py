"""NodeResourcesFit: what stands on a node asks for no more than it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.model.rule import Rule
from placer.model.table import ABSENT

UNLIMITED = np.iinfo(np.int64).max
EXACT_BELOW = 2**62


def check(scene: Scene) -> Iterator[Finding]:
    """After each arrival, per resource that it asks for; where time means nothing, pods arrive in input order."""
    timeline, units, nodes = scene.timeline, scene.facts.units, scene.facts.nodes
    order = np.argsort(timeline.node, kind="stable")
    node = timeline.node[order]
    begins = np.searchsorted(node, np.arange(len(nodes) + 1))
    sign, pod, checked = timeline.sign[order], timeline.pod[order], timeline.checked[order]
    for index, resource in enumerate(units.requests.resources):
        column = units.requests.table[:, index]
        if resource == "pods" or not column.any():
            continue
        asked = column[pod]
        have = np.maximum(units.allocatable.column(resource, ABSENT), 0)
        yield from _over(order, node, begins, sign * asked, have, checked & (asked > 0), resource)
    if "pods" in units.allocatable.resources:
        have = units.allocatable.column("pods", ABSENT)
        yield from _over(order, node, begins, sign, np.where(have == ABSENT, UNLIMITED, have), checked, "pods")


def _over(
    order: NDArray[np.int64],
    node: NDArray[np.int64],
    begins: NDArray[np.int64],
    change: NDArray[np.int64],
    have: NDArray[np.int64],
    checked: NDArray[np.bool_],
    resource: str,
) -> Iterator[Finding]:
    """Arrivals after which a node holds more than it has; events are sorted by node, then time."""
    if not checked.any():
        return
    largest = int(np.abs(change).max())
    amounts: NDArray[Any] = change if largest * len(change) < EXACT_BELOW else change.astype(object)
    running = np.concatenate([np.zeros(1, amounts.dtype), np.cumsum(amounts)])
    used = running[1:] - running[begins[node]]
    for place in np.flatnonzero(checked & (used > have[node])).tolist():
        yield Finding(
            int(order[place]),
            Rule.NodeResourcesFit.name,
            f"{resource} would be {used[place]} of {have[node[place]]}",
        )
