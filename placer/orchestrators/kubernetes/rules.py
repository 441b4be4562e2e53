"""``spec.affinity``, tolerations, topology spread and scheduling gates: from raw JSON to the model's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import TypeAdapter

from placer.model.relation import AffinityTerm, PreferredPods, SpreadConstraint
from placer.model.selector import NodeSelectorTerm, PreferredNode
from placer.model.taint import Taint, Toleration
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.objects import plain
from placer.orchestrators.kubernetes.subject import NOTHING, Subject

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

NUMERIC_OPERATORS = ("Lt", "Gt")
"""Of tolerations: Kubernetes has them since 1.35, behind a feature gate."""

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
    required, preferred_nodes = _read_node_affinity(subject, given.node_affinity, f"{path}.nodeAffinity")
    together, wishes = _read_pod_affinity(subject, given.pod_affinity, f"{path}.podAffinity", 1, own)
    apart, avoided = _read_pod_affinity(subject, given.pod_anti_affinity, f"{path}.podAntiAffinity", -1, own)
    return AffinityRules(required, preferred_nodes, together, apart, wishes + avoided)


def read_node_terms(subject: Subject, given: objects.NodeTerms | None, path: str) -> tuple[NodeSelectorTerm, ...]:
    """The terms of a node selector; with none given it has none."""
    if given is None:
        return ()
    terms = plain(given.node_selector_terms or [])
    return subject.model(node_terms, terms, f"{path}.nodeSelectorTerms", ())


def read_tolerations(
    subject: Subject, raw: bytes, path: str = "spec.tolerations"
) -> tuple[tuple[Toleration, ...], tuple[str, ...]]:
    """Tolerations, and what of them is not supported; empty texts are what is not given."""
    given = subject.decode(_tolerations, raw, path) or []
    reasons = [
        f"{path}[{place}].operator {item.operator} is not supported"
        for place, item in enumerate(given)
        if item.operator in NUMERIC_OPERATORS
    ]
    kept = [_not_empty(plain(item)) for item in given if item.operator not in NUMERIC_OPERATORS]
    return subject.model(_toleration_models, kept, path, ()), tuple(reasons)


def read_taints(subject: Subject, raw: bytes) -> tuple[Taint, ...]:
    """``spec.taints`` of a node."""
    given = subject.decode(_taints, raw, "spec.taints") or []
    missing = [place for place, taint in enumerate(given) if not taint.effect]
    for place in missing:
        subject.problem(f"spec.taints[{place}].effect", "is missing: give NoSchedule, PreferNoSchedule or NoExecute")
    return () if missing else subject.model(_taint_models, plain(given), "spec.taints", ())


def read_spread(subject: Subject, raw: bytes, own: Own = NOBODY) -> tuple[SpreadConstraint, ...]:
    """``spec.topologySpreadConstraints``; ``own`` only matters with label keys."""
    path = "spec.topologySpreadConstraints"
    given = subject.decode(_spread, raw, path) or []
    for place, constraint in enumerate(given):
        if constraint.max_skew is None:
            subject.problem(f"{path}[{place}].maxSkew", "is missing: give an integer of at least 1")
    _drop_merged(given, own)
    rules = subject.model(_spread_models, plain(given), path, ())
    return tuple(_with_key(rule, item.topology_key) for rule, item in zip(rules, given, strict=False))


def read_gates(subject: Subject, raw: bytes) -> tuple[str, ...]:
    """Names of ``spec.schedulingGates``."""
    return tuple(gate.name for gate in subject.decode(_gates, raw, "spec.schedulingGates") or [])


def _read_node_affinity(
    subject: Subject, given: objects.NodeAffinity | None, path: str
) -> tuple[tuple[NodeSelectorTerm, ...], tuple[PreferredNode, ...]]:
    if given is None:
        return (), ()
    required = read_node_terms(subject, given.required, f"{path}.{REQUIRED}")
    if given.required is not None and not given.required.node_selector_terms:
        subject.problem(f"{path}.{REQUIRED}.nodeSelectorTerms", "is empty: give at least one term, or drop the rule")
    wishes = [{"term": {}, **plain(wish)} for wish in given.preferred or []]
    return required, subject.model(_preferred_nodes, wishes, f"{path}.{PREFERRED}", ())


def _read_pod_affinity(
    subject: Subject, given: objects.PodAffinity | None, path: str, sign: int, own: Own
) -> tuple[tuple[AffinityTerm, ...], tuple[PreferredPods, ...]]:
    if given is None:
        return (), ()
    terms, wishes = given.required or [], given.preferred or []
    _drop_merged([*terms, *(wish.term for wish in wishes)], own)
    required = subject.model(_pod_terms, plain(terms), f"{path}.{REQUIRED}", ())
    weighed = [{"weight": sign * wish.weight, "term": plain(wish.term)} for wish in wishes]
    preferred = subject.model(_preferred_pods, weighed, f"{path}.{PREFERRED}", ())
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


def _not_empty(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value != ""}
