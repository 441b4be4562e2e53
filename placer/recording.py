"""
Decisions written down node by node: filters, scores, ties, evictions, in kube-scheduler's words.

The schema is that of recorded decisions of the real scheduler (see ``tests/data/kube-oracle``), so that the two can be
compared decision by decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.decisions import CONFLICT, PREFILTER_RESULT, Attempt, Decisions
from placer.encode.ranking import COLUMNS
from placer.model.rule import Rule
from placer.model.rule import rule_of as rule_of_text
from placer.rejections import SHORT_OF, Told, rule_of, short_words, words_of

Recorded = dict[str, Any]


class Recorder:
    """Decides pods one at a time, and writes each decision down."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        problem = decisions.encoded.problem
        names = decisions.cluster.node_table.names
        self.names = [names[row] for row in problem.nodes.row.tolist()]
        self.order = np.argsort(problem.nodes.row, kind="stable").tolist()
        self._feasible = np.zeros(len(self.names), bool)
        self._table = np.zeros((len(COLUMNS), len(self.names)), np.int64)

    def record(self, pod: int) -> Recorded:
        """
        Decides on a pod and applies the decision.

        Parameters
        ----------
        pod
            Its row; pods of one class come in the order of the decisions' sequence.
        """
        from placer.kernels.rank import explain_ranking

        decisions = self.decisions
        table = decisions.cluster.pod_table
        found: Recorded = {"pod": table.key(pod)}
        if table["scheduling_gates"][pod]:
            return found | {"outcome": "gated"}
        pod_class = int(decisions.encoded.class_of_pod[pod])
        if pod_class < 0:
            reasons = table["unsupported"][pod]
            return found | self._kept_out(pod, rule_of_text(reasons[0]).name, reasons[:1])
        if decisions.conflict(pod):
            return found | self._kept_out(pod, Rule.NodeAffinity.name, [CONFLICT])
        codes = decisions.rejections.codes(pod_class, pod)
        told = decisions.rejections.told(codes, pod_class)
        left_out = decisions.left_out(pod)
        filters = {
            self.names[node]: self.status(pod_class, told, left_out, node) for node in self.order if codes[node] > 0
        }
        if filters:
            found["filters"] = filters
        node = explain_ranking(*decisions.packed, pod_class, self._feasible, self._table)
        if node >= 0:
            found |= self._choice()
            decisions.bind(pod_class, pod, node)
            return found
        attempt = decisions.attempt(pod_class, pod, told)
        failure = decisions.failure(pod_class, pod, told, attempt)
        if attempt is None or attempt.best < 0:
            return found | {"outcome": "unschedulable", "message": failure.message}
        found |= {
            "outcome": "preempted",
            "node": self.names[attempt.candidates[attempt.best]],
            "message": failure.message.partition(" preemption:")[0],
            "preemption": self._outcomes(pod_class, pod, attempt),
        }
        decisions.preempt(pod_class, pod, attempt)
        return found

    def _kept_out(self, pod: int, plugin: str, reasons: Sequence[str]) -> Recorded:
        """A pod that no node is asked about."""
        return {
            "outcome": "unschedulable",
            "prefilter": {"plugin": plugin, "reasons": list(reasons), "code": _code(True)},
            "message": self.decisions.kept_out(pod, plugin, reasons).message,
        }

    def status(self, pod_class: int, told: Told, left_out: NDArray[np.bool_] | None, node: int) -> Recorded:
        """Why one node rejects the pod."""
        if left_out is not None and left_out[node]:
            return {"plugin": "PreFilterResult", "reasons": [PREFILTER_RESULT], "code": _code(True)}
        code = int(told.codes[node])
        rule = rule_of(code)
        if rule in SHORT_OF:
            short = self.decisions.rejections.short(pod_class, node, rule)
            reasons = [short_words(rule, self.decisions.encoded.resources[resource]) for resource in short]
        else:
            reasons = words_of(code)
        return {"plugin": rule.name, "reasons": reasons, "code": _code(bool(told.lasting[node]))}

    def _choice(self) -> Recorded:
        """The node chosen, those as good, and how all scored, where more than one was feasible."""
        nodes = [node for node in self.order if self._feasible[node]]
        if len(nodes) == 1:
            return {"outcome": "bound", "node": self.names[nodes[0]], "ties": [self.names[nodes[0]]]}
        scores: dict[str, dict[str, int]] = {}
        for node in nodes:
            points = {name: int(self._table[column, node]) for column, name in enumerate(COLUMNS)}
            points = {name: value for name, value in points.items() if value >= 0}
            scores[self.names[node]] = {**dict(sorted(points.items())), "total": sum(points.values())}
        best = max(each["total"] for each in scores.values())
        ties = [name for name, each in scores.items() if each["total"] == best]
        return {"outcome": "bound", "node": ties[0], "ties": ties, "scores": scores}

    def _outcomes(self, pod_class: int, pod: int, attempt: Attempt) -> list[Recorded]:
        """All candidates that cost as little as the chosen one."""
        least = attempt.costs[attempt.best]
        equal = (attempt.codes == 0) & (attempt.costs == least).all(axis=1)
        table = self.decisions.cluster.pod_table
        return [
            {
                "node": self.names[attempt.candidates[place]],
                "victims": sorted(table.key(row) for row in self.decisions.victims(pod_class, pod, attempt, place)),
            }
            for place in np.flatnonzero(equal).tolist()
        ]


def record_all(decisions: Decisions, pods: NDArray[np.int64]) -> Iterator[Recorded]:
    """Decides pods in this order, and writes each decision down."""
    recorder = Recorder(decisions)
    for pod in pods.tolist():
        yield recorder.record(pod)


def _code(lasting: bool) -> str:
    return "UnschedulableAndUnresolvable" if lasting else "Unschedulable"
