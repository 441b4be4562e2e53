"""PodDisruptionBudgets, as far as their controller has worked them out."""

from __future__ import annotations

import msgspec
from pydantic import TypeAdapter

from placer.model.budget import DisruptionBudget
from placer.model.selector import LabelSelector
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.objects import plain
from placer.orchestrators.kubernetes.subject import Subject

_budgets = msgspec.json.Decoder(objects.BudgetObject)
_selector: TypeAdapter[LabelSelector | None] = TypeAdapter(LabelSelector | None)


def read_budgets(inventory: Inventory) -> tuple[DisruptionBudget, ...]:
    """All budgets, in input order."""
    return tuple(
        _budget(Subject(inventory.problems, named.where), named.namespace, named.name, budget)
        for named, budget in read_objects_of(inventory, "PodDisruptionBudget", _budgets, namespaced=True)
    )


def _budget(subject: Subject, namespace: str, name: str, budget: objects.BudgetObject) -> DisruptionBudget:
    status = budget.status or objects.BudgetStatus()
    given = budget.spec.selector if budget.spec else None
    selector = None if given is None else subject.model(_selector, plain(given), "spec.selector", None)
    return DisruptionBudget(
        name=name,
        namespace=namespace,
        selector=selector,
        allowed=status.disruptions_allowed,
        disrupted=tuple(status.disrupted_pods or ()),
    )
