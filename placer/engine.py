"""The engine: a problem's pending pods placed on its nodes, arrays in and arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import ragged
from placer.encode.encode import Encoded
from placer.encode.plan import make_plan
from placer.encode.problem import UNLIMITED, Goals, Log, Plan, Problem, Repair, State, Work
from placer.encode.state import new_log, new_state, new_work
from placer.model.cluster import Cluster
from placer.model.device import NUMA

CHUNK = 512
"""Families placed between two looks at the clock."""
MOST_REPAIRED = 2048
"""Pods that repair tries to make room for in one round, most important first."""
REPAIR_CHUNK = 16
MOST_FRUITLESS = 4
"""Chunks in a row for which no room was found, after which a round of repair ends."""
REFILL_CHUNK = 256
"""Nodes whose units are refilled between two looks at the clock."""
MOST_REFILLS = 4
"""Times that all units are looked at, each time followed by a round of placing."""
MOST_POOL = 256
"""Classes left out from which units are refilled, those with most pods."""


class Run(NamedTuple):
    """
    A placement under way.

    Attributes
    ----------
    pod_of_slot
        (pending,) rows of the cluster's pods, class by class in input order.
    stopped_by_steps
        (1,) whether a step limit ended it.
    """

    encoded: Encoded
    goals: Goals
    plan: Plan
    state: State
    work: Work
    log: Log
    pod_of_slot: NDArray[np.int32]
    stopped_by_steps: NDArray[np.bool_]


def pods_per_class(encoded: Encoded) -> NDArray[np.int64]:
    """(classes,) pods that stand or are pending."""
    classes = len(encoded.problem.classes.priority)
    rows = np.concatenate([encoded.pending, encoded.standing])
    return np.bincount(encoded.class_of_pod[rows], minlength=classes).astype(np.int64)


def prepare(cluster: Cluster, encoded: Encoded, goals: Goals, sequence: NDArray[np.int32] | None = None) -> Run:
    """
    State with the standing pods in it, the order of placing, and an empty log.

    Parameters
    ----------
    sequence
        The pending pods in the order in which those of a class are placed; input order by default.
    """
    problem = encoded.problem
    sequence = encoded.pending if sequence is None else sequence
    of_pending = encoded.class_of_pod[sequence]
    pending = np.bincount(of_pending, minlength=len(problem.classes.priority)).astype(np.int64)
    state, work = standing_state(cluster, encoded), new_work(problem, encoded.ranking)
    plan = make_plan(problem, pending, goals.load)
    log = new_log(problem, plan.first_slot, plan.last_slot, spare=len(sequence) // 4 + 1024)
    order = np.argsort(of_pending, kind="stable")
    return Run(encoded, goals, plan, state, work, log, sequence[order], np.zeros(1, bool))


def standing_state(cluster: Cluster, encoded: Encoded) -> State:
    """A fresh state with the standing pods in it."""
    state = new_state(encoded.problem, pods_per_class(encoded))
    if len(encoded.standing):
        stand(cluster, encoded, state, new_work(encoded.problem, encoded.ranking))
    return state


def stand(cluster: Cluster, encoded: Encoded, state: State, work: Work) -> None:
    """Puts the standing pods where they stand, with the units that they are known to hold."""
    from placer.kernels.standing import put_standing
    from placer.kernels.structs import pack

    rows = encoded.standing
    held = cluster.pod_table["units"]
    holds = np.array([bool(value) for value in held.values], bool)[held.codes[rows]]
    nodes = encoded.position[cluster.pod_table.node[rows]].astype(np.int32)
    pod_class = encoded.class_of_pod[rows]
    given: list[list[tuple[int, int]]] = [[] for _ in rows]
    for index in np.flatnonzero(holds).tolist():
        given[index] = known_units(encoded, int(pod_class[index]), int(nodes[index]), held[int(rows[index])])
    start, unit = ragged([[unit for unit, _ in pairs] for pairs in given])
    need = np.array([need for pairs in given for _, need in pairs], np.int32)
    put_standing(pack(encoded.problem), pack(state), pack(work), pod_class, nodes, start, unit, need)
    _sum_units(encoded, state)


def _sum_units(encoded: Encoded, state: State) -> None:
    """Sets what is free of each kind of device to what its units have free: standing pods may hold less than asked."""
    units = encoded.problem.units
    owner = np.repeat(np.arange(len(units.start) - 1), np.diff(units.start))
    for resource, name in enumerate(encoded.resources):
        if name.startswith("device:"):
            mine = units.kind == encoded.kinds.index(name.removeprefix("device:"))
            left = np.maximum(state.unit_free[mine, 0], 0)
            state.free[resource] = np.bincount(owner[mine], left, minlength=len(units.start) - 1).astype(np.int64)


def known_units(
    encoded: Encoded, pod_class: int, node: int, held: Mapping[str, Sequence[int]]
) -> list[tuple[int, int]]:
    """(place among the node's units, need served) of each unit a pod is known to hold; -1 is its NUMA zone."""
    units, classes = encoded.problem.units, encoded.problem.classes
    low, high = int(units.start[node]), int(units.start[node + 1])
    at = {(int(units.kind[u]), int(units.place[u])): u - low for u in range(low, high)}
    left = {kind: list(places) for kind, places in held.items()}
    pairs = []
    for need in range(int(classes.unit_start[pod_class]), int(classes.unit_start[pod_class + 1])):
        kind = int(classes.unit_kind[need])
        for _ in range(int(classes.unit_count[need])):
            places = left.get(encoded.kinds[kind], [])
            if places and (kind, places[0]) in at:
                pairs.append((at[kind, places.pop(0)], need))
    if classes.numa[pod_class] and left.get(NUMA):
        zone = (int(units.numa_kind[0]), left[NUMA][0])
        pairs += [(at[zone], -1)] if zone in at else []
    return pairs


def place(
    run: Run,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] | None = None,
    steps: int | None = None,
) -> int:
    """
    Places everything that fits, most important first; what did not fit is tried again while others arrive.

    Returns
    -------
    The steps left, -1 where they are not limited.
    """
    from placer.kernels.place import place_families
    from placer.kernels.structs import pack

    families, circle = len(run.plan.scan_key), run.plan.circle
    repairs = new_repair(run)
    packed = pack(run.encoded.problem), pack(run.goals), pack(run.state), pack(run.work), pack(run.log)
    plan = pack(run.plan)
    left = steps if steps is not None else -1
    refills = 0
    while True:
        before = int(run.log.lines[0])
        low = high = 0
        while high < families:
            if stop():
                return left
            low, high = high, min(high + (CHUNK if left < 0 else min(CHUNK, left)), families)
            while high < families and circle[high] >= 0 and circle[high] == circle[high - 1]:
                high += 1
            place_families(*packed, plan, low, high)
            if left >= 0:
                # Families that wait for one another are placed together, also where fewer steps are left.
                left = max(0, left - (high - low))
                if left <= 0 and high < families:
                    run.stopped_by_steps[0] = True
                    return left
            if progress:
                progress(int(run.log.lines[0]), len(run.pod_of_slot))
        run.work.scan_key[0] = -1
        if int(run.log.lines[0]) > before and not (run.log.line_of_slot >= 0).all():
            continue
        refills += 1
        filled = refills <= MOST_REFILLS and _refill(run, packed, repairs, stop)
        if not filled and not _repair(run, packed, repairs, stop):
            return left
        run.log.next_slot[:] = run.plan.first_slot


