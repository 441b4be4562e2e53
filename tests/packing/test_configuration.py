"""Patterns: what one node takes at most, and what all nodes cost at least when each is filled by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import random_cluster

import placer as pl
from packing.best import best_answer
from placer.encode.encode import encode
from placer.encode.goals import encode_goals
from placer.engine import pods_per_class, prepare
from placer.filling import pattern_bound
from placer.kernels.pricing import Knapsack, new_path, price_patterns, worth_tables
from placer.packing.parts import read_parts

UNIT = 1_000_000
NEAR = {"anti_affinity", "apart", "labels", "limits", "node_affinity", "ports", "prices", "replicas", "standing"}
"""Rules that bind pods of one node, and what they are mixed with."""


def run_of(cluster: pl.Cluster):
    encoded = encode(cluster)
    return prepare(cluster, encoded, encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded)))


def pending(run) -> np.ndarray:
    return (run.plan.last_slot - run.plan.first_slot).astype(np.int64)


def bound_of(cluster: pl.Cluster) -> float:
    run = run_of(cluster)
    return pattern_bound(run, run.state) / UNIT


def priced(knapsack: Knapsack, above: int, tries: int) -> tuple[list[tuple[int, list[int]]], int]:
    classes = len(knapsack.value)
    pods = max(1, int(knapsack.most.sum()))
    table = np.empty((len(knapsack.grid), classes + 1, int(knapsack.grid.max()) + 1), np.int64)
    worth_tables(knapsack, table)
    pattern, start, worth = (
        np.empty(classes * pods, np.int32),
        np.zeros(classes + 1, np.int64),
        np.zeros(classes, np.int64),
    )
    found, bound = price_patterns(knapsack, table, new_path(knapsack, pods), above, tries, pattern, start, worth)
    return [(int(worth[i]), sorted(pattern[start[i] : start[i + 1]].tolist())) for i in range(found)], bound


def all_patterns(knapsack: Knapsack):
    """Every way to fill the node, with what it is worth."""
    for taken in product(*(range(most + 1) for most in knapsack.most.tolist())):
        chosen = [c for c, times in enumerate(taken) if times]
        if (np.array(taken) @ knapsack.need <= knapsack.capacity).all() and not any(
            knapsack.clash[a, b] for a in chosen for b in chosen if a != b
        ):
            yield int(np.array(taken) @ knapsack.value), taken


@given(
    need=arrays(np.int64, (4, 2), elements=st.integers(0, 6)),
    capacity=arrays(np.int64, 2, elements=st.integers(0, 12)),
    cells=st.sampled_from([1, 3, 5, 100]),
    value=arrays(np.int64, 4, elements=st.integers(0, 9)),
    most=arrays(np.int64, 4, elements=st.integers(1, 3)),
    clash=arrays(np.bool_, (4, 4)),
    above=st.integers(0, 20),
    tries=st.sampled_from([0, 2, 1000]),
)
def test_patterns_are_the_best_that_the_node_takes(need, capacity, cells, value, most, clash, above, tries):
    clash = clash | clash.T
    grid = np.minimum(capacity, cells)
    inside = np.where(capacity <= cells, need, need * grid // np.maximum(capacity, 1))
    knapsack = Knapsack(need, capacity, np.minimum(inside, grid + 1), grid, value, most, clash)

    found, bound = priced(knapsack, above, tries)

    every = list(all_patterns(knapsack))
    best = max(worth for worth, _ in every)
    assert bound >= max(above, best)
    assert tries < 1000 or bound == max(above, best)
    assert tries < 1000 or (best > above) == bool(found)
    for worth, pods in found:
        assert (worth, tuple(np.bincount(pods, minlength=4).tolist())) in every
        assert worth > above


@pytest.mark.parametrize("seed", range(25))
def test_no_answer_costs_less_than_the_bound(seed: int):
    """Tiny clusters of all rules, against all answers there are."""
    cluster = random_cluster(seed, 3, 4, NEAR)
    unplaced, price = best_answer(cluster)

    assert unplaced > 0 or bound_of(cluster) <= price + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_no_proven_optimum_is_below_the_bound(seed: int):
    """Clusters of all rules mixed, against CP-SAT."""
    cluster = random_cluster(seed, 5, 12)
    solution = pl.solve(cluster, goals=["pack"], prove=True)

    assert solution.status != "optimal" or solution.unplaced or bound_of(cluster) <= solution.objective["pack"] + 1e-9


def test_pods_that_fill_nodes_badly_take_more_of_them_than_their_sum():
    """A node of 10 takes one pod of 6, or two of 5: nine nodes for six of each, where the sum asks for seven."""
    nodes = [pl.Node(f"n{i}", cpu=10) for i in range(12)]
    pods = [pl.Pod("six", cpu=6, replicas=6), pl.Pod("five", cpu=5, replicas=6)]

    assert bound_of(pl.Cluster(nodes, pods)) == 9


def test_pods_apart_cost_nodes_of_their_own():
    """Four small pods, each apart from the others, take four of the cheap nodes."""
    nodes = [pl.Node(f"n{i}", cpu=1, price=1) for i in range(4)] + [pl.Node("large", cpu=10, price=2)]
    names = [f"p{i}" for i in range(4)]
    pods = [pl.Pod(n, cpu=1, apart_from=[f"default/{other}" for other in names if other != n]) for n in names]

    assert bound_of(pl.Cluster(nodes, pods)) == 4


def test_a_group_of_which_a_node_takes_two_takes_half_as_many_nodes():
    rule = [{"topology_key": "host", "at_most": 2, "selector": {"match_labels": {"app": "web"}}}]
    nodes = [pl.Node(f"n{i}", cpu=100, labels={"kubernetes.io/hostname": f"n{i}"}) for i in range(6)]
    pods = [pl.Pod(f"web{cpu}", cpu=cpu, replicas=5, labels={"app": "web"}, domain_limits=rule) for cpu in (1, 2)]

    assert bound_of(pl.Cluster(nodes, pods)) == 5


def test_nodes_of_a_kind_are_limited():
    """One cheap node only; the second pod takes the dear one."""
    nodes = [pl.Node("cheap", cpu=1, price=1), pl.Node("dear", cpu=1, price=5)]

    assert bound_of(pl.Cluster(nodes, [pl.Pod("p", cpu=1, replicas=2)])) == 6


def test_nodes_in_use_are_paid_for_anyway():
    nodes = [pl.Node("used", cpu=4, price=3), pl.Node("empty", cpu=4, price=5)]
    pods = [pl.Pod("stands", cpu=1, node="used"), pl.Pod("p", cpu=1, replicas=3)]

    assert bound_of(pl.Cluster(nodes, pods)) == 3
    assert bound_of(pl.Cluster(nodes, [*pods, pl.Pod("more", cpu=1)])) == 8


def test_many_classes_or_kinds_are_not_for_patterns():
    run = run_of(pl.Cluster([pl.Node(f"n{i}", cpu=1, price=i) for i in range(80)], [pl.Pod("p", cpu=1)]))

    assert read_parts(run.encoded.problem, run.state, pending(run)) is None
    assert pattern_bound(run, run.state) == 0
