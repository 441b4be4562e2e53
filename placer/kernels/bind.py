"""One pod onto or off a node: what lets it stand there, and every array of the state that it touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.costs import measure
from placer.kernels.counters import count_at, count_pod
from placer.kernels.devices import hold_unit
from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Problem, State


@njit
def charge(problem: Problem, state: State, pod_class: int, node: int, sign: int) -> None:
    """Takes what a pod of a class asks for from what a node has free (``sign`` 1), or gives it back (-1)."""
    classes = problem.classes
    for index in range(classes.asked.shape[1]):
        resource = classes.asked[pod_class, index]
        if resource < 0:
            break
        state.free[resource, node] -= sign * classes.need[pod_class, resource]


@njit
def put(problem: Problem, state: State, pod_class: int, node: int, sign: int) -> None:
    """
    Puts a pod of a class on a node (``sign`` 1) or takes it off (-1), devices apart.

    O(resources asked + counters it counts in + measures it adds to). Shared volumes are charged with the first pod that
    brings them.
    """
    classes, nodes, counters = problem.classes, problem.nodes, problem.counters
    charge(problem, state, pod_class, node, sign)
    state.pods[node] += sign
    first, last = classes.volume_start[pod_class], classes.volume_start[pod_class + 1]
    if sign > 0:
        for volume in range(first, last):
            if count_at(nodes, counters, state, classes.volume_counter[volume], node) == 0:
                state.free[classes.volume_resource[volume], node] -= 1
    for index in range(classes.adds_start[pod_class], classes.adds_start[pod_class + 1]):
        count_pod(nodes, counters, state, classes.adds[index], node, sign)
    measure(problem.costs, state, pod_class, node, sign)
    if sign < 0:
        for volume in range(first, last):
            if count_at(nodes, counters, state, classes.volume_counter[volume], node) == 0:
                state.free[classes.volume_resource[volume], node] += 1


@njit
def may_stand(problem: Problem, pod_class: int, node: int) -> bool:
    """Whether the static rules allow a class on a node."""
    classes = problem.classes
    signature = classes.eligible[pod_class]
    low, high = classes.eligible_start[signature], classes.eligible_start[signature + 1]
    segment = problem.nodes.segment[node]
    at = low + np.searchsorted(classes.eligible_segments[low:high], segment)
    found: bool = at < high and classes.eligible_segments[at] == segment
    return found


@njit
def resources_fit(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    """Whether a node has free what a pod of a class asks for, devices and volumes apart."""
    classes = problem.classes
    for index in range(classes.asked.shape[1]):
        resource = classes.asked[pod_class, index]
        if resource < 0:
            break
        if state.free[resource, node] < classes.need[pod_class, resource]:
            return False
    return True


@njit
def volumes_fit(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    """Whether the node can attach the pod's shared volumes that are not there yet, beside its private ones."""
    classes, nodes, counters = problem.classes, problem.nodes, problem.counters
    first, last = classes.volume_start[pod_class], classes.volume_start[pod_class + 1]
    for volume in range(first, last):
        resource = classes.volume_resource[volume]
        fresh = 0
        for other in range(first, last):
            if classes.volume_resource[other] == resource:
                absent = count_at(nodes, counters, state, classes.volume_counter[other], node) == 0
                fresh += 1 if absent else 0
        if fresh > 0 and state.free[resource, node] < fresh + classes.need[pod_class, resource]:
            return False
    return True


@njit
def hold_units(
    problem: Problem,
    state: State,
    pod_class: int,
    chosen: NDArray[np.int32],
    slot_need: NDArray[np.int32],
    slots: int,
    sign: int,
) -> None:
    """Takes or gives back the units of one pod."""
    for slot in range(slots):
        hold_unit(problem, state, pod_class, slot_need[slot], chosen[slot], sign)
