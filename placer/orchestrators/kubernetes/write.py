"""A cluster as Kubernetes objects that give it back when they are read."""

from __future__ import annotations

from typing import Any

from placer.formats.arrow import without_collector
from placer.model.cluster import Cluster
from placer.orchestrators.kubernetes.texts import SOME_TIME
from placer.orchestrators.kubernetes.write_budgets import budget_object
from placer.orchestrators.kubernetes.write_nodes import csi_node_object, node_object
from placer.orchestrators.kubernetes.write_pods import pod_object
from placer.orchestrators.kubernetes.write_volumes import Volumes


def write_objects(cluster: Cluster) -> list[dict[str, Any]]:
    """
    Namespaces, Nodes and CSINodes, volumes with their claims, and Pods.

    Every rule stands in its native field; what Kubernetes has no field for, or cannot say as exactly, in an annotation
    ``placer.dev/<field>``.

    Parameters
    ----------
    cluster
        Any cluster, whatever it was read from.

    Returns
    -------
    Objects of JSON types, none of them shared. Pods that a controller has yet to make are marked by the annotation
    ``placer.dev/expected``.
    """
    with without_collector():
        return _write(cluster)


def _write(cluster: Cluster) -> list[dict[str, Any]]:
    volumes = Volumes(cluster.pod_table)
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": dict(labels), "creationTimestamp": SOME_TIME},
        }
        for name, labels in cluster.namespaces.items()
    ]
    for node in cluster.nodes:
        objects.append(node_object(node))
        if node.volume_limits:
            objects.append(csi_node_object(node))
    objects += volumes.objects()
    objects += [budget_object(budget) for budget in cluster.budgets]
    objects += [pod_object(pod, volumes) for pod in cluster.pods]
    return objects
