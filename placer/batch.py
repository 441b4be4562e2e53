"""A batch by goals: encoded, placed, improved while a limit lasts, bounded where that is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.goals import Tier
from placer.limit import Limit
from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.profiles import Choice
from placer.solution import Solution
from placer.writing import answer, statistics

if TYPE_CHECKING:
    from placer.answers import Answer, Answers
    from placer.engine import Run
    from placer.filling import Filled
    from placer.placement import Base
    from placer.prove import Proof
    from placer.reserve import Asked

Progress = Callable[[str, int, int], None]


class Proving(NamedTuple):
    """That bounds are asked for, and how close to them is close enough; ``None`` where only the best answer is."""

    gap: float | None


class How(NamedTuple):
    """
    What a solve by goals is asked for beside goals and limits.

    Attributes
    ----------
    every
        Whether all pods are to be placed: pods that are left out are then given to a proof where it may end.
    """

    proving: Proving | None
    every: bool
    seed: int
    threads: int | None
    start: Solution | None
    executor: Executor | None
    on_answer: Callable[[Answer], None] | None
    asked: Asked


def by_goals(
    cluster: Cluster,
    choice: Choice,
    tiers: Sequence[Tier],
    limit: Limit,
    how: How,
    seconds: dict[str, float],
    report: Progress,
) -> Solution:
    """The whole batch placed by goals, improved while a limit lasts, and bounded where that is asked for."""
    from placer.answers import Answers
    from placer.engine import standing_state
    from placer.placement import new_base
    from placer.prove import is_small
    from placer.room import hold, holding
    from placer.start import begin_from

    decided, proving, asked = choice.decided(cluster), how.proving, how.asked
    run = _prepare(cluster, tiers, decided, seconds, report)
    base = cache(lambda: new_base(run, standing_state(cluster, run.encoded)))
    held = cache(lambda: holding(base(), run.encoded, asked.room))
    write: Callable[..., Solution] = partial(answer, cluster, tiers=tiers, decided=decided, room=asked.room)
    blocked = int((decided & (cluster.pod_table.node == PENDING)).sum()) - len(run.pod_of_slot)
    answers = Answers(tiers, base, write, blocked, how._replace(on_answer=None) if asked else how, limit.begun)
    hold(run, asked.room)
    clock = time.perf_counter()
    begun = None if how.start is None else begin_from(cluster, run, how.start)
    known: dict[str, Any] = {} if begun is None else {"start": begun.known}
    left = _place(run, held, tiers, limit, report)
    if begun is not None:
        begun.keep(run, write)
    placed, seconds["place"] = limit.reason, time.perf_counter() - clock
    way = _Way(tiers, limit, how, (base, held), partial(write, stopped=placed), answers, report)
    clock = time.perf_counter()
    written = [way.write(run)]
    seconds["answer"] = time.perf_counter() - clock
    answers.better(run)
    if placed == "done" and limit.given and not (proving is not None and is_small(run)) and not limit.near(answers):
        clock = time.perf_counter()
        with limit.less(seconds["answer"]):
            written.insert(0, _improved(cluster, run, way, left, written[0], known))
        seconds["improve"] = time.perf_counter() - clock
    hold(run, asked.room, -1)
    proof = None
    if how.every and proving is None and limit.reason == "done" and written[0].unplaced and is_small(run):
        # A proof tells pods that cannot be placed from pods that placing alone has found no room for.
        proving = Proving(None)
    if proving is not None:
        clock = time.perf_counter()
        proof = _prove(cluster, run, way, proving.gap, blocked)
        if proof.run is not run:
            run = proof.run
            written.insert(0, answer(cluster, run, tiers, placed, decided))
        answers.better(run, proof.bound)
        seconds["prove"] = time.perf_counter() - clock
    written[0].statistics = {**statistics(cluster, run, seconds), **known}
    if proof is not None:
        proof.state(written[0], None if limit.reason != "done" else proving.gap if proving else None)
    solution = _kept(run, way, cluster, written, proof) if asked else written[0]
    if how.proving is None:
        solution.bound = solution.gap = None
    return solution


class _Way(NamedTuple):
    """
    What a run is improved with.

    Attributes
    ----------
    base
        What jobs begin from: the plain one, and with what buffers hold.
    write
        Writes out a run.
    """

    tiers: Sequence[Tier]
    limit: Limit
    how: How
    base: tuple[Callable[[], Base], Callable[[], Base]]
    write: Callable[[Run], Solution]
    answers: Answers
    report: Progress


def _improved(cluster: Cluster, run: Run, way: _Way, left: int, solution: Solution, known: dict[str, Any]) -> Solution:
    """The better of an answer and of what filling and searching make of its run, which is left at that."""
    from placer.answers import preferred
    from placer.improve import empties
    from placer.placement import copied, overwrite

    tiers, limit, how, (base, held), write, answers, report = way
    before = copied(run)
    fills = empties(tiers) and not how.asked.room
    filled = _fill(run, base(), limit, left, how, answers, report) if fills else None
    if filled is not None:
        known["fill"] = filled.known
        left = max(0, left - filled.tried) if left >= 0 else left
    best = filled is not None and filled.closed and len(tiers) == 1
    if left == 0 and not best and limit.reason == "done":
        limit.reason = "step_limit"
    if not (best or limit.near(answers) or left == 0):
        known |= _improve(cluster, run, held(), tiers, limit, left, how, answers, report)
    found = write(run)
    if preferred(solution, found) is solution:
        overwrite(run, before)
    return preferred(solution, found)


def _kept(run: Run, way: _Way, cluster: Cluster, written: Sequence[Solution], proof: Proof | None) -> Solution:
    """What keeps reserve and buffers, with the proof as far as it holds for it; the best answer comes first."""
    from placer.answers import Answer
    from placer.reserve import kept

    best, how, clock = written[0], way.how, time.perf_counter()
    way.report("reserve", 0, 1)
    solution = kept(cluster, run, way.write, how.asked, written)
    solution.statistics = {**best.statistics, **solution.statistics}
    solution.statistics["seconds"]["reserve"] = round(time.perf_counter() - clock, 6)
    if proof is not None:
        (proof if solution is best else proof.relaxed(best, solution)).state(solution, None)
    if how.on_answer is not None:
        seconds = time.monotonic() - way.limit.begun
        how.on_answer(Answer(solution.objective, solution.bound, solution.gap, seconds, lambda: solution))
    return solution


def _prepare(
    cluster: Cluster,
    tiers: Sequence[Tier],
    decided: NDArray[np.bool_],
    seconds: dict[str, float],
    report: Progress,
) -> Run:
    from placer.encode.tiers import encode_tiers
    from placer.engine import prepare

    report("encode", 0, 1)
    clock = time.perf_counter()
    encoded, goals = encode_tiers(cluster, tiers)
    run = prepare(cluster, encoded, goals, encoded.pending[decided[encoded.pending]])
    seconds["encode"] = time.perf_counter() - clock
    report("encode", 1, 1)
    return run


def _place(run: Run, base: Callable[[], Base], tiers: Sequence[Tier], limit: Limit, report: Progress) -> int:
    """
    Places; the steps left, -1 where they are not limited.

    Where goals other than ``pack`` leave pods out, the pods are placed by ``pack`` as well, and the answer that leaves
    fewer important ones out is kept.
    """
    from placer.engine import place
    from placer.fallback import place_by_pack
    from placer.improve import empties
    from placer.placement import lines_of

    def told(done: int, total: int) -> None:
        report("place", done, total)

    before = lines_of(run.log)
    left = place(run, limit.reached, told, limit.steps)
    if limit.reason == "done" and limit.steps is not None and run.stopped_by_steps[0]:
        limit.reason = "step_limit"
    if limit.reason != "done" or empties(tiers) or (run.log.line_of_slot >= 0).all():
        return left
    return place_by_pack(run, base(), before, limit.reached, told, left if left >= 0 else None)


def _improve(
    cluster: Cluster,
    run: Run,
    base: Base,
    tiers: Sequence[Tier],
    limit: Limit,
    left: int,
    how: How,
    answers: Answers,
    report: Progress,
) -> dict[str, Any]:
    """Spends what is left of the limit; what the search did, for the statistics."""
    from placer.jobs import Runner
    from placer.rounds import Budget
    from placer.turns import Turns

    with Runner(base, lambda: limit.near(answers), how.executor, how.threads) as runner:
        told = lambda: answers.better(run), lambda *way: report("improve", *way)
        turns = Turns(cluster, run, base, tiers, runner, how.seed, *told)
        done, more = turns.improve(Budget(left if left >= 0 else None, limit.deadline))
    if not done and limit.reason == "done" and not answers.proven:
        limit.reason = "time_limit" if more else "step_limit"
    return {**turns.known, "jobs": runner.counts.stated()}


def _fill(run: Run, base: Base, limit: Limit, left: int, how: How, answers: Answers, report: Progress) -> Filled | None:
    """Nodes filled by patterns, where these apply; all of the limit, since they leave little to search for."""
    from placer.filling import fill

    def better(bound: int) -> None:
        answers.priced = bound if (run.log.line_of_slot >= 0).all() else 0
        answers.better(run)

    report("fill", 0, 1)
    steps = left if left >= 0 else None
    return fill(run, base, lambda: limit.near(answers), limit.early, better, steps, how.seed)


def _prove(cluster: Cluster, run: Run, way: _Way, gap: float | None, blocked: int) -> Proof:
    """Bounds, and a better run where one is found; CP-SAT has one thread unless the clock limits it anyway."""
    from placer.engine import prepare
    from placer.packing.model import WORK, Search
    from placer.prove import prove

    limit, how = way.limit, way.how
    way.report("prove", 0, 1)
    workers = (how.threads or 1) if limit.deadline is not None else 1
    search = Search(WORK, workers, how.seed, gap or 0.0, limit.reached)
    sequence, priced = np.sort(run.pod_of_slot), way.answers.priced or None
    again = partial(prepare, cluster, run.encoded, run.goals, sequence)
    return prove(cluster, again, run, way.tiers, search, blocked, priced)
