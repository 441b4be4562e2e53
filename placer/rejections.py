"""Why nodes reject a class of pods in the state that a run is in: rule by node, counted, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.statics import static_verdicts
from placer.engine import Run
from placer.model.cluster import Cluster
from placer.model.rule import EXISTING_ANTI_AFFINITY, OTHER_WORDS, WORDS, Reason, Rule, insufficient

SHORT_OF = (Rule.NodeResourcesFit, Rule.Devices)
"""Rules that name what is short, resource by resource."""
LASTING = np.zeros(128, bool)
"""Codes that evictions do not change."""
LASTING[
    [
        Rule.NodeUnschedulable,
        Rule.NodeName,
        Rule.ForbiddenNodes,
        Rule.TaintToleration,
        Rule.NodeAffinity,
        Rule.NodeAffinity + 32,
        Rule.AnyOf,
        *(Rule.VolumeBinding + wording for wording in (0, 32, 64)),
        Rule.VolumeZone,
        Rule.PodTopologySpread + 32,
        Rule.InterPodAffinity,
    ]
] = True
ORDER = ("pods", "cpu", "memory", "ephemeral-storage")
"""The order in which NodeResourcesFit names what is short; others follow by name."""


class Told(NamedTuple):
    """
    What nodes say of a class: see ``kernels.reject.tell_rejections``.

    Attributes
    ----------
    codes
        (nodes,) int8: the first rule that rejects, 0 where it fits.
    lasting
        (nodes,) where no eviction can help.
    code_count, short_count
        Nodes by code, and by resource that is short.
    """

    codes: NDArray[np.int8]
    lasting: NDArray[np.bool_]
    code_count: NDArray[np.int64]
    short_count: NDArray[np.int64]


class Rejections:
    """
    Asks why nodes reject pods of a run.

    Attributes
    ----------
    resource_rule
        (resources,) int8: the rule that each resource belongs to.
    """

    def __init__(self, cluster: Cluster, run: Run) -> None:
        from placer.kernels.structs import pack

        self.cluster, self.run = cluster, run
        self.packed: tuple[Any, Any, Any] = (pack(run.encoded.problem), pack(run.state), pack(run.work))
        self.resource_rule = np.array([_rule_of(name) for name in run.encoded.resources], np.int8)
        self._static: dict[int, tuple[NDArray[np.int8], NDArray[np.int8]]] = {}
        names = run.encoded.resources
        rank = {name: place for place, name in enumerate(ORDER)}
        self._order = sorted(range(len(names)), key=lambda r: (rank.get(names[r], len(rank)), names[r]))

    def static(self, pod_class: int, pod: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """(segments,) what the static rules of a class say of each, early and late; ``pod`` is one of the class."""
        signature = int(self.run.encoded.problem.classes.eligible[pod_class])
        if signature not in self._static:
            statics, nodes = self.run.encoded.statics, self.run.encoded.problem.nodes
            kinds = statics.kind[nodes.row[nodes.segment_start[:-1]]]
            early, late = static_verdicts(statics, self.cluster.pod_table.fields, pod)
            self._static[signature] = early[kinds], late[kinds]
        return self._static[signature]

    def codes(self, pod_class: int, pod: int) -> NDArray[np.int8]:
        """(nodes,) the first rule that rejects the class on each node now: see ``kernels.reject.rejections``."""
        from placer.kernels.reject import rejections

        codes = np.zeros(len(self.run.encoded.problem.nodes.row), np.int8)
        rejections(*self.packed, pod_class, self.resource_rule, *self.static(pod_class, pod), codes)
        return codes

    def told(self, codes: NDArray[np.int8], pod_class: int) -> Told:
        """The codes counted, and where no eviction can help."""
        from placer.kernels.reject import tell_rejections

        resources = self.run.encoded.resources
        told = Told(codes, np.zeros(len(codes), bool), np.zeros(128, np.int64), np.zeros(len(resources), np.int64))
        pods_row = resources.index("pods") if "pods" in resources else -1
        asked = self.packed[0], self.packed[1], pod_class, self.resource_rule, pods_row, LASTING
        tell_rejections(*asked, told.codes, told.lasting, told.code_count, told.short_count)
        return told

    def counted(self, told: Told, pod_class: int) -> list[Reason]:
        """The reasons, counted by node."""
        encoded = self.run.encoded
        reasons: list[Reason] = []
        for code in (np.flatnonzero(told.code_count[1:]) + 1).tolist():
            rule, nodes = rule_of(code), int(told.code_count[code])
            if rule not in SHORT_OF:
                reasons += [Reason(rule.name, words, nodes) for words in words_of(code)]
                continue
            short = [r for r in np.flatnonzero(told.short_count).tolist() if self.resource_rule[r] == rule]
            reasons += [
                Reason(rule.name, short_words(rule, encoded.resources[r]), int(told.short_count[r])) for r in short
            ]
            if rule == Rule.Devices:
                reasons += self._in_no_unit(told, pod_class)
        return _merged(reasons)

    def _in_no_unit(self, told: Told, pod_class: int) -> Iterator[Reason]:
        """Nodes whose devices suffice in sum and not in single units."""
        encoded = self.run.encoded
        need, free = encoded.problem.classes.need[pod_class], self.run.state.free
        there = told.codes == Rule.Devices
        for resource in np.flatnonzero((need > 0) & (self.resource_rule == Rule.Devices)).tolist():
            there &= free[resource] >= need[resource]
        if there.any():
            kind = encoded.kinds[int(encoded.problem.classes.unit_kind[encoded.problem.classes.unit_start[pod_class]])]
            yield Reason(Rule.Devices.name, WORDS[Rule.Devices].format(kind), int(there.sum()))

    def short(self, pod_class: int, node: int, rule: Rule) -> list[int]:
        """The resources of a rule that are short on a node, in the order in which kube-scheduler names them."""
        need, free = self.run.encoded.problem.classes.need[pod_class], self.run.state.free[:, node]
        return [r for r in self._order if self.resource_rule[r] == rule and need[r] > 0 and free[r] < need[r]]


def _merged(reasons: list[Reason]) -> list[Reason]:
    """Equal rule and words once, nodes added."""
    nodes: dict[tuple[str, str], int] = {}
    for rule, words, count in reasons:
        nodes[rule, words] = nodes.get((rule, words), 0) + count
    return [Reason(rule, words, count) for (rule, words), count in nodes.items()]


def rule_of(code: int) -> Rule:
    """The rule that a code names in any of its wordings."""
    return Rule(code % 32)


def words_of(code: int) -> list[str]:
    """The words of a code, for rules that need no more to say them."""
    rule = rule_of(code)
    if code >= 64:
        both = [WORDS[rule], OTHER_WORDS[rule]]
        return both if rule == Rule.VolumeBinding else [EXISTING_ANTI_AFFINITY]
    return [OTHER_WORDS[rule] if code >= 32 else WORDS[rule]]


def short_words(rule: Rule, resource: str) -> str:
    """What is said of a resource that is short."""
    return WORDS[rule].format(resource.removeprefix("device:")) if rule == Rule.Devices else insufficient(resource)


def _rule_of(resource: str) -> int:
    if resource.startswith("device:"):
        return Rule.Devices
    return Rule.NodeVolumeLimits if resource.startswith("attach:") else Rule.NodeResourcesFit
