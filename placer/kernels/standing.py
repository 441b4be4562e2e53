"""The pods that stand already, put into a fresh state in input order."""

from __future__ import annotations

from placer.kernels.bind import hold_units, put
from placer.kernels.devices import choose_units
from placer.kernels.jit import njit


@njit
def put_standing(problem, state, work, pod_class, node, given_start, given, given_need):  # type: ignore[no-untyped-def]
    """
    Puts pods on their nodes, whether or not they fit.

    Parameters
    ----------
    pod_class, node
        (pods,) int32; internal nodes.
    given_start, given, given_need
        Units that pods are known to hold: place among all units of the node, and the need served. Pods with needs of
        which nothing is known take units of lowest place, or none where too few have room.
    """
    classes, units = problem.classes, problem.units
    for pod in range(pod_class.shape[0]):
        kind = pod_class[pod]
        put(problem, state, kind, node[pod], 1)
        if classes.unit_start[kind + 1] == classes.unit_start[kind] and classes.numa[kind] == 0:
            continue
        slots = given_start[pod + 1] - given_start[pod]
        if slots > 0:
            for slot in range(slots):
                work.chosen[slot] = units.start[node[pod]] + given[given_start[pod] + slot]
                work.slot_need[slot] = given_need[given_start[pod] + slot]
        else:
            slots = choose_units(problem, state, kind, node[pod], work, True)
        hold_units(problem, state, kind, work.chosen, work.slot_need, slots, 1)
