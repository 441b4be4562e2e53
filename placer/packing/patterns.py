"""
Shares of devices as cutting stock: what a unit carries is a pattern of shares, and patterns leave waste.

The relaxation is that of :mod:`placer.packing.relaxation`, classes × kinds of node, and the units of each kind are cut
into patterns, found one by one (column generation: P. C. Gilmore, R. E. Gomory, "A linear programming approach to the
cutting-stock problem", Operations Research 9, 1961). It is solved from the dual side: prices of all sums together prove
a bound whether or not they are the best ones (A. A. Farley, "A note on bounding a class of linear programming problems,
including cutting stock problems", Operations Research 38, 1990), so that rounding in the solver cannot spoil it.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ortools.linear_solver import pywraplp

WHOLE = 1000
MOST_ROUNDS = 200
ENOUGH = 1e-6
"""Relative improvement below which no further pattern is looked for."""


class Supply(NamedTuple):
    """
    What is to be allocated, and where.

    Attributes
    ----------
    need, pods
        (classes, resources) one pod's request, (classes,) how many pods there are.
    capacity, nodes
        (kinds, resources) of one node, (kinds,) how many nodes there are.
    eligible
        (classes, kinds) where a class may stand at all.
    resource
        Which column is to be allocated: thousandths of a device.
    share
        (classes,) thousandths that a pod takes of each unit: 1000 for whole ones, 0 for none.
    units
        (kinds,) units of the device on one node.
    """

    need: NDArray[np.int64]
    pods: NDArray[np.int64]
    capacity: NDArray[np.int64]
    nodes: NDArray[np.int64]
    eligible: NDArray[np.bool_]
    resource: int
    share: NDArray[np.int64]
    units: NDArray[np.int64]


def device_bound(supply: Supply) -> float:
    """
    The most of a device that any placement can allocate.

    Returns
    -------
    In thousandths; never below what a placement can reach. Variables are classes × kinds and patterns × kinds; each
    round costs a linear program and, per kind, a knapsack of 1000 / the greatest common divisor of the shares.

    Raises
    ------
    RuntimeError
        The solver did not reach an optimum.
    """
    program = _Program(supply)
    best = float(supply.units @ supply.nodes) * WHOLE
    for _ in range(MOST_ROUNDS):
        value, more = program.round()
        best = min(best, value)
        if not more:
            break
    return best


class _Program:
    """The linear program and its patterns so far."""

    def __init__(self, supply: Supply) -> None:
        from ortools.linear_solver import pywraplp

        self.supply = supply
        self.solver: pywraplp.Solver = pywraplp.Solver.CreateSolver("GLOP")
        need, share = supply.need, supply.share
        fits = supply.eligible & ((need[:, None, :] <= supply.capacity[None]) | (need[:, None, :] == 0)).all(axis=2)
        fits &= (share > 0)[:, None] & (supply.pods > 0)[:, None] & (supply.nodes > 0)[None]
        self.placed = {
            (int(c), int(k)): self.solver.NumVar(0, float(supply.pods[c]), "")
            for c, k in zip(*np.nonzero(fits), strict=True)
        }
        self.sizes = [int(size) for size in np.unique(share[fits.any(axis=1)])]
        self.step = gcd(WHOLE, *self.sizes)
        self.kinds = [int(kind) for kind in np.flatnonzero(fits.any(axis=0))]
        self._counts()
        self._amounts()
        self.cut = {kind: self._row(float(supply.units[kind] * supply.nodes[kind])) for kind in self.kinds}
        self.made = {(kind, size): self._row(0.0) for kind in self.kinds for size in self.sizes}
        for (pod_class, kind), variable in self.placed.items():
            row = self.made[kind, int(share[pod_class])]
            row.SetCoefficient(variable, float(need[pod_class, supply.resource] // share[pod_class]))
            self.solver.Objective().SetCoefficient(variable, float(need[pod_class, supply.resource]) / WHOLE)
        self.solver.Objective().SetMaximization()
        for kind in self.kinds:
            for size in self.sizes:
                self.add(kind, {size: WHOLE // size})

    def _row(self, most: float) -> Any:
        return self.solver.Constraint(-self.solver.infinity(), most)

    def _counts(self) -> None:
        """No more pods of a class are placed than there are."""
        rows: dict[int, Any] = {}
        for (pod_class, _), variable in self.placed.items():
            if pod_class not in rows:
                rows[pod_class] = self._row(float(self.supply.pods[pod_class]))
            rows[pod_class].SetCoefficient(variable, 1.0)

    def _amounts(self) -> None:
        """The nodes of a kind have so much of each resource together."""
        for kind in self.kinds:
            here = [(c, variable) for (c, k), variable in self.placed.items() if k == kind]
            for column in range(self.supply.need.shape[1]):
                asking = [(c, variable) for c, variable in here if self.supply.need[c, column]]
                if not asking:
                    continue
                scale = float(max(self.supply.capacity[kind, column], 1))
                row = self._row(float(self.supply.nodes[kind]))
                for pod_class, variable in asking:
                    row.SetCoefficient(variable, float(self.supply.need[pod_class, column]) / scale)

    def add(self, kind: int, pattern: dict[int, int]) -> None:
        """A pattern that units of a kind may carry: how many of each size."""
        variable = self.solver.NumVar(0, self.solver.infinity(), "")
        self.cut[kind].SetCoefficient(variable, 1.0)
        for size, times in pattern.items():
            self.made[kind, size].SetCoefficient(variable, -float(times))

    def round(self) -> tuple[float, bool]:
        """Solves, looks for better patterns at the prices found; a bound, and whether there were any."""
        if self.solver.Solve() != self.solver.OPTIMAL:
            raise RuntimeError("the relaxation was not solved to its optimum: report it with the instance")
        value = float(self.solver.Objective().Value())
        bound, found = value, False
        prices = {mark: max(0.0, row.dual_value()) for mark, row in self.made.items()}
        price_of_unit = {kind: max(0.0, row.dual_value()) for kind, row in self.cut.items()}
        for kind in self.kinds:
            worth, pattern = best_pattern(self.sizes, [prices[kind, size] for size in self.sizes], self.step)
            gain = worth - price_of_unit[kind]
            bound += max(0.0, gain) * float(self.supply.units[kind] * self.supply.nodes[kind])
            if gain > ENOUGH:
                self.add(kind, pattern)
                found = True
        return bound * WHOLE * (1 + 1e-9), found and bound > value * (1 + ENOUGH)


def best_pattern(sizes: list[int], prices: list[float], step: int) -> tuple[float, dict[int, int]]:
    """
    The pattern of sizes, of 1000 in sum at most, that is worth most; a knapsack.

    Parameters
    ----------
    step
        Divides every size and 1000.
    """
    room = WHOLE // step
    worth, last = [0.0] * (room + 1), [-1] * (room + 1)
    for filled in range(1, room + 1):
        worth[filled], last[filled] = worth[filled - 1], -1
        for place, size in enumerate(sizes):
            rest = filled - size // step
            if rest >= 0 and worth[rest] + prices[place] > worth[filled]:
                worth[filled], last[filled] = worth[rest] + prices[place], place
    pattern: dict[int, int] = {}
    filled = room
    while filled > 0:
        place = last[filled]
        if place < 0:
            filled -= 1
            continue
        pattern[sizes[place]] = pattern.get(sizes[place], 0) + 1
        filled -= sizes[place] // step
    return worth[room], pattern
