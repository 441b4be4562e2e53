"""Capacity: Kubernetes, "Resource Bin Packing" and "Resource Management for Pods and Containers"."""

from __future__ import annotations

from .cluster import Node
from .plugin import BEST, Plugin
from .requests import is_scalar, total
from .status import Status, unresolvable, unschedulable

SCORED = ("cpu", "memory")


class NodeResourcesFit(Plugin):
    """
    What a pod asks for is free; the freest nodes score best (LeastAllocated).

    What it asks for more than the node has at all, no eviction gives; one such resource decides the code. Resources
    that it does not ask for reject nobody, even where over-committed.
    """

    name = "NodeResourcesFit"

    def filter(self, node: Node) -> Status | None:
        standing = [pod.requested for pod in node.pods]
        asked = {name: value for name, value in sorted(self.pod.requested.items()) if value > 0}
        order: list[str] = [name for name in ("cpu", "memory", "ephemeral-storage") if name in asked]
        order += [name for name in asked if is_scalar(name)]
        size = node.allocatable
        short = [name for name in order if asked[name] > size.get(name, 0) - total(standing, name)]
        reasons = ["Too many pods"] if len(node.pods) + 1 > size.get("pods", 0) else []
        reasons += [f"Insufficient {name}" for name in short]
        if not reasons:
            return None
        never = any(asked[name] > size.get(name, 0) for name in short)
        return (unresolvable if never else unschedulable)(self.name, *reasons)

    def pre_score(self, nodes: list[Node]) -> bool:
        return True

    def score(self, node: Node) -> int:
        """The mean, over resources that the node has, of what would be left, in whole hundredths of its size."""
        left = []
        for name in SCORED:
            size = node.allocatable.get(name, 0)
            taken = total([pod.assumed_running for pod in node.pods], name) + self.pod.assumed_incoming.get(name, 0)
            if size:
                left.append((size - taken) * BEST // size if taken <= size else 0)
        return sum(left) // len(left) if left else 0


class NodeResourcesBalancedAllocation(Plugin):
    """
    Nodes score best whose cpu and memory come to be equally full: 75 where the pod changes nothing.

    Requests are taken as named, none assumed. A pod that asks for neither resource is not scored.
    """

    name = "NodeResourcesBalancedAllocation"

    def pre_score(self, nodes: list[Node]) -> bool:
        return any(self.pod.requested.get(name, 0) for name in SCORED)

    def score(self, node: Node) -> int:
        """Half of 100, and half of how much better balanced the node becomes, from -50 to 50, plus 50."""
        without = {name: total([pod.requested for pod in node.pods], name) for name in SCORED}
        with_it = {name: without[name] + self.pod.requested.get(name, 0) for name in SCORED}
        return BEST // 2 + (BEST // 2 + balance(node, with_it) - balance(node, without)) // 2


def balance(node: Node, taken: dict[str, int]) -> int:
    """100 less the standard deviation of the taken shares in hundredths, cut; resources of size 0 do not count."""
    shares = [min(taken[name] / node.allocatable[name], 1.0) for name in SCORED if node.allocatable.get(name)]
    deviation = abs((shares[0] - shares[1]) / 2) if len(shares) == 2 else 0.0
    return int((1 - deviation) * BEST)
