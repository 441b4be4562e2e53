"""What the API server finds wrong with a pod's rules and a node's taints, in its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.faults import duplicate, forbidden, invalid, required, unsupported
from placer.orchestrators.kubernetes.selectors import (
    key_faults,
    label_selector_faults,
    node_selector_faults,
    node_term_faults,
)
from placer.orchestrators.kubernetes.syntax import dns_label_fault, label_key_fault, label_value_fault

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
WHEN_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
POLICIES = ("Honor", "Ignore")
NUMERIC_OPERATORS = ("Lt", "Gt")
"""Of tolerations: Kubernetes has them since 1.35, behind a feature gate."""


class ASpreadConstraint(Protocol):
    """What constraints of pods and those of a configuration have in common."""

    @property
    def when_unsatisfiable(self) -> str | None:
        """Whether it is hard."""

    @property
    def min_domains(self) -> int | None:
        """Fewer domains count as one that is empty."""

    @property
    def node_affinity_policy(self) -> str | None:
        """Whether the node selector decides which nodes count."""

    @property
    def node_taints_policy(self) -> str | None:
        """Whether taints do."""


def affinity_faults(affinity: objects.Affinity, path: str) -> Iterator[str]:
    """Of ``spec.affinity``."""
    if affinity.node_affinity is not None:
        yield from node_affinity_faults(affinity.node_affinity, f"{path}.nodeAffinity")
    for name, rules in (("podAffinity", affinity.pod_affinity), ("podAntiAffinity", affinity.pod_anti_affinity)):
        if rules is not None:
            yield from _pod_affinity_faults(rules, f"{path}.{name}")


def spread_faults(constraints: Sequence[objects.SpreadObject], path: str) -> Iterator[str]:
    """Of ``spec.topologySpreadConstraints``, those label keys left out that have been merged."""
    pairs = [f"{{{one.topology_key or ''}, {one.when_unsatisfiable or ''}}}" for one in constraints]
    for place, constraint in enumerate(constraints):
        at = f"{path}[{place}]"
        skew = constraint.max_skew or 0
        if skew <= 0:
            yield invalid(f"{at}.maxSkew", skew, "must be greater than zero", "give 1 or more")
        if not constraint.topology_key:
            yield required(f"{at}.topologyKey", "can not be empty: name a label of nodes")
        yield from constraint_faults(constraint, at)
        if pairs[place] in pairs[:place]:
            yield duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", pairs[place])
        yield from _label_keys_faults(constraint.match_label_keys, constraint.selector, f"{at}.matchLabelKeys")
        yield from label_selector_faults(constraint.selector, f"{at}.labelSelector")


def constraint_faults(constraint: ASpreadConstraint, path: str) -> Iterator[str]:
    """Of what a constraint says besides its skew, key and selector."""
    when = constraint.when_unsatisfiable
    if when not in WHEN_UNSATISFIABLE:
        yield unsupported(f"{path}.whenUnsatisfiable", when or "", WHEN_UNSATISFIABLE)
    if constraint.min_domains is not None:
        at = f"{path}.minDomains"
        if constraint.min_domains <= 0:
            yield invalid(at, constraint.min_domains, "must be greater than zero", "give 1 or more, or drop it")
        if when != "DoNotSchedule":
            detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when or ''}"
            yield invalid(at, constraint.min_domains, detail, "drop it")
    for name, policy in (
        ("nodeAffinityPolicy", constraint.node_affinity_policy),
        ("nodeTaintsPolicy", constraint.node_taints_policy),
    ):
        if policy is not None and policy not in POLICIES:
            yield unsupported(f"{path}.{name}", policy, POLICIES)


def toleration_faults(tolerations: Sequence[objects.TolerationObject], path: str) -> Iterator[str]:
    """Of ``spec.tolerations``; the operators of numbers are legal, if not supported."""
    for place, toleration in enumerate(tolerations):
        at = f"{path}[{place}]"
        operator, value = toleration.operator or "Equal", toleration.value or ""
        if toleration.key and (fault := label_key_fault(toleration.key)):
            yield invalid(f"{at}.key", toleration.key, fault)
        if not toleration.key and operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield invalid(f"{at}.operator", toleration.operator or "", detail, "name the taint's key, or use Exists")
        if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield invalid(f"{at}.effect", toleration.effect or "", detail, "or drop tolerationSeconds")
        if operator == "Exists":
            if value:
                yield invalid(f"{at}.operator", value, "value must be empty when `operator` is 'Exists'", "drop value")
        elif operator == "Equal":
            if fault := label_value_fault(value):
                yield invalid(f"{at}.value", value, fault)
        elif operator not in NUMERIC_OPERATORS:
            yield unsupported(f"{at}.operator", operator, ("Equal", "Exists"))
        if toleration.effect and toleration.effect not in EFFECTS:
            yield unsupported(f"{at}.effect", toleration.effect, EFFECTS)


def taint_faults(taints: Sequence[objects.TaintObject], path: str) -> Iterator[str]:
    """Of a node's ``spec.taints``."""
    seen = set()
    for place, taint in enumerate(taints):
        at = f"{path}[{place}]"
        yield from key_faults(taint.key, f"{at}.key")
        if fault := label_value_fault(taint.value or ""):
            yield invalid(f"{at}.value", taint.value, fault)
        if not taint.effect:
            yield required(f"{at}.effect", f"give {', '.join(EFFECTS[:-1])} or {EFFECTS[-1]}")
        elif taint.effect not in EFFECTS:
            yield unsupported(f"{at}.effect", taint.effect, EFFECTS)
        if (taint.key, taint.effect) in seen:
            yield duplicate(at, f"{taint.key}:{taint.effect}", "taints must be unique by key and effect pair")
        seen.add((taint.key, taint.effect))


