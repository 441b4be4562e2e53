"""Classes: pods of one class are equal in all that any rule looks at."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from reference.rules import rejects
from reference.state import State

import placer as pl
from encode.seeded import seeded
from placer.encode.encode import Encoded, encode
from placer.model.table import PENDING


def pairs_of_a_class(encoded: Encoded) -> list[tuple[int, int]]:
    """The first two pending pods of each class that has two."""
    found: dict[int, list[int]] = {}
    for pod in encoded.pending.tolist():
        found.setdefault(int(encoded.class_of_pod[pod]), []).append(pod)
    return [(pods[0], pods[-1]) for pods in found.values() if len(pods) > 1]


@given(seeded())
@settings(max_examples=100)
def test_two_pods_of_a_class_are_rejected_by_the_same_rules_on_every_node(cluster):
    encoded, state = encode(cluster, preferences=True), State(cluster)

    for one, other in pairs_of_a_class(encoded):
        for node in range(len(state.nodes)):
            assert rejects(state, one, node) == rejects(state, other, node)


@given(seeded())
@settings(max_examples=100)
def test_whichever_of_two_pods_of_a_class_stands_all_others_see_the_same(cluster):
    encoded, state = encode(cluster, preferences=True), State(cluster)

    for one, other in pairs_of_a_class(encoded):
        for node in range(len(state.nodes)):
            if rejects(state, one, node) is None:
                seen = []
                for pod, left in ((one, other), (other, one)):
                    state.bind(pod, node)
                    rest = [row for row in encoded.pending.tolist() if row not in (one, other)]
                    seen.append([[rejects(state, row, at) for at in range(len(state.nodes))] for row in (left, *rest)])
                    state.evict(pod)
                assert seen[0] == seen[1]


@given(seeded())
@settings(max_examples=100)
def test_a_class_asks_for_what_its_pods_ask_for(cluster):
    encoded, state = encode(cluster), State(cluster)
    classes = encoded.problem.classes

    for pod, pod_class in enumerate(encoded.class_of_pod.tolist()):
        if pod_class < 0:
            continue
        need = dict(zip(encoded.resources, classes.need[pod_class].tolist(), strict=True))
        plain = {name: amount for name, amount in need.items() if ":" not in name and name != "pods" and amount}
        assert plain == {name: amount for name, amount in state.requests[pod].items() if amount and name != "pods"}
        assert (
            classes.asked[pod_class][: np.count_nonzero(classes.need[pod_class])].tolist()
            == np.flatnonzero(classes.need[pod_class]).tolist()
        )
        assert classes.priority[pod_class] == state.pods[pod].priority
        needs = range(classes.unit_start[pod_class], classes.unit_start[pod_class + 1])
        found = [(encoded.kinds[classes.unit_kind[need]], classes.unit_count[need]) for need in needs]
        assert found == [(each.kind, each.count) for each in state.needs[pod]]


@given(seeded())
@settings(max_examples=100)
def test_pods_that_are_never_placed_have_no_class(cluster):
    encoded, state = encode(cluster), State(cluster)

    pending = [
        row
        for row, pod in enumerate(state.pods)
        if cluster.pod_table.node[row] == PENDING and not pod.scheduling_gates and not pod.unsupported
    ]
    assert encoded.pending.tolist() == pending
    assert sorted(encoded.standing.tolist()) == sorted(state.standing)
    assert {pod for pod, one in enumerate(encoded.class_of_pod.tolist()) if one >= 0} == {*pending, *state.standing}


@given(seeded())
@settings(max_examples=100)
def test_encoding_twice_gives_equal_arrays(cluster):
    first, second = encode(cluster, preferences=True), encode(cluster, preferences=True)

    for one, other in zip(first.problem, second.problem, strict=True):
        for name, a, b in zip(type(one)._fields, one, other, strict=True):
            assert np.array_equal(a, b), name
            assert a.dtype == b.dtype, name
    assert np.array_equal(first.class_of_pod, second.class_of_pod)
    assert first.resources == second.resources


def test_replicas_are_one_class():
    pods = [pl.Pod("a", replicas=3, cpu=1), pl.Pod("b", cpu=1), pl.Pod("c", cpu=2)]
    cluster = pl.Cluster([pl.Node("n", cpu=9)], pods)

    assert encode(cluster).class_of_pod.tolist() == [0, 0, 0, 0, 1]
