"""
Groups: the pods that a selector counts, as sets of identities.

An identity is all that selectors can see of a pod: namespace, labels, and whether it is terminating. An index from
(label, value) to identities answers a selector without looking at the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine
from placer.model.cluster import Cluster
from placer.model.relation import AffinityTerm, SpreadConstraint
from placer.model.selector import LabelSelector, Requirement

Members = NDArray[np.int32]


class Picked(NamedTuple):
    """
    A selector resolved for one pod; equal ones are one group.

    Attributes
    ----------
    namespaces
        Sorted names, or ``None`` for all.
    labels
        Sorted (key, value) pairs that must be there.
    expressions
        Further requirements.
    terminating
        Whether terminating pods count.
    """

    namespaces: tuple[str, ...] | None
    labels: tuple[tuple[str, str], ...]
    expressions: tuple[Requirement, ...]
    terminating: bool


NOBODY = Picked((), (), (), True)


class Identities:
    """
    The identities of a cluster's pods.

    Attributes
    ----------
    of_pod
        (pods,) int32.
    """

    def __init__(self, cluster: Cluster) -> None:
        pods = cluster.pod_table
        self.cluster = cluster
        terminating = pods["terminating"]
        flags = np.array(terminating.values, bool)[terminating.codes] if len(pods) else np.zeros(0, bool)
        self.of_pod, first = combine([pods["namespace"].codes, pods["labels"].codes, flags.astype(np.int8)], len(pods))
        self.namespace: list[str] = [pods["namespace"][row] for row in first.tolist()]
        self.labels: list[Mapping[str, str]] = [pods["labels"][row] for row in first.tolist()]
        self.terminating = flags[first]
        self._namespace_codes, self._namespace_index = _codes(self.namespace)
        self._by_label: dict[tuple[str, str], list[int]] | None = None
        self._members: dict[Picked, Members] = {}
        self._any_terminating = bool(self.terminating.any())

    def __len__(self) -> int:
        return len(self.namespace)

    def _with_label(self, pair: tuple[str, str]) -> list[int]:
        if self._by_label is None:
            self._by_label = {}
            for identity, labels in enumerate(self.labels):
                for item in labels.items():
                    self._by_label.setdefault(item, []).append(identity)
        return self._by_label.get(pair, [])

    def members(self, picked: Picked) -> Members:
        """The identities that a resolved selector picks, ascending."""
        found = self._members.get(picked)
        if found is None:
            found = self._members[picked] = self._pick(picked)
        return found

    def _pick(self, picked: Picked) -> Members:
        if picked.namespaces == ():
            return np.zeros(0, np.int32)
        if picked.labels:
            parts = sorted((self._with_label(pair) for pair in picked.labels), key=len)
            chosen = parts[0]
            for part in parts[1:]:
                keep = set(part)
                chosen = [identity for identity in chosen if identity in keep]
        else:
            chosen = range(len(self))  # type: ignore[assignment]
        if picked.namespaces is not None and len(self._namespace_index) > 1:
            wanted = {self._namespace_index[name] for name in picked.namespaces if name in self._namespace_index}
            chosen = [identity for identity in chosen if self._namespace_codes[identity] in wanted]
        elif picked.namespaces is not None and not set(picked.namespaces) & set(self._namespace_index):
            return np.zeros(0, np.int32)
        for expression in picked.expressions:
            chosen = [identity for identity in chosen if expression.matches(self.labels[identity])]
        members = np.array(chosen, np.int32)
        if not picked.terminating and self._any_terminating:
            members = members[~self.terminating[members]]
        return members


def _codes(values: Sequence[str]) -> tuple[list[int], dict[str, int]]:
    index: dict[str, int] = {}
    return [index.setdefault(value, len(index)) for value in values], index


def own_keys(labels: Mapping[str, str], keys: Sequence[str], operator: Any) -> tuple[Requirement, ...]:
    """Requirements from the pod's own values of ``matchLabelKeys``; a key that the pod lacks adds none."""
    return tuple(Requirement(key=key, operator=operator, values=(labels[key],)) for key in keys if key in labels)


def pick_own_namespace(
    namespace: str,
    labels: Mapping[str, str],
    selector: LabelSelector | None,
    match_label_keys: Sequence[str] = (),
    *,
    terminating: bool,
) -> Picked:
    """A selector over the pod's own namespace, as spread constraints use it; ``None`` picks nobody."""
    if selector is None:
        return NOBODY
    extra = own_keys(labels, match_label_keys, "In") if match_label_keys else ()
    pairs = selector.match_labels.items()
    return Picked(
        (namespace,),
        tuple(sorted(pairs)) if len(pairs) > 1 else tuple(pairs),
        (*selector.match_expressions, *extra),
        terminating,
    )


def pick_spread(namespace: str, labels: Mapping[str, str], constraint: SpreadConstraint) -> Picked:
    """The pods that a spread constraint counts; a selector that is empty counts none."""
    keys = constraint.match_label_keys
    picked = pick_own_namespace(namespace, labels, constraint.selector, keys, terminating=False)
    return picked if picked.labels or picked.expressions else NOBODY


def pick_affinity(
    cluster: Cluster, namespace: str, labels: Mapping[str, str], term: AffinityTerm, *, carried: bool = False
) -> Picked:
    """
    The pods that an affinity term means, for a pod of this namespace with these labels.

    Parameters
    ----------
    carried
        The term of a pod that stands, asked about one that arrives: the arriving pod's namespace exists in any case,
        without labels where the input does not have it.
    """
    if term.selector is None:
        return NOBODY
    extra: tuple[Requirement, ...] = ()
    if term.match_label_keys or term.mismatch_label_keys:
        extra = own_keys(labels, term.match_label_keys, "In") + own_keys(labels, term.mismatch_label_keys, "NotIn")
    pairs = term.selector.match_labels.items()
    return Picked(
        affinity_namespaces(cluster, namespace, term, carried),
        tuple(sorted(pairs)) if len(pairs) > 1 else tuple(pairs),
        (*term.selector.match_expressions, *extra),
        True,
    )


def affinity_namespaces(
    cluster: Cluster, namespace: str, term: AffinityTerm, carried: bool = False
) -> tuple[str, ...] | None:
    """The namespaces that a term looks at; ``None`` is all of them."""
    selector = term.namespace_selector
    if selector is None:
        return tuple(sorted(set(term.namespaces))) if term.namespaces else (namespace,)
    if not selector.match_labels and not selector.match_expressions:
        return None
    chosen = {name for name in cluster.selectable_namespaces if selector.matches(cluster.namespace_labels(name))}
    if carried and cluster.namespaces and selector.matches({}):
        chosen |= set(cluster.pod_table["namespace"].values) - set(cluster.namespaces)
    return tuple(sorted(chosen | set(term.namespaces)))
