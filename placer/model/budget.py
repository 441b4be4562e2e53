"""Disruption budgets: how many pods of a group may be down at a time by somebody's will."""

from __future__ import annotations

from pydantic import Field

from placer.model.selector import LabelSelector
from placer.model.value import Value


class DisruptionBudget(Value):
    """
    A PodDisruptionBudget: Kubernetes, "Disruptions".

    Attributes
    ----------
    selector
        Its pods, in its own namespace; ``None`` and an empty one select none here, as kube-scheduler has it.
    allowed
        How many of them may be evicted now.
    disrupted
        Names of pods whose eviction has been counted already.
    """

    name: str = Field(min_length=1)
    namespace: str = Field(default="default", min_length=1)
    selector: LabelSelector | None = None
    allowed: int = 0
    disrupted: tuple[str, ...] = ()
