"""Proof: how much better an answer could be, and the best one where the problem is small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.costs import ELSEWHERE, stands, term_values
from placer.encode.problem import Problem
from placer.engine import Run, class_of_slot, pods_per_class, pods_to_place
from placer.filling import pattern_bound
from placer.goals import Tier
from placer.kernels import costs as kinds
from placer.model.cluster import Cluster
from placer.model.pod import GPU
from placer.model.table import UNKNOWN
from placer.model.units import units
from placer.objective import all_terms, zoneless
from placer.packing.arrange import arrange
from placer.packing.case import Case, Stood, Typical, read_case
from placer.packing.floors import least_of_terms
from placer.packing.goals import PRICE_UNIT, Level, beats, closed, writable
from placer.packing.large import counting
from placer.packing.model import Model, Placed, Search, Stopped
from placer.solution import Solution

MOST_CELLS = 10_000
"""Items × nodes up to which the whole problem is given to CP-SAT."""

MOST_ORDERED = 150
"""Pods up to which the order of arrival is modelled: each two of them are compared."""


class Proof(NamedTuple):
    """
    What was proven of a run.

    Attributes
    ----------
    run
        The best placement known.
    bound
        Per tier, ``unplaced`` first: no answer that is best in the tiers before has less.
    optimal
        Whether no answer is better.
    by
        What the bounds were proven by.
    """

    run: Run
    bound: Mapping[str, float]
    optimal: bool
    by: str

    def state(self, solution: Solution, gap: float | None) -> None:
        """Writes into the run's solution what was proven; ``gap`` is what was close enough."""
        solution.bound = self.bound
        solution.gap = first_gap(solution.objective, self.bound)
        solution.status = "optimal" if self.optimal else "feasible"
        solution.statistics["bound"] = self.by
        if solution.stopped == "done" and gap is not None and 0.0 < solution.gap <= gap:
            solution.stopped = "gap_limit"

    def relaxed(self, best: Solution, other: Solution) -> Proof:
        """
        What is proven of another answer to the same problem, which had to keep more than the bounds know of.

        A bound holds for answers that are best in all that comes before: for another one as far as it is as good as
        the best known, and for the first tier in which it is not. What comes later is bounded by nothing.
        """
        bound = dict.fromkeys(self.bound, 0.0)
        equal = list(best.unplaced_by_priority.items()) == list(other.unplaced_by_priority.items())
        if not equal and len({*best.unplaced_by_priority, *other.unplaced_by_priority}) > 1:
            return Proof(self.run, bound, False, self.by)
        for key, value in self.bound.items():
            bound[key] = value
            equal = equal and closed(other.objective[key], best.objective[key])
            if not equal:
                break
        return Proof(self.run, bound, self.optimal and equal, self.by)


def first_gap(objective: Mapping[str, float], bound: Mapping[str, float]) -> float:
    """(objective - bound) / max(1, objective) of the first tier that is not closed; 0 where all are."""
    for key, value in objective.items():
        if not closed(value, bound[key]):
            return (value - bound[key]) / max(1.0, abs(value))
    return 0.0


def prove(
    cluster: Cluster,
    again: Callable[[], Run],
    run: Run,
    tiers: Sequence[Tier],
    search: Search,
    blocked: int,
    priced: int | None = None,
) -> Proof:
    """
    Bounds on every tier, and a better placement where one is found.

    Tiers are read from the problem's costs, ``pack`` alone from prices; bounds are 0 from the first tier on of which
    neither is there.

    Parameters
    ----------
    again
        A run of the same problem in which nothing is placed yet.
    run
        Placed as far as it goes; it is not changed.
    blocked
        Pods that are decided and can never be placed.
    priced
        What nodes filled by patterns are known to cost at least, millionths; worked out here where it is not given.
    """
    asked = levels(run, tiers, elsewhere=True)
    measure = Measure(cluster, asked)
    known = measure.of(run)
    fresh = again()
    problem = run.encoded.problem
    pending = pods_to_place(run.plan)
    least = counting(problem, fresh.state, pending, asked, known)
    by = "counting"
    price = open_price(asked, known, least)
    if price is not None and not is_small(run) and (priced is not None or not search.stop()):
        if priced is None:
            priced = pattern_bound(run, fresh.state, search.stop)
        weighed = asked[price].prices * (priced / PRICE_UNIT)
        if weighed > least[price]:
            least[price], by = weighed, "patterns"
    if not all(map(closed, known, least)) and is_small(run) and not search.stop():
        case = read_case(problem, fresh.state, pending, stood=stood(cluster, fresh), typical=typical(cluster, fresh))
        least, run = whole(case, again, run, measure, least, search)
        by = "CP-SAT"
        known = measure.of(run)
    every = sum(level.priority is None for level in asked) == len(tiers)
    floors = least_of_tiers(run, tiers)
    return Proof(
        run, bounds_by_tier(floors, asked, known, least, blocked), every and all(map(closed, known, least)), by
    )


