"""Placing by the obvious means: one by one, or every way there is."""

from __future__ import annotations

import placer as pl
from placer.model.rule import Rule

from .devices import choices
from .rules import fits, rejects
from .state import State


def place_one_by_one(cluster: pl.Cluster) -> State:
    """Pending pods, most important first and then in input order, each on the first node on which it fits."""
    state = State(cluster)
    pending = [pod for pod, each in enumerate(state.pods) if each.node is None]
    for pod in sorted(pending, key=lambda pod: -state.pods[pod].priority):
        nodes = fits(state, pod)
        if nodes:
            state.bind(pod, nodes[0])
    return state


def broken_bindings(cluster: pl.Cluster, solution: pl.Solution) -> list[tuple[str, str, Rule]]:
    """Bindings, in their order, that a rule rejects: pod, node and the first such rule. Evictions come before."""
    state = State(cluster)
    pods = {key: row for row, key in enumerate(state.keys)}
    nodes = {node.name: row for row, node in enumerate(state.nodes)}
    broken = []
    for pod, node, devices, _ in solution.bindings:
        for eviction in solution.evictions:
            if eviction.beneficiary == pod:
                state.evict(pods[eviction.pod])
        rule = rejects(state, pods[pod], nodes[node], devices)
        if rule is not None:
            broken.append((pod, node, rule))
        state.bind(pods[pod], nodes[node], devices)
    return broken


def brute_force_best(cluster: pl.Cluster) -> int:
    """
    The most pending pods that can be placed, over all orders, nodes and units.

    For about 6 pods and 4 nodes: every set of placed pods that can be reached is looked at once. Of pending pods that
    are equal but for their names only the first one left is tried.
    """
    state = State(cluster)
    pending = [pod for pod, each in enumerate(state.pods) if each.node is None]
    named = {name.rpartition("/")[2] for each in state.pods for name in each.apart_from}
    alike = {
        pod: state.pods[pod].model_copy(update={"name": ""}) if state.pods[pod].name not in named else state.pods[pod]
        for pod in pending
    }
    seen: set[frozenset[tuple[int, ...]]] = set()
    best = 0

    def mark() -> frozenset[tuple[int, ...]]:
        held = {pod: tuple(sorted(part.unit for part in parts)) for pod, parts in state.held.items()}
        return frozenset((pod, state.standing[pod], *held[pod]) for pod in pending if pod in state.standing)

    def search() -> None:
        nonlocal best
        placed = mark()
        if placed in seen:
            return
        seen.add(placed)
        best = max(best, len(placed))
        left = [pod for pod in pending if pod not in state.standing]
        first = [pod for pod in left if not any(alike[pod] == alike[other] for other in left if other < pod)]
        for pod in first:
            for node in fits(state, pod):
                for parts, zone in list(choices(state, pod, node)):
                    if best == len(pending):
                        return
                    state.put(pod, node, parts, zone)
                    search()
                    state.evict(pod)

    search()
    return best
