"""The whole problem as a CP-SAT model, solved level by level of the objective."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.cells import cells
from placer.packing.case import Case
from placer.packing.claims import Claims
from placer.packing.constraints import Constraints
from placer.packing.devices import Devices
from placer.packing.goals import Goals, Level, radix
from placer.packing.order import Order
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

WORK = 10.0
"""What CP-SAT is given for a level in deterministic time, about seconds."""
MOST_WEIGHT = 2**45
"""The largest sum in which levels are weighed together; what floating point holds is more."""
LOOK = 0.02
"""Seconds between two looks at whether to stop."""


class Placed(NamedTuple):
    """
    One pod of an item on a node.

    Attributes
    ----------
    units
        The (unit, need) pairs that it takes; need -1 is its NUMA zone.
    time
        When it arrives, where that was chosen; else -1.
    """

    item: int
    node: int
    units: Sequence[tuple[int, int]]
    time: int = -1


class Search(NamedTuple):
    """
    How to solve.

    Attributes
    ----------
    work
        A limit in CP-SAT's deterministic time, level by level.
    gap
        How far from the bound, relatively, the last level may stop.
    stop
        Whether to come back with what there is.
    quick
        Whether the work is better spent on searching than on simplifying the model: where an answer is known, and most
        of the work would go into presolving.
    """

    work: float
    workers: int
    seed: int
    gap: float
    stop: Callable[[], bool]
    quick: bool = False


class Solved(NamedTuple):
    """
    What a stage came to.

    Attributes
    ----------
    bound
        Proven, level by level: no placement that is best in the levels before has less.
    closed
        Whether ``bound`` is reached by ``placed``.
    placed
        The best placement found; ``None`` without one.
    ended
        Whether it is closed, or as close as the gap asks for.
    """

    bound: Sequence[float]
    closed: bool
    placed: Sequence[Placed] | None
    ended: bool = False


class Stopped(Exception):  # noqa: N818 - no error: the way out of a model that is being built
    """A model was to stop before it was written."""


class Model:
    """
    The model of a case.

    Parameters
    ----------
    stop
        Asked while the model is built, which may take a second.

    Raises
    ------
    Stopped
        It said so; also where more is written later, by ``stages``, ``hint`` or ``solve``.
    """

    def __init__(self, case: Case, stop: Callable[[], bool] = lambda: False) -> None:
        from placer.packing.stoppable import StoppableModel

        self.case = case
        self.model: cp_model.CpModel = StoppableModel(stop, Stopped)
        self.variables = Variables(self.model, case)
        Devices(self.model, case, self.variables).add()
        Constraints(self.model, case, self.variables).add()
        Claims(self.model, case, self.variables).add()
        self.order = Order(self.model, case, self.variables)
        self.order.add()
        self.goals = Goals(self.model, case, self.variables)
        self._in_turn()

    def _in_turn(self) -> None:
        """Of equal nodes, and of equal pods that take units, the first are used first."""
        for before, after in equal_nodes(self.case):
            earlier, later = self.variables.used[before], self.variables.used[after]
            if not isinstance(earlier, int) and not isinstance(later, int):
                self.model.add_implication(later, earlier)
        items = self.case.items
        for index in range(len(items) - 1):
            if items[index].pod_class == items[index + 1].pod_class:
                first, second = self.variables.of(index), self.variables.of(index + 1)
                if first:
                    self.model.add(sum(first) >= sum(second))

    def stages(self, asked: Sequence[Level], together: bool) -> list[list[Level]]:
        """Neighbouring levels whose sum stays small, ``together`` where they may be."""
        found: list[list[Level]] = []
        for level in asked:
            if found and together:
                most = [self.goals.of(each).most for each in (*found[-1], level)]
                if radix(most)[0] * (most[0] + 1) <= MOST_WEIGHT:
                    found[-1].append(level)
                    continue
            found.append([level])
        return found

    def hint(self, placed: Sequence[Placed]) -> None:
        """Starts the search from a placement."""
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        count: dict[tuple[int, int], int] = {}
        taken: set[tuple[int, int, int, int]] = set()
        for item, node, units, _ in placed:
            count[item, node] = count.get((item, node), 0) + 1
            taken |= {(item, node, need, unit) for unit, need in units}
        for pair, variable in self.variables.x.items():
            self.model.add_hint(variable, count.get(pair, 0))
        for (item, node), takings in self.variables.units.items():
            for need, unit, literal in takings:
                self.model.add_hint(literal, (item, node, need, unit) in taken)
        used = {each.node for each in placed}
        for node, literal in enumerate(self.variables.used):
            if not isinstance(literal, int):
                self.model.add_hint(literal, node in used)

    def solve(self, stage: Sequence[Level], search: Search) -> Solved:
        """Minimises levels that are weighed in one sum; what they came to is kept for the stage after, if proven."""
        from ortools.sat.python import cp_model

        goals = [self.goals.of(level) for level in stage]
        weights = radix([goal.most for goal in goals])
        self.model.minimize(sum(weight * goal.value for weight, goal in zip(weights, goals, strict=True)))
        solver, status = run(self.model, search)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Solved([level.least for level in stage], False, None)
        bound = round_up(solver.best_objective_bound)
        closed = bound >= solver.objective_value - max(0.5, solver.objective_value * 2.0**-50)
        least = []
        for weight, goal in zip(weights, goals, strict=True):
            least.append(goal.amount(bound // weight))
            if closed:
                self.model.add(goal.value <= goal.limit(solver))
            bound %= weight
        return Solved(least, closed, self.read(solver), closed or status == cp_model.OPTIMAL)

    def read(self, solver: cp_model.CpSolver) -> list[Placed]:
        """The placement that a solver found."""
        found = []
        for (item, node), variable in self.variables.x.items():
            for _ in range(solver.value(variable)):
                takings = self.variables.units.get((item, node), ())
                units = [(unit, need) for need, unit, taken in takings if solver.value(taken)]
                time = solver.value(self.order.time[item]) if item in self.order.time else -1
                found.append(Placed(item, node, units, time))
        return found


def run(model: cp_model.CpModel, search: Search) -> tuple[cp_model.CpSolver, Any]:
    """Solves a model within the limits of a search; whether to stop is asked every ``LOOK`` seconds."""
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = search.workers
    parameters.random_seed = search.seed % 2**31
    parameters.max_deterministic_time = search.work
    parameters.relative_gap_limit = search.gap
    if search.quick:
        parameters.cp_model_probing_level = 0
        parameters.max_presolve_iterations = 1
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK):
            if search.stop():
                solver.stop_search()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return solver, solver.solve(model)
    finally:
        done.set()
        watcher.join()


def round_up(bound: float) -> int:
    """The least integer that is not below a bound, as far as floating point tells."""
    return int(-((-bound + max(1e-6, abs(bound) * 2.0**-50)) // 1))


def equal_nodes(case: Case) -> list[tuple[int, int]]:
    """Pairs of empty nodes, neighbours in order, that nothing tells apart: exchanging them changes no rule or cost."""
    nodes, units, state = case.problem.nodes, case.problem.units, case.state
    costs, domains = cost_marks(case), domain_marks(case)
    last: dict[object, int] = {}
    pairs = []
    for node in range(len(nodes.row)):
        if state.pods[node]:
            continue
        mine = slice(units.start[node], units.start[node + 1])
        parts = (state.free[:, node], units.kind[mine], units.attributes[mine], units.zone[mine], state.unit_free[mine])
        columns = domains[:, node], costs[:, node], case.allowed[:, node]
        mark = (int(nodes.segment[node]), int(nodes.price[node]), *(part.tobytes() for part in (*parts, *columns)))
        if mark in last:
            pairs.append((last[mark], node))
        last[mark] = node
    return pairs


def domain_marks(case: Case) -> NDArray[np.int64]:
    """(keys, nodes) the domain of each node; -2 where that is of one node and nothing is counted there."""
    domain = case.problem.nodes.domain.astype(np.int64)
    for key, row in enumerate(domain):
        empty = np.ones(int(row.max(initial=-1)) + 2, bool)
        for counter in np.flatnonzero(case.problem.counters.key == key).tolist():
            standing = case.standing[counter]
            empty[: len(standing)] &= standing[: len(empty)] == 0
        domain[key] = _marked(row, empty)
    return domain


def _marked(row: NDArray[np.int64], empty: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Domains of one node that are empty as -2."""
    nodes: NDArray[np.int64] = np.bincount(row[row >= 0], minlength=len(row) + 1)[row]
    found: NDArray[np.int64] = np.where((row >= 0) & (nodes == 1) & empty[row], -2, row)
    return found


def cost_marks(case: Case) -> NDArray[np.float64]:
    """(marks, nodes) columns that are equal where terms of goals do not tell nodes apart."""
    costs = case.problem.costs
    rows = [costs.wish_cost]
    for key, domain in enumerate(costs.domain.astype(np.int64)):
        empty = np.ones(int(domain.max(initial=-1)) + 2, bool)
        for measured in np.flatnonzero(costs.key == key).tolist():
            grid = cells(costs, case.state, measured)
            anything: NDArray[np.bool_] = np.asarray(grid.any(axis=0), bool)[: len(empty)]
            empty[: len(anything)] &= ~anything
        rows.append(_marked(domain, empty)[None, :].astype(np.float64))
    keys = [costs.key[costs.of[first]] if first < last else 0 for first, last in pairwise(costs.first.tolist())]
    for table, key_of in ((costs.weight, keys), (costs.scale, costs.key.tolist())):
        for values, key in zip(table, key_of, strict=True):
            domain = costs.domain[key]
            rows.append(np.where(domain >= 0, values[domain], 0.0)[None, :])
    return np.ascontiguousarray(np.concatenate(rows))
