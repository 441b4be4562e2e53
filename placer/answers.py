"""Answers on the way: told as they get better, with what is proven of them, and whether one is close enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from placer.engine import Run, pods_to_place
from placer.goals import Tier
from placer.objective import from_arrays
from placer.packing.goals import PRICE_UNIT, TOLERANCE
from placer.packing.large import counting
from placer.placement import Base, fresh_run, lines_of, restore
from placer.prove import bounds_by_tier, first_gap, least_of_tiers, levels, open_price, values
from placer.solution import Solution, compared, priorities_of


@dataclass(frozen=True, eq=False)
class Answer:
    """
    What ``on_answer`` is called with: the best answer so far.

    Attributes
    ----------
    objective, bound, gap
        As of a :class:`placer.Solution`; bound and gap are ``None`` where no bounds were asked for.
    seconds
        Since ``solve`` was called.
    make
        Makes the solution.
    """

    objective: Mapping[str, float]
    bound: Mapping[str, float] | None
    gap: float | None
    seconds: float
    make: Callable[[], Solution]

    @cached_property
    def solution(self) -> Solution:
        """The answer itself, made when it is first asked for, then or later; as dear as any answer is to write out."""
        return self.make()


class Proving(Protocol):
    """How bounds are asked for."""

    @property
    def gap(self) -> float | None:
        """How close to the bound is close enough; ``None`` where only the best answer is."""


class Asked(Protocol):
    """What is asked for."""

    @property
    def proving(self) -> Proving | None:
        """``None`` where no bounds are asked for."""

    @property
    def on_answer(self) -> Callable[[Answer], None] | None:
        """Who is told."""


class Answers:
    """
    Watches a run as it gets better.

    Parameters
    ----------
    base
        Makes what answers are written out from, when the first is told.
    solution
        Writes out a run.
    blocked
        Pods that are decided and can never be placed.
    asked
        ``on_answer``, called with each answer in the thread of ``solve``: what it raises ends the run; and ``proving``,
        whether bounds are asked for and which ``gap`` is close enough.
    begun
        When ``solve`` was called, on the monotonic clock.

    Attributes
    ----------
    close
        Whether the last answer was as close to its bound as ``gap`` asks for.
    proven
        Whether it reached its bound.
    priced
        What the nodes are known to cost at least, millionths, where all pods are placed.
    """

    def __init__(
        self,
        tiers: Sequence[Tier],
        base: Callable[[], Base],
        solution: Callable[[Run], Solution],
        blocked: int,
        asked: Asked,
        begun: float,
    ) -> None:
        self.tiers, self.base, self.solution, self.blocked, self.begun = tiers, base, solution, blocked, begun
        self.bounds, self.on_answer = asked.proving is not None, asked.on_answer
        self.gap = asked.proving.gap if asked.proving is not None else None
        self.close = self.proven = False
        self.priced = 0
        self._last: tuple[float, ...] = ()
        self._least: tuple[tuple[float, ...], list[float]] = ((-1.0,), [])

    def better(self, run: Run, bound: Mapping[str, float] | None = None) -> None:
        """
        Takes in a run that may have got better, and tells of it where it has.

        Parameters
        ----------
        bound
            What is proven, where that is more than counting proves.
        """
        if self.on_answer is None and not self.bounds:
            return
        objective = self._objective(run)
        if bound is None and self.bounds:
            bound = self._counted(run)
        gap = None if bound is None else first_gap(objective, bound)
        self.proven = gap == 0.0
        self.close = gap is not None and self.gap is not None and gap <= self.gap
        seen = *objective.values(), *(bound or {}).values()
        if self.on_answer is not None and seen != self._last:
            self._last = seen
            seconds = time.monotonic() - self.begun
            self.on_answer(Answer(objective, bound, gap, seconds, self._maker(run, bound, gap)))

    def _counted(self, run: Run) -> Mapping[str, float]:
        """Bounds by counting; counted anew only where other pods are left out than before."""
        asked = levels(run, self.tiers)
        known = values(run, asked)
        left = tuple(value for level, value in zip(asked, known, strict=True) if level.priority is not None)
        if left != self._least[0]:
            pending = pods_to_place(run.plan)
            self._least = left, counting(run.encoded.problem, self.base().state, pending, asked, known)
        least = list(self._least[1])
        price = open_price(asked, known, least)
        if price is not None:
            least[price] = max(least[price], asked[price].prices * (self.priced / PRICE_UNIT))
        return bounds_by_tier(least_of_tiers(run, self.tiers), asked, known, least, self.blocked)

    def _objective(self, run: Run) -> Mapping[str, float]:
        """Of a run, from its arrays where those tell; else from the answer written out."""
        tiers = from_arrays(run, self.tiers)
        if tiers is None:
            return self.solution(run).objective
        return {"unplaced": self.blocked + int((run.log.line_of_slot < 0).sum()), **tiers}

    def _maker(self, run: Run, bound: Mapping[str, float] | None, gap: float | None) -> Callable[[], Solution]:
        """What writes out the run as it is now, whatever becomes of it."""
        lines, base = lines_of(run.log), self.base()

        def make() -> Solution:
            then = fresh_run(base)._replace(encoded=run.encoded, pod_of_slot=run.pod_of_slot)
            restore(then, lines)
            solution = self.solution(then)
            solution.bound, solution.gap = bound, gap
            return solution

        return make


def preferred(one: Solution, other: Solution) -> Solution:
    """The better of two answers to the same input and goals; the first where they are equal."""
    priorities = priorities_of(one, other)
    for first, second in zip(compared(one, priorities), compared(other, priorities), strict=True):
        if abs(first - second) > TOLERANCE * max(1.0, abs(first)):
            return one if first < second else other
    return one
