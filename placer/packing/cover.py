"""
The least that covers: what every sum that has to be covered costs together, a linear program with few columns.

Nodes cover a demand at their prices; pods that are left out cover, at one each, what the nodes do not have. A bound is
read off the dual side: weights of the sums prove it whether or not they are the best ones, so that rounding in the
solver cannot spoil it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MARGIN = 1e-11
"""Taken off a sum of floating-point products, as a share of the sum of their sizes."""
MOST_ENTRIES = 2_000_000
"""Columns × rows of a linear program."""


class Sum(NamedTuple):
    """
    One sum to be covered.

    Attributes
    ----------
    gain
        (columns,) what one of each covers, at least 0.
    short
        What is to be covered; above 0.
    """

    gain: NDArray[np.float64]
    short: float


def cover_alone(cost: NDArray[np.float64], most: NDArray[np.float64], one: Sum) -> float:
    """
    What one sum costs, in fractions, cheapest first; all columns where they do not suffice.

    Parameters
    ----------
    cost, most
        (columns,) of one, at least 0, and how many there are.
    """
    of_use = np.flatnonzero(one.gain > 0)
    rate = cost[of_use] / one.gain[of_use]
    order = np.argsort(rate, kind="stable")
    covers = (one.gain * most)[of_use][order]
    taken = np.clip(one.short - (np.cumsum(covers) - covers), 0.0, covers)
    return float((taken * rate[order]).sum())


def least_cover(cost: NDArray[np.float64], most: NDArray[np.float64], sums: Sequence[Sum]) -> float:
    """
    What all sums cost together, never above the least cost of whole numbers of columns that cover each.

    Parameters
    ----------
    cost, most
        (columns,) of one, at least 0, and how many there are.

    Returns
    -------
    At least nearly what any of the sums costs alone. 0 without sums. One linear program where columns × sums are few
    enough, else the dearest sum alone.
    """
    best = max((cover_alone(cost, most, one) * (1 - 1e-12) for one in sums), default=0.0)
    if len(sums) < 2 or len(cost) * len(sums) > MOST_ENTRIES:
        return best
    gain = np.array([one.gain / one.short for one in sums])
    return max(best, proven(cost, most, gain, _weights(cost, most, gain)))


def proven(
    cost: NDArray[np.float64], most: NDArray[np.float64], gain: NDArray[np.float64], weight: NDArray[np.float64]
) -> float:
    """What any weights of the sums, at least 0, prove, where each sum is to come to 1."""
    offered = weight @ gain
    surplus = np.maximum(offered - cost, 0.0)
    size = weight.sum() + float(((offered + cost) * most)[surplus > 0].sum())
    return float(weight.sum() - (surplus * most).sum() - MARGIN * size)


def _weights(cost: NDArray[np.float64], most: NDArray[np.float64], gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """The dual values of the linear program; zeros where the solver finds no optimum."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    columns = [solver.NumVar(0.0, float(each), "") for each in most]
    rows = [solver.Constraint(1.0, solver.infinity()) for _ in gain]
    for row, gains in zip(rows, gain, strict=True):
        for column in np.flatnonzero(gains).tolist():
            row.SetCoefficient(columns[column], float(gains[column]))
    for column, each in zip(columns, cost.tolist(), strict=True):
        solver.Objective().SetCoefficient(column, each)
    solver.Objective().SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return np.zeros(len(gain))
    weights: NDArray[np.float64] = np.maximum([row.dual_value() for row in rows], 0.0)
    return weights
