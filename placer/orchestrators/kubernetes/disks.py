"""PersistentVolumes, and which of them a claim that waits may be bound to: Kubernetes, "Persistent Volumes"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from pydantic import TypeAdapter

from placer.model.selector import LabelSelector, NodeSelectorTerm
from placer.model.value import FrozenDict
from placer.model.volume import ZONE_KEYS, Offer
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.admission import has_passed
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.objects import ClaimSpec, Resources, VolumeObject, VolumeSpec, is_absent, plain
from placer.orchestrators.kubernetes.rules import read_node_terms
from placer.orchestrators.kubernetes.subject import Subject

MIGRATED = {
    "aws_elastic_block_store": "ebs.csi.aws.com",
    "gce_persistent_disk": "pd.csi.storage.gke.io",
    "azure_disk": "disk.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
    "portworx_volume": "pxd.portworx.com",
}
"""The CSI driver that serves a kind of volume that was once built in, where kube-scheduler counts it."""
CLASS = "volume.beta.kubernetes.io/storage-class"
"""The annotation that came before ``storageClassName``, and still goes before it."""

_volumes = msgspec.json.Decoder(objects.VolumeObject)
_selector: TypeAdapter[LabelSelector | None] = TypeAdapter(LabelSelector | None)


class Wanted(NamedTuple):
    """
    What a claim asks of a volume.

    Attributes
    ----------
    size
        Bytes.
    storage_class
        Its name; empty for none.
    """

    size: int
    modes: tuple[str, ...]
    storage_class: str
    volume_mode: str
    selector: LabelSelector | None


class Disk(NamedTuple):
    """A PersistentVolume; ``claim`` is (namespace, name, uid) of the claim that it is kept for."""

    name: str
    driver: str
    topology: tuple[NodeSelectorTerm, ...]
    zones: dict[str, tuple[str, ...]]
    size: int
    modes: tuple[str, ...]
    storage_class: str
    volume_mode: str
    labels: FrozenDict
    claim: tuple[str, str, str] | None
    available: bool
    being_deleted: bool

    @property
    def offer(self) -> Offer:
        """The volume as the model has it."""
        return Offer(name=self.name, topology=self.topology)

    def holds(self, wanted: Wanted) -> bool:
        """Whether it is large enough, of the right mode, and stays."""
        return self.size >= wanted.size and self.volume_mode == wanted.volume_mode and not self.being_deleted


class Disks:
    """The PersistentVolumes of an input, by name."""

    def __init__(self, inventory: Inventory) -> None:
        read = read_objects_of(inventory, "PersistentVolume", _volumes, namespaced=False)
        disks = [_read_disk(Subject(inventory.problems, named.where), named.name, disk) for named, disk in read]
        self.by_name = {disk.name: disk for disk in disks}
        self._kept: dict[tuple[str, str], list[Disk]] = {}
        self._free: dict[str, list[Disk]] = {}
        for disk in disks:
            if disk.claim:
                self._kept.setdefault(disk.claim[:2], []).append(disk)
            elif disk.available:
                self._free.setdefault(disk.storage_class, []).append(disk)
        for listed in self._free.values():
            listed.sort(key=lambda disk: disk.size)
        self._offers: dict[Wanted, tuple[Offer, ...]] = {}

    def offers(self, namespace: str, name: str, uid: str, wanted: Wanted) -> tuple[Offer, ...]:
        """
        The volumes for a claim in order of preference: the one kept for it and no other; else the smallest first.

        Of the free ones those count that have its class and all its access modes, and match its selector.
        """
        for disk in self._kept.get((namespace, name), ()):
            same = disk.claim is not None and disk.claim[2] in ("", uid)
            if same and disk.storage_class == wanted.storage_class and disk.holds(wanted):
                return (disk.offer,)
        if wanted not in self._offers:
            self._offers[wanted] = tuple(
                disk.offer
                for disk in self._free.get(wanted.storage_class, ())
                if disk.holds(wanted)
                and set(wanted.modes) <= set(disk.modes)
                and (wanted.selector is None or wanted.selector.matches(disk.labels))
            )
        return self._offers[wanted]


def read_wanted(subject: Subject, spec: ClaimSpec, storage_class: str) -> Wanted:
    """What a claim's ``spec`` asks for."""
    size = _storage(subject, (spec.resources or Resources()).requests, "spec.resources.requests")
    given = None if spec.selector is None else plain(spec.selector)
    selector: LabelSelector | None = subject.model(_selector, given, "spec.selector", None)
    modes = tuple(spec.access_modes or ("ReadWriteOnce",))
    return Wanted(size, modes, storage_class, spec.volume_mode or "Filesystem", selector)


def _read_disk(subject: Subject, name: str, disk: VolumeObject) -> Disk:
    spec, metadata = disk.spec or VolumeSpec(), disk.metadata or objects.Metadata()
    driver = (spec.csi.driver if spec.csi else None) or ""
    if not driver:
        built_in = (driver for field, driver in MIGRATED.items() if not is_absent(bytes(getattr(spec, field))))
        driver = next(built_in, "")
    required = spec.node_affinity.required if spec.node_affinity else None
    labels = subject.labels(bytes(metadata.labels), "metadata.labels")
    annotations = subject.labels(bytes(metadata.annotations), "metadata.annotations")
    kept = spec.claim_ref
    phase = (disk.status.phase if disk.status else None) or "Available"
    return Disk(
        name=name,
        driver=driver,
        topology=read_node_terms(subject, required, "spec.nodeAffinity.required", has_passed(metadata)),
        zones=_zones(labels),
        size=_storage(subject, spec.capacity, "spec.capacity"),
        modes=tuple(spec.access_modes or ()),
        storage_class=annotations.get(CLASS, spec.storage_class_name or ""),
        volume_mode=spec.volume_mode or "Filesystem",
        labels=labels,
        claim=(kept.namespace or "", kept.name or "", kept.uid or "") if kept else None,
        available=phase == "Available",
        being_deleted=metadata.deletion_timestamp is not None,
    )


def _storage(subject: Subject, amounts: Any, path: str) -> int:
    return subject.amounts(bytes(amounts), path).get("storage", 0)


def _zones(labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Zones and regions by label key; several stand in one label, joined by ``__``. One that cannot be read is none."""
    listed = {key: [value.strip() for value in labels[key].split("__")] for key in ZONE_KEYS if key in labels}
    return {key: tuple(values) for key, values in listed.items() if all(values)}
