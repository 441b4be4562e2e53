"""Zones of volumes: Kubernetes, "Running in multiple zones", storage access for zones."""

from __future__ import annotations

from .cluster import Node
from .plugin import Plugin
from .status import Status, unresolvable
from .volumes import claim_of, not_found, waits

NOW = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
KEYS = (*NOW, *NOW.values())


class VolumeZone(Plugin):
    """Zone and region labels of bound volumes, several values apart by ``__``, hold the node's."""

    name = "VolumeZone"

    def pre_filter(self) -> Status | None:
        """A claim that waits has no zone yet; others have a volume, or are rejected already."""
        for name in self.pod.claims:
            claim = claim_of(self.cluster, self.pod, name)
            volume = claim["spec"].get("volumeName") if claim else None
            if claim is None or (not volume and waits(self.cluster, claim)):
                continue
            if not volume:
                return unresolvable(self.name, "PersistentVolume had no name")
            if volume not in self.cluster.volumes:
                return unresolvable(self.name, not_found("persistentvolume", volume))
        return None

    def filter(self, node: Node) -> Status | None:
        """A node without any of the labels takes all volumes."""
        if not any(key in node.labels for key in KEYS):
            return None
        for key, zones in self.zones():
            if node.labels.get(key, node.labels.get(NOW.get(key, key))) not in zones:
                return unresolvable(self.name, "node(s) had no available volume zone")
        return None

    def zones(self) -> list[tuple[str, set[str]]]:
        """Label and allowed values of the pod's bound volumes; a value with an empty part is no zone."""
        claims = [claim_of(self.cluster, self.pod, name) for name in self.pod.claims]
        names = [claim["spec"].get("volumeName") for claim in claims if claim]
        labels = [self.cluster.volumes[name]["metadata"].get("labels") or {} for name in names if name]
        zones = [
            (key, {part.strip() for part in each[key].split("__")}) for each in labels for key in KEYS if key in each
        ]
        return [(key, values) for key, values in zones if "" not in values]
