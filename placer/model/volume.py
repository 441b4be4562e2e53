"""Volumes and host ports: what a pod brings to a node besides its requests."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from placer.model.selector import NodeSelectorTerm
from placer.model.value import Value


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
    access
        ``ReadWriteOncePod``: one pod at a time, anywhere. The others do not bind placement.
    """

    name: str = Field(min_length=1)
    driver: str = ""
    topology: tuple[NodeSelectorTerm, ...] = ()
    access: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"] = "ReadWriteOnce"


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
