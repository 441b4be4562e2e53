"""Pods near pods: Kubernetes, "Inter-pod affinity and anti-affinity"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from .cluster import Cluster, Node, Object, Pod
from .plugin import BEST, Plugin
from .selectors import Selector, label_selector
from .status import Status, unresolvable, unschedulable

# The weight of an existing pod's required affinity when it scores: hardPodAffinityWeight.
HARD_WEIGHT = 1
Domain = tuple[str, str]


@dataclass(frozen=True)
class Term:
    """A term with the namespaces that it names; ``matchLabelKeys`` are part of its selector already."""

    key: str
    namespaces: frozenset[str]
    namespace_selector: Selector
    selector: Selector

    @classmethod
    def read(cls, owner: Pod, source: Object) -> Self:
        """Reads a term; without namespaces and a namespace selector, it means its own pod's namespace."""
        named = source.get("namespaces") or ()
        own = not named and source.get("namespaceSelector") is None
        return cls(
            source["topologyKey"],
            frozenset((owner.namespace,) if own else named),
            label_selector(source.get("namespaceSelector")),
            label_selector(source.get("labelSelector")),
        )

    def matches(self, pod: Pod, namespaces: Mapping[str, Mapping[str, str]], *, listed: bool) -> bool:
        """
        Whether the term means a pod.

        Parameters
        ----------
        namespaces
            The labels of each namespace.
        listed
            Whether the term selects among namespaces that exist, unless its selector is empty and means all. Else one
            that does not exist is as one without labels.
        """
        exists = not listed or self.namespace_selector.empty or pod.namespace in namespaces
        selected = exists and self.namespace_selector.matches(namespaces.get(pod.namespace, {}))
        return (pod.namespace in self.namespaces or selected) and self.selector.matches(pod.labels)


class Terms:
    """All terms of one pod."""

    def __init__(self, pod: Pod) -> None:
        near: Object = pod.affinity.get("podAffinity") or {}
        apart: Object = pod.affinity.get("podAntiAffinity") or {}
        required, preferred = (f"{kind}DuringSchedulingIgnoredDuringExecution" for kind in ("required", "preferred"))
        self.near = [Term.read(pod, each) for each in near.get(required) or ()]
        self.apart = [Term.read(pod, each) for each in apart.get(required) or ()]
        self.weighted = [
            (sign * each["weight"], Term.read(pod, each["podAffinityTerm"]))
            for sign, terms in ((1, near), (-1, apart))
            for each in terms.get(preferred) or ()
        ]


class InterPodAffinity(Plugin):
    """Required terms, of the pod and of those that stand, hold; preferred ones score, in both directions."""

    name = "InterPodAffinity"
    weight = 2

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        super().__init__(cluster, pod)
        self.terms = terms_of(pod)
        self.near: Counter[Domain] = Counter()
        self.apart: Counter[Domain] = Counter()
        self.kept_off: Counter[Domain] = Counter()
        for node, each in cluster.pods:
            self._move(node, each, 1)
        self.scores: Counter[Domain] = Counter()

    def copied(self) -> Self:
        twin = super().copied()
        twin.near, twin.apart, twin.kept_off = Counter(self.near), Counter(self.apart), Counter(self.kept_off)
        return twin

    def add(self, node: Node, pod: Pod) -> None:
        self._move(node, pod, 1)

    def remove(self, node: Node, pod: Pod) -> None:
        self._move(node, pod, -1)

    def _move(self, node: Node, pod: Pod, change: int) -> None:
        """Counts a pod in the domains of its node; for the pod's affinity only where it matches all its terms."""
        names = self.cluster.namespaces
        if self.terms.near and all(term.matches(pod, names, listed=True) for term in self.terms.near):
            count(self.near, node, self.terms.near, change)
        count(self.apart, node, [each for each in self.terms.apart if each.matches(pod, names, listed=True)], change)
        theirs = terms_of(pod).apart
        count(self.kept_off, node, [each for each in theirs if each.matches(self.pod, names, listed=False)], change)

    def filter(self, node: Node) -> Status | None:
        if not self._finds_company(node):
            return unresolvable(self.name, "node(s) didn't match pod affinity rules")
        if any(self.apart[term.key, node.labels[term.key]] > 0 for term in self.terms.apart if term.key in node.labels):
            return unschedulable(self.name, "node(s) didn't match pod anti-affinity rules")
        if any(self.kept_off[label] > 0 for label in node.labels.items()):
            return unschedulable(self.name, "node(s) didn't satisfy existing pods anti-affinity rules")
        return None

    def _finds_company(self, node: Node) -> bool:
        """
        Whether required affinity holds: the node has all keys, and each of its domains a pod that matches all terms.

        The first of a group needs no company: where no pod of any domain matches all terms and the pod itself does.
        """
        if any(term.key not in node.labels for term in self.terms.near):
            return False
        if all(self.near[term.key, node.labels[term.key]] > 0 for term in self.terms.near):
            return True
        names = self.cluster.namespaces
        first = not any(self.near.values())
        return first and all(term.matches(self.pod, names, listed=True) for term in self.terms.near)

    def pre_score(self, nodes: list[Node]) -> bool:
        """
        Adds up the weights of the domains, by terms of the pod and of those that stand.

        Not scored where no term meets any pod; scored where the weights that meet cancel out.
        """
        names = self.cluster.namespaces
        for node, pod in self.cluster.pods:
            theirs = terms_of(pod)
            ours = [(weight, term) for weight, term in self.terms.weighted if term.matches(pod, names, listed=True)]
            back = [(HARD_WEIGHT, term) for term in theirs.near] + theirs.weighted
            ours += [(weight, term) for weight, term in back if term.matches(self.pod, names, listed=False)]
            for weight, term in ours:
                if term.key in node.labels:
                    self.scores[term.key, node.labels[term.key]] += weight
        return bool(self.scores)

    def score(self, node: Node) -> int:
        return sum(self.scores.get(label, 0) for label in node.labels.items())

    def normalize(self, nodes: list[Node], scores: list[int]) -> list[int]:
        """From 0 for the least to 100 for the greatest, cut; 0 where all are equal."""
        least, span = min(scores), max(scores) - min(scores)
        return [int(BEST * ((score - least) / span)) if span else 0 for score in scores]


def count(counts: Counter[Domain], node: Node, terms: list[Term], change: int) -> None:
    """Changes the counts of the node's domains."""
    for term in terms:
        if term.key in node.labels:
            counts[term.key, node.labels[term.key]] += change


def terms_of(pod: Pod) -> Terms:
    """The terms of a pod, read once."""
    known: Terms | None = pod.__dict__.get("_terms")
    if known is None:
        known = pod.__dict__["_terms"] = Terms(pod)
    return known
