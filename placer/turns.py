"""
Improving by turns: nodes are emptied, pods wander, neighbourhoods are solved by CP-SAT, each while it may pay.

Emptying nodes is for ``pack`` alone, and goes on until nothing helps. What is left goes to the others in turns that get
longer. All of them send jobs to one runner.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from placer.engine import Run
from placer.goals import Tier
from placer.improve import empties
from placer.jobs import Runner
from placer.model.cluster import Cluster
from placer.neighbourhoods import Drawing, neighbourhoods, stated
from placer.placement import Base
from placer.rounds import Budget, Incumbent, search
from placer.wander import measured, wander

FIRST, LONGEST = 2.0, 30.0
"""Seconds of the first turn and of the longest; each takes twice as long as the one before."""
STEPS = 64
"""Steps of the first turn, where steps are limited."""
WORTH = 1024
"""Steps that a neighbourhood counts for: it takes about a second, as so many others do."""


class Turns:
    """
    A run that is being improved.

    Parameters
    ----------
    runner
        Who works; its ``stop`` ends all.
    better, progress
        Called after each change that lowers the objective, and on the way.
    """

    def __init__(
        self,
        cluster: Cluster,
        run: Run,
        base: Base,
        tiers: Sequence[Tier],
        runner: Runner,
        seed: int,
        better: Callable[[], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self.cluster, self.run, self.base, self.tiers = cluster, run, base, tiers
        self.runner, self.seed, self.told = runner, seed, (better, progress)
        self.known: dict[str, Any] = {}

    def improve(self, budget: Budget) -> tuple[bool, bool]:
        """
        Spends a budget.

        Returns
        -------
        Whether nothing more helps, and whether steps are left. What was done is in ``known``.
        """
        lead, done, left = 0, False, budget.steps
        if empties(self.tiers):
            incumbent = Incumbent(self.run, self.base, self.tiers[:1])
            found = search(incumbent, self.runner, budget, self.seed, *self.told)
            done, more = found.pop("done"), found.pop("steps_left")
            self.known["improve"], lead = found, 1
            left = None if left is None else left - found["steps"]
            if not done or not more or self.runner.stop():
                return done, more
        return self.by_turns(lead, Budget(left, budget.deadline))

    def by_turns(self, lead: int, budget: Budget) -> tuple[bool, bool]:
        """Pods wander, and neighbourhoods are solved, in turns; as :meth:`improve`."""
        incumbent = Incumbent(self.run, self.base, self.tiers, measured(self.cluster, self.run, self.tiers))
        drawing = Drawing(incumbent, np.random.default_rng([self.seed % 2**64, 0x5EED]))
        wanders, left, turn = lead < len(self.tiers), budget.steps, 0
        while left != 0 and not self.runner.stop():
            before, part = incumbent.value, self.part(turn, left, budget)
            if part is None:
                break
            steps, dry = 0, True
            if wanders:
                walked = wander(incumbent, self.runner, part(1), self.seed + turn, lead, *self.told)
                self.add("search", walked)
                steps += walked["steps"]
                wanders = walked["steps"] > 0
            if left is None or left >= WORTH:
                sent = sum(arm.sent for arm in drawing.arms)
                dry = neighbourhoods(incumbent, self.runner, part(WORTH), drawing, *self.told)["done"]
                steps += WORTH * (sum(arm.sent for arm in drawing.arms) - sent)
                self.known["neighbourhoods"] = stated(drawing.arms)
            left = None if left is None else max(0, left - max(steps, 1))
            turn += 1
            if dry and not wanders and incumbent.value == before:
                return True, left != 0
        return False, left != 0

    def part(self, turn: int, left: int | None, budget: Budget) -> Callable[[int], Budget] | None:
        """What one of the two may spend in a turn; ``None`` where no time is left."""
        now = time.monotonic()
        if budget.deadline is not None and now >= budget.deadline:
            return None
        steps = None if left is None else max(WORTH, min(left // 2, STEPS << min(turn, 20)))
        seconds = min(LONGEST, FIRST * 2.0 ** min(turn, 20))

        def share(worth: int) -> Budget:
            """What one of the two may spend, where a step of its own is worth so many."""
            end = None if budget.deadline is None else min(budget.deadline, time.monotonic() + seconds)
            return Budget(None if steps is None or left is None else min(steps, left) // worth, end)

        return share

    def add(self, name: str, found: dict[str, Any]) -> None:
        """Adds up what turns did."""
        known = self.known.setdefault(name, dict.fromkeys(found, 0))
        rates = [(each["moves_tried"], each["moves_per_s"]) for each in (known, found)]
        speed = sum(tried * rate for tried, rate in rates) / max(1, sum(tried for tried, _ in rates))
        for each in ("steps", "moves_tried", "moves_kept"):
            known[each] += found[each]
        known["moves_per_s"] = round(speed)
