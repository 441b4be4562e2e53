"""
Group × domain rules as terms and counters.

A rule row is a distinct combination of identity and rules; each is compiled once. A counter is (group, key, where it
counts); equal groups share one, so an application's own anti-affinity and its mirror image are a single term.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine
from placer.encode.groups import NOBODY, Identities, Picked, pick_affinity, pick_own_namespace, pick_spread
from placer.encode.statics import Mask, StaticNodes, affinity_mask
from placer.model.cluster import Cluster
from placer.model.relation import SpreadConstraint
from placer.model.rule import Rule
from placer.model.table import Column

AT_MOST, AT_MOST_BY_DOMAIN, AFFINITY, SKEW, DISTINCT = 0, 1, 2, 3, 4
SOFT_COUNT, SOFT_ABSENT, SOFT_SKEW, SOFT_BY_DOMAIN = 5, 6, 7, 8
MIRRORED = 1
"""Offset of the mirror image of an anti-affinity: the others carry it."""
NODE_KEY, CLUSTER_KEY = "\0node", "\0cluster"
"""Keys that no label names: each node a domain of its own; all nodes one domain."""
RULE_FIELDS = (
    "pod_affinity",
    "pod_anti_affinity",
    "topology_spread",
    "domain_limits",
    "distinct_domains",
    "domain_shares",
    "host_ports",
    "disks",
    "apart_from",
)
SPREAD_FIELDS = ("node_selector", "node_affinity", "tolerations")


class Term(NamedTuple):
    """One rule of one class; see ``problem.Terms``. ``offset`` may name bounds per domain."""

    kind: int
    counter: int
    bound: int
    offset: int
    member: int
    needs_key: bool
    rule: int
    ghost: int = -1


class SoftSpread(NamedTuple):
    """Soft constraints of one rule row: (counter, key, max skew, by node), and whether nodes must have all keys."""

    constraints: tuple[tuple[int, int, int, bool], ...]
    all_keys: bool


NO_SPREAD = SoftSpread((), False)


class Keys:
    """Topology keys in use and, for each, the domain of every node."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.names: list[str] = []
        self._index: dict[str, int] = {}
        self._domains: dict[str, tuple[NDArray[np.int32], dict[str, int]]] = {}

    def index(self, key: str) -> int:
        """The number of a key, new if need be."""
        if key not in self._index:
            self._index[key] = len(self.names)
            self.names.append(key)
        return self._index[key]

    def domains(self, key: str) -> tuple[NDArray[np.int32], dict[str, int]]:
        """(nodes,) domain in table order, -1 for none; and domain by label value."""
        if key not in self._domains:
            table = self.cluster.node_table
            rows = len(table)
            found: tuple[NDArray[np.int32], dict[str, int]]
            if key == NODE_KEY:
                found = np.arange(rows, dtype=np.int32), {}
            elif key == CLUSTER_KEY:
                found = np.zeros(rows, np.int32), {}
            else:
                found = _label_domains(self.cluster, key)
            self._domains[key] = found
        return self._domains[key]


def _label_domains(cluster: Cluster, key: str) -> tuple[NDArray[np.int32], dict[str, int]]:
    from placer.model.relation import HOSTNAME

    table = cluster.node_table
    index: dict[str, int] = {}
    if key == HOSTNAME:
        values: Iterable[str | None] = (
            name if named else table.labels[row].get(key)
            for row, (name, named) in enumerate(zip(table.names, table.named.tolist(), strict=True))
        )
        codes = [-1 if value is None else index.setdefault(value, len(index)) for value in values]
        return np.array(codes, np.int32), index
    by_code = [-1 if key not in labels else index.setdefault(labels[key], len(index)) for labels in table.labels.values]
    return np.array(by_code, np.int32)[table.labels.codes], index


class RuleRows(NamedTuple):
    """
    Pods grouped by identity and rules.

    Attributes
    ----------
    of_pod
        (pods,) int32.
    first
        (rows,) int64: a pod of each.
    identity
        (rows,) int32.
    """

    of_pod: NDArray[np.int32]
    first: NDArray[np.int64]
    identity: NDArray[np.int32]


