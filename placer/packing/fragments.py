"""Fragmentation as parts of a level: GPU thousandths that typical pods cannot use."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import UNLIMITED
from placer.kernels.devices import WHOLE
from placer.packing.case import Case
from placer.packing.sums import Sum
from placer.packing.variables import Taking, Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


class Shape(NamedTuple):
    """Typical pods that are alike in requests and needs: one of their classes, and how many of all pods they are."""

    pod_class: int
    share: float


class Fragments:
    """
    Writes fragmentation into a sum; the factor is 0 or above.

    All that is free, less what typical pods may use.
    """

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables, total: Sum, factor: float) -> None:
        self.model, self.case, self.variables, self.total, self.factor = model, case, variables, total, factor
        self.taken: dict[int, list[tuple[NDArray[np.int64], Taking]]] = {}
        """Unit → what may be taken of it."""
        for takings in variables.units.values():
            for taking in takings:
                if taking.need >= 0:
                    self.taken.setdefault(taking.unit, []).append((self._amount(taking), taking))
        self._serves: dict[tuple[int, bytes], Any] = {}

    def _amount(self, taking: Taking) -> NDArray[np.int64]:
        amount: NDArray[np.int64] = self.case.problem.classes.unit_amount[taking.need]
        return self.case.problem.units.capacity[taking.unit] if amount[0] == WHOLE else amount

    def add(self) -> None:
        """All nodes that have GPUs."""
        kind, units = self.case.typical.kind, self.case.problem.units
        if kind < 0 or not self.case.typical.pods:
            return
        shapes = self.shapes()
        # Pods without a class that ask for a GPU, such as gated ones, may use all that is free as far as is known here.
        known = 1.0 - self.case.typical.unknown / self.case.typical.pods
        for node in range(len(self.case.problem.nodes.row)):
            mine = [
                unit for unit in range(int(units.start[node]), int(units.start[node + 1])) if units.kind[unit] == kind
            ]
            for unit in mine:
                self.total.constant += self.factor * known * float(self.case.state.unit_free[unit, 0])
                for amount, taking in self.taken.get(unit, ()):
                    self.total.add(-self.factor * known * float(amount[0]), taking.taken, 1)
            if mine:
                for shape in shapes:
                    self.useful(node, mine, shape)

    def shapes(self) -> list[Shape]:
        """The typical pods that ask for a GPU."""
        classes, typical = self.case.problem.classes, self.case.typical
        parts = classes.unit_kind, classes.unit_count, classes.unit_amount, classes.unit_where
        found: dict[bytes, tuple[int, int]] = {}
        for pod_class, (first, last) in enumerate(pairwise(classes.unit_start.tolist())):
            if typical.of_class[pod_class] and typical.kind in classes.unit_kind[first:last]:
                mark = classes.need[pod_class].tobytes() + b"".join(part[first:last].tobytes() for part in parts)
                one, pods = found.get(mark, (pod_class, 0))
                found[mark] = one, pods + int(typical.of_class[pod_class])
        return [Shape(pod_class, pods / typical.pods) for pod_class, pods in found.values()]

    def useful(self, node: int, units: Sequence[int], shape: Shape) -> None:
        """Takes off what of a node's GPUs a shape may use: what is free on those that serve it, where it fits."""
        classes = self.case.problem.classes
        needs = range(int(classes.unit_start[shape.pod_class]), int(classes.unit_start[shape.pod_class + 1]))
        of_node = range(int(self.case.problem.units.start[node]), int(self.case.problem.units.start[node + 1]))
        serving = {need: [(unit, self.serves(need, unit)) for unit in of_node] for need in needs}
        able = {
            need: [(unit, literal) for unit, literal in listed if literal is not False]
            for need, listed in serving.items()
        }
        if any(len(able[need]) < int(classes.unit_count[need]) for need in needs):
            return
        fits = self.fits(node, shape.pod_class)
        if fits is False:
            return
        self.met(needs, able, fits)
        gpus = [need for need in needs if classes.unit_kind[need] == self.case.typical.kind]
        for unit in units:
            literals = [literal for need in gpus for other, literal in able[need] if other == unit]
            if literals:
                self._use(unit, literals, fits, shape.share)

    def met(self, needs: range, able: dict[int, list[tuple[int, Any]]], fits: Any) -> None:
        """Where the pod fits, its needs get different units that serve them."""
        counts = self.case.problem.classes.unit_count
        if len(needs) == 1:
            (listed,) = able.values()
            enough = sum(1 if literal is True else literal for _, literal in listed)
            if not isinstance(enough, int):
                self.model.add(enough >= int(counts[needs[0]])).only_enforce_if(fits)
            return
        given: dict[int, list[Any]] = {}
        for need, listed in able.items():
            mine = []
            for unit, serves in listed:
                mine.append(self.model.new_bool_var(""))
                given.setdefault(unit, []).append(mine[-1])
                if serves is not True:
                    self.model.add_implication(mine[-1], serves)
            self.model.add(sum(mine) >= int(counts[need])).only_enforce_if(fits)
        for taken in given.values():
            self.model.add_at_most_one(taken)

    def _use(self, unit: int, literals: Sequence[Any], fits: Any, share: float) -> None:
        """What is free on a unit, where one of these is true and the pod fits."""
        free = int(self.case.state.unit_free[unit, 0])
        if free <= 0:
            return
        taken = [(int(amount[0]), taking.taken) for amount, taking in self.taken.get(unit, ()) if amount[0]]
        useful = self.model.new_int_var(0, free, "")
        self.model.add(useful <= free - sum(amount * each for amount, each in taken))
        self.model.add(useful <= free * fits)
        if not any(literal is True for literal in literals):
            self.model.add(useful <= free * sum(literals))
        self.total.add(-self.factor * share, useful, free)

    def fits(self, node: int, pod_class: int) -> Any:
        """A literal that a node has amounts left for one more pod of a class; ``False`` where it has not now."""
        need, free = self.case.problem.classes.need[pod_class], self.case.state.free[:, node]
        rows = [row for row in self.case.typical.rows if need[row] > 0 and free[row] < UNLIMITED // 2]
        if any(free[row] < need[row] for row in rows):
            return False
        fits = self.model.new_bool_var("")
        for row in rows:
            taken = [
                (
                    int(self.case.problem.classes.need[self.case.items[index].pod_class, row]),
                    self.variables.x[index, node],
                )
                for index in self.variables.at[node]
            ]
            spent = sum(amount * variable for amount, variable in taken if amount)
            if not isinstance(spent, int):
                self.model.add(spent <= int(free[row] - need[row])).only_enforce_if(fits)
        return fits

    def serves(self, need: int, unit: int) -> Any:
        """A literal that a unit, with what is taken of it, serves a need; a constant where that is known."""
        classes, units, free = self.case.problem.classes, self.case.problem.units, self.case.state.unit_free[unit]
        amount, capacity = classes.unit_amount[need], units.capacity[unit]
        matches = classes.unit_match[classes.unit_where[need], units.attributes[unit]]
        whole = amount[0] == WHOLE
        if units.kind[unit] != classes.unit_kind[need] or not matches or ((amount > 0) & (free < amount)).any():
            return False
        if whole and not (free == capacity).all():
            return False
        mark = unit, amount.tobytes()
        if mark not in self._serves:
            self._serves[mark] = self._literal(unit, amount, whole)
        return self._serves[mark]

    def _literal(self, unit: int, amount: NDArray[np.int64], whole: bool) -> Any:
        free, taken = self.case.state.unit_free[unit], self.taken.get(unit, [])
        if not taken:
            return True
        literal = self.model.new_bool_var("")
        if whole:
            for _, taking in taken:
                self.model.add_implication(taking.taken, ~literal)
            return literal
        for dimension in np.flatnonzero(amount).tolist():
            spent = sum(int(part[dimension]) * taking.taken for part, taking in taken if part[dimension])
            if not isinstance(spent, int):
                self.model.add(spent <= int(free[dimension] - amount[dimension])).only_enforce_if(literal)
        return literal
