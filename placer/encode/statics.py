"""
Static rules: which nodes a pod may ever stand on, whatever else runs.

Nodes that no static rule can tell apart form one segment; a pod's static signature is a list of segments. So a rule is
evaluated once per signature over segments with numpy, and a scan walks few contiguous ranges of nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine
from placer.model.cluster import Cluster
from placer.model.profile import AddedAffinity
from placer.model.relation import HOSTNAME
from placer.model.rule import Rule
from placer.model.selector import NodeSelectorTerm, Requirement
from placer.model.table import Column
from placer.model.taint import UNSCHEDULABLE_TAINT, Taint, Toleration
from placer.model.volume import ZONE_KEYS, Volume, Waiting

Mask = NDArray[np.bool_]
CORDON = Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule")
NAME = "metadata.name"
NONE_ADDED = AddedAffinity()


class Mentions(NamedTuple):
    """What static rules can see of a node: label keys, and names or hostnames that are singled out."""

    keys: frozenset[str]
    names: frozenset[str]


def mentions(pods: dict[str, Column[Any]], topology_keys: Iterable[str], added: AddedAffinity = NONE_ADDED) -> Mentions:
    """
    Collects the label keys and node names that any static rule mentions.

    ``In`` and ``NotIn`` over the hostname only single out the names they list, so that a DaemonSet's or a local
    volume's rule does not put every node in a segment of its own.
    """
    noted = _Noted(topology_keys)
    noted.terms(added.required)
    noted.terms(wish.term for wish in added.preferred)
    for selector in pods["node_selector"].values:
        noted.selector(selector)
    for terms in pods["node_affinity"].values:
        noted.terms(terms)
    for wishes in pods["preferred_nodes"].values:
        noted.terms(wish.term for wish in wishes)
    for alternatives in pods["any_of"].values:
        for alternative in alternatives:
            noted.selector(alternative.node_selector)
            noted.terms(alternative.node_affinity)
    for volumes in pods["volumes"].values:
        for volume in volumes:
            noted.volume(volume)
    for field in ("nodes", "forbidden_nodes"):
        for listed in pods[field].values:
            noted.names.update(listed)
    return Mentions(frozenset(noted.keys), frozenset(noted.names))


class _Noted:
    """Mentions while they are collected."""

    def __init__(self, topology_keys: Iterable[str]) -> None:
        self.keys = set(topology_keys) - {HOSTNAME}
        self.names: set[str] = set()
        self._waiting: set[Waiting] = set()

    def terms(self, terms: Iterable[NodeSelectorTerm]) -> None:
        """Notes what node affinity mentions."""
        for term in terms:
            for requirement in (*term.match_expressions, *term.match_fields):
                if requirement.key in (HOSTNAME, NAME) and requirement.operator in ("In", "NotIn"):
                    self.names.update(requirement.values)
                else:
                    self.keys.add(requirement.key)

    def volume(self, volume: Volume) -> None:
        """Notes what says where a volume is, or may be."""
        self.terms(volume.topology)
        self.keys.update(ZONE_KEYS if volume.zones else ())
        if volume.waiting and volume.waiting not in self._waiting:
            self._waiting.add(volume.waiting)
            self.terms(volume.waiting.topology)
            for offer in volume.waiting.offers:
                self.terms(offer.topology)

    def selector(self, selector: Mapping[str, str]) -> None:
        """Notes what a node selector mentions."""
        for key, value in selector.items():
            if key == HOSTNAME:
                self.names.add(value)
            else:
                self.keys.add(key)


class StaticNodes:
    """
    The nodes as static rules see them: kinds, each with a representative.

    Parameters
    ----------
    cluster
        Whose nodes.
    mentioned
        What rules can see.
    extra
        (nodes,) codes that also tell kinds apart: which resources a node has.
    off
        Rules that a scheduler's profile does not ask.
    added
        Node affinity that it adds to every pod's.
    """

    def __init__(
        self,
        cluster: Cluster,
        mentioned: Mentions,
        extra: Sequence[NDArray[Any]],
        off: frozenset[str] = frozenset(),
        added: tuple[NodeSelectorTerm, ...] = (),
    ) -> None:
        table = cluster.node_table
        self.cluster, self.off, self.added = cluster, off, added
        keys = sorted(mentioned.keys - {HOSTNAME})
        visible = Column.of(
            [tuple((key, labels[key]) for key in keys if key in labels) for labels in table.labels.values]
        )
        label_codes = visible.codes[table.labels.codes]
        singled = np.full(len(table), -1, np.int32)
        for order, name in enumerate(sorted(mentioned.names)):
            row = table.index(name)
            if row >= 0:
                singled[row] = order
        hostnames = self._hostname_codes(mentioned)
        self.kind, self.first = combine(
            [label_codes, table.taints.codes, table.unschedulable.astype(np.int8), singled, hostnames, *extra],
            len(table),
        )
        self.labels = [cluster.node_labels(row) for row in self.first.tolist()]
        self.names = [table.names[row] for row in self.first.tolist()]
        self._kind_of_name = {name: kind for kind, name in enumerate(self.names) if name in mentioned.names}
        self._masks: dict[Any, Mask] = {}
        self._by_key: dict[str, tuple[NDArray[np.int32], dict[str | None, int]]] = {}

    def _hostname_codes(self, mentioned: Mentions) -> NDArray[np.int32]:
        """Codes that tell hostnames apart as far as rules can see them."""
        table = self.cluster.node_table
        if HOSTNAME in mentioned.keys:
            return Column.of(self.cluster.node_labels(row).get(HOSTNAME, "") for row in range(len(table))).codes
        odd = np.flatnonzero(~table.named)
        codes = np.full(len(table), -1, np.int32)
        for row in odd.tolist():
            hostname = table.labels[row].get(HOSTNAME)
            codes[row] = -2 if hostname is None else hash_code(hostname, mentioned.names)
        return codes

    def __len__(self) -> int:
        return len(self.first)

    def _values(self, key: str) -> tuple[NDArray[np.int32], dict[str | None, int]]:
        """(kinds,) codes of a label's value, and the code of each value; ``None`` is the missing label."""
        if key not in self._by_key:
            column = Column.of(labels.get(key) for labels in self.labels)
            self._by_key[key] = column.codes, {value: code for code, value in enumerate(column.values)}
        return self._by_key[key]

    def requirement(self, requirement: Requirement) -> Mask:
        """(kinds,) where one expression holds; each distinct value of the label is tested once."""
        mask = self._masks.get(requirement)
        if mask is None:
            codes, index = self._values(requirement.key)
            if requirement.operator == "In" and requirement.holds_somewhere:
                wanted = [index[value] for value in requirement.values if value in index]
                mask = codes == wanted[0] if len(wanted) == 1 else np.isin(codes, wanted)
            else:
                key = requirement.key
                holds = [requirement.matches({} if value is None else {key: value}) for value in index]
                mask = np.array(holds, bool)[codes]
            self._masks[requirement] = mask
        return mask

    def name(self, name: str) -> Mask:
        """(kinds,) where the node has this name."""
        mask = np.zeros(len(self), bool)
        if name in self._kind_of_name:
            mask[self._kind_of_name[name]] = True
        return mask

    def selector(self, selector: dict[str, str]) -> Mask:
        """(kinds,) that have all these labels."""
        mask = np.ones(len(self), bool)
        for key, value in selector.items():
            mask = mask & self.requirement(Requirement(key=key, operator="In", values=(value,)))
        return mask

    def term(self, term: NodeSelectorTerm) -> Mask:
        """(kinds,) that one affinity term selects."""
        if not term.match_expressions and not term.match_fields:
            return np.zeros(len(self), bool)
        mask = np.ones(len(self), bool)
        for expression in term.match_expressions:
            mask = mask & self.requirement(expression)
        for field in term.match_fields:
            named = self.name(field.values[0])
            mask = mask & (named if field.operator == "In" else ~named)
        return mask

    def any_term(self, terms: Sequence[NodeSelectorTerm]) -> Mask:
        """(kinds,) that some term selects; all of them where there is no term."""
        if not terms:
            return np.ones(len(self), bool)
        mask = self.term(terms[0])
        for term in terms[1:]:
            mask = mask | self.term(term)
        return mask

    def tolerated(self, tolerations: Sequence[Toleration]) -> Mask:
        """(kinds,) whose hard taints are all tolerated."""
        key = ("taints", tuple(tolerations))
        mask = self._masks.get(key)
        if mask is None:
            taints = self.cluster.node_table.taints
            by_code = [
                all(
                    taint.effect == "PreferNoSchedule" or any(t.tolerates(taint) for t in tolerations)
                    for taint in listed
                )
                for listed in taints.values
            ]
            mask = self._masks[key] = np.array(by_code, bool)[taints.codes[self.first]]
        return mask

    def open_to(self, tolerations: Sequence[Toleration]) -> Mask:
        """(kinds,) that are not cordoned, or whose cordon is tolerated."""
        if any(toleration.tolerates(CORDON) for toleration in tolerations):
            return np.ones(len(self), bool)
        return ~self.cluster.node_table.unschedulable[self.first]

    def in_zones(self, zones: Mapping[str, tuple[str, ...]]) -> Mask:
        """(kinds,) in the zones and regions of a volume, or without any label of them."""
        has = {key: self.requirement(Requirement(key=key, operator="Exists")) for key in ZONE_KEYS}
        mask = np.ones(len(self), bool)
        for key, values in zones.items():
            here = self.requirement(Requirement(key=key, operator="In", values=values))
            today = self.requirement(Requirement(key=ZONE_KEYS[key], operator="In", values=values))
            mask = mask & (here | (~has[key] & today))
        labelled: Mask = np.logical_or.reduce(list(has.values()))
        return mask | ~labelled

    def soft_taints(self, tolerations: Sequence[Toleration]) -> NDArray[np.int64]:
        """(kinds,) how many PreferNoSchedule taints are not tolerated."""
        taints = self.cluster.node_table.taints
        by_code = [
            sum(
                taint.effect == "PreferNoSchedule" and not any(t.tolerates(taint) for t in tolerations)
                for taint in listed
            )
            for listed in taints.values
        ]
        return np.array(by_code, np.int64)[taints.codes[self.first]]


