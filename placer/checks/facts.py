"""A cluster's tables as checks read them: domains, label masks over nodes, identities of pods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.identities import Identities
from placer.model.cluster import Cluster
from placer.model.relation import HOSTNAME
from placer.model.selector import NodeSelectorTerm, Requirement
from placer.model.table import PENDING
from placer.model.taint import UNSCHEDULABLE_TAINT, Taint, Toleration
from placer.model.units import Units, units

Mask = NDArray[np.bool_]
CORDON = Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule")


class Domains(NamedTuple):
    """
    The domains of a topology key.

    Attributes
    ----------
    codes
        (nodes,) int64: the domain of each node, -1 for none.
    names
        The label's value of each domain.
    """

    codes: NDArray[np.int64]
    names: list[str]


class Facts:
    """What checks read of a cluster, each part worked out when first asked for."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.nodes, self.pods = cluster.node_table, cluster.pod_table
        self._domains: dict[str, Domains] = {}
        self._masks: dict[Any, Mask] = {}

    @cached_property
    def units(self) -> Units:
        """Devices, needs, and amounts without the resources that are devices."""
        return units(self.cluster)

    @cached_property
    def identities(self) -> Identities:
        """What selectors see of pods."""
        return Identities(self.cluster)

    @cached_property
    def placeable(self) -> NDArray[np.int64]:
        """(identities,) pods that stand, or are pending without a gate or an unsupported rule."""
        pending = self.pods.node == PENDING
        for field in ("scheduling_gates", "unsupported"):
            some = self.truthy(field)
            pending = pending if some is None else pending & ~some
        counted = self.identities.of_pod[pending | (self.pods.node >= 0)]
        return np.bincount(counted, minlength=len(self.identities.namespace))

    def truthy(self, field: str) -> Mask | None:
        """(pods,) where a pod has something in a field; ``None`` where no pod has."""
        column = self.pods[field]
        some = np.array([bool(value) for value in column.values], bool)
        return some[column.codes] if some.any() else None

    def domains(self, key: str) -> Domains:
        """The domains of a topology key."""
        if key not in self._domains:
            index: dict[str, int] = {}
            table = self.nodes
            by_code = [
                index.setdefault(labels[key], len(index)) if key in labels else -1 for labels in table.labels.values
            ]
            codes = np.array(by_code, np.int64)[table.labels.codes] if by_code else np.zeros(0, np.int64)
            if key == HOSTNAME:
                named = np.flatnonzero(table.named)
                names = table.names.tolist()
                codes[named] = [index.setdefault(names[row], len(index)) for row in named.tolist()]
            self._domains[key] = Domains(codes, list(index))
        return self._domains[key]

    def requirement(self, requirement: Requirement) -> Mask:
        """(nodes,) whose labels satisfy an expression; each value of the label is tested once."""
        if requirement not in self._masks:
            codes, names = self.domains(requirement.key)
            holds = [requirement.matches({requirement.key: name}) for name in names]
            self._masks[requirement] = np.array([*holds, requirement.matches({})], bool)[codes]
        return self._masks[requirement]

    def field(self, requirement: Requirement) -> Mask:
        """(nodes,) whose name satisfies an expression over ``metadata.name``."""
        mask = np.full(len(self.nodes), requirement.operator == "NotIn")
        rows = [row for row in (self.nodes.index(name) for name in requirement.values) if row >= 0]
        mask[rows] = requirement.operator == "In"
        return mask

    def term(self, term: NodeSelectorTerm) -> Mask:
        """(nodes,) that a term selects; an empty one selects none."""
        mask = np.full(len(self.nodes), bool(term.match_expressions or term.match_fields))
        for expression in term.match_expressions:
            mask = mask & self.requirement(expression)
        for field in term.match_fields:
            mask = mask & self.field(field)
        return mask

    def affinity(self, selector: dict[str, str], terms: Sequence[NodeSelectorTerm]) -> Mask:
        """(nodes,) that match a node selector and, where there are terms, one of them."""
        mask = np.full(len(self.nodes), not terms)
        for term in terms:
            mask |= self.term(term)
        for key, value in selector.items():
            mask &= self.requirement(Requirement(key=key, operator="In", values=(value,)))
        return mask

    def untainted(self, tolerations: Sequence[Toleration]) -> Mask:
        """(nodes,) whose rejecting taints are all tolerated; a cordon alone is none."""
        taints = self.nodes.taints
        bare = np.array([not untolerated(listed, tolerations) for listed in taints.values], bool)
        return bare[taints.codes] if len(bare) else np.zeros(0, bool)


def untolerated(taints: Sequence[Taint], tolerations: Sequence[Toleration], soft: bool = False) -> list[Taint]:
    """The rejecting taints, or the soft ones, that no toleration covers."""
    return [
        taint
        for taint in taints
        if (taint.effect == "PreferNoSchedule") == soft
        and not any(toleration.tolerates(taint) for toleration in tolerations)
    ]


def tolerates_cordon(tolerations: Sequence[Toleration]) -> bool:
    """Whether cordoned nodes are tolerated."""
    return any(toleration.tolerates(CORDON) for toleration in tolerations)
