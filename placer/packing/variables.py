"""The variables of a model: what stands where, which nodes are used, which units are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from placer.packing.case import Case, Item

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


class Taking(NamedTuple):
    """That an item's pod takes a unit for a need; need -1 is its NUMA zone."""

    need: int
    unit: int
    taken: Any


class Variables:
    """
    Variables of a case.

    Attributes
    ----------
    x
        (item, node) → how many of the item's pods are there; only where one may be.
    used
        Per node, whether it holds any pod; the constant 1 where pods stand.
    units
        (item, node) → units that it may take there.
    at
        Per node, the items that may be there.
    """

    def __init__(self, model: cp_model.CpModel, case: Case) -> None:
        self.model, self.case = model, case
        self.x: dict[tuple[int, int], Any] = {}
        self.units: dict[tuple[int, int], list[Taking]] = {}
        self.at: list[list[int]] = [[] for _ in case.problem.nodes.row]
        self._most: dict[int, int] = {}
        self._covers: dict[tuple[int, ...], Any] = {}
        for index, item in enumerate(case.items):
            for node in np.flatnonzero(case.allowed[item.pod_class]).tolist():
                self._add(index, item, node)
        stands = case.state.pods > 0
        self.used = [
            1 if stands[node] else model.new_bool_var(f"used{node}") if self.at[node] else 0
            for node in range(len(stands))
        ]

    def _add(self, index: int, item: Item, node: int) -> None:
        most = min(item.pods, self._fits(item, node))
        name = f"x{index},{node}"
        self.x[index, node] = self.model.new_bool_var(name) if most == 1 else self.model.new_int_var(0, most, name)
        self._most[self.x[index, node].index] = most
        self.at[node].append(index)

    def _fits(self, item: Item, node: int) -> int:
        """How many pods of an item a node has amounts for."""
        need, free = self.case.problem.classes.need[item.pod_class], self.case.state.free[:, node]
        asked = need > 0
        return int((free[asked] // need[asked]).min(initial=item.pods))

    def of(self, index: int) -> list[Any]:
        """An item's variables on all nodes."""
        return [self.x[index, node] for node in range(len(self.at)) if (index, node) in self.x]

    def most(self, variable: Any) -> int:
        """The most that a variable can be."""
        return self._most[variable.index]

    def cover(self, variables: Sequence[Any]) -> Any:
        """A literal that is true where any of the variables is above 0 (and may be true elsewhere)."""
        distinct = {variable.index: variable for variable in variables}
        if len(distinct) == 1:
            (only,) = distinct.values()
            if self.most(only) == 1:
                return only
        mark = tuple(sorted(distinct))
        if mark not in self._covers:
            literal = self.model.new_bool_var("")
            for variable in distinct.values():
                self.bind(variable, literal)
            self._covers[mark] = literal
        return self._covers[mark]

    def bind(self, variable: Any, literal: Any) -> None:
        """A variable above 0 makes a literal true."""
        if self.most(variable) == 1:
            self.model.add_implication(variable, literal)
        else:
            self.model.add(variable <= self.most(variable) * literal)

    def bind_all(self, variables: Sequence[Any], literal: Any) -> None:
        """Any of the variables above 0 makes a literal true."""
        for variable in variables:
            self.bind(variable, literal)
