"""Rules on groups of pods in domains: spread, affinity, apart, limits, distinct domains, shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from placer.explaining.others import Mask, Others, extended, means
from placer.explaining.rejection import Rejection
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.pod import Pod
from placer.model.relation import AffinityTerm, DomainShares, SpreadConstraint
from placer.model.rule import ANTI_AFFINITY, EXISTING_ANTI_AFFINITY, MISSING_LABEL, WORDS, Rule
from placer.model.selector import LabelSelector
from placer.model.table import PENDING


class Skew(NamedTuple):
    """
    A spread constraint measured, the pod left out.

    Attributes
    ----------
    own
        1 where the pod matches its own selector.
    least
        Count in the emptiest domain.
    counts
        (domains,) how many pods each holds.
    there
        (nodes,) the count in the node's domain, 0 without the key.
    eligible
        (nodes,) those that take part.
    present
        Domains that have an eligible node.
    """

    own: int
    least: int
    counts: np.ndarray
    there: np.ndarray
    eligible: Mask
    present: np.ndarray

    @property
    def skew(self) -> np.ndarray:
        """(nodes,) the skew with the pod there, measured against the emptiest domain before."""
        return self.there + self.own - self.least


def hard_constraints(pod: Pod) -> list[SpreadConstraint]:
    """The constraints that reject."""
    return [rule for rule in pod.topology_spread if rule.when_unsatisfiable == "DoNotSchedule"]


def _with_keys(state: State, keys: Sequence[str]) -> Mask:
    mask: Mask = np.ones(state.count, bool)
    for key in keys:
        mask &= state.domains(key).codes >= 0
    return mask


def measure(state: State, pod: Pod, rule: SpreadConstraint, keys: Sequence[str]) -> Skew:
    """Counts and the emptiest domain of one constraint; eligible nodes have all ``keys``."""
    eligible = _with_keys(state, keys)
    if rule.node_affinity_policy == "Honor":
        eligible &= state.affinity(pod.node_selector, pod.node_affinity)
    if rule.node_taints_policy == "Honor":
        eligible &= ~state.tainted(pod.tolerations)
    selector = extended(rule.selector, pod.labels, rule.match_label_keys)
    others = state.others
    counted = others.selected(selector, others.only(pod.namespace)) & ~others.terminating
    if selector is not None and selector.is_empty:
        counted[:] = False
    counts = state.counts(counted, rule.topology_key, eligible)
    codes = state.domains(rule.topology_key).codes[eligible]
    present = np.unique(codes[codes >= 0])
    few = len(present) < (rule.min_domains or 1)
    least = 0 if few else int(counts[present].min())
    own = int(selector is not None and selector.matches(pod.labels))
    return Skew(own, least, counts, state.in_domain(counts, rule.topology_key, 0), eligible, present)


def spread(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """No domain may be ahead of the emptiest by more than ``max_skew``."""
    rules = hard_constraints(pod.pod)
    if not rules:
        return None
    keys = [rule.topology_key for rule in rules]
    missing = ~_with_keys(state, keys)
    measured = [(rule, measure(state, pod.pod, rule, keys)) for rule in rules]
    over = np.logical_or.reduce([skew.skew > rule.max_skew for rule, skew in measured])
    words = WORDS[Rule.PodTopologySpread]

    def detail(node: int) -> str:
        if missing[node]:
            return f"{MISSING_LABEL}: {', '.join(key for key in keys if state.domains(key).codes[node] < 0)}"
        texts = [
            f"{domain_text(state, rule.topology_key, node)} has {skew.there[node]}, the emptiest {skew.least}, "
            f"skew {skew.skew[node]} of at most {rule.max_skew}"
            for rule, skew in measured
            if skew.skew[node] > rule.max_skew
        ]
        return f"{words}: {'; '.join(texts)}"

    return Rejection(Rule.PodTopologySpread, {MISSING_LABEL: missing, words: over & ~missing}, detail)


def domain_text(state: State, key: str, node: int) -> str:
    """``topology.kubernetes.io/zone=a``."""
    domains = state.domains(key)
    code = domains.codes[node]
    return f"{key}={domains.names[code]}" if code >= 0 else f"no {key}"


def meant(others: Others, pod: Pod, term: AffinityTerm) -> Mask:
    """(pods,) that a term of the pod selects."""
    selector = extended(term.selector, pod.labels, term.match_label_keys, term.mismatch_label_keys)
    return others.selected(selector, others.namespaces(term, pod.namespace))


def unmet_affinity(state: State, pod: Pod) -> Mask:
    """(nodes,) on which a required affinity does not hold."""
    terms = pod.pod_affinity
    if not terms:
        return state.everywhere
    others = state.others
    matching = np.logical_and.reduce([meant(others, pod, term) for term in terms])
    counts = [state.counts(matching, term.topology_key) for term in terms]
    keyed = _with_keys(state, [term.topology_key for term in terms])
    if not any(count.any() for count in counts) and all(
        means(others, pod.labels, pod.namespace, term, pod) for term in terms
    ):
        return ~keyed
    holds = [state.in_domain(count > 0, term.topology_key, False) for term, count in zip(terms, counts, strict=True)]
    unmet: Mask = ~(keyed & np.logical_and.reduce(holds))
    return unmet


def met_by_anti_affinity(state: State, pod: Pod, term: AffinityTerm) -> Mask:
    """(nodes,) whose domain holds a pod that an anti-affinity term of the pod selects."""
    counts = state.counts(meant(state.others, pod, term), term.topology_key)
    mask: Mask = state.in_domain(counts > 0, term.topology_key, False)
    return mask


def existing_anti_affinity(state: State, pod: Pod) -> Mask:
    """(nodes,) in whose domain a pod stands with an anti-affinity term that selects the pod."""
    mask = state.everywhere.copy()
    for key, carriers in state.others.opponents(pod).items():
        mask |= state.in_domain(state.counts(carriers, key) > 0, key, False)
    return mask


def pod_affinity(state: State, pod: Subject, nodes: Mask) -> Rejection:
    """Affinity terms hold at once, no anti-affinity term is met, and nobody there is against the pod."""
    unmet = unmet_affinity(state, pod.pod)
    met = state.everywhere.copy()
    for term in pod.pod.pod_anti_affinity:
        met |= met_by_anti_affinity(state, pod.pod, term)
    against = existing_anti_affinity(state, pod.pod)
    words = WORDS[Rule.InterPodAffinity]
    parts = {words: unmet, ANTI_AFFINITY: met & ~unmet, EXISTING_ANTI_AFFINITY: against & ~met & ~unmet}

    def detail(node: int) -> str:
        if unmet[node]:
            return f"{words}: {', '.join(domain_text(state, term.topology_key, node) for term in pod.pod.pod_affinity)}"
        if met[node]:
            terms = (term for term in pod.pod.pod_anti_affinity if met_by_anti_affinity(state, pod.pod, term)[node])
            return f"{ANTI_AFFINITY}: {', '.join(domain_text(state, term.topology_key, node) for term in terms)}"
        keys = (
            key
            for key, carriers in state.others.opponents(pod.pod).items()
            if state.in_domain(state.counts(carriers, key) > 0, key, False)[node]
        )
        return f"{EXISTING_ANTI_AFFINITY}: {', '.join(domain_text(state, key, node) for key in keys)}"

    return Rejection(Rule.InterPodAffinity, parts, detail)


def named_apart(state: State, pod: Pod) -> tuple[Mask, Mask]:
    """(nodes,) where a pod stands that the pod names; and where one stands that names the pod."""
    others = state.others
    own, other = state.everywhere.copy(), state.everywhere.copy()
    rows = np.array([others.table.index(name) for name in pod.apart_from], np.int64)
    rows = rows[rows >= 0]
    own[others.where[rows[others.standing[rows]]]] = True
    column = others.table["apart_from"]
    names = {f"{pod.namespace}/{pod.name}", *([pod.name] if pod.namespace == "default" else [])}
    naming = np.array([bool(names & set(value)) for value in column.values], bool)[column.codes]
    other[others.where[naming & others.standing]] = True
    return own, other


def apart_from(state: State, pod: Subject, nodes: Mask) -> Rejection:
    """No pod named by ``apart_from`` stands on the node, nor one that names the pod."""
    own, other = named_apart(state, pod.pod)
    words = WORDS[Rule.ApartFrom]
    return Rejection(
        Rule.ApartFrom,
        {words: own | other},
        lambda node: f"{words}: {'named by the pod' if own[node] else 'names the pod'}",
    )


def group(others: Others, pod: Pod, selector: LabelSelector | None) -> Mask:
    """(pods,) the other members of the group of a limit: selected, or with the pod's own labels."""
    if selector is None:
        return others.alike(pod.labels, pod.namespace)
    return others.selected(selector, others.only(pod.namespace))