def gate_faults(gates: Sequence[objects.Gate], path: str) -> Iterator[str]:
    """Of ``spec.schedulingGates``."""
    seen = set()
    for place, gate in enumerate(gates):
        if fault := label_key_fault(gate.name):
            yield invalid(f"{path}[{place}]", gate.name, fault)
        if gate.name in seen:
            yield duplicate(f"{path}[{place}]", gate.name)
        seen.add(gate.name)


def node_affinity_faults(rules: objects.NodeAffinity, path: str) -> Iterator[str]:
    """Of ``spec.affinity.nodeAffinity``."""
    if rules.required is not None:
        yield from node_selector_faults(rules.required.node_selector_terms, f"{path}.{REQUIRED}.nodeSelectorTerms")
    for place, wish in enumerate(rules.preferred or ()):
        at = f"{path}.{PREFERRED}[{place}]"
        yield from weight_faults(wish.weight, f"{at}.weight")
        yield from node_term_faults(wish.term or objects.NodeTerm(), f"{at}.preference")


def _pod_affinity_faults(rules: objects.PodAffinity, path: str) -> Iterator[str]:
    for place, term in enumerate(rules.required or ()):
        yield from _pod_term_faults(term, f"{path}.{REQUIRED}[{place}]")
    for place, wish in enumerate(rules.preferred or ()):
        at = f"{path}.{PREFERRED}[{place}]"
        yield from weight_faults(wish.weight, f"{at}.weight")
        yield from _pod_term_faults(wish.term, f"{at}.podAffinityTerm")


def weight_faults(weight: int, path: str) -> Iterator[str]:
    """Of a preference's weight."""
    if not 1 <= weight <= 100:
        yield invalid(path, weight, "must be in the range 1-100")


def _pod_term_faults(term: objects.PodTerm, path: str) -> Iterator[str]:
    yield from label_selector_faults(term.selector, f"{path}.labelSelector")
    yield from label_selector_faults(term.namespace_selector, f"{path}.namespaceSelector")
    for place, name in enumerate(term.namespaces or ()):
        if fault := dns_label_fault(name):
            yield invalid(f"{path}.namespaces[{place}]", name, fault)
    yield from _label_keys_faults(term.match_label_keys, term.selector, f"{path}.matchLabelKeys")
    yield from _label_keys_faults(term.mismatch_label_keys, term.selector, f"{path}.mismatchLabelKeys", may_repeat=True)
    for place, key in enumerate(term.match_label_keys or ()):
        if key in (term.mismatch_label_keys or ()):
            yield invalid(f"{path}.matchLabelKeys[{place}]", key, "exists in both matchLabelKeys and mismatchLabelKeys")
    yield from key_faults(term.topology_key, f"{path}.topologyKey")


def _label_keys_faults(
    keys: Sequence[str] | None, selector: objects.Selector | None, path: str, may_repeat: bool = False
) -> Iterator[str]:
    """
    Of keys whose values on the pod are merged into the selector.

    Parameters
    ----------
    may_repeat
        The selector may say something of the same key.
    """
    if keys and selector is None:
        yield forbidden(path, "must not be specified when labelSelector is not set: give one, or drop the keys")
        return
    said = set(selector.match_labels or ()) if selector else set()
    said |= {expression.key or "" for expression in (selector.match_expressions if selector else None) or ()}
    for place, key in enumerate(keys or ()):
        if fault := label_key_fault(key):
            yield invalid(f"{path}[{place}]", key, fault)
        if key in said and not may_repeat:
            yield invalid(f"{path}[{place}]", key, "exists in both matchLabelKeys and labelSelector", "drop one")
