"""What is left of a cluster when a domain fails, read from the page."""

from __future__ import annotations

from collections.abc import Mapping

import placer as pl
from placer.model.rule import Rule
from placer.model.value import FrozenDict

from .rules import RULES, rejects
from .state import State

STATIC = (
    Rule.SchedulingGates,
    Rule.Unsupported,
    Rule.NodeUnschedulable,
    Rule.NodeName,
    Rule.ForbiddenNodes,
    Rule.TaintToleration,
    Rule.NodeAffinity,
    Rule.AnyOf,
    Rule.VolumeBinding,
    Rule.VolumeZone,
)


def final(cluster: pl.Cluster, solution: pl.Solution) -> list[pl.Pod]:
    """
    The pods in input order, each where it stands in the end.

    Those that stand in the input name the units that they hold, or hold none: which ones others would be taken to
    hold depends on what is bound later.
    """
    bound = {binding.pod: binding for binding in solution.bindings}
    pods = []
    for pod in cluster.pods:
        binding = bound.get(f"{pod.namespace}/{pod.name}")
        units = {} if binding is None else {kind: tuple(places) for kind, places in binding.devices.items()}
        stands = {} if binding is None else {"node": binding.node, "units": FrozenDict(units)}
        pods.append(pod.model_copy(update=stands))
    return pods


def domains(cluster: pl.Cluster, key: str) -> dict[str, set[str]]:
    """The names of the nodes of each domain."""
    found: dict[str, set[str]] = {}
    for node in cluster.nodes:
        if key in node.labels:
            found.setdefault(node.labels[key], set()).add(node.name)
    return found


def without(cluster: pl.Cluster, pods: list[pl.Pod], failed: set[str]) -> tuple[pl.Cluster, set[str]]:
    """The cluster without some nodes, what stood there pending; and the pods that have to find a place."""
    gone = {"node": None, "units": FrozenDict()}
    moved = [pod.model_copy(update=gone) if pod.node in failed else pod for pod in pods]
    kinds = {device.kind for node in cluster.nodes for device in node.devices}
    # A resource that some node lists as devices is read as such everywhere: that does not change with who is gone.
    mark = pl.Node("gone", hostname=False, allocatable={"pods": 0}, devices=[pl.Device(kind=kind) for kind in kinds])
    left = [node for node in cluster.nodes if node.name not in failed]
    after = pl.Cluster([*left, mark], moved, cluster.namespaces)
    lost = [row for row, pod in enumerate(pods) if pod.node in failed]
    return after, {f"{pods[row].namespace}/{pods[row].name}" for row in lost if has_to_move(after, pods[row], row)}


def has_to_move(after: pl.Cluster, pod: pl.Pod, row: int) -> bool:
    """Whether a pod that lost its node has to find another."""
    if pod.terminating or any(volume.waiting for volume in pod.volumes):
        return False
    state = State(after)
    places = [node for node, each in enumerate(state.nodes) if each.name != "gone"]
    return any(not any(RULES[rule](state, row, node) for rule in STATIC) for node in places)


def arrive(after: pl.Cluster, named: Mapping[str, tuple[str, Mapping[str, list[int]]]]) -> list[tuple[str, Rule]]:
    """Pods that arrive in order where they are said to go: who is rejected by what."""
    state = State(after)
    rows = {key: row for row, key in enumerate(state.keys)}
    nodes = {node.name: row for row, node in enumerate(state.nodes)}
    broken = []
    for key, (node, devices) in named.items():
        rule = rejects(state, rows[key], nodes[node], devices)
        if rule is not None:
            broken.append((key, rule))
        state.bind(rows[key], nodes[node], devices)
    return broken