def rule_rows(
    cluster: Cluster, identities: Identities, shared_volumes: NDArray[np.int32], soft: bool, ranked: bool = False
) -> RuleRows:
    """Groups pods by identity and rules; where no pod has any rule, there is one row."""
    pods = cluster.pod_table
    spread = pods["topology_spread"]
    has_spread = np.array([bool(listed) for listed in spread.values], bool)[spread.codes]
    if ranked:
        siblings = pods["siblings"]
        has_spread |= np.array([value is not None for value in siblings.values], bool)[siblings.codes]
    fields = rule_fields(soft, ranked)
    columns = [pods[field].codes for field in fields]
    columns += [np.where(has_spread, pods[field].codes, -1) for field in SPREAD_FIELDS]
    columns += [shared_volumes, _named_apart(cluster)]
    if all(len(column) == 0 or (column[0] == column).all() for column in columns) and not _any_rule(cluster, fields):
        rows = min(len(pods), 1)
        return RuleRows(np.zeros(len(pods), np.int32), np.zeros(rows, np.int64), np.zeros(rows, np.int32))
    of_pod, first = combine([identities.of_pod, *columns], len(pods))
    return RuleRows(of_pod, first, identities.of_pod[first])


def rule_fields(soft: bool, ranked: bool) -> tuple[str, ...]:
    """The fields that hold group × domain rules of the kinds that are wanted."""
    wishes = ("preferred_pods",) if soft or ranked else ()
    return (*RULE_FIELDS, *wishes, *(("siblings",) if ranked else ()))


def _any_rule(cluster: Cluster, fields: tuple[str, ...]) -> bool:
    pods = cluster.pod_table
    return any(any(bool(value) for value in pods[field].values) for field in fields)


def _named_apart(cluster: Cluster) -> NDArray[np.int32]:
    """(pods,) a code of its own for each pod that some ``apart_from`` names, -1 for the others."""
    pods = cluster.pod_table
    codes = np.full(len(pods), -1, np.int32)
    for listed in pods["apart_from"].values:
        for name in listed:
            row = pods.index(name)
            if row >= 0:
                codes[row] = row
    return codes


class TermBook:
    """
    Compiles the rules of all rule rows into terms and counters.

    Attributes
    ----------
    terms
        Per rule row, its terms.
    pulls, spreads
        Per rule row, what rankings score: (counter, weight) pairs, and soft constraints.
    counters
        (key, eligible set, members as rule rows) of each counter.
    """

    def __init__(self, cluster: Cluster, identities: Identities, rows: RuleRows, nodes: StaticNodes) -> None:
        self.cluster, self.identities, self.rows, self.nodes = cluster, identities, rows, nodes
        self.keys = Keys(cluster)
        self.terms: list[list[Term]] = [[] for _ in rows.first]
        self.affine: list[bool] = [False] * len(rows.first)
        self.pulls: list[list[tuple[int, int]]] = [[] for _ in rows.first]
        self.spreads: list[SoftSpread] = [NO_SPREAD] * len(rows.first)
        self.counters: list[tuple[int, int, NDArray[np.int32]]] = []
        self.eligible_sets: list[Mask] = []
        self.domain_bounds: list[int] = []
        self._counter_index: dict[tuple[int, int, bytes], int] = {}
        self._picked_index: dict[tuple[Any, int, int], int] = {}
        self._set_index: dict[bytes, int] = {}
        self._bounds_index: dict[tuple[int, ...], int] = {}
        self._rows_of_identity: dict[int, list[int]] = {}
        for row, identity in enumerate(rows.identity.tolist()):
            self._rows_of_identity.setdefault(identity, []).append(row)
        self._one_row_each = len(self._rows_of_identity) == len(rows.first)

    def members(self, picked: Picked) -> NDArray[np.int32]:
        """The rule rows that a resolved selector picks, ascending."""
        chosen = self.identities.members(picked).tolist()
        if len(chosen) == 1:
            return np.array(self._rows_of_identity.get(chosen[0], []), np.int32)
        return np.array(sorted(row for one in chosen for row in self._rows_of_identity.get(one, ())), np.int32)

    def counter(self, key: str, members: NDArray[np.int32], eligible: int = -1) -> int:
        """The counter of these rule rows over this key; equal ones are one."""
        mark = (self.keys.index(key), eligible, members.tobytes())
        if mark not in self._counter_index:
            self._counter_index[mark] = len(self.counters)
            self.counters.append((mark[0], eligible, members))
        return self._counter_index[mark]

    def picked(self, picked: Picked, key: str, eligible: int = -1) -> int:
        """The counter of a resolved selector."""
        mark = (picked, self.keys.index(key), eligible)
        if mark not in self._picked_index:
            self._picked_index[mark] = self.counter(key, self.members(picked), eligible)
        return self._picked_index[mark]

    def is_member(self, counter: int, row: int) -> int:
        """1 where the rule row counts in the counter's group."""
        members = self.counters[counter][2]
        place = int(np.searchsorted(members, row))
        return int(place < len(members) and members[place] == row)

    def eligible_set(self, mask: Mask) -> int:
        """The number of a set of node kinds; -1 for all of them."""
        if mask.all():
            return -1
        mark = mask.tobytes()
        if mark not in self._set_index:
            self._set_index[mark] = len(self.eligible_sets)
            self.eligible_sets.append(mask)
        return self._set_index[mark]

    def bounds(self, bounds: tuple[int, ...]) -> int:
        """Where these bounds per domain begin."""
        if bounds not in self._bounds_index:
            self._bounds_index[bounds] = len(self.domain_bounds)
            self.domain_bounds.extend(bounds)
        return self._bounds_index[bounds]

    def add(self, row: int, *fields: int) -> None:
        """Gives a rule row a term; a hard one that it has already is not repeated, a soft one costs each time."""
        term = Term(*fields)  # type: ignore[arg-type]
        if self.nodes.off and term.rule and Rule(term.rule).name in self.nodes.off:
            return
        if term.kind >= SOFT_COUNT or term not in self.terms[row]:
            self.terms[row].append(term)

    def own(self, row: int) -> tuple[str, dict[str, str]]:
        """Namespace and labels of a rule row."""
        identity = int(self.rows.identity[row])
        return self.identities.namespace[identity], self.identities.labels[identity]  # type: ignore[return-value]

    def has_keys(self, keys: Iterable[str]) -> Mask:
        """(kinds,) that have every one of the labels."""
        mask = np.ones(len(self.nodes), bool)
        for key in keys:
            mask = mask & (self.keys.domains(key)[0][self.nodes.first] >= 0)
        return mask


