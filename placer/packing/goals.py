"""Levels of the objective as linear expressions over a model's variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from placer.packing.case import Case
from placer.packing.fragments import Fragments
from placer.packing.integers import in_integers
from placer.packing.sums import Sum
from placer.packing.terms import Terms
from placer.packing.variables import Variables
from placer.packing.wishes import Wishes

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

PRICE_UNIT = 1_000_000
SCALE = 2**58
"""The most that a level comes to in integers."""
TOLERANCE = 1e-6


class Level(NamedTuple):
    """
    One comparison of the objective: what is minimised once the levels before are equal.

    Attributes
    ----------
    priority
        Unplaced pods of this priority; ``None`` for a tier.
    terms
        The tier's rows of ``Costs``.
    prices
        The weight of the sum of prices, where that is all that the level is, in place of terms; else 0.
    least
        No answer comes to less.
    """

    priority: int | None
    terms: tuple[int, ...] = ()
    prices: float = 0.0
    least: float = 0.0


class Goal(NamedTuple):
    """
    A level, written.

    Attributes
    ----------
    value
        A linear expression in integers from 0 on, never above what it stands for.
    most
        The most that it can be.
    limit
        Of a solution: the most that an answer has that counts as equal.
    amount
        What so many of it stand for.
    """

    value: Any
    most: int
    limit: Callable[[cp_model.CpSolver], int]
    amount: Callable[[int], float]


class Goals:
    """Writes levels."""

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables) -> None:
        self.model, self.case, self.variables = model, case, variables
        self._known: dict[Level, Goal] = {}

    def of(self, level: Level) -> Goal:
        """A level's goal, written once."""
        if level not in self._known:
            if level.priority is not None:
                self._known[level] = self.unplaced(level.priority)
            elif level.prices:
                self._known[level] = self.pack(level.prices)
            else:
                self._known[level] = weighed(self.sum_of(level.terms))
        return self._known[level]

    def unplaced(self, priority: int) -> Goal:
        """Pods of a priority without a node."""
        priorities = self.case.problem.classes.priority
        chosen = [index for index, item in enumerate(self.case.items) if priorities[item.pod_class] == priority]
        pods = sum(self.case.items[index].pods for index in chosen)
        value = pods - sum(variable for index in chosen for variable in self.variables.of(index))
        return Goal(value, pods, lambda solver: int(solver.value(value)), float)

    def pack(self, weight: float) -> Goal:
        """Prices of used nodes over their greatest common divisor."""
        prices = self.case.problem.nodes.price.tolist()
        step = gcd(*prices) or 1
        paid = sum(price // step * used for price, used in zip(prices, self.variables.used, strict=True))
        most = sum(prices) // step
        return Goal(
            paid,
            most,
            lambda solver: int(solver.value(paid)),
            lambda amount: weight * (float(amount * step) / PRICE_UNIT),
        )

    def sum_of(self, rows: Sequence[int]) -> Sum:
        """Terms, each times its factor."""
        from placer.kernels import costs as kinds

        total = Sum()
        terms = Terms(self.model, self.case, self.variables, total)
        for row in rows:
            kind, factor = int(self.case.problem.costs.kind[row]), float(self.case.problem.costs.factor[row])
            total.constant += float(self.case.problem.costs.constant[row])
            if kind == kinds.WISHES:
                Wishes(self.model, self.case, self.variables, total, factor).add()
            elif kind == kinds.FRAGMENTATION:
                Fragments(self.model, self.case, self.variables, total, factor).add()
            else:
                terms.add(row)
        return total


def writable(kind: int, factor: float) -> bool:
    """Whether a term can be written: what asks how much finds room or is lost is bounded from one side only."""
    from placer.kernels import costs as kinds

    return factor >= 0 or kind not in (kinds.ROOM, kinds.FRAGMENTATION, kinds.WISHES)


def weighed(total: Sum) -> Goal:
    """A sum in integers, from 0 on; weights are rounded down, so that it is never above what it stands for."""
    parts = total.all()
    most_of_all = sum(abs(part.weight) * part.most for part in parts)
    whole = in_integers([part.weight for part in parts], most_of_all, SCALE, SCALE)
    least = sum(number * part.most for number, part in zip(whole.numbers, parts, strict=True) if number < 0)
    most = sum(abs(number) * part.most for number, part in zip(whole.numbers, parts, strict=True))
    value = sum(number * part.value for number, part in zip(whole.numbers, parts, strict=True)) - least

    def amount(number: int) -> float:
        return (number + least) * whole.unit + total.constant

    def limit(solver: cp_model.CpSolver) -> int:
        stands = sum(part.weight * solver.value(part.value) for part in parts) + total.constant + total.rounded
        return floor((stands + 2 * TOLERANCE * max(1.0, abs(stands)) - total.constant) / whole.unit) - least

    return Goal(value, most, limit, amount)


def radix(most: Sequence[int]) -> list[int]:
    """Weights with which a sum of digits, each up to its most, compares as the digits do in order."""
    weights = [1]
    for each in reversed(most[1:]):
        weights.append(weights[-1] * (each + 1))
    return weights[::-1]


def closed(value: float, bound: float) -> bool:
    """Whether a bound is reached."""
    return bool(value - bound <= TOLERANCE * max(1.0, abs(value)))


def beats(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the first level in which two answers differ is lower in the first answer."""
    differs = np.flatnonzero([abs(a - b) > TOLERANCE * max(1.0, abs(a)) for a, b in zip(one, other, strict=True)])
    return len(differs) > 0 and one[differs[0]] < other[differs[0]]
