"""Objects in memory: dicts, objects of the Kubernetes client, objects of other clients."""

from __future__ import annotations

import datetime

import pytest

import placer as pl
from placer.orchestrators.kubernetes import read_objects

from .builders import container, node, pod


def refused(*objects) -> list[str]:
    with pytest.raises(pl.InputError) as caught:
        read_objects(objects)
    return caught.value.problems


def test_dicts_and_anything_that_gives_one_are_read():
    class Given:
        def to_dict(self) -> dict:
            return pod("b")

    cluster = pl.Cluster.from_kubernetes([node(), pod("a"), Given(), {"kind": "List", "items": [pod("c")]}])
    assert [found.name for found in cluster.pods] == ["a", "b", "c"]


def test_objects_of_the_kubernetes_client_are_read_also_as_list_items_without_kind():
    client = pytest.importorskip("kubernetes.client", reason="needs the Kubernetes client")
    resources = client.V1ResourceRequirements(requests={"cpu": "500m"})
    created = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    given = client.V1Pod(
        metadata=client.V1ObjectMeta(name="web", namespace="prod", creation_timestamp=created),
        spec=client.V1PodSpec(
            containers=[client.V1Container(name="c", resources=resources)],
            node_selector={"disk": "ssd"},
        ),
    )
    machine = client.V1Node(
        metadata=client.V1ObjectMeta(name="n1"), status=client.V1NodeStatus(allocatable={"cpu": "4", "pods": "9"})
    )
    for objects in ([given, machine], [client.V1PodList(items=[given]), client.V1NodeList(items=[machine])]):
        cluster = read_objects(objects)
        assert list(cluster.pods) == [pl.Pod("web", namespace="prod", cpu=0.5, node_selector={"disk": "ssd"})]
        assert dict(cluster.nodes[0].allocatable) == {"cpu": 4000, "pods": 9}


def test_what_is_no_object_is_named_by_its_place():
    assert refused(node(), 5, "n1") == [
        "objects, item 2: is 5: give a Kubernetes object",
        "objects, item 3: is 'n1': give a Kubernetes object",
    ]
    assert "objects, item 1: cannot be written as JSON" in refused({"kind": object()})[0]
    assert "objects, item 1: cannot be written as JSON" in refused({"kind": "\ud800"})[0]
    assert refused(pod(containers=[container({"cpu": float("nan")})]))[0].startswith("objects, item 1, Pod default/web")
