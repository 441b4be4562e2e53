"""
Nodes filled by patterns: a linear program over all ways to fill one node, its columns found as they are needed.

Column generation: P. C. Gilmore, R. E. Gomory, "A linear programming approach to the cutting-stock problem", Operations
Research 9, 1961; with conflicts: R. Sadykov, F. Vanderbeck, "Bin packing with conflicts: a generic branch-and-price
algorithm", INFORMS Journal on Computing 25, 2013. A bound is read off the dual side in whole numbers (A. A. Farley, "A
note on bounding a class of linear programming problems", Operations Research 38, 1990): weights of the pods prove it
whether or not they are the best ones, and whether or not a search for patterns was ended early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import I64
from placer.kernels.pricing import Knapsack, new_path, price_patterns, worth_tables
from placer.packing.parts import Parts

if TYPE_CHECKING:
    from ortools.linear_solver import pywraplp

MOST_CELLS = 4_000_000
"""Classes × cells of a table of worths."""
MOST_GRID = 32_768
QUICK, TRIES = 200, 20_000
"""Steps of the search for a pattern in which one class comes first; more of them where few found none."""
MOST_ROUNDS = 400
MOST_NEW = 600
"""Patterns added per kind and round, those that are worth most beyond their price."""
NEAR = 2**-20
"""A pattern is looked for where it is worth more than its price by this share."""
MOST_WORK = 40_000_000
"""Steps of the simplex method × pods' classes, after which no more patterns are looked for: about ten seconds."""
DEAR = 4
"""What leaving a pod out costs, in the dearest nodes."""


class Pattern(NamedTuple):
    """Classes on one node of a kind, one for each pod, ascending."""

    kind: int
    pods: tuple[int, ...]


class Relaxed(NamedTuple):
    """
    The linear program as far as it was solved.

    Attributes
    ----------
    bound
        Millionths; no placement of all pods on the nodes costs less.
    value
        What the patterns known cost in fractions.
    used
        (pattern, how many) of those that are used.
    """

    bound: int
    value: float
    used: Sequence[tuple[Pattern, float]]


