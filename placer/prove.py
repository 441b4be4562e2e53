"""Proof: how much better an answer could be, and the best one where the problem is small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from placer.engine import Run
from placer.goals import Tier
from placer.model.node import PRICE_UNIT
from placer.packing.arrange import arrange
from placer.packing.case import Case, read_case
from placer.packing.model import Level, Model, Placed, Search

MOST_CELLS = 10_000
"""Items × nodes up to which the whole problem is given to CP-SAT."""


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


def prove(again: Callable[[], Run], run: Run, tiers: Sequence[Tier], search: Search, blocked: int) -> Proof:
    """
    Bounds on every tier, and a better placement where one is found.

    Parameters
    ----------
    again
        A run of the same problem in which nothing is placed yet.
    run
        Placed as far as it goes; it is not changed.
    blocked
        Pods that are decided and can never be placed.
    """
    asked = levels(run, tiers)
    known = values(run, asked)
    fresh = again()
    pending = (run.plan.last_slot - run.plan.first_slot).astype(np.int64)
    case = read_case(run.encoded.problem, fresh.state, pending)
    least = [int(fresh.encoded.problem.nodes.price[fresh.state.pods > 0].sum()) if p is None else 0 for (p,) in asked]
    by = "counting"
    if len(case.items) * len(run.encoded.problem.nodes.row) <= MOST_CELLS and not search.stop():
        least, run = whole(case, again, run, asked, least, search)
        by = "CP-SAT"
        known = values(run, asked)
    return Proof(run, _bounds(tiers, asked, known, least, blocked), known == least and len(tiers) <= 1, by)


def levels(run: Run, tiers: Sequence[Tier]) -> list[Level]:
    """Unplaced pods by priority, most important first; then the price of nodes, where that is the first goal."""
    classes = run.encoded.problem.classes
    waiting = np.flatnonzero(run.plan.last_slot > run.plan.first_slot)
    found = [Level(int(priority)) for priority in np.unique(classes.priority[waiting])[::-1]]
    if tiers and [name for name, _ in tiers[0].parts] == ["pack"]:
        found.append(Level(None))
    return found


def values(run: Run, asked: Sequence[Level]) -> list[int]:
    """What a run comes to, level by level."""
    problem, plan = run.encoded.problem, run.plan
    class_of_slot = np.repeat(np.arange(len(plan.first_slot)), plan.last_slot - plan.first_slot)
    left = problem.classes.priority[class_of_slot[run.log.line_of_slot < 0]]
    price = int(problem.nodes.price[run.state.pods > 0].sum())
    return [price if level.priority is None else int((left == level.priority).sum()) for level in asked]


def whole(
    case: Case, again: Callable[[], Run], run: Run, asked: Sequence[Level], least: list[int], search: Search
) -> tuple[list[int], Run]:
    """The whole problem by CP-SAT: bounds level by level, and the best run known."""
    model = Model(case)
    model.hint(placed_by(case, run))
    found: Sequence[Placed] | None = None
    least = list(least)
    for place, level in enumerate(asked):
        solved = model.solve(level, search)
        least[place] = max(least[place], solved.bound)
        if solved.placed is not None:
            found = solved.placed
            model.hint(found)
        if not solved.closed or search.stop():
            break
    if found is not None:
        better, _ = arranged(case, again(), found)
        if better is not None and values(better, asked) < values(run, asked):
            run = better
    return least, run


def placed_by(case: Case, run: Run) -> list[Placed]:
    """A run's bindings as a model has them."""
    plan, log = run.plan, run.log
    items: dict[int, list[int]] = {}
    for index, item in enumerate(case.items):
        items.setdefault(item.pod_class, []).extend([index] * item.count)
    found = []
    for pod_class, listed in items.items():
        slots = range(int(plan.first_slot[pod_class]), int(plan.last_slot[pod_class]))
        lines = [int(log.line_of_slot[slot]) for slot in slots if log.line_of_slot[slot] >= 0]
        for index, line in zip(listed, lines, strict=False):
            span = slice(log.unit_start[line], log.unit_start[line + 1])
            units = zip(log.unit[span].tolist(), log.unit_need[span].tolist(), strict=True)
            found.append(Placed(index, int(log.node[line]), list(units)))
    return found


def arranged(case: Case, run: Run, placed: Sequence[Placed]) -> tuple[Run | None, list[int]]:
    """A fresh run with these pods bound in a legal order, or ``None`` and the classes of which pods are left over."""
    from placer.kernels.bind import hold_units, put
    from placer.kernels.place import record
    from placer.kernels.structs import pack

    problem, state, work, log = pack(case.problem), pack(run.state), pack(run.work), pack(run.log)
    pods = [(case.items[each.item].pod_class, each.node) for each in placed]
    order, left = arrange(case.problem, (problem, state), pods)
    if left:
        return None, [pods[place][0] for place in left]
    slots = run.plan.first_slot.copy()
    for place in order:
        pod_class, node = pods[place]
        units = sorted(placed[place].units, key=lambda pair: (pair[1] < 0, pair[1], pair[0]))
        run.work.chosen[: len(units)] = [unit for unit, _ in units]
        run.work.slot_need[: len(units)] = [need for _, need in units]
        hold_units(problem, state, pod_class, run.work.chosen, run.work.slot_need, len(units), 1)
        put(problem, state, pod_class, node, 1)
        record(log, work, int(slots[pod_class]), node, len(units))
        slots[pod_class] += 1
    return run, []


def _bounds(
    tiers: Sequence[Tier], asked: Sequence[Level], known: list[int], least: list[int], blocked: int
) -> dict[str, float]:
    """Per tier; a level's bound counts only while all levels before are closed."""
    bound = {"unplaced": float(blocked), **{tier.key: 0.0 for tier in tiers}}
    for level, value, low in zip(asked, known, least, strict=True):
        if level.priority is not None:
            bound["unplaced"] += low
        else:
            bound[tiers[0].key] = low / PRICE_UNIT * tiers[0].parts[0][1]
        if value > low:
            break
    return bound
