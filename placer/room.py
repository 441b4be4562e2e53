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
from placer.encode.problem import State
from placer.engine import Run, bindings, place, pods_per_class, prepare
from placer.model.buffers import with_buffers
from placer.model.cluster import Cluster
from placer.model.pod import Pod
from placer.model.units import units as units_of
from placer.placement import Base, copied_arrays
from placer.reasons import unplaced
from placer.solution import Unplaced

Amounts = NDArray[np.int64]


class Room(NamedTuple):
    """
    Where the pods of buffers would go, before any other is placed.

    Attributes
    ----------
    cluster, encoded
        The cluster with them behind its own pods, and its arrays.
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
    encoded: Encoded
    buffers: tuple[Pod, ...]
    near: dict[int, int]
    unmet: list[Unplaced]
    free: dict[str, Amounts]
    units: dict[int, Amounts]


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
        encoded=encoded,
        buffers=tuple(buffers),
        near=dict(zip(pods.tolist(), nodes.tolist(), strict=True)),
        unmet=[one for one in unplaced(extended, run) if extended.pod_table.index(one.pod) >= own],
        free={name: (free - run.state.free)[index][position] for index, name in enumerate(encoded.resources)},
        units={column: taken[:, columns[name]] for name, column in _dimensions(cluster).items()},
    )


def hold(run: Run, room: Room | None, sign: int = 1) -> None:
    """Takes what a room holds from what a run has free; with ``sign`` -1 gives it back."""
    if room is not None:
        _take(run.encoded, run.state, room, sign)
        run.work.scan_key[0] = -1


def holding(base: Base, encoded: Encoded, room: Room | None) -> Base:
    """What jobs begin from, with what a room holds taken from what is free."""
    if room is None:
        return base
    state = copied_arrays(base.state)
    _take(encoded, state, room, 1)
    return base._replace(state=state)


@contextmanager
def given_back(run: Run, room: Room | None) -> Iterator[None]:
    """While inside, a run is as it is without what is held."""
    hold(run, room, -1)
    try:
        yield
    finally:
        hold(run, room)


def _take(encoded: Encoded, state: State, room: Room, sign: int) -> None:
    """
    Takes what is held from a state.

    What no pod of the run asks for has no place in its arrays, and needs none. Ports and rules between pods are not
    held: whether the buffers fit with all that was placed is asked in the end.
    """
    row = encoded.problem.nodes.row
    for index, name in enumerate(encoded.resources):
        if name in room.free:
            state.free[index] -= sign * room.free[name][row]
    by_row = _by_row(encoded)
    for column, taken in room.units.items():
        state.unit_free[by_row, column] -= sign * taken


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
