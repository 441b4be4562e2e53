"""
From a pod's claims to volumes with driver and topology: Kubernetes, "Persistent Volumes" and "Storage Classes".

A claim that is missing, or not bound in time, keeps its pod unplaced, in kube-scheduler's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from placer.model.selector import NodeSelectorTerm
from placer.model.volume import ZONE_KEYS, Disk, Volume
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.admission import has_passed
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.faults import forbidden, unsupported
from placer.orchestrators.kubernetes.objects import (
    ClaimObject,
    ClaimSpec,
    PodVolume,
    StorageClassObject,
    VolumeSpec,
    is_absent,
)
from placer.orchestrators.kubernetes.rules import node_terms, read_node_terms
from placer.orchestrators.kubernetes.subject import Subject

MIGRATED = {
    "aws_elastic_block_store": "ebs.csi.aws.com",
    "gce_persistent_disk": "pd.csi.storage.gke.io",
    "azure_disk": "disk.csi.azure.com",
    "azure_file": "file.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
    "vsphere_volume": "csi.vsphere.vmware.com",
    "portworx_volume": "pxd.portworx.com",
}
"""The CSI driver that serves a kind of volume that was once built in."""
PROVISIONERS = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/azure-file": "file.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
}
DISKS: tuple[Literal["gce", "aws", "iscsi", "rbd"], ...] = ("gce", "aws", "iscsi", "rbd")
NO_PROVISIONER = "kubernetes.io/no-provisioner"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"

_claims = msgspec.json.Decoder(ClaimObject)
_volumes = msgspec.json.Decoder(objects.VolumeObject)
_classes = msgspec.json.Decoder(StorageClassObject)
_ephemeral = msgspec.json.Decoder(objects.EphemeralVolume)


class Use(NamedTuple):
    """
    A claim as a pod names it.

    Attributes
    ----------
    template
        What a claim that is not there yet is made from; ``None`` where someone else makes it.
    """

    claim: str
    template: ClaimSpec | None = None


class Resolved(NamedTuple):
    """A claim's volume, and why the pod cannot be placed because of it, or empty."""

    volume: Volume
    reason: str


class _Claim(NamedTuple):
    spec: ClaimSpec
    access: str
    being_deleted: bool


class _Disk(NamedTuple):
    driver: str
    topology: tuple[NodeSelectorTerm, ...]
    zones: dict[str, tuple[str, ...]]


class _Class(NamedTuple):
    driver: str
    waits: bool
    provisions: bool
    topology: tuple[NodeSelectorTerm, ...]


class Claims:
    """Claims, volumes and storage classes of an input."""

    def __init__(self, inventory: Inventory) -> None:
        self._known: dict[tuple[str, str], Resolved] = {}
        problems = inventory.problems
        self._claims: dict[tuple[str, str], _Claim] = {}
        for named, claim in read_objects_of(inventory, "PersistentVolumeClaim", _claims, namespaced=True):
            subject, spec = Subject(problems, named.where), claim.spec or ClaimSpec()
            being_deleted = named.metadata.deletion_timestamp is not None
            self._claims[named.namespace, named.name] = _Claim(spec, _access_of(subject, spec), being_deleted)
        self._disks: dict[str, _Disk] = {}
        for named, disk in read_objects_of(inventory, "PersistentVolume", _volumes, namespaced=False):
            subject, labels = Subject(problems, named.where), bytes(named.metadata.labels)
            self._disks[named.name] = _read_disk(subject, disk.spec or VolumeSpec(), labels, has_passed(named.metadata))
        self._classes: dict[str, _Class] = {}
        self._default_class = ""
        for named, storage in read_objects_of(inventory, "StorageClass", _classes, namespaced=False):
            subject = Subject(problems, named.where)
            self._classes[named.name] = _read_class(subject, storage)
            if subject.labels(bytes(named.metadata.annotations), "metadata.annotations").get(DEFAULT_CLASS) == "true":
                self._default_class = named.name

    def resolve(self, namespace: str, use: Use) -> Resolved:
        """The volume behind a claim."""
        known = self._known.get((namespace, use.claim))
        if known is None:
            known = self._known[namespace, use.claim] = self._resolve(namespace, use)
        return known

    def _resolve(self, namespace: str, use: Use) -> Resolved:
        claim = self._claims.get((namespace, use.claim))
        if claim is None:
            if use.template is None:
                return Resolved(Volume(name=use.claim), f'persistentvolumeclaim "{use.claim}" not found')
            return self._to_be_made(use.claim, use.template)
        volume = {"name": use.claim, "access": claim.access}
        if claim.being_deleted:
            return Resolved(Volume(**volume), f'persistentvolumeclaim "{use.claim}" is being deleted')
        if not claim.spec.volume_name:
            return self._unbound(claim, volume)
        disk = self._disks.get(claim.spec.volume_name)
        if disk is None:
            return Resolved(Volume(**volume), f'persistentvolume "{claim.spec.volume_name}" not found')
        return Resolved(Volume(**volume, driver=disk.driver, topology=disk.topology, zones=disk.zones), "")

    def _unbound(self, claim: _Claim, volume: dict[str, Any]) -> Resolved:
        storage = self._class_of(claim.spec)
        if storage is None or not storage.waits:
            return Resolved(Volume(**volume), UNBOUND)
        return Resolved(Volume(**volume, driver=storage.driver, topology=storage.topology), _no_provisioner(storage))

    def _to_be_made(self, name: str, template: ClaimSpec) -> Resolved:
        """A claim that comes with its pod: bound when it is made, or with the pod, wherever its class allows."""
        storage = self._class_of(template)
        modes = template.access_modes or []
        access = "ReadWriteOncePod" if "ReadWriteOncePod" in modes else "ReadWriteOnce"
        if storage is None:
            return Resolved(Volume(name=name, access=access), "")
        volume = Volume(name=name, access=access, driver=storage.driver, topology=storage.topology)
        return Resolved(volume, _no_provisioner(storage))

    def _class_of(self, spec: ClaimSpec) -> _Class | None:
        name = self._default_class if spec.storage_class_name is None else spec.storage_class_name
        return self._classes.get(name)


