"""
Whether pods can all be placed: proven, one way or the other, or not known.

Yes is a placement: found by placing, else by CP-SAT, in an order in which each binding is legal. No is proven by
counting or by CP-SAT on the hard rules of :mod:`placer.packing`. Pods that are not required may be placed or not; only
those that a required pod's affinity, spread or distinct domains count can be of help, and others are left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import Enum
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.eligible import allowed_nodes
from placer.encode.encode import Encoded, encode
from placer.encode.goals import encode_goals
from placer.encode.problem import Problem
from placer.engine import Run, pods_per_class, pods_to_place, prepare
from placer.infeasible.groups import part_of
from placer.kernels.terms import AFFINITY, AT_MOST, DISTINCT, SKEW, SOFT_COUNT
from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.packing.bounds import demand_of, supply_of, unplaced_bound
from placer.packing.case import Case, read_case
from placer.packing.model import Model, Placed, Search, run
from placer.prove import MOST_CELLS, MOST_ORDERED, arranged, more_exact, ordered

MOST_NODES = 1000
"""Nodes up to which CP-SAT is asked."""
WORK = 4.0
"""What CP-SAT is given for one question, in deterministic time, about seconds."""
HELPFUL = (AFFINITY, SKEW, DISTINCT)
"""Kinds of terms that a further pod may satisfy."""


class Verdict(Enum):
    """What is known."""

    feasible = "feasible"
    infeasible = "infeasible"
    unknown = "unknown"


class Answer(NamedTuple):
    """
    What a check came to.

    Attributes
    ----------
    core
        Where infeasible: places of groups whose pods cannot all be placed together; all of them where nothing smaller
        is known.
    by
        ``CP-SAT``, ``counting`` or ``placing``.
    """

    verdict: Verdict
    core: frozenset[int]
    by: str


class Clock(NamedTuple):
    """
    How long to go on.

    Attributes
    ----------
    deadline
        Of the monotonic clock, in seconds; infinite for none.
    stop
        Whether to come back with what there is for another reason.
    """

    deadline: float
    stop: Callable[[], bool] = lambda: False

    def over(self) -> bool:
        """Whether to come back now."""
        return time.monotonic() >= self.deadline or self.stop()

    def left(self, most: float) -> float:
        """Seconds left, at most so many."""
        return min(most, self.deadline - time.monotonic())


class Question:
    """
    Asks of one cluster.

    Parameters
    ----------
    required
        Rows of the pods of each group that must be placed.
    """

    def __init__(self, cluster: Cluster, required: Sequence[NDArray[np.int64]], clock: Clock, seed: int = 0) -> None:
        self.cluster, self.required, self.stop, self.seed = cluster, required, clock.over, seed
        self.all = frozenset(range(len(required)))

    def answer(self) -> Answer:
        """Placing, then counting, then CP-SAT."""
        if not self.required:
            return Answer(Verdict.feasible, frozenset(), "counting")
        pending = self.cluster.pod_table.node == PENDING
        encoded = encode(self.cluster)
        placeable = np.zeros(len(pending), bool)
        placeable[encoded.pending] = True
        for place, rows in enumerate(self.required):
            if not placeable[rows].all():
                return Answer(Verdict.infeasible, frozenset([place]), "counting")
        needed = np.zeros(len(pending), bool)
        needed[np.concatenate(self.required)] = True
        wanted = _per_class(encoded, np.flatnonzero(needed))
        helpful = helpers(encoded.problem, wanted > 0)
        sequence = encoded.pending[needed[encoded.pending] | helpful[encoded.class_of_pod[encoded.pending]]]
        again = _runs(self.cluster, encoded, sequence)
        if self._placed(again(), wanted):
            return Answer(Verdict.feasible, frozenset(), "placing")
        fresh = again()
        short = self._counted(encoded, fresh, wanted)
        if short is not None:
            return Answer(Verdict.infeasible, short, "counting")
        if len(encoded.problem.nodes.row) > MOST_NODES:
            return self._nearby(encoded, fresh, sequence)
        return self._packed(encoded, again, fresh, wanted)

    def _nearby(self, encoded: Encoded, fresh: Run, sequence: NDArray[np.int32]) -> Answer:
        """The same of the nodes only on which these pods may stand, where what stands elsewhere does not matter."""
        near = nearby(encoded.problem, fresh, np.unique(encoded.class_of_pod[sequence]))
        if near is None or near.sum() > MOST_NODES:
            return Answer(Verdict.unknown, frozenset(), "counting")
        nodes = np.zeros(len(near), bool)
        nodes[encoded.problem.nodes.row[near]] = True
        where = self.cluster.pod_table.node
        pods = (where >= 0) & nodes[where]
        pods[sequence] = True
        place = np.cumsum(pods) - 1
        part = part_of(self.cluster, pods, nodes)
        clock = Clock(inf, self.stop)
        return Question(part, [place[rows] for rows in self.required], clock, self.seed).answer()

    def _placed(self, placed: Run, wanted: NDArray[np.int64]) -> bool:
        """Whether placing one by one finds room for all that is required."""
        from placer.engine import class_of_slot, place

        place(placed, self.stop)
        bound = class_of_slot(placed.plan)[placed.log.line_of_slot >= 0]
        return bool((np.bincount(bound, minlength=len(wanted)) >= wanted).all())

    def _counted(self, encoded: Encoded, fresh: Run, wanted: NDArray[np.int64]) -> frozenset[int] | None:
        """Groups of which sums alone prove that some pod is left out: one where one is enough, or all; or none."""
        classes = encoded.problem.classes
        fits = (np.diff(classes.eligible_start) > 0)[classes.eligible]
        supply = supply_of(np.ascontiguousarray(fresh.state.free.T))

        def short(chosen: NDArray[np.bool_]) -> bool:
            return unplaced_bound(supply, demand_of(classes.need[chosen], wanted[chosen], fits[chosen])) > 0

        if not short(wanted > 0):
            return None
        for place, rows in enumerate(self.required):
            own = encoded.class_of_pod[rows]
            if wanted[own[0]] == len(rows) and short(np.arange(len(wanted)) == own[0]):
                return frozenset([place])
        return self.all

    def _packed(self, encoded: Encoded, again: Callable[[], Run], fresh: Run, wanted: NDArray[np.int64]) -> Answer:
        """CP-SAT on the whole, with more and more of the order of arrival in it."""
        unknown = Answer(Verdict.unknown, frozenset(), "CP-SAT")
        problem = encoded.problem
        pods = pods_to_place(fresh.plan)
        if int((pods > 0).sum()) * len(problem.nodes.row) > MOST_CELLS:
            return unknown
        of_group = [_per_class(encoded, rows) for rows in self.required]
        case = read_case(problem, fresh.state, pods)
        exact: frozenset[int] = frozenset()
        while not self.stop():
            now = case if not exact else read_case(problem, fresh.state, pods, exact)
            found = self._solved(now, of_group)
            if isinstance(found, Answer):
                return found
            _, left = arranged(now, again(), found)
            stood = _count(now, found, len(pods)) - np.bincount(np.array(left, np.int64), minlength=len(pods))
            if (stood >= wanted).all():
                return Answer(Verdict.feasible, frozenset(), "CP-SAT")
            wider = more_exact(case, exact, left)
            if wider == exact or ordered(case, wider) > MOST_ORDERED:
                return unknown
            exact = wider
        return unknown

    def _solved(self, case: Case, of_group: Sequence[NDArray[np.int64]]) -> Answer | Sequence[Placed]:
        """A placement of all that is required, or that there is none, with the groups that are enough for that."""
        from ortools.sat.python import cp_model

        model = Model(case)
        asked = [model.model.new_bool_var("") for _ in of_group]
        items: dict[int, list[int]] = {}
        for index, item in enumerate(case.items):
            items.setdefault(item.pod_class, []).append(index)
        for pod_class, listed in items.items():
            parts = [int(pods[pod_class]) * asked[group] for group, pods in enumerate(of_group) if pods[pod_class]]
            variables = [variable for index in listed for variable in model.variables.of(index)]
            if parts:
                model.model.add(sum(variables) >= sum(parts))
        model.model.add_assumptions(asked)
        solver, status = run(model.model, Search(WORK, 1, self.seed, 0.0, self.stop))
        if status == cp_model.INFEASIBLE:
            places = {literal.index: group for group, literal in enumerate(asked)}
            core = frozenset(places[index] for index in solver.sufficient_assumptions_for_infeasibility())
            return Answer(Verdict.infeasible, core or self.all, "CP-SAT")
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Answer(Verdict.unknown, frozenset(), "CP-SAT")
        return model.read(solver)


def helpers(problem: Problem, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(classes,) whose pods may help to place those chosen: their rules count them where more may be better."""
    classes, terms = problem.classes, problem.terms
    owner = np.repeat(np.arange(len(chosen)), np.diff(classes.term_start))
    adder = np.repeat(np.arange(len(chosen)), np.diff(classes.adds_start))
    matters = np.isin(terms.kind, HELPFUL) & (terms.kind < SOFT_COUNT)
    found = chosen.copy()
    while True:
        counters = np.unique(terms.counter[matters & found[owner]])
        more = found.copy()
        more[adder[np.isin(classes.adds, counters)]] = True
        if (more == found).all():
            return found & ~chosen
        found = more


