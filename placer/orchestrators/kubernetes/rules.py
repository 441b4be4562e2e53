"""``spec.affinity``, tolerations, topology spread and scheduling gates: from raw JSON to the model's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import TypeAdapter

from placer.model.relation import AffinityTerm, PreferredPods, SpreadConstraint
from placer.model.selector import NodeSelectorTerm, PreferredNode
from placer.model.taint import Taint, Toleration
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.objects import plain
from placer.orchestrators.kubernetes.rule_faults import (
    NUMERIC_OPERATORS,
    PREFERRED,
    REQUIRED,
    affinity_faults,
    gate_faults,
    node_affinity_faults,
    spread_faults,
    taint_faults,
    toleration_faults,
)
from placer.orchestrators.kubernetes.selectors import node_selector_faults
from placer.orchestrators.kubernetes.subject import NOTHING, Subject

Rule = TypeVar("Rule", AffinityTerm, SpreadConstraint)

_affinity = msgspec.json.Decoder(objects.Affinity)
_tolerations = msgspec.json.Decoder(list[objects.TolerationObject])
_taints = msgspec.json.Decoder(list[objects.TaintObject])
_spread = msgspec.json.Decoder(list[objects.SpreadObject])
_gates = msgspec.json.Decoder(list[objects.Gate])

node_terms: TypeAdapter[tuple[NodeSelectorTerm, ...]] = TypeAdapter(tuple[NodeSelectorTerm, ...])
_preferred_nodes: TypeAdapter[tuple[PreferredNode, ...]] = TypeAdapter(tuple[PreferredNode, ...])
_pod_terms: TypeAdapter[tuple[AffinityTerm, ...]] = TypeAdapter(tuple[AffinityTerm, ...])
_preferred_pods: TypeAdapter[tuple[PreferredPods, ...]] = TypeAdapter(tuple[PreferredPods, ...])
_toleration_models: TypeAdapter[tuple[Toleration, ...]] = TypeAdapter(tuple[Toleration, ...])
_taint_models: TypeAdapter[tuple[Taint, ...]] = TypeAdapter(tuple[Taint, ...])
_spread_models: TypeAdapter[tuple[SpreadConstraint, ...]] = TypeAdapter(tuple[SpreadConstraint, ...])


class Own(NamedTuple):
    """
    What rules that look at the pod's own labels need to know of it.

    Attributes
    ----------
    passed
        The API server has seen it: its label keys may have been merged into the selectors, with the values of then.
    """

    labels: Mapping[str, str]
    passed: bool


NOBODY = Own(NOTHING, False)


class AffinityRules(NamedTuple):
    """What ``spec.affinity`` says, by the names of the pod's fields."""

    node_affinity: tuple[NodeSelectorTerm, ...] = ()
    preferred_nodes: tuple[PreferredNode, ...] = ()
    pod_affinity: tuple[AffinityTerm, ...] = ()
    pod_anti_affinity: tuple[AffinityTerm, ...] = ()
    preferred_pods: tuple[PreferredPods, ...] = ()


def read_affinity(subject: Subject, raw: bytes, own: Own = NOBODY) -> AffinityRules:
    """All of ``spec.affinity``; ``own`` only matters with label keys."""
    path = "spec.affinity"
    given = subject.decode(_affinity, raw, path)
    if given is None:
        return AffinityRules()
    for rules in (given.pod_affinity, given.pod_anti_affinity):
        if rules is not None:
            _drop_merged([*(rules.required or ()), *(wish.term for wish in rules.preferred or ())], own)
    if not own.passed and subject.faults(affinity_faults(given, path)):
        return AffinityRules()
    required, preferred_nodes = _read_node_affinity(subject, given.node_affinity, f"{path}.nodeAffinity", own.passed)
    words = affinity_faults(objects.Affinity(None, given.pod_affinity, given.pod_anti_affinity), path)
    together, wishes = _read_pod_affinity(subject, given.pod_affinity, f"{path}.podAffinity", 1, words)
    apart, avoided = _read_pod_affinity(subject, given.pod_anti_affinity, f"{path}.podAntiAffinity", -1, words)
    return AffinityRules(required, preferred_nodes, together, apart, wishes + avoided)


def read_node_terms(
    subject: Subject, given: objects.NodeTerms | None, path: str, passed: bool
) -> tuple[NodeSelectorTerm, ...]:
    """The terms of a node selector; with none given it has none."""
    if given is None:
        return ()
    at, terms = f"{path}.nodeSelectorTerms", given.node_selector_terms or []
    words = node_selector_faults(terms, at)
    if (not passed or not terms) and subject.faults(words):
        return ()
    return subject.model(node_terms, plain(terms), at, (), words=words)