def pods_to_place(plan: Plan) -> NDArray[np.int64]:
    """(classes,) pods that a plan is to place."""
    return (plan.last_slot - plan.first_slot).astype(np.int64)


def class_of_slot(plan: Plan) -> NDArray[np.int32]:
    """(pending,) the class of each slot's pod."""
    return np.repeat(np.arange(len(plan.first_slot), dtype=np.int32), plan.last_slot - plan.first_slot)


def bound_lines(log: Log) -> NDArray[np.int64]:
    """The lines of the log that count, in order: those of pods that were not moved since."""
    lines: NDArray[np.int64] = np.flatnonzero(log.line_of_slot[log.slot[: log.lines[0]]] == np.arange(log.lines[0]))
    return lines


def new_repair(run: Run) -> Repair:
    """What repair keeps beside the log of a run."""
    nodes, plan = run.encoded.problem.nodes, run.plan
    capacity = np.where(nodes.capacity < UNLIMITED, nodes.capacity, 0).sum(axis=1)
    return Repair(
        class_of_slot=class_of_slot(plan),
        head=np.full(len(nodes.row), -1, np.int32),
        next=np.full(len(run.log.slot), -1, np.int32),
        given=np.zeros(len(capacity), np.int64),
        size=1.0 / np.maximum(capacity, 1),
    )


def _repair(run: Run, packed: tuple[Any, Any, Any, Any, Any], repairs: Repair, stop: Callable[[], bool]) -> bool:
    """Makes room for pods that fit nowhere, most important first; whether any was placed so."""
    from placer.kernels.repair import link_lines, repair_slots
    from placer.kernels.structs import pack

    left = np.flatnonzero(run.log.line_of_slot < 0)
    if not len(left) or stop():
        return False
    priority = run.encoded.problem.classes.priority[repairs.class_of_slot[left]]
    left = left[np.argsort(-priority, kind="stable")][:MOST_REPAIRED]
    kernel = pack(repairs)
    link_lines(packed[4], kernel)
    done, fruitless = 0, 0
    for low in range(0, len(left), REPAIR_CHUNK):
        if stop() or fruitless >= MOST_FRUITLESS:
            break
        made = int(repair_slots(*packed, kernel, left[low : low + REPAIR_CHUNK]))
        fruitless = 0 if made else fruitless + 1
        done += made
    return done > 0


