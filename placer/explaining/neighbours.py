"""What a pod does to the wishes of those that stand already, node by node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from placer.explaining.group import Skew, allowed_shares, group, meant, measure
from placer.explaining.others import Mask, means
from placer.explaining.state import State
from placer.model.pod import Pod

Values = NDArray[np.float64]


def wishes_of_others(state: State, pod: Pod) -> Values:
    """(nodes,) what others lose by the pod; what they gain is subtracted."""
    return _preferred(state, pod) + _spread(state, pod) + _shares(state, pod)


def _carriers(state: State, names: Sequence[str]) -> Iterator[tuple[Pod, Mask]]:
    """Pods that stand and have the first of some fields: one pod for each set of equal ones, and (pods,) which."""
    others = state.others
    columns = [others.table[name] for name in (*names, "namespace", "labels")]
    has = np.array([bool(value) for value in columns[0].values], bool)[columns[0].codes]
    rows = np.flatnonzero(has & others.standing)
    if not len(rows):
        return
    codes = np.stack([column.codes[rows] for column in columns], axis=1)
    _, first, inverse = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(inverse.reshape(-1), kind="stable")
    starts = np.searchsorted(inverse.reshape(-1)[order], np.arange(len(first)))
    for place, members in zip(first.tolist(), np.split(rows[order], starts[1:]), strict=True):
        mask = np.zeros(len(others.standing), bool)
        mask[members] = True
        yield others.cluster.pod(int(rows[place])), mask


def _preferred(state: State, pod: Pod) -> Values:
    """Wishes to stand with the pod that it is the first to meet, and wishes to stand apart from it."""
    others = state.others
    loss = np.zeros(state.count)
    for carrier, members in _carriers(state, ["preferred_pods"]):
        for wish in carrier.preferred_pods:
            if not means(others, carrier.labels, carrier.namespace, wish.term, pod):
                continue
            key = wish.term.topology_key
            standing = state.counts(members, key)
            if wish.weight > 0:
                met = state.counts(meant(others, carrier, wish.term), key)
                itself = means(others, carrier.labels, carrier.namespace, wish.term, carrier)
                standing = np.where(met - itself <= 0, standing, 0)
            loss -= wish.weight * state.in_domain(standing, key, 0)
    return loss


def least_after(skew: Skew) -> NDArray[np.int64]:
    """(domains,) the count of the emptiest domain after one more pod in a domain."""
    least = np.full(len(skew.counts), skew.least, np.int64)
    emptiest = skew.present[skew.counts[skew.present] == skew.least]
    if len(emptiest) == 1:
        rest = skew.counts[skew.present[skew.present != emptiest[0]]]
        least[emptiest[0]] = min(skew.least + 1, int(rest.min())) if len(rest) else skew.least + 1
    return least


def _spread(state: State, pod: Pod) -> Values:
    """Skew of others' ScheduleAnyway constraints that count the pod."""
    loss = np.zeros(state.count)
    if pod.terminating:
        return loss
    fields = ["topology_spread", "node_selector", "node_affinity", "tolerations"]
    for carrier, members in _carriers(state, fields):
        for rule in carrier.topology_spread:
            hard = rule.when_unsatisfiable == "DoNotSchedule"
            if hard or carrier.namespace != pod.namespace or rule.selector is None:
                continue
            if not rule.selector.matches(pod.labels) or any(
                carrier.labels[key] != pod.labels.get(key) for key in rule.match_label_keys if key in carrier.labels
            ):
                continue
            key = rule.topology_key
            skew = measure(state, carrier, rule, [key])
            standing = state.counts(members, key)
            before = np.maximum(skew.counts - skew.least - rule.max_skew, 0)
            least = least_after(skew)
            after = np.maximum(skew.counts + 1 - least - rule.max_skew, 0)
            change = standing * (after - before)
            for domain in np.flatnonzero(least != skew.least).tolist():
                moved = np.maximum(skew.counts - least[domain] - rule.max_skew, 0)
                elsewhere = standing * (moved - before)
                change[domain] += elsewhere.sum() - elsewhere[domain]
            loss += np.where(skew.eligible, state.in_domain(change, key, 0), 0)
    return loss


def _shares(state: State, pod: Pod) -> Values:
    """Others' soft shares that the pod is the first to exceed in a domain."""
    loss = np.zeros(state.count)
    for carrier, members in _carriers(state, ["domain_shares"]):
        for rule in carrier.domain_shares:
            selected = carrier.labels == pod.labels if rule.selector is None else rule.selector.matches(pod.labels)
            if rule.hard or carrier.namespace != pod.namespace or not selected:
                continue
            key = rule.topology_key
            held = state.counts(group(state.others, carrier, rule.selector), key)
            itself = 1 if rule.selector is None or rule.selector.matches(carrier.labels) else 0
            standing = state.in_domain(state.counts(members, key), key, 0)
            others = state.in_domain(held - itself, key, 0)
            loss += np.where(others + 1 == allowed_shares(state, carrier, rule), standing, 0)
    return loss
