"""The order of placing: priority first, then size; every class with pending pods once."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given, settings

import placer as pl
from encode.seeded import seeded
from placer.encode.encode import encode
from placer.encode.plan import make_plan
from placer.encode.problem import UNLIMITED, Plan, Problem


def plan_of(cluster: pl.Cluster) -> tuple[Problem, Plan, Counter[int]]:
    """A cluster's problem, its plan, and pending pods by class."""
    encoded = encode(cluster)
    pending = Counter(encoded.class_of_pod[encoded.pending].tolist())
    classes = len(encoded.problem.classes.priority)
    counts = np.array([pending[one] for one in range(classes)], np.int64)
    load = [row for row, name in enumerate(encoded.resources) if name in ("cpu", "memory") or name[:7] == "device:"]
    return encoded.problem, make_plan(encoded.problem, counts, np.array(load, np.int32)), pending


def size(problem: Problem, need: np.ndarray) -> float:
    """Squared shares of the cluster's cpu and memory."""
    shares = []
    for resource in (0, 1):
        capacity = problem.nodes.capacity[resource]
        shares.append(need[resource] / max(int(capacity[capacity < UNLIMITED].sum()), 1))
    return sum(share**2 for share in shares)


@given(seeded(least_nodes=0))
@settings(max_examples=150)
def test_every_class_with_pending_pods_stands_in_the_plan_once(cluster):
    _, plan, pending = plan_of(cluster)

    assert sorted(plan.order.tolist()) == sorted(pending)
    assert plan.family_start.tolist() == sorted(set(plan.family_start.tolist()))
    assert plan.family_start[-1] == len(plan.order)
    for pod_class, (first, last) in enumerate(zip(plan.first_slot.tolist(), plan.last_slot.tolist(), strict=True)):
        assert last - first == pending[pod_class]


@given(seeded())
@settings(max_examples=150)
def test_more_important_classes_come_first(cluster):
    problem, plan, _ = plan_of(cluster)

    priorities = problem.classes.priority[plan.order].tolist()
    assert priorities == sorted(priorities, reverse=True)


@given(seeded(frozenset({"priorities"})))
@settings(max_examples=150)
def test_of_equal_priority_larger_pods_come_first(cluster):
    problem, plan, _ = plan_of(cluster)

    ranks = [(-int(problem.classes.priority[one]), -size(problem, problem.classes.need[one])) for one in plan.order]
    for before, after in pairwise(ranks):
        assert before <= (after[0], after[1] + 1e-12)


@given(seeded())
@settings(max_examples=150)
def test_a_family_is_scanned_for_its_largest_request(cluster):
    problem, plan, _ = plan_of(cluster)

    for family in range(len(plan.scan_key)):
        members = plan.order[plan.family_start[family] : plan.family_start[family + 1]]
        assert plan.family_need[family].tolist() == problem.classes.need[members].max(axis=0).tolist()
        assert len(set(problem.classes.eligible[members].tolist())) == 1


@given(seeded())
@settings(max_examples=150)
def test_families_with_one_scan_key_are_alike_in_all_that_a_scan_looks_at(cluster):
    problem, plan, _ = plan_of(cluster)

    by_key: dict[int, tuple] = {}
    for family, key in enumerate(plan.scan_key.tolist()):
        one = plan.order[plan.family_start[family]]
        needs = slice(problem.classes.unit_start[one], problem.classes.unit_start[one + 1])
        looked_at = (
            int(problem.classes.eligible[one]),
            tuple(plan.family_need[family].tolist()),
            int(problem.classes.numa[one]),
            problem.classes.unit_amount[needs].tobytes(),
            problem.classes.unit_where[needs].tobytes(),
        )
        assert by_key.setdefault(key, looked_at) == looked_at


def test_many_distinct_requests_still_fit_where_their_rounded_family_does_not():
    pods = [pl.Pod(f"p{row}", cpu=f"{row + 1}m", memory=row + 1) for row in range(4200)]
    cluster = pl.Cluster([pl.Node("a", cpu="4200m", memory=4200)], pods[-1:] + pods[:-1])

    solution = pl.solve(cluster)

    assert pl.verify(cluster, solution) == []
    left = {each.pod for each in solution.unplaced}
    used = sum(row + 1 for row in range(4200) if f"default/p{row}" not in left)
    assert 4200 - used < min(row + 1 for row in range(4200) if f"default/p{row}" in left)
