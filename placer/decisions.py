"""
Decisions pod by pod, as kube-scheduler makes them: filter, score, choose, and preempt where nothing fits.

The filters are the waist's hard terms, the scores a ranking over the same arrays; equal pods in a row are decided in
one kernel call. Source: Kubernetes, "Scheduling Framework" and "Pod Priority and Preemption".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.bodies import new_bodies
from placer.encode.encode import Encoded, encode
from placer.encode.goals import encode_goals
from placer.engine import Run, pods_per_class, prepare
from placer.model.cluster import Cluster
from placer.model.profile import Profile
from placer.model.rule import Reason, Rule, message
from placer.rejections import SHORT_OF, Rejections, Told, rule_of, short_words, words_of

CHUNK = 4096
"""Pods decided between two looks at the clock."""
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS_FOUND = "No preemption victims found for incoming pod"
NEVER = "not eligible due to preemptionPolicy=Never."
CONFLICT = "pod affinity terms conflict"
PREFILTER_RESULT = "node(s) didn't satisfy plugin(s) [NodeAffinity]"


class Preempted(NamedTuple):
    """
    Room made for a pod.

    Attributes
    ----------
    pod, node
        Rows of the cluster's tables.
    victims
        Rows of the pods evicted, most important first.
    """

    pod: int
    node: int
    victims: tuple[int, ...]


class Failure(NamedTuple):
    """Why a pod fits nowhere, counted by node, and the scheduler's own line on it."""

    reasons: list[Reason]
    message: str


class Attempt(NamedTuple):
    """
    What preemption found.

    Attributes
    ----------
    candidates
        (candidates,) internal nodes that were tried.
    codes, costs
        What came of each: see ``kernels.preempt.choose_candidates``.
    best
        The place of the one to take, -1 for none.
    """

    candidates: NDArray[np.int32]
    codes: NDArray[np.int8]
    costs: NDArray[np.int64]
    shorts: NDArray[np.bool_]
    best: int


