"""Pods as rows of a pod table: what each has of its own is appended, what many share is read once."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from placer.model.cluster import POD_FIELDS, tabulate_amounts
from placer.model.pod import Pod
from placer.model.table import PENDING, UNKNOWN, Amounts, Column, Names, NodeTable, PodTable
from placer.orchestrators.kubernetes.annotations import MARK, read_pod_annotations
from placer.orchestrators.kubernetes.containers import ContainersValue, containers_key, read_containers
from placer.orchestrators.kubernetes.documents import Inventory, name_in
from placer.orchestrators.kubernetes.errors import UNREADABLE, decoding_problem
from placer.orchestrators.kubernetes.objects import (
    ClaimSpec,
    Metadata,
    OwnerReference,
    PodObject,
    PodSpec,
    PodVolume,
    is_absent,
)
from placer.orchestrators.kubernetes.parts import Part, override
from placer.orchestrators.kubernetes.priorities import PriorityClasses
from placer.orchestrators.kubernetes.rules import (
    AffinityRules,
    read_affinity,
    read_gates,
    read_spread,
    read_tolerations,
)
from placer.orchestrators.kubernetes.subject import Subject
from placer.orchestrators.kubernetes.volumes import Claims, disks_of, uses_of

DONE = ("Succeeded", "Failed")
UNSUPPORTED = ("resource_claims", "workload_ref", "scheduling_group")
"""Fields of a pod's spec that ask for what placer does not have."""

_pods = msgspec.json.Decoder(PodObject)


class Identity(NamedTuple):
    """
    What tells a pod from others of its kind.

    Attributes
    ----------
    owner
        Its controller, as ``Kind/name``, or empty.
    labels, annotations
        JSON.
    """

    namespace: str
    name: str
    owner: str
    labels: bytes
    annotations: bytes
    terminating: bool = False
    expected: bool = False


