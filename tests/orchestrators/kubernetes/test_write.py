"""A cluster survives the way to Kubernetes objects and back, also through YAML, rule by rule."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from formats.generated import clusters
from hypothesis import given, settings

import placer as pl
from placer.formats.yaml import load_documents
from placer.orchestrators.kubernetes import read_json, read_objects, write_objects

from .builders import HOSTNAME, REQUIRED


def assert_equal(back: pl.Cluster, cluster: pl.Cluster) -> None:
    assert list(back.nodes) == list(cluster.nodes)
    assert list(back.pods) == list(cluster.pods)
    assert back.namespaces == cluster.namespaces
    assert back.digest == cluster.digest


def through_json(objects: list[dict[str, Any]]) -> pl.Cluster:
    return read_json([("all.json", json.dumps({"kind": "List", "items": objects}).encode())])


def through_yaml(objects: list[dict[str, Any]]) -> pl.Cluster:
    text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    documents = load_documents(text.encode(), "all.yaml")
    return read_json([(where, json.dumps(value).encode()) for where, value in documents])


@settings(max_examples=150)
@given(clusters())
def test_any_cluster_comes_back_from_its_objects(cluster):
    objects = write_objects(cluster)
    assert_equal(read_objects(objects), cluster)
    assert_equal(through_json(objects), cluster)
    assert_equal(through_yaml(objects), cluster)


@settings(max_examples=30)
@given(clusters())
def test_written_objects_share_no_parts(cluster):
    seen: set[int] = set()

    def visit(value: Any) -> None:
        if isinstance(value, dict | list) and value:
            assert id(value) not in seen
            seen.add(id(value))
            for part in value.values() if isinstance(value, dict) else value:
                visit(part)

    visit(write_objects(cluster))


def written(*pods: pl.Pod) -> list[dict[str, Any]]:
    return [found for found in write_objects(pl.Cluster([], pods)) if found["kind"] == "Pod"]


def test_what_kubernetes_has_a_field_for_is_written_there():
    given = pl.Pod(
        "web",
        cpu=0.5,
        memory="1Gi",
        spread="zone",
        apart="host",
        node="n1",
        ports=[80],
        images=["web:1"],
        owner="Job/sum",
        tolerations=[{"key": "a", "operator": "Exists"}],
        node_affinity=[{"match_expressions": [{"key": "x", "operator": "Exists"}]}],
    )
    (found,) = written(given)
    selector = {"matchLabels": {"app": "web"}}
    assert found["metadata"] == {
        "name": "web",
        "namespace": "default",
        "labels": {"app": "web"},
        "creationTimestamp": "1970-01-01T00:00:00Z",
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "Job", "name": "sum", "uid": "", "controller": True},
        ],
    }
    assert found["spec"] == {
        "nodeName": "n1",
        "affinity": {
            "nodeAffinity": {
                REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "x", "operator": "Exists"}]}]}
            },
            "podAntiAffinity": {REQUIRED: [{"labelSelector": selector, "topologyKey": HOSTNAME}]},
        },
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": selector,
                "nodeAffinityPolicy": "Honor",
                "nodeTaintsPolicy": "Ignore",
            }
        ],
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "containers": [
            {
                "name": "c0",
                "image": "web:1",
                "resources": {"requests": {"cpu": "500m", "memory": "1073741824"}},
                "ports": [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}],
            }
        ],
    }


def test_what_kubernetes_has_no_field_for_is_an_annotation():
    given = pl.Pod("web", numa="require", stateful=2, nodes=["n1"], devices=[pl.DeviceNeed(kind="gpu", share=0.5)])
    (found,) = written(given)
    assert found["metadata"]["annotations"] == {
        "placer.dev/devices": '[{"kind":"gpu","share_milli":500}]',
        "placer.dev/numa": "require",
        "placer.dev/nodes": '["n1"]',
        "placer.dev/stateful": "2",
    }


def test_wishes_of_both_signs_stand_in_their_fields_and_exactly_in_the_annotation():
    term = pl.AffinityTerm(topology_key="zone")
    far_first = [pl.PreferredPods(weight=-1, term=term), pl.PreferredPods(weight=2, term=term)]
    near_first = pl.Pod("a", preferred_pods=far_first[::-1])
    first, second, third = written(
        near_first, pl.Pod("b", preferred_pods=far_first), pl.Pod("c", preferred_nodes=[{"weight": -3, "term": {}}])
    )
    assert "annotations" not in first["metadata"]
    assert second["spec"]["affinity"] == first["spec"]["affinity"]
    assert list(second["metadata"]["annotations"]) == ["placer.dev/preferred_pods"]
    assert "affinity" not in third["spec"]


def test_volumes_are_claims_where_all_pods_agree_on_them():
    shared = pl.Volume(name="data", driver="d", topology=[{"match_expressions": [{"key": "z", "operator": "Exists"}]}])
    cluster = pl.Cluster(
        [],
        [
            pl.Pod("a", volumes=[shared]),
            pl.Pod("b", volumes=[shared, pl.Volume(name="own")]),
            pl.Pod("c", volumes=[pl.Volume(name="own", driver="d")]),
        ],
    )
    objects = write_objects(cluster)
    assert [found["kind"] for found in objects] == ["PersistentVolume", "PersistentVolumeClaim", "Pod", "Pod", "Pod"]
    assert ["annotations" in found["metadata"] for found in objects[2:]] == [False, True, True]
    assert_equal(read_objects(objects), cluster)


@pytest.mark.parametrize(
    ("node", "annotations"),
    [
        (pl.Node("n", pods=5), {}),
        (pl.Node("n"), {"placer.dev/pods": "unlimited"}),
        (pl.Node("n", pods=5, price="0.1"), {"placer.dev/price": "0.1"}),
        (pl.Node("n", pods=5, price=0), {"placer.dev/price": "0"}),
        (pl.Node("n", pods=5, devices=[{"kind": "numa"}]), {"placer.dev/devices": '[{"kind":"numa"}]'}),
        (pl.Node("n", allocatable={"pods": 1, "attachable-volumes-x": 4}), {"placer.dev/volume_limits": "{}"}),
        (pl.Node("n", pods=5, volume_limits={"d": 3}), {}),
    ],
)
def test_nodes_are_annotated_only_with_what_they_have_no_field_for(node, annotations):
    cluster = pl.Cluster([node])
    objects = write_objects(cluster)
    assert objects[0]["metadata"].get("annotations", {}) == annotations
    assert [found["kind"] for found in objects] == ["Node", "CSINode"][: 1 + bool(node.volume_limits)]
    assert_equal(read_objects(objects), cluster)


def test_replicas_and_expected_pods_are_written_out():
    cluster = pl.Cluster([], [pl.Pod("web", replicas=2, expected=True)])
    objects = write_objects(cluster)
    assert [found["metadata"]["name"] for found in objects] == ["web-0", "web-1"]
    assert_equal(read_objects(objects), cluster)
