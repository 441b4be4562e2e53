"""Pods as rows of a pod table: what each has of its own is appended, what many share is read once."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np

from placer.model.cluster import POD_FIELDS, tabulate_amounts
from placer.model.pod import Pod
from placer.model.table import PENDING, UNKNOWN, Amounts, Column, Names, NodeTable, PodTable
from placer.model.taint import Toleration
from placer.model.value import FrozenDict
from placer.orchestrators.kubernetes.admission import (
    Admission,
    has_passed,
    overhead_of,
    with_selector,
    with_tolerations,
)
from placer.orchestrators.kubernetes.annotations import MARK, read_pod_annotations
from placer.orchestrators.kubernetes.container_faults import name_faults
from placer.orchestrators.kubernetes.containers import (
    Checks,
    ContainersKey,
    ContainersValue,
    containers_key,
    read_containers,
)
from placer.orchestrators.kubernetes.documents import Inventory, name_in
from placer.orchestrators.kubernetes.errors import UNREADABLE, decoding_problem
from placer.orchestrators.kubernetes.objects import (
    ClaimSpec,
    Metadata,
    OwnerReference,
    PodObject,
    PodSpec,
    PodStatus,
    PodVolume,
    is_absent,
)
from placer.orchestrators.kubernetes.parts import Part, override
from placer.orchestrators.kubernetes.priorities import PriorityClasses
from placer.orchestrators.kubernetes.rules import (
    AffinityRules,
    Own,
    read_affinity,
    read_gates,
    read_spread,
    read_tolerations,
)
from placer.orchestrators.kubernetes.siblings import Siblings
from placer.orchestrators.kubernetes.subject import NOTHING, Subject
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
    passed
        The API server has seen it, and added what it adds.
    """

    namespace: str
    name: str
    owner: str
    labels: bytes
    annotations: bytes
    terminating: bool = False
    expected: bool = False
    started: int = 0
    nominated: str = ""
    passed: bool = False


