"""Goals: what a state costs, always minimised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import placer as pl

from .devices import assignments, serves, zones
from .groups import group, meant, share_of, spread_counts, spread_group
from .state import State

GPU = "nvidia.com/gpu"


class Typical(NamedTuple):
    """Pods with the same requests and needs, and their part of all pods."""

    requests: Mapping[str, int]
    needs: tuple[pl.DeviceNeed, ...]
    popularity: float


def unplaced(state: State) -> int:
    """How many pending pods have no node."""
    return sum(each.node is None and pod not in state.standing for pod, each in enumerate(state.pods))


def pack(state: State) -> float:
    """Prices of the nodes that hold any pod."""
    return sum(state.nodes[node].price for node in set(state.standing.values()))


def _loads(state: State) -> Iterator[float]:
    for node in range(len(state.nodes)):
        for resource in ("cpu", "memory"):
            have = state.allocatable[node].get(resource, 0)
            if have > 0:
                yield (have - state.left(node, resource)) / have


def balance(state: State) -> float:
    """Squared load of cpu and of memory, over nodes."""
    return sum(load**2 for load in _loads(state))


def headroom(state: State) -> float:
    """Load above four fifths."""
    return sum(max(0.0, load - 0.8) for load in _loads(state))


def typical_pods(state: State) -> list[Typical]:
    """The pods of the cluster by requests and needs."""
    names = {node.name for node in state.nodes}
    rows = [row for row, pod in enumerate(state.pods) if pod.node is None or pod.node in names]
    counts: dict[tuple[frozenset[tuple[str, int]], tuple[pl.DeviceNeed, ...]], int] = {}
    for row in rows:
        asked = frozenset((name, amount) for name, amount in state.requests[row].items() if amount > 0)
        counts[asked, state.needs[row]] = counts.get((asked, state.needs[row]), 0) + 1
    return [Typical(dict(asked), needs, count / len(rows)) for (asked, needs), count in counts.items()]


def fragmentation(state: State) -> float:
    """Over nodes, the expected GPU thousandths that a typical pod cannot use."""
    typical = typical_pods(state)
    return sum(node_fragmentation(state, node, typical) for node in range(len(state.nodes)))


def node_fragmentation(state: State, node: int, typical: list[Typical]) -> float:
    """Over typical pods, their popularity times what of the node's free GPU thousandths they cannot use."""
    return sum(each.popularity * _unusable(state, node, each) for each in typical)


def _unusable(state: State, node: int, typical: Typical) -> int:
    free = {
        unit: 1000 - state.taken[node][unit].milli
        for unit, (_, device) in enumerate(state.units[node])
        if device.kind == GPU
    }
    wanted = [need for need in typical.needs if need.kind == GPU]
    if not wanted or not _can_run(state, node, typical):
        return sum(free.values())
    return sum(left for unit, left in free.items() if not any(serves(state, node, unit, need) for need in wanted))


def _can_run(state: State, node: int, typical: Typical) -> bool:
    most = state.allocatable[node].get("pods")
    return (
        (most is None or len(state.on(node)) < most)
        and all(amount <= state.left(node, name) for name, amount in typical.requests.items() if name != "pods")
        and next(assignments(state, node, typical.needs, None), None) is not None
    )


def preferences(state: State) -> float:
    """What wishes lose, of all pods that stand."""
    lost = _shares(state)
    for pod, node in state.standing.items():
        lost += _nodes(state, pod, node) + _taints(state, pod, node) + _pods(state, pod, node)
        lost += _spread(state, pod, node)
        lost += state.pods[pod].numa == "prefer" and bool(zones(state, node)) and pod not in state.zone
    return float(lost)


def _nodes(state: State, pod: int, node: int) -> int:
    lost = 0
    for wish in state.pods[pod].preferred_nodes:
        empty = not wish.term.match_expressions and not wish.term.match_fields
        matches = empty or wish.term.matches(state.labels[node], state.nodes[node].name)
        if wish.weight > 0 and not matches:
            lost += wish.weight
        if wish.weight < 0 and matches:
            lost -= wish.weight
    return lost


def _taints(state: State, pod: int, node: int) -> int:
    soft = [taint for taint in state.nodes[node].taints if taint.effect == "PreferNoSchedule"]
    return sum(not any(one.tolerates(taint) for one in state.pods[pod].tolerations) for taint in soft)


def _pods(state: State, pod: int, node: int) -> int:
    lost = 0
    for wish in state.pods[pod].preferred_pods:
        key = wish.term.topology_key
        others = meant(state, pod, wish.term) - {pod}
        near = state.in_domain(others, key, state.labels[node].get(key))
        if wish.weight > 0:
            lost += wish.weight if near == 0 else 0
        else:
            lost -= wish.weight * near
    return lost


def _spread(state: State, pod: int, node: int) -> int:
    lost = 0
    for rule in state.pods[pod].topology_spread:
        key = rule.topology_key
        if rule.when_unsatisfiable == "ScheduleAnyway" and key in state.labels[node]:
            counts, least = spread_counts(state, pod, rule, {key})
            there = counts.get(state.labels[node][key], 0)
            lost += max(0, there + (pod in spread_group(state, pod, rule)) - least - rule.max_skew)
    return lost


def _shares(state: State) -> int:
    """Pods above the soft shares that pods wish."""
    wishing: dict[Any, list[tuple[int, pl.DomainShares]]] = {}
    for pod in state.standing:
        for rule in state.pods[pod].domain_shares:
            if not rule.hard:
                wish = rule.topology_key, rule.shares, frozenset(group(state, pod, rule))
                wishing.setdefault(wish, []).append((pod, rule))
    lost = 0
    for (key, _, members), wishes in wishing.items():
        pods = {pod for pod, _ in wishes}
        for domain in {labels.get(key) for labels in state.labels}:
            there = {pod for pod, node in state.standing.items() if state.labels[node].get(key) == domain}
            most = share_of(state, *wishes[0], domain)
            lost += min(max(0, len(there & (members | pods)) - most), len(there & pods))
    return lost
