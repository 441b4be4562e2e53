"""
Counting bounds: from sums alone, for any placement whatever its rules.

Sums are over nodes of one kind, over the pods that may stand only on some nodes, and seen through dual feasible
functions: ``floor(k x / d)`` with a need as ``d``. What fits on a node in amounts fits on it seen so as well, since
parts rounded down are no more than their sum rounded down (S. P. Fekete, J. Schepers, "New classes of fast lower bounds
for bin packing problems", Mathematical Programming 91, 2001).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.packing.cover import Sum, cover_alone, least_cover

SAFE = 2.0**62
"""A sum below this, reckoned in floating point, is within int64 for certain."""
MOST_DIVISORS = 32
MOST_TIMES = 32
MOST_VIEWS = 1024
"""Functions tried per resource, and eight times less for each set of nodes that some pods are bound to."""
MOST_VIEWED = 3_000_000
"""Dual feasible functions × amounts seen through them, per resource and set of nodes."""
KEPT = 8
"""Functions per resource and set of nodes whose sums are looked at together, those that prove most alone."""


class Supply(NamedTuple):
    """
    Nodes, counted by kind.

    Attributes
    ----------
    capacity, nodes
        (kinds, resources) what is free on one, at least 0, and (kinds,) how many there are.
    price, paid
        (kinds,) of one, and whether it is used anyway.
    within
        (kinds, sets) whether the nodes belong to each of some sets; the first set is all nodes.
    """

    capacity: NDArray[np.int64]
    nodes: NDArray[np.int64]
    price: NDArray[np.int64]
    paid: NDArray[np.bool_]
    within: NDArray[np.bool_]


class Demand(NamedTuple):
    """
    Pods, counted by class.

    Attributes
    ----------
    need, pods
        (classes, resources) request of one, where 0 asks for nothing, and (classes,) how many there are.
    bound_to
        (classes, sets) whether the pods can stand on no nodes but those of each set.
    able
        (classes,) whether static rules let a pod of the class stand on some node.
    """

    need: NDArray[np.int64]
    pods: NDArray[np.int64]
    bound_to: NDArray[np.bool_]
    able: NDArray[np.bool_]


def supply_of(
    capacity: NDArray[np.int64],
    price: NDArray[np.int64] | None = None,
    paid: NDArray[np.bool_] | None = None,
    within: NDArray[np.bool_] | None = None,
) -> Supply:
    """
    Counts nodes by kind: equal in all that is given.

    Parameters
    ----------
    capacity
        (nodes, resources) what is free; below 0 counts as 0.
    price, paid
        (nodes,) 1 each and none by default.
    within
        (nodes, sets) as in :class:`Supply`, without the set of all nodes.
    """
    nodes = len(capacity)
    price = np.ones(nodes, np.int64) if price is None else price
    paid = np.zeros(nodes, bool) if paid is None else paid
    within = np.ones((nodes, 1), bool) if within is None else np.column_stack([np.ones(nodes, bool), within])
    table = np.column_stack([np.maximum(capacity, 0), price, paid, np.packbits(within, axis=1)])
    _, first, count = np.unique(table, axis=0, return_index=True, return_counts=True)
    return Supply(np.maximum(capacity[first], 0), count.astype(np.int64), price[first], paid[first], within[first])


def demand_of(
    need: NDArray[np.int64],
    pods: NDArray[np.int64],
    able: NDArray[np.bool_] | None = None,
    bound_to: NDArray[np.bool_] | None = None,
) -> Demand:
    """
    Pods of classes.

    Parameters
    ----------
    able
        As in :class:`Demand`; all by default.
    bound_to
        As in :class:`Demand`, without the set of all nodes.
    """
    every = np.ones(len(need), bool)
    sets = every[:, None] if bound_to is None else np.column_stack([every, bound_to])
    return Demand(need, pods, sets, every if able is None else able)


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


def unplaced_bound(supply: Supply, demand: Demand) -> int:
    """
    How many pods no placement can place, as far as counting proves.

    Returns
    -------
    Pods that fit on no empty node, plus, of the others, the least that have to be left out for every sum to be within
    what the nodes have.
    """
    rest = _that_fits(supply, demand)
    pods, one, sums = rest.pods.astype(np.float64), np.ones(len(rest.pods)), list[Sum]()
    for amounts in _amounts(supply, rest):
        found = {}
        for view in _views(amounts, supply):
            short = _product(amounts, view, amounts.sizes, amounts.pods)
            short -= _product(amounts, view, amounts.have, supply.nodes)
            if short > 0:
                seen = Sum(_seen(amounts.sizes, view).astype(np.float64), float(short))
                found[view] = short, cover_alone(one[: len(amounts.sizes)], amounts.pods.astype(np.float64), seen)
        for view in sorted(found, key=lambda view: -found[view][1])[:KEPT]:
            gain = np.where(amounts.bound, _seen(amounts.need, view), 0.0)
            sums.append(Sum(gain, float(found[view][0])))
    left = ceil(least_cover(one, pods, sums) * (1 - 1e-9) - 1e-6)
    return int(demand.pods.sum() - rest.pods.sum()) + left


def price_bound(supply: Supply, demand: Demand, left_out: int = 0) -> int:
    """
    The least sum of prices of used nodes, as far as counting proves.

    Parameters
    ----------
    left_out
        How many of the pods stay out; which ones is not known.

    Returns
    -------
    Nodes that are used anyway, and what the rest of every sum costs, rounded up to a sum that prices can have.
    """
    price = np.where(supply.paid, 0, supply.price).astype(np.float64)
    most = np.where(supply.paid, 0, supply.nodes).astype(np.float64)
    paid = np.where(supply.paid, supply.nodes, 0)
    rest, sums = _that_fits(supply, demand), list[Sum]()
    left_out = max(0, left_out - int(demand.pods.sum() - rest.pods.sum()))
    for amounts in _amounts(supply, rest):
        found, stay = [], _stay(amounts, left_out)
        for view in _views(amounts, supply):
            short = _product(amounts, view, amounts.sizes, stay) - _product(amounts, view, amounts.have, paid)
            if short > 0:
                found.append(Sum(_seen(amounts.have, view).astype(np.float64), float(short)))
        found.sort(key=lambda one: -cover_alone(price, most, one))
        sums += found[:KEPT]
    step = gcd(*supply.price.tolist()) or 1
    least = least_cover(price, most, sums)
    return int(supply.price[supply.paid] @ supply.nodes[supply.paid]) + step * ceil(least * (1 - 1e-9) / step - 1e-6)


class _Amounts(NamedTuple):
    """
    One resource, as it is had and asked for by what is bound to one set of nodes; over a common divisor.

    Attributes
    ----------
    need, bound
        (classes,) request of one pod, and whether it is bound to the set.
    sizes, pods
        (sizes,) requests of those, ascending, and how many pods ask for each.
    have
        (kinds,) of one node, 0 outside the set.
    largest
        The larger of what is asked for and had together.
    """

    need: NDArray[np.int64]
    bound: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    pods: NDArray[np.int64]
    have: NDArray[np.int64]
    largest: float


def _amounts(supply: Supply, demand: Demand) -> Iterator[_Amounts]:
    """Resource by resource and set by set, where something is asked for."""
    for chosen in range(supply.within.shape[1]):
        bound, inside = demand.bound_to[:, chosen], supply.within[:, chosen]
        for resource in range(supply.capacity.shape[1]):
            asking = bound & (demand.need[:, resource] > 0) & (demand.pods > 0)
            if not asking.any():
                continue
            sizes, place = np.unique(demand.need[asking, resource], return_inverse=True)
            pods = np.bincount(place, demand.pods[asking]).astype(np.int64)
            step = int(np.gcd.reduce(sizes))
            # More than all pods ask for is of no use, and might be more than sums in int64 hold.
            most = sum(size * each for size, each in zip(sizes.tolist(), pods.tolist(), strict=True))
            have = np.where(inside, np.minimum(supply.capacity[:, resource], min(most, 2**63 - 1)), 0) // step
            largest = max(float(most // step), float(have.astype(np.float64) @ supply.nodes))
            yield _Amounts(demand.need[:, resource] // step, bound, sizes // step, pods, have, largest)


def _views(amounts: _Amounts, supply: Supply) -> Iterator[tuple[int, int]]:
    """(times, divisor) of the functions tried, the amounts as they are first; divisors from the needs of most pods."""
    yield 1, 1
    divisors = amounts.sizes[np.argsort(-amounts.pods, kind="stable")][:MOST_DIVISORS].tolist()
    left = min(MOST_VIEWS, MOST_VIEWED // (len(amounts.sizes) + len(supply.nodes)))
    left = left if amounts.bound.all() else left // 8
    for times in range(1, MOST_TIMES + 1):
        for divisor in divisors:
            if left <= 0 or amounts.largest * times >= SAFE:
                return
            if divisor > 1:
                left -= 1
                yield times, divisor


def _stay(amounts: _Amounts, left_out: int) -> NDArray[np.int64]:
    """(sizes,) how many pods are not among the ``left_out`` largest."""
    before = np.cumsum(amounts.pods[::-1])[::-1] - amounts.pods
    stay: NDArray[np.int64] = amounts.pods - np.clip(left_out - before, 0, amounts.pods)
    return stay


def _seen(values: NDArray[np.int64], view: tuple[int, int]) -> NDArray[np.int64]:
    """Amounts seen through a function."""
    times, divisor = view
    return values if divisor == 1 else values * times // divisor


def _product(amounts: _Amounts, view: tuple[int, int], values: NDArray[np.int64], times: NDArray[np.int64]) -> int:
    """Sum of amounts seen through a function × ``times``; in Python's integers where int64 might not hold it."""
    if amounts.largest * view[0] < SAFE:
        return int(_seen(values, view) @ times)
    return sum(value * each for value, each in zip(values.tolist(), times.tolist(), strict=True))


def _that_fits(supply: Supply, demand: Demand) -> Demand:
    """The pods of classes that fit on an empty node; of the others none."""
    able = _fit_an_empty_node(supply.capacity, demand.need) & demand.able
    return demand._replace(pods=np.where(able, demand.pods, 0))


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


def _running_sum(values: NDArray[np.int64]) -> NDArray[Any]:
    """Sums of ``values`` so far; in Python's integers where int64 might not hold them."""
    safe = float(values.astype(np.float64).sum()) < SAFE
    return np.cumsum(values if safe else values.astype(object))
