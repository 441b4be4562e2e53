"""
Placements on their way: a run's bindings as five arrays, and what of them a job made anew.

A run is one process's own. What goes to a job and comes back are the lines of its log; they are small, and are not
believed: their shape is checked here, and each binding is asked for again by the kernels before it is applied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from placer.encode.encode import Encoded
from placer.encode.problem import I32, I64, Goals, Log, Plan, State
from placer.encode.state import new_log, new_work
from placer.engine import Run, bound_lines, new_repair

T = TypeVar("T")


class Lines(NamedTuple):
    """
    Bindings in order: all of a placement, or those that are made anew after all others.

    Attributes
    ----------
    slot, node
        (lines,) which pod, each once, and its internal node; -1, where bindings are made anew, takes it off its node.
    unit_start, unit, need
        (lines + 1,) and (units taken,): the units of each, and the need that each serves; need -1 is the NUMA zone.
    """

    slot: I32
    node: I32
    unit_start: I64
    unit: I32
    need: I32


class Base(NamedTuple):
    """
    What all jobs of a run share, whatever its placement: nothing here changes, and all of it is arrays.

    Attributes
    ----------
    encoded
        Without what only messages and input need.
    state
        With the standing pods in it, and no other.
    """

    encoded: Encoded
    goals: Goals
    plan: Plan
    state: State


def new_base(run: Run, state: State) -> Base:
    """What the jobs of a run share; ``state`` holds its standing pods only, and is not copied."""
    bare = run.encoded._replace(
        statics=cast(Any, None),
        resources=[],
        kinds=[],
        claims=[],
        volumes=[],
        weighed=(),
        pending=np.zeros(0, np.int32),
    )
    return Base(bare, run.goals, run.plan, state)


def lines_of(log: Log) -> Lines:
    """The lines that count, in order. O(lines)."""
    return _take(log, bound_lines(log))


def _take(log: Log, lines: NDArray[np.int64]) -> Lines:
    """These lines of a log."""
    start = log.unit_start[lines]
    count = log.unit_start[lines + 1] - start
    unit_start = np.concatenate([[0], np.cumsum(count)])
    index = np.arange(unit_start[-1]) + np.repeat(start - unit_start[:-1], count)
    return Lines(log.slot[lines], log.node[lines], unit_start, log.unit[index], log.unit_need[index])


def made_anew(before: Lines, log: Log) -> Lines:
    """
    What a log binds otherwise than ``before``: its first lines that are equal and in order stay, the others are new.

    Pods that were placed before and are not any more have node -1, and come first.
    """
    after = lines_of(log)
    rank = np.full(len(log.line_of_slot), -1, np.int64)
    rank[before.slot] = np.arange(len(before.slot))
    place = rank[after.slot]
    same = place >= 0
    same[same] = before.node[place[same]] == after.node[same]
    has_units = np.flatnonzero(same & (np.diff(after.unit_start) > 0))
    same[has_units] = [_units(before, int(place[line])) == _units(after, int(line)) for line in has_units]
    # A later line that came before an earlier one was bound anew, even where it is on its old node again.
    grows = np.ones(len(after.slot), bool)
    grows[1:] = place[1:] > place[:-1]
    kept = int(np.argmin(np.append(same & grows, False)))
    anew = _take(log, bound_lines(log)[kept:])
    gone = np.setdiff1d(before.slot, after.slot, assume_unique=True).astype(np.int32)
    return Lines(
        np.concatenate([gone, anew.slot]),
        np.concatenate([np.full(len(gone), -1, np.int32), anew.node]),
        np.concatenate([np.zeros(len(gone), np.int64), anew.unit_start]),
        anew.unit,
        anew.need,
    )


def _units(lines: Lines, line: int) -> tuple[bytes, bytes]:
    span = slice(lines.unit_start[line], lines.unit_start[line + 1])
    return lines.unit[span].tobytes(), lines.need[span].tobytes()


def check_lines(lines: Any, pods: int, nodes: int) -> None:
    """
    Whether what came back are lines that the kernels can read.

    Raises
    ------
    ValueError
        They are of a wrong type, shape or range; the text says which.
    """
    if type(lines) is not Lines:
        raise ValueError(f"the answer is {str(lines)[:80]!r}, no lines of a placement")
    for name, kind in (("slot", np.int32), ("node", np.int32), ("unit_start", np.int64), ("unit", np.int32)):
        _check_array(name, getattr(lines, name), kind)
    _check_array("need", lines.need, np.int32)
    count = len(lines.slot)
    if len(lines.node) != count or len(lines.unit_start) != count + 1 or len(lines.need) != len(lines.unit):
        raise ValueError("the answer's arrays have lengths that do not go together")
    if count and not (lines.slot.min() >= 0 and lines.slot.max() < pods and len(np.unique(lines.slot)) == count):
        raise ValueError("the answer's pods are out of range, or named twice")
    if count and not (lines.node.min() >= -1 and lines.node.max() < nodes):
        raise ValueError("the answer's nodes are out of range")
    if lines.unit_start[0] != 0 or lines.unit_start[-1] != len(lines.unit) or (np.diff(lines.unit_start) < 0).any():
        raise ValueError("the answer's units are not in order")


def _check_array(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, np.ndarray) or value.dtype != kind or value.ndim != 1 or not value.flags.c_contiguous:
        raise ValueError(f"the answer's {name} is {str(value)[:80]!r}, no array of {kind.__name__}")


def fresh_run(base: Base) -> Run:
    """A run in which nothing pending is placed."""
    return _new_run(base, base.state)


def resumed(base: Base, state: State, lines: Lines) -> Run:
    """A run that is as far as another one was, whose state and lines these are; nothing is checked. O(pods + nodes)."""
    run = _new_run(base, state)
    count, units = len(lines.slot), len(lines.unit)
    run.log.slot[:count], run.log.node[:count] = lines.slot, lines.node
    run.log.unit_start[: count + 1] = lines.unit_start
    run.log.unit[:units], run.log.unit_need[:units] = lines.unit, lines.need
    run.log.lines[0] = count
    run.log.line_of_slot[lines.slot] = np.arange(count)
    return run


def _new_run(base: Base, state: State) -> Run:
    """A run with an empty log and a copy of a state."""
    problem, plan = base.encoded.problem, base.plan
    pods = int(plan.last_slot[-1]) if len(plan.last_slot) else 0
    log = new_log(problem, plan.first_slot, plan.last_slot, spare=pods // 4 + 1024)
    work = new_work(problem, base.encoded.ranking)
    slots = np.arange(pods, dtype=np.int32)
    return Run(base.encoded, base.goals, plan, copied_arrays(state), work, log, slots, np.zeros(1, bool))


def restore(run: Run, lines: Lines) -> NDArray[np.bool_]:
    """Binds in a run what lines say, in order, where it is legal; (lines,) whether each was."""
    from placer.kernels.replay import replay
    from placer.kernels.structs import pack

    kept = np.zeros(len(lines.slot), bool)
    classes = new_repair(run).class_of_slot
    replay(pack(run.encoded.problem), pack(run.state), pack(run.work), pack(run.log), classes, *lines, kept)
    return kept


def copied(run: Run) -> Run:
    """A run that is as far and goes its own way; only what changes is copied."""
    return run._replace(
        state=copied_arrays(run.state),
        log=copied_arrays(run.log),
        work=new_work(run.encoded.problem, run.encoded.ranking),
        stopped_by_steps=run.stopped_by_steps.copy(),
    )


def copied_arrays(part: T) -> T:
    """A named tuple of arrays with arrays of its own."""
    return type(part)(*(array.copy() for array in cast(Iterable[Any], part)))


def overwrite(run: Run, other: Run) -> None:
    """Makes a run what another of the same problem is, in place."""
    for mine, its in ((run.state, other.state), (run.log, other.log)):
        for array, values in zip(cast(Iterable[Any], mine), cast(Iterable[Any], its), strict=True):
            array[:] = values
    run.work.scan_key[0] = -1