def stood(cluster: Cluster, fresh: Run) -> Stood:
    """The pods that stand already; ``fresh`` is a run in which nothing else does."""
    pairs, counts = np.unique(np.stack(stands(fresh)), axis=1, return_counts=True)
    zones = zoneless(cluster) if kinds.WISHES in fresh.encoded.problem.costs.kind else 0
    return Stood(pairs[0].astype(np.int64), pairs[1].astype(np.int64), counts.astype(np.int64), zones)


def typical(cluster: Cluster, run: Run) -> Typical:
    """The pods that fragmentation is about: all but those that stand on a node that is not there."""
    encoded = run.encoded
    kind = encoded.kinds.index(GPU) if GPU in encoded.kinds else -1
    rows = [row for row, name in enumerate(encoded.resources) if not name.startswith(("attach:", "device:"))]
    needs, counted = units(cluster).needs, cluster.pod_table.node != UNKNOWN
    asks = np.array([any(need.kind == GPU for need in listed) for listed in needs.values], bool)[needs.codes]
    unknown = int((counted & asks & (encoded.class_of_pod < 0)).sum())
    return Typical(kind, pods_per_class(encoded), int(counted.sum()), unknown, rows)


def open_price(asked: Sequence[Level], known: Sequence[float], least: Sequence[float]) -> int | None:
    """The level that is the sum of prices, where it is not closed and all pods are placed; ``None`` otherwise."""
    for place, level in enumerate(asked):
        if level.priority is None:
            return place if level.prices and not closed(known[place], least[place]) else None
        if known[place]:
            return None
    return None


def cells(problem: Problem, pending: NDArray[np.int64]) -> int:
    """Items × nodes: pods that take units are items of their own, others one a class."""
    apart = (np.diff(problem.classes.unit_start) > 0) | (problem.classes.numa > 0)
    return int(np.where(apart, pending, pending > 0).sum()) * len(problem.nodes.row)


def is_small(run: Run) -> bool:
    """Whether the whole problem is given to CP-SAT."""
    return cells(run.encoded.problem, pods_to_place(run.plan)) <= MOST_CELLS


def unplaced_levels(run: Run) -> list[Level]:
    """Unplaced pods by priority, most important first."""
    priorities = run.encoded.problem.classes.priority[pods_to_place(run.plan) > 0]
    return [Level(int(priority)) for priority in np.unique(priorities)[::-1]]


def levels(run: Run, tiers: Sequence[Tier], elsewhere: bool = False) -> list[Level]:
    """
    Unplaced pods by priority, most important first; then the tiers, up to the first that no model can write.

    Parameters
    ----------
    elsewhere
        Whether tiers are among them that a run's arrays do not tell: fragmentation and wishes.
    """
    costs, floors, found = run.encoded.problem.costs, least_of_tiers(run, tiers), unplaced_levels(run)
    for number, tier in enumerate(tiers):
        terms = np.flatnonzero(costs.tier == number).tolist()
        if [part.name for part in tier.parts] == ["pack"]:
            found.append(Level(None, (), tier.parts[0].weight))
        elif terms and all(
            writable(int(costs.kind[term]), float(costs.factor[term]))
            and (elsewhere or costs.kind[term] not in ELSEWHERE)
            for term in terms
        ):
            found.append(Level(None, tuple(terms), least=floors[tier.key]))
        else:
            break
    return found


