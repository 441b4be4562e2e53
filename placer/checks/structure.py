"""The frame of a solution: which pods and nodes it names, and that each pending pod is accounted for once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.timeline import Evicted, Moved, Plan
from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.solution import Solution, decided


class Flaw(NamedTuple):
    """Something wrong with the frame: a name such as ``UnknownPod``, who, where and what."""

    name: str
    pod: str
    node: str
    detail: str


def read(cluster: Cluster, solution: Solution) -> tuple[Plan, list[Flaw]]:
    """The parts of a solution that make sense, and what does not."""
    flaws: list[Flaw] = []
    pods, nodes = (rows.astype(np.int64) for rows in solution.rows(cluster))
    _unknown(solution, pods, nodes, flaws)
    sound = (pods >= 0) & (nodes >= 0)
    lines = np.flatnonzero(sound)
    lines = _once(cluster, solution, pods, lines, flaws)
    evicted, freed = _evictions(cluster, solution, pods, lines, flaws)
    lines = _pending(cluster, solution, pods, lines, freed, flaws)
    evicted = [one._replace(before=int(np.searchsorted(lines, one.before))) for one in evicted]
    plan = Plan(pods[lines], nodes[lines], lines, sorted(evicted), [])
    plan = plan._replace(moved=_moves(cluster, solution, plan, flaws))
    flaws += _unaccounted(cluster, solution, pods, freed)
    return plan, flaws


def _unknown(solution: Solution, pods: NDArray[np.int64], nodes: NDArray[np.int64], flaws: list[Flaw]) -> None:
    for line in np.flatnonzero((pods < 0) | (nodes < 0)).tolist():
        pod, node, *_ = solution.bindings[line]
        if pods[line] < 0:
            flaws.append(Flaw("UnknownPod", pod, node, f"bindings[{line}] names a pod that the input does not have"))
        if nodes[line] < 0:
            flaws.append(Flaw("UnknownNode", pod, node, f"bindings[{line}] names a node that the input does not have"))


def _once(
    cluster: Cluster, solution: Solution, pods: NDArray[np.int64], lines: NDArray[np.int64], flaws: list[Flaw]
) -> NDArray[np.int64]:
    """Leaves each pod its first binding."""
    first = np.unique(pods[lines], return_index=True)[1]
    keep = np.zeros(len(lines), bool)
    keep[first] = True
    for line in lines[~keep].tolist():
        pod, node, *_ = solution.bindings[line]
        where = int(lines[keep][pods[lines[keep]] == pods[line]][0])
        flaws.append(Flaw("BoundTwice", pod, node, f"bindings[{line}] binds a pod again that bindings[{where}] binds"))
    kept: NDArray[np.int64] = lines[keep]
    return kept


def _evictions(
    cluster: Cluster, solution: Solution, pods: NDArray[np.int64], lines: NDArray[np.int64], flaws: list[Flaw]
) -> tuple[list[Evicted], dict[int, int]]:
    """Evictions that can be applied; and row of an evicted pod → line of the binding that it makes room for."""
    if not solution.evictions:
        return [], {}
    table = cluster.pod_table
    line_of = dict(zip(pods[lines].tolist(), lines.tolist(), strict=True))
    evicted: list[Evicted] = []
    freed: dict[int, int] = {}
    for index, (pod, node, beneficiary) in enumerate(solution.evictions):
        row, winner, place = table.index(pod), table.index(beneficiary), cluster.node_table.index(node)
        if row < 0 or winner < 0 or place < 0:
            missing = [("UnknownPod", row), ("UnknownPod", winner), ("UnknownNode", place)]
            names = [name for name, found in missing if found < 0]
            flaws += [Flaw(name, pod, node, f"evictions[{index}] names what the input does not have") for name in names]
            continue
        problems = []
        if row in freed:
            problems.append("evicts a pod twice")
        stands = _stands(solution, cluster, line_of, row, winner)
        if stands != place:
            problems.append("evicts a pod from a node that it does not stand on then")
        if winner not in line_of:
            problems.append(f"makes room for {beneficiary}, which no binding binds")
        if table.priority[row] >= table.priority[winner]:
            problems.append(
                f"evicts priority {table.priority[row]} for priority {table.priority[winner]}, which is not above it"
            )
        if table["preemption_policy"][winner] == "Never":
            problems.append(f"makes room for {beneficiary}, whose preemption policy is Never")
        flaws += [Flaw("Eviction", pod, node, f"evictions[{index}] {problem}") for problem in problems]
        if row not in freed and stands == place and winner in line_of:
            freed[row] = line_of[winner]
            evicted.append(Evicted(line_of[winner], row, place, index))
    return evicted, freed


def _stands(solution: Solution, cluster: Cluster, line_of: dict[int, int], row: int, winner: int) -> int:
    """The node of a pod just before another is bound: in the input, or by a binding before; negative for none."""
    node = int(cluster.pod_table.node[row])
    if node < 0 and line_of.get(row, 1) < line_of.get(winner, 0):
        return int(cluster.node_table.index(solution.bindings[line_of[row]].node))
    return node


def _pending(
    cluster: Cluster,
    solution: Solution,
    pods: NDArray[np.int64],
    lines: NDArray[np.int64],
    freed: dict[int, int],
    flaws: list[Flaw],
) -> NDArray[np.int64]:
    """Leaves the bindings of pods that are pending, or were evicted before."""
    bound = cluster.pod_table.node[pods[lines]] != PENDING
    for place in np.flatnonzero(bound).tolist():
        line, row = int(lines[place]), int(pods[lines[place]])
        if freed.get(row, line) < line:
            bound[place] = False
            continue
        pod, node, *_ = solution.bindings[line]
        where = cluster.pod(row).node
        flaws.append(Flaw("AlreadyBound", pod, node, f"bindings[{line}] binds a pod that the input has on {where}"))
    left: NDArray[np.int64] = lines[~bound]
    return left


def _moves(cluster: Cluster, solution: Solution, plan: Plan, flaws: list[Flaw]) -> list[Moved]:
    """Moves that can be applied, wave by wave."""
    if not solution.moves:
        return []
    where = dict(zip(plan.pod.tolist(), plan.node.tolist(), strict=True))
    gone = {eviction.pod for eviction in plan.evicted} - where.keys()
    moved: list[Moved] = []
    last_wave: dict[int, int] = {}
    for index, (wave, pod, source, target) in sorted(enumerate(solution.moves), key=lambda pair: pair[1].wave):
        row = cluster.pod_table.index(pod)
        left, reached = (cluster.node_table.index(name) for name in (source, target))
        if row < 0 or left < 0 or reached < 0:
            names = [("UnknownPod", row), ("UnknownNode", left), ("UnknownNode", reached)]
            missing = [name for name, found in names if found < 0]
            flaws += [Flaw(name, pod, target, f"moves[{index}] names what the input does not have") for name in missing]
            continue
        stands = -1 if row in gone else where.get(row, int(cluster.pod_table.node[row]))
        problem = None
        if stands != left:
            problem = f"moves a pod from {source}, on which it does not stand then"
        elif left == reached:
            problem = f"moves a pod from {source} to the same node"
        elif last_wave.get(row) == wave:
            problem = f"moves a pod twice in wave {wave}"
        if problem:
            flaws.append(Flaw("Move", pod, target, f"moves[{index}] {problem}"))
            continue
        last_wave[row] = wave
        where[row] = reached
        moved.append(Moved(wave, row, left, reached, index))
    return moved


def _unaccounted(
    cluster: Cluster, solution: Solution, pods: NDArray[np.int64], freed: dict[int, int]
) -> Iterator[Flaw]:
    """Each pending pod that was to be decided is either bound or listed as unplaced, once."""
    table = cluster.pod_table
    bound, listed = np.zeros(len(table), bool), np.zeros(len(table), bool)
    bound[pods[pods >= 0]] = True
    for index, unplaced in enumerate(solution.unplaced):
        row = table.index(unplaced.pod)
        if row < 0:
            yield Flaw("UnknownPod", unplaced.pod, "", f"unplaced[{index}] names a pod that the input does not have")
            continue
        if listed[row]:
            yield Flaw("UnplacedTwice", unplaced.pod, "", f"unplaced[{index}] lists a pod that is listed before")
        if bound[row]:
            yield Flaw("BoundAndUnplaced", unplaced.pod, "", f"unplaced[{index}] lists a pod that a binding binds")
        elif table.node[row] != PENDING and row not in freed:
            yield Flaw("AlreadyBound", unplaced.pod, "", f"unplaced[{index}] lists a pod that the input has on a node")
        listed[row] = True
    for row in np.flatnonzero(decided(cluster, solution.schedulers) & ~bound & ~listed).tolist():
        yield Flaw("NotAccountedFor", table.key(row), "", "the pod is pending, and neither bound nor unplaced")