class Decisions:
    """
    The decisions on a cluster's pending pods, in the order of the queue: priority first, then input order.

    Parameters
    ----------
    profile
        Whose plugins decide.
    sequence
        Rows of the pods to decide, in order, in place of the queue's.

    Attributes
    ----------
    run
        The placement under way.
    preempted
        Pods for which others were evicted, in order.
    failures
        Row of a pod that fits nowhere → why, in the state in which it was decided.
    """

    def __init__(self, cluster: Cluster, profile: Profile, sequence: NDArray[np.int32] | None = None) -> None:
        self.cluster, self.profile = cluster, profile
        self.encoded: Encoded = encode(cluster, profile=profile)
        goals = encode_goals(self.encoded, [], pods_per_class(self.encoded))
        if sequence is None:
            sequence = queue(cluster, self.encoded)
        sequence = sequence[self.encoded.class_of_pod[sequence] >= 0]
        self.run: Run = prepare(cluster, self.encoded, goals, sequence)
        self.rejections = Rejections(cluster, self.run)
        self.preempted: list[Preempted] = []
        self.failures: dict[int, Failure] = {}
        self._bodies = new_bodies(cluster, self.encoded)
        self._in_input_order = np.argsort(self.encoded.problem.nodes.row, kind="stable").astype(np.int32)
        classes = self.encoded.class_of_pod[sequence]
        starts = np.flatnonzero(np.concatenate([[True], classes[1:] != classes[:-1]])) if len(classes) else classes
        self._run_class = classes[starts].astype(np.int32)
        self._run_start = np.append(starts, len(classes)).astype(np.int64)
        self._run_length = np.diff(self._run_start)
        self._position = np.zeros(2, np.int64)
        self._lines = 0
        self._nominated = self._find_nominated(sequence)
        self._pack()

    def _pack(self) -> None:
        from placer.kernels.structs import pack

        run = self.run
        self._problem, self._goals, self._state, self._work, self._log, self._packed_bodies = (
            pack(part) for part in (self.encoded.problem, run.goals, run.state, run.work, run.log, self._bodies)
        )
        self.packed = (self._problem, self._goals, self._state, self._work)

    def decide_all(
        self,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] | None = None,
        steps: int | None = None,
    ) -> bool:
        """
        Decides pods until none is left, ``stop`` says so or ``steps`` pods are decided; whether all were.

        O(1) a pod of a run of equal ones whose scores stay put, O(nodes) where normalised columns move and for the
        first of a run, O(nodes + pods of the candidates) for one that fits nowhere.
        """
        from placer.kernels.rank import rank_runs

        total, done, left = int(self._run_start[-1]), 0, steps
        while self._position[0] < len(self._run_class):
            if stop() or left == 0:
                return False
            most = CHUNK if left is None else min(CHUNK, left)
            if self._nominated:
                failed = self._decide_beside_nominated()
            else:
                failed = rank_runs(*self.packed, self._log, self._run_class, self._run_length, self._position, most)
            self._stand()
            if failed:
                self._fail()
            before, done = done, self._decided()
            left = None if left is None else max(0, left - (done - before))
            if progress:
                progress(done, total)
        return True

    def _find_nominated(self, sequence: NDArray[np.int32]) -> list[tuple[int, int]]:
        """Rows of the pods for which an earlier preemption made room, with the internal nodes where."""
        column = self.cluster.pod_table["nominated"]
        if not any(column.values):
            return []
        nodes = [self.cluster.node_table.index(name) if name else -1 for name in column.values]
        found = [(row, nodes[column.codes[row]]) for row in sequence.tolist()]
        return [(row, int(self.encoded.position[node])) for row, node in found if node >= 0]

    def _decide_beside_nominated(self) -> bool:
        """
        Decides one pod while others wait for their nominated nodes; whether it fits nowhere.

        A nominated pod takes its node if that still fits. A node that does not fit the pod beside nominated ones of its
        own or a higher priority is left to them: Kubernetes, "Pod Priority and Preemption".
        """
        from placer.kernels.bind import put
        from placer.kernels.rank import rank_runs

        pod_class = int(self._run_class[self._position[0]])
        pod = int(self.run.pod_of_slot[self.run.log.next_slot[pod_class]])
        own = [node for row, node in self._nominated if row == pod]
        self._nominated = [(row, node) for row, node in self._nominated if row != pod]
        held = self._hold_for_nominated(pod_class, pod)
        try:
            if own and self.rejections.codes(pod_class, pod)[own[0]] == 0:
                self.bind(pod_class, pod, own[0])
                self._advance(1)
                return False
            return bool(rank_runs(*self.packed, self._log, self._run_class, self._run_length, self._position, 1))
        finally:
            for row, node in held:
                put(self._problem, self._state, int(self.encoded.class_of_pod[row]), node, -1)

    def _hold_for_nominated(self, pod_class: int, pod: int) -> list[tuple[int, int]]:
        """Puts nominated pods on their nodes where the pod does not fit beside them; which ones."""
        from placer.kernels.bind import put

        priority = self.encoded.problem.classes.priority
        held = []
        for row, node in self._nominated:
            other = int(self.encoded.class_of_pod[row])
            if priority[other] < priority[pod_class]:
                continue
            put(self._problem, self._state, other, node, 1)
            if self.rejections.codes(pod_class, pod)[node] != 0:
                held.append((row, node))
            else:
                put(self._problem, self._state, other, node, -1)
        return held

    def remove(self, pods: NDArray[np.int32]) -> None:
        """Takes pods that stand off their nodes, as if they had been deleted. O(pods of their nodes)."""
        from placer.kernels.preempt import take_away

        where = np.full(len(self.cluster.pod_table), -1, np.int32)
        where[self.encoded.standing] = self.encoded.position[self.encoded.standing_node]
        lines = int(self.run.log.lines[0])
        where[self.run.pod_of_slot[self.run.log.slot[:lines]]] = self.run.log.node[:lines]
        take_away(self._problem, self._state, self._packed_bodies, pods, where[pods])

    def _decided(self) -> int:
        at, within = self._position.tolist()
        return int(self._run_start[at]) + within

    def _stand(self) -> None:
        """Lists the pods bound since the last look with their nodes, so that they can be evicted."""
        from placer.kernels.preempt import lie_down_all

        lines = int(self.run.log.lines[0])
        if lines > self._lines:
            slots, nodes = self.run.log.slot[self._lines : lines], self.run.log.node[self._lines : lines]
            lie_down_all(self._packed_bodies, self.run.pod_of_slot[slots].astype(np.int32), nodes)
            self._lines = lines

    def _fail(self) -> None:
        """The pod at the position fits nowhere: room is made for it, or it and its equals after it stay out."""
        at = int(self._position[0])
        pod_class = int(self._run_class[at])
        slot = int(self.run.log.next_slot[pod_class])
        left = int(self._run_length[at] - self._position[1])
        pod = int(self.run.pod_of_slot[slot])
        told = self.rejections.told(self.rejections.codes(pod_class, pod), pod_class)
        attempt = self.attempt(pod_class, pod, told)
        if attempt is not None and attempt.best >= 0:
            self.preempt(pod_class, pod, attempt)
            self._advance(1)
            return
        failure = self.failure(pod_class, pod, told, attempt)
        for row in self.run.pod_of_slot[slot : slot + left].tolist():
            self.failures[row] = failure
        self.run.log.next_slot[pod_class] = slot + left
        self._advance(left)

    def _advance(self, pods: int) -> None:
        self._position[1] += pods
        if self._position[1] == self._run_length[self._position[0]]:
            self._position[:] = self._position[0] + 1, 0

    def attempt(self, pod_class: int, pod: int, told: Told) -> Attempt | None:
        """Looks for evictions that make room for a pod; ``None`` where the pod may not preempt."""
        from placer.kernels.preempt import choose_candidates

        if not self._may_preempt(pod):
            return None
        candidates = self._in_input_order[~told.lasting[self._in_input_order]]
        enough = max(len(candidates) * self.profile.least_candidates_percent // 100, self.profile.least_candidates)
        shown = np.zeros(len(candidates), np.int8)
        shorts = np.zeros((len(candidates), len(self.encoded.resources)), bool)
        costs = np.zeros((len(candidates), 5), np.int64)
        best = choose_candidates(
            self._problem,
            self._state,
            self._work,
            self._packed_bodies,
            pod_class,
            candidates,
            min(enough, len(candidates)),
            self.rejections.resource_rule,
            self.rejections.static(pod_class, pod)[1],
            shown,
            shorts,
            costs,
        )
        return Attempt(candidates, shown, costs, shorts, int(best))

    def _may_preempt(self, pod: int) -> bool:
        return self.profile.preempts and self.cluster.pod_table["preemption_policy"][pod] != "Never"

    def preempt(self, pod_class: int, pod: int, attempt: Attempt) -> None:
        """Evicts the victims of the chosen node and binds the pod there."""
        from placer.kernels.preempt import evict

        node = int(attempt.candidates[attempt.best])
        victims = tuple(self.victims(pod_class, pod, attempt, attempt.best))
        evict(self._problem, self._state, self._packed_bodies, node, len(victims))
        self.bind(pod_class, pod, node)
        self.preempted.append(Preempted(pod, int(self.encoded.problem.nodes.row[node]), victims))

    def bind(self, pod_class: int, pod: int, node: int) -> None:
        """Binds the next pod of a class, which must be this one, to an internal node."""
        from placer.kernels.rank import bind_one

        slot = int(self.run.log.next_slot[pod_class])
        assert self.run.pod_of_slot[slot] == pod, "pods of a class are decided in the order of the sequence"
        bind_one(*self.packed, self._log, pod_class, node, slot)
        self.run.log.next_slot[pod_class] = slot + 1
        self._stand()

    def victims(self, pod_class: int, pod: int, attempt: Attempt, place: int) -> list[int]:
        """Rows of the pods that a candidate would evict, most important first; nothing is evicted."""
        from placer.kernels.preempt import victims_on

        node = int(attempt.candidates[place])
        late = int(self.rejections.static(pod_class, pod)[1][self.encoded.problem.nodes.segment[node]])
        cost = np.zeros(5, np.int64)
        parts = self._problem, self._state, self._work, self._packed_bodies
        victims_on(*parts, pod_class, node, self.rejections.resource_rule, late, cost)
        return [int(row) for row in self._bodies.victims[: cost[3]]]

    def failure(self, pod_class: int, pod: int, told: Told, attempt: Attempt | None) -> Failure:
        """What is said of a pod that fits nowhere."""
        if self.conflict(pod):
            return self.kept_out(pod, Rule.NodeAffinity.name, [CONFLICT])
        reasons = self.counted(told, pod_class, pod)
        text = message(reasons, len(told.codes))
        if self.profile.preempts:
            text += f" preemption: {NEVER if attempt is None else self._in_vain(len(told.codes), attempt)}"
        return Failure(reasons, text)

    def kept_out(self, pod: int, plugin: str, reasons: Sequence[str]) -> Failure:
        """What is said of a pod that a PreFilter plugin rejects everywhere."""
        nodes = len(self.cluster.node_table)
        text = f"0/{nodes} nodes are available: {', '.join(reasons)}."
        if self.profile.preempts:
            in_vain = f"0/{nodes} nodes are available: {nodes} {NOT_HELPFUL}."
            text += f" preemption: {in_vain if self._may_preempt(pod) else NEVER}"
        return Failure([Reason(plugin, words, nodes) for words in reasons], text)

    def counted(self, told: Told, pod_class: int, pod: int) -> list[Reason]:
        """The reasons counted by node; nodes that the pod's terms do not even name are told apart."""
        left_out = self.left_out(pod)
        if left_out is None:
            return self.rejections.counted(told, pod_class)
        named = np.where(left_out, 0, told.codes).astype(np.int8)
        reasons = self.rejections.counted(self.rejections.told(named, pod_class), pod_class)
        if left_out.any():
            reasons.append(Reason(Rule.NodeAffinity.name, PREFILTER_RESULT, int(left_out.sum())))
        return reasons

    def conflict(self, pod: int) -> bool:
        """Whether the pod's node affinity names nodes and no node can be all of them."""
        return self._narrows(pod) == set()

    def _narrows(self, pod: int) -> set[str] | None:
        if "NodeAffinity" not in self.profile.filters:
            return None
        return named_nodes(self.cluster.pod_table["node_affinity"][pod])

    def left_out(self, pod: int) -> NDArray[np.bool_] | None:
        """(nodes,) that NodeAffinity does not look at, since each term names others; ``None`` where it looks at all."""
        names = self._narrows(pod)
        if names is None:
            return None
        rows = [self.cluster.node_table.index(name) for name in names]
        out = np.ones(len(self.cluster.node_table), bool)
        out[[row for row in rows if row >= 0]] = False
        return out[self.encoded.problem.nodes.row]

    def _in_vain(self, nodes: int, attempt: Attempt) -> str:
        """Why no evictions make room, counted by node."""
        counts: dict[str, int] = {}

        def add(words: str, more: int) -> None:
            if more:
                counts[words] = counts.get(words, 0) + more

        add(NOT_HELPFUL, nodes - len(attempt.candidates))
        add(NO_VICTIMS_FOUND, int((attempt.codes == NO_VICTIMS).sum()))
        for code in np.unique(attempt.codes[(attempt.codes > 0) & (attempt.codes != NO_VICTIMS)]).tolist():
            there = attempt.codes == code
            rule = rule_of(code)
            if rule not in SHORT_OF:
                for words in words_of(code):
                    add(words, int(there.sum()))
                continue
            for resource in np.flatnonzero(self.rejections.resource_rule == rule).tolist():
                add(short_words(rule, self.encoded.resources[resource]), int(attempt.shorts[there, resource].sum()))
        parts = sorted(f"{count} {words}" for words, count in counts.items())
        return f"0/{nodes} nodes are available: {', '.join(parts)}."


NO_VICTIMS = 127
"""As ``kernels.preempt.NO_VICTIMS``."""


def queue(cluster: Cluster, encoded: Encoded) -> NDArray[np.int32]:
    """The pending pods in the order of the queue: higher priority first, then input order."""
    rows = encoded.pending
    return rows[np.argsort(-cluster.pod_table.priority[rows].astype(np.int64), kind="stable")]


def named_nodes(terms: Sequence[Any]) -> set[str] | None:
    """The names that node affinity narrows nodes to: those of ``metadata.name`` where every term names some."""
    named: set[str] = set()
    for term in terms:
        lists = [set(field.values) for field in term.match_fields if field.operator == "In"]
        if not lists:
            return None
        named |= set.intersection(*lists)
    return named if terms else None
