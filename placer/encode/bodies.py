"""The pods that stand and may come to stand, as preemption sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import ragged
from placer.encode.encode import Encoded
from placer.encode.problem import Bodies
from placer.model.cluster import Cluster

LATEST = 2**62
"""The start of a pod that has just started."""


def new_bodies(cluster: Cluster, encoded: Encoded) -> Bodies:
    """All pods of a cluster, those that stand listed with their nodes in input order. O(pods + nodes)."""
    pods = cluster.pod_table
    rows, nodes = len(pods), len(encoded.problem.nodes.row)
    head, tail = np.full(nodes, -1, np.int32), np.full(nodes, -1, np.int32)
    follow = np.full(rows, -1, np.int32)
    standing, where = encoded.standing, encoded.position[encoded.standing_node]
    order = np.argsort(where, kind="stable")
    body, node = standing[order], where[order]
    same = node[1:] == node[:-1]
    follow[body[:-1][same]] = body[1:][same]
    first = np.concatenate([[True], ~same]) if len(body) else np.zeros(0, bool)
    last = np.concatenate([~same, [True]]) if len(body) else np.zeros(0, bool)
    head[node[first]], tail[node[last]] = body[first], body[last]
    classes = encoded.problem.classes
    holds = (np.diff(classes.unit_start) > 0) | (classes.numa > 0)
    pod_class = encoded.class_of_pod
    budget_start, budget = _budgets(cluster)
    return Bodies(
        pod_class=pod_class,
        priority=pods.priority.astype(np.int32),
        started=starts(cluster),
        holds_units=np.where(pod_class >= 0, holds[np.maximum(pod_class, 0)], False)
        if len(holds)
        else np.zeros(rows, bool),
        head=head,
        tail=tail,
        next=follow,
        budget_start=budget_start,
        budget=budget,
        allowed=np.array([one.allowed for one in cluster.budgets], np.int64),
        left=np.zeros(len(cluster.budgets), np.int64),
        listed=np.zeros(rows + 1, np.int32),
        breaking=np.zeros(rows + 1, bool),
        victims=np.zeros(rows + 1, np.int32),
        short=np.zeros(len(encoded.resources), bool),
        extra=np.zeros(int(np.diff(classes.term_start).max(initial=0)) + 1, np.int64),
    )


def starts(cluster: Cluster) -> NDArray[np.int64]:
    """(pods,) when each started; those without a start have just done so."""
    found: NDArray[np.int64] = cluster.pod_table["started"].map(lambda start: start or LATEST).astype(np.int64)
    return found


def _budgets(cluster: Cluster) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The budgets that each pod counts for; an empty selector selects none: Kubernetes, "Disruptions"."""
    pods = cluster.pod_table
    if not cluster.budgets:
        return np.zeros(len(pods) + 1, np.int32), np.zeros(0, np.int32)
    namespace, labels = pods["namespace"], pods["labels"]
    pairs, inverse = np.unique(np.stack([namespace.codes, labels.codes]), axis=1, return_inverse=True)
    chosen = [
        [
            index
            for index, one in enumerate(cluster.budgets)
            if one.namespace == namespace.values[a]
            and labels.values[b]
            and one.selector is not None
            and not one.selector.is_empty
            and one.selector.matches(labels.values[b])
        ]
        for a, b in pairs.T.tolist()
    ]
    disrupted = [set(one.disrupted) for one in cluster.budgets]
    lists = []
    for row, pair in enumerate(inverse.reshape(-1).tolist()):
        name = pods.names[row] if any(disrupted) else ""
        lists.append([index for index in chosen[pair] if name not in disrupted[index]])
    return ragged(lists)
