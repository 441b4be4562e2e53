"""Real coefficients as whole numbers, exactly where they have a common unit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, lcm
from typing import NamedTuple

import numpy as np

DENOMINATOR = 10**6
"""Ratios with denominators up to this are looked for."""
EXACT = 1e-12
"""How nearly a coefficient is a multiple of the unit for both to be one, relatively."""


class Whole(NamedTuple):
    """
    Coefficients in whole numbers.

    Attributes
    ----------
    unit
        What one stands for.
    numbers
        Times ``unit`` they are the coefficients; where not ``exact`` less than one below, or above.
    """

    unit: float
    numbers: Sequence[int]
    exact: bool


def in_integers(values: Sequence[float], most: float, limit: int, rounded: int, up: bool = False) -> Whole:
    """
    Whole numbers for coefficients of a sum.

    Parameters
    ----------
    most
        The most that the sum comes to in absolute values.
    limit, rounded
        The most that it may come to in whole numbers, and what it comes to where they are rounded.
    up
        Rounds up, where rounding is needed, in place of down.
    """
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0.0:
        return Whole(1.0, [0] * len(values), True)
    most = max(most, largest)
    found = _common(values, largest, limit * largest / most)
    if found is not None:
        return found
    unit = most / rounded
    to_whole = ceil if up else floor
    return Whole(unit, [to_whole(value / unit) for value in values], False)


def _common(values: Sequence[float], largest: float, limit: float) -> Whole | None:
    """By a common denominator of the ratios to the largest, up to a limit; ``None`` where there is none."""
    parts = 1
    fractions: dict[float, Fraction] = {}
    for value in set(values):
        ratio = Fraction(value / largest).limit_denominator(DENOMINATOR)
        fractions[value] = ratio
        parts = lcm(parts, ratio.denominator)
        if parts > limit:
            return None
    unit = largest / parts
    numbers = [int(fractions[value] * parts) for value in values]
    near = np.abs(np.array(numbers, float) * unit - np.array(values)) <= EXACT * np.maximum(np.abs(values), unit)
    return Whole(unit, numbers, True) if near.all() else None