class Configuration:
    """
    The linear program of some pods on some nodes.

    Parameters
    ----------
    pods, nodes
        (classes,) and (kinds,) how many; all those of the parts by default.
    """

    def __init__(self, parts: Parts, pods: I64 | None = None, nodes: I64 | None = None) -> None:
        self.parts = parts
        self.pods = parts.pods if pods is None else pods
        self.nodes = parts.nodes if nodes is None else nodes
        self.step = gcd(*parts.price.tolist()) or 1
        self.unit = float(parts.price.max()) or 1.0
        self.known: dict[Pattern, Any] = {}
        self._grids = [_grid(parts, kind) for kind in range(len(parts.nodes))]
        self.work = 0
        self._open()
        self.best: Fraction = Fraction(0)
        self.center: NDArray[np.float64] | None = None

    def _open(self) -> None:
        from ortools.linear_solver import pywraplp

        self.solver: pywraplp.Solver = pywraplp.Solver.CreateSolver("GLOP")
        self.solver.SetSolverSpecificParametersAsString("use_preprocessing: false")
        endless = self.solver.infinity()
        self.covers = [self.solver.Constraint(float(each), endless) for each in self.pods]
        self.limits = [self.solver.Constraint(-endless, float(each)) for each in self.nodes]
        self.solver.Objective().SetMinimization()
        for cover in self.covers:
            out = self.solver.NumVar(0.0, endless, "")
            cover.SetCoefficient(out, 1.0)
            self.solver.Objective().SetCoefficient(out, float(DEAR))
        for pattern in self.known:
            self._column(pattern)

    def _column(self, pattern: Pattern) -> None:
        column = self.solver.NumVar(0.0, self.solver.infinity(), "")
        self.solver.Objective().SetCoefficient(column, float(self.parts.price[pattern.kind]) / self.unit)
        self.limits[pattern.kind].SetCoefficient(column, 1.0)
        for pod_class in set(pattern.pods):
            self.covers[pod_class].SetCoefficient(column, float(pattern.pods.count(pod_class)))
        self.known[pattern] = column

    def add(self, pattern: Pattern) -> bool:
        """Adds a pattern; whether it was not known."""
        if pattern in self.known:
            return False
        self._column(pattern)
        return True

    def limit(self, pods: I64, nodes: I64) -> None:
        """Sets what is to be placed and what there is; patterns stay, bounds found before do not count."""
        self.pods, self.nodes = pods, nodes
        for cover, each in zip(self.covers, pods.tolist(), strict=True):
            cover.SetLb(float(each))
        for limit, each in zip(self.limits, nodes.tolist(), strict=True):
            limit.SetUb(float(each))
        self.best, self.center = Fraction(0), None

    def solve(
        self,
        stop: Callable[[], bool] = lambda: False,
        rounds: int = MOST_ROUNDS,
        close: float = 1e-6,
        tries: Sequence[int] = (QUICK, TRIES),
    ) -> Relaxed:
        """
        Solves it until no pattern helps, the bound is met, or a limit ends it.

        Parameters
        ----------
        close
            Gap between value and bound, as a share, that is small enough.
        tries
            Steps of the search for a pattern in which one class comes first, one after another while none is found.
        """
        value = 0.0
        for _ in range(rounds):
            if not self._solved():
                break
            value = float(self.solver.Objective().Value()) * self.unit
            near = self._met(value) or value - float(self.best) <= close * value
            if near or self.work > MOST_WORK or stop() or not self._improve(tries):
                break
        used = [(pattern, column.solution_value()) for pattern, column in self.known.items()]
        return Relaxed(self.bound(), value, [(pattern, times) for pattern, times in used if times > 1e-9])

    def _solved(self) -> bool:
        """Whether the solver comes to an optimum, from where it was or from the beginning."""
        for again in (False, True):
            if again:
                self._open()
            done = self.solver.Solve() == self.solver.OPTIMAL
            self.work += int(self.solver.iterations()) * len(self.pods)
            if done:
                return True
        return False

    def bound(self) -> int:
        """The best bound so far, rounded up to a sum that prices can have."""
        return -(-self.best.numerator // (self.best.denominator * self.step)) * self.step

    def weights(self) -> NDArray[np.float64]:
        """(classes,) millionths that a pod of each should cost, as far as is known."""
        zero = np.zeros(len(self.pods))
        return zero if self.center is None else self.center * self.unit

    def _met(self, value: float) -> bool:
        """Whether no whole number of nodes costs less than the bound and as much as the value."""
        return value <= self.bound() * (1 + 1e-9)

    def _improve(self, tries: Sequence[int]) -> bool:
        """Looks for patterns at the weights found, or near those that proved most; whether there are any."""
        weight = np.maximum([cover.dual_value() for cover in self.covers], 0.0)
        for most in tries:
            for share in (0.5, 0.0) if self.center is not None else (0.0,):
                tried = weight if self.center is None else share * self.center + (1 - share) * weight
                bound, found = self._price(np.floor(tried * self.unit).astype(np.int64), most)
                if bound > self.best or self.center is None:
                    self.best, self.center = max(bound, self.best), tried
                if sum(self.add(pattern) for pattern in found):
                    return True
        return False

    def _price(self, weight: I64, tries: int) -> tuple[Fraction, list[Pattern]]:
        """The bound that weights of the pods prove, and patterns that are worth more than they cost."""
        found, offers = [], []
        for kind in np.flatnonzero(self.nodes > 0).tolist():
            most, patterns = self._patterns(kind, weight, tries)
            offers.append((int(self.parts.price[kind]), most, int(self.nodes[kind])))
            found += patterns
        return proven(sum(w * p for w, p in zip(weight.tolist(), self.pods.tolist(), strict=True)), offers), found

    def _patterns(self, kind: int, weight: I64, tries: int) -> tuple[int, list[Pattern]]:
        """What no pattern on a node of the kind is worth more than, and patterns that are worth more than it costs."""
        parts, (grid, cells) = self.parts, self._grids[kind]
        active = np.flatnonzero((weight > 0) & (self.pods > 0) & parts.eligible[:, kind])
        active = active[(parts.need[active] <= parts.capacity[kind]).all(axis=1)]
        above = int(parts.price[kind] * (1 + NEAR))
        if not len(active):
            return above, []
        most = np.minimum(parts.most[active], self.pods[active])
        knapsack = Knapsack(
            need=np.ascontiguousarray(parts.need[active]),
            capacity=np.ascontiguousarray(parts.capacity[kind]),
            cells=np.ascontiguousarray(cells[active]),
            grid=grid,
            value=weight[active],
            most=most,
            clash=np.ascontiguousarray(parts.clash[np.ix_(active, active)]),
        )
        deepest = _most_pods(knapsack.need, most, knapsack.capacity)
        table = np.empty((len(grid), len(active) + 1, int(grid.max()) + 1), np.int64)
        worth_tables(knapsack, table)
        pattern = np.empty(len(active) * deepest, np.int32)
        start, worth = np.zeros(len(active) + 1, np.int64), np.zeros(len(active), np.int64)
        path = new_path(knapsack, deepest)
        found, bound = price_patterns(knapsack, table, path, above, tries, pattern, start, worth)
        best = np.argsort(-worth[:found], kind="stable")[:MOST_NEW].tolist()
        return bound, [
            Pattern(kind, tuple(sorted(active[pattern[start[each] : start[each + 1]]].tolist()))) for each in best
        ]


def proven(worth: int, offers: Sequence[tuple[int, int, int]]) -> Fraction:
    """
    The most that weights prove, scaled by whatever factor is best.

    Parameters
    ----------
    worth
        Of all pods together.
    offers
        Per kind: price, what no pattern is worth more than, and how many nodes there are.
    """
    best = Fraction(0)
    for price, most, _ in offers:
        scale = Fraction(price, max(most, 1))
        lost = sum((max(Fraction(0), scale * top - cost) * nodes for cost, top, nodes in offers), Fraction(0))
        best = max(best, scale * worth - lost)
    return best


def _grid(parts: Parts, kind: int) -> tuple[I64, I64]:
    """(resources,) cells of a node, (classes, resources) those that a pod takes; exact where they are few enough."""
    capacity, need = parts.capacity[kind], parts.need
    cells = min(MOST_GRID, max(1, MOST_CELLS // (len(need) * len(capacity))))
    step = np.maximum(np.gcd.reduce(need, axis=0), 1)
    exact = capacity // step <= cells
    grid = np.where(exact, capacity // step, cells)
    coarse = np.minimum(need.astype(np.float64) * (cells / np.maximum(capacity, 1)) * (1 - 1e-12), cells)
    return grid.astype(np.int64), np.where(exact, need // step, np.floor(coarse)).astype(np.int64)


def _most_pods(need: I64, most: I64, capacity: I64) -> int:
    """The most pods that a node takes: the smallest first, resource by resource."""
    least = int(most.sum())
    for column in range(need.shape[1]):
        order = np.argsort(need[:, column], kind="stable")
        sums = np.cumsum(need[order, column].astype(np.float64) * most[order])
        full = int(np.searchsorted(sums, capacity[column], side="right"))
        count = int(most[order[:full]].sum())
        if full < len(order):
            used = sums[full - 1] if full else 0.0
            count += int((float(capacity[column]) - used) // max(1, int(need[order[full], column]))) + 1
        least = min(least, count)
    return max(least, 1)
