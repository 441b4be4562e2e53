"""The order of events: what stands at first, then evictions, bindings and moves, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.model.cluster import Cluster

STANDING, BINDING, EVICTION, MOVE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    Events in order; an event's number is its time.

    Attributes
    ----------
    pod, node
        (events,) int64 rows of the tables.
    sign
        (events,) int64: 1 arrives, -1 leaves.
    checked
        (events,) bool: an arrival that rules are asked of.
    source
        (events,) int8: STANDING, BINDING, EVICTION or MOVE.
    line
        (events,) int64: place in the solution's list of that kind; -1 for what stands.
    ordered
        Whether time means anything; where not, each pod is judged against all others.
    """

    pod: NDArray[np.int64]
    node: NDArray[np.int64]
    sign: NDArray[np.int64]
    checked: NDArray[np.bool_]
    source: NDArray[np.int8]
    line: NDArray[np.int64]
    ordered: bool

    def __len__(self) -> int:
        return len(self.pod)


class Evicted(NamedTuple):
    """A pod that leaves just before a binding: ``before`` is the place among the plan's bindings."""

    before: int
    pod: int
    node: int
    line: int


class Moved(NamedTuple):
    """A pod that changes its node in a wave."""

    wave: int
    pod: int
    source: int
    target: int
    line: int


class Plan(NamedTuple):
    """
    The parts of a solution that make sense, as rows of the tables.

    Attributes
    ----------
    pod, node, line
        (bindings,) int64; ``line`` is the place in the solution's list.
    evicted
        In the order of the bindings they make room for.
    moved
        Wave by wave.
    """

    pod: NDArray[np.int64]
    node: NDArray[np.int64]
    line: NDArray[np.int64]
    evicted: list[Evicted]
    moved: list[Moved]


def standing_timeline(cluster: Cluster, where: NDArray[np.integer[Any]] | None = None) -> Timeline:
    """
    A placement without an order: every pod that stands is checked against the others.

    Parameters
    ----------
    where
        (pods,) row of each pod's node, negative for none; by default where the input has it.
    """
    nodes = cluster.pod_table.node if where is None else where
    rows = np.flatnonzero(nodes >= 0)
    count = len(rows)
    return Timeline(
        pod=rows,
        node=nodes[rows].astype(np.int64),
        sign=np.ones(count, np.int64),
        checked=np.ones(count, bool),
        source=np.full(count, STANDING, np.int8),
        line=np.full(count, -1, np.int64),
        ordered=False,
    )


def solution_timeline(cluster: Cluster, plan: Plan, *, held: bool) -> Timeline:
    """
    What stands, then the plan in its order of application.

    Parameters
    ----------
    held
        Whether a moved pod also holds its old node to the end of the wave, as loads do; else it leaves first.
    """
    standing = standing_timeline(cluster)
    count = len(plan.pod)
    bindings = _events(plan.pod, plan.node, np.ones(count, np.int64), BINDING, plan.line)
    if plan.evicted:
        before, pod, node, line = (np.array(column, np.int64) for column in zip(*plan.evicted, strict=True))
        leaving = _events(pod, node, np.full(len(pod), -1, np.int64), EVICTION, line)
        bindings = [np.insert(ours, before, theirs) for ours, theirs in zip(bindings, leaving, strict=True)]
    moves = _moves(plan.moved, held)
    first = [standing.pod, standing.node, standing.sign, np.zeros(len(standing), bool), standing.source, standing.line]
    pod, node, sign, checked, source, line = (
        np.concatenate(parts) for parts in zip(first, bindings, moves, strict=True)
    )
    return Timeline(pod, node, sign, checked, source, line, ordered=True)


def _events(
    pod: NDArray[np.int64], node: NDArray[np.int64], sign: NDArray[np.int64], source: int, line: NDArray[np.int64]
) -> list[NDArray[Any]]:
    return [pod, node, sign, sign > 0, np.full(len(pod), source, np.int8), line]


def _moves(moved: list[Moved], held: bool) -> list[NDArray[Any]]:
    steps: list[tuple[int, int, int, int]] = []
    for wave in dict.fromkeys(move.wave for move in moved):
        together = [move for move in moved if move.wave == wave]
        leave = [(move.pod, move.source, -1, move.line) for move in together]
        arrive = [(move.pod, move.target, 1, move.line) for move in together]
        if held:
            steps += arrive + leave
        else:
            steps += [step for pair in zip(leave, arrive, strict=True) for step in pair]
    pod, node, sign, line = np.array(steps, np.int64).reshape(-1, 4).T
    return _events(pod, node, sign, MOVE, line)


def final_places(cluster: Cluster, plan: Plan) -> NDArray[np.int64]:
    """(pods,) where each pod stands in the end, -1 for nowhere."""
    where = np.where(cluster.pod_table.node >= 0, cluster.pod_table.node, -1).astype(np.int64)
    bound_at = dict(zip(plan.pod.tolist(), range(len(plan.pod)), strict=True)) if plan.evicted else {}
    where[plan.pod] = plan.node
    for eviction in plan.evicted:
        # One that is bound again afterwards stays.
        if bound_at.get(eviction.pod, -1) < eviction.before:
            where[eviction.pod] = -1
    for move in plan.moved:
        where[move.pod] = move.target
    return where
