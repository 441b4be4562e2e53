"""Whatever is given is a cluster or one InputError, never another exception."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl
from placer.formats.yaml import load_documents
from placer.orchestrators.kubernetes import read_json, read_objects, write_objects

from .builders import REQUIRED, container, controller, named, node, owned, pod

VALID: list[Any] = [
    node(
        "n1",
        spec={"taints": [{"key": "a", "effect": "NoSchedule"}], "unschedulable": True},
        images=[{"names": ["i"], "sizeBytes": 5}],
    ),
    pod(
        "rich",
        nodeName="n1",
        affinity={
            "nodeAffinity": {
                REQUIRED: {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}]
                }
            },
            "podAffinity": {REQUIRED: [{"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}]},
        },
        tolerations=[{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}],
        containers=[container({"cpu": "1"}, image="i", ports=[{"containerPort": 80, "hostPort": 80}])],
        initContainers=[container({"memory": "1Gi"}, restartPolicy="Always")],
        volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "e", "ephemeral": {}}],
        priorityClassName="gold",
        schedulingGates=[{"name": "g"}],
        overhead={"cpu": "1m"},
        resources={"requests": {"cpu": "2"}},
        metadata={"labels": {"a": "b"}, "annotations": {"placer.dev/any_of": '[{"node_selector": {"a": "b"}}]'}},
    ),
    controller("Deployment", "web", replicas=2),
    controller(
        "StatefulSet", "db", volumeClaimTemplates=[{"metadata": {"name": "d"}, "spec": {}}], ordinals={"start": 1}
    ),
    controller("DaemonSet", "agent"),
    controller("Job", "j", "batch/v1", completions=2, status={"succeeded": 1, "conditions": [{"type": "Complete"}]}),
    owned("web-5-x", "ReplicaSet/web-5"),
    named("PersistentVolumeClaim", "v1", "c", spec={"volumeName": "pv", "accessModes": ["ReadWriteOnce"]}),
    named("PersistentVolume", "v1", "pv", metadata={"labels": {"topology.kubernetes.io/zone": "a"}}, spec={"csi": {}}),
    named("StorageClass", "storage.k8s.io/v1", "s", allowedTopologies=[{"matchLabelExpressions": []}]),
    named("CSINode", "storage.k8s.io/v1", "n1", spec={"drivers": [{"name": "d", "allocatable": {"count": 1}}]}),
    named("PriorityClass", "scheduling.k8s.io/v1", "gold", value=5),
    named("Namespace", "v1", "default", metadata={"labels": {"a": "b"}}),
]
VALID[4]["spec"]["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["Pod", "List", "In", "1Gi", "-1", "1e999999", "n1", "placer.dev/nodes"]),
    lambda parts: (
        st.lists(parts, max_size=2) | st.dictionaries(st.text(max_size=3) | st.just("key"), parts, max_size=2)
    ),
    max_leaves=4,
)


def cluster_or_error(read: Any, *arguments: Any) -> None:
    try:
        cluster = read(*arguments)
    except pl.InputError as error:
        assert error.problems
        return
    assert len(list(cluster.pods)) == len(cluster.pod_table)
    assert len(list(cluster.nodes)) == len(cluster.node_table)
    write_objects(cluster)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each part of a value, as what holds it and under which key."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in list(keys) for place in [(value, key), *places(value[key])]]


@settings(max_examples=300)
@given(st.data())
def test_a_valid_dump_with_parts_replaced_or_dropped(data):
    dump = copy.deepcopy(VALID)
    for _ in range(data.draw(st.integers(1, 3))):
        found = places(dump)
        holder, key = found[data.draw(st.integers(0, len(found) - 1))]
        if data.draw(st.booleans()):
            holder[key] = data.draw(anything)
        else:
            del holder[key]
    cluster_or_error(read_objects, dump)
    cluster_or_error(read_json, [("dump.json", json.dumps({"kind": "List", "items": dump}).encode())])


@settings(max_examples=150)
@given(st.data())
def test_a_valid_text_with_bytes_changed_or_cut(data):
    text = bytearray(json.dumps(VALID).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    cluster_or_error(read_json, [("dump.json", bytes(text[: data.draw(st.integers(0, len(text)))]))])


@settings(max_examples=100)
@given(st.lists(anything, max_size=3))
def test_any_json(values):
    cluster_or_error(read_json, [("dump.json", json.dumps(values).encode())])
    cluster_or_error(read_objects, values)


def read_yaml(text: bytes) -> pl.Cluster:
    return read_json([(where, json.dumps(value).encode()) for where, value in load_documents(text, "x.yaml")])


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab:-?&*!|>'\"[]{},#% \n\t<~=01.é\0"), max_size=40) | st.text(max_size=20))
def test_any_text_as_yaml(text):
    cluster_or_error(read_yaml, text.encode("utf-8", "surrogatepass"))


def test_the_valid_dump_is_valid():
    assert len(read_objects(VALID).pods) == 6


@pytest.mark.parametrize("depth", [100, 900, 5000])
def test_deep_nesting_anywhere(depth):
    deep = "[" * depth + "]" * depth
    for field in ("metadata", "spec", "status"):
        cluster_or_error(read_json, [("x", f'{{"kind": "Pod", "{field}": {deep}}}'.encode())])
    annotation = json.dumps({"kind": "Pod", "metadata": {"name": "a", "annotations": {"placer.dev/nodes": deep}}})
    cluster_or_error(read_json, [("x", annotation.encode())])
    cluster_or_error(read_yaml, deep.encode())
