"""Terms of goals as arrays over classes and nodes in internal order: see ``encode.problem.Costs``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine, ragged
from placer.encode.problem import Costs
from placer.errors import InputError
from placer.goals import Tier
from placer.goals.quantities import domains
from placer.kernels import costs as kinds
from placer.model.cluster import Cluster
from placer.model.term import NODE, Fragmentation, Load, Measure, Pairs, Preference, Room, Term, Wishes

if TYPE_CHECKING:
    from placer.encode.encode import Encoded

KINDS = {
    "any": kinds.ANY,
    "linear": kinds.LINEAR,
    "squares": kinds.SQUARES,
    "above": kinds.ABOVE,
    "max": kinds.MAX,
    "variance": kinds.VARIANCE,
}
TIER_STEP = 1e-3
"""How much less a goal of the next tier weighs when one node is chosen."""
MOST_CELLS = 2**27
"""Groups × domains of all measures, about 1 GiB."""


class Weighed(NamedTuple):
    """
    A term of a goal.

    Attributes
    ----------
    tier
        Which tier of the objective, 0 first.
    weight
        Of the goal in its tier.
    place
        What the goal weighs while nodes are chosen for pods; 0 where the kernels know the goal by a column.
    goal
        Its name.
    """

    term: Term
    tier: int
    weight: float
    place: float
    goal: str = ""


def weigh(cluster: Cluster, tiers: Sequence[Tier]) -> list[Weighed]:
    """The terms of all goals, tier by tier."""
    return [
        Weighed(term, rank, part.weight, part.weight * TIER_STEP**rank * (part.goal.column < 0), part.name)
        for rank, tier in enumerate(tiers)
        for part in tier.parts
        for term in part.goal.terms(cluster)
    ]


def no_costs(classes: int, nodes: int) -> Costs:
    """Without terms."""
    return _Writer(classes, np.arange(nodes)).done(np.zeros((classes, 0), np.int64), np.zeros(nodes, np.int32))


def told_apart(cluster: Cluster, terms: Sequence[Term]) -> NDArray[np.int32]:
    """(pods,) equal for pods that no term tells apart; for :func:`placer.encode.encode.encode`."""
    columns: list[NDArray[Any]] = []
    for term in terms:
        for measure in measures_of(term):
            columns += [measure.amount, *([] if measure.group is None else [measure.group])]
        if isinstance(term, Preference):
            columns.append(term.row)
    return combine(columns, len(cluster.pod_table))[0]


def measures_of(term: Term) -> tuple[Measure, ...]:
    """The measures that a term names."""
    if isinstance(term, Load):
        return term.measures
    return (term.first, term.second) if isinstance(term, Pairs) else ()


def with_costs(cluster: Cluster, encoded: Encoded, weighed: Sequence[Weighed]) -> Encoded:
    """
    The problem with the costs of these terms, their places in order.

    Parameters
    ----------
    encoded
        With classes that no term tells apart: see :func:`told_apart`.

    Returns
    -------
    Memory is terms × (nodes + classes), rows of preferences × nodes, and groups × domains of each measure.

    Raises
    ------
    InputError
        A topology key that no node has; sums for more groups and domains than memory holds.
    """
    problem = encoded.problem
    some = np.flatnonzero(encoded.class_of_pod >= 0)
    first_pod = some[np.unique(encoded.class_of_pod[some], return_index=True)[1]]
    writer = _Writer(len(problem.classes.priority), problem.nodes.row, first_pod, _Keys(cluster, problem.nodes.row))
    for each in weighed:
        writer.add(each, encoded)
    costs = writer.done(problem.classes.need, problem.nodes.segment)
    return encoded._replace(problem=problem._replace(costs=costs), weighed=weighed)


class _Keys:
    """Domains of nodes by topology key, in internal order."""

    def __init__(self, cluster: Cluster, row: NDArray[np.int32]) -> None:
        self.cluster, self.row = cluster, row

    def domain(self, key: str) -> NDArray[np.int32]:
        """(nodes,) domain or -1."""
        found = domains(self.cluster, key)[self.row]
        if len(found) and not (found >= 0).any():
            raise InputError(f"goals: key {key!r}: no node has this label: name one that nodes have")
        return found


class _Writer:
    """Costs under way."""

    def __init__(
        self,
        classes: int,
        row: NDArray[Any],
        first_pod: NDArray[np.int64] | None = None,
        keys: _Keys | None = None,
    ) -> None:
        self.classes, self.row, self.keys = classes, row, keys
        self.first_pod = np.zeros(0, np.int64) if first_pod is None else first_pod
        self.domain: list[NDArray[np.int32]] = [np.arange(len(row), dtype=np.int32)]
        self.key_rows: dict[str, int] = {NODE: 0}
        self.measures: list[tuple[int, NDArray[np.int64], NDArray[np.int32], int, NDArray[np.float64]]] = []
        self.measure_rows: dict[tuple[Any, ...], int] = {}
        self.terms: list[tuple[Any, ...]] = []
        self.weights: list[NDArray[np.float64]] = []
        self.of: list[list[int]] = []
        self.wish_rows: list[NDArray[np.int32]] = []
        self.wish_terms: list[int] = []
        self.wish_costs: list[NDArray[np.float64]] = []
        self.rooms: dict[int, NDArray[np.int64]] = {}

    def add(self, each: Weighed, encoded: Encoded) -> None:
        """One term of the model, as one term or several."""
        term = each.term
        if isinstance(term, Load):
            self.load(each, term)
        elif isinstance(term, Pairs):
            self.pairs(each, term)
        elif isinstance(term, Preference):
            self.preference(each, term.factor, term.row[self.first_pod], term.cost[:, self.row])
        elif isinstance(term, Room):
            self.room(each, term, encoded.resources)
        elif isinstance(term, Fragmentation):
            self.term(each, term.factor, kinds.FRAGMENTATION, np.ones(len(self.row)), [])
        elif isinstance(term, Wishes):
            self.term(each, term.factor, kinds.WISHES, np.ones(len(self.row)), [])

    def key(self, key: str) -> int:
        """Row of a key's domains."""
        if key not in self.key_rows:
            assert self.keys is not None
            self.key_rows[key] = len(self.domain)
            self.domain.append(self.keys.domain(key))
        return self.key_rows[key]

    def measure(
        self, key: int, amount: NDArray[Any], group: NDArray[Any], groups: int, scale: NDArray[np.float64]
    ) -> int:
        """A measure of classes, written once."""
        mark = (key, amount.tobytes(), group.tobytes(), groups, scale.tobytes())
        if mark not in self.measure_rows:
            self.measure_rows[mark] = len(self.measures)
            self.measures.append((key, amount.astype(np.int64), group.astype(np.int32), groups, scale))
        return self.measure_rows[mark]

    def of_pods(self, key: int, measure: Measure) -> int:
        """A measure of pods."""
        amount = measure.amount[self.first_pod]
        group = np.zeros(len(amount), np.int32) if measure.group is None else measure.group[self.first_pod]
        # Groups of pods that are never placed count as well: their sums are 0.
        groups = 1 if measure.group is None else int(measure.group.max(initial=0)) + 1
        return self.measure(key, amount, group, groups, self.by_domain(key, measure.scale))

    def by_domain(self, key: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(nodes,) values of the table's nodes, by domain."""
        found = np.zeros(len(self.row))
        domain = self.domain[key]
        has = domain >= 0
        found[domain[has]] = np.asarray(values, np.float64)[self.row][has]
        return found

    def term(
        self,
        each: Weighed,
        factor: float,
        kind: int,
        weight: NDArray[np.float64],
        measures: list[int],
        threshold: float = 0.0,
        constant: float = 0.0,
    ) -> None:
        """A row of the terms."""
        amounts = factor * each.weight, factor * each.place, threshold, constant * each.weight
        self.terms.append((kind, each.tier, *amounts))
        self.weights.append(weight)
        self.of.append(measures)

    def load(self, each: Weighed, term: Load) -> None:
        """A function of what stands in each domain."""
        key = self.key(term.key)
        measures = [self.of_pods(key, measure) for measure in term.measures]
        kind, weight = KINDS[term.formula], self.by_domain(key, term.weight)
        self.term(each, term.factor, kind, weight, measures, term.threshold, term.constant)

    def pairs(self, each: Weighed, term: Pairs) -> None:
        """Products of two measures."""
        key = self.key(term.key)
        measures = [self.of_pods(key, measure) for measure in (term.first, term.second)]
        weight = self.by_domain(key, term.weight)
        self.term(each, term.factor, kinds.PRODUCT, weight, measures, constant=term.constant)

    def preference(self, each: Weighed, factor: float, row: NDArray[Any], cost: NDArray[np.float64]) -> None:
        """Costs of classes on nodes."""
        before = sum(len(rows) for rows in self.wish_costs)
        self.wish_rows.append(np.where(row >= 0, row + before, -1).astype(np.int32))
        self.wish_terms.append(len(self.terms))
        self.wish_costs.append(np.ascontiguousarray(cost, np.float64))
        self.term(each, factor, kinds.PREFERENCE, np.ones(len(self.row)), [])

    def room(self, each: Weighed, term: Room, resources: Sequence[str]) -> None:
        """Copies of a shape."""
        need = np.zeros(len(resources), np.int64)
        for name, amount in {"pods": 1, **term.requests}.items():
            row = name if name in resources else f"device:{name}"
            if row in resources:
                need[resources.index(row)] = amount
            elif amount and name != "pods":
                raise InputError(f"goals: room for {name} {amount}: no pod of the cluster asks for it: leave it out")
        self.rooms[len(self.terms)] = need
        nodes = term.nodes[self.row].astype(np.float64)
        self.term(each, term.factor, kinds.ROOM, nodes, [], float(term.copies))

    def done(self, need: NDArray[np.int64], segment: NDArray[np.int32]) -> Costs:
        """
        The arrays.

        Parameters
        ----------
        need
            (classes, resources) what one pod asks for.
        segment
            (nodes,) ascending.
        """
        nodes, terms, resources = len(self.row), len(self.terms), need.shape[1]
        keys, amounts, groups, counts, scales = zip(*self.measures, strict=True) if self.measures else ((),) * 5
        domains = np.array([int(self.domain[key].max(initial=-1)) + 1 for key in keys], np.int32)
        cells = [count * int(many) for count, many in zip(counts, domains, strict=True)]
        if sum(cells) > MOST_CELLS:
            raise InputError(
                f"goals: {max(cells):,} sums of groups by domain are more than memory holds: narrow the goal by pods=, "
                "or choose a key of fewer domains"
            )
        table = np.array(amounts, np.int64).reshape(len(keys), self.classes)
        touched_start, touched = _by_row(table.T > 0)
        watching: list[list[int]] = [[] for _ in keys]
        for term, measures in enumerate(self.of):
            for measured in measures:
                watching[measured].append(term)
        watch_start, watch = ragged(watching)
        first, of = ragged(self.of)
        kind, tier, factor, place, threshold, constant = zip(*self.terms, strict=True) if terms else ((),) * 6
        rooms = np.zeros((terms, resources), np.int64)
        for term, shape in self.rooms.items():
            rooms[term] = shape
        term_start, term_of_class = _by_row(self._touching(need).T)
        domain_start, domain_nodes = by_domain(np.array(self.domain, np.int32).reshape(len(self.domain), nodes))
        return Costs(
            domain=np.array(self.domain, np.int32).reshape(len(self.domain), nodes),
            key=np.array(keys, np.int32),
            domains=domains,
            start=np.concatenate([[0], np.cumsum(cells)]).astype(np.int64),
            amount=table,
            group=np.array(groups, np.int32).reshape(len(keys), self.classes),
            scale=np.array(scales, np.float64).reshape(len(keys), nodes),
            touched_start=touched_start,
            touched=touched,
            kind=np.array(kind, np.int8),
            tier=np.array(tier, np.int32),
            factor=np.array(factor, np.float64),
            place=np.array(place, np.float64),
            weight=np.array(self.weights, np.float64).reshape(terms, nodes),
            threshold=np.array(threshold, np.float64),
            constant=np.array(constant, np.float64),
            first=first,
            of=of,
            watch_start=watch_start,
            watch=watch,
            wish_row=np.array(self.wish_rows, np.int32).reshape(len(self.wish_rows), self.classes),
            wish_term=np.array(self.wish_terms, np.int32),
            wish_cost=np.concatenate([np.zeros((0, nodes)), *self.wish_costs]),
            room=rooms,
            reach=self._reach(segment),
            term_start=term_start,
            term=term_of_class,
            domain_start=domain_start,
            domain_nodes=domain_nodes,
        )

    def _reach(self, segment: NDArray[np.int32]) -> NDArray[np.int8]:
        """(terms,) see ``Costs``."""
        inside = segment[1:] == segment[:-1]
        of_key = [
            kinds.BY_SEGMENT if not (inside & (domain[1:] != domain[:-1])).any() else kinds.ACROSS
            for domain in self.domain
        ]
        of_key[0] = kinds.BY_NODE
        return np.array([of_key[self.measures[one[0]][0]] if one else kinds.BY_NODE for one in self.of], np.int8)

    def _touching(self, need: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(terms, classes) whether a term changes with a pod of the class."""
        touched = np.zeros((len(self.of), self.classes), bool)
        for term, measures in enumerate(self.of):
            for measured in measures:
                touched[term] |= self.measures[measured][1] > 0
        for term, row in zip(self.wish_terms, self.wish_rows, strict=True):
            touched[term] |= row >= 0
        for term, shape in self.rooms.items():
            touched[term] |= need @ (shape > 0) > 0
        return touched


def _by_row(marks: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where each row's columns begin, and the columns that are marked, row by row."""
    start = np.concatenate([[0], np.cumsum(marks.sum(axis=1))]).astype(np.int32)
    return start, np.nonzero(marks)[1].astype(np.int32)


def by_domain(domain: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(keys, most domains + 1) where each domain's nodes begin, and (keys, nodes) the nodes by domain."""
    most = int(domain.max(initial=-1)) + 1
    start = np.zeros((len(domain), most + 1), np.int32)
    nodes = np.zeros(domain.shape, np.int32)
    for key, of_node in enumerate(domain):
        nodes[key] = np.argsort(np.where(of_node < 0, most, of_node), kind="stable")
        start[key, 1:] = np.cumsum(np.bincount(of_node[of_node >= 0], minlength=most))
    return start, nodes
