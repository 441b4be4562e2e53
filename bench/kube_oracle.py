"""Decisions against recorded ones of the real kube-scheduler: equal or not, by kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import Options, say

KINDS = ("outcome", "filters", "reasons", "scores", "choice", "preemption", "message")
MOST_MISMATCHES = 50
CASES = Path(__file__).parents[1] / "tests" / "data" / "kube-oracle" / "cases"
API_KINDS = {
    "nodes": ("v1", "Node"),
    "pods": ("v1", "Pod"),
    "pending": ("v1", "Pod"),
    "namespaces": ("v1", "Namespace"),
    "services": ("v1", "Service"),
    "replicationControllers": ("v1", "ReplicationController"),
    "replicaSets": ("apps/v1", "ReplicaSet"),
    "statefulSets": ("apps/v1", "StatefulSet"),
    "persistentVolumes": ("v1", "PersistentVolume"),
    "persistentVolumeClaims": ("v1", "PersistentVolumeClaim"),
    "storageClasses": ("storage.k8s.io/v1", "StorageClass"),
    "csiNodes": ("storage.k8s.io/v1", "CSINode"),
    "podDisruptionBudgets": ("policy/v1", "PodDisruptionBudget"),
}
"""The lists of a case, with what their objects are where they do not say."""
Decision = dict[str, Any]


def run(options: Options) -> dict[str, Any]:
    """
    Replays every case of a file or folder (the committed ones by default) and compares decision by decision.

    A kind is equal where both sides say the same, or neither says anything.
    """
    path = options.path or options.data or CASES
    files = sorted(path.glob("*.json*")) if path.is_dir() else [path]
    decisions, equal = 0, dict.fromkeys(KINDS, 0)
    mismatches: list[dict[str, Any]] = []
    for file in files:
        for case in read_cases(file):
            for expected, got in zip(case["expected"], decide(case), strict=True):
                decisions += 1
                for kind in KINDS:
                    wanted, found = view(expected, kind), view(got, kind)
                    equal[kind] += wanted == found
                    if wanted != found and len(mismatches) < MOST_MISMATCHES:
                        mismatches.append(
                            {
                                "case": case["name"],
                                "pod": expected["pod"],
                                "what": kind,
                                "expected": wanted,
                                "got": found,
                            }
                        )
    say(f"kube-oracle: {decisions} decisions of {len(files)} files")
    return {
        "work": {"path": path.name, "files": len(files)},
        "cases": len(files),
        "decisions": decisions,
        "equal": equal,
        "mismatches": mismatches,
    }


def read_cases(file: Path) -> Iterator[Mapping[str, Any]]:
    """The cases of a file: one, or a list of them."""
    data = file.read_bytes()
    found = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)
    yield from found if isinstance(found, list) else [found]


def decide(case: Mapping[str, Any]) -> list[Decision]:
    """What placer's exact profile decides, in the schema of the recorded decisions."""
    import placer as pl
    from placer.decisions import Decisions
    from placer.model.profile import KUBERNETES
    from placer.recording import record_all

    cluster = pl.Cluster.from_kubernetes(objects_of(case["cluster"]))
    pending = [
        f"{pod['metadata'].get('namespace') or 'default'}/{pod['metadata']['name']}"
        for pod in case["cluster"]["pending"]
    ]
    rows = np.array([cluster.pod_table.index(key) for key in pending], np.int32)
    decisions = Decisions(cluster, KUBERNETES, rows)
    return list(record_all(decisions, rows.astype(np.int64)))


def objects_of(lists: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects of a case, each with its kind, marked as what an API server holds: read, not judged."""
    found: list[dict[str, Any]] = []
    for name, (version, kind) in API_KINDS.items():
        for given in lists.get(name) or ():
            metadata = {"uid": f"{kind}-{len(found)}", **given["metadata"]}
            found.append({"apiVersion": version, **given, "kind": kind, "metadata": metadata})
    return found


def view(decision: Decision, kind: str) -> Any:
    """What a decision says of one kind."""
    filters = decision.get("filters") or {}
    prefilter = decision.get("prefilter") or {}
    plain = {"outcome": "outcome", "scores": "scores", "preemption": "preemption", "message": "message"}
    if kind in plain:
        return decision.get(plain[kind])
    if kind == "choice":
        return decision.get("node"), decision.get("ties")
    if kind == "filters":
        return {node: each["plugin"] for node, each in filters.items()}, prefilter.get("plugin")
    found = {node: (each.get("reasons"), each.get("code")) for node, each in filters.items()}
    return found, prefilter.get("reasons"), prefilter.get("code")
