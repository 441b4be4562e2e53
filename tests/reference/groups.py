"""Which pods and nodes the rules between pods mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import placer as pl

from .state import State

CORDON = pl.Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


def covered(taints: Sequence[pl.Taint], tolerations: Sequence[pl.Toleration]) -> bool:
    """Whether each taint is tolerated by one of the tolerations."""
    return all(any(toleration.tolerates(taint) for toleration in tolerations) for taint in taints)


def hard_taints(node: pl.Node) -> list[pl.Taint]:
    return [taint for taint in node.taints if taint.effect in ("NoSchedule", "NoExecute")]


def cordon(node: pl.Node) -> list[pl.Taint]:
    return [CORDON] if node.unschedulable else []


def node_matches(state: State, node: int, selector: Mapping[str, str], terms: Sequence[Any]) -> bool:
    """Whether a node has the selector's labels and, where there are terms, matches one."""
    labels = state.labels[node]
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    return not terms or any(term.matches(labels, state.nodes[node].name) for term in terms)


def selected(state: State, pod: int, rule: Any) -> set[int]:
    """Pods of any namespace that a rule's selector, with the pod's own values of its label keys, selects."""
    own = state.pods[pod].labels
    if rule.selector is None:
        return set()
    equal = [key for key in getattr(rule, "match_label_keys", ()) if key in own]
    other = [key for key in getattr(rule, "mismatch_label_keys", ()) if key in own]
    return {
        row
        for row, labels in enumerate(each.labels for each in state.pods)
        if rule.selector.matches(labels)
        and all(labels.get(key) == own[key] for key in equal)
        and all(labels.get(key) != own[key] for key in other)
    }


def own_namespace(state: State, pod: int) -> set[int]:
    return {row for row, each in enumerate(state.pods) if each.namespace == state.pods[pod].namespace}


def meant(state: State, pod: int, term: pl.AffinityTerm) -> set[int]:
    """The pods that an affinity term of a pod means."""

    def work_out() -> set[int]:
        if not term.namespaces and term.namespace_selector is None:
            return selected(state, pod, term) & own_namespace(state, pod)
        spaces = set(term.namespaces)
        if term.namespace_selector is not None:
            everywhere = {each.namespace for each in state.pods}
            spaces |= {
                name for name in everywhere if term.namespace_selector.matches(state.cluster.namespace_labels(name))
            }
        return {row for row in selected(state, pod, term) if state.pods[row].namespace in spaces}

    return state.known((pod, id(term)), work_out)  # type: ignore[no-any-return]


def group(state: State, pod: int, rule: Any) -> set[int]:
    """The group of a limit, of distinct domains or of shares."""

    def work_out() -> set[int]:
        if rule.selector is None:
            labels = dict(state.pods[pod].labels)
            return {row for row in own_namespace(state, pod) if dict(state.pods[row].labels) == labels}
        return selected(state, pod, rule) & own_namespace(state, pod)

    return state.known((pod, id(rule)), work_out)  # type: ignore[no-any-return]


def spread_group(state: State, pod: int, rule: pl.SpreadConstraint) -> set[int]:
    """Pods that a constraint's selector matches, terminating ones included."""
    return state.known((pod, id(rule)), lambda: selected(state, pod, rule) & own_namespace(state, pod))  # type: ignore[no-any-return]


def spread_nodes(state: State, pod: int, rule: pl.SpreadConstraint, keys: set[str]) -> set[int]:
    """The nodes that are eligible for a constraint."""

    def eligible(node: int) -> bool:
        own = state.pods[pod]
        if not keys <= set(state.labels[node]):
            return False
        honor_affinity = rule.node_affinity_policy == "Honor"
        if honor_affinity and not node_matches(state, node, own.node_selector, own.node_affinity):
            return False
        taints = hard_taints(state.nodes[node])
        return rule.node_taints_policy == "Ignore" or covered(taints, own.tolerations)

    def work_out() -> set[int]:
        return {node for node in range(len(state.nodes)) if eligible(node)}

    return state.known((pod, id(rule), "nodes"), work_out)  # type: ignore[no-any-return]


def spread_counts(state: State, pod: int, rule: pl.SpreadConstraint, keys: set[str]) -> tuple[dict[str, int], int]:
    """Counts of other pods in the domains that have an eligible node, and the least."""
    nodes = spread_nodes(state, pod, rule, keys)
    members = {row for row in spread_group(state, pod, rule) - {pod} if not state.pods[row].terminating}
    if rule.selector == pl.LabelSelector() and not set(rule.match_label_keys) & set(state.pods[pod].labels):
        members = set()
    key = rule.topology_key
    domains = {state.labels[node][key] for node in nodes}
    counts = {domain: state.in_domain(members, key, domain, nodes) for domain in domains}
    few = len(domains) < (rule.min_domains or 1)
    return counts, 0 if few else min(counts.values())


def share_of(state: State, pod: int, rule: pl.DomainShares, domain: str | None) -> int:
    """How many pods of the group a domain takes at most; ``None`` is a node without the key."""
    names = {node.name for node in state.nodes}
    total = 0
    for row in group(state, pod, rule):
        each = state.pods[row]
        waits = each.node is None and not each.scheduling_gates and not each.unsupported
        total += each.node in names or waits
    share = 0 if domain is None else rule.shares.get(domain, 0)
    return -(-total * share // sum(rule.shares.values()))
