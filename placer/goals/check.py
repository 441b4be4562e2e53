"""Terms as a goal gives them, checked against the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.model.term import FORMULAS, Fragmentation, Load, Measure, Pairs, Preference, Room, Term, Wishes

KINDS = (Load, Pairs, Preference, Room, Fragmentation, Wishes)


def checked(name: str, given: Iterable[Term], cluster: Cluster) -> list[Term]:
    """
    Terms with arrays of the types and shapes that their kinds say.

    Raises
    ------
    InputError
        Something else; named are goal, term and field.
    """
    try:
        terms = list(given)
    except TypeError:
        raise InputError(f"goals: {name} gives {type(given).__name__}: give a list of terms") from None
    check = _Check(name, len(cluster.pod_table), len(cluster.node_table))
    return [check.term(term) for term in terms]


class _Check:
    """Checks the terms of one goal."""

    def __init__(self, goal: str, pods: int, nodes: int) -> None:
        self.goal, self.pods, self.nodes = goal, pods, nodes

    def term(self, term: Term) -> Term:
        """One term."""
        if not isinstance(term, KINDS):
            kinds = ", ".join(kind.__name__ for kind in KINDS)
            raise InputError(f"goals: {self.goal} gives a {type(term).__name__}: give terms: {kinds}")
        self.number(term.name, "factor", term.factor)
        if isinstance(term, Load):
            return self.load(term)
        if isinstance(term, Pairs):
            return self.pair(term)
        if isinstance(term, Preference):
            return self.preference(term)
        if isinstance(term, Room):
            return self.room(term)
        return term

    def load(self, term: Load) -> Load:
        """A function of what stands in each domain."""
        if term.formula not in FORMULAS:
            self.refuse(term.name, "formula", repr(term.formula), f"choose among {', '.join(FORMULAS)}")
        if not term.measures:
            self.refuse(term.name, "measures", "()", "give at least one")
        self.number(term.name, "threshold", term.threshold)
        self.number(term.name, "constant", term.constant)
        measures = tuple(self.measure(term.name, measure) for measure in term.measures)
        self.same_groups(term.name, measures)
        return term._replace(measures=measures, weight=self.weight(term.name, term.weight))

    def pair(self, term: Pairs) -> Pairs:
        """Products of two measures."""
        self.number(term.name, "constant", term.constant)
        first, second = self.measure(term.name, term.first), self.measure(term.name, term.second)
        self.same_groups(term.name, (first, second))
        return term._replace(first=first, second=second, weight=self.weight(term.name, term.weight))

    def preference(self, term: Preference) -> Preference:
        """Costs of pods on nodes."""
        cost = self.array(term.name, "cost", term.cost, np.float64, (-1, self.nodes))
        row = self.array(term.name, "row", term.row, np.int32, (self.pods,))
        if len(row) and not -1 <= row.min() <= row.max() < len(cost):
            self.refuse(term.name, "row", f"{row.min()} to {row.max()}", f"name rows of cost, -1 to {len(cost) - 1}")
        return term._replace(row=row, cost=cost)

    def room(self, term: Room) -> Room:
        """Room for copies."""
        if not isinstance(term.copies, int) or term.copies < 0:
            self.refuse(term.name, "copies", repr(term.copies), "give a count from 0 on")
        for resource, amount in term.requests.items():
            if not isinstance(amount, (int, np.integer)) or amount < 0:
                self.refuse(term.name, f"requests[{resource!r}]", repr(amount), "give base units from 0 on")
        return term._replace(nodes=self.array(term.name, "nodes", term.nodes, np.bool_, (self.nodes,)))

    def measure(self, term: str, measure: Measure) -> Measure:
        """One measure."""
        if not isinstance(measure, Measure):
            self.refuse(term, "measures", type(measure).__name__, "give pl.Measure(amount, scale)")
        amount = self.array(term, "amount", measure.amount, np.int64, (self.pods,))
        scale = self.array(term, "scale", measure.scale, np.float64, (self.nodes,))
        for field, values in (("amount", amount), ("scale", scale)):
            if len(values) and values.min() < 0:
                self.refuse(term, field, str(values.min()), "give values from 0 on")
        if measure.group is None:
            return Measure(amount, scale)
        group = self.array(term, "group", measure.group, np.int32, (self.pods,))
        if len(group) and group.min() < 0:
            self.refuse(term, "group", str(group.min()), "number groups from 0 on")
        return Measure(amount, scale, group)

    def same_groups(self, term: str, measures: Iterable[Measure]) -> None:
        """All measures of a term have the same groups."""
        groups = [b"" if measure.group is None else measure.group.tobytes() for measure in measures]
        if len(set(groups)) > 1:
            self.refuse(term, "group", "different from measure to measure", "give all measures of a term one grouping")

    def weight(self, term: str, value: Any) -> Any:
        """Weights by node."""
        weight = self.array(term, "weight", value, np.float64, (self.nodes,))
        if len(weight) and weight.min() < 0:
            self.refuse(term, "weight", str(weight.min()), "give values from 0 on, and a factor below 0 if need be")
        return weight

    def array(self, term: str, field: str, value: Any, kind: Any, shape: tuple[int, ...]) -> Any:
        """An array of a type and shape; -1 in the shape is any length."""
        try:
            found = np.asarray(value)
            cast = found.astype(kind)
        except (TypeError, ValueError):
            self.refuse(term, field, type(value).__name__, "give an array of numbers")
        fits = found.ndim == len(shape) and all(
            want in (-1, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if not fits:
            wanted = " × ".join("any" if want < 0 else str(want) for want in shape)
            self.refuse(term, field, f"of shape {found.shape}", f"give {wanted}")
        same = cast == found
        if found.size and (found.dtype.kind not in "biuf" or not np.all(same) or not np.isfinite(found).all()):
            self.refuse(term, field, f"an array of {found.dtype}", f"give finite values of type {np.dtype(kind).name}")
        return cast

    def number(self, term: str, field: str, value: Any) -> None:
        """A finite number."""
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
            self.refuse(term, field, repr(value), "give a finite number")

    def refuse(self, term: str, field: str, value: str, fix: str) -> None:
        """Raises the error that names it."""
        raise InputError(f"goals: {self.goal}: term {term!r}: {field} is {value}: {fix}")
