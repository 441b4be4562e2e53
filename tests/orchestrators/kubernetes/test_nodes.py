"""Nodes: labels, taints, allocatable, images, attach limits, price, devices."""

from __future__ import annotations

import pytest

import placer as pl
from placer.model.node import Image
from placer.model.table import ABSENT

from .builders import HOSTNAME, named, node, only_node, read, refused


def annotated(**annotations: str) -> dict:
    found = node()
    found["metadata"]["annotations"] = {f"placer.dev/{name}": text for name, text in annotations.items()}
    return found


def test_a_node_is_read_as_it_is_written_in_python():
    given = node(
        labels={"zone": "a"},
        spec={"unschedulable": True, "taints": [{"key": "gpu", "value": "true", "effect": "NoSchedule"}]},
        images=[{"names": ["nginx:1", "nginx@sha256:0"], "sizeBytes": 100}],
    )
    assert only_node(given) == pl.Node(
        "n1",
        labels={"zone": "a"},
        cpu=4,
        memory="8Gi",
        pods=110,
        unschedulable=True,
        taints=[{"key": "gpu", "value": "true"}],
        images=[Image(names=("nginx:1", "nginx@sha256:0"), size=100)],
    )


def test_the_hostname_label_is_the_name_only_where_it_says_so():
    bare = node("n1")
    del bare["metadata"]["labels"]
    other = node("n2")
    other["metadata"]["labels"] = {HOSTNAME: "host-2"}
    cluster = read(bare, other, node("n3"))
    assert cluster.node_table.named.tolist() == [False, False, True]
    assert [dict(found.labels) for found in cluster.nodes] == [{}, {HOSTNAME: "host-2"}, {HOSTNAME: "n3"}]


def test_a_node_that_does_not_name_pods_takes_none():
    cluster = read(node("n1"), node("n2", allocatable={"cpu": "1"}), node("n3", allocatable=None))
    amounts = cluster.node_table.allocatable
    assert amounts.column("pods").tolist() == [110, 0, 0]
    assert amounts.column("cpu").tolist() == [4000, 1000, ABSENT]


def test_capacity_stands_in_for_allocatable_that_is_missing():
    assert dict(only_node(node(allocatable=None, capacity={"cpu": 2, "pods": 5})).allocatable) == {
        "cpu": 2000,
        "pods": 5,
    }


def test_attach_limits_come_from_the_csi_node_and_from_allocatable():
    allocatable = {"attachable-volumes-aws-ebs": "25", "attachable-volumes-csi-b.example": "7"}
    drivers = [{"name": "b.example", "allocatable": {"count": 3}}, {"name": "c.example", "allocatable": None}]
    csi = named("CSINode", "storage.k8s.io/v1", "n1", spec={"drivers": drivers})
    assert dict(only_node(node(allocatable=allocatable), csi).volume_limits) == {"ebs.csi.aws.com": 25, "b.example": 3}


def test_annotations_give_price_devices_and_any_number_of_pods():
    given = annotated(price="0.25", devices='[{"kind": "gpu", "count": 2, "attributes": {"model": "A100"}}]')
    found = only_node(given)
    assert found.price == 0.25
    assert found.devices == (pl.Device(kind="gpu", count=2, attributes={"model": "A100"}),)
    unlimited = annotated(pods="unlimited")
    unlimited["status"]["allocatable"] = {"cpu": "1"}
    assert dict(only_node(unlimited).allocatable) == {"cpu": 1000}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (node(allocatable={"cpu": "4 cores"}), "status.allocatable.cpu is '4 cores', which is no quantity: write"),
        (node(allocatable={"cpu": -1}), "status.allocatable.cpu is -1, which must not be negative: write 0 or more"),
        (node(allocatable={"memory": "9Ei"}), "status.allocatable.memory is '9Ei', which is beyond int64: write"),
        (node(allocatable=[]), "status.allocatable is []: give a map"),
        (node(labels={"version": 1}), "metadata.labels.version is 1: give a text, in quotes"),
        (node(spec={"unschedulable": "yes"}), "spec.unschedulable is 'yes': give true or false"),
        (node(images=[{"sizeBytes": "1"}]), "status.images.sizeBytes is '1': give an integer"),
        (annotated(price="free"), "metadata.annotations[placer.dev/price] is 'free': give a number of at least 0"),
        (annotated(price="-1"), "metadata.annotations[placer.dev/price] is '-1': give a number of at least 0"),
        (annotated(pods="5"), "metadata.annotations[placer.dev/pods] is '5': give 'unlimited', or drop it"),
        (annotated(prices="1"), "metadata.annotations[placer.dev/prices] is unknown: did you mean placer.dev/price?"),
        (annotated(numa="require"), "metadata.annotations[placer.dev/numa] is unknown: use one of devices, price,"),
        (annotated(devices="[{"), "metadata.annotations[placer.dev/devices] is '[{', which is no JSON"),
        (annotated(devices='[{"count": 1}]'), "metadata.annotations[placer.dev/devices][0].kind is missing"),
        (
            annotated(devices='[{"kind": "g", "n": 1}]'),
            "[placer.dev/devices][0].n is 1: no such field: check its spelling",
        ),
    ],
)
def test_wrong_values_are_named_by_their_path(given, problem):
    (found,) = refused(given)
    assert found.startswith("dump.json, item 1, Node n1: ")
    assert problem in found


def test_a_wrong_value_that_many_share_is_named_once():
    nodes = [node(f"n{place}", allocatable={"cpu": "lots"}) for place in range(50)]
    assert len(refused(*nodes)) == 1
