"""Small Kubernetes objects, and what reading them gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

import placer as pl
from placer.orchestrators.kubernetes import read_json

HOSTNAME = "kubernetes.io/hostname"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def node(name: str = "n1", *, spec: Any = None, labels: Any = None, **status: Any) -> dict[str, Any]:
    """A node of four cores with its hostname label."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {HOSTNAME: name, **(labels or {})}},
        "spec": spec or {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}, **status},
    }


def pod(name: str = "web", *, namespace: str = "default", status: Any = None, **spec: Any) -> dict[str, Any]:
    """A pod that the API server has seen; ``metadata`` adds to its metadata, everything else is its spec."""
    metadata = {"name": name, "namespace": namespace, "uid": "1", **spec.pop("metadata", {})}
    spec = {"containers": [container()], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status or {}}


def manifest(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A pod as users write it, which the API server has not seen."""
    return pod(name, **{**spec, "metadata": {**spec.get("metadata", {}), "uid": None}})


def container(requests: Any = None, **fields: Any) -> dict[str, Any]:
    """A container."""
    return {"name": "c", "resources": {"requests": requests or {}}, **fields}


def controller(kind: str, name: str, group: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    """A controller with a template of one container; ``status`` and ``metadata`` stand beside its spec."""
    metadata, status = spec.pop("metadata", {}), spec.pop("status", {})
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container({"cpu": "1"})]}}
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {"template": template, **spec},
        "status": status,
    }


def owned(name: str, owner: str, **spec: Any) -> dict[str, Any]:
    """A pod of a controller, given as ``Kind/name``."""
    metadata = {"ownerReferences": owned_by(owner), **spec.pop("metadata", {})}
    return pod(name, metadata=metadata, **spec)


def owned_by(owner: str) -> list[dict[str, Any]]:
    """Owner references with one controller."""
    kind, name = owner.split("/")
    return [{"apiVersion": "v1", "kind": kind, "name": name, "uid": "1", "controller": True}]


def named(kind: str, group: str, name: str, **fields: Any) -> dict[str, Any]:
    """Any other object."""
    metadata = {"name": name, **fields.pop("metadata", {})}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **fields}


def read(*objects: Any) -> pl.Cluster:
    """The cluster of these objects, by way of one list in JSON."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return read_json([("dump.json", text.encode())])


def only_pod(*objects: Any) -> pl.Pod:
    """The only pod of these objects."""
    (found,) = read(*objects).pods
    return found


def only_node(*objects: Any) -> pl.Node:
    """The only node of these objects."""
    (found,) = read(*objects).nodes
    return found


def refused(*objects: Any) -> list[str]:
    """What is wrong with these objects."""
    with pytest.raises(pl.InputError) as caught:
        read(*objects)
    return caught.value.problems
