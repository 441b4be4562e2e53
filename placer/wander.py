"""
The general search in rounds of jobs: searches from several seeds begin at one placement, and the best of them is kept.

How many there are and what each may spend follows from the seed and the steps alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from placer.engine import Run
from placer.goals import Tier
from placer.jobs import Runner
from placer.model.cluster import Cluster
from placer.packing.goals import Level
from placer.placement import Base, Lines, check_lines, lines_of, resumed
from placer.prove import Measure, unplaced_levels, values
from placer.rounds import SEEDS, Budget, Incumbent, Placement, Spent, check_effort, searched, use, use_best

STEPS = 64
"""Steps of the first round's searches, where steps are limited; each round takes twice as many."""


class Payload(NamedTuple):
    """
    One search.

    Attributes
    ----------
    lead
        The tier in which moves for the worse are tried; those before never get worse.
    steps
        At most; ``None`` where they are not limited.
    """

    lead: int
    seed: int
    steps: int | None
    asked: tuple[Level, ...]


class Found(NamedTuple):
    """
    What a search came to.

    Attributes
    ----------
    lines
        All bindings, in order.
    value
        The objective, level by level, as far as arrays tell.
    """

    lines: Lines
    value: tuple[float, ...]
    steps: int
    tried: int
    kept: int


def search_terms(base: Base, common: Placement, payload: Payload, stop: Callable[[], bool]) -> Found:
    """The job: moves pods of a placement so that the terms of the goals cost less."""
    from placer.search import search

    run = resumed(base, common.state, common.lines)
    known = search(run, stop, None, payload.steps, payload.seed, payload.lead)
    value = tuple(values(run, payload.asked))
    return Found(lines_of(run.log), value, known["steps"], known["moves_tried"], known["moves_kept"])


def check_found(found: Any, pods: int, nodes: int) -> None:
    """Whether a result is one of :func:`search_terms`; ``ValueError`` says what is wrong."""
    if type(found) is not Found:
        raise ValueError(f"the answer is {str(found)[:80]!r}, nothing that a search has found")
    check_lines(found.lines, pods, nodes)
    if len(found.lines.node) and found.lines.node.min() < 0:
        raise ValueError("the answer takes pods off their nodes")
    check_effort(found)


def all_levels(run: Run, tiers: Sequence[Tier]) -> list[Level]:
    """Unplaced pods by priority, most important first; then every tier by its terms."""
    tier_of = run.encoded.problem.costs.tier
    tiered = [Level(None, tuple(np.flatnonzero(tier_of == rank).tolist())) for rank in range(len(tiers))]
    return unplaced_levels(run) + tiered


def measured(cluster: Cluster, run: Run, tiers: Sequence[Tier]) -> Measure:
    """What runs of a problem come to, tier by tier."""
    return Measure(cluster, all_levels(run, tiers))


def wander(
    incumbent: Incumbent,
    runner: Runner,
    budget: Budget,
    seed: int,
    lead: int = 0,
    better: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """
    Improves a placement until a limit ends it.

    Parameters
    ----------
    runner
        Who works, with the incumbent's base; its ``stop`` ends the search.
    lead
        The tier that is to get better.
    better
        Called after each change that lowers the objective.

    Returns
    -------
    ``steps`` made, of 4,096 moves each, ``moves_tried``, ``moves_kept`` and ``moves_per_s``.
    """
    spent, number = Spent(budget), 0
    asked = tuple(incumbent.asked)
    while spent.left != 0 and not runner.stop():
        seconds = budget.seconds(-(-SEEDS // runner.width), number)
        if seconds is not None and seconds <= 0:
            break
        share = None if spent.left is None else max(1, min(spent.left // SEEDS, STEPS << min(number, 20)))
        seeds = np.random.default_rng([seed % 2**64, number]).integers(0, 2**63, SEEDS).tolist()
        many = seeds if spent.left is None or spent.left >= SEEDS else seeds[: spent.left]
        before, payloads = spent.steps, [Payload(lead, each, share, asked) for each in many]
        results = list(searched(incumbent, runner, (search_terms, check_found), payloads, seconds, spent))
        use_best(
            runner,
            results,
            lambda found: use(incumbent, runner, lambda: incumbent.become(found.lines), better),
        )
        number += 1
        if spent.steps == before:
            # There is nothing to move, or nobody had the time to.
            break
        if progress:
            progress(number, 0)
    return spent.stated()
