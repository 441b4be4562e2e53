"""The pods that stand already, put into a fresh state in input order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placer.kernels.bind import hold_units, put
from placer.kernels.devices import hold_unit, unit_serves
from placer.kernels.jit import njit

if TYPE_CHECKING:
    from placer.encode.problem import Problem, State, Work


@njit
def lowest_units(problem: Problem, state: State, pod_class: int, node: int, zone: int, work: Work) -> tuple[int, bool]:
    """
    Need by need the units of lowest place that have room; a need of which too few have gets none.

    Returns
    -------
    How many units were written to ``work``, and whether every need was met.
    """
    units, classes = problem.units, problem.classes
    slots, met = 0, True
    for need in range(classes.unit_start[pod_class], classes.unit_start[pod_class + 1]):
        begin = slots
        for unit in range(units.start[node], units.start[node + 1]):
            if slots - begin == classes.unit_count[need]:
                break
            used = False
            for slot in range(begin):
                used = used or work.chosen[slot] == unit
            if not used and unit_serves(problem, state, need, unit, zone):
                work.chosen[slots] = unit
                work.slot_need[slots] = need
                slots += 1
        if slots - begin < classes.unit_count[need]:
            slots, met = begin, False
    return slots, met


@njit
def assume_units(problem: Problem, state: State, pod_class: int, node: int, work: Work) -> int:
    """The units that a standing pod is taken to hold where nothing is known: in the first zone with room for all."""
    classes, units = problem.classes, problem.units
    if classes.numa[pod_class] > 0 and units.zones[node] > 0:
        numa, cpu, memory = units.numa_kind[0], units.numa_kind[1], units.numa_kind[2]
        wanted = classes.numa_amount[pod_class]
        for zone in range(units.start[node], units.start[node + 1]):
            if units.kind[zone] != numa:
                continue
            if (wanted[0] > 0 and state.unit_free[zone, cpu] < wanted[0]) or (
                wanted[1] > 0 and state.unit_free[zone, memory] < wanted[1]
            ):
                continue
            hold_unit(problem, state, pod_class, -1, zone, 1)
            slots, met = lowest_units(problem, state, pod_class, node, units.place[zone], work)
            hold_unit(problem, state, pod_class, -1, zone, -1)
            if met:
                work.chosen[slots] = zone
                work.slot_need[slots] = -1
                return slots + 1
    slots, _ = lowest_units(problem, state, pod_class, node, -1, work)
    return slots


@njit
def put_standing(
    problem: Problem,
    state: State,
    work: Work,
    pod_class: NDArray[np.int32],
    node: NDArray[np.int32],
    given_start: NDArray[np.int32],
    given: NDArray[np.int32],
    given_need: NDArray[np.int32],
) -> None:
    """
    Puts pods on their nodes, whether or not they fit; those whose units are known take them first.

    Parameters
    ----------
    pod_class, node
        (pods,) int32; internal nodes.
    given_start, given, given_need
        Units that pods are known to hold: place among all units of the node, and the need served.
    """
    classes, units = problem.classes, problem.units
    for known in (True, False):
        for pod in range(pod_class.shape[0]):
            kind = pod_class[pod]
            slots = given_start[pod + 1] - given_start[pod]
            if (slots > 0) != known:
                continue
            put(problem, state, kind, node[pod], 1)
            if classes.unit_start[kind + 1] == classes.unit_start[kind] and classes.numa[kind] == 0:
                continue
            if known:
                for slot in range(slots):
                    work.chosen[slot] = units.start[node[pod]] + given[given_start[pod] + slot]
                    work.slot_need[slot] = given_need[given_start[pod] + slot]
            else:
                slots = assume_units(problem, state, kind, node[pod], work)
            hold_units(problem, state, kind, work.chosen, work.slot_need, slots, 1)
