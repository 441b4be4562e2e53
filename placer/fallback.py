"""Placing by ``pack`` where other goals leave pods out: whatever else is asked for, pods that are placed come first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placer.encode.goals import encode_goals
from placer.engine import Run, place, pods_per_class
from placer.placement import Base, Lines, fresh_run, overwrite, restore
from placer.prove import unplaced_levels, values


def place_by_pack(
    run: Run,
    base: Base,
    before: Lines,
    stop: Callable[[], bool],
    progress: Callable[[int, int], None],
    steps: int | None,
) -> int:
    """
    Places the pods of a run by ``pack`` as well, and keeps that where it leaves fewer important ones out.

    Parameters
    ----------
    run
        Placed by its goals; changed in place.
    before
        What was bound when placing began.

    Returns
    -------
    The steps left, -1 where they are not limited.
    """
    encoded = run.encoded
    costs = encoded.problem.costs
    costs = costs._replace(place=np.zeros(len(costs.place)))
    packing = encoded._replace(problem=encoded.problem._replace(costs=costs))
    goals = encode_goals(packing, [[("pack", 1.0)]], pods_per_class(encoded))
    other = fresh_run(base)._replace(encoded=packing, goals=goals)
    restore(other, before)
    left = place(other, stop, progress, steps)
    asked = unplaced_levels(run)
    if values(other, asked) < values(run, asked):
        overwrite(run, other)
    return left
