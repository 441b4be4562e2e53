"""Small forms that written objects share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import BaseModel

from placer.model.selector import LabelSelector, NodeSelectorTerm, Requirement

SOME_TIME = "1970-01-01T00:00:00Z"
"""When an object was made, or deleted; placer does not keep the time. What has been made gets no defaults again."""


def amounts_text(amounts: Mapping[str, int]) -> dict[str, str]:
    """Quantities as exact texts: ``1500m`` of cpu, bytes and counts as they are."""
    return {
        name: (f"{amount}m" if amount % 1000 else str(amount // 1000)) if name == "cpu" else str(amount)
        for name, amount in amounts.items()
    }


def json_text(value: Any) -> str:
    """A field of the model as JSON, as its annotation holds it."""
    return msgspec.json.encode(value, enc_hook=_dump).decode()


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, "", False, [], {})}


def node_term(term: NodeSelectorTerm) -> dict[str, Any]:
    """A node selector term."""
    return without_empty(
        {
            "matchExpressions": [_expression(expression) for expression in term.match_expressions],
            "matchFields": [_expression(field) for field in term.match_fields],
        }
    )


def label_selector(selector: LabelSelector | None) -> dict[str, Any] | None:
    """A label selector; ``None``, which selects nothing, stays ``None``."""
    if selector is None:
        return None
    return without_empty(
        {
            "matchLabels": dict(selector.match_labels),
            "matchExpressions": [_expression(expression) for expression in selector.match_expressions],
        }
    )


def _expression(expression: Requirement) -> dict[str, Any]:
    values = list(expression.values)
    return {"key": expression.key, "operator": expression.operator, **({"values": values} if values else {})}


def _dump(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    raise TypeError(f"{value!r} has no form in JSON")
