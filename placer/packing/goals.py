"""Levels of the objective as linear expressions over a model's variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil, gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from placer.encode.problem import I64
from placer.packing.case import Case
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

PRICE_UNIT = 1_000_000
SCALE = 2.0**42
"""The most that a level which is no sum of prices comes to in integers."""
TOLERANCE = 1e-6
WRITTEN = frozenset({"pack", "balance", "headroom"})
"""Goals that a model can write."""


class Level(NamedTuple):
    """
    One comparison of the objective: what is minimised once the levels before are equal.

    Attributes
    ----------
    priority
        Unplaced pods of this priority; ``None`` for a tier.
    parts
        (goal, weight) pairs of the tier.
    """

    priority: int | None
    parts: tuple[tuple[str, float], ...] = ()

    @property
    def prices(self) -> float:
        """The weight of the sum of prices, where that is all that the level is; else 0."""
        return self.parts[0][1] if [name for name, _ in self.parts] == ["pack"] else 0.0


class Goal(NamedTuple):
    """
    A level, written.

    Attributes
    ----------
    value
        A linear expression in integers, never above what it stands for.
    most
        The most that it can be.
    slack
        How much more an answer that counts as equal may have.
    amount
        What so many of it stand for.
    """

    value: Any
    most: int
    slack: int
    amount: Callable[[int], float]


class Part(NamedTuple):
    """A weight of an integer expression, and the most that the expression can be."""

    weight: float
    value: Any
    most: int


class Goals:
    """
    Writes levels.

    Parameters
    ----------
    squared
        Rows of ``capacity`` that balance and headroom count.
    """

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables, squared: Sequence[int]) -> None:
        self.model, self.case, self.variables, self.squared = model, case, variables, squared
        self._known: dict[Level, Goal] = {}

    def of(self, level: Level) -> Goal:
        """A level's goal, written once."""
        if level not in self._known:
            if level.priority is not None:
                self._known[level] = self.unplaced(level.priority)
            elif level.prices:
                self._known[level] = self.pack(level.prices)
            else:
                self._known[level] = self.weighed(level)
        return self._known[level]

    def unplaced(self, priority: int) -> Goal:
        """Pods of a priority without a node."""
        priorities = self.case.problem.classes.priority
        chosen = [index for index, item in enumerate(self.case.items) if priorities[item.pod_class] == priority]
        pods = sum(self.case.items[index].pods for index in chosen)
        placed = sum(variable for index in chosen for variable in self.variables.of(index))
        return Goal(pods - placed, pods, 0, float)

    def pack(self, weight: float) -> Goal:
        """Prices of used nodes over their greatest common divisor."""
        step, paid, most = self._prices()
        return Goal(paid, most, 0, lambda amount: weight * (float(amount * step) / PRICE_UNIT))

    def _prices(self) -> tuple[int, Any, int]:
        prices = self.case.problem.nodes.price.tolist()
        step = gcd(*prices) or 1
        paid = sum(price // step * used for price, used in zip(prices, self.variables.used, strict=True))
        return step, paid, sum(prices) // step

    def weighed(self, level: Level) -> Goal:
        """A tier's goals in one sum; weights are rounded down, so that the sum is never above what it stands for."""
        parts = [part for name, weight in level.parts for part in self._parts(name, weight)]
        whole = sum(part.weight * part.most for part in parts) or 1.0
        scale = SCALE / whole
        factors = [int(part.weight * scale) for part in parts]
        value = sum(factor * part.value for factor, part in zip(factors, parts, strict=True))
        slack = ceil(2 * TOLERANCE * scale * max(1.0, whole)) + len(parts)
        return Goal(value, int(SCALE), slack, lambda amount: amount / scale)

    def _parts(self, name: str, weight: float) -> Iterator[Part]:
        if name == "pack":
            step, paid, most = self._prices()
            yield Part(weight * step / PRICE_UNIT, paid, most)
            return
        for node in range(len(self.variables.at)):
            for resource in self.squared:
                if self.case.problem.nodes.scale[resource, node] > 0:
                    yield (self._square if name == "balance" else self._excess)(weight, resource, node)

    def _load(self, resource: int, node: int) -> tuple[Any, int, int]:
        """What is used of a resource and what the node has, over a common divisor; and the most that can be used."""
        needs: I64 = self.case.problem.classes.need[:, resource]
        items = [index for index in self.variables.at[node] if needs[self.case.items[index].pod_class]]
        have = int(self.case.problem.nodes.capacity[resource, node])
        stands = have - int(self.case.state.free[resource, node])
        asked = [int(needs[self.case.items[index].pod_class]) for index in items]
        step = gcd(have, stands, *asked)
        placed = [self.variables.x[index, node] for index in items]
        load = stands // step + sum(a // step * x for a, x in zip(asked, placed, strict=True))
        return load, have // step, max(stands, have) // step

    def _square(self, weight: float, resource: int, node: int) -> Part:
        """(used / allocatable)²."""
        load, have, most = self._load(resource, node)
        if isinstance(load, int):
            return Part(weight / have**2, load**2, load**2)
        used = self.model.new_int_var(0, most, "")
        self.model.add(used == load)
        square = self.model.new_int_var(0, most**2, "")
        self.model.add_multiplication_equality(square, [used, used])
        return Part(weight / have**2, square, most**2)

    def _excess(self, weight: float, resource: int, node: int) -> Part:
        """max(0, used / allocatable - 4/5)."""
        load, have, most = self._load(resource, node)
        above = max(0, 5 * most - 4 * have)
        if isinstance(load, int):
            return Part(weight / (5 * have), max(0, 5 * load - 4 * have), above)
        excess = self.model.new_int_var(0, above, "")
        self.model.add(excess >= 5 * load - 4 * have)
        return Part(weight / (5 * have), excess, above)


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
