"""Selectors over labels: Kubernetes, "Labels and Selectors" and "Assigning Pods to Nodes"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from placer.model.value import FrozenDict, Labels, Value

INT64_MAX = 2**63 - 1
LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def _as_integer(text: str | None) -> int | None:
    """The integer a label value stands for, as Go's ParseInt reads it; ``None`` when it is none."""
    if text is None:
        return None
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdigit():
        return None
    value = int(text)
    return value if -INT64_MAX - 1 <= value <= INT64_MAX else None


class Requirement(Value):
    """
    One expression over one label.

    Attributes
    ----------
    key
        The label's key.
    operator
        ``NotIn`` and ``DoesNotExist`` hold where the label is missing; ``Gt`` and ``Lt`` compare integers. A value that
        no label can have, such as a negative number, makes the expression hold nowhere, as kube-scheduler has it.
    values
        The operator's operands: none for ``Exists`` and ``DoesNotExist``, one integer for ``Gt`` and ``Lt``.
    """

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _operands_fit_the_operator(self) -> Self:
        if not self.key:
            raise ValueError("key is empty: name the label")
        if self.operator in ("In", "NotIn") and not self.values:
            raise ValueError(f"operator {self.operator} needs values: list at least one")
        if self.operator in ("Exists", "DoesNotExist") and self.values:
            raise ValueError(f"operator {self.operator} takes no values, got {list(self.values)!r}: drop values")
        if self.operator in ("Gt", "Lt") and len(self.values) != 1:
            raise ValueError(f"operator {self.operator} takes one integer, got {list(self.values)!r}")
        return self

    @property
    def holds_somewhere(self) -> bool:
        """Whether a label may have the values."""
        return all(LABEL_VALUE.fullmatch(value) for value in self.values)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Says whether the labels satisfy this expression."""
        if not self.holds_somewhere:
            return False
        value = labels.get(self.key)
        if value is None:
            return self.operator in ("NotIn", "DoesNotExist")
        if self.operator in ("Exists", "DoesNotExist"):
            return self.operator == "Exists"
        if self.operator in ("In", "NotIn"):
            return (value in self.values) == (self.operator == "In")
        have, bound = _as_integer(value), _as_integer(self.values[0])
        if have is None or bound is None:
            return False
        return have > bound if self.operator == "Gt" else have < bound


class LabelSelector(Value):
    """
    Selects pods or namespaces by labels; both parts must hold; an empty selector selects all.

    Attributes
    ----------
    match_labels
        Labels that must be there with exactly these values.
    match_expressions
        Expressions that must all hold; ``Gt`` and ``Lt`` are for nodes only.
    """

    match_labels: Labels = FrozenDict()
    match_expressions: tuple[Requirement, ...] = ()

    @model_validator(mode="after")
    def _no_order_on_pods(self) -> Self:
        for expression in self.match_expressions:
            if expression.operator in ("Gt", "Lt"):
                raise ValueError(
                    f"operator {expression.operator!r} is no label selector operator: "
                    "use In, NotIn, Exists or DoesNotExist"
                )
        return self

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing, and so selects all."""
        return not self.match_labels and not self.match_expressions

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Says whether the labels are selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            expression.matches(labels) for expression in self.match_expressions
        )


class NodeSelectorTerm(Value):
    """
    One alternative of a node affinity; all its expressions must hold; an empty term selects nothing.

    Attributes
    ----------
    match_expressions
        Over the node's labels.
    match_fields
        Over the node's fields; ``metadata.name`` is the only one.
    """

    match_expressions: tuple[Requirement, ...] = ()
    match_fields: tuple[Requirement, ...] = ()

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        for field in self.match_fields:
            if field.key != "metadata.name" or field.operator not in ("In", "NotIn") or len(field.values) != 1:
                raise ValueError(
                    f"match field {field.key!r} {field.operator} {list(field.values)!r} is unknown: "
                    "use metadata.name with In or NotIn and one name"
                )
        return self

    def matches(self, labels: Mapping[str, str], name: str) -> bool:
        """Says whether a node of this name with these labels is selected."""
        if not self.match_expressions and not self.match_fields:
            return False
        return all(e.matches(labels) for e in self.match_expressions) and all(
            f.matches({"metadata.name": name}) for f in self.match_fields
        )


class PreferredNode(Value):
    """
    A wish for nodes: each that matches scores ``weight``; a negative weight repels.

    Attributes
    ----------
    weight
        -100 to 100, not 0.
    term
        The nodes meant; an empty term means all.
    """

    weight: int
    term: NodeSelectorTerm

    @model_validator(mode="after")
    def _weight_in_range(self) -> Self:
        if not 1 <= abs(self.weight) <= 100:
            raise ValueError(f"weight is {self.weight}: give 1 to 100, or -100 to -1 to repel")
        return self
