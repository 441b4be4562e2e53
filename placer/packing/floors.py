"""What terms come to at least, whatever stands where: from sums over all pods alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import I64, Costs, Problem
from placer.kernels import costs as kinds


def least_of_terms(problem: Problem, pods: I64) -> NDArray[np.float64]:
    """
    (terms,) a bound on each term, factor and constant included; minus infinity where wishes are to be broken.

    Parameters
    ----------
    pods
        (classes,) pods that stand or are pending.
    """
    costs = problem.costs
    found = costs.constant.copy()
    for term, (kind, factor) in enumerate(zip(costs.kind.tolist(), costs.factor.tolist(), strict=True)):
        if kind == kinds.PREFERENCE:
            found[term] -= abs(factor) * _dearest(costs, pods, term)
        elif factor < 0:
            found[term] += factor * _most(problem, pods, term)
    return found


def _dearest(costs: Costs, pods: I64, term: int) -> float:
    """The sum over pods of the largest cost, of either sign, of any node."""
    row = costs.wish_row[int(np.flatnonzero(costs.wish_term == term)[0])]
    largest = np.append(np.abs(costs.wish_cost).max(axis=1, initial=0.0), 0.0)
    return float((largest[row] * pods).sum())


def _most(problem: Problem, pods: I64, term: int) -> float:
    """The most that a term comes to before its factor."""
    costs, kind = problem.costs, int(problem.costs.kind[term])
    if kind == kinds.ROOM:
        return float(costs.threshold[term])
    if kind == kinds.FRAGMENTATION:
        return float(problem.units.capacity[:, 0].sum())
    if kind == kinds.WISHES:
        return np.inf
    return _most_of_sums(costs, pods, term)


def _most_of_sums(costs: Costs, pods: I64, term: int) -> float:
    """The same for terms over measures: all of it in one cell is the most that a convex function comes to."""
    kind, weight, threshold = int(costs.kind[term]), costs.weight[term], float(costs.threshold[term])
    measures = costs.of[costs.first[term] : costs.first[term + 1]]
    amounts, heaviest = costs.amount[measures] @ pods, float(weight.max(initial=0.0))
    groups = int(costs.start[measures[0] + 1] - costs.start[measures[0]]) // max(1, int(costs.domains[measures[0]]))
    everywhere = float(weight.sum()) * groups
    whole = float((amounts * costs.scale[measures].max(axis=1, initial=0.0)).sum())
    most = {
        kinds.ANY: everywhere,
        kinds.PRODUCT: heaviest * float(amounts[0]) * float(amounts[-1]),
        # The variance is at most the mean of squares.
        kinds.VARIANCE: whole**2,
        kinds.SQUARES: heaviest * whole**2,
        kinds.ABOVE: heaviest * whole + max(0.0, -threshold) * everywhere,
    }
    return most.get(kind, heaviest * whole)
