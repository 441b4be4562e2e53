"""Counting bounds: never above what the best placement of all needs or leaves out."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from placer.packing import bounds
from placer.packing.bounds import demand_of, nodes_bound, price_bound, supply_of


def unplaced_bound(capacity, need, count, fits=None) -> int:
    return bounds.unplaced_bound(supply_of(capacity), demand_of(need, count, fits))


def best_placement(capacity: list[list[int]], pods: list[list[int]], barred: set[int]) -> tuple[int, int]:
    """Most pods that any placement places, and the fewest nodes of those that place so many; tries them all."""
    best = (0, 0)
    for where in product([-1, *range(len(capacity))], repeat=len(pods)):
        if any(node >= 0 and pod in barred for pod, node in enumerate(where)):
            continue
        if all(
            sum(pods[pod][resource] for pod, on in enumerate(where) if on == node) <= room
            for node in {node for node in where if node >= 0}
            for resource, room in enumerate(capacity[node])
            if any(pods[pod][resource] for pod, on in enumerate(where) if on == node)
        ):
            placed = sum(node >= 0 for node in where)
            best = max(best, (placed, -len({node for node in where if node >= 0})))
    return best[0], -best[1]


@given(
    capacity=arrays(np.int64, (3, 2), elements=st.integers(0, 9)),
    need=arrays(np.int64, (3, 2), elements=st.integers(0, 6)),
    count=arrays(np.int64, 3, elements=st.integers(0, 2)),
    fits=arrays(np.bool_, 3, elements=st.booleans()),
)
def test_no_placement_beats_the_bounds(capacity, need, count, fits):
    pods = np.repeat(need, count, axis=0)
    barred = set(np.flatnonzero(~np.repeat(fits, count)).tolist())
    most, nodes = best_placement(capacity.tolist(), pods.tolist(), barred)

    assert unplaced_bound(capacity, need, count, fits) <= len(pods) - most
    if most == len(pods):
        assert nodes_bound(capacity, count @ need) <= nodes


@given(
    capacity=arrays(np.int64, (5, 2), elements=st.integers(0, 9)),
    demand=arrays(np.int64, 2, elements=st.integers(0, 50)),
)
def test_the_nodes_bound_is_the_smallest_set_that_covers_each_resource_alone(capacity, demand):
    def smallest(resource: int) -> int:
        sizes = range(len(capacity) + 1)
        covering = (
            k for k in sizes for chosen in combinations(capacity[:, resource], k) if sum(chosen) >= demand[resource]
        )
        return next(covering, len(capacity))

    assert nodes_bound(capacity, demand) == max(smallest(0), smallest(1))


def least_price(capacity, price, paid, pods, where, left_out: int) -> int | None:
    """The least price of all ways to place all but ``left_out`` pods, each on nodes it may stand on; tries them all."""
    best = None
    for placed in product(range(-1, len(capacity)), repeat=len(pods)):
        used = {node for node in placed if node >= 0}
        if placed.count(-1) != left_out or any(n >= 0 and not where[p][n] for p, n in enumerate(placed)):
            continue
        if all(
            sum(pods[p][r] for p, on in enumerate(placed) if on == node) <= capacity[node][r]
            for node in used
            for r in range(len(capacity[node]))
            if any(pods[p][r] for p, on in enumerate(placed) if on == node)
        ):
            cost = sum(price[node] for node in range(len(capacity)) if node in used or paid[node])
            best = cost if best is None else min(best, cost)
    return best


@given(
    capacity=arrays(np.int64, (3, 2), elements=st.integers(-1, 9)),
    price=arrays(np.int64, 3, elements=st.integers(0, 4)),
    paid=arrays(np.bool_, 3, elements=st.booleans()),
    need=arrays(np.int64, (3, 2), elements=st.integers(0, 6)),
    count=arrays(np.int64, 3, elements=st.integers(0, 2)),
    sets=arrays(np.bool_, (3, 2), elements=st.booleans()),
    chosen=arrays(np.int64, 3, elements=st.integers(0, 2)),
    left_out=st.integers(0, 2),
)
def test_no_placement_is_cheaper_than_the_price_bound(capacity, price, paid, need, count, sets, chosen, left_out):
    """Pods of a class may stand on all nodes or on one of two sets of them."""
    allowed = np.column_stack([np.ones(3, bool), sets])
    within = [[not (allowed[:, c] & ~sets[:, s]).any() for s in range(2)] for c in chosen]
    where = np.repeat(allowed[:, chosen].T, count, axis=0).tolist()
    best = least_price(capacity.tolist(), price, paid, np.repeat(need, count, axis=0).tolist(), where, left_out)

    supply = supply_of(capacity, price, paid, sets)
    bound = price_bound(supply, demand_of(need, count, allowed[:, chosen].any(axis=0), np.array(within)), left_out)

    assert best is None or bound <= best


def test_needs_of_a_rational_part_of_a_node_waste_what_is_left():
    """Two fifths and three fifths fill a node of 5; of the needs 2 and 4 only two or one do."""
    supply, price = supply_of(np.array([[7]] * 6)), np.array([2, 4])

    assert price_bound(supply, demand_of(price[:, None], np.array([0, 4]))) == 4
    assert price_bound(supply, demand_of(np.array([[3], [5]]), np.array([4, 1]))) == 3


def test_pods_bound_to_a_set_of_nodes_are_covered_by_it():
    """Three nodes of two cheap pods each would do, but for four pods that are bound to the two dear nodes."""
    supply = supply_of(
        np.array([[2]] * 5), np.array([1, 1, 1, 10, 10]), within=np.array([[False], [False], [False], [True], [True]])
    )
    demand = demand_of(np.array([[1], [1]]), np.array([2, 4]), bound_to=np.array([[False], [True]]))

    assert price_bound(supply, demand) == 21


def test_sums_of_several_resources_are_covered_together():
    """One kind of node has cpu, the other memory: each resource alone asks for two nodes, both for four."""
    supply = supply_of(np.array([[4, 0]] * 3 + [[0, 4]] * 3))

    assert price_bound(supply, demand_of(np.array([[4, 0], [0, 4]]), np.array([2, 2]))) == 4


def test_pods_left_out_count_over_several_resources():
    """Two nodes, one pod each by cpu, and beside them one of memory alone each."""
    supply = supply_of(np.array([[1, 1], [1, 1]]))

    assert bounds.unplaced_bound(supply, demand_of(np.array([[1, 0], [0, 1]]), np.array([4, 3]))) == 2 + 1


def test_nodes_are_taken_largest_first_and_the_scarcest_resource_decides():
    capacity = np.array([[4, 10], [8, 10], [2, 10]])

    assert nodes_bound(capacity, np.array([8, 0])) == 1
    assert nodes_bound(capacity, np.array([9, 10])) == 2
    assert nodes_bound(capacity, np.array([8, 21])) == 3
    assert nodes_bound(capacity, np.array([0, 0])) == 0


def test_a_demand_beyond_all_nodes_takes_all_nodes():
    assert nodes_bound(np.array([[4], [8]]), np.array([13])) == 2


def test_pods_larger_than_every_node_stay_unplaced():
    assert unplaced_bound(np.array([[4, 9], [9, 4]]), np.array([[5, 5], [4, 9]]), np.array([3, 1])) == 3


def test_what_is_not_asked_for_never_rejects():
    assert unplaced_bound(np.array([[-3, 9]]), np.array([[0, 9]]), np.array([1])) == 0


def test_pods_beyond_the_sum_of_a_resource_stay_unplaced_the_smallest_counted_as_placed():
    capacity = np.array([[6], [4]])

    assert unplaced_bound(capacity, np.array([[1], [4]]), np.array([3, 3])) == 2


def test_classes_that_static_rules_keep_off_all_nodes_are_counted_apart():
    capacity, need, count = np.array([[10]]), np.array([[1], [4]]), np.array([2, 3])

    assert unplaced_bound(capacity, need, count, np.array([False, True])) == 2 + 1


@pytest.mark.parametrize("resources", [1, 2])
def test_without_nodes_all_pods_stay_unplaced_and_without_pods_none(resources: int):
    nothing = np.zeros((0, resources), np.int64)

    assert unplaced_bound(nothing, np.ones((2, resources), np.int64), np.array([3, 4])) == 7
    assert unplaced_bound(np.ones((2, resources), np.int64), nothing, np.zeros(0, np.int64)) == 0
    assert nodes_bound(nothing, np.ones(resources, np.int64)) == 0


def test_sums_beyond_int64_are_exact():
    large = 2**62
    capacity = np.array([[large], [large], [large]])

    assert nodes_bound(capacity, np.array([2**63 - 1])) == 2
    assert unplaced_bound(capacity, np.array([[large]]), np.array([5])) == 2
