"""Host ports: Kubernetes API, ``ContainerPort``."""

from __future__ import annotations

from .cluster import Node, Object, Pod
from .plugin import Plugin
from .status import Status, unschedulable

ANY_ADDRESS = "0.0.0.0"


def host_ports(pod: Pod) -> list[tuple[str, str, int]]:
    """Address, protocol and port of each host port of containers and sidecars."""
    sidecars = [each for each in pod.spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    containers: list[Object] = [*(pod.spec.get("containers") or ()), *sidecars]
    ports = [port for container in containers for port in container.get("ports") or () if port.get("hostPort")]
    return [(each.get("hostIP") or ANY_ADDRESS, each.get("protocol") or "TCP", each["hostPort"]) for each in ports]


def conflict(left: tuple[str, str, int], right: tuple[str, str, int]) -> bool:
    """Whether two host ports cannot be held at a time: 0.0.0.0 holds the port of every address."""
    return left[1:] == right[1:] and (left[0] == right[0] or ANY_ADDRESS in (left[0], right[0]))


class NodePorts(Plugin):
    """No two pods of a node hold the same host port."""

    name = "NodePorts"

    def filter(self, node: Node) -> Status | None:
        wanted = host_ports(self.pod)
        held = [port for pod in node.pods for port in host_ports(pod)] if wanted else []
        if not any(conflict(ours, theirs) for ours in wanted for theirs in held):
            return None
        return unschedulable(self.name, "node(s) didn't have free ports for the requested pod ports")