def carriers(book: TermBook, field: str) -> list[tuple[int, tuple[Any, ...]]]:
    """Rule rows whose pods have something in a field, with what they have."""
    column: Column[Any] = book.cluster.pod_table[field]
    if not any(bool(value) for value in column.values):
        return []
    codes = column.codes[book.rows.first].tolist()
    return [(row, column.values[code]) for row, code in enumerate(codes) if column.values[code]]


def compile_spread(
    book: TermBook,
    soft: bool,
    defaults: Iterable[tuple[int, Sequence[SpreadConstraint]]] = (),
    ghosts: bool = False,
) -> None:
    """
    Topology spread: hard constraints always, soft ones where preferences count.

    Parameters
    ----------
    defaults
        Rule rows with constraints that a profile gives them.
    ghosts
        Whether pods that match and are not counted matter, as they do to preemption.
    """
    masks: dict[Any, int] = {}
    for row, constraints in (*carriers(book, "topology_spread"), *defaults):
        hard = [constraint for constraint in constraints if constraint.when_unsatisfiable == "DoNotSchedule"]
        for constraint in constraints if soft else hard:
            is_hard = constraint.when_unsatisfiable == "DoNotSchedule"
            keys = tuple(other.topology_key for other in hard) if is_hard else (constraint.topology_key,)
            _add_constraint(book, row, constraint, keys, masks, ghosts)


def _add_constraint(
    book: TermBook,
    row: int,
    constraint: SpreadConstraint,
    keys: tuple[str, ...],
    masks: dict[Any, int],
    ghosts: bool,
) -> None:
    """One constraint of a rule row; ``masks`` keeps what was worked out for others."""
    pods = book.cluster.pod_table
    pod = int(book.rows.first[row])
    mark = (
        *(int(pods[f].codes[pod]) for f in SPREAD_FIELDS),
        keys,
        constraint.node_affinity_policy,
        constraint.node_taints_policy,
    )
    if mark not in masks:
        masks[mark] = book.eligible_set(spread_mask(book, constraint, pod, keys))
    namespace, labels = book.own(row)
    picked = pick_spread(namespace, labels, constraint)
    # A terminating pod is not counted, and still matches its own selector.
    matches = constraint.selector is not None and constraint.selector.matches(labels)
    is_hard = constraint.when_unsatisfiable == "DoNotSchedule"
    book.add(
        row,
        SKEW if is_hard else SOFT_SKEW,
        book.picked(picked, constraint.topology_key, masks[mark]),
        constraint.max_skew,
        constraint.min_domains or 0,
        int(matches),
        is_hard,
        Rule.PodTopologySpread,
        _ghost(book, row, constraint, masks[mark], picked) if ghosts and is_hard else -1,
    )


