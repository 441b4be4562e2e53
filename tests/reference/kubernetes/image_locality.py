"""Images that nodes already hold: Kubernetes, "Scheduler Configuration", ImageLocality."""

from __future__ import annotations

from .cluster import Node
from .plugin import BEST, Plugin

MEGABYTE = 1024 * 1024
SMALLEST = 23 * MEGABYTE
GREATEST_OF_A_CONTAINER = 1000 * MEGABYTE


def normalized(image: str) -> str:
    """The image's name with a tag, ``latest`` where it has none."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


class ImageLocality(Plugin):
    """
    The bytes of the pod's images that a node holds score, each times the share of nodes that hold it.

    Less than 23 MiB is 0, and 1000 MiB for each container is 100.
    """

    name = "ImageLocality"

    def pre_score(self, nodes: list[Node]) -> bool:
        return True

    def score(self, node: Node) -> int:
        containers = [*(self.pod.spec.get("initContainers") or ()), *(self.pod.spec.get("containers") or ())]
        images = [normalized(container.get("image") or "") for container in containers]
        held = sum(self.counted(node, image) for image in images)
        greatest = GREATEST_OF_A_CONTAINER * len(containers)
        clamped = min(max(held, SMALLEST), greatest)
        return BEST * (clamped - SMALLEST) // (greatest - SMALLEST)

    def counted(self, node: Node, image: str) -> int:
        """The bytes that count for an image."""
        size = size_on(node, image)
        if size is None:
            return 0
        holders = sum(size_on(each, image) is not None for each in self.cluster.nodes)
        return int(size * (holders / len(self.cluster.nodes)))


def size_on(node: Node, image: str) -> int | None:
    """The bytes that an image takes on a node; ``None`` where the node does not hold it."""
    sizes = [each.get("sizeBytes") or 0 for each in node.images if image in (each.get("names") or ())]
    return sizes[-1] if sizes else None
