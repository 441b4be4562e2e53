"""What stands where, and what is taken of each unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import placer as pl
from placer.model.table import ABSENT
from placer.model.units import units
from placer.model.volume import Offer


class Unit(NamedTuple):
    """A unit of a node; ``place`` is its number among the node's units of its kind."""

    place: int
    device: pl.Device


class Taken(NamedTuple):
    """What is taken of a unit."""

    milli: int
    amounts: dict[str, int]


class Part(NamedTuple):
    """What a pod takes of one unit."""

    unit: int
    milli: int
    amounts: Mapping[str, int]


class Bound(NamedTuple):
    """What a claim that waited is bound to: a volume, or ``None`` for one made on the node."""

    volume: Offer | None
    node: int


class State:
    """
    A cluster and what stands in it; nodes and pods are rows.

    Attributes
    ----------
    standing
        Row of a pod → row of its node.
    units
        The units of each node, in the order listed.
    taken
        ``taken[node][unit]``: thousandths and amounts.
    claims
        (namespace, name) of each claim that a placed pod has decided → what it is bound to.
    holders
        The same → rows of the placed pods that hold it.
    held
        Row of a pod → what it takes of units.
    zone
        Row of a pod → the NUMA zone that it takes cpu and memory of.
    """

    def __init__(self, cluster: pl.Cluster) -> None:
        self.cluster = cluster
        self.nodes: list[pl.Node] = list(cluster.nodes)
        self.pods: list[pl.Pod] = list(cluster.pods)
        self.labels = [dict(node.labels) for node in self.nodes]
        self.keys = [f"{pod.namespace}/{pod.name}" for pod in self.pods]
        after = units(cluster)
        self.needs = [after.needs[row] for row in range(len(self.pods))]
        self.requests = [_amounts(after.requests, row, 0) for row in range(len(self.pods))]
        self.allocatable = [_amounts(after.allocatable, row, ABSENT) for row in range(len(self.nodes))]
        self.units = [_written_out(after.devices[row]) for row in range(len(self.nodes))]
        self.taken = [[Taken(0, {}) for _ in listed] for listed in self.units]
        self.standing: dict[int, int] = {}
        self.held: dict[int, list[Part]] = {}
        self.zone: dict[int, int] = {}
        self.claims: dict[tuple[str, str], Bound] = {}
        self.holders: dict[tuple[str, str], set[int]] = {}
        self._known: dict[Any, Any] = {}
        self.started = False
        self._stand()
        self.started = True

    def _stand(self) -> None:
        """Pods whose units are known hold those; the others then take the lowest ones, in input order."""
        from .devices import lowest, recorded

        rows = {node.name: row for row, node in enumerate(self.nodes)}
        bound = [(pod, rows[self.pods[pod].node]) for pod in range(len(self.pods)) if self.pods[pod].node in rows]
        for known in (True, False):
            for pod, node in bound:
                if bool(self.pods[pod].units) == known:
                    find = recorded if known else lowest
                    self.put(pod, node, *find(self, pod, node))

    def bind(self, pod: int, node: int, devices: Mapping[str, Sequence[int]] | None = None) -> None:
        """Puts a pod on a node, with the units that a binding names, or the first choice of those that fit."""
        from .devices import choices, given

        if devices is None:
            choice = next(iter(choices(self, pod, node)), None)
            assert choice is not None, "no units of the node meet the pod's needs"
            self.put(pod, node, *choice)
        else:
            found = given(self, pod, node, devices)
            self.put(pod, node, found.parts, found.zone)

    def put(self, pod: int, node: int, parts: list[Part], zone: int | None) -> None:
        """Puts a pod on a node, where it takes these parts of units."""
        assert pod not in self.standing, "the pod stands already"
        if self.started:
            for key, bound in choose(self, pod, node).items():
                if bound:
                    self.claims.setdefault(key, bound)
                self.holders.setdefault(key, set()).add(pod)
        self.standing[pod], self.held[pod] = node, parts
        if zone is not None:
            self.zone[pod] = zone
        self.change(node, parts, 1)

    def evict(self, pod: int) -> None:
        """Takes a pod off its node."""
        for key, holders in self.holders.items():
            holders.discard(pod)
            if not holders:
                self.claims.pop(key, None)
        node = self.standing.pop(pod)
        self.change(node, self.held.pop(pod), -1)
        self.zone.pop(pod, None)

    def change(self, node: int, parts: Sequence[Part], sign: int) -> None:
        """Takes parts of units (1) or gives them back (-1)."""
        for part in parts:
            milli, amounts = self.taken[node][part.unit]
            names = {**amounts, **part.amounts}
            changed = {name: amounts.get(name, 0) + sign * part.amounts.get(name, 0) for name in names}
            self.taken[node][part.unit] = Taken(milli + sign * part.milli, changed)

    def on(self, node: int) -> list[int]:
        """The pods that stand on a node."""
        return [pod for pod, where in self.standing.items() if where == node]

    def left(self, node: int, resource: str) -> int:
        """What is left of a resource; 0 is there where the node does not name it."""
        used = sum(self.requests[pod].get(resource, 0) for pod in self.on(node))
        return self.allocatable[node].get(resource, 0) - used

    def in_domain(self, members: set[int], key: str, value: str | None, nodes: set[int] | None = None) -> int:
        """How many of the members stand in the domain, on these nodes where some are given."""
        return sum(
            self.labels[node].get(key) == value and (nodes is None or node in nodes)
            for pod, node in self.standing.items()
            if pod in members and key in self.labels[node]
        )

    def known(self, key: Any, work_out: Callable[[], Any]) -> Any:
        """What depends on the cluster alone is worked out once."""
        if key not in self._known:
            self._known[key] = work_out()
        return self._known[key]


def choose(state: State, pod: int, node: int) -> dict[tuple[str, str], Bound | None]:
    """What the claims of a pod that wait are or would be bound to on a node, ``None`` where nothing will do."""
    from .groups import node_matches

    found: dict[tuple[str, str], Bound | None] = {}
    for volume in state.pods[pod].volumes:
        key = (state.pods[pod].namespace, volume.name)
        if volume.waiting is None or key in found:
            continue
        if key in state.claims:
            found[key] = state.claims[key]
            continue
        taken = [one.volume.name for one in [*state.claims.values(), *found.values()] if one and one.volume]
        offers = [
            offer
            for offer in volume.waiting.offers
            if offer.name not in taken and node_matches(state, node, {}, offer.topology)
        ]
        made = volume.waiting.provisions and node_matches(state, node, {}, volume.waiting.topology)
        found[key] = Bound(offers[0], node) if offers else Bound(None, node) if made else None
    return found


def _amounts(table: Any, row: int, missing: int) -> dict[str, int]:
    amounts = zip(table.resources, table.table[row].tolist(), strict=True)
    return {resource: amount for resource, amount in amounts if amount != missing}


def _written_out(listed: Sequence[pl.Device]) -> list[Unit]:
    found: list[Unit] = []
    for device in listed:
        for _ in range(device.count):
            found.append(Unit(sum(unit.device.kind == device.kind for unit in found), device))
    return found
