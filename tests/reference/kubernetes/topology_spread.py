"""Spreading over domains: Kubernetes, "Pod Topology Spread Constraints"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log, trunc
from typing import Self

from .cluster import Cluster, Node, Object, Pod
from .nodes import hard_taint
from .plugin import BEST, Plugin
from .selectors import Selector, equal_to, label_selector
from .status import Status, unresolvable, unschedulable

HOSTNAME = "kubernetes.io/hostname"
DEFAULTS: tuple[Object, ...] = (
    {"topologyKey": HOSTNAME, "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"},
    {"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"},
)
MISMATCH = "node(s) didn't match pod topology spread constraints"


@dataclass(frozen=True)
class Constraint:
    """One constraint with its defaults filled in."""

    key: str
    max_skew: int
    min_domains: int
    selector: Selector
    honors_affinity: bool
    honors_taints: bool

    @classmethod
    def read(cls, source: Object, labels: Mapping[str, str], selector: Selector | None = None) -> Self:
        """Reads a constraint of a pod; the pod's values of ``matchLabelKeys`` join the selector."""
        if selector is None:
            keys = source.get("matchLabelKeys") or ()
            selector = label_selector(source.get("labelSelector"))
            if any(key in labels for key in keys):
                selector = selector.and_labels({key: labels[key] for key in keys if key in labels})
        return cls(
            source["topologyKey"],
            source["maxSkew"],
            source.get("minDomains") or 1,
            selector,
            (source.get("nodeAffinityPolicy") or "Honor") == "Honor",
            (source.get("nodeTaintsPolicy") or "Ignore") == "Honor",
        )

    def counts_on(self, pod: Pod, node: Node) -> bool:
        """Whether pods of the node count: the inclusion policies."""
        if self.honors_affinity and not pod.wants(node):
            return False
        return not (self.honors_taints and hard_taint(pod, node))

    def count(self, pod: Pod, node: Node) -> int:
        """Pods of the node that match: of the namespace, not terminating. An empty selector counts none."""
        if self.selector.empty:
            return 0
        near = (each for each in node.pods if each.namespace == pod.namespace and not each.terminating)
        return sum(self.selector.matches(each.labels) for each in near)


def has_keys(node: Node, constraints: list[Constraint]) -> bool:
    """Whether the node has all topology keys."""
    return all(each.key in node.labels for each in constraints)


def default_selector(cluster: Cluster, pod: Pod) -> Selector:
    """What the pod's services, and the controller that owns it, select; nothing of both is an empty selector."""
    labels: dict[str, str] = {}
    for service in cluster.services:
        selector = service["spec"].get("selector")
        near = (service["metadata"].get("namespace") or "default") == pod.namespace
        if near and selector is not None and Selector(equal_to(selector)).matches(pod.labels):
            labels |= selector
    owner: Object = next((each for each in pod.metadata.get("ownerReferences") or () if each.get("controller")), {})
    kind, version = owner.get("kind"), owner.get("apiVersion")
    if (kind, version) not in (("ReplicationController", "v1"), ("ReplicaSet", "apps/v1"), ("StatefulSet", "apps/v1")):
        return Selector(equal_to(labels))
    found = cluster.owners[str(kind)].get(f"{pod.namespace}/{owner['name']}")
    selected = found["spec"].get("selector") if found else None
    if kind == "ReplicationController":
        return Selector(equal_to(labels | dict(selected or {})))
    more = label_selector(selected).requirements or ()
    return Selector(equal_to(labels) + more)


def constraints_of(cluster: Cluster, pod: Pod, action: str) -> list[Constraint]:
    """The pod's constraints of one kind; the defaults where it names none of any kind and something selects it."""
    named = pod.spec.get("topologySpreadConstraints") or ()
    if named:
        return [Constraint.read(each, pod.labels) for each in named if each["whenUnsatisfiable"] == action]
    defaults = [each for each in DEFAULTS if each["whenUnsatisfiable"] == action]
    selector = default_selector(cluster, pod) if defaults else Selector(())
    return [] if selector.empty else [Constraint.read(each, pod.labels, selector) for each in defaults]


