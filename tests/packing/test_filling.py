"""Nodes filled anew by patterns: the same pods on cheaper nodes, every rule kept."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

import placer as pl
from placer.packing.configuration import proven


def bins(seed: int, items: int = 120) -> pl.Cluster:
    """Items of 1 to 100, one pair in three apart, and nodes of three sizes at a price equal to it."""
    random = Random(seed)
    apart: list[set[int]] = [set() for _ in range(items)]
    for one in range(items):
        for other in range(one):
            if random.random() < 0.3:
                apart[one].add(other)
                apart[other].add(one)
    pods = [
        pl.Pod(f"p{i}", cpu=random.randint(1, 100), apart_from=[f"default/p{j}" for j in sorted(apart[i])])
        for i in range(items)
    ]
    return pl.Cluster([pl.Node(f"n{s}-{i}", cpu=s, price=s) for s in (100, 120, 150) for i in range(items)], pods)


@pytest.mark.parametrize("seed", range(2))
def test_filling_is_cheaper_than_placing_and_close_to_its_bound(seed: int):
    cluster = bins(seed)

    placed = pl.solve(cluster, goals=["pack"])
    filled = pl.solve(cluster, goals=["pack"], steps=1000, prove=True)

    assert pl.verify(cluster, filled) == []
    assert not filled.unplaced
    assert filled.objective["pack"] < placed.objective["pack"]
    assert filled.bound["pack"] <= filled.objective["pack"] <= 1.02 * filled.bound["pack"]
    assert filled.statistics["bound"] in {"counting", "patterns"}
    assert filled.statistics["fill"]["neighbourhoods"] > 0


def test_equal_seeds_and_steps_give_equal_answers():
    cluster = bins(3, 60)

    one, other = (pl.solve(cluster, goals=["pack"], steps=80, seed=7, threads=threads) for threads in (1, 2))

    assert one.statistics["fill"]["neighbourhoods"] > 0
    assert [*one.bindings] == [*other.bindings]


def test_pods_that_fit_nowhere_stay_out_and_the_rest_is_filled():
    cluster = bins(4, 60)
    cluster = pl.Cluster(cluster.nodes, [*cluster.pods, pl.Pod("huge", cpu=1000)])

    solution = pl.solve(cluster, goals=["pack"], steps=200, prove=True)

    assert [each.pod for each in solution.unplaced] == ["default/huge"]
    assert pl.verify(cluster, solution) == []
    assert solution.bound["pack"] <= solution.objective["pack"]


def test_standing_pods_and_groups_keep_their_rules():
    """Pods of a group of which a node takes two, on nodes that are in use and others that are not."""
    rule = [{"topology_key": "host", "at_most": 2, "selector": {"match_labels": {"app": "web"}}}]
    nodes = [pl.Node(f"n{i}", cpu=100, price=1 + i % 3, labels={"kubernetes.io/hostname": f"n{i}"}) for i in range(150)]
    random = Random(1)
    pods = [
        *(pl.Pod(f"stands{i}", cpu=random.randint(1, 50), node=f"n{i}") for i in range(30)),
        *(pl.Pod(f"web{i}", cpu=random.randint(1, 60), labels={"app": "web"}, domain_limits=rule) for i in range(60)),
        *(pl.Pod(f"other{i}", cpu=random.randint(1, 60)) for i in range(60)),
    ]
    cluster = pl.Cluster(nodes, pods)

    placed = pl.solve(cluster, goals=["pack"])
    filled = pl.solve(cluster, goals=["pack"], steps=300, prove=True)

    assert pl.verify(cluster, filled) == []
    assert filled.bound["pack"] <= filled.objective["pack"] <= placed.objective["pack"]


def test_weights_prove_what_scaling_makes_of_them():
    """Pods worth 20 together; patterns are worth 5 at most and cost 4, so that weights count for four fifths."""
    assert proven(20, [(4, 5, 100)]) == Fraction(16)


def test_kinds_of_few_nodes_may_be_worth_more_than_they_cost():
    """Two free nodes worth 5 each are taken off what the pods are worth; the others cost 10 for 10."""
    assert proven(40, [(0, 5, 2), (10, 10, 100)]) == Fraction(30)
