"""Taints and tolerations: Kubernetes, "Taints and Tolerations"."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from placer.model.value import Value

Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"


class Taint(Value):
    """
    Keeps pods off a node unless they tolerate it.

    Attributes
    ----------
    key, value
        What is matched by tolerations.
    effect
        ``NoSchedule`` and ``NoExecute`` reject, ``PreferNoSchedule`` only costs.
    """

    key: str
    value: str = ""
    effect: Effect = "NoSchedule"


class Toleration(Value):
    """
    Lets a pod stand on nodes whose taints it matches.

    Attributes
    ----------
    key
        The taint's key. Empty, with ``Exists``, matches every taint.
    effect
        The effect to tolerate; ``None`` is all three.
    """

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Effect | None = None

    @model_validator(mode="after")
    def _exists_has_no_value(self) -> Self:
        if self.operator == "Exists" and self.value:
            raise ValueError(f"operator Exists takes no value, got {self.value!r}: drop value, or use Equal")
        if not self.key and self.operator == "Equal":
            raise ValueError("an empty key needs operator Exists: name the taint's key, or use Exists")
        return self

    def tolerates(self, taint: Taint) -> bool:
        """Says whether this toleration covers the taint."""
        if self.effect is not None and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or self.value == taint.value
