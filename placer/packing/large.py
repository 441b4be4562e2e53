"""Bounds for problems of any size, level by level, from sums alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from placer.encode.problem import BOOL, I64, Problem, State
from placer.packing.bounds import demand_of, price_bound, supply_of, unplaced_bound
from placer.packing.goals import PRICE_UNIT, Level, closed

MOST_SETS = 32
"""Sets of nodes to which static rules bind pods whose sums are looked at apart, those of most pods."""


class Sets(NamedTuple):
    """
    Sets of nodes to which static rules bind pods.

    Attributes
    ----------
    within
        (nodes, sets) whether a node belongs to each.
    bound_to
        (classes, sets) whether the pods can stand on no other nodes.
    able
        (classes,) whether static rules let the pods stand on some node.
    """

    within: BOOL
    bound_to: BOOL
    able: BOOL


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
    Per level; what it comes to anyway from the first on that is not looked at. Of tiers only the price of nodes is.
    """
    classes, nodes = problem.classes, problem.nodes
    paid, sets = state.pods > 0, sets_of(problem, pending)
    supply = supply_of(np.ascontiguousarray(state.free.T), nodes.price, paid, sets.within)
    demand = demand_of(classes.need, pending, sets.able, sets.bound_to)
    standing = int(nodes.price[paid].sum())
    least = [level.least + level.prices * (float(standing) / PRICE_UNIT) for level in asked]
    earlier = 0
    for place, level in enumerate(asked):
        if level.priority is None and level.prices:
            price = price_bound(supply, demand, earlier)
            least[place] = level.prices * (float(price) / PRICE_UNIT)
        elif level.priority is not None:
            # Of all that is at least as important: what is left out beyond what the levels before leave out.
            chosen = np.where(classes.priority >= level.priority, pending, 0)
            out = unplaced_bound(supply, demand._replace(pods=chosen))
            least[place] = float(max(0, out - earlier))
            earlier += int(known[place])
        if not closed(known[place], least[place]):
            break
    return least


def sets_of(problem: Problem, pending: I64) -> Sets:
    """The sets of nodes that the static rules of pending pods allow, those of most pods first; without that of all."""
    classes, segment = problem.classes, problem.nodes.segment
    signatures, segments = len(classes.eligible_start) - 1, len(problem.nodes.segment_start) - 1
    allowed = np.diff(classes.eligible_start)
    pods = np.bincount(classes.eligible, pending, minlength=signatures)
    some = np.flatnonzero((pods > 0) & (allowed > 0) & (allowed < segments))
    owner = np.repeat(np.arange(signatures), allowed)
    within, bound_to = list[BOOL](), list[BOOL]()
    for signature in some[np.argsort(-pods[some], kind="stable")][:MOST_SETS].tolist():
        inside = np.zeros(segments, bool)
        inside[classes.eligible_segments[owner == signature]] = True
        outside = np.bincount(owner, ~inside[classes.eligible_segments], minlength=signatures)
        within.append(inside[segment])
        bound_to.append((outside == 0)[classes.eligible])
    return Sets(
        np.array(within, bool).reshape(len(within), len(segment)).T,
        np.array(bound_to, bool).reshape(len(bound_to), len(pending)).T,
        (allowed > 0)[classes.eligible],
    )
