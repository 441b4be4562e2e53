"""solve() by profiles: every pending pod decided as its scheduler decides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.decisions import Decisions
from placer.engine import claims_of
from placer.model.cluster import Cluster
from placer.model.profile import Profile
from placer.model.rule import Reason
from placer.model.table import PENDING
from placer.profiles import Choice
from placer.reasons import gates
from placer.solution import Bindings, Eviction, Rows, Solution, Unplaced, by_priority


class Decided(NamedTuple):
    """
    What came of one profile's turn.

    Attributes
    ----------
    pods, nodes
        Rows of the pods bound, in order, and of their nodes.
    claims
        Place in the order → what claims that waited are bound to.
    evictions
        In order.
    failures
        Row → reasons and message of a pod that fits nowhere.
    """

    pods: NDArray[np.int32]
    nodes: NDArray[np.int32]
    claims: dict[int, dict[str, str]]
    evictions: list[Eviction]
    failures: dict[int, tuple[list[Reason], str]]


def solve_exactly(
    cluster: Cluster,
    choice: Choice,
    stop: Callable[[], bool],
    progress: Callable[[int, int], None],
    steps: int | None = None,
) -> tuple[Solution, dict[str, Any]]:
    """
    Decides the pending pods in the order of the queue, each by its profile; what is known of the runs comes with it.

    Pods of several profiles stand in one queue: wherever it passes from one profile to another, the cluster is encoded
    anew, so that time grows with turns × (nodes + pods).
    """
    where = cluster.pod_table.node.copy()
    turns: list[Decided] = []
    statistics: dict[str, Any] = {"pod_classes": 0, "node_classes": 0, "nodes_used": 0}
    queue = _queue(cluster, choice)
    total, done, finished = sum(len(rows) for _, rows in queue), 0, True
    for profile, rows in queue:
        decisions = Decisions(_standing_at(cluster, where), profile, rows)
        finished = decisions.decide_all(
            stop, partial(_tell, progress, done, total), None if steps is None else steps - done
        )
        turns.append(_take(cluster, decisions, where))
        done += len(turns[-1].pods) + len(turns[-1].failures)
        _note(statistics, decisions)
        if not finished:
            break
    statistics["nodes_used"] = len(np.unique(where[where >= 0]))
    return _solution(cluster, choice, turns, where, finished), statistics


def solution_of(cluster: Cluster, decisions: Decisions) -> Solution:
    """The answer that one profile's decisions on all pending pods of a cluster, made to the end, come to."""
    where = cluster.pod_table.node.copy()
    return _solution(cluster, Choice((decisions.profile,)), [_take(cluster, decisions, where)], where, True)


def _tell(progress: Callable[[int, int], None], before: int, total: int, now: int, _: int) -> None:
    progress(before + now, total)


def _queue(cluster: Cluster, choice: Choice) -> list[tuple[Profile, NDArray[np.int32]]]:
    """Turns of the queue: higher priority first, then input order, cut where another profile decides."""
    shares = choice.shares(cluster)
    of_pod = np.full(len(cluster.pod_table), -1, np.int64)
    for index, (_, rows) in enumerate(shares):
        of_pod[rows] = index
    rows = np.flatnonzero(of_pod >= 0).astype(np.int32)
    rows = rows[np.argsort(-cluster.pod_table.priority[rows].astype(np.int64), kind="stable")]
    turns = groupby(rows.tolist(), key=lambda row: int(of_pod[row]))
    return [(shares[index][0], np.array(list(turn), np.int32)) for index, turn in turns]


def _standing_at(cluster: Cluster, where: NDArray[np.int32]) -> Cluster:
    """The cluster with its pods at these nodes."""
    if (where == cluster.pod_table.node).all():
        return cluster
    pods = replace(cluster.pod_table, node=where.copy())
    return Cluster.from_tables(cluster.node_table, pods, cluster.namespaces, (), cluster.budgets)


def _take(cluster: Cluster, decisions: Decisions, where: NDArray[np.int32]) -> Decided:
    """Reads off what a turn decided, and moves the pods in ``where``."""
    log = decisions.run.log
    lines = int(log.lines[0])
    pods = decisions.run.pod_of_slot[log.slot[:lines]].astype(np.int32)
    nodes = decisions.encoded.problem.nodes.row[log.node[:lines]]
    where[pods] = nodes
    table, names = cluster.pod_table, cluster.node_table.names
    evictions = []
    for one in decisions.preempted:
        for victim in one.victims:
            evictions.append(Eviction(table.key(victim), names[one.node], table.key(one.pod)))
            where[victim] = PENDING
    failures = {row: (failure.reasons, failure.message) for row, failure in decisions.failures.items()}
    return Decided(pods, nodes, claims_of(decisions.cluster, decisions.run, pods), evictions, failures)


def _note(statistics: dict[str, Any], decisions: Decisions) -> None:
    problem = decisions.encoded.problem
    statistics["pod_classes"] = max(statistics["pod_classes"], len(problem.classes.priority))
    statistics["node_classes"] = max(statistics["node_classes"], len(problem.nodes.segment_start) - 1)


def _solution(
    cluster: Cluster, choice: Choice, turns: list[Decided], where: NDArray[np.int32], finished: bool
) -> Solution:
    """The turns as one answer."""
    none = np.zeros(0, np.int32)
    pods = np.concatenate([none, *(turn.pods for turn in turns)])
    nodes = np.concatenate([none, *(turn.nodes for turn in turns)])
    claims: dict[int, dict[str, str]] = {}
    first = 0
    for turn in turns:
        claims |= {first + place: found for place, found in turn.claims.items()}
        first += len(turn.pods)
    failures = {row: found for turn in turns for row, found in turn.failures.items()}
    asked = choice.decided(cluster)
    bound = np.zeros(len(cluster.pod_table), bool)
    bound[pods] = True
    left = []
    for row in np.flatnonzero(asked & ~bound).tolist():
        reasons, text = failures.get(row) or gates(cluster, row) or _not_reached(finished)
        left.append(Unplaced(cluster.pod_table.key(row), reasons, text))
    missing = np.flatnonzero(asked & (where < 0))
    return Solution(
        input=cluster.digest,
        bindings=Bindings(cluster, Rows(pods, nodes), {}, claims),
        unplaced=left,
        objective={"unplaced": len(missing)},
        unplaced_by_priority=by_priority(cluster, missing),
        evictions=[eviction for turn in turns for eviction in turn.evictions],
    )


def _not_reached(finished: bool) -> tuple[list[Reason], str]:
    assert not finished, "a pod that the run came to is bound, or has its reasons"
    words = "not looked at before the run was stopped"
    return [Reason("Limit", words, 0)], words
