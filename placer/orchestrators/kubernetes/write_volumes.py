"""Volumes as bound claims, where all pods that name one agree on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from placer.model.table import PodTable
from placer.model.volume import Volume
from placer.orchestrators.kubernetes.texts import SOME_TIME, node_term


class Volumes:
    """
    The volumes of a cluster's pods by claim.

    Claims that wait for their volume, and those that pods do not agree on, are left to the pods' annotations.
    """

    def __init__(self, pods: PodTable) -> None:
        self._volumes: dict[tuple[str, str], Volume] = {}
        self._disputed: set[tuple[str, str]] = set()
        namespaces, volumes = pods["namespace"], pods["volumes"]
        pairs = set(zip(namespaces.codes.tolist(), volumes.codes.tolist(), strict=True))
        for namespace, code in sorted(pairs):
            for volume in volumes.values[code]:
                key = namespaces.values[namespace], volume.name
                if (
                    self._volumes.setdefault(key, volume) != volume
                    or volume.waiting
                    or not _can_be_labels(volume.zones)
                ):
                    self._disputed.add(key)

    def are_native(self, namespace: str, volumes: Iterable[Volume]) -> bool:
        """Whether claims say all about these volumes."""
        return not any((namespace, volume.name) in self._disputed for volume in volumes)

    def objects(self) -> list[dict[str, Any]]:
        """A PersistentVolume and a PersistentVolumeClaim for each."""
        return [
            made
            for (namespace, name), volume in self._volumes.items()
            if (namespace, name) not in self._disputed
            for made in (_disk(namespace, volume), _claim(namespace, volume))
        ]


def _can_be_labels(zones: Mapping[str, Sequence[str]]) -> bool:
    """Whether labels give the zones back when they are read."""
    return all(
        [part.strip() for part in "__".join(values).split("__")] == list(values) and all(values)
        for values in zones.values()
    )


def _disk(namespace: str, volume: Volume) -> dict[str, Any]:
    name = _disk_name(namespace, volume)
    spec: dict[str, Any] = {
        "accessModes": [volume.access],
        "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": volume.name},
    }
    if volume.driver:
        spec["csi"] = {"driver": volume.driver, "volumeHandle": name}
    if volume.topology:
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [node_term(term) for term in volume.topology]}}
    metadata: dict[str, Any] = {"name": name, "creationTimestamp": SOME_TIME}
    if volume.zones:
        metadata["labels"] = {key: "__".join(values) for key, values in volume.zones.items()}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _claim(namespace: str, volume: Volume) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume.name, "namespace": namespace, "creationTimestamp": SOME_TIME},
        "spec": {"accessModes": [volume.access], "volumeName": _disk_name(namespace, volume)},
    }


def _disk_name(namespace: str, volume: Volume) -> str:
    return f"pvc-{hashlib.sha256(f'{namespace}/{volume.name}'.encode()).hexdigest()[:32]}"
