"""When a pod is decided: who stands where just before, its own binding taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.solution import Solution


class Moment(NamedTuple):
    """
    A point of the order of events.

    Attributes
    ----------
    text
        ``present``, ``before binding 17 of 40``, ``final``.
    where
        (pods,) int32: row of the node each pod stands on, negative for none; the explained pod stands nowhere.
    node
        Row of the node that the explained pod gets or has, or -1.
    devices
        Row of a pod → units that its binding names.
    claims
        (namespace, claim) → the volume that a binding has bound it to, or empty for one made on the node of the row.
    """

    text: str
    where: NDArray[np.int32]
    node: int
    devices: Mapping[int, Mapping[str, Sequence[int]]]
    claims: Mapping[tuple[str, str], tuple[str, int]]


def moment(cluster: Cluster, row: int, solution: Solution | None) -> Moment:
    """The state in which the pod of a row is decided, its own binding taken out."""
    where = cluster.pod_table.node.copy()
    if solution is None:
        node = max(int(where[row]), -1)
        where[row] = PENDING
        return Moment("present", where, node, {}, {})
    pods, nodes = solution.rows(cluster)
    places = np.flatnonzero(pods == row)
    moves = sorted(solution.moves, key=lambda move: move.wave)
    own_moves = [move for move in moves if cluster.pod_table.index(move.pod) == row]
    until = int(places[0]) if len(places) else len(pods)
    order = {int(pod): place for place, pod in enumerate(pods.tolist())} if len(solution.evictions) else {}
    bound = np.ones(until, bool)
    for eviction in solution.evictions:
        evicted = cluster.pod_table.index(eviction.pod)
        beneficiary = order.get(cluster.pod_table.index(eviction.beneficiary), len(pods))
        if beneficiary <= until and evicted >= 0:
            where[evicted] = PENDING
            if order.get(evicted, until) < min(beneficiary, until):
                bound[order[evicted]] = False
    where[pods[:until][bound]] = nodes[:until][bound]
    devices = {int(pods[place]): taken for place, taken in solution.units().items() if place < until}
    text = "final"
    if len(places):
        text = f"before binding {until + 1} of {len(pods)}"
    elif moves:
        last = own_moves[0].wave if own_moves else moves[-1].wave + 1
        for move in moves:
            if move.wave < last:
                moved = cluster.pod_table.index(move.pod)
                where[moved] = cluster.node_table.index(move.target)
                devices.pop(moved, None)
        text = f"before wave {last}" if own_moves else "final"
    node = int(nodes[until]) if len(places) else max(int(where[row]), -1)
    if own_moves and not len(places):
        node = cluster.node_table.index(own_moves[0].target)
    where[row] = PENDING
    return Moment(text, where, node, devices, _claims(cluster, solution, until))


def _claims(cluster: Cluster, solution: Solution, until: int) -> dict[tuple[str, str], tuple[str, int]]:
    """What the first bindings have bound claims to."""
    pods, nodes = solution.rows(cluster)
    namespaces = cluster.pod_table["namespace"]
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for place, bound_to in sorted(solution.claims().items()):
        for name, volume in bound_to.items() if place < until else ():
            found.setdefault((namespaces[int(pods[place])], name), (volume, int(nodes[place])))
    return found
