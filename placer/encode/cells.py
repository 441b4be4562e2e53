"""What the arrays say of the cells of measures, and of room for copies: see ``encode.problem.Costs``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import BOOL, F64, I64, Costs, Problem, State


def cells(costs: Costs, state: State, measured: int) -> I64:
    """(groups, domains) what a measure has in each cell."""
    many = int(costs.domains[measured])
    found = state.cost_value[costs.start[measured] : costs.start[measured + 1]]
    return found.reshape(-1, many) if many else np.zeros((1, 0), np.int64)


def measures_of(costs: Costs, term: int) -> list[int]:
    """The measures that a term is about."""
    listed: list[int] = costs.of[costs.first[term] : costs.first[term + 1]].tolist()
    return listed


def cell_values(costs: Costs, state: State, term: int) -> tuple[F64, F64]:
    """(groups, domains) the sums of a term's measures, each with its scale, and (domains,) the term's weights."""
    measures = measures_of(costs, term)
    many = int(costs.domains[measures[0]])
    tables = [cells(costs, state, measured) * costs.scale[measured, :many] for measured in measures]
    return np.sum(tables, axis=0), costs.weight[term, :many]


def missing(problem: Problem, state: State, term: int, copies: float, nodes: BOOL | None = None) -> float:
    """
    Of so many copies of a term's shape, those for which there is no room.

    Parameters
    ----------
    nodes
        (nodes,) where room counts, of those that the term is about; all of them by default.
    """
    costs = problem.costs
    asked, about = costs.room[term] > 0, costs.weight[term] > 0
    free = np.maximum(state.free[asked][:, about if nodes is None else about & nodes], 0)
    fits: NDArray[np.int64] = (
        (free // costs.room[term][asked][:, None]).min(axis=0) if asked.any() else np.zeros(0, np.int64)
    )
    return max(0.0, float(copies) - float(fits.sum()))
