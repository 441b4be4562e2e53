"""The other pods, whatever the nodes: what they ask for and which of them a selector means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.explaining.subject import Subject
from placer.model.cluster import Cluster
from placer.model.device import DeviceNeed
from placer.model.pod import Pod
from placer.model.relation import AffinityTerm
from placer.model.selector import LabelSelector, Requirement
from placer.model.table import Amounts, Column
from placer.model.units import Units

Mask = NDArray[np.bool_]


class Others:
    """
    All pods but the explained one, whatever the nodes: shared by the states of one explanation.

    Parameters
    ----------
    row
        The explained pod, which no mask holds.
    where
        (pods,) int32: row of the node each pod stands on, negative for none.
    """

    def __init__(self, cluster: Cluster, read: Units, row: int, where: NDArray[np.int32]) -> None:
        self.cluster, self.row, self.table = cluster, row, cluster.pod_table
        self.requests: Amounts = read.requests
        self.needs: Column[tuple[DeviceNeed, ...]] = read.needs
        self.where, self.standing = where, where >= 0
        self.terminating: Mask = self.table["terminating"].map(bool) if len(self.table) else np.zeros(0, bool)
        self._selected: dict[LabelSelector, Mask] = {}
        self._opponents: dict[str, Mask] | None = None

    def selected(self, selector: LabelSelector | None, namespaces: Mask) -> Mask:
        """(pods,) pods of these namespaces that the selector selects, standing or not, the explained pod left out."""
        labels = self.table["labels"]
        if selector is None or not len(self.table):
            return np.zeros(len(self.table), bool)
        if selector not in self._selected:
            self._selected[selector] = np.array([selector.matches(value) for value in labels.values], bool)
        found: Mask = self._selected[selector][labels.codes] & namespaces[self.table["namespace"].codes]
        found[self.row] = False
        return found

    def namespaces(self, term: AffinityTerm, own: str) -> Mask:
        """(distinct namespaces,) those that a term of a pod in namespace ``own`` speaks of."""
        names = self.table["namespace"].values
        return np.array([self.speaks_of(term, own, name) for name in names], bool)

    def speaks_of(self, term: AffinityTerm, own: str, namespace: str) -> bool:
        """Whether a term of a pod in namespace ``own`` speaks of a namespace."""
        if not term.namespaces and term.namespace_selector is None:
            return namespace == own
        if namespace in term.namespaces:
            return True
        chosen = term.namespace_selector
        if chosen is None or chosen.is_empty:
            return chosen is not None
        known = namespace in self.cluster.selectable_namespaces
        return known and chosen.matches(self.cluster.namespace_labels(namespace))

    def only(self, namespace: str) -> Mask:
        """(distinct namespaces,) one alone."""
        return np.array([name == namespace for name in self.table["namespace"].values], bool)

    def alike(self, labels: Mapping[str, str], namespace: str) -> Mask:
        """(pods,) other pods of the namespace with equal labels."""
        column = self.table["labels"]
        equal = np.array([value == labels for value in column.values], bool)
        found: Mask = equal[column.codes] & self.only(namespace)[self.table["namespace"].codes]
        found[self.row] = False
        return found

    def opponents(self, pod: Pod) -> dict[str, Mask]:
        """Of the explained pod, whose labels no change touches: see :func:`opponents`."""
        if self._opponents is None:
            self._opponents = opponents(self, pod)
        return self._opponents

    def subject_of(self, row: int) -> Subject:
        """Another pod, as far as its units go."""
        amounts = zip(self.requests.resources, self.requests.table[row].tolist(), strict=True)
        return Subject(self.cluster.pod(row), {name: amount for name, amount in amounts if amount}, self.needs[row])


def extended(
    selector: LabelSelector | None, labels: Mapping[str, str], match: Sequence[str], mismatch: Sequence[str] = ()
) -> LabelSelector | None:
    """A selector with the pod's own values of some keys added, as equal or as different."""
    if selector is None:
        return None
    added = [
        Requirement(key=key, operator=operator, values=(labels[key],))
        for operator, keys in (("In", match), ("NotIn", mismatch))
        for key in keys
        if key in labels
    ]
    if not added:
        return selector
    return selector.model_copy(update={"match_expressions": (*selector.match_expressions, *added)})


def means(others: Others, carrier_labels: Any, carrier_namespace: str, term: AffinityTerm, pod: Pod) -> bool:
    """Whether a term of a carrier selects the pod."""
    selector = extended(term.selector, carrier_labels, term.match_label_keys, term.mismatch_label_keys)
    return (
        selector is not None
        and selector.matches(pod.labels)
        and others.speaks_of(term, carrier_namespace, pod.namespace)
    )


def opponents(others: Others, pod: Pod) -> dict[str, Mask]:
    """Topology key → (pods,) that stand and have an anti-affinity term of this key that selects the pod."""
    rules, namespaces, labels = (others.table[name] for name in ("pod_anti_affinity", "namespace", "labels"))
    carry = np.array([bool(value) for value in rules.values], bool)[rules.codes] & others.standing
    rows = np.flatnonzero(carry)
    found: dict[str, Mask] = {}
    if not len(rows):
        return found
    sizes = (len(namespaces.values), len(labels.values))
    code = (rules.codes[rows].astype(np.int64) * sizes[0] + namespaces.codes[rows]) * sizes[1] + labels.codes[rows]
    distinct, inverse = np.unique(code, return_inverse=True)
    hits: dict[str, list[int]] = {}
    for place, value in enumerate(distinct.tolist()):
        rest, label = divmod(value, sizes[1])
        rule, namespace = divmod(rest, sizes[0])
        for term in rules.values[rule]:
            if means(others, labels.values[label], namespaces.values[namespace], term, pod):
                hits.setdefault(term.topology_key, []).append(place)
    for key, places in hits.items():
        mask = np.zeros(len(others.standing), bool)
        mask[rows[np.isin(inverse, places)]] = True
        found[key] = mask
    return found