class PodRows:
    """
    Collects pods, then makes their table.

    Parameters
    ----------
    manifests
        The input is what users write: its pods get the default tolerations, as those of controllers always do.

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

    def __init__(self, inventory: Inventory, nodes: NodeTable, claims: Claims, manifests: bool) -> None:
        self.inventory, self.claims, self.nodes, self.manifests = inventory, claims, nodes, manifests
        self.admission = Admission(inventory)
        self.priorities = PriorityClasses(inventory)
        self.siblings = Siblings(inventory)
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
                started=self._started(pod.status),
                nominated=(pod.status.nominated_node_name if pod.status else None) or "",
                passed=has_passed(metadata),
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
        priority = self.priorities.of(self.subject, spec, identity.passed)
        self._priority.append(priority.value)
        if identity.owner:
            self.owned[identity.namespace, identity.owner].append(row)
        if identity.terminating:
            self.terminating.append(row)
        admission, arrives = self.admission, not identity.passed
        runtime = admission.runtime_of(self.subject, spec.runtime_class_name) if arrives else ""
        ranges = identity.namespace if arrives and identity.namespace in admission.limits else ""
        checks = Checks.NONE if identity.passed else Checks.ALL if self.manifests else Checks.WHAT_MATTERS
        overhead = bytes(spec.overhead)
        if runtime:
            overhead = overhead_of(self.subject, overhead, admission.runtimes[runtime])
        parts = self._parts
        parts.namespace.add(identity.namespace)
        parts.owner.add(identity.owner)
        parts.labels.add((identity.labels, identity.passed))
        parts.flags.add((identity.terminating, identity.expected))
        parts.history.add((identity.started, identity.nominated))
        parts.scheduling.add((spec.scheduler_name, priority.policy))
        parts.selector.add((bytes(spec.node_selector), runtime, identity.passed))
        parts.affinity.add(_with_labels(bytes(spec.affinity), identity))
        waits = arrives and (self.manifests or identity.expected)
        parts.tolerations.add((bytes(spec.tolerations), runtime, waits, identity.passed))
        parts.spread.add(_with_labels(bytes(spec.topology_spread_constraints), identity))
        parts.gates.add((bytes(spec.scheduling_gates), identity.passed))
        parts.containers.add(containers_key(spec, overhead, ranges, checks))
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
        if self.siblings:
            columns["siblings"] = self.siblings.column(columns["namespace"], columns["labels"], columns["owner"])
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
            labels=Part(["labels"], lambda key: (subject.checked_labels(key[0], "metadata.labels", key[1]),)),
            flags=Part(["terminating", "expected"], lambda key: key),
            history=Part(["started", "nominated"], lambda key: key),
            scheduling=Part(["scheduler_name", "preemption_policy"], lambda key: (key[0] or DEFAULT_SCHEDULER, key[1])),
            selector=Part(["node_selector"], lambda key: (self._read_selector(*key),)),
            affinity=Part(AffinityRules._fields, lambda key: read_affinity(subject, key[0], self._own(*key[1:]))),
            tolerations=Part(["tolerations", OF_TOLERATIONS], lambda key: self._read_tolerations(*key)),
            spread=Part(["topology_spread"], lambda key: (read_spread(subject, key[0], self._own(*key[1:])),)),
            gates=Part(["scheduling_gates"], lambda key: (read_gates(subject, *key),)),
            containers=Part(ContainersValue._fields, self._read_containers),
            volumes=Part(["volumes", "unsupported", "disks"], lambda key: key),
        )

    def _own(self, labels: bytes, passed: bool) -> Own:
        return Own(self.subject.labels(labels, "metadata.labels") if labels else NOTHING, passed)

    def _read_selector(self, raw: bytes, runtime: str, passed: bool) -> FrozenDict:
        own = self.subject.checked_labels(raw, "spec.nodeSelector", passed)
        return with_selector(self.subject, own, self.admission.runtimes[runtime])

    def _read_tolerations(
        self, raw: bytes, runtime: str, waits: bool, passed: bool
    ) -> tuple[tuple[Toleration, ...], tuple[str, ...]]:
        given, reasons = read_tolerations(self.subject, raw, passed=passed)
        found = self.admission.runtimes[runtime]
        return with_tolerations(given, found, waits), (*reasons, *found.unsupported)

    def _read_containers(self, key: ContainersKey) -> ContainersValue:
        ranges = self.admission.limits[key.ranges] if key.ranges else ()
        return read_containers(self.subject, key, ranges, self.warnings)

    def _started(self, status: PodStatus | None) -> int:
        """Seconds since 1970; 0 where nothing is said."""
        given = status.start_time if status else None
        if not given:
            return 0
        try:
            return max(0, int(datetime.fromisoformat(given).timestamp()))
        except ValueError:
            self.subject.problem("status.startTime", f"is {given!r}: write a time such as 2026-01-31T12:00:00Z")
            return 0

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
        volumes: Sequence[PodVolume] = spec.volumes or ()
        if not volumes and not templates:
            return (), reasons, ()
        if not identity.passed:
            self.subject.faults(name_faults([volume.name for volume in volumes], "spec.volumes", set()))
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
    history: Part
    scheduling: Part
    selector: Part
    affinity: Part
    tolerations: Part
    spread: Part
    gates: Part
    containers: Part
    volumes: Part


LABEL_KEYS = b"matchLabelKeys"
"""Part of ``mismatchLabelKeys`` as well."""
OF_TOLERATIONS = "unsupported tolerations"
DEFAULT_SCHEDULER: str = Pod.model_fields["scheduler_name"].default


def owner_of(references: list[OwnerReference] | None) -> str:
    """The controller among an object's owners, as ``Kind/name``, or empty."""
    for reference in references or ():
        if reference.controller and reference.kind and reference.name:
            return f"{reference.kind}/{reference.name}"
    return ""


def _with_labels(raw: bytes, identity: Identity) -> tuple[bytes, bytes, bool]:
    """A rule's text, with the labels where it looks at them."""
    return raw, identity.labels if LABEL_KEYS in raw else b"", identity.passed


def _not_supported(spec: PodSpec) -> tuple[str, ...]:
    return tuple(f"spec.{_camel(name)} is not supported" for name in UNSUPPORTED if not _is_empty(getattr(spec, name)))


def _is_empty(raw: msgspec.Raw) -> bool:
    text = bytes(raw)
    return is_absent(text) or b"".join(text.split()) in (b"[]", b"{}")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
