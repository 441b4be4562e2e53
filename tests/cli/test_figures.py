"""The figures of a solution: how full nodes are, and why pods stay out."""

from __future__ import annotations

import pytest

import placer as pl
from placer.cli.figures import Why, figures


def test_what_stands_and_what_is_placed_count_together():
    nodes = [pl.Node("n1", cpu=4), pl.Node("n2", cpu=4)]
    cluster = pl.Cluster(nodes, [pl.Pod("old", cpu=1, node="n1"), pl.Pod("new", cpu=2)])

    found = figures(cluster, pl.solve(cluster))

    assert (found.nodes, found.nodes_used, found.pods, found.bound, found.pending) == (2, 1, 2, 1, 1)
    assert [(use.resource, use.of_all, use.of_used) for use in found.use] == [("cpu", 3 / 8, 3 / 4)]


def test_shares_of_devices_count_as_fractions_of_units():
    node = pl.Node("n1", cpu=4, devices=[pl.Device(kind="nvidia.com/gpu", count=2)])
    need = pl.DeviceNeed(kind="nvidia.com/gpu", share=0.5)
    cluster = pl.Cluster([node], [pl.Pod("a", cpu=1, devices=[need])])

    use = {use.resource: use.of_all for use in figures(cluster, pl.solve(cluster)).use}

    assert use == {"cpu": 0.25, "nvidia.com/gpu": 0.25}


def test_pods_with_the_same_message_are_counted_together():
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("big", replicas=3, cpu=2)])

    assert figures(cluster, pl.solve(cluster)).why == [
        Why("0/1 nodes are available: 1 Insufficient cpu.", 3, "default/big-0")
    ]


@pytest.mark.parametrize("nodes", [[], [pl.Node("n1")]])
def test_an_empty_cluster_has_no_use(nodes: list[pl.Node]):
    cluster = pl.Cluster(nodes, [])

    assert figures(cluster, pl.solve(cluster)).use == []


def test_amounts_near_the_largest_integer_do_not_wrap():
    most = 2**62
    cluster = pl.Cluster(
        [pl.Node(name, memory=most) for name in ("n1", "n2", "n3")],
        [pl.Pod(name, memory=most, node=node) for name, node in (("a", "n1"), ("b", "n2"))],
    )

    assert figures(cluster, pl.solve(cluster)).use[0].of_all == pytest.approx(2 / 3)
