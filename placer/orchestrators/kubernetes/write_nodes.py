"""Nodes as Kubernetes objects."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from placer.model.node import PRICE_UNIT, Node
from placer.orchestrators.kubernetes.annotations import PREFIX, UNLIMITED
from placer.orchestrators.kubernetes.nodes import attach_limits_of
from placer.orchestrators.kubernetes.texts import SOME_TIME, amounts_text, json_text, without_empty


def node_object(node: Node) -> dict[str, Any]:
    """A ``v1`` Node."""
    spec = {
        "taints": [_taint(taint.key, taint.value, taint.effect) for taint in node.taints],
        "unschedulable": node.unschedulable,
    }
    images = [{"names": list(image.names), "sizeBytes": image.size} for image in node.images]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": without_empty(
            {
                "name": node.name,
                "labels": dict(node.labels),
                "annotations": node_annotations(node),
                "creationTimestamp": SOME_TIME,
            }
        ),
        "spec": without_empty(spec),
        "status": {"allocatable": amounts_text(node.allocatable), **without_empty({"images": images})},
    }


def csi_node_object(node: Node) -> dict[str, Any]:
    """The CSINode that says how many volumes the node attaches."""
    drivers = [
        {"name": driver, "nodeID": node.name, "topologyKeys": [], "allocatable": {"count": count}}
        for driver, count in node.volume_limits.items()
    ]
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": node.name},
        "spec": {"drivers": drivers},
    }


def node_annotations(node: Node) -> dict[str, str]:
    """What a Node has no field for."""
    annotations = {}
    if node.devices:
        annotations["devices"] = json_text(node.devices)
    if node.price_micro != PRICE_UNIT:
        annotations["price"] = f"{Decimal(node.price_micro) / PRICE_UNIT:f}"
    if "pods" not in node.allocatable:
        annotations["pods"] = UNLIMITED
    if attach_limits_of(node.volume_limits, node.allocatable) != node.volume_limits:
        annotations["volume_limits"] = json_text(node.volume_limits)
    return {PREFIX + name: text for name, text in annotations.items()}


def _taint(key: str, value: str, effect: str) -> dict[str, str]:
    return {"key": key, **({"value": value} if value else {}), "effect": effect}
