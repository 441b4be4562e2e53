"""
What selectors see of pods: distinct namespaces, labels and whether they terminate.

An index of (label, value) answers a selector without looking at the pods, nor at most of the identities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.checks.distinct import distinct
from placer.model.cluster import Cluster
from placer.model.relation import AffinityTerm
from placer.model.selector import LabelSelector, Requirement

Members = NDArray[np.int64]
"""Identities that a selector picks, ascending."""
NOBODY: Members = np.zeros(0, np.int64)


class Identities:
    """
    The identities of a cluster's pods.

    Attributes
    ----------
    of_pod
        (pods,) int64.
    namespace, labels
        Of each identity.
    terminating
        (identities,) bool.
    """

    def __init__(self, cluster: Cluster) -> None:
        pods = cluster.pod_table
        self.cluster = cluster
        terminating = pods["terminating"]
        flags = np.array(terminating.values, bool)[terminating.codes] if len(pods) else np.zeros(0, bool)
        self.of_pod, first = distinct([pods["namespace"].codes, pods["labels"].codes, flags])
        rows = first.tolist()
        self.namespace: list[str] = [pods["namespace"][row] for row in rows]
        self.labels: list[Mapping[str, str]] = [pods["labels"][row] for row in rows]
        self.terminating = flags[first]
        self._selected: dict[Any, Members] = {}

    @cached_property
    def _by_label(self) -> dict[tuple[str, str], list[int]]:
        index: dict[tuple[str, str], list[int]] = {}
        for identity, labels in enumerate(self.labels):
            for pair in labels.items():
                index.setdefault(pair, []).append(identity)
        return index

    @cached_property
    def _equal(self) -> dict[Any, list[int]]:
        index: dict[Any, list[int]] = {}
        for identity, (namespace, labels) in enumerate(zip(self.namespace, self.labels, strict=True)):
            index.setdefault((namespace, frozenset(labels.items())), []).append(identity)
        return index

    def equal(self, namespace: str, labels: Mapping[str, str]) -> Members:
        """The identities of a namespace with exactly these labels."""
        return np.array(self._equal.get((namespace, frozenset(labels.items())), []), np.int64)

    def select(
        self, selector: LabelSelector | None, added: Sequence[Requirement], namespaces: frozenset[str] | None
    ) -> Members:
        """
        The identities that a selector picks.

        Parameters
        ----------
        selector
            ``None`` picks none.
        added
            Expressions that must hold as well.
        namespaces
            Where to look; ``None`` is everywhere.
        """
        if selector is None:
            return NOBODY
        mark = (selector, tuple(added), namespaces)
        if mark not in self._selected:
            expressions = (*selector.match_expressions, *added)
            self._selected[mark] = np.array(
                [
                    identity
                    for identity in self._candidates(selector.match_labels, expressions)
                    if (namespaces is None or self.namespace[identity] in namespaces)
                    and selector.matches(self.labels[identity])
                    and all(expression.matches(self.labels[identity]) for expression in added)
                ],
                np.int64,
            )
        return self._selected[mark]

    def _candidates(self, labels: Mapping[str, str], expressions: Sequence[Requirement]) -> Sequence[int]:
        """The shortest list that must hold all that are picked, ascending."""
        lists: list[Sequence[int]] = [self._by_label.get(pair, []) for pair in labels.items()]
        for expression in expressions:
            if expression.operator == "In":
                parts = [self._by_label.get((expression.key, value), []) for value in set(expression.values)]
                lists.append(parts[0] if len(parts) == 1 else sorted(one for part in parts for one in part))
        return min(lists, key=len) if lists else range(len(self.labels))

    def of_spread(self, selector: LabelSelector | None, namespace: str, added: Sequence[Requirement]) -> Members:
        """Those that a spread counts: of the pod's namespace, not terminating; an empty selector counts none."""
        if selector is None or (selector.is_empty and not added):
            return NOBODY
        members = self.select(selector, added, frozenset([namespace]))
        counted: Members = members[~self.terminating[members]]
        return counted

    def of_group(self, selector: LabelSelector | None, namespace: str, labels: Mapping[str, str]) -> Members:
        """The group of a domain rule; without a selector, pods of the namespace with equal labels."""
        if selector is None:
            return self.equal(namespace, labels)
        return self.select(selector, (), frozenset([namespace]))

    def of_term(self, term: AffinityTerm, namespace: str, labels: Mapping[str, str]) -> Members:
        """The identities that an affinity term of such a pod picks."""
        added = (
            *own_values(labels, term.match_label_keys, "In"),
            *own_values(labels, term.mismatch_label_keys, "NotIn"),
        )
        return self.select(term.selector, added, self._namespaces(term, namespace))

    def _namespaces(self, term: AffinityTerm, own: str) -> frozenset[str] | None:
        chosen = term.namespace_selector
        if chosen is None:
            return frozenset(term.namespaces or [own])
        if not chosen.match_labels and not chosen.match_expressions:
            return None
        picked = {
            name for name in self.cluster.selectable_namespaces if chosen.matches(self.cluster.namespace_labels(name))
        }
        return frozenset(picked.union(term.namespaces))

    def meant_by(self, term: AffinityTerm, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether a pod's own term picks the pod itself."""
        return bool(np.isin(self.equal(namespace, labels), self.of_term(term, namespace, labels)).any())


def own_values(labels: Mapping[str, str], keys: Sequence[str], operator: Any) -> tuple[Requirement, ...]:
    """A pod's own values of some keys as expressions; a key that it lacks adds none."""
    return tuple(Requirement(key=key, operator=operator, values=(labels[key],)) for key in keys if key in labels)
