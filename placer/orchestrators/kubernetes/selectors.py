"""What the API server finds wrong with node selectors and label selectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from placer.orchestrators.kubernetes.faults import forbidden, invalid, required
from placer.orchestrators.kubernetes.syntax import label_key_fault, label_value_fault, subdomain_fault

NAME_FIELD = "metadata.name"
NODE_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
LABEL_OPERATORS = NODE_OPERATORS[:4]


class AnExpression(Protocol):
    """An expression of a selector, from whichever reader."""

    @property
    def key(self) -> str | None:
        """The label's key, or a field's."""

    @property
    def operator(self) -> str | None:
        """How the values are meant."""

    @property
    def values(self) -> Sequence[str] | None:
        """What is compared with."""


class ANodeTerm(Protocol):
    """A node selector term, from whichever reader."""

    @property
    def match_expressions(self) -> Sequence[AnExpression] | None:
        """Over labels."""

    @property
    def match_fields(self) -> Sequence[AnExpression] | None:
        """Over fields."""


class ALabelSelector(Protocol):
    """A label selector, from whichever reader."""

    @property
    def match_labels(self) -> Mapping[str, str] | None:
        """Labels that must be there."""

    @property
    def match_expressions(self) -> Sequence[AnExpression] | None:
        """Expressions that must hold."""


def node_selector_faults(terms: Sequence[ANodeTerm] | None, path: str) -> Iterator[str]:
    """Of a required node selector, whose field ``nodeSelectorTerms`` stands at ``path``."""
    if not terms:
        yield required(path, "must have at least one node selector term: give one, or drop the rule")
    for place, term in enumerate(terms or ()):
        yield from node_term_faults(term, f"{path}[{place}]")


def node_term_faults(term: ANodeTerm, path: str) -> Iterator[str]:
    """Of one term; values that no label has, such as ``-1``, are legal, and match none."""
    for place, expression in enumerate(term.match_expressions or ()):
        yield from _expression_faults(expression, f"{path}.matchExpressions[{place}]", NODE_OPERATORS)
    for place, field in enumerate(term.match_fields or ()):
        yield from _field_faults(field, f"{path}.matchFields[{place}]")


def label_selector_faults(selector: ALabelSelector | None, path: str) -> Iterator[str]:
    """Of a selector of pods or namespaces; one that is not given selects nothing, and is legal."""
    if selector is None:
        return
    yield from labels_faults(selector.match_labels or {}, f"{path}.matchLabels")
    for place, expression in enumerate(selector.match_expressions or ()):
        at = f"{path}.matchExpressions[{place}]"
        yield from _expression_faults(expression, at, LABEL_OPERATORS)
        for index, value in enumerate(expression.values or ()):
            if fault := label_value_fault(value):
                yield invalid(f"{at}.values[{index}]", value, fault)


def labels_faults(labels: Mapping[str, str], path: str) -> Iterator[str]:
    """Of labels, or of a selector that has their form."""
    for key, value in labels.items():
        fault = label_key_fault(key)
        if fault:
            yield invalid(path, key, fault)
        fault = label_value_fault(value)
        if fault:
            yield invalid(f"{path}.{key}", value, fault)


def key_faults(key: str | None, path: str) -> Iterator[str]:
    """Of a label's key that must be given."""
    if not key:
        yield required(path, "can not be empty: name the label")
    elif fault := label_key_fault(key):
        yield invalid(path, key, fault)


def _expression_faults(expression: AnExpression, path: str, operators: tuple[str, ...]) -> Iterator[str]:
    operator, values = expression.operator, expression.values or ()
    if operator not in operators:
        fix = f"give {', '.join(operators[:-1])} or {operators[-1]}"
        yield invalid(f"{path}.operator", operator or "", "not a valid selector operator", fix)
    elif operator in ("In", "NotIn") and not values:
        yield required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield forbidden(f"{path}.values", f"{detail}: drop {list(values)!r}")
    elif operator in ("Gt", "Lt") and len(values) != 1:
        yield required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    yield from key_faults(expression.key, f"{path}.key")


def _field_faults(field: AnExpression, path: str) -> Iterator[str]:
    values = field.values or ()
    if field.operator not in ("In", "NotIn"):
        yield invalid(f"{path}.operator", field.operator or "", "not a valid selector operator", "give In or NotIn")
    elif len(values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield required(f"{path}.values", detail)
    if field.key != NAME_FIELD:
        yield invalid(f"{path}.key", field.key or "", "not a valid field selector key", f"give {NAME_FIELD}")
        return
    for place, value in enumerate(values):
        fault = subdomain_fault(value)
        if fault:
            yield invalid(f"{path}.values[{place}]", value, fault)
