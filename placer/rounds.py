"""
The search in rounds of jobs: each begins from the best placement so far, and its jobs do not depend on one another.

Where many nodes are in use they are dealt out at random to cells, each searched on its own, and what all of them
changed is applied; where few are, searches from several seeds begin at the same placement and the best one is. How many
jobs a round has, and what each is about, follows from the problem, the seed and the steps alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import Repair, State
from placer.engine import Run, new_repair
from placer.goals import Tier
from placer.improve import improve, new_search, nodes_to_empty
from placer.jobs import Function, Job, Runner
from placer.packing.goals import Level, beats
from placer.placement import (
    Base,
    Lines,
    check_lines,
    copied_arrays,
    fresh_run,
    lines_of,
    made_anew,
    overwrite,
    restore,
    resumed,
)
from placer.prove import Measure, levels, values

CELL = 2048
"""Nodes in use that a cell has at least."""
MOST_CELLS = 8
SEEDS = 2
"""Searches that begin at one placement where there is one cell."""
LONGER = 4
"""Times that rounds get twice as long: a search that begins anew looks at what it has looked at before."""
SLICE = 1.0
"""Seconds that a job of the first round may take where the clock ends the search."""
MARGIN = 0.05
"""Seconds before the end of the time by which jobs hand in what they have."""
FEW = 64
"""Steps up to which one search has them all."""


class Placement(NamedTuple):
    """
    What the searches of a round begin from.

    Attributes
    ----------
    state, lines
        Of the best placement so far.
    """

    state: State
    lines: Lines


class Payload(NamedTuple):
    """
    One search.

    Attributes
    ----------
    nodes
        Internal nodes that it may empty and fill.
    steps
        At most; ``None`` where they are not limited.
    """

    nodes: NDArray[np.int32]
    tiers: tuple[Tier, ...]
    seed: int
    steps: int | None


class Found(NamedTuple):
    """
    What a search came to.

    Attributes
    ----------
    anew
        Pods that it bound anew, after all others.
    value
        The objective, level by level, as it says.
    done
        Whether no move helps.
    """

    anew: Lines
    value: tuple[float, ...]
    steps: int
    tried: int
    kept: int
    done: bool


class Effort(Protocol):
    """What every kind of search says of its work."""

    @property
    def value(self) -> tuple[float, ...]:
        """The objective, level by level, as far as the job can tell."""

    @property
    def steps(self) -> int:
        """Steps made."""

    @property
    def tried(self) -> int:
        """Moves tried."""

    @property
    def kept(self) -> int:
        """Moves made."""


E = TypeVar("E", bound=Effort)


def search_nodes(base: Base, common: Placement, payload: Payload, stop: Callable[[], bool]) -> Found:
    """The job: empties nodes of a placement; moves only what stands on them, and only among them."""
    run = resumed(base, common.state, common.lines)
    known = improve(run, stop, None, payload.steps, payload.seed, payload.nodes)
    value = values(run, levels(run, payload.tiers))
    counts = known["steps"], known["moves_tried"], known["moves_kept"]
    return Found(made_anew(common.lines, run.log), tuple(value), *counts, known["done"])


def check_found(found: Any, pods: int, nodes: int) -> None:
    """Whether a result is one of :func:`search_nodes`; ``ValueError`` says what is wrong."""
    if type(found) is not Found:
        raise ValueError(f"the answer is {str(found)[:80]!r}, nothing that a search has found")
    check_lines(found.anew, pods, nodes)
    check_effort(found)
    if not isinstance(found.done, bool):
        raise ValueError(f"the answer is done: {found.done!r}, which is no truth value")


def check_effort(found: Effort) -> None:
    """Whether what a search says of its work and its objective are numbers; ``ValueError`` says what is wrong."""
    counts = found.steps, found.tried, found.kept
    if not all(isinstance(each, int) and each >= 0 for each in counts):
        raise ValueError(f"the answer counts {counts!r}, which are no counts")
    if not isinstance(found.value, tuple) or not all(isinstance(each, float) for each in found.value):
        raise ValueError(f"the answer's objective is {str(found.value)[:80]!r}, no tuple of numbers")


class Incumbent:
    """
    The best placement so far, in a run that is changed in place.

    Parameters
    ----------
    measure
        What runs come to, where arrays do not tell of all tiers.

    Attributes
    ----------
    asked
        What is compared, most important first.
    value
        Its objective, level by level.
    """

    def __init__(self, run: Run, base: Base, tiers: Sequence[Tier], measure: Measure | None = None) -> None:
        self.run, self.base, self.tiers, self.measure = run, base, tuple(tiers), measure
        self.asked: Sequence[Level] = levels(run, tiers) if measure is None else measure.asked
        self.value = self.measured(run)
        self.repair: Repair = new_repair(run)

    def measured(self, run: Run) -> list[float]:
        """What a run comes to."""
        if self.measure is None:
            return values(run, self.asked)
        # What is written out needs names and rows, which runs of jobs do without.
        return self.measure.of(run._replace(encoded=self.run.encoded, pod_of_slot=self.run.pod_of_slot))

    def placement(self) -> Placement:
        """What the jobs of a round begin from."""
        return Placement(copied_arrays(self.run.state), lines_of(self.run.log))

    def apply(self, anew: Lines) -> bool:
        """
        Binds pods anew where every rule allows it and nothing gets worse; whether it was done.

        O(pods bound anew × pods of a node), beside the lines of the log; where pods are among them that other pods
        count on, all bindings are gone through again.
        """
        free = self.run.encoded.problem.classes.free_to_move[self.repair.class_of_slot[anew.slot]]
        if free.all() and self._make_room(len(anew.slot)):
            return self.rebind(anew)
        return self._apply_whole(anew)

    def rebind(self, anew: Lines) -> bool:
        """As :meth:`apply`, for pods on whom no other pod counts, where the log has room for as many lines."""
        from placer.kernels.repair import link_lines
        from placer.kernels.replay import put_as_before, rebind
        from placer.kernels.structs import pack

        run = self.run
        problem, state, log, repair = (pack(part) for part in (run.encoded.problem, run.state, run.log, self.repair))
        link_lines(log, repair)
        first, before = int(run.log.lines[0]), np.zeros(len(anew.slot), np.int64)
        if not rebind(problem, state, pack(run.work), log, repair, *anew, before):
            return False
        value = self.measured(run)
        if beats(self.value, value):
            put_as_before(problem, state, log, repair, first, before)
            return False
        self.value = value
        return True

    def _make_room(self, lines: int) -> bool:
        """Whether the log has so many free lines; it is made compact where it has not."""
        from placer.kernels.improve import compact
        from placer.kernels.structs import pack

        log = self.run.log
        if log.lines[0] + lines >= len(log.slot):
            compact(pack(log), pack(self.repair))
        return bool(log.lines[0] + lines < len(log.slot))

    def _apply_whole(self, anew: Lines) -> bool:
        """As :meth:`apply`, in a run of its own that all bindings go through in order."""
        other = fresh_run(self.base)
        old = lines_of(self.run.log)
        stays = ~np.isin(old.slot, anew.slot)
        placed = anew.node >= 0
        legal = restore(other, chosen(old, stays)).all() and restore(other, chosen(anew, placed)).all()
        return bool(legal) and self._take(other)

    def become(self, lines: Lines) -> bool:
        """
        Takes over a whole placement where every binding is legal in its order and nothing gets worse; whether it did.

        O(pods).
        """
        other = fresh_run(self.base)
        return bool(restore(other, lines).all()) and self._take(other)

    def _take(self, other: Run) -> bool:
        """Becomes another run, where that is not worse."""
        value = self.measured(other)
        if beats(self.value, value):
            return False
        overwrite(self.run, other)
        self.value = value
        return True


class Budget(NamedTuple):
    """
    What a search may spend.

    Attributes
    ----------
    steps
        Nodes to try to empty; ``None`` where they are not limited.
    deadline
        On the monotonic clock; ``None`` where the clock does not end it.
    """

    steps: int | None
    deadline: float | None

    def seconds(self, waves: int, number: int = 0) -> float | None:
        """What a job of a round may take, where so many follow one another."""
        if self.deadline is None:
            return None
        return min(SLICE * 2.0 ** min(number, LONGER), (self.deadline - MARGIN - time.monotonic()) / waves)


class Spent:
    """What a search did, added up."""

    def __init__(self, budget: Budget) -> None:
        self.begin, self.left = time.perf_counter(), budget.steps
        self.steps = self.tried = self.kept = 0

    def add(self, found: Effort) -> None:
        """One more result."""
        self.steps += found.steps
        self.tried += found.tried
        self.kept += found.kept
        if self.left is not None:
            self.left = max(0, self.left - found.steps)

    def stated(self) -> dict[str, Any]:
        """As statistics."""
        seconds = max(time.perf_counter() - self.begin, 1e-9)
        return {
            "steps": self.steps,
            "moves_tried": self.tried,
            "moves_kept": self.kept,
            "moves_per_s": round(self.tried / seconds),
        }


def search(
    incumbent: Incumbent,
    runner: Runner,
    budget: Budget,
    seed: int,
    better: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """
    Improves a placement until no move helps or a limit ends it.

    Parameters
    ----------
    runner
        Who works, with the incumbent's base; its ``stop`` ends the search.
    better
        Called after each change that lowers the objective.
    progress
        Called with rounds ended and 0.

    Returns
    -------
    ``steps`` made, ``moves_tried``, ``moves_kept`` and ``moves_per_s``; as ``done`` whether no move helps, and as
    ``steps_left`` whether there are.
    """
    spent, number, dry = Spent(budget), 0, 0
    cells = min(MOST_CELLS, int((incumbent.run.state.pods > 0).sum()) // CELL) or 1
    # Other cells may find what these did not; other seeds have been tried.
    enough = 2 if cells > 1 else 1
    while dry < enough and spent.left != 0 and not runner.stop():
        payloads = deal(incumbent, cells, spent.left, (seed, number))
        seconds = budget.seconds(-(-len(payloads) // runner.width), number) if payloads else None
        if seconds is not None and seconds <= 0:
            break
        helped = _round(incumbent, runner, payloads, seconds, spent, better)
        number, dry = number + 1, 0 if helped else dry + 1
        if progress:
            progress(number, 0)
    return {**spent.stated(), "done": dry == enough, "steps_left": spent.left != 0}


def deal(incumbent: Incumbent, cells: int, steps: int | None, seed: tuple[int, int]) -> list[Payload]:
    """The searches of one round; none where no node could be emptied."""
    run, random = incumbent.run, np.random.default_rng([part % 2**64 for part in seed])
    if not len(nodes_to_empty(run, new_search(run, 0))):
        return []
    used = random.permutation(np.flatnonzero(run.state.pods > 0)).astype(np.int32)
    few = steps is not None and steps <= FEW
    parts = [used] if few else np.array_split(used, cells) if cells > 1 else [used] * SEEDS
    share = None if steps is None else steps // len(parts)
    if share is not None and len(parts) > 1 and cells > 1:
        share = min(share, max(FEW, len(parts[0])))
    seeds = random.integers(0, 2**63, len(parts)).tolist()
    return [Payload(np.sort(part), incumbent.tiers, each, share) for part, each in zip(parts, seeds, strict=True)]


def _round(
    incumbent: Incumbent,
    runner: Runner,
    payloads: Sequence[Payload],
    seconds: float | None,
    spent: Spent,
    better: Callable[[], None],
) -> bool:
    """One round; whether it, or more of the same, helps."""
    if not payloads:
        return False
    before, results = incumbent.value, list[Found]()
    apart = not np.array_equal(payloads[0].nodes, payloads[-1].nodes)
    for found in searched(incumbent, runner, (search_nodes, check_found), payloads, seconds, spent):
        results.append(found)
        if apart:
            _use(incumbent, runner, found, better)
    if not apart:
        use_best(runner, results, lambda found: _use(incumbent, runner, found, better))
    return incumbent.value != before or len(results) < len(payloads) or not all(found.done for found in results)


def round_of(
    incumbent: Incumbent,
    runner: Runner,
    kind: tuple[Function, Callable[[Any, int, int], None]],
    payloads: Sequence[Any],
    seconds: float | None,
) -> Iterator[tuple[int, Any]]:
    """
    Runs jobs of one kind that begin from one placement; places of their payloads and results, in order.

    Parameters
    ----------
    kind
        The job's function, and what checks a result, given the number of pods and of nodes.
    """
    function, checks = kind
    pods, nodes = len(incumbent.run.pod_of_slot), len(incumbent.run.encoded.problem.nodes.row)
    jobs = [Job(function, payload, lambda found: checks(found, pods, nodes)) for payload in payloads]
    yield from runner.round(jobs, seconds, incumbent.placement())


def searched(
    incumbent: Incumbent,
    runner: Runner,
    kind: tuple[Function, Callable[[Any, int, int], None]],
    payloads: Sequence[Any],
    seconds: float | None,
    spent: Spent,
) -> Iterator[Any]:
    """The results of a round of searches, their work added up; as :func:`round_of`."""
    for _, found in round_of(incumbent, runner, kind, payloads, seconds):
        spent.add(found)
        yield found


def use_best(runner: Runner, results: Sequence[E], apply: Callable[[E], bool]) -> None:
    """Of results that exclude one another the best one that is what it says; the others are wasted."""
    used = any(apply(found) for found in sorted(results, key=lambda found: tuple(np.nan_to_num(found.value))))
    runner.counts.wasted += len(results) - 1 if used else 0


def _use(incumbent: Incumbent, runner: Runner, found: Found, better: Callable[[], None]) -> bool:
    """Applies a result; whether that was done."""
    return use(incumbent, runner, lambda: len(found.anew.slot) > 0 and incumbent.apply(found.anew), better)


def use(incumbent: Incumbent, runner: Runner, apply: Callable[[], bool], better: Callable[[], None]) -> bool:
    """Applies a result, and counts what became of it; whether that was done."""
    before = incumbent.value
    if not apply():
        runner.counts.wasted += 1
        return False
    if beats(incumbent.value, before):
        runner.counts.improved += 1
        better()
    return True


def chosen(lines: Lines, which: NDArray[np.bool_]) -> Lines:
    """Some of the lines, in order."""
    count = np.diff(lines.unit_start)
    units = np.repeat(which, count)
    start = np.concatenate([[0], np.cumsum(count[which])])
    return Lines(lines.slot[which], lines.node[which], start, lines.unit[units], lines.need[units])
