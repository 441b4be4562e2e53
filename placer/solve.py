"""solve(): the face of a batch; read, encode, place, explain what is left out."""

from __future__ import annotations

import logging
import resource as process_resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import cache, partial
from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.beside import beside
from placer.errors import InfeasibleError, InputError, UsageError
from placer.goals import Tier, parse_goals
from placer.limit import Limit
from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.profiles import Choice, choose
from placer.solution import Bindings, Rows, Solution, Unplaced, by_priority

if TYPE_CHECKING:
    from placer.answers import Answer, Answers
    from placer.engine import Run
    from placer.filling import Filled
    from placer.goals.written import Written
    from placer.model.pod import Pod
    from placer.model.profile import Profile
    from placer.placement import Base
    from placer.prove import Proof
    from placer.reserve import Asked
    from placer.room import Room

Progress = Callable[[str, int, int], None]
EXPLAINED = 10.0
"""Seconds in which conflicts are looked for where pods stay unplaced that must not."""


def solve(  # noqa: PLR0913 - one function for all that a caller may ask, by keyword
    cluster: Cluster,
    *,
    goals: Written | Sequence[Written | Sequence[Written]] | None = None,
    profile: str | Profile | Sequence[Profile] | None = None,
    scheduler_name: str | None = None,
    time_limit: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    preempt: bool = False,
    require_all: bool = False,
    prove: bool = False,
    gap: float | None = None,
    reserve: str | None = None,
    buffers: Sequence[Pod] = (),
    start: Solution | None = None,
    executor: Executor | None = None,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    on_answer: Callable[[Answer], None] | None = None,
) -> Solution:
    """
    Places the pending pods of a cluster; with a limit, the rest of it goes to a search that lowers the goal.

    The search serves the first tier where that is ``pack``: it empties nodes, whatever later tiers lose by it; where it
    empties none, the answer is that of placing. Other goals are served by placing alone.

    Parameters
    ----------
    cluster
        Nodes, the pods bound to them and pending ones; it is not changed.
    goals
        What better means, most important tier first; goals of one tier are joined by ``+``, weights by ``*``:
        ``["pack", "2*balance+headroom"]``; ``["pack"]`` by default. A goal is text, what :func:`placer.goal` gives, or
        a function from a cluster to terms; a list within the list is one tier.
    profile
        Decide as a scheduler does: ``"kubernetes"``, or a profile, for all pending pods; or profiles, as a scheduler's
        configuration gives them, each for the pods that name it. With ``goals`` as well, the goals place the whole
        batch, and ``statistics["beside"]`` sets both answers side by side.
    scheduler_name
        Decide only the pods that name this scheduler; the others are left alone, neither placed nor reported.
    time_limit
        Wall-clock seconds until the search ends; the best answer so far comes back.
    steps
        A limit for reproducible runs: families of classes placed, then nodes that the search tries to empty.
    seed
        Of the search; placing has no random choice. Same cluster, seed and ``steps``: same answer.
    threads
        Threads that the search uses, as many as there are cores by default; the answer does not depend on it where no
        clock ends the run. Placing uses one.
    require_all
        Raise instead of leaving pods out. Small problems are then solved to the end where placing leaves pods out, and
        the error has what conflicts: see :func:`placer.conflicts`.
    prove
        Ask for bounds on every tier. Small problems, up to 10,000 pods or classes × nodes, are solved to the end by
        CP-SAT; without a time limit it is given about 10 s, in a unit of work that makes runs reproducible.
    gap
        Stop when this close to the bound; asks for bounds as well.
    reserve
        ``"node"``, ``"rack"``, ``"zone"`` or another label: what stands in any one of its domains fits elsewhere if it
        fails. Pods are left out for it, least important first. It is checked to the end, whatever the limits.
    buffers
        Pods that never come, and for which room stays free: they are placed before all others and left out of the
        answer. ``unmet`` lists those that find no room. If a domain fails, its pods may take it.
    start
        An answer to the same input to begin from: what of it is legal is bound first, the rest is placed, and all is
        improved. The answer is never worse than it; bindings that are not legal are placed anew, with a warning.
    executor
        Who works in the search in place of threads: any ``concurrent.futures.Executor``, such as a Dask client's
        ``get_executor()``. It is not shut down. What it fails to do is done here; ``statistics["jobs"]`` tells.
    stop
        Looked at between steps; when set, the best answer so far comes back.
    progress
        Called with stage, done and total.
    on_answer
        Called with each :class:`placer.answers.Answer` that is better than the one before: objective, bound, gap,
        seconds, and the solution, which is made when it is asked for. With a reserve or buffers only with the last.

    Returns
    -------
    Bindings in an order in which each is legal, and the reasons of what is left out.

    Raises
    ------
    InputError
        An unknown goal, a limit that is not above 0, a reserve for a label that no node has, or a buffer that makes
        no sense.
    UsageError
        An unknown profile, or a ``scheduler_name`` that none of the profiles has.
    InfeasibleError
        ``require_all`` was asked for and pods stay unplaced, or buffers unmet; or what stands breaks the reserve, even
        with nothing placed.

    Notes
    -----
    Time and memory grow about linearly with pods + nodes; each class whose rules tell it apart costs a look at all
    nodes.

    Examples
    --------
    >>> import placer as pl
    >>> cluster = pl.Cluster([pl.Node("n1", cpu=4, memory="8Gi")], [pl.Pod("web", replicas=2, cpu=1)])
    >>> [(binding.pod, binding.node) for binding in pl.solve(cluster).bindings]
    [('default/web-0', 'n1'), ('default/web-1', 'n1')]
    """
    from placer.jobs import check_executor
    from placer.reserve import read
    from placer.start import check_start
    from placer.warm import PLACING, RANKING, is_warm

    choice = choose(profile, scheduler_name)
    tiers = parse_goals(("pack",) if goals is None else goals)
    _check_limits(time_limit, steps, threads, gap, on_answer)
    check_start(start)
    check_executor(executor)
    exact = bool(choice.profiles) and goals is None
    if preempt and not exact:
        raise UsageError("preempt is not available in this version: leave it out")
    proving = _Proving(gap, seed, threads) if prove or gap is not None else None
    if exact and proving is not None:
        raise UsageError("prove and gap need goals to be measured by, and a profile decides by scores: give goals too")
    if exact and start is not None:
        raise UsageError("start is improved by goals, and a profile decides pod by pod: give goals too, or no start")
    if exact and (reserve is not None or buffers):
        raise UsageError("reserve and buffers need goals to place by, and a profile decides by scores: give goals too")
    if not is_warm(RANKING if exact else PLACING):
        logging.getLogger("placer").info("compiling the kernels, once on this machine: about a minute")
    started = time.monotonic()
    report = progress or (lambda stage, done, total: None)
    seconds: dict[str, float] = {}
    limit = Limit(started, time_limit, steps, stop)
    if exact:
        solution = _exactly(cluster, choice, limit, seconds, report)
    else:
        how = _How(proving, seed, threads, start, executor, on_answer, read(cluster, reserve, buffers))
        solution = _by_goals(cluster, choice, tiers, limit, how, seconds, report)
        if require_all and solution.unplaced and proving is None and limit.reason == "done" and _is_small(solution):
            # A proof tells pods that cannot be placed from pods that placing alone has found no room for.
            how = how._replace(proving=_Proving(None, seed, threads))
            solution = _by_goals(cluster, choice, tiers, limit, how, seconds, report)
            solution.bound = solution.gap = None
        if choice.profiles and limit.reason == "done":
            twin = _exactly(cluster, choice, Limit(started, time_limit, None, stop), {}, report)
            solution.statistics["beside"] = beside(cluster, {"kubernetes": twin, "goals": solution})
    solution.schedulers = choice.schedulers
    if solution.stopped == "done":
        solution.stopped = limit.reason
    solution.seed = seed
    solution.limits = {k: v for k, v in (("time_limit", time_limit), ("steps", steps)) if v is not None}
    if require_all and (solution.unplaced or solution.unmet):
        raise _infeasible(cluster, choice, solution, limit, seed)
    return solution


