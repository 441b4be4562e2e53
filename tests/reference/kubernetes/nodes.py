"""The rules that read the node alone: Kubernetes, "Taints and Tolerations", "Assigning Pods to Nodes", "Nodes"."""

from __future__ import annotations

from .cluster import Cluster, Node, Object, Pod
from .plugin import Plugin, share_of_greatest
from .selectors import term_matches
from .status import Status, unresolvable

CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether a toleration covers a taint: an empty key, effect or operator covers all, all and ``Equal``."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    equal = (toleration.get("value") or "") == (taint.get("value") or "")
    return operator == "Exists" or (operator == "Equal" and equal)


def hard_taint(pod: Pod, node: Node) -> Object | None:
    """The first taint that keeps the pod away."""
    hard = (taint for taint in node.taints if taint["effect"] in ("NoSchedule", "NoExecute"))
    return next((taint for taint in hard if not any(tolerates(each, taint) for each in pod.tolerations)), None)


class NodeUnschedulable(Plugin):
    """A cordoned node takes pods only that tolerate the taint of a cordon; the taint need not stand."""

    name = "NodeUnschedulable"

    def filter(self, node: Node) -> Status | None:
        cordoned = node.spec.get("unschedulable") and not any(tolerates(each, CORDON) for each in self.pod.tolerations)
        return unresolvable(self.name, "node(s) were unschedulable") if cordoned else None


class NodeName(Plugin):
    """A pod that names its node stands on no other."""

    name = "NodeName"

    def filter(self, node: Node) -> Status | None:
        other = self.pod.spec.get("nodeName") not in (None, "", node.name)
        return unresolvable(self.name, "node(s) didn't match the requested node name") if other else None


class TaintToleration(Plugin):
    """Hard taints keep pods away; the fewest soft ones that are not tolerated score best. Never skipped."""

    name = "TaintToleration"
    weight = 3

    def filter(self, node: Node) -> Status | None:
        return unresolvable(self.name, "node(s) had untolerated taint(s)") if hard_taint(self.pod, node) else None

    def pre_score(self, nodes: list[Node]) -> bool:
        return True

    def score(self, node: Node) -> int:
        soft = [taint for taint in node.taints if taint["effect"] == "PreferNoSchedule"]
        tolerations = [each for each in self.pod.tolerations if each.get("effect") in (None, "", "PreferNoSchedule")]
        return sum(not any(tolerates(each, taint) for each in tolerations) for taint in soft)

    def normalize(self, nodes: list[Node], scores: list[int]) -> list[int]:
        return share_of_greatest(scores, reverse=True)


class NodeAffinity(Plugin):
    """Node selector and required node affinity both hold; the preferred terms' weights score."""

    name = "NodeAffinity"
    weight = 2

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        super().__init__(cluster, pod)
        affinity: Object = pod.affinity.get("nodeAffinity") or {}
        self.needed: Object | None = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
        self.preferred: list[Object] | None = affinity.get("preferredDuringSchedulingIgnoredDuringExecution")

    def pre_filter(self) -> Status | None:
        return unresolvable(self.name, "pod affinity terms conflict") if self.narrowed() == set() else None

    def narrowed(self) -> set[str] | None:
        """The nodes that the terms name, where each term names some: a term's ``In`` fields are all met."""
        named: set[str] = set()
        terms = (self.needed or {}).get("nodeSelectorTerms") or ()
        for term in terms:
            fields = [each for each in term.get("matchFields") or () if each["key"] == "metadata.name"]
            names = [set(each.get("values") or ()) for each in fields if each["operator"] == "In"]
            if not names:
                return None
            named |= set.intersection(*names)
        return named if terms else None

    def filter(self, node: Node) -> Status | None:
        if self.pod.wants(node):
            return None
        return unresolvable(self.name, "node(s) didn't match Pod's node affinity/selector")

    def pre_score(self, nodes: list[Node]) -> bool:
        return self.preferred is not None

    def score(self, node: Node) -> int:
        matching = (each for each in self.preferred or () if term_matches(each["preference"], node.labels, node.name))
        return sum(each["weight"] for each in matching)

    def normalize(self, nodes: list[Node], scores: list[int]) -> list[int]:
        return share_of_greatest(scores, reverse=False)
