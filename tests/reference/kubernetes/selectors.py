"""Label selectors and node selectors: Kubernetes, "Labels and Selectors" and "Assigning Pods to Nodes"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
LARGEST = 2**63 - 1


class InvalidSelectorError(ValueError):
    """The API server accepts the selector, and the scheduler cannot read it."""


def integer(text: str) -> int | None:
    """A decimal number of 64 bits; ``None`` where the text is none."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    value = int(text)
    return value if -LARGEST - 1 <= value <= LARGEST else None


@dataclass(frozen=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: str
    values: tuple[str, ...]

    @classmethod
    def read(cls, expression: Mapping[str, Any]) -> Self:
        """
        Reads an expression, and checks it as the scheduler does.

        The values of ``Gt`` and ``Lt`` are numbers, and all values are label values: a sign is none, so that a negative
        number makes the whole term invalid.
        """
        values = tuple(expression.get("values") or ())
        operator = expression["operator"]
        counts = {"In": bool(values), "NotIn": bool(values), "Exists": not values, "DoesNotExist": not values}
        counts |= {name: len(values) == 1 and integer(values[0]) is not None for name in ("Gt", "Lt")}
        if not counts[operator] or not all(LABEL_VALUE.fullmatch(value) for value in values):
            raise InvalidSelectorError(f"{operator} {values}")
        return cls(expression["key"], operator, values)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet the condition; a missing label meets ``NotIn`` and ``DoesNotExist`` only."""
        value = labels.get(self.key)
        if value is None or self.operator in ("Exists", "DoesNotExist"):
            return self.operator in ("NotIn", "DoesNotExist") if value is None else self.operator == "Exists"
        if self.operator in ("In", "NotIn"):
            return (value in self.values) == (self.operator == "In")
        number, bound = integer(value), integer(self.values[0])
        if number is None or bound is None:
            return False
        return number > bound if self.operator == "Gt" else number < bound


@dataclass(frozen=True)
class Selector:
    """Requirements that all hold; ``None`` matches nothing, no requirements match everything."""

    requirements: tuple[Requirement, ...] | None

    @property
    def empty(self) -> bool:
        """Whether it matches everything because it asks for nothing."""
        return self.requirements == ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet all requirements."""
        return self.requirements is not None and all(each.matches(labels) for each in self.requirements)

    def and_labels(self, labels: Mapping[str, str]) -> Selector:
        """The selector that also asks for these labels; what matches nothing stays so."""
        return self if self.requirements is None else Selector((*self.requirements, *equal_to(labels)))


def equal_to(labels: Mapping[str, str]) -> tuple[Requirement, ...]:
    """Requirements for exactly these labels."""
    return tuple(Requirement(key, "In", (value,)) for key, value in sorted(labels.items()))


def label_selector(source: Mapping[str, Any] | None) -> Selector:
    """Reads a ``LabelSelector``: without one, nothing matches; with an empty one, everything does."""
    if source is None:
        return Selector(None)
    expressions = tuple(Requirement.read(each) for each in source.get("matchExpressions") or ())
    return Selector(equal_to(source.get("matchLabels") or {}) + expressions)


def name_matches(field: Mapping[str, Any], name: str) -> bool:
    """One of a term's ``matchFields``: ``metadata.name`` is, or is not, the one value."""
    values: Sequence[str] = field.get("values") or ()
    if field["operator"] not in ("In", "NotIn") or len(values) != 1 or field["key"] != "metadata.name":
        raise InvalidSelectorError(str(field))
    return bool((name in values) == (field["operator"] == "In"))


def term_matches(term: Mapping[str, Any], labels: Mapping[str, str], name: str) -> bool:
    """
    One node selector term. An empty term matches no node.

    Raises
    ------
    InvalidSelectorError
        One part of the term cannot be read, whatever the other parts say.
    """
    expressions = [Requirement.read(each) for each in term.get("matchExpressions") or ()]
    fields = [name_matches(each, name) for each in term.get("matchFields") or ()]
    return bool(expressions or fields) and all(each.matches(labels) for each in expressions) and all(fields)


def any_term_matches(terms: Sequence[Mapping[str, Any]], labels: Mapping[str, str], name: str) -> bool:
    """A node selector: one term that matches is enough, one that cannot be read does not match."""

    def matches(term: Mapping[str, Any]) -> bool:
        try:
            return term_matches(term, labels, name)
        except InvalidSelectorError:
            return False

    return any(matches(term) for term in terms)
