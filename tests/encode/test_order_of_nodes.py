"""The order in which nodes are listed decides ties only."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl
from encode.seeded import seeded
from placer.encode.encode import encode


def shuffled(cluster: pl.Cluster, seed: int | None) -> pl.Cluster:
    """The same cluster with its nodes in another order; without a seed, in the same."""
    nodes = list(cluster.nodes)
    if seed is not None:
        Random(seed).shuffle(nodes)
    return pl.Cluster(nodes, list(cluster.pods), cluster.namespaces)


@given(seeded(), st.integers(0, 9))
@settings(max_examples=100)
def test_classes_and_their_nodes_do_not_depend_on_the_order(cluster, seed):
    first, second = encode(shuffled(cluster, None)), encode(shuffled(cluster, seed))

    names = [
        [[node.name for node in each.nodes][row] for row in one.problem.nodes.row.tolist()]
        for each, one in ((cluster, first), (shuffled(cluster, seed), second))
    ]
    assert sorted(names[0]) == sorted(names[1])
    assert first.class_of_pod.tolist() == second.class_of_pod.tolist()
    assert first.problem.classes.need.tolist() == second.problem.classes.need.tolist()
    assert sorted(first.problem.counters.domains.tolist()) == sorted(second.problem.counters.domains.tolist())
    assert [eligible_names(first, names[0], one) for one in range(len(first.problem.classes.priority))] == [
        eligible_names(second, names[1], one) for one in range(len(second.problem.classes.priority))
    ]


def eligible_names(encoded, names: list[str], pod_class: int) -> set[str]:
    classes, nodes = encoded.problem.classes, encoded.problem.nodes
    signature = classes.eligible[pod_class]
    segments = classes.eligible_segments[classes.eligible_start[signature] : classes.eligible_start[signature + 1]]
    return {names[node] for node in range(len(names)) if nodes.segment[node] in segments}


@given(seeded(()), st.integers(0, 9))
@settings(max_examples=60)
def test_as_many_pods_stay_out_of_a_plain_cluster_in_any_order_of_nodes(cluster, seed):
    first, second = pl.solve(cluster), pl.solve(shuffled(cluster, seed))

    assert len(first.unplaced) == len(second.unplaced)
