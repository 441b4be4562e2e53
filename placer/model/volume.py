"""Volumes, disks and host ports: what a pod brings to a node besides its requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

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
    access
        ``ReadWriteOncePod``: one pod at a time, anywhere. The others do not bind placement.
    """

    name: str = Field(min_length=1)
    driver: str = ""
    topology: tuple[NodeSelectorTerm, ...] = ()
    zones: Zones = FrozenDict()
    access: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"] = "ReadWriteOnce"


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
