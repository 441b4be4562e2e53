"""Buffers: their pods, if they came now, would find room where the answer says, and every hard rule is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from placer.checks.facts import Facts
from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.checks.structure import Flaw
from placer.checks.timeline import BINDING, Plan, Timeline, solution_timeline
from placer.model.buffers import read_buffers, with_buffers
from placer.model.cluster import Cluster
from placer.solution import Solution, rows_of, units_of


def check(
    cluster: Cluster,
    plan: Plan,
    solution: Solution,
    rules: Callable[[Scene, Scene], Iterable[tuple[Scene, Finding]]],
) -> Iterator[Flaw]:
    """
    Each pod of the buffers has room or is listed as unmet; and one flaw for each that does not fit where it is said to.

    Raises
    ------
    InputError
        A buffer that makes no sense for the cluster.
    """
    buffers = read_buffers(cluster, solution.buffers)
    extended = with_buffers(cluster, buffers)
    pods, nodes = (rows.astype(np.int64) for rows in rows_of(extended, solution.room))
    keep = np.ones(len(pods), bool)
    listed = np.zeros(len(extended.pod_table), bool)
    listed[: len(cluster.pod_table)] = True
    for line, (pod, node) in enumerate(zip(pods.tolist(), nodes.tolist(), strict=True)):
        problem = _problem(len(cluster.pod_table), listed, pod, node)
        if problem:
            keep[line] = False
            name, where, *_ = solution.room[line]
            yield Flaw("Buffer", name, where, f"room[{line}] {problem}")
        else:
            listed[pod] = True
    for unmet in solution.unmet:
        row = extended.pod_table.index(unmet.pod)
        if row >= 0:
            listed[row] = True
    for row in np.flatnonzero(~listed).tolist():
        yield Flaw(
            "Buffer", extended.pod_table.key(row), "", "the pod of a buffer has no room, and is not listed as unmet"
        )
    lines = np.flatnonzero(keep)
    if len(lines):
        yield from _broken(extended, plan, solution, (pods[lines], nodes[lines], lines), rules)


def _problem(own: int, listed: NDArray[np.bool_], pod: int, node: int) -> str | None:
    if pod < own:
        return "names a pod that no buffer has"
    if node < 0:
        return "names a node that the input does not have"
    return "names a pod that is named before" if listed[pod] else None


def _broken(
    extended: Cluster,
    plan: Plan,
    solution: Solution,
    room: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    rules: Callable[[Scene, Scene], Iterable[tuple[Scene, Finding]]],
) -> Iterator[Flaw]:
    """What rules have against the buffers' pods, arriving after all others in the order of ``room``."""
    base = solution_timeline(extended, plan, held=False)
    pod, node, lines = room
    total, count = len(solution.bindings), len(pod)
    named = units_of(solution.room)
    units = {**units_of(solution.bindings), **{total + line: named[line] for line in lines.tolist() if line in named}}
    timeline = Timeline(
        pod=np.concatenate([base.pod, pod]),
        node=np.concatenate([base.node, node]),
        sign=np.concatenate([base.sign, np.ones(count, np.int64)]),
        checked=np.concatenate([np.zeros(len(base), bool), np.ones(count, bool)]),
        source=np.concatenate([base.source, np.full(count, BINDING, np.int8)]),
        line=np.concatenate([base.line, total + lines]),
        ordered=True,
    )
    facts = Facts(extended)
    scene = Scene(facts, timeline, units)
    for _, (event, rule, detail) in rules(scene, scene):
        key, where = extended.pod_table.key(int(timeline.pod[event])), str(facts.nodes.names[int(timeline.node[event])])
        yield Flaw("Buffer", key, where, f"would not fit: {rule}: {detail}")
