"""Nodes and CSINodes as a node table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from placer.model.cluster import tabulate_amounts
from placer.model.device import Device
from placer.model.node import PRICE_UNIT, Image
from placer.model.relation import HOSTNAME
from placer.model.table import ABSENT, Amounts, Column, Names, NodeTable
from placer.model.taint import Taint
from placer.model.value import FrozenDict
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.admission import has_passed
from placer.orchestrators.kubernetes.annotations import MARK, read_node_annotations
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.objects import NodeObject, NodeSpec, NodeStatus, is_absent
from placer.orchestrators.kubernetes.parts import Part
from placer.orchestrators.kubernetes.rules import read_taints
from placer.orchestrators.kubernetes.subject import Subject

ATTACHABLE = "attachable-volumes-"
ATTACHABLE_DRIVERS = {
    "aws-ebs": "ebs.csi.aws.com",
    "gce-pd": "pd.csi.storage.gke.io",
    "azure-disk": "disk.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
}

_nodes = msgspec.json.Decoder(NodeObject)
_csi_nodes = msgspec.json.Decoder(objects.CsiNodeObject)
_image = msgspec.json.Decoder(objects.NodeImage)


class _Row(NamedTuple):
    name: str
    labels: FrozenDict
    named: bool
    price: int
    unschedulable: bool
    taints: tuple[Taint, ...]
    devices: tuple[Device, ...]
    images: tuple[Image, ...]
    volume_limits: FrozenDict


def read_nodes(inventory: Inventory, manifests: bool) -> NodeTable:
    """
    All nodes, in input order.

    Parameters
    ----------
    manifests
        The input is what users write; objects of the API have labels and taints that it let pass.
    """
    subject = Subject(inventory.problems)
    limits = _attach_limits(inventory)
    taints = Part(["taints"], lambda key: (read_taints(subject, *key),))
    allocatable = Part(["allocatable"], lambda key: (_read_allocatable(subject, *key),))
    images: dict[bytes, Image] = {}
    rows = []
    for named, node in read_objects_of(inventory, "Node", _nodes, namespaced=False):
        subject.where = named.where
        spec, status = node.spec or NodeSpec(), node.status or NodeStatus()
        annotations = bytes(named.metadata.annotations)
        given = read_node_annotations(subject, annotations) if MARK in annotations else {}
        passed = not manifests or has_passed(named.metadata)
        labels = subject.checked_labels(bytes(named.metadata.labels), "metadata.labels", passed)
        is_named = labels.get(HOSTNAME) == named.name
        taints.add((bytes(spec.taints), passed))
        allocatable.add(_allocatable_key(status, "pods" in given))
        amounts = allocatable.values[allocatable.codes[-1]][0]
        rows.append(
            _Row(
                name=named.name,
                labels=_without_hostname(labels) if is_named else labels,
                named=is_named,
                price=given.get("price", PRICE_UNIT),
                unschedulable=spec.unschedulable is True,
                taints=taints.values[taints.codes[-1]][0],
                devices=given.get("devices", ()),
                images=tuple(_read_image(subject, raw, images) for raw in status.images or ()),
                volume_limits=given.get("volume_limits", attach_limits_of(limits.get(named.name), amounts)),
            )
        )
    return _tabulate(rows, allocatable)


def _tabulate(rows: list[_Row], allocatable: Part) -> NodeTable:
    amounts = tabulate_amounts([values[0] for values in allocatable.values], ABSENT)
    codes = np.array(allocatable.codes, np.int32)
    table = amounts.table[codes] if len(rows) else np.zeros((0, 0), np.int64)
    return NodeTable(
        names=Names([row.name for row in rows], checked=True),
        labels=Column.of(row.labels for row in rows),
        named=np.array([row.named for row in rows], bool),
        allocatable=Amounts(amounts.resources if len(rows) else (), np.ascontiguousarray(table)),
        price=np.array([row.price for row in rows], np.int64),
        unschedulable=np.array([row.unschedulable for row in rows], bool),
        taints=Column.of(row.taints for row in rows),
        devices=Column.of(row.devices for row in rows),
        images=Column.of(row.images for row in rows),
        volume_limits=Column.of(row.volume_limits for row in rows),
    )


def _allocatable_key(status: NodeStatus, unlimited: bool) -> tuple[bytes, str, bool]:
    raw = bytes(status.allocatable)
    if is_absent(raw):
        return bytes(status.capacity), "status.capacity", unlimited
    return raw, "status.allocatable", unlimited


def _read_allocatable(subject: Subject, raw: bytes, path: str, unlimited: bool) -> FrozenDict:
    """Quantities; a node that does not say how many pods it takes, takes none, as in Kubernetes."""
    amounts = subject.amounts(raw, path)
    return FrozenDict(amounts if unlimited else {"pods": 0, **amounts})


def _without_hostname(labels: FrozenDict) -> FrozenDict:
    return FrozenDict({key: value for key, value in labels.items() if key != HOSTNAME})


def _read_image(subject: Subject, raw: msgspec.Raw, known: dict[bytes, Image]) -> Image:
    """An image, made once for all nodes that have it: nodes list fifty each."""
    text = bytes(raw)
    image = known.get(text)
    if image is None:
        given = subject.decode(_image, text, "status.images") or objects.NodeImage()
        image = known[text] = Image(names=tuple(given.names or ()), size=given.size_bytes or 0)
    return image


def _attach_limits(inventory: Inventory) -> dict[str, dict[str, int]]:
    """Node → driver → limit, from CSINodes."""
    return {
        named.name: {
            driver.name: driver.allocatable.count
            for driver in (csi.spec.drivers if csi.spec else None) or ()
            if driver.allocatable is not None and driver.allocatable.count is not None
        }
        for named, csi in read_objects_of(inventory, "CSINode", _csi_nodes, namespaced=False)
    }


def attach_limits_of(by_driver: Mapping[str, int] | None, allocatable: Mapping[str, int]) -> FrozenDict:
    """Limits of the CSINode, and those that the node's allocatable names for other drivers."""
    limits = {}
    for resource, amount in allocatable.items():
        if resource.startswith(ATTACHABLE):
            kind = resource.removeprefix(ATTACHABLE)
            limits[ATTACHABLE_DRIVERS.get(kind, kind.removeprefix("csi-"))] = amount
    return FrozenDict({**limits, **(by_driver or {})})
