"""Claims that are bound with their first pod: who has which, and what they may be bound to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import combine, ragged
from placer.encode.problem import Claims
from placer.encode.statics import Mask, StaticNodes, made_on
from placer.model.cluster import Cluster
from placer.model.table import Column
from placer.model.volume import Offer, Volume, Waiting


class Waits(NamedTuple):
    """
    The claims whose volume one pod's placement decides for others, or that compete for volumes.

    Those of which a volume can only be made, and that one pod alone names, are a static rule.

    Attributes
    ----------
    of_pod
        (pods,) int32: which of ``lists``.
    lists
        Distinct tuples of (claim, what it waits for), in the order in which they choose.
    names
        (namespace, name) of each claim.
    """

    of_pod: NDArray[np.int32]
    lists: list[tuple[tuple[int, Waiting], ...]]
    names: list[tuple[str, str]]


def find_waits(cluster: Cluster, ignored: bool = False) -> Waits:
    """The claims that wait; where no pod has any, or they are ignored, nothing is looked at but distinct volumes."""
    pods = cluster.pod_table
    column: Column[tuple[Volume, ...]] = pods["volumes"]
    if ignored or not any(volume.waiting for listed in column.values for volume in listed):
        return Waits(np.zeros(len(pods), np.int32), [()], [])
    of_pod, first = combine([pods["namespace"].codes, column.codes], len(pods))
    holders = np.bincount(of_pod, minlength=len(first)).tolist()
    waiting = []
    uses: dict[tuple[str, str], int] = {}
    for row, count in zip(first.tolist(), holders, strict=True):
        mine = {(pods["namespace"][row], volume.name): volume.waiting for volume in column[row] if volume.waiting}
        waiting.append(mine)
        for key in mine:
            uses[key] = uses.get(key, 0) + count
    index: dict[tuple[str, str], int] = {}
    lists = [
        tuple((index.setdefault(key, len(index)), what) for key, what in mine.items() if what.offers or uses[key] > 1)
        for mine in waiting
    ]
    distinct = Column.of(lists)
    return Waits(distinct.codes[of_pod], distinct.values, list(index))


class ClaimArrays(NamedTuple):
    """Claims as arrays; ``volumes`` are the offers by number."""

    claims: Claims
    volumes: list[Offer]


def encode_claims(
    waits: Waits,
    nodes: StaticNodes,
    first_pod: NDArray[np.int64],
    kind_segment: NDArray[np.int32],
) -> ClaimArrays:
    """
    The claims of each class.

    Parameters
    ----------
    first_pod
        (classes,) a pod of each class.
    kind_segment
        (kinds,) the segment of each kind of node.
    """
    sets = _Sets()
    volumes: dict[Offer, int] = {}
    offers: dict[tuple[Offer, ...], int] = {}
    made: dict[Waiting, int] = {}
    mine = [waits.lists[code] for code in waits.of_pod[first_pod].tolist()]
    for listed in mine:
        for _, what in listed:
            offers.setdefault(what.offers, len(offers))
            if what not in made:
                made[what] = sets.row(made_on(nodes, what)) if what.provisions else -1
    start, claim = ragged([[claim for claim, _ in listed] for listed in mine])
    offer_start, offer = ragged([[volumes.setdefault(one, len(volumes)) for one in listed] for listed in offers])
    names = {name: number for number, name in enumerate(dict.fromkeys(volume.name for volume in volumes))}
    flat = [what for listed in mine for _, what in listed]
    columns = {
        "offered": [offers[what.offers] for what in flat],
        "made": [made[what] for what in flat],
        "name": [names[volume.name] for volume in volumes],
        "reached": [sets.row(nodes.any_term(volume.topology)) for volume in volumes],
    }
    arrays: dict[str, Any] = {name: np.array(values, np.int32) for name, values in columns.items()}
    reach = np.zeros((len(sets.masks), len(nodes)), bool)
    for row, mask in enumerate(sets.masks):
        reach[row, kind_segment] = mask
    claims = Claims(start=start, claim=claim, offer_start=offer_start, offer=offer, reach=reach, **arrays)
    return ClaimArrays(claims, list(volumes))


class _Sets:
    """Distinct sets of kinds of nodes."""

    def __init__(self) -> None:
        self.masks: list[Mask] = []
        self._index: dict[bytes, int] = {}

    def row(self, mask: Mask) -> int:
        """The number of a set, new if need be."""
        mark = mask.tobytes()
        if mark not in self._index:
            self._index[mark] = len(self.masks)
            self.masks.append(mask)
        return self._index[mark]