def hash_code(hostname: str, names: frozenset[str]) -> int:
    """A code for an odd hostname label: its rank among the names that rules single out, or -3."""
    return sorted(names).index(hostname) + 1_000_000 if hostname in names else -3


class StaticPods(NamedTuple):
    """
    Static signatures of pods.

    Attributes
    ----------
    signature
        (pods,) int32.
    first
        (signatures,) int64: a pod of each.
    """

    signature: NDArray[np.int32]
    first: NDArray[np.int64]


STATIC_FIELDS = ("tolerations", "node_selector", "node_affinity", "any_of", "nodes", "forbidden_nodes")


def static_pods(pods: dict[str, Column[Any]], rows: int) -> StaticPods:
    """Groups pods by what static rules they carry; of volumes only where they lie counts."""
    volumes = pods["volumes"]
    places = Column.of(
        tuple(
            (volume.topology, volume.zones, to_be_made(volume))
            for volume in listed
            if volume.topology or volume.zones or volume.waiting
        )
        for listed in volumes.values
    )
    columns = [pods[field].codes for field in STATIC_FIELDS]
    return StaticPods(*combine([*columns, places.codes[volumes.codes]], rows))


def to_be_made(volume: Volume) -> Waiting | None:
    """What says where the volume of a claim can be made, where it waits without any offer: a static rule."""
    return volume.waiting if volume.waiting and not volume.waiting.offers else None


