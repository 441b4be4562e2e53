"""Recorded decisions of kube-scheduler about pods with volumes: the rules of volumes, node by node."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import placer as pl

CASES = sorted((Path(__file__).parents[2] / "data" / "kube-oracle" / "cases").glob("*volumes-*.json.gz"))
PLUGINS = {"VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone"}
KINDS = ("nodes", "namespaces", "persistentVolumes", "persistentVolumeClaims", "storageClasses", "csiNodes", "pods")


def rejected(cluster: dict[str, list[dict[str, Any]]], pending: dict[str, Any], key: str) -> dict[str, str]:
    """Node → the rule of volumes that rejects the pod there first."""
    objects = [each for kind in KINDS for each in cluster.get(kind, [])]
    explained = pl.explain(pl.Cluster.from_kubernetes([*objects, pending]), key)
    return {verdict.node: verdict.rule for verdict in explained.nodes if verdict.rule in PLUGINS}


def settle(cluster: dict[str, list[dict[str, Any]]], pod: dict[str, Any], node: str) -> None:
    """The pod stands on the node, and its claims are as placer binds them there."""
    objects = [each for kind in KINDS for each in cluster.get(kind, [])]
    pinned = {"metadata": {"annotations": {"placer.dev/nodes": json.dumps([node])}}}
    metadata = {**pod["metadata"], "annotations": pinned["metadata"]["annotations"]}
    solution = pl.solve(pl.Cluster.from_kubernetes([*objects, {**pod, "metadata": metadata}]))
    claims = {claim: volume for binding in solution.bindings for claim, volume in binding.claims.items()}
    namespace = pod["metadata"].get("namespace", "default")
    for claim, volume in claims.items():
        if volume:
            (disk,) = (each for each in cluster["persistentVolumes"] if each["metadata"]["name"] == volume)
            disk["spec"]["claimRef"] = {"namespace": namespace, "name": claim}
        else:
            listed = [each["metadata"] for each in cluster["persistentVolumeClaims"]]
            mine = [each for each in listed if each.get("namespace", "default") == namespace]
            (named,) = (each for each in mine if each["name"] == claim)
            named.setdefault("annotations", {})["volume.kubernetes.io/selected-node"] = node
    cluster["pods"].append({**pod, "spec": {**pod["spec"], "nodeName": node}})


@pytest.mark.skipif(not CASES, reason="the recorded decisions are not among the tests' data")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.partition(".")[0])
def test_volumes_are_judged_as_recorded(path: Path):
    case = json.loads(gzip.decompress(path.read_bytes()))
    cluster = case["cluster"]
    cluster.setdefault("pods", [])
    for pod, expected in zip(cluster["pending"], case["expected"], strict=True):
        names = [node["metadata"]["name"] for node in cluster["nodes"]]
        before = expected.get("prefilter")
        filters = {node: found["plugin"] for node, found in expected.get("filters", {}).items()}
        if before:
            filters = dict.fromkeys(names, before["plugin"])

        wanted = {node: plugin for node, plugin in filters.items() if plugin in PLUGINS}
        assert rejected(cluster, pod, expected["pod"]) == wanted, expected["pod"]

        if expected["outcome"] == "bound":
            settle(cluster, pod, expected["node"])