def least_of_tiers(run: Run, tiers: Sequence[Tier]) -> dict[str, float]:
    """What each tier comes to at least, whatever is proven."""
    floors = least_of_terms(run.encoded.problem, pods_per_class(run.encoded))
    return {tier.key: float(floors[run.encoded.problem.costs.tier == n].sum()) for n, tier in enumerate(tiers)}


def values(run: Run, asked: Sequence[Level], terms: NDArray[np.float64] | None = None) -> list[float]:
    """
    What a run comes to, level by level.

    Parameters
    ----------
    terms
        (terms,) what each term comes to; by default as the run's arrays tell.
    """
    problem = run.encoded.problem
    left = problem.classes.priority[class_of_slot(run.plan)[run.log.line_of_slot < 0]]
    if terms is None:
        terms = term_values(run) if any(level.terms for level in asked) else np.zeros(0)
    found = []
    for level in asked:
        if level.priority is not None:
            found.append(float((left == level.priority).sum()))
        elif level.prices:
            found.append(level.prices * (float(problem.nodes.price[run.state.pods > 0].sum()) / PRICE_UNIT))
        else:
            found.append(float(terms[list(level.terms)].sum()))
    return found


class Measure:
    """What runs come to, level by level, whatever the terms."""

    def __init__(self, cluster: Cluster, asked: Sequence[Level]) -> None:
        self.cluster, self.asked = cluster, asked

    def of(self, run: Run) -> list[float]:
        """One run."""
        some = any(level.terms for level in self.asked)
        return values(run, self.asked, all_terms(self.cluster, run) if some else None)


def whole(
    case: Case, again: Callable[[], Run], run: Run, measure: Measure, least: list[float], search: Search
) -> tuple[list[float], Run]:
    """
    The whole problem by CP-SAT: bounds level by level, and the best run known.

    A placement for which no legal order is found is modelled again, with the order of those that were left over.
    """
    exact: frozenset[int] = frozenset()
    always, known = least, measure.of(run)
    while True:
        now = case if not exact else read_case(case.problem, case.state, pods_of(case), exact, case.stood, case.typical)
        low, found = _solve(now, placed_by(now, run), measure.asked, always, search)
        least = max(least, low)
        if found is None or all(map(closed, known, least)):
            return least, run
        other, left = arranged(now, again(), found, search.stop)
        if beats(measure.of(other), known):
            run, known = other, measure.of(other)
        wider = more_exact(case, exact, left)
        if not left or wider == exact or ordered(case, wider) > MOST_ORDERED or search.stop():
            return least, run
        exact = wider


def _solve(
    case: Case,
    start: Sequence[Placed],
    asked: Sequence[Level],
    least: Sequence[float],
    search: Search,
) -> tuple[list[float], Sequence[Placed] | None]:
    """Level by level, each with the levels before at their best: bounds, and the last placement found."""
    found: Sequence[Placed] | None = None
    low, done = list(least), 0
    # Where a model is to stop before it is written, what the stages before came to is kept.
    with suppress(Stopped):
        model = Model(case, search.stop)
        model.hint(start)
        for stage in model.stages(asked, together=search.gap == 0):
            solved = model.solve(stage, search)
            low[done : done + len(stage)] = max(low[done : done + len(stage)], list(solved.bound))
            done += len(stage)
            if solved.placed is not None:
                found = solved.placed
                model.hint(found)
            if not solved.closed or search.stop():
                break
    return low, found


def more_exact(case: Case, exact: frozenset[int], left: Sequence[int]) -> frozenset[int]:
    """More classes to model in order: those left over; else those that have a counter in common with them; with all."""
    for wider in (frozenset(left), near(case, frozenset(left)), near(case, exact)):
        if not exact.issuperset(wider):
            return exact | wider
    return exact


