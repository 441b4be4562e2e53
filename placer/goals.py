"""Goals: what better means, by name, most important tier first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import NamedTuple

from placer.errors import InputError


class Goal(NamedTuple):
    """
    A goal by name.

    Attributes
    ----------
    column
        Its place among the weights of ``encode.problem.Goals``.
    formula
        What is minimised.
    """

    name: str
    column: int
    formula: str


GOALS: dict[str, Goal] = {
    goal.name: goal
    for goal in (
        Goal("pack", 0, "sum of prices of the nodes that hold any pod"),
        Goal("balance", 1, "sum over nodes and cpu, memory of (used / allocatable)²"),
        Goal("headroom", 2, "sum over nodes and cpu, memory of max(0, used / allocatable - 0.8)"),
        Goal("fragmentation", 3, "sum over nodes of the expected GPU thousandths that a typical pod cannot use"),
        Goal("preferences", 4, "sum of what wishes lose: preferred nodes and pods, soft taints, spread and shares"),
    )
}


class Tier(NamedTuple):
    """
    Goals that are weighed against one another.

    Attributes
    ----------
    key
        As the user wrote it; the objective's key.
    parts
        (goal, weight) pairs.
    """

    key: str
    parts: tuple[tuple[str, float], ...]


def parse_goals(goals: Sequence[str] | str) -> tuple[Tier, ...]:
    """
    Tiers from their written form: ``["pack", "2*balance+headroom"]``.

    Raises
    ------
    InputError
        An unknown goal, a weight that is no number above 0, a goal named twice.
    """
    tiers = []
    seen: set[str] = set()
    problems = []
    for written in [goals] if isinstance(goals, str) else goals:
        parts = []
        for part in str(written).split("+"):
            weight_text, star, name = part.rpartition("*")
            name = name.strip()
            if name not in GOALS:
                close = difflib.get_close_matches(name, GOALS, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"choose among {', '.join(GOALS)}"
                problems.append(f"goals: {name!r} is no goal: {hint}")
                continue
            if name in seen:
                problems.append(f"goals: {name!r} is a duplicate: name each goal once")
            seen.add(name)
            try:
                weight = float(weight_text) if star else 1.0
            except ValueError:
                weight = -1.0
            if not 0 < weight < float("inf"):
                problems.append(f"goals: the weight of {name!r} is {weight_text!r}: give a number above 0")
            parts.append((name, weight))
        tiers.append(Tier(str(written), tuple(parts)))
    if problems:
        raise InputError(problems)
    return tuple(tiers)