def with_the_pod(state: State, pod: Pod, selector: LabelSelector | None, key: str) -> np.ndarray:
    """(nodes,) pods of the group in the node's domain, the pod itself counted there; 0 without the key."""
    counts = state.counts(group(state.others, pod, selector), key)
    return state.in_domain(counts + 1, key, 0)


def domain_limits(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """At most ``at_most`` pods of the group in a domain, the pod included; nodes without the key pass."""
    rules = pod.pod.domain_limits
    if not rules:
        return None
    counts = [with_the_pod(state, pod.pod, rule.selector, rule.topology_key) for rule in rules]
    over = np.logical_or.reduce([count > rule.at_most for rule, count in zip(rules, counts, strict=True)])
    words = WORDS[Rule.DomainLimit]

    def detail(node: int) -> str:
        texts = (
            f"{domain_text(state, rule.topology_key, node)} has {count[node] - 1} of at most {rule.at_most}"
            for rule, count in zip(rules, counts, strict=True)
            if count[node] > rule.at_most
        )
        return f"{words}: {'; '.join(texts)}"

    return Rejection(Rule.DomainLimit, {words: over}, detail)


def distinct_domains(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """Until ``at_least`` domains hold a pod of the group, only one that holds none is open; the key is needed."""
    rules = pod.pod.distinct_domains
    if not rules:
        return None
    rejects = state.everywhere.copy()
    used = {}
    for rule in rules:
        counts = state.counts(group(state.others, pod.pod, rule.selector), rule.topology_key)
        used[rule] = int((counts > 0).sum())
        rejects |= state.domains(rule.topology_key).codes < 0
        if used[rule] < rule.at_least:
            rejects |= state.in_domain(counts > 0, rule.topology_key, True)
    words = WORDS[Rule.DistinctDomains]

    def detail(node: int) -> str:
        texts = (
            f"{domain_text(state, rule.topology_key, node)}, {used[rule]} domains in use of at least {rule.at_least}"
            for rule in rules
        )
        return f"{words}: {'; '.join(texts)}"

    return Rejection(Rule.DistinctDomains, {words: rejects}, detail)


def allowed_shares(state: State, pod: Pod, rule: DomainShares) -> np.ndarray:
    """(nodes,) how many pods of the group the node's domain takes; 0 for domains not named and without the key."""
    others = state.others
    waiting = others.table.node == PENDING
    for name in ("scheduling_gates", "unsupported"):
        column = others.table[name]
        waiting &= ~np.array([bool(value) for value in column.values], bool)[column.codes]
    counted = waiting | (others.table.node >= 0)
    selected = rule.selector is None or rule.selector.matches(pod.labels)
    own = selected and not pod.scheduling_gates and not pod.unsupported
    total = int((group(others, pod, rule.selector) & counted).sum()) + own
    whole = sum(rule.shares.values())
    names = state.domains(rule.topology_key).names
    most = np.array([-(-total * rule.shares.get(name, 0) // whole) for name in names], np.int64)
    return state.in_domain(most, rule.topology_key, 0)


def domain_shares(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """A domain takes at most its share of the group, the pod included."""
    rules = [rule for rule in pod.pod.domain_shares if rule.hard]
    if not rules:
        return None
    counts = [with_the_pod(state, pod.pod, rule.selector, rule.topology_key) for rule in rules]
    most = [allowed_shares(state, pod.pod, rule) for rule in rules]
    keyed = _with_keys(state, [rule.topology_key for rule in rules])
    over = ~keyed | np.logical_or.reduce([count > limit for count, limit in zip(counts, most, strict=True)])
    words = WORDS[Rule.DomainShares]

    def detail(node: int) -> str:
        texts = (
            f"{domain_text(state, rule.topology_key, node)} has {max(count[node] - 1, 0)} of at most {limit[node]}"
            for rule, count, limit in zip(rules, counts, most, strict=True)
            if count[node] > limit[node] or state.domains(rule.topology_key).codes[node] < 0
        )
        return f"{words}: {'; '.join(texts)}"

    return Rejection(Rule.DomainShares, {words: over}, detail)


RULES = {
    spread: Rule.PodTopologySpread,
    pod_affinity: Rule.InterPodAffinity,
    apart_from: Rule.ApartFrom,
    domain_limits: Rule.DomainLimit,
    distinct_domains: Rule.DistinctDomains,
    domain_shares: Rule.DomainShares,
}