def nearby(problem: Problem, fresh: Run, classes: NDArray[np.integer[Any]]) -> NDArray[np.bool_] | None:
    """
    (nodes,) where some pod of these classes may stand now; ``None`` where what stands on other nodes may matter.

    It does not where no rule but upper limits over domains of which all nodes are kept looks at others.
    """
    nodes, terms, own = problem.nodes, problem.terms, problem.classes
    near = np.zeros(len(nodes.row), bool)
    for pod_class in classes.tolist():
        asked = own.need[pod_class] > 0
        room = (fresh.state.free[asked] >= own.need[pod_class][asked, None]).all(axis=0)
        near |= room & allowed_nodes(problem, int(own.eligible[pod_class]))
        if problem.claims.start[pod_class] < problem.claims.start[pod_class + 1]:
            return None
    for pod_class in classes.tolist():
        for term in range(int(own.term_start[pod_class]), int(own.term_start[pod_class + 1])):
            domain = nodes.domain[problem.counters.key[terms.counter[term]]]
            if terms.kind[term] < SOFT_COUNT and (
                terms.kind[term] != AT_MOST or np.isin(domain[~near], np.unique(domain[near & (domain >= 0)])).any()
            ):
                return None
    return near


def has_helpers(cluster: Cluster, required: Sequence[NDArray[np.int64]]) -> bool:
    """Whether pending pods that are not required may help those that are."""
    encoded = encode(cluster)
    rows = np.concatenate(required)
    helpful = helpers(encoded.problem, _per_class(encoded, rows) > 0)
    waiting = np.setdiff1d(encoded.pending, rows)
    return bool(helpful[encoded.class_of_pod[waiting]].any())


def _per_class(encoded: Encoded, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    classes = len(encoded.problem.classes.priority)
    return np.bincount(encoded.class_of_pod[rows], minlength=classes).astype(np.int64)


def _runs(cluster: Cluster, encoded: Encoded, sequence: NDArray[np.int32]) -> Callable[[], Run]:
    goals: Any = encode_goals(encoded, [(("pack", 1.0),)], pods_per_class(encoded))
    return lambda: prepare(cluster, encoded, goals, sequence)


def _count(case: Case, placed: Sequence[Placed], classes: int) -> NDArray[np.int64]:
    return np.bincount([case.items[each.item].pod_class for each in placed], minlength=classes).astype(np.int64)
