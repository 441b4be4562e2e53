"""Bounds for problems of any size, level by level, from sums alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placer.encode.problem import I64, Problem, State
from placer.packing.bounds import price_bound, unplaced_bound
from placer.packing.goals import PRICE_UNIT, Level, closed


def counting(
    problem: Problem, state: State, pending: I64, asked: Sequence[Level], known: Sequence[float]
) -> list[float]:
    """
    Bounds by counting.

    Parameters
    ----------
    state
        With the standing pods in it.
    pending
        (classes,) pods to place.
    known
        What the best placement known comes to; a level is bounded while those before it are closed.

    Returns
    -------
    Per level; 0, or the price of nodes that are used anyway, from the first on that is not looked at. Of tiers only
    the price of nodes is.
    """
    classes, capacity = problem.classes, np.ascontiguousarray(state.free.T)
    paid = state.pods > 0
    fits = (np.diff(classes.eligible_start) > 0)[classes.eligible]
    standing = int(problem.nodes.price[paid].sum())
    least = [level.prices * (float(standing) / PRICE_UNIT) for level in asked]
    earlier = 0
    for place, level in enumerate(asked):
        if level.priority is None and level.prices:
            price = price_bound(capacity, problem.nodes.price, paid, classes.need, pending, earlier)
            least[place] = level.prices * (float(price) / PRICE_UNIT)
        elif level.priority is not None:
            # Of all that is at least as important: what is left out beyond what the levels before leave out.
            chosen = (pending > 0) & (classes.priority >= level.priority)
            out = unplaced_bound(capacity, classes.need[chosen], pending[chosen], fits[chosen])
            least[place] = float(max(0, out - earlier))
            earlier += int(known[place])
        if not closed(known[place], least[place]):
            break
    return least