class PodRows:
    """
    Collects pods, then makes their table.

    Attributes
    ----------
    names
        By namespace, all names in use and whether their pods live; finished ones do not.
    owned
        (namespace, owner) → rows of its pods.
    terminating
        Rows of pods on their way out.
    warnings
        What is odd but legal.
    """

    def __init__(self, inventory: Inventory, nodes: NodeTable, claims: Claims) -> None:
        self.inventory, self.claims, self.nodes = inventory, claims, nodes
        self.priorities = PriorityClasses(inventory)
        self.subject = Subject(inventory.problems)
        self.names: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        self.owned: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.terminating: list[int] = []
        self.warnings: list[str] = []
        self._rows: list[str] = []
        self._node, self._priority = array("i"), array("i")
        self._strangers: dict[int, str] = {}
        self._overrides: defaultdict[str, dict[int, Any]] = defaultdict(dict)
        self._annotations: dict[tuple[bytes, str], dict[str, Any]] = {}
        self._parts = self._make_parts()

    def __len__(self) -> int:
        return len(self._rows)

    def read_all(self) -> None:
        """Appends the input's pods, but for those that have finished."""
        for item in self.inventory.kinds["Pod"]:
            try:
                pod = _pods.decode(item.raw)
            except UNREADABLE as error:
                where = f"{self.inventory.where(item)}, {name_in(bytes(item.raw), 'Pod', True)}"
                self.inventory.problems.add(where, decoding_problem(error, bytes(item.raw)))
                continue
            metadata = pod.metadata or Metadata()
            namespace, name = metadata.namespace or "default", metadata.name or ""
            self.subject.place = (self.inventory, item, f"Pod {namespace}/{name}")
            if not name:
                self.subject.problem("metadata.name", "is missing")
                continue
            if name in self.names[namespace]:
                self.subject.problem("metadata.name", f"{name!r} is a duplicate: each name may stand once")
                continue
            living = pod.status is None or pod.status.phase not in DONE
            self.names[namespace][name] = living
            if not living:
                continue
            identity = Identity(
                namespace,
                name,
                owner_of(metadata.owner_references),
                bytes(metadata.labels),
                bytes(metadata.annotations),
                terminating=metadata.deletion_timestamp is not None,
            )
            self.add(identity, pod.spec or PodSpec())

    def add(self, identity: Identity, spec: PodSpec, templates: dict[str, ClaimSpec] | None = None) -> int:
        """
        Appends a pod; ``subject`` names it.

        Parameters
        ----------
        templates
            Claims that come with it, by volume name.

        Returns
        -------
        Its row.
        """
        row = len(self._rows)
        self._rows.append(identity.name)
        self._node.append(self._find_node(row, spec.node_name))
        priority = self.priorities.of(self.subject, spec)
        self._priority.append(priority.value)
        if identity.owner:
            self.owned[identity.namespace, identity.owner].append(row)
        if identity.terminating:
            self.terminating.append(row)
        parts = self._parts
        parts.namespace.add(identity.namespace)
        parts.owner.add(identity.owner)
        parts.labels.add(identity.labels)
        parts.flags.add((identity.terminating, identity.expected))
        parts.scheduling.add((spec.scheduler_name, priority.policy))
        parts.selector.add(bytes(spec.node_selector))
        parts.affinity.add(bytes(spec.affinity))
        parts.tolerations.add(bytes(spec.tolerations))
        parts.spread.add(bytes(spec.topology_spread_constraints))
        parts.gates.add(bytes(spec.scheduling_gates))
        parts.containers.add(containers_key(spec))
        parts.volumes.add(self._volumes_key(identity, spec, templates or {}))
        if MARK in identity.annotations:
            self._annotate(row, identity.annotations, _not_supported(spec))
        return row

    def set_field(self, name: str, row: int, value: Any) -> None:
        """Puts another value in place of what a row has."""
        self._overrides[name][row] = value

    def value_of(self, part: str, row: int) -> Any:
        """The values of a part that a row has so far."""
        found: Part = getattr(self._parts, part)
        return found.values[found.codes[row]]

    def node_of(self, row: int) -> int:
        """Where a row stands."""
        return self._node[row]

    def table(self) -> PodTable:
        """The table of all rows."""
        columns = {name: column for part in self._parts for name, column in part.columns()}
        requests = columns.pop("requests")
        self._add_reasons(columns.pop(OF_TOLERATIONS), columns["unsupported"])
        amounts = tabulate_amounts(requests.values, 0)
        rows = len(self)
        fields = {
            name: override(columns[name] if name in columns else Column.constant(default, rows), self._overrides[name])
            for name, default in POD_FIELDS.items()
        }
        table = amounts.table[requests.codes] if rows else np.zeros((0, 0), np.int64)
        return PodTable(
            names=Names(self._rows, checked=True),
            node=np.array(self._node, np.int32),
            priority=np.array(self._priority, np.int32),
            requests=Amounts(amounts.resources, np.ascontiguousarray(table)),
            fields=fields,
            unknown_nodes=self._strangers,
        )

    def _make_parts(self) -> _Parts:
        subject = self.subject
        return _Parts(
            namespace=Part(["namespace"], lambda name: (name,)),
            owner=Part(["owner"], lambda owner: (owner,)),
            labels=Part(["labels"], lambda raw: (subject.labels(raw, "metadata.labels"),)),
            flags=Part(["terminating", "expected"], lambda key: key),
            scheduling=Part(["scheduler_name", "preemption_policy"], lambda key: (key[0] or DEFAULT_SCHEDULER, key[1])),
            selector=Part(["node_selector"], lambda raw: (subject.labels(raw, "spec.nodeSelector"),)),
            affinity=Part(AffinityRules._fields, lambda raw: read_affinity(subject, raw)),
            tolerations=Part(["tolerations", OF_TOLERATIONS], lambda raw: read_tolerations(subject, raw)),
            spread=Part(["topology_spread"], lambda raw: (read_spread(subject, raw),)),
            gates=Part(["scheduling_gates"], lambda raw: (read_gates(subject, raw),)),
            containers=Part(ContainersValue._fields, lambda key: read_containers(subject, key)),
            volumes=Part(["volumes", "unsupported", "disks"], lambda key: key),
        )

    def _find_node(self, row: int, name: str | None) -> int:
        if not name:
            return PENDING
        node = self.nodes.index(name)
        if node < 0:
            self._strangers[row] = name
            return UNKNOWN
        return node

    def _volumes_key(self, identity: Identity, spec: PodSpec, templates: dict[str, ClaimSpec]) -> tuple[Any, ...]:
        """Volumes, what keeps the pod from being placed, and disks; most pods have none of them."""
        reasons = _not_supported(spec)
        volumes: Iterable[PodVolume] = spec.volumes or ()
        if not volumes and not templates:
            return (), reasons, ()
        uses = uses_of(self.subject, identity.name, volumes, templates)
        found, kept_out = self.claims.resolve_all(identity.namespace, uses)
        return found, (*reasons, *kept_out), disks_of(volumes)

    def _add_reasons(self, more: Column[tuple[str, ...]], unsupported: Column[tuple[str, ...]]) -> None:
        """Adds what else is not supported to the rows that have any of it; an annotation has the last word."""
        some = np.array([bool(reasons) for reasons in more.values], bool)
        for row in np.flatnonzero(some[more.codes]).tolist() if some.any() else ():
            self._overrides["unsupported"].setdefault(row, (*unsupported[row], *more[row]))

    def _annotate(self, row: int, raw: bytes, reasons: tuple[str, ...]) -> None:
        key = (raw, self.subject.prefix)
        fields = self._annotations.get(key)
        if fields is None:
            fields = self._annotations[key] = read_pod_annotations(self.subject, raw)
        if "volumes" in fields:
            # What is wrong with the claims no longer matters.
            self._overrides["unsupported"][row] = reasons
        for name, value in fields.items():
            self._overrides[name][row] = value


class _Parts(NamedTuple):
    namespace: Part
    owner: Part
    labels: Part
    flags: Part
    scheduling: Part
    selector: Part
    affinity: Part
    tolerations: Part
    spread: Part
    gates: Part
    containers: Part
    volumes: Part


OF_TOLERATIONS = "unsupported tolerations"
DEFAULT_SCHEDULER: str = Pod.model_fields["scheduler_name"].default


def owner_of(references: list[OwnerReference] | None) -> str:
    """The controller among an object's owners, as ``Kind/name``, or empty."""
    for reference in references or ():
        if reference.controller and reference.kind and reference.name:
            return f"{reference.kind}/{reference.name}"
    return ""


def _not_supported(spec: PodSpec) -> tuple[str, ...]:
    return tuple(f"spec.{_camel(name)} is not supported" for name in UNSUPPORTED if not _is_empty(getattr(spec, name)))


def _is_empty(raw: msgspec.Raw) -> bool:
    text = bytes(raw)
    return is_absent(text) or b"".join(text.split()) in (b"[]", b"{}")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