def read_tolerations(
    subject: Subject, raw: bytes, path: str = "spec.tolerations", passed: bool = False
) -> tuple[tuple[Toleration, ...], tuple[str, ...]]:
    """Tolerations, and what of them is not supported; empty texts are what is not given."""
    given = subject.decode(_tolerations, raw, path) or []
    words = toleration_faults(given, path)
    if not passed and subject.faults(words):
        return (), ()
    reasons = [
        f"{path}[{place}].operator {item.operator} is not supported"
        for place, item in enumerate(given)
        if item.operator in NUMERIC_OPERATORS
    ]
    kept = [_toleration(item) for item in given if item.operator not in NUMERIC_OPERATORS]
    return subject.model(_toleration_models, kept, path, (), words=words), tuple(reasons)


def read_taints(subject: Subject, raw: bytes, passed: bool) -> tuple[Taint, ...]:
    """``spec.taints`` of a node."""
    path = "spec.taints"
    given = subject.decode(_taints, raw, path) or []
    words = taint_faults(given, path)
    if (not passed or not all(taint.effect for taint in given)) and subject.faults(words):
        return ()
    return subject.model(_taint_models, plain(given), path, (), words=words)


def read_spread(subject: Subject, raw: bytes, own: Own = NOBODY) -> tuple[SpreadConstraint, ...]:
    """``spec.topologySpreadConstraints``; ``own`` only matters with label keys."""
    path = "spec.topologySpreadConstraints"
    given = subject.decode(_spread, raw, path) or []
    _drop_merged(given, own)
    words = spread_faults(given, path)
    if not (own.passed and all(one.max_skew for one in given)) and subject.faults(words):
        return ()
    rules = subject.model(_spread_models, plain(given), path, (), words=words)
    return tuple(_with_key(rule, item.topology_key) for rule, item in zip(rules, given, strict=False))


def read_gates(subject: Subject, raw: bytes, passed: bool) -> tuple[str, ...]:
    """Names of ``spec.schedulingGates``."""
    path = "spec.schedulingGates"
    given = subject.decode(_gates, raw, path) or []
    if not passed and subject.faults(gate_faults(given, path)):
        return ()
    return tuple(gate.name for gate in given)


def _read_node_affinity(
    subject: Subject, given: objects.NodeAffinity | None, path: str, passed: bool
) -> tuple[tuple[NodeSelectorTerm, ...], tuple[PreferredNode, ...]]:
    if given is None:
        return (), ()
    required = read_node_terms(subject, given.required, f"{path}.{REQUIRED}", passed)
    wishes = [{"term": {}, **plain(wish)} for wish in given.preferred or []]
    words = node_affinity_faults(given, path)
    return required, subject.model(_preferred_nodes, wishes, f"{path}.{PREFERRED}", (), words=words)


def _read_pod_affinity(
    subject: Subject, given: objects.PodAffinity | None, path: str, sign: int, words: Iterator[str]
) -> tuple[tuple[AffinityTerm, ...], tuple[PreferredPods, ...]]:
    if given is None:
        return (), ()
    terms, wishes = given.required or [], given.preferred or []
    required = subject.model(_pod_terms, plain(terms), f"{path}.{REQUIRED}", (), words=words)
    weighed = [{"weight": sign * wish.weight, "term": plain(wish.term)} for wish in wishes]
    preferred = subject.model(_preferred_pods, weighed, f"{path}.{PREFERRED}", (), words=words)
    return (
        tuple(_with_key(rule, term.topology_key) for rule, term in zip(required, terms, strict=False)),
        tuple(
            rule.model_copy(update={"term": _with_key(rule.term, wish.term.topology_key)})
            for rule, wish in zip(preferred, wishes, strict=False)
        ),
    )


def _drop_merged(terms: Sequence[objects.PodTerm | objects.SpreadObject], own: Own) -> None:
    """
    Drops label keys that the API server has merged into the selector, so that they are not merged twice.

    It merges them as a pod comes in, as ``key in (value)`` and ``key not in (value)``; the scheduler then reads the
    selector alone. Keys that are left are merged by the rules themselves.
    """
    for term in terms:
        if term.match_label_keys:
            term.match_label_keys = [k for k in term.match_label_keys if not _is_merged(term.selector, k, "In", own)]
        if isinstance(term, objects.PodTerm) and term.mismatch_label_keys:
            keys = term.mismatch_label_keys
            term.mismatch_label_keys = [key for key in keys if not _is_merged(term.selector, key, "NotIn", own)]


def _is_merged(selector: objects.Selector | None, key: str, operator: str, own: Own) -> bool:
    """Whether the selector says of the key what merging would make it say."""
    return any(
        expression.key == key
        and expression.operator == operator
        and expression.values is not None
        and len(expression.values) == 1
        and (own.passed or expression.values[0] == own.labels.get(key))
        for expression in (selector.match_expressions if selector else None) or ()
    )


def _with_key(rule: Rule, key: str | None) -> Rule:
    """The rule over the label key as Kubernetes means it: ``zone`` is short for nothing there."""
    return rule if key in (None, rule.topology_key) else rule.model_copy(update={"topology_key": key})


def _toleration(given: objects.TolerationObject) -> dict[str, Any]:
    """What the model takes; an empty text is what is not given."""
    return {name: value for name, value in plain(given).items() if value != "" and name != "toleration_seconds"}