class PodTopologySpread(Plugin):
    """No domain may be ahead of the emptiest by more than maxSkew; domains with fewer matching pods score better."""

    name = "PodTopologySpread"
    weight = 2

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        super().__init__(cluster, pod)
        self.hard = constraints_of(cluster, pod, "DoNotSchedule")
        self.counts: list[Counter[str]] = [Counter() for _ in self.hard]
        for constraint, counts in zip(self.hard, self.counts, strict=True):
            for node in cluster.nodes:
                if has_keys(node, self.hard) and constraint.counts_on(pod, node):
                    counts[node.labels[constraint.key]] += constraint.count(pod, node)
        self.soft: list[Constraint] = []
        self.ignored: set[str] = set()
        self.soft_counts: list[Counter[str]] = []
        self.domain_weights: list[float] = []

    def copied(self) -> Self:
        twin = super().copied()
        twin.counts = [Counter(counts) for counts in self.counts]
        return twin

    def filter(self, node: Node) -> Status | None:
        for constraint, counts in zip(self.hard, self.counts, strict=True):
            if constraint.key not in node.labels:
                return unresolvable(self.name, f"{MISMATCH} (missing required label)")
            fewest = min(counts.values(), default=0) if len(counts) >= constraint.min_domains else 0
            here = counts.get(node.labels[constraint.key], 0) + constraint.selector.matches(self.pod.labels)
            if here - fewest > constraint.max_skew:
                return unschedulable(self.name, MISMATCH)
        return None

    def add(self, node: Node, pod: Pod) -> None:
        self._move(node, pod, 1)

    def remove(self, node: Node, pod: Pod) -> None:
        self._move(node, pod, -1)

    def _move(self, node: Node, pod: Pod, change: int) -> None:
        """Changes the counts. Unlike the first count, this counts terminating pods and empty selectors."""
        if pod.namespace != self.pod.namespace or not has_keys(node, self.hard):
            return
        for constraint, counts in zip(self.hard, self.counts, strict=True):
            if constraint.selector.matches(pod.labels) and constraint.counts_on(self.pod, node):
                counts[node.labels[constraint.key]] += change

    def pre_score(self, nodes: list[Node]) -> bool:
        """
        Counts the domains of the nodes to score.

        The pod's own constraints leave out nodes that lack a key. With the defaults, nodes without a zone are one more
        domain when domains are counted, and score by host alone.
        """
        self.soft = constraints_of(self.cluster, self.pod, "ScheduleAnyway")
        strict = bool(self.pod.spec.get("topologySpreadConstraints"))
        self.ignored = {node.name for node in nodes if strict and not has_keys(node, self.soft)}
        scored = [node for node in nodes if node.name not in self.ignored]
        for constraint in self.soft:
            domains = {node.labels.get(constraint.key, "") for node in scored}
            counts = Counter(dict.fromkeys(domains, 0))
            for node in self.cluster.nodes:
                domain = node.labels.get(constraint.key, "")
                counted = not strict or has_keys(node, self.soft)
                if domain in domains and counted and constraint.counts_on(self.pod, node):
                    counts[domain] += constraint.count(self.pod, node)
            size = len(scored) if constraint.key == HOSTNAME else len(domains)
            self.soft_counts.append(counts)
            self.domain_weights.append(log(size + 2))
        return bool(self.soft)

    def score(self, node: Node) -> int:
        """
        The matching pods of the node's domains, times the logarithm of how many domains there are, plus 2.

        The domain of a host is the node itself, whatever the inclusion policies say.
        """
        if node.name in self.ignored:
            return 0
        score = 0.0
        for constraint, counts, weight in zip(self.soft, self.soft_counts, self.domain_weights, strict=True):
            if constraint.key in node.labels:
                own = constraint.key == HOSTNAME
                count = constraint.count(self.pod, node) if own else counts[node.labels[constraint.key]]
                score += count * weight + (constraint.max_skew - 1)
        return rounded(score)

    def normalize(self, nodes: list[Node], scores: list[int]) -> list[int]:
        """The fewest pods are 100; ignored nodes are 0."""
        valid = [score for node, score in zip(nodes, scores, strict=True) if node.name not in self.ignored]
        most, fewest = max(valid, default=0), min(valid, default=0)
        return [
            0 if node.name in self.ignored else BEST * (most + fewest - score) // most if most else BEST
            for node, score in zip(nodes, scores, strict=True)
        ]


def rounded(value: float) -> int:
    """The nearest whole number, halves up."""
    whole = trunc(value)
    return whole + (value - whole >= 0.5)
