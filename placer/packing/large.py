"""Bounds for problems of any size, level by level, from sums alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from placer.encode.problem import I64, Problem, State
from placer.packing.bounds import price_bound, unplaced_bound
from placer.packing.model import Level


def counting(problem: Problem, state: State, pending: I64, asked: Sequence[Level], known: Sequence[int]) -> list[int]:
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
    Per level; 0, or the price of nodes that are used anyway, from the first on that is not looked at.
    """
    classes, capacity = problem.classes, np.ascontiguousarray(state.free.T)
    paid = state.pods > 0
    fits = (np.diff(classes.eligible_start) > 0)[classes.eligible]
    least = [0 if level.priority is not None else int(problem.nodes.price[paid].sum()) for level in asked]
    earlier = 0
    for place, level in enumerate(asked):
        if level.priority is None:
            least[place] = price_bound(capacity, problem.nodes.price, paid, classes.need, pending, earlier)
        else:
            # Of all that is at least as important: what is left out beyond what the levels before leave out.
            chosen = (pending > 0) & (classes.priority >= level.priority)
            out = unplaced_bound(capacity, classes.need[chosen], pending[chosen], fits[chosen])
            least[place] = max(0, out - earlier)
            earlier += known[place]
        if least[place] < known[place]:
            break
    return least
