"""What the terms of a run come to, from its arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from placer.encode.cells import cell_values, cells, measures_of, missing
from placer.encode.problem import Costs, State
from placer.engine import Run, bound_lines, class_of_slot
from placer.kernels import costs as kinds

Cells = NDArray[np.float64]
ELSEWHERE = (kinds.FRAGMENTATION, kinds.WISHES)
"""Kinds that are measured on the model: units and soft rules."""


def term_values(run: Run) -> NDArray[np.float64]:
    """
    (terms,) what each term comes to, factor and constant included, as it counts in its tier.

    Kinds measured elsewhere come to ``nan``. O(pods + cells + terms × nodes).
    """
    problem, state = run.encoded.problem, run.state
    costs = problem.costs
    found = np.full(len(costs.kind), np.nan)
    for term, kind in enumerate(costs.kind.tolist()):
        if kind in ELSEWHERE:
            continue
        if kind == kinds.ROOM:
            value = missing(problem, state, term, float(costs.threshold[term]))
        elif kind == kinds.PREFERENCE:
            value = _preference(run, term)
        else:
            value = _sums(costs, state, term)
        found[term] = costs.factor[term] * value + costs.constant[term]
    return found


def stands(run: Run) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Class and node of every pod that stands, those that stood already and those that were placed."""
    encoded, lines = run.encoded, bound_lines(run.log)
    classes = np.concatenate([encoded.class_of_pod[encoded.standing], class_of_slot(run.plan)[run.log.slot[lines]]])
    nodes = np.concatenate([encoded.position[encoded.standing_node], run.log.node[lines]])
    return classes.astype(np.int32), nodes.astype(np.int32)


def _preference(run: Run, term: int) -> float:
    """Costs of classes on nodes."""
    costs = run.encoded.problem.costs
    classes, nodes = stands(run)
    row = costs.wish_row[int(np.flatnonzero(costs.wish_term == term)[0])][classes]
    return float(costs.wish_cost[row[row >= 0], nodes[row >= 0]].sum())


def _sums(costs: Costs, state: State, term: int) -> float:
    """Terms over cells of measures."""
    if int(costs.kind[term]) == kinds.PRODUCT:
        first, second = (cells(costs, state, measured).astype(np.float64) for measured in measures_of(costs, term))
        return float((first * second * costs.weight[term, : first.shape[1]]).sum())
    value, weight = cell_values(costs, state, term)
    return float(FORMULAS[int(costs.kind[term])](value, weight, float(costs.threshold[term])))


def _variance(value: Cells, weight: Cells, _: float) -> float:
    counted = value[:, weight > 0]
    return float(counted.var()) if counted.size else 0.0


FORMULAS: dict[int, Callable[[Cells, Cells, float], float]] = {
    # Prices are sums of millionths: rounding takes away what adding up in floating point leaves.
    kinds.ANY: lambda value, weight, _: round(float(((value > 0) * weight).sum()), 9),
    kinds.LINEAR: lambda value, weight, _: (value * weight).sum(),
    kinds.SQUARES: lambda value, weight, _: (value**2 * weight).sum(),
    kinds.ABOVE: lambda value, weight, threshold: (np.maximum(value - threshold, 0.0) * weight).sum(),
    kinds.MAX: lambda value, weight, _: (value * weight).max(initial=0.0),
    kinds.VARIANCE: _variance,
}
