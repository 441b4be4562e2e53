"""The room of buffers: placed before all others, and held while these are placed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.devices import vocabulary
from placer.encode.encode import Encoded, encode
from placer.encode.goals import encode_goals
from placer.engine import Run, bindings, place, pods_per_class, prepare
from placer.model.buffers import with_buffers
from placer.model.cluster import Cluster
from placer.model.pod import Pod
from placer.model.units import units as units_of
from placer.reasons import unplaced
from placer.solution import Unplaced

Amounts = NDArray[np.int64]


class Room(NamedTuple):
    """
    Where the pods of buffers would go, before any other is placed.

    Attributes
    ----------
    cluster
        The cluster with them behind its own pods.
    buffers
        What was asked for.
    near
        Row of each pod that found room → row of the node.
    unmet
        Those that found none.
    free
        Resource → (nodes,) what they hold of it, by row of the node.
    units
        Column of the units of the cluster alone → (units,) what they hold of each, by row of the node and place.
    """

    cluster: Cluster
    buffers: tuple[Pod, ...]
    near: dict[int, int]
    unmet: list[Unplaced]
    free: dict[str, Amounts]
    units: dict[int, Amounts]

    @contextmanager
    def given_back(self, run: Run) -> Iterator[None]:
        """While inside, a run is as it is without what is held."""
        hold(run, self, -1)
        try:
            yield
        finally:
            hold(run, self, 1)


def make_room(cluster: Cluster, buffers: Sequence[Pod]) -> Room:
    """Places the pods of buffers beside what stands: as many as fit, the hardest rules of their own kept."""
    extended = with_buffers(cluster, buffers)
    own = len(cluster.pod_table)
    encoded = encode(extended)
    goals = encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded))
    sequence = encoded.pending[encoded.pending >= own]
    run = prepare(extended, encoded, goals, sequence)
    free, units = run.state.free.copy(), run.state.unit_free.copy()
    if len(sequence):
        place(run)
    (pods, nodes), _ = bindings(run)
    position = encoded.position
    taken = (units - run.state.unit_free)[_by_row(encoded)]
    columns = _dimensions(extended)
    return Room(
        cluster=extended,
        buffers=tuple(buffers),
        near=dict(zip(pods.tolist(), nodes.tolist(), strict=True)),
        unmet=[one for one in unplaced(extended, run) if extended.pod_table.index(one.pod) >= own],
        free={name: (free - run.state.free)[index][position] for index, name in enumerate(encoded.resources)},
        units={column: taken[:, columns[name]] for name, column in _dimensions(cluster).items()},
    )


def hold(run: Run, room: Room, sign: int = 1) -> None:
    """
    Takes what a room holds from what a run has free; with ``sign`` -1 gives it back.

    What no pod of the run asks for has no place in its arrays, and needs none. Ports and rules between pods are not
    held: whether the buffers fit with all that was placed is asked in the end.
    """
    row = run.encoded.problem.nodes.row
    for index, name in enumerate(run.encoded.resources):
        if name in room.free:
            run.state.free[index] -= sign * room.free[name][row]
    by_row = _by_row(run.encoded)
    for column, taken in room.units.items():
        run.state.unit_free[by_row, column] -= sign * taken
    run.work.scan_key[0] = -1


def _dimensions(cluster: Cluster) -> dict[str, int]:
    """What units have capacity of, by name: their columns."""
    counted, numa = units_of(cluster), cluster.pod_table["numa"].values
    return vocabulary(counted.devices.values, counted.needs.values, numa=any(numa)).dimensions


def _by_row(encoded: Encoded) -> NDArray[np.int64]:
    """(units,) the units by row of their node, then by place."""
    units = encoded.problem.units
    owner = np.repeat(encoded.problem.nodes.row, np.diff(units.start))
    order: NDArray[np.int64] = np.argsort(owner, kind="stable")
    return order