def affinity_mask(nodes: StaticNodes, pods: dict[str, Column[Any]], row: int) -> Mask:
    """(kinds,) that match the pod's node selector and required node affinity."""
    return nodes.selector(pods["node_selector"][row]) & nodes.any_term(pods["node_affinity"][row])


OTHER = 32
"""Added to a rule's number where it rejects in its second wording: see ``kernels.reject``."""
NOT_REACHED, NOT_FOUND, OUT_OF_ZONE = 1, 2, 4
"""Bits of what volumes have against a node: a bound one out of reach, none to bind, a zone or region that differs."""


class Verdicts(NamedTuple):
    """
    What static rules say of each kind of node.

    Attributes
    ----------
    early
        (kinds,) int8: the first rule before NodePorts that rejects it, 0 for none.
    late
        (kinds,) int8: what volumes have against it, as bits; these rules are asked after NodeVolumeLimits.
    """

    early: NDArray[np.int8]
    late: NDArray[np.int8]


def static_verdicts(nodes: StaticNodes, pods: dict[str, Column[Any]], row: int) -> Verdicts:
    """The static rules of one pod, asked once per kind of node."""
    early = np.zeros(len(nodes), np.int8)
    for code, passes in _early(nodes, pods, row):
        early[(early == 0) & ~passes] = code
    return Verdicts(early, _late(nodes, pods["volumes"][row]))


