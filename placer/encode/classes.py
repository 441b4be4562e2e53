"""Pod classes: pods that are equal in all that matters to placement, each written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.claims import Waits, encode_claims
from placer.encode.combine import combine, ragged
from placer.encode.devices import Vocabulary, encode_needs
from placer.encode.nodes import StaticLayout
from placer.encode.problem import Claims, Classes, Terms
from placer.encode.resources import Resources
from placer.encode.rules import Rules
from placer.encode.statics import StaticNodes, StaticPods, eligible_kinds
from placer.encode.terms import AFFINITY, AT_MOST, AT_MOST_BY_DOMAIN, SOFT_COUNT, Term
from placer.model.cluster import Cluster
from placer.model.table import Column
from placer.model.units import Units
from placer.model.volume import Offer

RANKED_FIELDS = ("tolerations", "preferred_nodes", "images", "arriving", "preemption_policy", "nominated")
"""Fields that rankings score and nothing else tells apart."""
POLICIES = {None: 0, "require": 1, "prefer": 2}


class ClassArrays(NamedTuple):
    """Classes, their terms and claims; ``volumes`` are what claims may be bound to, by number."""

    classes: Classes
    terms: Terms
    claims: Claims
    volumes: list[Offer]


def encode_classes(  # noqa: PLR0913, PLR0917 - all that tells pods apart
    cluster: Cluster,
    units: Units,
    resources: Resources,
    static_nodes: StaticNodes,
    statics: StaticPods,
    rules: Rules,
    layout: StaticLayout,
    words: Vocabulary,
    placeable: NDArray[np.bool_],
    preferences: bool,
    waits: Waits,
    ranked: bool,
    told_apart: NDArray[np.int32] | None,
) -> tuple[ClassArrays, NDArray[np.int32]]:
    """Groups pods into classes and writes each class out; the second result is (pods,) class or -1."""
    pods = cluster.pod_table
    rows = np.flatnonzero(placeable)
    numa = np.array([POLICIES[policy] for policy in pods["numa"].values], np.int8)[pods["numa"].codes]
    term_sets = Column.of(tuple(terms) for terms in rules.book.terms)
    adds = _adds(rules)
    wishes = (
        combine([pods["preferred_nodes"].codes, pods["tolerations"].codes], len(pods))[0]
        if preferences
        else np.zeros(len(pods), np.int32)
    )
    rule_row = rules.rows.of_pod
    affine = np.array(rules.book.affine, np.int8)
    columns: list[NDArray[Any]] = [
        statics.signature,
        resources.code,
        units.needs.codes,
        numa,
        pods.priority,
        term_sets.codes[rule_row],
        adds.codes[rule_row],
        affine[rule_row],
        resources.shared_of,
        wishes,
        *([waits.of_pod] if waits.names else []),
        *([] if told_apart is None else [told_apart]),
    ]
    if ranked:
        counted = Column.of(zip(rules.book.spreads, map(tuple, rules.book.pulls), strict=True))
        columns += [counted.codes[rule_row], *(pods[field].codes for field in RANKED_FIELDS)]
    code, first = combine([column[rows] for column in columns], len(rows))
    class_of_pod = np.full(len(pods), -1, np.int32)
    class_of_pod[rows] = code
    first_pod = rows[first]
    need = np.ascontiguousarray(resources.need[resources.code[first_pod]])
    signatures = _Signatures(cluster, static_nodes, statics, layout, first_pod)
    needs = encode_needs(units.needs.values, words)
    unit_rows = [
        list(range(needs.start[value], needs.start[value + 1])) for value in units.needs.codes[first_pod].tolist()
    ]
    unit_start, unit_index = ragged(unit_rows)
    row_of_class = rule_row[first_pod]
    term_start, terms = _terms(rules, term_sets, row_of_class)
    adds_start, adds_flat = ragged([adds.values[c] for c in adds.codes[row_of_class].tolist()])
    shared = [resources.shared_lists[c] for c in resources.shared_of[first_pod].tolist()]
    volumes = [[(rules.volume_counters[v], r) for v, r, _ in listed if r >= 0] for listed in shared]
    volume_start, volume_counter = ragged([[counter for counter, _ in listed] for listed in volumes])
    claimed = encode_claims(waits, static_nodes, first_pod, layout.kind_segment)
    wish, wish_cost = _wishes(cluster, static_nodes, layout, wishes[first_pod], first_pod, preferences)
    classes = Classes(
        need=need,
        asked=_asked(need),
        priority=pods.priority[first_pod].astype(np.int32),
        eligible=signatures.code,
        eligible_start=signatures.start,
        eligible_segments=signatures.segments,
        term_start=term_start,
        adds_start=adds_start,
        adds=adds_flat,
        self_affine=affine[row_of_class].astype(bool),
        unit_start=unit_start,
        unit_kind=needs.kind[unit_index],
        unit_count=needs.units[unit_index],
        unit_amount=np.ascontiguousarray(needs.amount[unit_index]),
        unit_where=needs.where[unit_index],
        unit_match=needs.match,
        numa=numa[first_pod],
        numa_amount=_numa_amounts(units, first_pod),
        volume_start=volume_start,
        volume_counter=volume_counter,
        volume_resource=np.array([resource for listed in volumes for _, resource in listed], np.int32),
        free_to_move=_free_to_move(rules, adds)[adds.codes[row_of_class]] & (np.diff(claimed.claims.start) == 0),
        wish=wish,
        wish_cost=wish_cost,
    )
    return ClassArrays(classes, terms, claimed.claims, claimed.volumes), class_of_pod


def _adds(rules: Rules) -> Column[tuple[int, ...]]:
    """Per rule row, the counters its pods count in."""
    lists: list[list[int]] = [[] for _ in rules.rows.first]
    for counter, (_, _, members) in enumerate(rules.book.counters):
        for row in members.tolist():
            lists[row].append(counter)
    return Column.of(tuple(listed) for listed in lists)


def _free_to_move(rules: Rules, adds: Column[tuple[int, ...]]) -> NDArray[np.bool_]:
    """(distinct adds,) whether only upper bounds look at what the pod counts in."""
    lower = {
        term.counter
        for terms in rules.book.terms
        for term in terms
        if term.kind not in (AT_MOST, AT_MOST_BY_DOMAIN) and term.kind < SOFT_COUNT
    }
    return np.array([not lower.intersection(listed) for listed in adds.values], bool)


def _terms(
    rules: Rules, term_sets: Column[tuple[Term, ...]], row_of_class: NDArray[np.int32]
) -> tuple[NDArray[np.int32], Terms]:
    """Terms by class, hard ones first, affinity last of the hard ones."""
    ordered = [sorted(terms, key=lambda t: (t.kind >= SOFT_COUNT, t.kind == AFFINITY)) for terms in term_sets.values]
    sets = [ordered[code] for code in term_sets.codes[row_of_class].tolist()]
    start = np.zeros(len(sets) + 1, np.int32)
    np.cumsum([len(terms) for terms in sets], out=start[1:])
    flat = [term for terms in sets for term in terms]
    columns: list[Sequence[Any]] = [*zip(*flat, strict=True)] if flat else [()] * len(Term._fields)
    columns.append(rules.book.domain_bounds)
    kinds = (np.int8, np.int32, np.int64, np.int32, np.int8, np.bool_, np.int8, np.int32, np.int32)
    arrays: list[NDArray[Any]] = [np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return start, Terms(*arrays)


class _Signatures:
    """Eligible segments of the static signatures that classes have."""

    def __init__(
        self,
        cluster: Cluster,
        nodes: StaticNodes,
        statics: StaticPods,
        layout: StaticLayout,
        first_pod: NDArray[np.int64],
    ) -> None:
        used, inverse = np.unique(statics.signature[first_pod], return_inverse=True)
        self.code = inverse.astype(np.int32)
        fields = cluster.pod_table.fields
        lists = []
        for signature in used.tolist():
            mask = eligible_kinds(nodes, fields, int(statics.first[signature]))
            segments = np.sort(layout.kind_segment[np.flatnonzero(mask)])
            lists.append(segments)
        self.start = np.zeros(len(lists) + 1, np.int32)
        np.cumsum([len(part) for part in lists], out=self.start[1:])
        self.segments = np.concatenate(lists or [np.zeros(0, np.int32)]).astype(np.int32)


def _asked(need: NDArray[np.int64]) -> NDArray[np.int32]:
    """(classes, resources) indices of what is asked for, then -1."""
    width = need.shape[1]
    asked = need > 0
    order = np.argsort(~asked, axis=1, kind="stable").astype(np.int32)
    counts = asked.sum(axis=1)
    return np.where(np.arange(width)[None, :] < counts[:, None], order, -1).astype(np.int32).reshape(need.shape)


def _numa_amounts(units: Units, first_pod: NDArray[np.int64]) -> NDArray[np.int64]:
    columns = [units.requests.column(resource)[first_pod] for resource in ("cpu", "memory")]
    return np.ascontiguousarray(np.stack(columns, axis=1), np.int64)


def _wishes(
    cluster: Cluster,
    nodes: StaticNodes,
    layout: StaticLayout,
    codes: NDArray[np.int32],
    first_pod: NDArray[np.int64],
    preferences: bool,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What static preferences cost per segment: weights of wishes missed, soft taints not tolerated."""
    segments = len(layout.nodes.segment_start) - 1
    if not preferences:
        return np.zeros(len(codes), np.int32), np.zeros((1, segments), np.int32)
    used, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    cost = np.zeros((max(len(used), 1), segments), np.int32)
    pods = cluster.pod_table
    for row, place in enumerate(first.tolist()):
        pod = int(first_pod[place])
        by_kind = nodes.soft_taints(pods["tolerations"][pod]).copy()
        for wish in pods["preferred_nodes"][pod]:
            empty = not wish.term.match_expressions and not wish.term.match_fields
            matched = np.ones(len(nodes), bool) if empty else nodes.term(wish.term)
            by_kind += np.where(matched == (wish.weight > 0), 0, abs(wish.weight))
        cost[row, layout.kind_segment] = by_kind
    return inverse.astype(np.int32), cost
