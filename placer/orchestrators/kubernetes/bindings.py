"""A solution as the calls that carry it out: ``Binding`` objects, each after the evictions made for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from placer.model.cluster import Cluster
from placer.orchestrators.kubernetes.annotations import PREFIX
from placer.orchestrators.kubernetes.volumes import SELECTED_NODE
from placer.solution import Solution


def binding_objects(cluster: Cluster, solution: Solution) -> list[dict[str, Any]]:
    """
    ``v1`` Bindings in the solution's order, and ``policy/v1`` Evictions just before the binding they make room for.

    Claims that wait are bound just before their first pod, by a PersistentVolume or PersistentVolumeClaim to be applied
    as a merge patch: without it the pod would wait for a volume that nobody has chosen.

    Parameters
    ----------
    cluster
        What was solved.

    Returns
    -------
    Objects to post one after the other; a pod that is bound and later evicted has both, in that order. Pods that a
    controller has yet to make have none, and nobody is evicted for them: they do not exist. Units that a pod takes are
    in the Binding's annotation ``placer.dev/units``, which the API server copies to the pod.

    Raises
    ------
    StaleSolutionError
        The solution was made for another cluster.
    """
    rows = solution.rows(cluster)
    expected = cluster.pod_table["expected"]
    evictions: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for pod, _, beneficiary in solution.evictions:
        if not expected[cluster.pod_table.index(pod)]:
            evictions[beneficiary].append(_eviction(pod))
    calls: list[dict[str, Any]] = []
    settled: set[tuple[str, str]] = set()
    for row, (pod, node, units, claims) in zip(rows.pod.tolist(), solution.bindings, strict=True):
        if not expected[row]:
            calls += evictions[pod]
            calls += _claims(pod, node, claims, settled)
            calls.append(_binding(pod, node, {kind: list(places) for kind, places in units.items()}))
    return calls


def _binding(pod: str, node: str, units: dict[str, list[int]]) -> dict[str, Any]:
    metadata: dict[str, Any] = _names(pod)
    if units:
        metadata["annotations"] = {f"{PREFIX}units": msgspec.json.encode(units).decode()}
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    return {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}


def _claims(pod: str, node: str, claims: Mapping[str, str], settled: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """
    Patches that bind claims, as kube-scheduler makes them before it binds the pod: Kubernetes, "Volume Binding Mode".

    A volume is kept for the claim; or the claim is told the node, for which its provisioner then makes a volume.
    """
    namespace = _names(pod)["namespace"]
    for claim, volume in claims.items():
        if (namespace, claim) in settled:
            continue
        settled.add((namespace, claim))
        if volume:
            kept = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim}
            yield {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": volume},
                "spec": {"claimRef": kept},
            }
        else:
            metadata = {"namespace": namespace, "name": claim, "annotations": {SELECTED_NODE: node}}
            yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}


def _eviction(pod: str) -> dict[str, Any]:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": _names(pod)}


def _names(pod: str) -> dict[str, Any]:
    namespace, _, name = pod.partition("/")
    return {"namespace": namespace, "name": name}
