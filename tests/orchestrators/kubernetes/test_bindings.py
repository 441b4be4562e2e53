"""A solution as Binding and Eviction objects."""

from __future__ import annotations

import pytest

import placer as pl
from placer.errors import StaleSolutionError
from placer.orchestrators.kubernetes import binding_objects, read_objects
from placer.solution import Binding, Eviction, Solution

from .builders import node, pod

CLUSTER = pl.Cluster(
    [pl.Node("n1"), pl.Node("n2")],
    [pl.Pod("a"), pl.Pod("b", namespace="prod"), pl.Pod("made", expected=True), pl.Pod("low", node="n2")],
)


def solution(*bindings: Binding, evictions=()) -> Solution:
    return Solution(CLUSTER.digest, bindings, [], {}, evictions=evictions)


def test_a_binding_names_pod_and_node():
    assert binding_objects(CLUSTER, solution(Binding("default/a", "n1"))) == [
        {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"namespace": "default", "name": "a"},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "n1"},
        }
    ]


def test_pods_that_do_not_exist_yet_have_no_binding_and_evict_nobody():
    made = Binding("default/made", "n1")
    assert binding_objects(CLUSTER, solution(made, evictions=[Eviction("default/low", "n2", "default/made")])) == []


def test_evictions_come_just_before_the_binding_they_make_room_for():
    evictions = [Eviction("default/low", "n2", "prod/b")]
    calls = binding_objects(CLUSTER, solution(Binding("default/a", "n1"), Binding("prod/b", "n2"), evictions=evictions))
    assert [(call["kind"], call["metadata"]["name"]) for call in calls] == [
        ("Binding", "a"),
        ("Eviction", "low"),
        ("Binding", "b"),
    ]
    assert calls[1] == {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": "default", "name": "low"},
    }


def test_claims_that_waited_are_bound_just_before_their_first_pod():
    claims = {"data": "pv-1", "logs": ""}
    calls = binding_objects(CLUSTER, solution(Binding("default/a", "n1", {}, claims), Binding("prod/b", "n1", {}, {})))
    assert [call["kind"] for call in calls] == ["PersistentVolume", "PersistentVolumeClaim", "Binding", "Binding"]
    kept = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "default", "name": "data"}
    assert (calls[0]["metadata"], calls[0]["spec"]) == ({"name": "pv-1"}, {"claimRef": kept})
    annotations = {"volume.kubernetes.io/selected-node": "n1"}
    assert calls[1]["metadata"] == {"namespace": "default", "name": "logs", "annotations": annotations}


def test_claims_that_several_pods_share_are_bound_once():
    cluster = pl.Cluster([pl.Node("n1")], [pl.Pod("a"), pl.Pod("b")])
    bound = [Binding(f"default/{name}", "n1", {}, {"data": "pv-1"}) for name in "ab"]
    calls = binding_objects(cluster, Solution(cluster.digest, bound, [], {}))
    assert [call["kind"] for call in calls] == ["PersistentVolume", "Binding", "Binding"]


def test_a_pod_bound_in_this_run_and_evicted_later_is_bound_first():
    evictions = [Eviction("default/a", "n1", "prod/b"), Eviction("default/low", "n2", "prod/b")]

    calls = binding_objects(CLUSTER, solution(Binding("default/a", "n1"), Binding("prod/b", "n1"), evictions=evictions))

    assert [(call["kind"], call["metadata"]["name"]) for call in calls] == [
        ("Binding", "a"),
        ("Eviction", "a"),
        ("Eviction", "low"),
        ("Binding", "b"),
    ]


def test_a_pod_that_does_not_exist_yet_is_not_evicted():
    bindings = Binding("default/made", "n1"), Binding("default/a", "n1")

    calls = binding_objects(CLUSTER, solution(*bindings, evictions=[Eviction("default/made", "n1", "default/a")]))

    assert [(call["kind"], call["metadata"]["name"]) for call in calls] == [("Binding", "a")]


def test_evictions_survive_the_file_of_a_solution(tmp_path):
    given = solution(Binding("prod/b", "n2"), evictions=[Eviction("default/low", "n2", "prod/b")])
    given.write(tmp_path / "answer.json")

    again = Solution.read(tmp_path / "answer.json")

    assert again.evictions == given.evictions
    assert binding_objects(CLUSTER, again) == binding_objects(CLUSTER, given)


def test_units_stand_in_an_annotation_that_the_bound_pod_is_read_with():
    (call,) = binding_objects(CLUSTER, solution(Binding("default/a", "n1", {"nvidia.com/gpu": [0, 3]})))
    annotations = call["metadata"]["annotations"]
    assert annotations == {"placer.dev/units": '{"nvidia.com/gpu":[0,3]}'}
    (bound,) = read_objects([node("n1"), pod("a", nodeName="n1", metadata={"annotations": annotations})]).pods
    assert dict(bound.units) == {"nvidia.com/gpu": (0, 3)}


def test_a_solution_of_another_cluster_is_refused():
    with pytest.raises(StaleSolutionError, match="another input"):
        binding_objects(pl.Cluster([pl.Node("n1")], [pl.Pod("a")]), solution(Binding("default/a", "n1")))