def eligible_kinds(nodes: StaticNodes, pods: dict[str, Column[Any]], row: int) -> Mask:
    """(kinds,) that satisfy every static rule of the pod."""
    mask = np.ones(len(nodes), bool)
    for _, passes in _early(nodes, pods, row):
        mask = mask & passes
    return mask & (_late(nodes, pods["volumes"][row]) == 0) if pods["volumes"][row] else mask


def _early(nodes: StaticNodes, pods: dict[str, Column[Any]], row: int) -> Iterator[tuple[int, Mask]]:
    """The codes of rules before NodePorts that are asked, in their order, with the kinds that each lets through."""
    if nodes.added and Rule.NodeAffinity.name not in nodes.off:
        own = [(code, passes) for code, passes in _early_of_pod(nodes, pods, row) if Rule(code).name not in nodes.off]
        yield from (pair for pair in own if pair[0] < Rule.NodeAffinity)
        yield Rule.NodeAffinity + OTHER, nodes.any_term(nodes.added)
        yield from (pair for pair in own if pair[0] >= Rule.NodeAffinity)
        return
    for code, passes in _early_of_pod(nodes, pods, row):
        if Rule(code).name not in nodes.off:
            yield code, passes


def _early_of_pod(nodes: StaticNodes, pods: dict[str, Column[Any]], row: int) -> Iterator[tuple[int, Mask]]:
    own, alternatives = pods["tolerations"][row], pods["any_of"][row]
    wider = [(*own, *alternative.tolerations) for alternative in alternatives] or [own]
    yield Rule.NodeUnschedulable, np.logical_or.reduce([nodes.open_to(each) for each in wider])
    if pods["nodes"][row]:
        yield Rule.NodeName, np.logical_or.reduce([nodes.name(name) for name in pods["nodes"][row]])
    if pods["forbidden_nodes"][row]:
        yield Rule.ForbiddenNodes, ~np.logical_or.reduce([nodes.name(name) for name in pods["forbidden_nodes"][row]])
    yield Rule.TaintToleration, np.logical_or.reduce([nodes.tolerated(each) for each in wider])
    yield Rule.NodeAffinity, affinity_mask(nodes, pods, row)
    if alternatives:
        holds = [
            nodes.selector(one.node_selector)
            & nodes.any_term(one.node_affinity)
            & nodes.tolerated(tolerations)
            & nodes.open_to(tolerations)
            for one, tolerations in zip(alternatives, wider, strict=True)
        ]
        yield Rule.AnyOf, np.logical_or.reduce(holds)


def made_on(nodes: StaticNodes, waiting: Waiting) -> Mask:
    """(kinds,) where a volume can be made for a claim."""
    return nodes.any_term(waiting.topology) if waiting.provisions else np.zeros(len(nodes), bool)


def _late(nodes: StaticNodes, volumes: Sequence[Volume]) -> NDArray[np.int8]:
    """(kinds,) what bound volumes have against each kind, as bits."""
    late = np.zeros(len(nodes), np.int8)
    reaches, zoned = (rule.name not in nodes.off for rule in (Rule.VolumeBinding, Rule.VolumeZone))
    for volume in volumes:
        if volume.topology and reaches:
            late[~nodes.any_term(volume.topology)] |= NOT_REACHED
        if volume.zones and zoned:
            late[~nodes.in_zones(volume.zones)] |= OUT_OF_ZONE
        made = to_be_made(volume)
        if made and reaches:
            late[~made_on(nodes, made)] |= NOT_FOUND
    return late
