"""Host ports: Kubernetes API, ``ContainerPort``."""

from __future__ import annotations

from typing import Self

from .cluster import Cluster, Node, Object, Pod
from .plugin import Plugin
from .status import Status, unschedulable

ANY_ADDRESS = "0.0.0.0"
# Address, protocol, number.
Port = tuple[str, str, int]


def host_ports(pod: Pod) -> list[Port]:
    """Address, protocol and port of each host port of containers and sidecars."""
    sidecars = [each for each in pod.spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    containers: list[Object] = [*(pod.spec.get("containers") or ()), *sidecars]
    ports = [port for container in containers for port in container.get("ports") or () if port.get("hostPort")]
    return [(each.get("hostIP") or ANY_ADDRESS, each.get("protocol") or "TCP", each["hostPort"]) for each in ports]


def conflict(left: Port, right: Port) -> bool:
    """Whether two host ports cannot be held at a time: 0.0.0.0 holds the port of every address."""
    return left[1:] == right[1:] and (left[0] == right[0] or ANY_ADDRESS in (left[0], right[0]))


class NodePorts(Plugin):
    """No two pods of a node hold the same host port."""

    name = "NodePorts"

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        super().__init__(cluster, pod)
        self.freed: set[Port] = set()

    def copied(self) -> Self:
        twin = super().copied()
        twin.freed = set(self.freed)
        return twin

    def add(self, node: Node, pod: Pod) -> None:
        self.freed -= set(host_ports(pod))

    def remove(self, node: Node, pod: Pod) -> None:
        """A port is free once one of its holders leaves, even where a pod that stays holds it as well."""
        self.freed |= set(host_ports(pod))

    def filter(self, node: Node) -> Status | None:
        wanted = host_ports(self.pod)
        held = {port for pod in node.pods for port in host_ports(pod)} - self.freed if wanted else set()
        if not any(conflict(ours, theirs) for ours in wanted for theirs in held):
            return None
        return unschedulable(self.name, "node(s) didn't have free ports for the requested pod ports")
