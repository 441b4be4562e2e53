"""
From a pod's claims to volumes with driver and topology: Kubernetes, "Persistent Volumes" and "Storage Classes".

A claim that is missing, or not bound in time, keeps its pod unplaced, in kube-scheduler's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from placer.model.rule import kept_out
from placer.model.selector import NodeSelectorTerm, Requirement
from placer.model.value import FrozenDict
from placer.model.volume import Disk, Offer, Volume, Waiting
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.disks import CLASS, Disks, read_wanted
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.faults import forbidden, unsupported
from placer.orchestrators.kubernetes.objects import (
    ClaimObject,
    ClaimSpec,
    Metadata,
    PodVolume,
    StorageClassObject,
    is_absent,
)
from placer.orchestrators.kubernetes.rules import node_terms
from placer.orchestrators.kubernetes.subject import Subject

PROVISIONERS = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/azure-file": "",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/vsphere-volume": "",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
}
"""The driver whose attach limit counts volumes of a provisioner that was once built in; empty where none does."""
DISKS: tuple[Literal["gce", "aws", "iscsi", "rbd"], ...] = ("gce", "aws", "iscsi", "rbd")
NO_PROVISIONER = "kubernetes.io/no-provisioner"
BOUND = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"

_claims = msgspec.json.Decoder(ClaimObject)
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
    """
    A claim's volume.

    Attributes
    ----------
    reason
        Why the pod cannot be placed because of it, or empty.
    size
        What the claim asks for, where it waits: the smallest of a pod chooses first.
    """

    volume: Volume
    reason: str = ""
    size: int = 0


class _Claim(NamedTuple):
    subject: Subject
    spec: ClaimSpec
    access: str
    uid: str
    annotations: Mapping[str, str]
    phase: str
    being_deleted: bool

    @property
    def is_bound(self) -> bool:
        """Whether its volume is settled; what has a status says so, what a manifest names is taken as it stands."""
        return bool(self.spec.volume_name) and (BOUND in self.annotations or self.phase != "Pending")

    @property
    def gone(self) -> str:
        """Why there is no use in waiting for it, or empty."""
        if self.phase == "Lost":
            return f'bound to non-existent persistentvolume "{self.spec.volume_name or ""}"'
        return "is being deleted" if self.being_deleted else ""


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
            self._claims[named.namespace, named.name] = _read_claim(Subject(problems, named.where), claim)
        self._disks = Disks(inventory)
        self._classes: dict[str, _Class] = {}
        self._default_class = ""
        self._shared: dict[Any, Waiting] = {}
        self._templates = Subject(problems)
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

    def resolve_all(self, namespace: str, uses: Iterable[Use]) -> tuple[tuple[Volume, ...], tuple[str, ...]]:
        """The volumes of one pod in the order in which they choose, and what keeps it out: the first that is asked."""
        found = [self.resolve(namespace, use) for use in uses]
        reasons = [one.reason for one in found if one.reason]
        ordered = sorted(found, key=lambda one: one.size)
        return tuple(one.volume for one in ordered), tuple(sorted(reasons, key=kept_out)[:1])

    def _resolve(self, namespace: str, use: Use) -> Resolved:
        claim = self._claims.get((namespace, use.claim))
        if claim is None:
            if use.template is None:
                return Resolved(Volume(name=use.claim), f'persistentvolumeclaim "{use.claim}" not found')
            return self._to_be_made(namespace, use.claim, use.template)
        named = claim.spec.volume_name
        without = Volume(name=use.claim, access=claim.access, driver=self._driver(claim))
        gone = claim.gone
        if gone:
            return Resolved(without, f'persistentvolumeclaim "{use.claim}" {gone}')
        if not claim.is_bound:
            return self._unbound(namespace, claim, without)
        disk = self._disks.by_name.get(named or "")
        if disk is None:
            return Resolved(without, f'persistentvolume "{named}" not found')
        place = {"driver": disk.driver, "topology": disk.topology, "zones": FrozenDict(disk.zones)}
        return Resolved(without.model_copy(update=place))

    def _driver(self, claim: _Claim) -> str:
        """Whose attach limit counts the volume of a claim: its disk's driver, else its class's."""
        disk = self._disks.by_name.get(claim.spec.volume_name or "")
        if disk is not None:
            return disk.driver
        storage = self._classes.get(claim.annotations.get(CLASS) or self._class_named(claim.spec))
        return storage.driver if storage is not None else ""

    def _unbound(self, namespace: str, claim: _Claim, volume: Volume) -> Resolved:
        storage_class = claim.annotations.get(CLASS) or self._class_named(claim.spec)
        storage = self._classes.get(storage_class)
        if storage is None or not storage.waits or claim.spec.volume_name:
            return Resolved(volume, UNBOUND)
        wanted = read_wanted(claim.subject, claim.spec, storage_class)
        waiting = self._waiting(storage, self._disks.offers(namespace, volume.name, claim.uid, wanted))
        if SELECTED_NODE in claim.annotations:
            waiting = _made_on(waiting, claim.annotations[SELECTED_NODE])
        return Resolved(volume.model_copy(update={"driver": storage.driver, "waiting": waiting}), "", wanted.size)

    def _waiting(self, storage: _Class, offers: tuple[Offer, ...]) -> Waiting:
        """What a claim of a class waits for; claims with the same share one, so that it is hashed once."""
        key = (storage, id(offers) if len(offers) > 1 else offers)
        if key not in self._shared:
            self._shared[key] = Waiting(offers=offers, provisions=storage.provisions, topology=storage.topology)
        return self._shared[key]

    def _to_be_made(self, namespace: str, name: str, template: ClaimSpec) -> Resolved:
        """A claim that comes with its pod: bound when it is made, or with the pod, wherever its class allows."""
        storage_class = self._class_named(template)
        storage = self._classes.get(storage_class)
        modes = template.access_modes or []
        access: Any = "ReadWriteOncePod" if "ReadWriteOncePod" in modes else "ReadWriteOnce"
        if storage is None:
            return Resolved(Volume(name=name, access=access))
        if storage.waits:
            wanted = read_wanted(self._templates, template, storage_class)
            waiting = self._waiting(storage, self._disks.offers(namespace, name, "", wanted))
            return Resolved(Volume(name=name, access=access, driver=storage.driver, waiting=waiting), "", wanted.size)
        volume = Volume(name=name, access=access, driver=storage.driver, topology=storage.topology)
        return Resolved(volume, "" if storage.provisions else UNBOUND)

    def _class_named(self, spec: ClaimSpec) -> str:
        return self._default_class if spec.storage_class_name is None else spec.storage_class_name


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


def _made_on(waiting: Waiting, node: str) -> Waiting:
    """A volume that is being made for a node is made there, or nowhere."""
    here = Requirement(key="metadata.name", operator="In", values=(node,))
    terms = [term for term in waiting.topology if term.match_expressions or term.match_fields]
    narrowed = [term.model_copy(update={"match_fields": (*term.match_fields, here)}) for term in terms]
    anywhere = [] if waiting.topology else [NodeSelectorTerm(match_fields=(here,))]
    provisions = waiting.provisions and bool(narrowed or anywhere)
    return Waiting(provisions=provisions, topology=tuple(narrowed or anywhere))


def _read_claim(subject: Subject, claim: ClaimObject) -> _Claim:
    spec, metadata = claim.spec or ClaimSpec(), claim.metadata or Metadata()
    modes = spec.access_modes or ["ReadWriteOnce"]
    wrong = subject.faults(_access_faults(modes, "spec.accessModes"))
    return _Claim(
        subject,
        spec,
        "ReadWriteOnce" if wrong else "ReadWriteOncePod" if "ReadWriteOncePod" in modes else modes[0],
        metadata.uid or "",
        subject.labels(bytes(metadata.annotations), "metadata.annotations"),
        (claim.status.phase if claim.status else None) or "",
        metadata.deletion_timestamp is not None,
    )


def _access_faults(modes: Sequence[str], path: str) -> Iterator[str]:
    for place, mode in enumerate(modes):
        if mode not in ACCESS_MODES:
            yield unsupported(f"{path}[{place}]", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        yield forbidden(path, "may not use ReadWriteOncePod with other access modes: drop the others")


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