def _ghost(book: TermBook, row: int, constraint: SpreadConstraint, eligible: int, counted: Picked) -> int:
    """The counter of pods that a constraint matches and does not count; -1 for none."""
    if constraint.selector is None:
        return -1
    namespace, labels = book.own(row)
    keys = constraint.match_label_keys
    matched = pick_own_namespace(namespace, labels, constraint.selector, keys, terminating=True)
    rows = np.setdiff1d(book.members(matched), book.members(counted))
    return book.counter(constraint.topology_key, rows, eligible) if len(rows) else -1


def spread_mask(book: TermBook, constraint: SpreadConstraint, pod: int, keys: tuple[str, ...]) -> Mask:
    """(kinds,) where a constraint counts: nodes with all the keys that its inclusion policies let in."""
    fields = book.cluster.pod_table.fields
    mask = book.has_keys(keys)
    if constraint.node_affinity_policy == "Honor":
        mask = mask & affinity_mask(book.nodes, fields, pod)
    if constraint.node_taints_policy == "Honor":
        tolerations = fields["tolerations"][pod]
        mask = mask & book.nodes.tolerated(tolerations)
    return mask


def compile_affinity(book: TermBook) -> None:
    """Required affinity: all terms of a pod count together, as one group."""
    for row, terms in carriers(book, "pod_affinity"):
        namespace, labels = book.own(row)
        picks = [pick_affinity(book.cluster, namespace, labels, term) for term in terms]
        group = book.identities.members(picks[0])
        for picked in picks[1:]:
            group = np.intersect1d(group, book.identities.members(picked))
        members = np.array(sorted(r for one in group.tolist() for r in book._rows_of_identity.get(one, ())), np.int32)
        for term in terms:
            counter = book.counter(term.topology_key, members)
            book.affine[row] = bool(book.is_member(counter, row))
            book.add(row, AFFINITY, counter, 1, 0, 0, True, Rule.InterPodAffinity)


def compile_anti_affinity(book: TermBook) -> None:
    """Required anti-affinity and its mirror image: who carries a term keeps those it matches out as well."""
    by_term: dict[tuple[Picked, Picked, str], list[int]] = {}
    for row, terms in carriers(book, "pod_anti_affinity"):
        namespace, labels = book.own(row)
        for term in terms:
            picked = pick_affinity(book.cluster, namespace, labels, term)
            if picked is not NOBODY:
                kept_out = pick_affinity(book.cluster, namespace, labels, term, carried=True)
                by_term.setdefault((picked, kept_out, term.topology_key), []).append(row)
    for (picked, kept_out, key), rows in by_term.items():
        matched = book.picked(picked, key)
        carrying = book.counter(key, np.unique(np.array(rows, np.int32)))
        for row in rows:
            book.add(row, AT_MOST, matched, 0, 0, 0, False, Rule.InterPodAffinity)
        for row in (book.counters[matched][2] if kept_out == picked else book.members(kept_out)).tolist():
            if Term(AT_MOST, carrying, 0, 0, 0, False, Rule.InterPodAffinity) not in book.terms[row]:
                book.add(row, AT_MOST, carrying, 0, MIRRORED, 0, False, Rule.InterPodAffinity)


def compile_ports(book: TermBook) -> None:
    """Host ports: no other pod of the node may hold a port that clashes."""
    by_port: dict[Any, list[int]] = {}
    for row, ports in carriers(book, "host_ports"):
        for port in ports:
            by_port.setdefault(port, []).append(row)
    by_number: dict[tuple[int, str], list[Any]] = {}
    for port in by_port:
        by_number.setdefault((port.port, port.protocol), []).append(port)
    for port, rows in by_port.items():
        for other in by_number[port.port, port.protocol]:
            if port.clashes(other):
                counter = book.counter(NODE_KEY, np.unique(np.array(by_port[other], np.int32)))
                for row in rows:
                    book.add(row, AT_MOST, counter, 0, 0, 0, False, Rule.NodePorts)


def compile_disks(book: TermBook) -> None:
    """Disks named without a claim: no other pod of the node may hold one that clashes."""
    by_disk: dict[Any, list[int]] = {}
    by_name: dict[tuple[str, str], list[Any]] = {}
    for row, disks in carriers(book, "disks"):
        for disk in disks:
            if disk not in by_disk:
                by_name.setdefault((disk.kind, disk.name), []).append(disk)
            by_disk.setdefault(disk, []).append(row)
    for disk, rows in by_disk.items():
        for other in by_name[disk.kind, disk.name]:
            if disk.clashes(other):
                counter = book.counter(NODE_KEY, np.unique(np.array(by_disk[other], np.int32)))
                for row in rows:
                    book.add(row, AT_MOST, counter, 0, 1, 0, False, Rule.VolumeRestrictions)


