"""Terms over measures, preferences and room as parts of a level: one method a kind, its docstring the formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.cells import cells, measures_of
from placer.encode.problem import UNLIMITED
from placer.kernels import costs as kinds
from placer.packing.case import Case, Outside
from placer.packing.integers import in_integers
from placer.packing.sums import Sum
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

MOST_VALUE = 2**20
"""The most that a sum which is squared or multiplied comes to in whole numbers; where it is rounded, an eighth."""
MOST_LINEAR = 2**40
NOTHING = Outside()


class Cell(NamedTuple):
    """
    What stands in one domain, group by group.

    Attributes
    ----------
    weight
        Of the domain, in the term.
    base
        Of the pods that stand.
    variables, amounts
        Counts of pods, and what each pod adds; above 0.
    most
        The most that it comes to.
    node
        The node, where the domain is one; else -1.
    """

    weight: float
    base: float
    variables: Sequence[Any]
    amounts: NDArray[np.float64]
    most: float
    node: int


class Whole(NamedTuple):
    """An integer expression, its least and its most, and by how many units at most rounding made it wrong."""

    value: Any
    least: int
    most: int
    wrong: int


class Terms:
    """Writes terms into a sum, each times its factor; rounded so that the sum is never above what it stands for."""

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables, total: Sum) -> None:
        self.model, self.case, self.variables, self.total = model, case, variables, total
        pairs = list(variables.x)
        self.placed = list(variables.x.values())
        self.most = np.array([variables.most(variable) for variable in self.placed], np.float64)
        self.class_of = np.array([case.items[index].pod_class for index, _ in pairs], np.int64)
        self.node_of = np.array([node for _, node in pairs], np.int64)

    def add(self, row: int) -> None:
        """One term."""
        methods: dict[int, Callable[[int, float], None]] = {
            kinds.ANY: self.any,
            kinds.LINEAR: self.linear,
            kinds.SQUARES: self.squares,
            kinds.ABOVE: self.above,
            kinds.MAX: self.largest,
            kinds.VARIANCE: self.variance,
            kinds.PRODUCT: self.product,
            kinds.PREFERENCE: self.preference,
            kinds.ROOM: self.room,
        }
        costs = self.case.problem.costs
        methods[int(costs.kind[row])](row, float(costs.factor[row]))

    def any(self, row: int, factor: float) -> None:
        """The weight where anything stands."""
        for cell in self.cells(row):
            if cell.base > 0:
                self.total.constant += factor * cell.weight
            elif cell.variables:
                self.total.add(factor * cell.weight, self._stands(cell, factor), 1)

    def _stands(self, cell: Cell, factor: float) -> Any:
        """A literal that is true where anything stands; where that is wanted, only there."""
        if factor < 0:
            literal = self.model.new_bool_var("")
            self.model.add(sum(cell.variables) >= 1).only_enforce_if(literal)
            return literal
        if cell.node >= 0 and len(cell.variables) == len(self.variables.at[cell.node]):
            return self.variables.used[cell.node]
        return self.variables.cover(cell.variables)

    def linear(self, row: int, factor: float) -> None:
        """Weight × v."""
        for cell in self.cells(row):
            self._line(factor * cell.weight, cell)

    def _line(self, weight: float, cell: Cell) -> None:
        self.total.constant += weight * cell.base
        for variable, amount in zip(cell.variables, cell.amounts.tolist(), strict=True):
            self.total.line(weight * amount, variable, self.variables.most(variable))

    def squares(self, row: int, factor: float) -> None:
        """Weight × v²."""
        for cell in self.cells(row):
            weight = factor * cell.weight
            if len(cell.variables) <= 1 and all(self.variables.most(each) == 1 for each in cell.variables):
                # One pod there or not: v² is linear.
                self.total.constant += weight * cell.base**2
                for variable, amount in zip(cell.variables, cell.amounts.tolist(), strict=True):
                    self.total.line(weight * amount * (2 * cell.base + amount), variable, 1)
                continue
            unit, (whole,) = self.whole([cell], MOST_VALUE, factor < 0)
            self.total.add(weight * unit**2, self.square(whole), whole.most**2)
            self.total.rounded += abs(weight) * unit**2 * whole.wrong * (2 * whole.most + whole.wrong)

    def square(self, whole: Whole) -> Any:
        """The square of an expression."""
        if isinstance(whole.value, int):
            return whole.value**2
        known = self.variable(whole)
        square = self.model.new_int_var(0, max(whole.least**2, whole.most**2), "")
        self.model.add_multiplication_equality(square, [known, known])
        return square

    def variable(self, whole: Whole) -> Any:
        """A variable for an expression."""
        variable = self.model.new_int_var(whole.least, whole.most, "")
        self.model.add(variable == whole.value)
        return variable

    def above(self, row: int, factor: float) -> None:
        """Weight × max(0, v - threshold)."""
        threshold = float(self.case.problem.costs.threshold[row])
        for cell in self.cells(row):
            over = cell._replace(base=cell.base - threshold, most=cell.most - threshold)
            if over.most <= 0:
                continue
            if over.base >= 0:
                self._line(factor * cell.weight, over)
                continue
            unit, (whole,) = self.whole([over], MOST_LINEAR, factor < 0)
            if whole.most > 0:
                value = self.at_least([whole], factor < 0)
                self.total.add(factor * cell.weight * unit, value, whole.most)
                self.total.rounded += abs(factor) * cell.weight * unit * whole.wrong

    def at_least(self, values: Sequence[Whole], exactly: bool) -> Any:
        """A variable from 0 on that is no less than any of some expressions; or ``exactly`` their maximum."""
        found = self.model.new_int_var(0, max(each.most for each in values), "")
        if exactly:
            self.model.add_max_equality(found, [0, *(each.value for each in values)])
        else:
            for each in values:
                self.model.add(found >= each.value)
        return found

    def largest(self, row: int, factor: float) -> None:
        """The largest weight × v, 0 at least."""
        listed = [
            cell._replace(
                base=cell.base * cell.weight, amounts=cell.amounts * cell.weight, most=cell.most * cell.weight
            )
            for cell in self.cells(row)
        ]
        floor = max([self.outside(row).most, *(cell.base for cell in listed)])
        listed = [cell for cell in listed if cell.most > floor]
        if not any(cell.variables for cell in listed):
            self.total.constant += factor * max(0.0, floor)
            return
        listed.append(Cell(1.0, floor, [], np.zeros(0), floor, -1))
        unit, wholes = self.whole(listed, MOST_LINEAR, factor < 0)
        most = max(each.most for each in wholes)
        self.total.add(factor * unit, self.at_least(wholes, factor < 0), most)
        self.total.rounded += abs(factor) * unit * max(each.wrong for each in wholes)

    def variance(self, row: int, factor: float) -> None:
        """
        The variance of v over domains and groups of weight above 0.

        With N of them, S their sum: N³ × variance = sum of (N v - S)², which is convex term by term.
        """
        listed = self.cells(row)
        if self.outside(row).cells:
            self._variance_of_part(listed, factor, self.outside(row))
            return
        if not any(cell.variables for cell in listed):
            self.total.constant += factor * float(np.var([cell.base for cell in listed])) if listed else 0.0
            return
        many = len(listed)
        unit, wholes = self.whole(listed, max(64, 8 * MOST_VALUE // many), factor < 0)
        most = max(each.most for each in wholes)
        values = [each.value if isinstance(each.value, int) else self.variable(each) for each in wholes]
        summed = self.model.new_int_var(0, sum(each.most for each in wholes), "")
        self.model.add(summed == sum(values))
        for value in values:
            off = Whole(many * value - summed, -many * most, many * most, 0)
            self.total.add(factor * unit**2 / many**3, self.square(off), (many * most) ** 2)
        # Rounding moves each v by as many units as it counts pods: the deviation by at most half of the most of these.
        wrong = max(each.wrong for each in wholes)
        off_by = abs(factor) * unit**2 * (most * wrong / 2 + (wrong**2 / 4 if factor < 0 else 0.0))
        self.total.constant -= off_by
        self.total.rounded += 2 * off_by + abs(factor) * unit**2 * wrong**2

    def _variance_of_part(self, listed: Sequence[Cell], factor: float, outside: Outside) -> None:
        """Where other cells stay as they are: N × variance = sum of v² - (sum of v)² / N; rounded to nearly that."""
        listed = [cell for cell in listed if cell.variables]
        if not listed:
            return
        many = outside.cells + len(listed)
        unit, wholes = self.whole(listed, MOST_VALUE, factor < 0)
        for whole in wholes:
            self.total.add(factor * unit**2 / many, self.square(whole), whole.most**2)
        most = sum(whole.most for whole in wholes)
        summed = Whole(sum(whole.value for whole in wholes), 0, most, 0)
        self.total.add(-factor * unit**2 / many**2, self.square(summed), most**2)
        for cell in listed:
            self._line(-2 * factor * outside.total / many**2, cell)

    def outside(self, row: int) -> Outside:
        """What a term looks at that is not written here."""
        return self.case.outside.get(row, NOTHING)

    def product(self, row: int, factor: float) -> None:
        """Weight × first × second."""
        costs = self.case.problem.costs
        first, second = measures_of(costs, row)
        ones = np.ones(costs.scale.shape[1])
        pairs = [self.sums(row, [measured], [ones]) for measured in (first, second)]
        for mark in pairs[0].keys() & pairs[1].keys():
            one, other = pairs[0][mark], pairs[1][mark]
            self._times(factor * one.weight, one, other, first == second)

    def _times(self, weight: float, one: Cell, other: Cell, same: bool) -> None:
        for constant, line in ((one, other), (other, one)):
            if not constant.variables:
                self._line(weight * constant.base, line)
                return
        unit, (first,) = self.whole([one], MOST_VALUE, weight < 0)
        other_unit, (second,) = (unit, (first,)) if same else self.whole([other], MOST_VALUE, weight < 0)
        if same:
            value = self.square(first)
        else:
            value = self.model.new_int_var(0, first.most * second.most, "")
            self.model.add_multiplication_equality(value, [self.variable(first), self.variable(second)])
        self.total.add(weight * unit * other_unit, value, first.most * second.most)
        wrong = first.wrong * second.most + second.wrong * first.most + first.wrong * second.wrong
        self.total.rounded += abs(weight) * unit * other_unit * wrong

    def preference(self, row: int, factor: float) -> None:
        """What each pod costs on its node."""
        costs, stood = self.case.problem.costs, self.case.stood
        of_class = costs.wish_row[int(np.flatnonzero(costs.wish_term == row)[0])]
        rows = of_class[stood.pod_class]
        stands = costs.wish_cost[rows, stood.node] * (rows >= 0) * stood.pods if len(costs.wish_cost) else np.zeros(1)
        self.total.constant += factor * float(stands.sum())
        for variable, pod_class, node in zip(self.placed, self.class_of.tolist(), self.node_of.tolist(), strict=True):
            if of_class[pod_class] >= 0:
                cost = float(costs.wish_cost[of_class[pod_class], node])
                self.total.line(factor * cost, variable, self.variables.most(variable))

    def room(self, row: int, factor: float) -> None:
        """How many of the copies find no place; a node takes as many as all that it has free allows."""
        costs = self.case.problem.costs
        copies, asked = int(costs.threshold[row]), np.flatnonzero(costs.room[row] > 0).tolist()
        fits = [self._fits(node, costs.room[row], asked, copies) for node in np.flatnonzero(costs.weight[row]).tolist()]
        short = copies - sum(fits) if asked else copies
        if isinstance(short, int):
            self.total.constant += factor * max(0, short)
            return
        missing = self.model.new_int_var(0, copies, "")
        self.model.add(missing >= short)
        self.total.add(factor, missing, copies)

    def _fits(self, node: int, need: NDArray[np.int64], asked: Sequence[int], copies: int) -> Any:
        """How many copies a node takes, at most so many."""
        free, classes = self.case.state.free[:, node], self.case.problem.classes
        most = min(copies, *(max(0, int(free[resource])) // int(need[resource]) for resource in asked))
        if most == 0:
            return 0
        fits = self.model.new_int_var(0, most, "")
        for resource in asked:
            if free[resource] >= UNLIMITED // 2:
                continue
            taken = sum(
                int(classes.need[self.case.items[index].pod_class, resource]) * self.variables.x[index, node]
                for index in self.variables.at[node]
            )
            self.model.add(int(need[resource]) * fits + taken <= int(free[resource]))
        return fits

    def cells(self, row: int) -> list[Cell]:
        """A term's cells of weight above 0, each measure with its scale."""
        costs = self.case.problem.costs
        measures = measures_of(costs, row)
        return list(self.sums(row, measures, [costs.scale[measured] for measured in measures]).values())

    def sums(
        self, row: int, measures: Sequence[int], scales: Sequence[NDArray[np.float64]]
    ) -> dict[tuple[int, int], Cell]:
        """(group, domain) → what some measures of a term come to there."""
        costs = self.case.problem.costs
        key, many = int(costs.key[measures[0]]), int(costs.domains[measures[0]])
        base = sum(
            cells(costs, self.case.state, one) * scale[:many] for one, scale in zip(measures, scales, strict=True)
        )
        assert isinstance(base, np.ndarray)
        domain = costs.domain[key][self.node_of]
        each = sum(
            costs.amount[one, self.class_of] * scale[domain] for one, scale in zip(measures, scales, strict=True)
        )
        amount = np.where(domain >= 0, each, 0.0)
        group = costs.group[measures[0], self.class_of]
        listed: dict[tuple[int, int], list[int]] = {}
        for place in np.flatnonzero(amount).tolist():
            listed.setdefault((int(group[place]), int(domain[place])), []).append(place)
        weight, found = costs.weight[row], {}
        for mark in np.argwhere(np.broadcast_to(weight[:many] != 0, base.shape)).tolist():
            places = np.array(listed.get((mark[0], mark[1]), []), np.int64)
            most = float(base[mark[0], mark[1]]) + self._most(places, amount)
            variables = [self.placed[place] for place in places.tolist()]
            node = mark[1] if key == 0 else -1
            cell = Cell(float(weight[mark[1]]), float(base[mark[0], mark[1]]), variables, amount[places], most, node)
            found[mark[0], mark[1]] = cell
        return found

    def _most(self, places: NDArray[np.int64], amount: NDArray[np.float64]) -> float:
        """The most that pods add, as far as each node's amounts tell."""
        total = 0.0
        for node in np.unique(self.node_of[places]).tolist():
            mine = places[self.node_of[places] == node]
            need, free = self.case.problem.classes.need[self.class_of[mine]], self.case.state.free[:, node]
            with np.errstate(divide="ignore"):
                rate = np.where(need > 0, amount[mine][:, None] / np.maximum(need, 1), np.inf).max(axis=0)
            limits = np.isfinite(rate)
            by_amounts = rate[limits] * np.maximum(free[limits], 0)
            total += min(float(by_amounts.min(initial=np.inf)), float((amount[mine] * self.most[mine]).sum()))
        return total

    def whole(self, cells: Sequence[Cell], limit: int, up: bool) -> tuple[float, list[Whole]]:
        """Cells as integer expressions of one unit, none above what it stands for; with ``up``, none below."""
        numbers = [number for cell in cells for number in (cell.base, *cell.amounts.tolist())]
        most = max(max(abs(cell.base), abs(cell.most)) for cell in cells)
        scaled = in_integers(numbers, most, limit, limit // 8, up)
        found, place = [], 0
        for cell in cells:
            base, *amounts = scaled.numbers[place : place + 1 + len(cell.variables)]
            place += 1 + len(cell.variables)
            value = base + sum(number * each for number, each in zip(amounts, cell.variables, strict=True))
            pods = 0 if scaled.exact else 1 + sum(self.variables.most(each) for each in cell.variables)
            top = base + sum(
                number * self.variables.most(each) for number, each in zip(amounts, cell.variables, strict=True)
            )
            bound = int(cell.most / scaled.unit * (1 + 1e-9) + 1e-6) + (pods if up else 0)
            found.append(Whole(value, base, min(top, bound), pods))
        return scaled.unit, found
