"""Volumes, disks and host ports: what a pod brings to a node besides its requests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from placer.model.relation import REGION, ZONE
from placer.model.selector import NodeSelectorTerm
from placer.model.value import FrozenDict, Value

ZONE_KEYS = {
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
    ZONE: ZONE,
    REGION: REGION,
}
"""Labels of zone and region, each with the one that took its place: Kubernetes, "Well-Known Labels"."""


def _zone_keys(zones: Mapping[str, tuple[str, ...]]) -> FrozenDict:
    for key in zones:
        if key not in ZONE_KEYS:
            raise ValueError(f"zones has the key {key!r}: give one of {', '.join(ZONE_KEYS)}")
    return FrozenDict({key: tuple(sorted(set(values))) for key, values in zones.items()})


Zones = Annotated[Mapping[str, tuple[str, ...]], AfterValidator(_zone_keys)]


class Offer(Value):
    """
    A volume that a claim may be bound to.

    Attributes
    ----------
    name
        Of the volume, one in the cluster; it is bound to one claim.
    topology
        Where it can be reached: any of these terms; none is everywhere.
    """

    name: str = Field(min_length=1)
    topology: tuple[NodeSelectorTerm, ...] = ()


class Waiting(Value):
    """
    What a claim is bound to with the first pod that is placed: Kubernetes, "Volume Binding Mode".

    Attributes
    ----------
    offers
        Volumes in order of preference: the first that reaches the node and is bound to no other claim.
    provisions
        Whether a volume is made where none of the offers will do.
    topology
        Where one can be made: any of these terms; none is everywhere.
    """

    offers: tuple[Offer, ...] = ()
    provisions: bool = True
    topology: tuple[NodeSelectorTerm, ...] = ()

    @cached_property
    def _hash(self) -> int:
        return hash((self.offers, self.provisions, self.topology))

    def __hash__(self) -> int:
        """Worked out once: many claims may share thousands of offers."""
        return self._hash

    @cached_property
    def digest(self) -> str:
        """What tells it from others, worked out once."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Volume(Value):
    """
    A volume of a pod: Kubernetes, "Persistent Volumes" and "Node-specific Volume Limits".

    Attributes
    ----------
    name
        Identity within the namespace; pods that name the same one share it, and a node attaches it once.
    driver
        Whose attach limit of the node it counts for; empty counts for none.
    topology
        Where it can be reached: any of these terms; none is everywhere.
    zones
        Zones and regions that it lies in, by label key. A node with any of :data:`ZONE_KEYS` has, for each key (or the
        one that took its place), one of the values; other nodes pass.
    waiting
        What its claim may be bound to, where that is not decided; several of a pod choose in the order listed. Where
        the volume is, is not known then: ``topology`` and ``zones`` are empty.
    access
        ``ReadWriteOncePod``: one pod at a time, anywhere. The others do not bind placement.
    """

    name: str = Field(min_length=1)
    driver: str = ""
    topology: tuple[NodeSelectorTerm, ...] = ()
    zones: Zones = FrozenDict()
    waiting: Waiting | None = None
    access: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"] = "ReadWriteOnce"

    @model_validator(mode="after")
    def _is_nowhere_while_it_waits(self) -> Self:
        if self.waiting and (self.topology or self.zones):
            raise ValueError("a volume that is waiting has no topology and no zones: give its offers a topology")
        return self


DRIVERS = {"gce": "pd.csi.storage.gke.io", "aws": "ebs.csi.aws.com"}
"""The CSI driver that serves a kind of disk that was once built in: Kubernetes, "Volumes", CSI migration."""


class Disk(Value):
    """
    A disk that the pod names itself, without a claim: two pods of one node share it only where both just read it.

    Attributes
    ----------
    kind
        ``gce``, ``aws`` (an EBS volume, which is never shared), ``iscsi`` or ``rbd``.
    name
        The disk's name, volume, IQN or image.
    pool, monitors
        Of an RBD image: it is another one in another pool, or where no monitor is the same.
    """

    kind: Literal["gce", "aws", "iscsi", "rbd"]
    name: str
    pool: str = ""
    monitors: tuple[str, ...] = ()
    read_only: bool = False

    @property
    def driver(self) -> str:
        """Whose attach limit it counts for, once a node for all pods: the driver that serves the kind now, or none."""
        return DRIVERS.get(self.kind, "")

    def clashes(self, other: Disk) -> bool:
        """Says whether two pods with these disks cannot stand on one node: Kubernetes, VolumeRestrictions."""
        if (self.kind, self.name, self.pool) != (other.kind, other.name, other.pool):
            return False
        if self.kind == "rbd" and not set(self.monitors) & set(other.monitors):
            return False
        return self.kind == "aws" or not (self.read_only and other.read_only)


class HostPort(Value):
    """
    A port of the node that the pod takes: two pods clash on the same port and protocol where their addresses meet.

    Attributes
    ----------
    host_ip
        ``0.0.0.0`` meets every address.
    """

    port: int = Field(ge=1, le=65535)
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    host_ip: str = "0.0.0.0"

    def clashes(self, other: HostPort) -> bool:
        """Says whether the two cannot be open on one node."""
        addresses_meet = self.host_ip == other.host_ip or "0.0.0.0" in (self.host_ip, other.host_ip)
        return self.port == other.port and self.protocol == other.protocol and addresses_meet
