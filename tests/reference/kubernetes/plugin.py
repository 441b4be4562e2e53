"""What all plugins share: kubernetes/enhancements, KEP-624 "Scheduling Framework"."""

from __future__ import annotations

from copy import copy
from typing import ClassVar, Self

from .cluster import Cluster, Node, Pod
from .status import Status

BEST = 100


class Plugin:
    """
    One rule of the scheduler, for one pod and one scheduling cycle.

    What it counts, it counts when it is made; ``add`` and ``remove`` keep the counts right while preemption tries what
    would be if pods went.
    """

    name: ClassVar[str]
    weight: ClassVar[int] = 1

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        self.cluster = cluster
        self.pod = pod

    def copied(self) -> Self:
        """The plugin with counts of its own."""
        return copy(self)

    def pre_filter(self) -> Status | None:
        """Why the pod can stand nowhere, if so."""
        return None

    def narrowed(self) -> set[str] | None:
        """The names of the only nodes to look at; ``None`` is all."""
        return None

    def filter(self, node: Node) -> Status | None:
        """Why the pod cannot stand on the node, if so."""
        return None

    def add(self, node: Node, pod: Pod) -> None:
        """A pod comes to the node."""

    def remove(self, node: Node, pod: Pod) -> None:
        """A pod leaves the node."""

    def pre_score(self, nodes: list[Node]) -> bool:
        """Whether the plugin scores this pod; called once, with the nodes that passed all filters."""
        return False

    def score(self, node: Node) -> int:
        """The score of a node before ``normalize``."""
        raise NotImplementedError

    def normalize(self, nodes: list[Node], scores: list[int]) -> list[int]:
        """The scores between 0 and 100."""
        return scores


def share_of_greatest(scores: list[int], *, reverse: bool) -> list[int]:
    """
    Scores as whole hundredths of the greatest, from 100 down where ``reverse``.

    Where all are 0 they stay so, or are 100.
    """
    greatest = max(scores)
    shares = [BEST * score // greatest if greatest else 0 for score in scores]
    return [BEST - share for share in shares] if reverse else shares