def compile_apart(book: TermBook) -> None:
    """Forbidden pairs of pods, both ways; where each of a pair names the other, each one's own term says it."""
    pods = book.cluster.pod_table
    named: dict[int, set[int]] = {}
    for row, names in carriers(book, "apart_from"):
        others = [pods.index(name) for name in names]
        rows = {int(book.rows.of_pod[other]) for other in others if other >= 0}
        if rows:
            named[row] = rows
            book.add(
                row, AT_MOST, book.counter(NODE_KEY, np.array(sorted(rows), np.int32)), 0, 0, 0, False, Rule.ApartFrom
            )
    for row, rows in named.items():
        mirrored = sorted(other for other in rows if row not in named.get(other, ()))
        if mirrored:
            carrying = book.counter(NODE_KEY, np.array([row], np.int32))
            for other in mirrored:
                book.add(other, AT_MOST, carrying, 0, 0, 0, False, Rule.ApartFrom)


def compile_single_holders(book: TermBook, holders: dict[Any, list[int]]) -> None:
    """ReadWriteOncePod: one pod at a time in the whole cluster."""
    for rows in holders.values():
        counter = book.counter(CLUSTER_KEY, np.unique(np.array(rows, np.int32)))
        for row in rows:
            book.add(row, AT_MOST, counter, 0, 0, 0, False, Rule.VolumeRestrictions)


def _own_group(book: TermBook, row: int, selector: Any) -> Picked:
    namespace, labels = book.own(row)
    if selector is None:
        return Picked((namespace,), tuple(sorted(labels.items())), (), True)
    return pick_own_namespace(namespace, labels, selector, terminating=True)


def _group_counter(book: TermBook, row: int, rule: Any) -> int:
    """The counter of a domain rule's group; without a selector, pods of the namespace with equal labels."""
    picked = _own_group(book, row, rule.selector)
    if rule.selector is not None:
        return book.picked(picked, rule.topology_key)
    labels = book.own(row)[1]
    same = [one for one in book.identities.members(picked).tolist() if book.identities.labels[one] == labels]
    members = np.array(sorted(r for one in same for r in book._rows_of_identity.get(one, ())), np.int32)
    return book.counter(rule.topology_key, members)


def compile_domain_rules(book: TermBook, pods_of_row: NDArray[np.int64], soft: bool) -> None:
    """At most n per domain, at least d distinct domains, target shares per domain."""
    for row, limits in carriers(book, "domain_limits"):
        for limit in limits:
            counter = _group_counter(book, row, limit)
            book.add(row, AT_MOST, counter, limit.at_most - 1, 0, 0, False, Rule.DomainLimit)
    for row, rules in carriers(book, "distinct_domains"):
        for rule in rules:
            counter = _group_counter(book, row, rule)
            book.add(row, DISTINCT, counter, rule.at_least, 0, 0, True, Rule.DistinctDomains)
    for row, targets in carriers(book, "domain_shares"):
        for target in targets:
            if not target.hard and not soft:
                continue
            counter = _group_counter(book, row, target)
            total = int(pods_of_row[book.counters[counter][2]].sum())
            index = book.keys.domains(target.topology_key)[1]
            whole = sum(target.shares.values())
            bounds = [-(-total * target.shares.get(value, 0) // whole) - 1 for value in index]
            kind = AT_MOST_BY_DOMAIN if target.hard else SOFT_BY_DOMAIN
            member = 0 if target.hard else book.is_member(counter, row)
            book.add(row, kind, counter, 1, book.bounds(tuple(bounds)), member, target.hard, Rule.DomainShares)


def compile_wishes(book: TermBook) -> None:
    """Preferred pods: near (any one of them in the domain) or apart (each one costs)."""
    for row, wishes in carriers(book, "preferred_pods"):
        namespace, labels = book.own(row)
        for wish in wishes:
            counter = book.picked(pick_affinity(book.cluster, namespace, labels, wish.term), wish.term.topology_key)
            kind = SOFT_ABSENT if wish.weight > 0 else SOFT_COUNT
            book.add(row, kind, counter, abs(wish.weight), 0, book.is_member(counter, row), False, 0)
