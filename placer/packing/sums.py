"""A sum of weighted integer expressions under way."""

from __future__ import annotations

from typing import Any, NamedTuple


class Part(NamedTuple):
    """A weight of an integer expression from 0 on, and the most that the expression can be."""

    weight: float
    value: Any
    most: int


class Sum:
    """
    What a level comes to: a constant and weighted parts.

    Attributes
    ----------
    constant
        Counts beside the parts.
    rounded
        By how much, at most, all of it is below what it stands for.
    """

    def __init__(self) -> None:
        self.constant = 0.0
        self.rounded = 0.0
        self._parts: list[Part] = []
        self._linear: dict[int, Part] = {}

    def add(self, weight: float, value: Any, most: int) -> None:
        """A weighted expression; a constant where it is none."""
        if isinstance(value, int):
            self.constant += weight * value
        elif weight and most:
            self._parts.append(Part(weight, value, most))

    def line(self, weight: float, variable: Any, most: int) -> None:
        """A weighted variable, with what it weighs already."""
        known = self._linear.get(variable.index)
        self._linear[variable.index] = Part(weight + (known.weight if known else 0.0), variable, most)

    def all(self) -> list[Part]:
        """The parts that weigh something."""
        return self._parts + [part for part in self._linear.values() if part.weight]
