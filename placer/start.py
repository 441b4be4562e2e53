"""A warm start: what an earlier answer binds is bound again, where it is legal, before anything else is placed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.answers import preferred
from placer.checks import arguments
from placer.encode.combine import ragged
from placer.engine import Run, class_of_slot, known_units
from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.placement import Lines, copied, overwrite, restore
from placer.solution import Solution


def check_start(start: Any) -> None:
    """
    Whether a search can begin from it.

    Raises
    ------
    InputError
        It is no solution, or one that evicts or moves pods.
    """
    if start is None:
        return
    if not isinstance(start, Solution):
        raise InputError(
            f"solve: start is {str(start)[:80]!r}: give a Solution, of an earlier solve or of Solution.read, "
            "or leave it out"
        )
    if start.evictions or start.moves:
        what = f"{len(start.evictions)} evictions and {len(start.moves)} moves"
        raise InputError(f"solve: start has {what}, and solving by goals makes none: give a solution that only binds")


class Begun(NamedTuple):
    """
    What a run began from.

    Attributes
    ----------
    run
        With what was kept of the start, and nothing else.
    known
        How many ``bindings`` the start has, and how many were ``kept``, for the statistics.
    """

    run: Run
    known: dict[str, int]

    def keep(self, run: Run, write: Callable[[Run], Solution]) -> None:
        """Takes a run back to the start, where what was done since made it worse."""
        first = write(self.run)
        if preferred(first, write(run)) is first:
            overwrite(run, self.run)


def begin_from(cluster: Cluster, run: Run, start: Solution) -> Begun:
    """
    Binds in a fresh run what an answer to the same input binds, in its order.

    What is not legal, names nobody who waits, or binds a pod twice is left out, to be placed with the rest; the logger
    ``placer`` tells of the first. Pods keep their units; where none are named, some that serve are chosen.

    Raises
    ------
    StaleSolutionError
        It was made for another input.
    InputError
        A value of it is of a wrong type.
    """
    arguments.check(cluster, start)
    rows, units = start.rows(cluster), start.units()
    slot_of = np.full(len(cluster.pod_table) + 1, -1, np.int32)
    slot_of[run.pod_of_slot] = np.arange(len(run.pod_of_slot), dtype=np.int32)
    slot = slot_of[rows.pod]
    first = np.zeros(len(slot), bool)
    first[np.unique(slot, return_index=True)[1]] = True
    known = np.flatnonzero(first & (slot >= 0) & (rows.node >= 0))
    kept = restore(run, as_lines(run, slot[known], rows.node[known], known, units))
    _tell(start, np.setdiff1d(np.arange(len(slot)), known[kept]))
    return Begun(copied(run), {"bindings": len(slot), "kept": int(kept.sum())})


def as_lines(
    run: Run,
    slot: NDArray[np.int32],
    node: NDArray[np.int32],
    place: NDArray[np.int64],
    units: Mapping[int, Mapping[str, Sequence[int]]],
) -> Lines:
    """
    Bindings of an answer as lines of a run's log.

    Parameters
    ----------
    slot, node, place
        (lines,) the run's pods, rows of their nodes, and places among the answer's bindings.
    units
        Place among the bindings → units that are named.
    """
    encoded, classes = run.encoded, class_of_slot(run.plan)
    inner, starts = encoded.position[node].astype(np.int32), encoded.problem.units.start
    taken: list[list[tuple[int, int]]] = [[] for _ in range(len(slot))]
    for line in np.flatnonzero(np.isin(place, list(units))).tolist():
        at = int(inner[line])
        pairs = known_units(encoded, int(classes[slot[line]]), at, units[int(place[line])])
        taken[line] = [(int(starts[at]) + unit, need) for unit, need in pairs]
    unit_start, unit = ragged([[unit for unit, _ in pairs] for pairs in taken])
    need = np.array([need for pairs in taken for _, need in pairs], np.int32)
    return Lines(slot, inner, unit_start.astype(np.int64), unit, need)


def _tell(start: Solution, dropped: Any) -> None:
    if len(dropped):
        binding = start.bindings[int(dropped[0])]
        logging.getLogger("placer").warning(
            "start: %d of %d bindings are not legal here and are decided anew, first that of %s to %s",
            len(dropped),
            len(start.bindings),
            binding.pod,
            binding.node,
        )
