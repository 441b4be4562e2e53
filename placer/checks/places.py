"""Where static rules let a pod stand, over all nodes at once, and a first place for pods that name none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.checks.facts import Facts, Mask, tolerates_cordon, untolerated
from placer.model.table import ABSENT
from placer.model.volume import ZONE_KEYS, Volume

FIELDS = (
    "node_selector",
    "node_affinity",
    "tolerations",
    "any_of",
    "nodes",
    "forbidden_nodes",
    "volumes",
    "scheduling_gates",
    "unsupported",
)
"""Fields that static rules read."""
UNLIMITED = np.iinfo(np.int64).max


class Places:
    """Nodes by what static rules let stand there; worked out once for pods that are alike."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._known: dict[tuple[int, ...], Mask] = {}

    def alike(self, row: int) -> tuple[int, ...]:
        """Equal for pods that static rules do not tell apart."""
        return tuple(int(self.facts.pods[field].codes[row]) for field in FIELDS)

    def of(self, row: int) -> Mask:
        """(nodes,) where a pod may stand."""
        mark = self.alike(row)
        if mark not in self._known:
            self._known[mark] = self._allowed(row)
        return self._known[mark]

    def _allowed(self, row: int) -> Mask:
        facts, pods = self.facts, self.facts.pods
        nodes = facts.nodes
        if pods["scheduling_gates"][row] or pods["unsupported"][row]:
            return np.zeros(len(nodes), bool)
        mask = facts.affinity(pods["node_selector"][row], pods["node_affinity"][row]) & self._bearing(row)
        if pods["nodes"][row]:
            mask &= self._named(pods["nodes"][row])
        mask &= ~self._named(pods["forbidden_nodes"][row])
        for volume in pods["volumes"][row]:
            mask &= self._reached(volume)
        return mask

    def _bearing(self, row: int) -> Mask:
        """(nodes,) whose cordon and taints the pod bears, with alternatives by one of them that matches."""
        facts, pods = self.facts, self.facts.pods
        own = pods["tolerations"][row]
        alternatives = pods["any_of"][row]
        if not alternatives:
            return self._tolerated(own)
        mask = np.zeros(len(facts.nodes), bool)
        for one in alternatives:
            mask |= facts.affinity(one.node_selector, one.node_affinity) & self._tolerated([*own, *one.tolerations])
        return mask

    def _tolerated(self, tolerations: Sequence[Any]) -> Mask:
        nodes = self.facts.nodes
        if not len(nodes):
            return np.zeros(0, bool)
        bare = np.array([not untolerated(taints, tolerations) for taints in nodes.taints.values], bool)
        open_to_it = np.full(len(nodes), True) if tolerates_cordon(tolerations) else ~nodes.unschedulable
        found: Mask = np.logical_and(bare[nodes.taints.codes], open_to_it)
        return found

    def _named(self, names: Sequence[str]) -> Mask:
        mask = np.zeros(len(self.facts.nodes), bool)
        mask[[row for row in map(self.facts.nodes.index, names) if row >= 0]] = True
        return mask

    def _reached(self, volume: Volume) -> Mask:
        mask = np.full(len(self.facts.nodes), not volume.topology)
        for term in volume.topology:
            mask |= self.facts.term(term)
        if volume.zones:
            labels = self.facts.nodes.labels
            mask &= np.array([_in_zones(volume, value) for value in labels.values], bool)[labels.codes]
        return mask


def _in_zones(volume: Volume, labels: Mapping[str, str]) -> bool:
    """Whether a node with these labels lies where a volume does: VolumeZone."""
    if not any(key in labels for key in ZONE_KEYS):
        return True
    return all(labels.get(key, labels.get(ZONE_KEYS[key])) in values for key, values in volume.zones.items())


class Free:
    """What nodes have left beside all that stands; pods are put on the node that they fill most."""

    def __init__(self, facts: Facts, where: NDArray[np.int64]) -> None:
        self.facts = facts
        requests, allocatable = facts.units.requests, facts.units.allocatable
        self._need = requests.table if "pods" not in requests.resources else requests.table.copy()
        self._names = list(requests.resources)
        have = [allocatable.column(name, 0) for name in self._names]
        self._left = np.maximum(np.stack(have, axis=1), 0) if have else np.zeros((len(facts.nodes), 0), np.int64)
        stands = np.flatnonzero(where >= 0)
        np.subtract.at(self._left, where[stands], self._need[stands])
        slots = allocatable.column("pods", ABSENT)
        self._slots = np.where(slots == ABSENT, UNLIMITED, slots) - np.bincount(where[stands], minlength=len(slots))
        if "pods" in self._names:
            self._need[:, self._names.index("pods")] = 0
        self._size = self._need / np.maximum(np.maximum(self._left, 0).sum(axis=0), 1)

    def size(self, row: int) -> float:
        """A pod's requests as shares of what is free."""
        return float(self._size[row].sum())

    def best(self, row: int, mask: Mask) -> int:
        """The allowed node on which a pod leaves least free, -1 for none."""
        need = self._need[row]
        asks = need > 0
        fits = mask & (self._slots > 0) & (self._left[:, asks] >= need[asks]).all(axis=1)
        rows = np.flatnonzero(fits)
        if not len(rows):
            return -1
        return int(rows[np.argmin((self._left[rows] - need).clip(0).sum(axis=1, dtype=np.float64))])

    def take(self, row: int, node: int, sign: int = 1) -> None:
        """Takes what a pod asks for from a node, or with ``sign`` -1 gives it back."""
        self._left[node] -= sign * self._need[row]
        self._slots[node] -= sign