def _is_small(solution: Solution) -> bool:
    """Whether a proof may solve the whole problem to the end."""
    from placer.prove import MOST_CELLS

    return bool(solution.statistics["pod_classes"] * solution.statistics["nodes"] <= MOST_CELLS)


def _infeasible(cluster: Cluster, choice: Choice, solution: Solution, limit: Limit, seed: int) -> InfeasibleError:
    """What stays unplaced, and the conflicts that keep it so; the exact profile decides by rules of its own."""
    from placer.conflicts import conflicts_of
    from placer.infeasible.check import Clock

    if not solution.unplaced or _held_back(solution):
        return _without_room(solution)
    first: Unplaced = solution.unplaced[0]
    text = f"{len(solution.unplaced)} pods stay unplaced, first {first.pod}: {first.message}"
    fix = "free capacity, relax a rule, or solve without require_all"
    if choice.profiles:
        return InfeasibleError(f"{text}: {fix}")
    clock = Clock(min(time.monotonic() + EXPLAINED, limit.deadline or inf), limit.reached)
    left = np.array([cluster.pod_table.index(each.pod) for each in solution.unplaced], np.int64)
    chosen = choice.decided(cluster) & (cluster.pod_table.node == PENDING)
    found = conflicts_of(cluster, chosen, left, clock, seed)
    if found.status == "feasible":
        return InfeasibleError(f"{text}: there is a placement of all pods: give more time, or ask for a proof", found)
    return InfeasibleError("\n".join([f"{text}: {fix}", *found.lines()]), found)


