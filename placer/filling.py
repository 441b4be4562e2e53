"""Filling: a placement of nodes filled by patterns, and what no placement costs less than, where few rules bind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from placer.encode.problem import I64, State
from placer.engine import Run, bound_lines, class_of_slot, pods_to_place
from placer.packing.configuration import Configuration, Pattern
from placer.packing.dive import dive, price_of
from placer.packing.first_fit import first_fit
from placer.packing.parts import Parts, read_parts
from placer.packing.refine import Refined, refine, sweep
from placer.placement import Base, Lines, fresh_run, overwrite, restore

SWEEP, PROGRAM, DIVE = 0.3, 0.5, 0.4
"""Shares of the time that is left: to look at each node once, for the linear program of all pods, to dive into it."""
MOST_PODS, MOST_BOUNDED = 5_000, 50_000
"""Pods up to which nodes are filled by patterns, and up to which these prove a bound."""


class Filled(NamedTuple):
    """
    What filling came to.

    Attributes
    ----------
    bound
        Millionths: no placement of the same pods costs less.
    closed
        Whether the placement costs no more than that.
    tried
        Neighbourhoods.
    known
        What was done, for the statistics.
    """

    bound: int
    closed: bool
    tried: int
    known: dict[str, Any]


def fill(
    run: Run,
    base: Base,
    stop: Callable[[], bool],
    early: Callable[[float], Callable[[], bool]],
    better: Callable[[int], None] = lambda bound: None,
    steps: int | None = None,
    seed: int = 0,
) -> Filled | None:
    """
    Lowers ``pack`` by filling nodes anew, some at a time, with patterns that a linear program prices.

    The same pods stay placed. Goals of later tiers may lose.

    Parameters
    ----------
    run
        Placed as far as it goes; changed in place.
    stop, early
        Whether to end it; and what tells whether to end a part of it that is given a share of the time that is left.
    better
        Told the bound whenever the run got better.
    steps
        Neighbourhoods to try, at most.

    Returns
    -------
    ``None`` where the pods are too many or too different, or have rules that patterns do not keep.
    """
    problem, pods = run.encoded.problem, placed_pods(run)
    parts = read_parts(problem, base.state, pods) if 0 < pods.sum() <= MOST_PODS else None
    if parts is None or not parts.all_rules:
        return None
    standing = int(problem.nodes.price[base.state.pods > 0].sum())
    program, least = Configuration(parts), 0

    def improved(patterns: Sequence[Pattern]) -> None:
        apply(parts, run, base, patterns)
        better(standing + least)

    start, fitted = patterns_of(parts, run), first_fit(parts)
    if fitted is not None and price_of(parts, fitted) < price_of(parts, start):
        start = fitted
        improved(start)
    swept = sweep(parts, start, _either(stop, early(SWEEP)), improved, steps, seed)
    for pattern in sorted(swept.useful.union(swept.patterns)):
        program.add(pattern)
    least = program.solve(_either(stop, early(PROGRAM)), close=0.0).bound
    better(standing + least)
    weights, now = program.weights(), swept.patterns
    dived = (
        None
        if price_of(parts, now) <= least
        else dive(program, parts.pods, parts.nodes, stop=_either(stop, early(DIVE)))
    )
    if dived is not None and price_of(parts, dived) < price_of(parts, now):
        now = dived
        improved(now)
    left = None if steps is None else steps - swept.tried
    done = refine(parts, now, weights, least, stop, improved, left, seed)
    tried = swept.tried + done.tried
    return Filled(standing + least, done.price <= least, tried, _known(parts, program, done, tried))


def _either(one: Callable[[], bool], other: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: one() or other()


def pattern_bound(run: Run, state: State, stop: Callable[[], bool] = lambda: False) -> int:
    """
    The least sum of prices of used nodes where all pending pods are placed, as far as patterns prove; millionths.

    Parameters
    ----------
    run
        What is placed in it is what the linear program begins from.
    state
        With the standing pods in it, and no others.

    Returns
    -------
    What nodes cost that are used anyway, where there are too many pods, classes or kinds of node.
    """
    problem = run.encoded.problem
    pending = pods_to_place(run.plan)
    standing = int(problem.nodes.price[state.pods > 0].sum())
    parts = read_parts(problem, state, pending) if pending.sum() <= MOST_BOUNDED else None
    if parts is None:
        return standing
    program = Configuration(parts)
    for pattern in patterns_of(parts, run):
        program.add(pattern)
    return standing + program.solve(stop, close=0.0).bound


def _known(parts: Parts, program: Configuration, done: Refined, tried: int) -> dict[str, Any]:
    return {
        "pod_classes": len(parts.pods),
        "node_kinds": len(parts.nodes),
        "patterns": len(program.known),
        "neighbourhoods": tried,
        "improved": done.improved,
        "closed": done.closed,
    }


def placed_pods(run: Run) -> I64:
    """(classes,) pods that are placed."""
    lines = bound_lines(run.log)
    of_line = class_of_slot(run.plan)[run.log.slot[lines]]
    return np.bincount(of_line, minlength=len(run.encoded.problem.classes.priority)).astype(np.int64)


def patterns_of(parts: Parts, run: Run) -> list[Pattern]:
    """What a run has placed, node by node."""
    kind = np.empty(len(parts.node), np.int64)
    kind[parts.node] = np.repeat(np.arange(len(parts.nodes)), parts.nodes)
    place = np.full(len(run.encoded.problem.classes.priority), -1, np.int64)
    place[parts.pod_class] = np.arange(len(parts.pod_class))
    lines = bound_lines(run.log)
    classes = place[class_of_slot(run.plan)[run.log.slot[lines]]]
    nodes = run.log.node[lines]
    order = np.lexsort((classes, nodes))
    starts = np.flatnonzero(np.diff(nodes[order], prepend=-1))
    return [
        Pattern(int(kind[nodes[group[0]]]), tuple(classes[group].tolist())) for group in np.split(order, starts)[1:]
    ]


def apply(parts: Parts, run: Run, base: Base, patterns: Sequence[Pattern]) -> None:
    """
    Makes a run one whose nodes are filled by these patterns; the same pods are placed.

    Raises
    ------
    RuntimeError
        A rule does not allow it.
    """
    slots = run.log.slot[bound_lines(run.log)]
    slots = slots[np.argsort(class_of_slot(run.plan)[slots], kind="stable")]
    place = np.array([each for pattern in patterns for each in pattern.pods], np.int64)
    spans = [slice(*span) for span in zip(parts.node_start[:-1], parts.node_start[1:], strict=True)]
    free = [iter(parts.node[span].tolist()) for span in spans]
    nodes = np.array([next(free[pattern.kind]) for pattern in patterns], np.int32)
    count = len(place)
    placed = np.empty(count, np.int32)
    placed[np.argsort(parts.pod_class[place], kind="stable")] = slots
    where = np.repeat(nodes, [len(pattern.pods) for pattern in patterns])
    nothing = np.zeros(0, np.int32)
    other = fresh_run(base)
    if not restore(other, Lines(placed, where, np.zeros(count + 1, np.int64), nothing, nothing)).all():
        raise RuntimeError("a pattern breaks a rule of its pods: report it with the input")
    overwrite(run, other)