def near(case: Case, classes: frozenset[int]) -> frozenset[int]:
    """Classes with rules that look at, or are counted by, what the rules of some look at or what counts these."""
    touched = {rule.counter for pod_class in classes for rule in case.rules[pod_class]}
    touched |= set(np.flatnonzero(case.members[:, sorted(classes)].any(axis=1)).tolist())
    counted: NDArray[np.bool_] = np.any(case.members[sorted(touched)], axis=0)
    ruled = {item.pod_class for item in case.items if case.rules[item.pod_class]}
    return frozenset(
        each for each in ruled if counted[each] or touched.intersection(rule.counter for rule in case.rules[each])
    )


def ordered(case: Case, exact: frozenset[int]) -> int:
    """How many pods have a place in the order where these classes are modelled in it."""
    counters = {rule.counter for pod_class in exact for rule in case.rules[pod_class]}
    counted: NDArray[np.bool_] = np.any(case.members[sorted(counters)], axis=0)
    return sum(item.pods for item in case.items if item.pod_class in exact or counted[item.pod_class])


def pods_of(case: Case) -> NDArray[np.int64]:
    """(classes,) pods to place."""
    pods = np.zeros(len(case.rules), np.int64)
    for item in case.items:
        pods[item.pod_class] += item.pods
    return pods


def placed_by(case: Case, run: Run) -> list[Placed]:
    """A run's bindings as a model has them."""
    plan, log = run.plan, run.log
    items: dict[int, list[int]] = {}
    for index, item in enumerate(case.items):
        items.setdefault(item.pod_class, []).extend([index] * item.pods)
    found = []
    for pod_class, listed in items.items():
        slots = range(int(plan.first_slot[pod_class]), int(plan.last_slot[pod_class]))
        lines = [int(log.line_of_slot[slot]) for slot in slots if log.line_of_slot[slot] >= 0]
        for index, line in zip(listed, lines, strict=False):
            span = slice(log.unit_start[line], log.unit_start[line + 1])
            units = zip(log.unit[span].tolist(), log.unit_need[span].tolist(), strict=True)
            found.append(Placed(index, int(log.node[line]), list(units)))
    return found


def arranged(
    case: Case, run: Run, placed: Sequence[Placed], stop: Callable[[], bool] = lambda: False
) -> tuple[Run, list[int]]:
    """A fresh run with these pods bound in a legal order, and the classes of which pods are left over."""
    from placer.kernels.bind import hold_units, put
    from placer.kernels.claims import settle_claims
    from placer.kernels.place import record
    from placer.kernels.structs import pack

    problem, state, work, log = pack(case.problem), pack(run.state), pack(run.work), pack(run.log)
    pods = [(case.items[each.item].pod_class, each.node) for each in placed]
    order, left = arrange(case.problem, (problem, state, work), pods, [each.time for each in placed], stop)
    slots = run.plan.first_slot.copy()
    for place in order:
        pod_class, node = pods[place]
        units = sorted(placed[place].units, key=lambda pair: (pair[1] < 0, pair[1], pair[0]))
        run.work.chosen[: len(units)] = [unit for unit, _ in units]
        run.work.slot_need[: len(units)] = [need for _, need in units]
        hold_units(problem, state, pod_class, run.work.chosen, run.work.slot_need, len(units), 1)
        settle_claims(problem, state, work, pod_class, node)
        put(problem, state, pod_class, node, 1)
        record(log, work, int(slots[pod_class]), node, len(units))
        slots[pod_class] += 1
    return run, [pods[place][0] for place in left]


def bounds_by_tier(
    floors: Mapping[str, float], asked: Sequence[Level], known: list[float], least: list[float], blocked: int
) -> dict[str, float]:
    """Per tier; a level's bound counts only while all levels before are closed, else the tier's floor does."""
    bound = {"unplaced": float(blocked), **floors}
    keys = iter(floors)
    for level, value, low in zip(asked, known, least, strict=True):
        reached = closed(value, low) and closed(low, value)
        if level.priority is not None:
            bound["unplaced"] += value if reached else low
        else:
            bound[next(keys)] = value if reached else low
        if not reached:
            break
    return bound
