"""Costs: what the terms of goals come to, measured with each pod that comes or goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Costs, State

ANY, LINEAR, SQUARES, ABOVE, MAX, VARIANCE = 0, 1, 2, 3, 4, 5
PRODUCT, PREFERENCE, ROOM, FRAGMENTATION, WISHES = 6, 7, 8, 9, 10


@njit
def cell_of(costs: Costs, measured: int, pod_class: int, node: int) -> int:
    """The cell of a measure in which a pod of a class counts on a node; -1 where the node lacks the key."""
    domain = costs.domain[costs.key[measured], node]
    if domain < 0:
        return -1
    cell: int = costs.start[measured] + costs.group[measured, pod_class] * costs.domains[measured] + domain
    return cell


@njit
def measure(costs: Costs, state: State, pod_class: int, node: int, sign: int) -> None:
    """Adds a pod to all measures (``sign`` 1), or takes it out (-1). O(measures it adds to)."""
    for index in range(costs.touched_start[pod_class], costs.touched_start[pod_class + 1]):
        measured = costs.touched[index]
        cell = cell_of(costs, measured, pod_class, node)
        if cell >= 0:
            state.cost_value[cell] += sign * costs.amount[measured, pod_class]
