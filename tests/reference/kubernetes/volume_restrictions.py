"""Disks that one pod at a time may use: Kubernetes, "Access Modes", and the API of the volume sources."""

from __future__ import annotations

from .cluster import Cluster, Node, Object, Pod
from .plugin import Plugin
from .status import Status, unresolvable, unschedulable
from .volumes import claim_of, not_found

IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)


def same_disk(ours: Object, theirs: Object) -> bool:
    """
    Whether two volumes are one disk that both cannot mount.

    An EBS volume never, the others unless both mount read-only. An iSCSI disk is its iqn alone, whatever the lun.
    """
    sources = ("gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd")
    shared = [(kind, ours[kind], theirs[kind]) for kind in sources if ours.get(kind) and theirs.get(kind)]
    for kind, left, right in shared:
        read_only = kind != "awsElasticBlockStore" and bool(left.get("readOnly") and right.get("readOnly"))
        fields = {"gcePersistentDisk": ("pdName",), "awsElasticBlockStore": ("volumeID",), "iscsi": ("iqn",)}
        equal = all(left.get(field) == right.get(field) for field in fields.get(kind, ("image",)))
        if kind == "rbd":
            equal = equal and (left.get("pool") or "rbd") == (right.get("pool") or "rbd")
            equal = equal and bool(set(left.get("monitors") or ()) & set(right.get("monitors") or ()))
        if equal and not read_only:
            return True
    return False


def named_claims(pod: Pod) -> list[str]:
    """The claims that the pod's volumes name, without those of ephemeral volumes."""
    return [each["persistentVolumeClaim"]["claimName"] for each in pod.volumes if each.get("persistentVolumeClaim")]


class VolumeRestrictions(Plugin):
    """No disk conflicts on the node, and no other pod anywhere uses a claim that is ReadWriteOncePod."""

    name = "VolumeRestrictions"

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        super().__init__(cluster, pod)
        self.claims = named_claims(pod)
        found = {name: claim_of(cluster, pod, name) for name in self.claims}
        self.exclusive = {
            name
            for name, each in found.items()
            if each and "ReadWriteOncePod" in (each["spec"].get("accessModes") or ())
        }
        near = [each for _, each in cluster.pods if each.namespace == pod.namespace]
        self.users = sum(any(name in named_claims(each) for each in near) for name in self.exclusive)

    def pre_filter(self) -> Status | None:
        missing = [name for name in self.claims if claim_of(self.cluster, self.pod, name) is None]
        return unresolvable(self.name, not_found("persistentvolumeclaim", missing[0])) if missing else None

    def filter(self, node: Node) -> Status | None:
        standing = [volume for pod in node.pods for volume in pod.volumes]
        if any(same_disk(ours, theirs) for ours in self.pod.volumes for theirs in standing):
            return unschedulable(self.name, "node(s) had no available disk")
        return unschedulable(self.name, IN_USE) if self.users > 0 else None

    def add(self, node: Node, pod: Pod) -> None:
        self.users += self._uses(pod)

    def remove(self, node: Node, pod: Pod) -> None:
        self.users -= self._uses(pod)

    def _uses(self, pod: Pod) -> int:
        """Volumes that name such a claim: unlike the first count, in any namespace, and each volume counts."""
        return sum(name in self.exclusive for name in named_claims(pod))
