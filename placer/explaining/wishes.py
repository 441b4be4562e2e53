"""Preferences: what a pod's wishes lose on each node, and what the pod does to the wishes of others there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.explaining.device import choose_zone
from placer.explaining.group import allowed_shares, meant, measure, with_the_pod
from placer.explaining.neighbours import least_after, wishes_of_others
from placer.explaining.others import Mask
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.pod import Pod

Values = NDArray[np.float64]


def preferences(state: State, pod: Subject, nodes: Mask) -> Values:
    """All that wishes lose by placing the pod on a node; what others gain is subtracted."""
    own = pod.pod
    return (
        _nodes_wished_for(state, own)
        + _soft_taints(state, own)
        + _pods_wished_for(state, own)
        + _soft_spread(state, own)
        + _soft_shares(state, own)
        + _zone_wished_for(state, pod, nodes)
        + wishes_of_others(state, own)
    )


def _nodes_wished_for(state: State, pod: Pod) -> Values:
    loss = np.zeros(state.count)
    for wish in pod.preferred_nodes:
        empty = not wish.term.match_expressions and not wish.term.match_fields
        matches = ~state.everywhere if empty else state.term(wish.term)
        loss += abs(wish.weight) * (matches if wish.weight < 0 else ~matches)
    return loss


def _soft_taints(state: State, pod: Pod) -> Values:
    taints = state.nodes.taints
    values = [
        sum(
            taint.effect == "PreferNoSchedule" and not any(t.tolerates(taint) for t in pod.tolerations)
            for taint in listed
        )
        for listed in taints.values
    ]
    return np.array(values, np.float64)[taints.codes]


def _pods_wished_for(state: State, pod: Pod) -> Values:
    loss = np.zeros(state.count)
    for wish in pod.preferred_pods:
        counts = state.counts(meant(state.others, pod, wish.term), wish.term.topology_key)
        there = state.in_domain(counts, wish.term.topology_key, 0)
        loss += wish.weight * (there == 0) if wish.weight > 0 else -wish.weight * there
    return loss


def _soft_spread(state: State, pod: Pod) -> Values:
    loss = np.zeros(state.count)
    for rule in pod.topology_spread:
        if rule.when_unsatisfiable == "ScheduleAnyway":
            key = rule.topology_key
            skew = measure(state, pod, rule, [key])
            taken = skew.own * skew.eligible
            after = skew.there + taken - np.where(taken, state.in_domain(least_after(skew), key, 0), skew.least)
            keyed = state.domains(key).codes >= 0
            loss += np.where(keyed, np.maximum(after - rule.max_skew, 0), 0)
    return loss


def _soft_shares(state: State, pod: Pod) -> Values:
    loss = np.zeros(state.count)
    for rule in pod.domain_shares:
        if not rule.hard:
            counts = with_the_pod(state, pod, rule.selector, rule.topology_key)
            keyed = state.domains(rule.topology_key).codes >= 0
            loss += (counts > allowed_shares(state, pod, rule)) | ~keyed
    return loss


def _zone_wished_for(state: State, pod: Subject, nodes: Mask) -> Values:
    loss = np.zeros(state.count)
    if pod.pod.numa == "prefer":
        for node in np.flatnonzero(nodes).tolist():
            units = state.units(node)
            loss[node] = bool(units.zones()) and choose_zone(units, pod) is None
    return loss
