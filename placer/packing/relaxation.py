"""Bounds from linear relaxations, solved by OR-tools."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def allocation_bound(
    need: NDArray[np.int64],
    count: NDArray[np.int64],
    capacity: NDArray[np.int64],
    nodes: NDArray[np.int64],
    eligible: NDArray[np.bool_],
    resource: int,
) -> float:
    """
    The most of one resource that any placement can allocate.

    The relaxation counts pods of a class on nodes of a kind, in fractions, within the kind's sums of every resource.

    Parameters
    ----------
    need, count
        (classes, resources) one pod's request, (classes,) how many there are.
    capacity, nodes
        (kinds, resources) of one node, (kinds,) how many there are.
    eligible
        (classes, kinds) where a class may stand at all.
    resource
        Which column is to be allocated.

    Returns
    -------
    In base units; never below what a placement can reach. Variables are classes × kinds.

    Raises
    ------
    RuntimeError
        The solver did not reach an optimum.
    """
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    fits = eligible & (need[:, None, :] <= capacity[None, :, :]).all(axis=2)
    placed = {(int(c), int(k)): solver.NumVar(0, float(count[c]), "") for c, k in zip(*np.nonzero(fits), strict=True)}
    for pod_class in range(len(need)):
        mine = [placed[key] for key in placed if key[0] == pod_class]
        if mine:
            solver.Add(sum(mine) <= float(count[pod_class]))
    for kind in range(len(nodes)):
        here = [(key[0], variable) for key, variable in placed.items() if key[1] == kind]
        for column in range(need.shape[1]):
            asking = [float(need[c, column]) * variable for c, variable in here if need[c, column]]
            if asking:
                scale = float(max(capacity[kind, column], 1))
                solver.Add(sum(term / scale for term in asking) <= float(nodes[kind]))
    solver.Maximize(sum(float(need[c, resource]) * variable for (c, _), variable in placed.items()))
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        raise RuntimeError("the relaxation was not solved to its optimum: report it with the instance")
    return float(solver.Objective().Value())
