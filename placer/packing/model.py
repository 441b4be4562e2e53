"""The whole problem as a CP-SAT model, solved level by level of the objective."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

from placer.packing.case import Case
from placer.packing.constraints import Constraints
from placer.packing.devices import Devices
from placer.packing.order import Order
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

WORK = 10.0
"""What CP-SAT is given for a level in deterministic time, about seconds."""
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


class Level(NamedTuple):
    """
    One comparison of the objective: what is minimised once the levels before are equal.

    Attributes
    ----------
    priority
        Unplaced pods of this priority; ``None`` is the sum of prices of used nodes, in millionths.
    """

    priority: int | None


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
    """

    work: float
    workers: int
    seed: int
    gap: float
    stop: Callable[[], bool]


class Solved(NamedTuple):
    """
    What a level came to.

    Attributes
    ----------
    bound
        Proven: no placement that is best in the levels before has less.
    closed
        Whether ``bound`` is reached by ``placed``.
    placed
        The best placement found; ``None`` without one.
    """

    bound: int
    closed: bool
    placed: Sequence[Placed] | None


class Model:
    """The model of a case."""

    def __init__(self, case: Case) -> None:
        from ortools.sat.python import cp_model

        self.case = case
        self.model = cp_model.CpModel()
        self.variables = Variables(self.model, case)
        Devices(self.model, case, self.variables).add()
        Constraints(self.model, case, self.variables).add()
        self.order = Order(self.model, case, self.variables)
        self.order.add()
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

    def unplaced(self, priority: int) -> Any:
        """Pods of a priority without a node."""
        chosen = [
            index
            for index, item in enumerate(self.case.items)
            if self.case.problem.classes.priority[item.pod_class] == priority
        ]
        placed = [variable for index in chosen for variable in self.variables.of(index)]
        return sum(self.case.items[index].pods for index in chosen) - sum(placed)

    def pack(self) -> tuple[Any, int]:
        """Prices of used nodes over their greatest common divisor, and that divisor."""
        prices = self.case.problem.nodes.price.tolist()
        divisor = gcd(*prices) or 1
        return sum(price // divisor * used for price, used in zip(prices, self.variables.used, strict=True)), divisor

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

    def solve(self, level: Level, search: Search) -> Solved:
        """Minimises one level and keeps what it came to, if that is proven, as a constraint for the next."""
        expression, divisor = self.pack() if level.priority is None else (self.unplaced(level.priority), 1)
        if isinstance(expression, int):
            return Solved(expression * divisor, True, None)
        from ortools.sat.python import cp_model

        self.model.minimize(expression)
        solver, status = run(self.model, search)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Solved(0, False, None)
        bound = round_up(solver.best_objective_bound)
        closed = bound >= solver.objective_value - 0.5
        if closed:
            self.model.add(expression == bound)
        return Solved(bound * divisor, closed, self.read(solver))

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
    return int(-((-bound + 1e-6) // 1))


def equal_nodes(case: Case) -> list[tuple[int, int]]:
    """Pairs of empty nodes, neighbours in order, that nothing tells apart: exchanging them changes no rule."""
    nodes, units, state = case.problem.nodes, case.problem.units, case.state
    last: dict[object, int] = {}
    pairs = []
    for node in range(len(nodes.row)):
        if state.pods[node]:
            continue
        mine = slice(units.start[node], units.start[node + 1])
        domains = tuple(
            -2 if domain >= 0 and (nodes.domain[key] == domain).sum() == 1 else int(domain)
            for key, domain in enumerate(nodes.domain[:, node])
        )
        parts = (state.free[:, node], units.kind[mine], units.attributes[mine], units.zone[mine], state.unit_free[mine])
        mark = (int(nodes.segment[node]), int(nodes.price[node]), domains, *(part.tobytes() for part in parts))
        if mark in last:
            pairs.append((last[mark], node))
        last[mark] = node
    return pairs