def _held_back(solution: Solution) -> bool:
    """Whether a reserve or buffers keep pods out: no conflict between rules then."""
    return solution.reserve is not None or bool(solution.buffers)


def _without_room(solution: Solution) -> InfeasibleError:
    """What has found no room beside, or for, what was to be kept free."""
    fix = "free capacity, ask for less to be kept free, or solve without require_all"
    found = [
        f"{len(listed)} pods {what}, first {listed[0].pod}: {listed[0].message}"
        for listed, what in ((solution.unplaced, "stay unplaced"), (solution.unmet, "of buffers find no room"))
        if listed
    ]
    return InfeasibleError(f"{'; '.join(found)}: {fix}")


class _How(NamedTuple):
    """What a solve by goals is asked for beside goals and limits."""

    proving: _Proving | None
    seed: int
    threads: int | None
    start: Solution | None
    executor: Executor | None
    on_answer: Callable[[Answer], None] | None
    asked: Asked


def _by_goals(
    cluster: Cluster,
    choice: Choice,
    tiers: Sequence[Tier],
    limit: Limit,
    how: _How,
    seconds: dict[str, float],
    report: Progress,
) -> Solution:
    """The whole batch placed by goals, improved while a limit lasts, and bounded where that is asked for."""
    from placer.answers import Answers
    from placer.engine import standing_state
    from placer.placement import new_base
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
    if placed == "done" and limit.given and _searches(run, proving) and not limit.near(answers):
        clock = time.perf_counter()
        with limit.less(seconds["answer"]):
            written.insert(0, _improved(cluster, run, way, left, written[0], known))
        seconds["improve"] = time.perf_counter() - clock
    hold(run, asked.room, -1)
    proof = None
    if proving is not None:
        clock = time.perf_counter()
        report("prove", 0, 1)
        proof = _prove(cluster, run, tiers, decided, limit, proving, answers.priced or None)
        if proof.run is not run:
            run = proof.run
            written.insert(0, answer(cluster, run, tiers, placed, decided))
        answers.better(run, proof.bound)
        seconds["prove"] = time.perf_counter() - clock
    written[0].statistics = {**_statistics(cluster, run, seconds), **known}
    if proof is not None:
        proof.state(written[0], None if limit.reason != "done" else proving.gap if proving else None)
    return _kept(run, way, cluster, written, proof) if asked else written[0]


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
    how: _How
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
    if filled is None or not (filled.closed or limit.near(answers) or left == 0):
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


def _exactly(cluster: Cluster, choice: Choice, limit: Limit, seconds: dict[str, float], report: Progress) -> Solution:
    """Pod by pod, as the profiles decide."""
    from placer.exact import solve_exactly

    clock = time.perf_counter()
    solution, known = solve_exactly(
        cluster, choice, limit.reached, lambda done, total: report("place", done, total), limit.steps
    )
    seconds["place"] = time.perf_counter() - clock
    if limit.reason == "done" and any(one.reasons and one.reasons[0].rule == "Limit" for one in solution.unplaced):
        limit.reason = "step_limit"
    solution.statistics = {
        "nodes": len(cluster.node_table),
        "pods": len(cluster.pod_table),
        **known,
        "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
        "peak_rss_mb": peak_rss_mb(),
    }
    return solution