def uses_of(subject: Subject, pod: str, volumes: Iterable[PodVolume], templates: dict[str, ClaimSpec]) -> list[Use]:
    """
    The claims that a pod's volumes name.

    Parameters
    ----------
    pod
        Its name, of which generic ephemeral volumes and a StatefulSet's templates make claim names.
    templates
        A StatefulSet's claim templates by volume name.
    """
    uses = [Use(f"{template}-{pod}", spec) for template, spec in templates.items()]
    for place, volume in enumerate(volumes):
        if volume.name in templates:
            continue
        if volume.persistent_volume_claim is not None:
            if volume.persistent_volume_claim.claim_name:
                uses.append(Use(volume.persistent_volume_claim.claim_name))
            else:
                subject.problem(f"spec.volumes[{place}].persistentVolumeClaim.claimName", "is missing")
        elif not is_absent(bytes(volume.ephemeral)):
            given = subject.decode(_ephemeral, bytes(volume.ephemeral), f"spec.volumes[{place}].ephemeral")
            template = given.volume_claim_template.spec if given and given.volume_claim_template else None
            uses.append(Use(f"{pod}-{volume.name or ''}", template or ClaimSpec()))
    return uses


def disks_of(volumes: Iterable[PodVolume]) -> tuple[Disk, ...]:
    """The disks that a pod's volumes name without a claim: Kubernetes, "Volumes"."""
    return tuple(
        Disk(
            kind=kind,
            name=named.name,
            pool=getattr(named, "pool", ""),
            monitors=tuple(getattr(named, "monitors", ())),
            read_only=bool(named.read_only),
        )
        for volume in volumes
        for kind in DISKS
        if (named := getattr(volume, kind)) is not None
    )


def _no_provisioner(storage: _Class) -> str:
    if storage.provisions:
        return ""
    return f"an unbound claim of a StorageClass whose provisioner is {NO_PROVISIONER} is not supported"


def _access_of(subject: Subject, spec: ClaimSpec) -> str:
    modes = spec.access_modes or ["ReadWriteOnce"]
    if subject.faults(_access_faults(modes, "spec.accessModes")):
        return "ReadWriteOnce"
    return "ReadWriteOncePod" if "ReadWriteOncePod" in modes else modes[0]


def _access_faults(modes: Sequence[str], path: str) -> Iterator[str]:
    for place, mode in enumerate(modes):
        if mode not in ACCESS_MODES:
            yield unsupported(f"{path}[{place}]", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        yield forbidden(path, "may not use ReadWriteOncePod with other access modes: drop the others")


def _read_disk(subject: Subject, spec: VolumeSpec, labels: bytes, passed: bool) -> _Disk:
    driver = (spec.csi.driver if spec.csi else None) or ""
    if not driver:
        built_in = (name for field, name in MIGRATED.items() if not is_absent(bytes(getattr(spec, field))))
        driver = next(built_in, "")
    required = spec.node_affinity.required if spec.node_affinity else None
    terms = read_node_terms(subject, required, "spec.nodeAffinity.required", passed)
    return _Disk(driver, terms, _zones(subject.labels(labels, "metadata.labels")))


def _zones(labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Zones and regions by label key; several stand in one label, joined by ``__``. One that cannot be read is none."""
    listed = {key: [value.strip() for value in labels[key].split("__")] for key in ZONE_KEYS if key in labels}
    return {key: tuple(values) for key, values in listed.items() if all(values)}


def _read_class(subject: Subject, storage: StorageClassObject) -> _Class:
    provisioner = storage.provisioner or ""
    if storage.volume_binding_mode not in (None, "Immediate", "WaitForFirstConsumer"):
        mode = storage.volume_binding_mode
        subject.problem("volumeBindingMode", f"is {mode!r}: give 'Immediate' or 'WaitForFirstConsumer'")
    terms = [
        {
            "match_expressions": [
                {"key": expression.key, "operator": "In", "values": expression.values}
                for expression in term.match_label_expressions or []
            ]
        }
        for term in storage.allowed_topologies or []
    ]
    return _Class(
        driver="" if provisioner == NO_PROVISIONER else PROVISIONERS.get(provisioner, provisioner),
        waits=storage.volume_binding_mode == "WaitForFirstConsumer",
        provisions=provisioner != NO_PROVISIONER,
        topology=subject.model(node_terms, terms, "allowedTopologies", ()),
    )
