"""Two answers side by side: what an exact scheduler places, and what placer places by goals under the same rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.solution import Solution


def beside(cluster: Cluster, solutions: Mapping[str, Solution]) -> dict[str, dict[str, Any]]:
    """
    For each answer: pods left out, pods evicted, nodes in use, and the worst skew of any spread constraint.

    O(pods + keys × nodes + distinct constraints × (pods + domains)).
    """
    return {name: _figures(cluster, solution) for name, solution in solutions.items()}


def _figures(cluster: Cluster, solution: Solution) -> dict[str, Any]:
    where = final_nodes(cluster, solution)
    return {
        "unplaced": int(solution.objective["unplaced"]),
        "evicted": len(solution.evictions),
        "nodes_used": len(np.unique(where[where >= 0])),
        "worst_skew": worst_skew(cluster, where),
    }


def final_nodes(cluster: Cluster, solution: Solution) -> np.ndarray[Any, np.dtype[np.int32]]:
    """(pods,) row of each pod's node once the answer is applied, negative for none."""
    where = cluster.pod_table.node.copy()
    rows = solution.rows(cluster)
    where[rows.pod] = rows.node
    for eviction in solution.evictions:
        where[cluster.pod_table.index(eviction.pod)] = PENDING
    return where


def worst_skew(cluster: Cluster, where: np.ndarray[Any, np.dtype[np.int32]]) -> int:
    """
    The most by which a domain is ahead of the emptiest, over all constraints of the cluster's pods; 0 without any.

    Domains are those of all nodes that have the key.
    """
    pods = cluster.pod_table
    spread, labels = pods["topology_spread"], pods["labels"]
    namespaces = pods["namespace"]
    seen: set[Any] = set()
    domains: dict[str, tuple[np.ndarray[Any, np.dtype[np.int64]], int]] = {}
    worst = 0
    pairs = np.unique(np.stack([spread.codes, namespaces.codes]), axis=1).T.tolist() if len(pods) else []
    for code, namespace in pairs:
        for constraint in spread.values[code]:
            mark = (constraint.topology_key, constraint.selector, namespace)
            if mark in seen or constraint.selector is None:
                continue
            seen.add(mark)
            chosen = np.array([constraint.selector.matches(each) for each in labels.values], bool)
            rows = np.flatnonzero(chosen[labels.codes] & (namespaces.codes == namespace) & (where >= 0))
            if constraint.topology_key not in domains:
                domains[constraint.topology_key] = _domains(cluster, constraint.topology_key)
            domain, count = domains[constraint.topology_key]
            found = domain[where[rows]]
            counts = np.bincount(found[found >= 0], minlength=count)
            worst = max(worst, int(counts.max() - counts.min()) if len(counts) else 0)
    return worst


def _domains(cluster: Cluster, key: str) -> tuple[np.ndarray[Any, np.dtype[np.int64]], int]:
    """(nodes,) the domain of each node, -1 without the key, and how many there are. O(nodes)."""
    index: dict[str, int] = {}
    labels = (cluster.node_labels(row) for row in range(len(cluster.node_table)))
    found = [index.setdefault(each[key], len(index)) if key in each else -1 for each in labels]
    return np.array(found, np.int64), len(index)