def _check_limits(time_limit: Any, steps: Any, threads: Any, gap: Any, on_answer: Any) -> None:
    limits = ("time_limit", time_limit, Real), ("steps", steps, Integral), ("threads", threads, Integral)
    for name, value, kind in limits:
        above = _is(value, Real) and value > 0
        if value is not None and not (above and _is(value, kind)):
            whole = "whole " if above else ""
            raise InputError(f"solve: {name} is {value!r}: give a {whole}number above 0, or leave it out")
    if gap is not None and not (_is(gap, Real) and gap >= 0):
        raise InputError(f"solve: gap is {gap!r}: give 0 or a number above, or leave it out")
    if on_answer is not None and not callable(on_answer):
        raise InputError(f"solve: on_answer is {on_answer!r}: give a function of one answer, or leave it out")


def _is(value: Any, kind: type) -> bool:
    """Whether a value is a number of a kind; True and False are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


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
    how: _How,
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


def _fill(
    run: Run, base: Base, limit: Limit, left: int, how: _How, answers: Answers, report: Progress
) -> Filled | None:
    """Nodes filled by patterns, where these apply; all of the limit, since they leave little to search for."""
    from placer.filling import fill

    def better(bound: int) -> None:
        answers.priced = bound if (run.log.line_of_slot >= 0).all() else 0
        answers.better(run)

    report("fill", 0, 1)
    steps = left if left >= 0 else None
    return fill(run, base, lambda: limit.near(answers), limit.early, better, steps, how.seed)


def _searches(run: Run, proving: _Proving | None) -> bool:
    """Whether a search is to improve the run: not where the whole problem is solved to the end."""
    from placer.prove import is_small

    return not (proving is not None and is_small(run))


class _Proving(NamedTuple):
    """How bounds are asked for."""

    gap: float | None
    seed: int
    threads: int | None


def _prove(
    cluster: Cluster,
    run: Run,
    tiers: Sequence[Tier],
    decided: NDArray[np.bool_],
    limit: Limit,
    proving: _Proving,
    priced: int | None,
) -> Proof:
    """Bounds, and a better run where one is found; CP-SAT has one thread unless the clock limits it anyway."""
    from placer.engine import prepare
    from placer.packing.model import WORK, Search
    from placer.prove import prove

    encoded = run.encoded
    sequence = encoded.pending[decided[encoded.pending]]
    blocked = int((decided & (cluster.pod_table.node == PENDING)).sum()) - len(sequence)
    workers = (proving.threads or 1) if limit.deadline is not None else 1
    search = Search(WORK, workers, proving.seed, proving.gap or 0.0, limit.reached)
    return prove(cluster, lambda: prepare(cluster, encoded, run.goals, sequence), run, tiers, search, blocked, priced)


def answer(
    cluster: Cluster,
    run: Run,
    tiers: Sequence[Tier],
    stopped: str = "done",
    decided: NDArray[np.bool_] | None = None,
    room: Room | None = None,
) -> Solution:
    """
    The solution that a run has come to.

    Parameters
    ----------
    decided
        (pods,) those that are not left alone; all by default.
    room
        What the run holds for buffers: a reason for what is unplaced, and nothing that goals count.
    """
    from placer.engine import bindings, claims_of
    from placer.objective import left_out, measure, objective
    from placer.reasons import unplaced
    from placer.room import given_back

    (bound, nodes), devices = bindings(run)
    rows = Rows(bound, nodes)
    left = unplaced(cluster, run, stopped)
    missing = np.array([cluster.pod_table.index(each.pod) for each in left], np.int64)
    if decided is not None:
        left = [each for each, asked in zip(left, decided[missing].tolist(), strict=True) if asked]
        missing = missing[decided[missing]]
    with given_back(run, room):
        terms = measure(cluster, run, tiers, rows, devices)
    return Solution(
        input=cluster.digest,
        bindings=Bindings(cluster, rows, devices, claims_of(cluster, run, bound)),
        unplaced=left,
        goals=[tier.key for tier in tiers],
        objective={"unplaced": len(left), **objective(tiers, terms)},
        unplaced_by_priority=by_priority(cluster, missing),
        terms=[left_out(cluster, len(left), None if decided is None else int(decided.sum())), *terms],
        tiers=tiers,
    )


def _statistics(cluster: Cluster, run: Any, seconds: dict[str, float]) -> dict[str, Any]:
    return {
        "nodes": len(cluster.node_table),
        "pods": len(cluster.pod_table),
        "pod_classes": len(run.encoded.problem.classes.priority),
        "node_classes": len(run.encoded.problem.nodes.segment_start) - 1,
        "nodes_used": int((run.state.pods > 0).sum()),
        "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> int:
    """The most memory that this process has held, in MiB."""
    peak = process_resource.getrusage(process_resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))
