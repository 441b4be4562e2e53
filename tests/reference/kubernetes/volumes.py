"""What volume plugins share: Kubernetes, "Persistent Volumes" and "Storage Classes"."""

from __future__ import annotations

from .cluster import Cluster, Node, Object, Pod
from .selectors import any_term_matches

WAITS = "WaitForFirstConsumer"
BOUND = "pv.kubernetes.io/bind-completed"
CHOSEN_NODE = "volume.kubernetes.io/selected-node"
OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def claim_of(cluster: Cluster, pod: Pod, name: str) -> Object | None:
    """A claim of the pod's namespace."""
    return cluster.claims.get(f"{pod.namespace}/{name}")


def not_found(kind: str, name: str) -> str:
    """The API machinery's words for an object that is not there."""
    return f'{kind} "{name}" not found'


def annotations_of(thing: Object) -> Object:
    """The annotations of an object."""
    return thing["metadata"].get("annotations") or {}


def class_name(thing: Object) -> str:
    """The storage class of a claim or volume; the old annotation goes first."""
    return annotations_of(thing).get(OLD_CLASS) or thing["spec"].get("storageClassName") or ""


def waits(cluster: Cluster, claim: Object) -> bool:
    """Whether the claim is bound only once a pod that uses it is placed."""
    found = cluster.classes.get(class_name(claim))
    return found is not None and found.get("volumeBindingMode") == WAITS


def volume_allows(volume: Object, node: Node) -> bool:
    """Whether the volume can be used on the node, by its node affinity."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or any_term_matches(required.get("nodeSelectorTerms") or (), node.labels, node.name)
