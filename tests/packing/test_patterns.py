"""Shares of devices: what patterns prove is never below what can be allocated, and above it by little."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.packing.patterns import Supply, best_pattern, device_bound


def supply(shares: list[int], counts: list[int], units: int, nodes: int = 1) -> Supply:
    """Pods that ask for one share each, on equal nodes."""
    share = np.array(shares)
    return Supply(
        need=share[:, None],
        pods=np.array(counts),
        capacity=np.array([[1000 * units]]),
        nodes=np.array([nodes]),
        eligible=np.ones((len(shares), 1), bool),
        resource=0,
        share=share,
        units=np.array([units]),
    )


def most_allocated(shares: list[int], counts: list[int], units: int) -> int:
    """By trying every pod on every unit."""

    @cache
    def most(left: tuple[int, ...], free: tuple[int, ...]) -> int:
        best = 0
        for kind, share in enumerate(shares):
            for unit, room in enumerate(free):
                if left[kind] and room >= share:
                    fewer = tuple(count - (place == kind) for place, count in enumerate(left))
                    after = tuple(sorted(r - share * (place == unit) for place, r in enumerate(free)))
                    best = max(best, share + most(fewer, after))
        return best

    return most(tuple(counts), (1000,) * units)


@given(
    sizes=st.lists(st.sampled_from([1000, 700, 600, 500, 450, 300, 250]), min_size=1, max_size=3, unique=True),
    counts=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    units=st.integers(1, 3),
)
def test_no_allocation_beats_the_bound(sizes, counts, units):
    bound = device_bound(supply(sizes, counts[: len(sizes)], units))

    assert bound >= most_allocated(sizes, counts[: len(sizes)], units) - 1e-6
    assert bound <= 1000 * units + 1e-3


def test_shares_of_six_tenths_leave_four_tenths_of_each_unit():
    assert device_bound(supply([600], [100], 10)) == pytest.approx(6000)


def test_patterns_mix_shares():
    assert device_bound(supply([700, 300], [5, 5], 10)) == pytest.approx(5000)
    assert device_bound(supply([700, 300], [10, 5], 10)) == pytest.approx(8500)


def test_units_of_one_node_are_not_those_of_another():
    made = supply([600], [100], 5, nodes=2)._replace(eligible=np.zeros((1, 1), bool))

    assert device_bound(made) == 0


def test_other_resources_of_the_nodes_count_as_well():
    made = supply([500], [100], 2)
    made = made._replace(need=np.array([[500, 3]]), capacity=np.array([[2000, 7]]))

    assert device_bound(made) == pytest.approx(500 * 7 / 3)


def test_the_best_pattern_is_worth_most():
    assert best_pattern([600, 300, 200], [5.0, 2.0, 1.5], 100) == (8.0, {600: 1, 200: 2})
    assert best_pattern([], [], 100) == (0.0, {})
