"""Disruption budgets as Kubernetes objects."""

from __future__ import annotations

from typing import Any

from placer.model.budget import DisruptionBudget
from placer.orchestrators.kubernetes.texts import label_selector, without_empty


def budget_object(budget: DisruptionBudget) -> dict[str, Any]:
    """A ``policy/v1`` PodDisruptionBudget."""
    selector = label_selector(budget.selector)
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": budget.name, "namespace": budget.namespace},
        "spec": {} if selector is None else {"selector": selector},
        "status": without_empty(
            {
                "disruptionsAllowed": budget.allowed,
                "disruptedPods": dict.fromkeys(budget.disrupted, SOME_TIME),
            }
        ),
    }


SOME_TIME = "1970-01-01T00:00:00Z"
"""When a disruption was counted; placer does not keep the time."""
