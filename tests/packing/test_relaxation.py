"""The class × node kind relaxation: never below what can be allocated."""

from __future__ import annotations

import numpy as np
import pytest

from placer.packing.relaxation import allocation_bound


def test_another_resource_that_is_short_limits_what_can_be_allocated():
    need, count = np.array([[4, 1]]), np.array([10])
    capacity, nodes = np.array([[8, 8]]), np.array([3])

    most = allocation_bound(need, count, capacity, nodes, np.array([[True]]), resource=1)

    assert most == pytest.approx(6)


def test_pods_stand_only_on_kinds_that_they_may_stand_on_and_fit():
    need, count = np.array([[1, 2], [9, 1]]), np.array([5, 5])
    capacity, nodes = np.array([[8, 8], [8, 8]]), np.array([1, 1])
    eligible = np.array([[True, False], [True, True]])

    most = allocation_bound(need, count, capacity, nodes, eligible, resource=1)

    assert most == pytest.approx(8)
