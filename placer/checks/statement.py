"""What a solution states about itself: objective, bound, and what stays unplaced by priority."""

from __future__ import annotations

from collections.abc import Iterator

from placer.checks.objective import Final, measure, unplaced_by_priority
from placer.checks.structure import Flaw
from placer.errors import InputError
from placer.solution import Solution

TOLERANCE = 1e-6


def check(final: Final, solution: Solution) -> Iterator[Flaw]:
    """The stated objective is the one computed again, each goal is stated, and no bound is above it."""
    for key in solution.goals:
        if key not in solution.objective:
            yield Flaw("Objective", "", "", f"objective states nothing for goal {key!r}")
    known = []
    for key in solution.objective:
        try:
            values = measure(final, [key], solution.tiers)
        except InputError as error:
            yield Flaw("Objective", "", "", f"objective states {key!r}, which cannot be computed: {error}")
            continue
        known.append(key)
        stated, found = float(solution.objective[key]), values[key]
        if not _equal(stated, found):
            yield Flaw("Objective", "", "", f"objective states {key} {stated:.9g}, computed again it is {found:.9g}")
        if key in (solution.bound or {}):
            bound = float((solution.bound or {})[key])
            if not bound <= found + TOLERANCE * max(1.0, abs(found)):
                yield Flaw("Bound", "", "", f"bound states {key} {bound:.9g}, above the objective {found:.9g}")
    for key in solution.bound or {}:
        if key not in solution.objective:
            yield Flaw("Bound", "", "", f"bound states {key!r}, for which objective states nothing")
    stated_counts = {int(priority): count for priority, count in solution.unplaced_by_priority.items() if count}
    if solution.unplaced_by_priority and stated_counts != unplaced_by_priority(final):
        counts = unplaced_by_priority(final)
        yield Flaw("Objective", "", "", f"unplaced_by_priority states {stated_counts}, computed again it is {counts}")


def _equal(stated: float, found: float) -> bool:
    return abs(stated - found) <= TOLERANCE * max(1.0, abs(stated), abs(found))
