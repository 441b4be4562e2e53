"""What the nodes are and what stands on them when a pod is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.explaining.device import NodeUnits, place_pod, place_recorded
from placer.explaining.edit import append_nodes
from placer.explaining.others import Mask, Others
from placer.model.device import Device
from placer.model.node import Node
from placer.model.relation import HOSTNAME
from placer.model.selector import NodeSelectorTerm, Requirement
from placer.model.table import ABSENT, Column, NodeTable
from placer.model.taint import UNSCHEDULABLE_TAINT, Taint, Toleration

CORDON = Taint(key=UNSCHEDULABLE_TAINT)
REJECTING = ("NoSchedule", "NoExecute")


class Domains(NamedTuple):
    """
    The domains of a topology key.

    Attributes
    ----------
    codes
        (nodes,) int32: which domain; -1 for nodes without the label.
    names
        The label's values.
    """

    codes: NDArray[np.int32]
    names: list[str]


class State:
    """
    Nodes and what stands on them.

    Parameters
    ----------
    others
        All pods but the explained one.
    nodes
        The cluster's nodes, or these and more that are empty, at the end.
    listed
        Each node's devices, numbers of units written as units.
    devices
        Row of a pod → units that its binding names.
    claims
        (namespace, claim) → volume and row of the node, for claims that a binding has bound.
    """

    def __init__(
        self,
        others: Others,
        nodes: NodeTable,
        listed: Column[tuple[Device, ...]],
        devices: Mapping[int, Mapping[str, Sequence[int]]],
        claims: Mapping[tuple[str, str], tuple[str, int]] | None = None,
    ) -> None:
        self.others, self.nodes, self.listed, self.devices = others, nodes, listed, devices
        self.claims = claims or {}
        self.count = len(nodes)
        self._requirements: dict[Requirement, Mask] = {}
        self._domains: dict[str, Domains] = {}

    @cached_property
    def everywhere(self) -> Mask:
        """(nodes,) all false: a rule that rejects none."""
        return np.zeros(self.count, bool)

    @cached_property
    def crowd(self) -> NDArray[np.int64]:
        """(nodes,) how many pods stand there."""
        return np.bincount(self.others.where[self.others.standing], minlength=self.count).astype(np.int64)

    @cached_property
    def used(self) -> NDArray[np.int64]:
        """(nodes, resources of the pods' requests) what those that stand there ask for."""
        total = np.zeros((self.count, len(self.others.requests.resources)), np.int64)
        np.add.at(total, self.others.where[self.others.standing], self.others.requests.table[self.others.standing])
        return total

    def load(self, resource: str) -> NDArray[np.int64]:
        """(nodes,) what is used of one resource."""
        if resource == "pods":
            return self.crowd
        if resource not in self.others.requests.resources:
            return np.zeros(self.count, np.int64)
        return self.used[:, self.others.requests.resources.index(resource)]

    def allocatable(self, resource: str) -> NDArray[np.int64]:
        """(nodes,) of one resource; 0 where not named, but without end for ``pods``."""
        amounts = self.nodes.allocatable.column(resource, ABSENT)
        return np.where(amounts == ABSENT, np.iinfo(np.int64).max if resource == "pods" else 0, amounts)

    def requirement(self, requirement: Requirement) -> Mask:
        """(nodes,) whose labels satisfy an expression."""
        if requirement not in self._requirements:
            labels = self.nodes.labels
            mask = np.array([requirement.matches(value) for value in labels.values], bool)[labels.codes]
            if requirement.key == HOSTNAME:
                for row in np.flatnonzero(self.nodes.named).tolist():
                    mask[row] = requirement.matches({HOSTNAME: self.nodes.names[row]})
            self._requirements[requirement] = mask
        return self._requirements[requirement]

    def field(self, requirement: Requirement) -> Mask:
        """(nodes,) whose name satisfies an expression over ``metadata.name``."""
        return np.array([requirement.matches({"metadata.name": name}) for name in self.nodes.names], bool)

    def term(self, term: NodeSelectorTerm) -> Mask:
        """(nodes,) that a term selects."""
        if not term.match_expressions and not term.match_fields:
            return ~np.ones(self.count, bool)
        masks = [*map(self.requirement, term.match_expressions), *map(self.field, term.match_fields)]
        found: Mask = np.logical_and.reduce(masks)
        return found

    def affinity(self, selector: Mapping[str, str], terms: Sequence[NodeSelectorTerm]) -> Mask:
        """(nodes,) whose labels include the selector and that one of the terms, if any, selects."""
        mask = np.ones(self.count, bool)
        for key, value in selector.items():
            mask &= self.requirement(Requirement(key=key, operator="In", values=(value,)))
        return mask & np.logical_or.reduce([self.term(term) for term in terms]) if terms else mask

    def tainted(self, tolerations: Sequence[Toleration]) -> Mask:
        """(nodes,) with a rejecting taint that none of the tolerations covers."""
        values = [any(untolerated(taints, tolerations)) for taints in self.nodes.taints.values]
        return np.array(values, bool)[self.nodes.taints.codes] if values else self.everywhere.copy()

    def cordoned(self, tolerations: Sequence[Toleration]) -> Mask:
        """(nodes,) unschedulable for a pod with these tolerations."""
        tolerated = any(toleration.tolerates(CORDON) for toleration in tolerations)
        return self.everywhere.copy() if tolerated else self.nodes.unschedulable.copy()

    def domains(self, key: str) -> Domains:
        """The domains of a topology key, numbered in node order."""
        if key not in self._domains:
            table = self.nodes
            labels = [value.get(key) for value in table.labels.values]
            if key == HOSTNAME:
                own = zip(table.named.tolist(), table.names.tolist(), table.labels.codes.tolist(), strict=True)
                column: Column[Any] = Column.of([name if named else labels[code] for named, name, code in own])
            else:
                distinct = Column.of(labels)
                column = Column(distinct.codes[table.labels.codes], distinct.values)
            names = [value for value in column.values if value is not None]
            number = {name: code for code, name in enumerate(names)}
            renumbered = np.array([-1 if value is None else number[value] for value in column.values], np.int32)
            codes = renumbered[column.codes] if len(column.values) else np.zeros(self.count, np.int32)
            self._domains[key] = Domains(codes, names)
        return self._domains[key]

    def counts(self, pods: Mask, key: str, nodes: Mask | None = None) -> NDArray[np.int64]:
        """(domains,) how many of the pods stand in each domain of a key, on the given nodes only."""
        domains = self.domains(key)
        rows = self.others.where[pods & self.others.standing]
        if nodes is not None:
            rows = rows[nodes[rows]]
        codes = domains.codes[rows]
        return np.bincount(codes[codes >= 0], minlength=len(domains.names)).astype(np.int64)

    def in_domain(self, values: NDArray[Any], key: str, missing: Any) -> NDArray[Any]:
        """(nodes,) each node's value of a table over the domains of a key."""
        codes = self.domains(key).codes
        return np.append(values, missing)[codes]

    @cached_property
    def empty(self) -> list[NodeUnits]:
        """Units of an empty node, by code of ``listed``."""
        return [NodeUnits.empty(devices) for devices in self.listed.values]

    @cached_property
    def touched(self) -> dict[int, NodeUnits]:
        """Row of a node → its units, where a pod has taken any."""
        others, codes = self.others, self.listed.codes
        takes = others.needs.map(bool) | others.table["numa"].map(lambda numa: numa is not None)
        has_units = np.array([bool(units.devices) for units in self.empty], bool)[codes]
        rows = np.flatnonzero(takes & others.standing)
        rows = rows[has_units[others.where[rows]]]
        found: dict[int, NodeUnits] = {}
        for row, recorded in sorted(((row, self.recorded(row)) for row in rows.tolist()), key=self._rank):
            node = int(others.where[row])
            before, pod = found.get(node) or self.empty[codes[node]], others.subject_of(row)
            found[node] = place_recorded(before, pod, recorded) if recorded else place_pod(before, pod)
        return found

    def recorded(self, row: int) -> Mapping[str, Sequence[int]]:
        """The units that a pod is known to hold: by its binding, or by the input where it stands as there."""
        if row in self.devices:
            return self.devices[row]
        table = self.others.table
        stays = int(self.others.where[row]) == int(table.node[row])
        units: Mapping[str, Sequence[int]] = table["units"][row] if stays else {}
        return units

    def _rank(self, pair: tuple[int, Mapping[str, Sequence[int]]]) -> tuple[int, int]:
        """Known units of the input first, then input order, then the bindings."""
        row, recorded = pair
        return (2, row) if row in self.devices else (0 if recorded else 1, row)

    def units(self, node: int) -> NodeUnits:
        """The units of a node, what stands there taken off."""
        return self.touched.get(node) or self.empty[self.listed.codes[node]]

    def with_node(self, node: Node, template: int) -> State:
        """
        The state with one more node, empty, at the end.

        Parameters
        ----------
        template
            Row of the node whose devices it has; -1: its own.
        """
        listed = self.listed
        code = listed.codes[template] if template >= 0 else len(listed.values)
        values = listed.values if template >= 0 else [*listed.values, node.devices]
        codes = np.append(listed.codes, np.int32(code)).astype(np.int32)
        state = State(self.others, append_nodes(self.nodes, [node]), Column(codes, values), self.devices, self.claims)
        state.touched = self.touched
        return state


def untolerated(taints: Sequence[Taint], tolerations: Sequence[Toleration]) -> list[Taint]:
    """Rejecting taints that none of the tolerations covers."""
    return [
        taint
        for taint in taints
        if taint.effect in REJECTING and not any(toleration.tolerates(taint) for toleration in tolerations)
    ]
