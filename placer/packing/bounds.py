"""Counting bounds: from sums alone, for any placement whatever its rules."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAFE = 2.0**62
"""A sum below this, reckoned in floating point, is within int64 for certain."""
MOST_DIVISORS = 16
"""Dual feasible functions tried per resource."""


def nodes_bound(capacity: NDArray[np.int64], demand: NDArray[np.int64]) -> int:
    """
    The least number of nodes that can hold a demand.

    Parameters
    ----------
    capacity
        (nodes, resources) base units.
    demand
        (resources,) what all pods together ask for.

    Returns
    -------
    Per resource, nodes taken largest first until the demand is covered; the largest of these. All nodes where even
    they do not cover it. O(nodes log nodes × resources).
    """
    least = 0
    for resource in range(capacity.shape[1]):
        if demand[resource] > 0:
            covered = _running_sum(np.sort(np.maximum(capacity[:, resource], 0))[::-1])
            least = max(least, int(np.searchsorted(covered, demand[resource])) + 1)
    return min(least, len(capacity))


def unplaced_bound(
    capacity: NDArray[np.int64],
    need: NDArray[np.int64],
    count: NDArray[np.int64],
    fits: NDArray[np.bool_] | None = None,
) -> int:
    """
    How many pods no placement can place, as far as counting proves.

    Parameters
    ----------
    capacity
        (nodes, resources) base units.
    need, count
        (classes, resources) request of one pod, where 0 asks for nothing, and (classes,) how many there are.
    fits
        (classes,) whether static rules let a pod of the class stand on some empty node; not given: they all do.

    Returns
    -------
    Pods that fit on no empty node, plus, of the others, the most over resources of those that are left when the
    smallest are taken first until the cluster's sum is used up. O(classes × kinds of node × resources) in the worst
    case, where a class does not fit the nodes with the largest sums.
    """
    able = _fit_an_empty_node(capacity, need)
    if fits is not None:
        able &= fits
    views = dual_feasible(np.maximum(capacity, 0), need[able], count[able]) if len(capacity) else ()
    left = [_left_over(int(_running_sum(have)[-1]), asked, count[able]) for have, asked in views]
    return int(count[~able].sum()) + max(left, default=0)


def price_bound(
    capacity: NDArray[np.int64],
    price: NDArray[np.int64],
    paid: NDArray[np.bool_],
    need: NDArray[np.int64],
    count: NDArray[np.int64],
    left_out: int = 0,
) -> int:
    """
    The least sum of prices of used nodes, as far as counting proves.

    Parameters
    ----------
    capacity, price, paid
        (nodes, resources) what is free, (nodes,) prices, (nodes,) whether the node is used anyway.
    need, count
        (classes, resources) and (classes,) what is to be placed.
    left_out
        How many of these pods stay out; which ones is not known.

    Returns
    -------
    Per resource and dual feasible function, what the demand costs if nodes are taken by the unit, cheapest first; the
    largest of these, rounded up to a sum that prices can have.
    """
    least = 0.0
    for have, asked in dual_feasible(np.maximum(capacity, 0), need, count):
        demand = _smallest_demand(asked, count, left_out) - float(have[paid].astype(np.float64).sum())
        offers = np.flatnonzero(~paid & (have > 0))
        if demand <= 0:
            continue
        each = have[offers].astype(np.float64)
        order = np.argsort(price[offers] / each, kind="stable")
        before = np.cumsum(each[order]) - each[order]
        taken = np.clip(demand - before, 0, each[order])
        least = max(least, float((taken * (price[offers] / each)[order]).sum()))
    step = gcd(*price.tolist()) or 1
    return int(price[paid].sum()) + step * int(np.ceil(least * (1 - 1e-9) / step - 1e-6))


def dual_feasible(
    capacity: NDArray[np.int64], need: NDArray[np.int64], count: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """
    Resource by resource (nodes,) capacity and (classes,) need, as they are and seen through dual feasible functions.

    These are ``floor(x / d)`` with a need as ``d``: what fits on a node in amounts fits on it in them as well, since
    parts rounded down are no more than their sum rounded down. d is taken from the needs of most pods.
    """
    for resource in range(capacity.shape[1]):
        have, asked = capacity[:, resource], need[:, resource]
        yield have, asked
        sizes = asked[(asked > 0) & (count > 0)]
        if not len(sizes):
            continue
        distinct, inverse = np.unique(sizes, return_inverse=True)
        pods = np.bincount(inverse, count[(asked > 0) & (count > 0)])
        for divisor in distinct[np.argsort(-pods, kind="stable")[:MOST_DIVISORS]].tolist():
            if divisor > 1:
                yield have // divisor, asked // divisor


def _smallest_demand(need: NDArray[np.int64], count: NDArray[np.int64], left_out: int) -> float:
    """What pods ask for together when the ``left_out`` largest of them are left out."""
    order = np.argsort(-need, kind="stable")
    out = np.cumsum(count[order])
    stays = count[order] - np.clip(left_out - (out - count[order]), 0, count[order])
    return float((stays.astype(np.float64) * need[order]).sum())


def _fit_an_empty_node(capacity: NDArray[np.int64], need: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(classes,) whether some node, empty, has all that a pod asks for."""
    able = np.zeros(len(need), bool)
    kinds = np.unique(capacity, axis=0)
    for kind in kinds[np.argsort(-kinds.sum(axis=1, dtype=np.float64), kind="stable")]:
        waiting = np.flatnonzero(~able)
        if not len(waiting):
            break
        able[waiting] = ((need[waiting] <= kind) | (need[waiting] == 0)).all(axis=1)
    return able


def _left_over(total: int, need: NDArray[np.int64], count: NDArray[np.int64]) -> int:
    """Pods that are left when those that ask for least are taken first, until ``total`` is used up."""
    asking = np.flatnonzero((need > 0) & (count > 0))
    order = asking[np.argsort(need[asking], kind="stable")]
    used = _running_sum(need[order], count[order])
    full = int(np.searchsorted(used, total, side="right"))
    if full == len(order):
        return 0
    room = total - (int(used[full - 1]) if full else 0)
    return int(count[order[full:]].sum()) - room // int(need[order[full]])


def _running_sum(values: NDArray[np.int64], times: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """Sums of ``values`` × ``times`` so far; in Python's integers where int64 might not hold them."""
    factor = np.ones(1, np.int64) if times is None else times
    safe = float((values.astype(np.float64) * factor).sum()) < SAFE
    return np.cumsum(values * factor if safe else values.astype(object) * factor.astype(object))
