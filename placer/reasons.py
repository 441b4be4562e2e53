"""Why pods stay unplaced, counted by node, in kube-scheduler's words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placer.engine import Run
from placer.model.cluster import Cluster
from placer.model.rule import WORDS, Reason, Rule, message, rule_of
from placer.model.table import PENDING
from placer.rejections import Rejections
from placer.solution import Unplaced


def unplaced(cluster: Cluster, run: Run, stopped: str = "done") -> list[Unplaced]:
    """
    The pending pods that have no node, in input order, with their reasons in the state that the run ended in.

    O(nodes) for each distinct class of them. Where a limit stopped the run, ``stopped`` is the reason of all that it
    did not come to, and no node is asked.
    """
    encoded = run.encoded
    left = np.zeros(len(cluster.pod_table), bool)
    left[run.pod_of_slot[run.log.line_of_slot < 0]] = True
    blocked = np.flatnonzero((encoded.class_of_pod < 0) & (cluster.pod_table.node == PENDING))
    left[blocked] = True
    rejections = Rejections(cluster, run)
    known: dict[int, tuple[list[Reason], str]] = {}
    found = []
    for pod in np.flatnonzero(left).tolist():
        pod_class = int(encoded.class_of_pod[pod])
        if pod_class < 0:
            found.append(Unplaced(cluster.pod_table.key(pod), *(gates(cluster, pod) or ([], ""))))
            continue
        if stopped != "done":
            words = f"not looked at before the run was stopped ({stopped})"
            found.append(Unplaced(cluster.pod_table.key(pod), [Reason("Limit", words, 0)], words))
            continue
        if pod_class not in known:
            reasons = rejections.counted(rejections.told(rejections.codes(pod_class, pod), pod_class), pod_class)
            known[pod_class] = reasons, message(reasons, len(cluster.node_table))
        found.append(Unplaced(cluster.pod_table.key(pod), *known[pod_class]))
    return found


def gates(cluster: Cluster, pod: int) -> tuple[list[Reason], str] | None:
    """Why a pod is never looked at, in a list and in a line; ``None`` where it is."""
    reasons = list(_gates(cluster, pod))
    return (reasons, message(reasons, len(cluster.node_table))) if reasons else None


def _gates(cluster: Cluster, pod: int) -> Iterator[Reason]:
    nodes = len(cluster.node_table)
    if cluster.pod_table["scheduling_gates"][pod]:
        gates = ", ".join(cluster.pod_table["scheduling_gates"][pod])
        yield Reason(Rule.SchedulingGates.name, f"{WORDS[Rule.SchedulingGates]}: {gates}", nodes)
    for text in cluster.pod_table["unsupported"][pod]:
        yield Reason(rule_of(text).name, text, nodes)
