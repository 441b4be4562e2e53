"""solve(): the face of a batch; read, encode, place, explain what is left out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from placer.batch import How, Progress, Proving, by_goals
from placer.beside import beside
from placer.errors import InfeasibleError, InputError, UsageError
from placer.goals import parse_goals
from placer.limit import Limit, check_above, is_number
from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.profiles import Choice, choose
from placer.solution import Solution, Unplaced
from placer.writing import peak_rss_mb

if TYPE_CHECKING:
    from placer.answers import Answer
    from placer.goals.written import Written
    from placer.model.pod import Pod
    from placer.model.profile import Profile

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

    Where ``pack`` is the first tier, nodes are filled by patterns or emptied pod by pod, until nothing helps. The rest
    goes to the other goals: pods move and change places, and neighbourhoods of a few dozen nodes are solved by CP-SAT.
    The answer is never worse than that of placing.

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
        A limit for reproducible runs: families of classes placed, then nodes that the search tries to empty, 4,096
        moves of pods each; a neighbourhood counts as 1,024 steps.
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
    proving = Proving(gap) if prove or gap is not None else None
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
        how = How(proving, require_all, seed, threads, start, executor, on_answer, read(cluster, reserve, buffers))
        solution = by_goals(cluster, choice, tiers, limit, how, seconds, report)
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
    for name, value, whole in (("time_limit", time_limit, False), ("steps", steps, True), ("threads", threads, True)):
        check_above("solve", name, value, whole)
    if gap is not None and not (is_number(gap) and gap >= 0):
        raise InputError(f"solve: gap is {gap!r}: give 0 or a number above, or leave it out")
    if on_answer is not None and not callable(on_answer):
        raise InputError(f"solve: on_answer is {on_answer!r}: give a function of one answer, or leave it out")
