"""
The model that everybody writes: a literal per pod and node, in CP-SAT and in HiGHS, one weighted objective.

It knows capacity and static rules; no rule between pods, no units and no order, so that where a cluster has them its
answer may break them, and is better.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Plain(NamedTuple):
    """
    A cluster as the model sees it.

    Attributes
    ----------
    need, priority, allowed
        Per pending pod its request, priority and nodes.
    free, price, used
        Per node.
    """

    need: NDArray[np.int64]
    priority: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    free: NDArray[np.int64]
    price: NDArray[np.int64]
    used: NDArray[np.bool_]


class LateError(Exception):
    """The model is not built within the time."""


class Writer(Protocol):
    """What the model needs of a solver."""

    def literal(self) -> Any:
        """A new variable, 0 or 1."""

    def at_most_one(self, variables: list[Any]) -> None:
        """No two of them."""

    def implies(self, first: Any, second: Any) -> None:
        """The second where the first is."""

    def at_most(self, variables: list[Any], factors: list[int], most: int) -> None:
        """A linear constraint."""

    def minimize(self, variables: list[Any], factors: list[int]) -> None:
        """The objective."""

    def solve(self, seconds: float) -> Callable[[Any], bool] | None:
        """Which variables are set in the best answer found, if any."""


def solve(given: Plain, writer: Writer, deadline: float) -> list[tuple[int, int]] | None:
    """
    (pod, node) pairs of the best answer found by the deadline, ``None`` where there is none.

    Raises
    ------
    LateError
        The deadline passed before the model was built.
    """
    x: dict[tuple[int, int], Any] = {}
    pods_of: list[list[int]] = [[] for _ in given.free]
    for pod, allowed in enumerate(given.allowed):
        nodes = np.flatnonzero(allowed).tolist()
        for node in nodes:
            x[pod, node] = writer.literal()
            pods_of[node].append(pod)
        writer.at_most_one([x[pod, node] for node in nodes])
        if time.perf_counter() > deadline:
            raise LateError(f"{len(x):,} of {int(given.allowed.sum()):,} literals were written within the time")
    cost = weights(given)
    objective = [(variable, -cost[pod]) for (pod, _), variable in x.items()]
    for node, pods in enumerate(pods_of):
        here = [x[pod, node] for pod in pods]
        opened = [] if given.used[node] else [writer.literal()]
        objective += [(variable, int(given.price[node])) for variable in opened]
        _fit(writer, given, node, pods, here, opened)
        if time.perf_counter() > deadline:
            raise LateError(f"the rules of {node + 1:,} of {len(pods_of):,} nodes were written within the time")
    writer.minimize([variable for variable, _ in objective], [factor for _, factor in objective])
    is_set = writer.solve(max(0.01, deadline - time.perf_counter()))
    return None if is_set is None else [pair for pair, variable in x.items() if is_set(variable)]


def _fit(writer: Writer, given: Plain, node: int, pods: list[int], here: list[Any], opened: list[Any]) -> None:
    """What stands on a node fits it, and opens it."""
    for resource, room in enumerate(given.free[node].tolist()):
        needs = given.need[pods, resource].tolist()
        terms = [(variable, need) for variable, need in zip(here, needs, strict=True) if need]
        variables, factors = [variable for variable, _ in terms], [need for _, need in terms]
        if opened:
            writer.at_most([*variables, *opened], [*factors, -room], 0)
        else:
            writer.at_most(variables, factors, room)
    for variable in here:
        for each in opened:
            writer.implies(variable, each)


def weights(given: Plain) -> list[int]:
    """What leaving a pod out costs, so that priorities come first, then the price of nodes."""
    level = np.unique(given.priority, return_inverse=True)[1]
    one, base = int(given.price.sum()) + 1, len(given.priority) + 1
    return [base ** int(place) * one for place in level]


class CpSat:
    """The model in CP-SAT."""

    def __init__(self) -> None:
        from ortools.sat.python import cp_model

        self.model = cp_model.CpModel()
        self._sum = cp_model.LinearExpr.weighted_sum

    def literal(self) -> Any:
        """A new variable, 0 or 1."""
        return self.model.new_bool_var("")

    def at_most_one(self, variables: list[Any]) -> None:
        """No two of them."""
        self.model.add_at_most_one(variables)

    def implies(self, first: Any, second: Any) -> None:
        """The second where the first is."""
        self.model.add_implication(first, second)

    def at_most(self, variables: list[Any], factors: list[int], most: int) -> None:
        """A linear constraint."""
        self.model.add(self._sum(variables, factors) <= most)

    def minimize(self, variables: list[Any], factors: list[int]) -> None:
        """The objective."""
        self.model.minimize(self._sum(variables, factors))

    def solve(self, seconds: float) -> Callable[[Any], bool] | None:
        """Two threads."""
        from ortools.sat.python import cp_model

        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 2
        if solver.solve(self.model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        return lambda variable: bool(solver.value(variable))


class Highs:
    """The model in HiGHS, by way of MathOpt, which gives back what is found when the time ends."""

    def __init__(self) -> None:
        from ortools.math_opt.python import mathopt

        self.model = mathopt.Model()

    def literal(self) -> Any:
        """A new variable, 0 or 1."""
        return self.model.add_binary_variable()

    def at_most_one(self, variables: list[Any]) -> None:
        """No two of them."""
        self.at_most(variables, [1] * len(variables), 1)

    def implies(self, first: Any, second: Any) -> None:
        """The second where the first is."""
        self.at_most([first, second], [1, -1], 0)

    def at_most(self, variables: list[Any], factors: list[int], most: int) -> None:
        """A linear constraint."""
        row = self.model.add_linear_constraint(ub=float(most))
        for variable, factor in zip(variables, factors, strict=True):
            row.set_coefficient(variable, float(factor))

    def minimize(self, variables: list[Any], factors: list[int]) -> None:
        """The objective."""
        self.model.objective.is_maximize = False
        for variable, factor in zip(variables, factors, strict=True):
            self.model.objective.set_linear_coefficient(variable, float(factor))

    def solve(self, seconds: float) -> Callable[[Any], bool] | None:
        """As many threads as HiGHS chooses."""
        from ortools.math_opt.python import mathopt

        limit = mathopt.SolveParameters(time_limit=timedelta(seconds=seconds))
        with silent():
            result = mathopt.solve(self.model, mathopt.SolverType.HIGHS, params=limit)
        if not result.has_primal_feasible_solution():
            return None
        values = result.variable_values()
        return lambda variable: bool(values[variable] > 0.5)


@contextmanager
def silent() -> Iterator[None]:
    """HiGHS prints on the process's stdout, which is for results."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
