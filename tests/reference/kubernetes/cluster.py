"""The cluster that a scheduling cycle sees: API objects with what is read from them, kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property
from typing import Any

from . import requests
from .defaults import with_defaults
from .quantities import quantity, units
from .selectors import any_term_matches

Object = Mapping[str, Any]
# The start of a pod that has not started: later than any.
NOT_YET = "9999"


class Pod:
    """A pod and what is read from it."""

    def __init__(self, source: Object) -> None:
        self.source = source
        self.metadata: Object = source["metadata"]
        self.spec: Object = source["spec"]
        self.name: str = self.metadata["name"]
        self.namespace: str = self.metadata.get("namespace") or "default"
        self.labels: Mapping[str, str] = self.metadata.get("labels") or {}
        self.priority: int = self.spec.get("priority") or 0
        self.terminating = bool(self.metadata.get("deletionTimestamp"))
        self.started: str = (source.get("status") or {}).get("startTime") or NOT_YET
        self.tolerations: list[Object] = self.spec.get("tolerations") or []
        self.volumes: list[Object] = self.spec.get("volumes") or []
        self.affinity: Object = self.spec.get("affinity") or {}

    @property
    def key(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}"

    @cached_property
    def requested(self) -> dict[str, int]:
        """What it asks for, in base units."""
        return requests.requested(self.spec)

    @cached_property
    def assumed_running(self) -> dict[str, int]:
        """What scoring counts for it where it stands."""
        return requests.assumed_of_running(self.spec)

    @cached_property
    def assumed_incoming(self) -> dict[str, int]:
        """What scoring counts for it before it stands."""
        return requests.assumed_of_incoming(self.spec)

    @cached_property
    def claims(self) -> list[str]:
        """The names of the claims that its volumes use, in order, with those of ephemeral volumes."""
        named = ((each.get("persistentVolumeClaim") or {}).get("claimName") for each in self.volumes)
        ephemeral = (f"{self.name}-{each['name']}" if each.get("ephemeral") else None for each in self.volumes)
        return [name for name in (given or made for given, made in zip(named, ephemeral, strict=True)) if name]

    def wants(self, node: Node) -> bool:
        """Whether a node meets the pod's node selector and required node affinity."""
        selector: Mapping[str, str] = self.spec.get("nodeSelector") or {}
        if any(node.labels.get(key) != value for key, value in selector.items()):
            return False
        needed = (self.affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
        return needed is None or any_term_matches(needed.get("nodeSelectorTerms") or (), node.labels, node.name)


class Node:
    """A node, and the pods that stand on it in the order in which they came."""

    def __init__(self, source: Object) -> None:
        self.source = source
        self.name: str = source["metadata"]["name"]
        self.labels: Mapping[str, str] = source["metadata"].get("labels") or {}
        self.spec: Object = source.get("spec") or {}
        self.taints: list[Object] = self.spec.get("taints") or []
        status = source.get("status") or {}
        self.images: list[Object] = status.get("images") or []
        sizes = status.get("allocatable") or {}
        self.allocatable = {name: units(name, quantity(str(value))) for name, value in sizes.items()}
        self.pods: list[Pod] = []

    def copied(self) -> Node:
        """The node with a list of pods of its own."""
        twin = copy(self)
        twin.pods = list(self.pods)
        return twin


class Cluster:
    """All objects of a case, and where its pods stand."""

    def __init__(self, source: Mapping[str, list[Object]]) -> None:
        self.nodes = [Node(each) for each in source["nodes"]]
        self.services = source.get("services") or []
        self.owners = {
            kind: by_key(source.get(field) or ())
            for kind, field in (
                ("ReplicaSet", "replicaSets"),
                ("StatefulSet", "statefulSets"),
                ("ReplicationController", "replicationControllers"),
            )
        }
        self.namespaces = {
            each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in source.get("namespaces") or ()
        }
        self.budgets = source.get("podDisruptionBudgets") or []
        self.claims = by_key(source.get("persistentVolumeClaims") or ())
        self.volumes = by_name(source.get("persistentVolumes") or ())
        self.classes = by_name(source.get("storageClasses") or ())
        self.csi_nodes = by_name(source.get("csiNodes") or ())
        by_node = {node.name: node for node in self.nodes}
        for pod in source.get("pods") or ():
            if pod["spec"].get("nodeName") in by_node:
                by_node[pod["spec"]["nodeName"]].pods.append(Pod(with_defaults(pod)))

    def node(self, name: str) -> Node:
        """The node of a name."""
        return next(node for node in self.nodes if node.name == name)

    @property
    def pods(self) -> list[tuple[Node, Pod]]:
        """All pods that stand, with their nodes."""
        return [(node, pod) for node in self.nodes for pod in node.pods]


def by_key(objects: Iterable[Object]) -> dict[str, Object]:
    """Objects by namespace and name."""
    return {f"{each['metadata'].get('namespace') or 'default'}/{each['metadata']['name']}": each for each in objects}


def by_name(objects: Iterable[Object]) -> dict[str, Object]:
    """Objects by name."""
    return {each["metadata"]["name"]: each for each in objects}
