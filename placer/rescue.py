"""Where pods would go that lose their nodes, or that come on top: the final state, changed and changed back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.eligible import allowed_nodes
from placer.encode.encode import Encoded
from placer.encode.goals import encode_goals
from placer.encode.problem import Plan, Problem
from placer.encode.state import new_log, new_state, new_work
from placer.encode.terms import SKEW, Keys
from placer.engine import known_units, pods_per_class, stand
from placer.model.cluster import Cluster
from placer.solution import Rows

ATTEMPTS = 4
"""Orders tried before pods are said not to fit: whoever was left over comes first in the next."""
FEW = 8
"""Equal pods up to which the node of the last one is tried before all nodes are looked at."""
OPEN = 2**40
"""What each node has of the gate, of which every pod takes one: 0 closes the node."""
GATE = "\0gate"

Units = list[tuple[int, int]]


class Trial(NamedTuple):
    """
    What placing some pods anew has come to.

    Attributes
    ----------
    pod, node
        Rows of the tables, in an order in which each is legal.
    devices
        Place in that order → units taken.
    failed
        Rows of pods that found no node.
    """

    pod: list[int]
    node: list[int]
    devices: dict[int, dict[str, list[int]]]
    failed: list[int]


class Rescue:
    """
    The final state of an answer, in which pods are placed on trial.

    Parameters
    ----------
    plain
        The cluster encoded, without terms of goals.
    rows, devices
        The bindings and the units they take.
    key
        The label whose domains may fail; ``None`` where none may.

    Notes
    -----
    A trial costs O(nodes) a pod at most, and much less where equal pods were placed before; every trial leaves the
    state as it was. Memory is that of a run, and signatures × domains for who is bound to its domain.
    """

    def __init__(
        self,
        cluster: Cluster,
        plain: Encoded,
        rows: Rows,
        devices: Mapping[int, Mapping[str, Sequence[int]]],
        key: str | None,
    ) -> None:
        from placer.kernels.structs import pack

        self.encoded = plain._replace(problem=_gated(plain.problem), resources=[*plain.resources, GATE])
        self.cluster, self.problem = cluster, self.encoded.problem
        self.class_of = self.encoded.class_of_pod
        self.state = new_state(self.problem, pods_per_class(self.encoded))
        self.work = new_work(self.problem)
        goals = encode_goals(self.encoded, [[("pack", 1.0)]], pods_per_class(self.encoded))
        stand(cluster, self.encoded, self.state, self.work)
        self._parts = pack(self.problem), pack(self.state), pack(self.work)
        self._goals = pack(goals)
        self._plan = _class_by_class(self.problem, pods_per_class(self.encoded))
        self._log = new_log(self.problem, self._plan.first_slot, self._plan.last_slot, spare=0)
        self._packed_log, self._packed_plan = pack(self._log), pack(self._plan)
        self.where = np.full(len(cluster.pod_table), -1, np.int64)
        """(pods,) internal node of each pod that stands, -1 for none."""
        self.where[self.encoded.standing] = self.encoded.position[self.encoded.standing_node]
        self.held: dict[int, Units] = {}
        self.out = np.zeros(len(self.where), bool)
        """(pods,) those that are lifted."""
        self._limited: NDArray[np.bool_] = np.all(self.problem.nodes.capacity < OPEN, axis=1)
        capacity = np.where(self._limited[:, None], self.problem.nodes.capacity, 0).sum(axis=1)
        self.size: NDArray[np.float64] = (self.problem.classes.need / np.maximum(capacity, 1)).sum(axis=1)
        """(classes,) requests as shares of what the nodes have, summed."""
        self._free: NDArray[np.int64] | None = None
        classes = self.problem.classes
        self._counted = (np.diff(classes.adds_start) > 0) | (np.diff(classes.volume_start) > 0)
        self._plain = ~self._counted & (np.diff(classes.unit_start) == 0) & (classes.numa == 0)
        self._bind(rows, devices)
        self._hints: dict[int, int] = {}
        self.domains = _Domains(self, key) if key is not None else None

    def _bind(self, rows: Rows, devices: Mapping[int, Mapping[str, Sequence[int]]]) -> None:
        """Puts the bound pods where the answer has them."""
        nodes = self.encoded.position[rows.node]
        start = self.problem.units.start
        for place, held in devices.items():
            row, node = int(rows.pod[place]), int(nodes[place])
            pairs = known_units(self.encoded, int(self.class_of[row]), node, held)
            self.held[row] = [(int(start[node]) + unit, need) for unit, need in pairs]
        self.where[rows.pod] = nodes
        self._put(rows.pod.astype(np.int64), nodes.astype(np.int64), self.held, 1)

    def _put(self, rows: NDArray[np.int64], nodes: NDArray[np.int64], units: Mapping[int, Units], sign: int) -> None:
        """Puts pods on internal nodes (1) or takes them off (-1), with the units that some of them hold, by row."""
        from placer.kernels.bind import put

        pod_class = self.class_of[rows]
        plain = self._plain[pod_class]
        np.subtract.at(self.state.free.T, nodes[plain], sign * self.problem.classes.need[pod_class[plain]])
        np.add.at(self.state.pods, nodes[plain], sign)
        problem, state, _ = self._parts
        for place in np.flatnonzero(~plain).tolist():
            self._hold(int(pod_class[place]), units.get(int(rows[place]), []), sign)
            put(problem, state, int(pod_class[place]), int(nodes[place]), sign)

    def _hold(self, pod_class: int, units: Units, sign: int) -> None:
        from placer.kernels.bind import hold_units

        if units:
            chosen, need = (np.array(column, np.int32) for column in zip(*units, strict=True))
            problem, state, _ = self._parts
            hold_units(problem, state, pod_class, chosen, need, len(units), sign)

    def lift(self, rows: Sequence[int], sign: int = -1) -> None:
        """Takes bound pods out of the state; with ``sign`` 1 puts them back."""
        listed = np.asarray(rows, np.int64)
        self._put(listed, self.where[listed], self.held, sign)
        self.out[listed] = sign < 0
        self._free = None

    def add(self, rows: Sequence[int], near: Mapping[int, int] | None = None) -> Trial:
        """
        Pods that come on top of all that stands.

        Parameters
        ----------
        near
            Row of a pod → row of the node that is tried first.
        """
        wanted = {row: int(self.encoded.position[node]) for row, node in (near or {}).items()}
        return self._try(rows, wanted, ATTEMPTS)

    def fail(self, domain: int) -> Trial:
        """What stands in a domain placed elsewhere, as if its nodes were not there."""
        assert self.domains is not None
        there, saved = self.domains.pods(domain), self.domains.nodes(domain)
        attempts = 1 if (self.short(domain) > 0).any() else ATTEMPTS
        gate = len(self.encoded.resources) - 1
        # Its nodes are closed: of what stands there only those matter that rules between pods count.
        counted = there[self._counted[self.class_of[there]]]
        self._put(counted, self.where[counted], {}, -1)
        self.state.free[gate, saved] -= OPEN
        self.domains.vanish(domain, -1)
        found = self._try(self.domains.movable(domain, there).tolist(), {}, attempts)
        self.domains.vanish(domain, 1)
        self.state.free[gate, saved] += OPEN
        self._put(counted, self.where[counted], {}, 1)
        return found

    def allowed(self, signature: int) -> NDArray[np.bool_]:
        """(nodes,) where the static rules of a signature allow its pods."""
        return allowed_nodes(self.problem, signature)

    def short(self, domain: int) -> NDArray[np.int64]:
        """(resources,) how much those that would have to move ask for beyond what all other nodes have free."""
        assert self.domains is not None
        there = self.domains.pods(domain)
        moving = self.class_of[self.domains.movable(domain, there)]
        if self._free is None:
            self._free = np.maximum(self.state.free, 0).sum(axis=1)
        here = np.maximum(self.state.free[:, self.domains.nodes(domain)], 0).sum(axis=1)
        found: NDArray[np.int64] = self.problem.classes.need[moving].sum(axis=0) - (self._free - here)
        return np.where(self._limited, found, -1)

    def _try(self, rows: Sequence[int], near: Mapping[int, int], attempts: int) -> Trial:
        order = self._in_order(rows)
        best: Trial | None = None
        for attempt in range(attempts):
            found, taken = self._place(order, near, hints=attempt == 0)
            self._undo(found, taken)
            if best is None or len(found.failed) < len(best.failed):
                best = found
            if not found.failed:
                break
            failed = set(found.failed)
            order = found.failed + [row for row in order if row not in failed]
        assert best is not None
        return best

    def _in_order(self, rows: Sequence[int]) -> list[int]:
        """Most important first, then the largest; equal pods one after another."""
        listed = np.asarray(rows, np.int64)
        pod_class = self.class_of[listed]
        priority = self.problem.classes.priority[pod_class].astype(np.int64)
        order = np.lexsort((listed, pod_class, -self.size[pod_class], -priority))
        return [int(row) for row in listed[order]]

    def _place(self, order: Sequence[int], near: Mapping[int, int], hints: bool) -> tuple[Trial, list[Units]]:
        """Equal pods in a row at once; those left over are tried again while others still find a node."""
        found, taken = Trial([], [], {}, []), list[Units]()
        left = list(order)
        while left:
            again: list[int] = []
            for pod_class, run in groupby(left, lambda row: int(self.class_of[row])):
                rows = list(run)
                if near or (hints and len(rows) <= FEW):
                    rows = self._by_hint(found, taken, pod_class, rows, near)
                again += rows[self._by_score(found, taken, pod_class, rows) :] if rows else []
            if len(again) == len(left):
                break
            left = again
        found.failed.extend(left)
        return found, taken

    def _by_hint(
        self, found: Trial, taken: list[Units], pod_class: int, rows: Sequence[int], near: Mapping[int, int]
    ) -> list[int]:
        """Puts pods where they are wanted, or where an equal one went before; the rows of the others."""
        from placer.kernels.arrive import fits_now
        from placer.kernels.bind import put

        problem, state, work = self._parts
        left = []
        for row in rows:
            node = near.get(row, self._hints.get(pod_class, -1))
            if node < 0 or not fits_now(problem, state, work, pod_class, node):
                left.append(row)
                continue
            units = self._choose(pod_class, node)
            self._hold(pod_class, units, 1)
            put(problem, state, pod_class, node, 1)
            self._note(found, taken, row, node, units)
        return left

    def _choose(self, pod_class: int, node: int) -> Units:
        """The units that a pod of a class would take of a node on which it fits."""
        from placer.kernels.devices import choose_units

        start, numa = self.problem.classes.unit_start, self.problem.classes.numa
        if start[pod_class + 1] == start[pod_class] and numa[pod_class] == 0:
            return []
        problem, state, work = self._parts
        slots = int(choose_units(problem, state, pod_class, node, work))
        return list(zip(self.work.chosen[:slots].tolist(), self.work.slot_need[:slots].tolist(), strict=True))

    def _by_score(self, found: Trial, taken: list[Units], pod_class: int, rows: Sequence[int]) -> int:
        """Puts pods of a class where they cost least; how many of the first found a node."""
        from placer.kernels.place import place_families

        log, plan = self._log, self._plan
        log.lines[0], log.next_slot[pod_class] = 0, plan.first_slot[pod_class]
        plan.last_slot[pod_class] = plan.first_slot[pod_class] + len(rows)
        self.work.scan_key[0] = -1
        problem, state, work = self._parts
        parts = problem, self._goals, state, work, self._packed_log, self._packed_plan
        place_families(*parts, pod_class, pod_class + 1)
        placed = int(log.lines[0])
        log.line_of_slot[log.slot[:placed]] = -1
        nodes = log.node[:placed]
        if log.unit_start[placed] == 0:
            found.pod.extend(rows[:placed])
            found.node.extend(self.problem.nodes.row[nodes].tolist())
            taken.extend([] for _ in range(placed))
        else:
            for line, node in enumerate(nodes.tolist()):
                part = slice(log.unit_start[line], log.unit_start[line + 1])
                units = list(zip(log.unit[part].tolist(), log.unit_need[part].tolist(), strict=True))
                self._note(found, taken, rows[line], node, units)
        if placed:
            self._hints[pod_class] = int(log.node[placed - 1])
        return placed

    def _note(self, found: Trial, taken: list[Units], row: int, node: int, units: Units) -> None:
        """Writes down where a pod went."""
        if units:
            problem, kinds = self.problem.units, self.encoded.kinds
            held: dict[str, list[int]] = {}
            for unit, _ in units:
                held.setdefault(kinds[problem.kind[unit]], []).append(int(problem.place[unit]))
            found.devices[len(found.pod)] = held
        found.pod.append(row)
        found.node.append(int(self.problem.nodes.row[node]))
        taken.append(units)

    def _undo(self, found: Trial, taken: Sequence[Units]) -> None:
        rows, nodes = np.array(found.pod, np.int64), self.encoded.position[found.node].astype(np.int64)
        self._put(rows, nodes, dict(zip(found.pod, taken, strict=True)), -1)


def _gated(problem: Problem) -> Problem:
    """The problem with one more resource, of which each pod takes one, so that nodes can be closed."""
    nodes, classes = problem.nodes, problem.classes
    width, count = len(nodes.capacity), len(nodes.row)
    asked = np.full((len(classes.priority), width + 1), -1, np.int32)
    asked[:, :width] = classes.asked
    asked[np.arange(len(asked)), (classes.asked >= 0).sum(axis=1)] = width
    need = np.concatenate([classes.need, np.ones((len(classes.need), 1), np.int64)], axis=1)
    capacity = np.concatenate([nodes.capacity, np.full((1, count), OPEN, np.int64)])
    scale = np.concatenate([nodes.scale, np.zeros((1, count))])
    counters = problem.counters
    return problem._replace(
        nodes=nodes._replace(capacity=np.ascontiguousarray(capacity), scale=np.ascontiguousarray(scale)),
        classes=classes._replace(need=np.ascontiguousarray(need), asked=asked),
        counters=counters._replace(domains=counters.domains.copy()),
    )


def _class_by_class(problem: Problem, pods: NDArray[np.int64]) -> Plan:
    """A plan in which each class is a family of its own."""
    count = len(pods)
    last = np.cumsum(pods).astype(np.int32)
    return Plan(
        order=np.arange(count, dtype=np.int32),
        family_start=np.arange(count + 1, dtype=np.int32),
        family_need=problem.classes.need,
        scan_key=np.arange(count, dtype=np.int64),
        circle=np.full(count, -1, np.int32),
        first_slot=(last - pods).astype(np.int32),
        last_slot=last,
    )


class _Domains:
    """The domains of the label that may fail: who stands in each, who could leave it, and what fails with it."""

    def __init__(self, rescue: Rescue, key: str) -> None:
        self.rescue, problem = rescue, rescue.problem
        by_row, index = Keys(rescue.cluster).domains(key)
        self.names = list(index)
        self.of_node: NDArray[np.int64] = by_row[problem.nodes.row].astype(np.int64)
        """(nodes,) the domain of each internal node, -1 for none."""
        self._node_order, self._node_start = _grouped(self.of_node, len(self.names))
        standing = np.flatnonzero(rescue.where >= 0)
        order, self._pod_start = _grouped(self.of_node[rescue.where[standing]], len(self.names))
        self._pods = standing[order]
        self._stays = _stays(rescue.cluster)
        self._bound_to: dict[int, NDArray[np.bool_]] = {}
        self._vanishing = self._counters_that_shrink(problem)

    def nodes(self, domain: int) -> NDArray[np.int64]:
        """Internal nodes of a domain."""
        return self._node_order[self._node_start[domain] : self._node_start[domain + 1]]

    def pods(self, domain: int) -> NDArray[np.int64]:
        """Rows of the pods that stand in a domain and are not lifted."""
        there: NDArray[np.int64] = self._pods[self._pod_start[domain] : self._pod_start[domain + 1]]
        return there[~self.rescue.out[there]]

    def movable(self, domain: int, there: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of a domain's pods that have to find a place elsewhere."""
        signature = self.rescue.problem.classes.eligible[self.rescue.class_of[there]]
        distinct, inverse = np.unique(signature, return_inverse=True)
        bound = np.array([self._bound(int(one))[domain] for one in distinct.tolist()], bool)
        found: NDArray[np.int64] = there[~self._stays[there] & ~bound[inverse]]
        return found

    def exempt(self) -> int:
        """How many pods that stand in a domain need no place elsewhere."""
        total = 0
        for domain in range(len(self.names)):
            there = self.pods(domain)
            total += len(there) - len(self.movable(domain, there))
        return total

    def _bound(self, signature: int) -> NDArray[np.bool_]:
        """(domains,) whether the static rules leave no node outside the domain."""
        if signature not in self._bound_to:
            mine = self.of_node[self.rescue.allowed(signature)]
            within = np.bincount(mine[mine >= 0], minlength=len(self.names))
            self._bound_to[signature] = within == len(mine)
        return self._bound_to[signature]

    def _counters_that_shrink(self, problem: Problem) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Counters of spread rules alike in key and nodes, and (domains,) how many of their domains fail with each."""
        counters, nodes = problem.counters, problem.nodes
        spread = np.unique(problem.terms.counter[problem.terms.kind == SKEW]).astype(np.int64)
        alike: dict[tuple[int, int], list[int]] = {}
        for counter in spread.tolist():
            alike.setdefault((int(counters.key[counter]), int(counters.eligible[counter])), []).append(counter)
        found = []
        for (key, chosen), listed in alike.items():
            domain = nodes.domain[key]
            counts = domain >= 0
            if chosen >= 0:
                counts = counts & counters.eligible_segment[chosen][nodes.segment]
            lost = falling_with(domain[counts].astype(np.int64), self.of_node[counts], len(self.names))
            if lost.any():
                found.append((np.array(listed, np.int64), lost))
        return found

    def vanish(self, domain: int, sign: int) -> None:
        """Takes away (-1), or gives back, the domains of spread rules that a failing domain has all nodes of."""
        domains = self.rescue.problem.counters.domains
        for counters, lost in self._vanishing:
            if lost[domain]:
                domains[counters] += sign * lost[domain]


def falling_with(inner: NDArray[np.int64], outer: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """
    (count,) how many inner domains have all their nodes in each outer one.

    Parameters
    ----------
    inner, outer
        (nodes,) the domains of each node; -1 is no outer one.
    """
    if not len(inner):
        return np.zeros(count, np.int64)
    width = int(inner.max()) + 1
    low, high = np.full(width, count, np.int64), np.full(width, -1, np.int64)
    np.minimum.at(low, inner, outer)
    np.maximum.at(high, inner, outer)
    alone = low[(low == high) & (high >= 0)]
    return np.bincount(alone, minlength=count)


def _grouped(domain: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places by domain, those without one left out, and where each domain begins."""
    order = np.argsort(domain, kind="stable")
    order = order[domain[order] >= 0]
    return order, np.searchsorted(domain[order], np.arange(count + 1))


def _stays(cluster: Cluster) -> NDArray[np.bool_]:
    """(pods,) that need no place elsewhere: leaving anyway, never placed by anyone, or tied to a volume made there."""
    pods = cluster.pod_table
    stays = np.zeros(len(pods), bool)
    tests: dict[str, Any] = {
        "terminating": bool,
        "scheduling_gates": bool,
        "unsupported": bool,
        "volumes": lambda volumes: any(volume.waiting for volume in volumes),
    }
    for field, test in tests.items():
        stays |= pods[field].map(test).astype(bool) if len(pods) else stays
    return stays