def _refill(run: Run, packed: tuple[Any, Any, Any, Any, Any], repairs: Repair, stop: Callable[[], bool]) -> bool:
    """Fills units that have something free anew from pods that are left out and fit nowhere; whether any was."""
    from placer.kernels.refill import refill_nodes
    from placer.kernels.repair import link_lines
    from placer.kernels.structs import pack

    problem, log = run.encoded.problem, run.log
    left = repairs.class_of_slot[log.line_of_slot < 0]
    waiting = np.bincount(left, minlength=len(problem.classes.priority)).astype(np.int32)
    pool = share_pool(problem, waiting, repairs.size)
    if not len(pool):
        return False
    compiled, _, state, work, lines = packed
    kernel = pack(repairs)
    link_lines(lines, kernel)
    log.next_slot[:] = run.plan.first_slot
    # Goals other than pack may lose where pods are exchanged: then only for more pods.
    more = int(np.count_nonzero(run.goals.weight[1:]) > 0)
    done = 0
    for low in range(0, len(problem.nodes.row), REFILL_CHUNK):
        if stop():
            break
        high = min(low + REFILL_CHUNK, len(problem.nodes.row))
        done += int(refill_nodes(compiled, state, work, lines, kernel, pool, waiting, low, high, more))
    return done > 0


def share_pool(problem: Problem, waiting: NDArray[np.int32], size: NDArray[np.float64]) -> NDArray[np.int32]:
    """
    The classes with waiting pods that take a share of one unit, or one whole; largest share first, then largest pod.

    Those with claims that are bound with their pod are not among them: refilling tries pods without deciding any.

    Parameters
    ----------
    waiting
        (classes,) pods that are left out; those with most are taken where there are more than MOST_POOL classes.
    size
        (resources,) as in :class:`Repair`.
    """
    classes = problem.classes
    chosen = np.flatnonzero((waiting > 0) & (np.diff(classes.unit_start) == 1) & (classes.numa == 0))
    chosen = chosen[np.diff(problem.claims.start)[chosen] == 0]
    need = classes.unit_start[chosen]
    chosen = chosen[(classes.unit_count[need] == 1) & (classes.unit_amount[need, 0] > 0)]
    chosen = chosen[np.argsort(-waiting[chosen], kind="stable")][:MOST_POOL]
    share = classes.unit_amount[classes.unit_start[chosen], 0]
    order = np.lexsort((-(classes.need[chosen] * size).sum(axis=1), -share))
    pool: NDArray[np.int32] = chosen[order].astype(np.int32)
    return pool


def claims_of(cluster: Cluster, run: Run, pods: NDArray[np.int32]) -> dict[int, dict[str, str]]:
    """What claims of the bound pods that waited are bound to, by place in the order; empty for one to be made."""
    column = cluster.pod_table["volumes"]
    some = np.array([any(volume.waiting for volume in listed) for listed in column.values], bool)
    if not some.any():
        return {}
    encoded, namespaces = run.encoded, cluster.pod_table["namespace"]
    decided = zip(encoded.claims, run.state.claim_volume.tolist(), strict=False)
    bound = {name: encoded.volumes[volume] for name, volume in decided if volume >= 0}
    return {
        place: {volume.name: bound.get((namespaces[row], volume.name), "") for volume in column[row] if volume.waiting}
        for place, row in enumerate(pods.tolist())
        if some[column.codes[row]]
    }


def bindings(
    run: Run,
) -> tuple[tuple[NDArray[np.int32], NDArray[np.int32]], dict[int, dict[str, list[int]]]]:
    """Pods and nodes as table rows in the order of binding, and the units taken by place in that order."""
    log, problem = run.log, run.encoded.problem
    lines = bound_lines(log)
    pods = run.pod_of_slot[log.slot[lines]]
    nodes = problem.nodes.row[log.node[lines]]
    devices: dict[int, dict[str, list[int]]] = {}
    taken = np.diff(log.unit_start)[lines]
    for index in np.flatnonzero(taken).tolist():
        line = int(lines[index])
        held = devices.setdefault(index, {})
        for unit in log.unit[log.unit_start[line] : log.unit_start[line + 1]].tolist():
            held.setdefault(run.encoded.kinds[problem.units.kind[unit]], []).append(int(problem.units.place[unit]))
    return (pods.astype(np.int32), nodes.astype(np.int32)), devices
