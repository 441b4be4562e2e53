"""
Neighbourhoods: a few dozen nodes of a large problem, and what stands on them, solved by CP-SAT.

A round draws several on different nodes, where the objective hurts; they are jobs, and what each comes to is applied
where every rule allows it and nothing gets worse. Which kinds are drawn, and how large, follows from what paid so far.
What a round does depends on the problem, the seed and the steps, not on who works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.costs import ELSEWHERE
from placer.encode.cells import cell_values
from placer.encode.problem import I32, I64
from placer.engine import Run, bound_lines, new_repair
from placer.jobs import Runner
from placer.kernels import costs as kinds
from placer.packing.goals import Level, beats, writable
from placer.packing.model import Search
from placer.packing.neighbourhood import (
    Pod,
    Rules,
    eligible,
    movable,
    part_of,
    rules_of,
    solve_part,
)
from placer.placement import Base, Lines, check_lines, lines_of, resumed
from placer.rounds import Budget, Incumbent, Placement, round_of

AT_ONCE = 4
"""Neighbourhoods of a round, whoever works."""
SIZES = (8, 16, 32)
"""Nodes of a neighbourhood."""
MOST_PODS = 320
MOST_WAITING = 48
"""Pods without a node that a neighbourhood may place."""
MOST_PAIRS = 9_000
"""Pods × nodes, with their units, of a neighbourhood; nodes are left out until it has no more."""
WORK = 1.5
"""What CP-SAT is given for a level of a neighbourhood, in deterministic time, about seconds."""
CLOSE = 1e-3
"""How close to its bound, relatively, a tier that is no count is finished."""
PATIENCE = 40
"""Neighbourhoods in a row without a gain after which nothing more is expected."""


class Payload(NamedTuple):
    """
    One neighbourhood.

    Attributes
    ----------
    nodes
        Internal nodes.
    waiting
        Slots of pods without a node that may be placed there.
    levels
        What is minimised, in order.
    """

    nodes: I32
    waiting: I32
    levels: tuple[Level, ...]
    seed: int


class Found(NamedTuple):
    """
    What a neighbourhood came to.

    Attributes
    ----------
    changed
        Pods that change, with their new nodes and units.
    finished
        Whether nothing better is possible on its nodes, or nearly so.
    """

    changed: Lines
    finished: bool


def solve_nodes(base: Base, common: Placement, payload: Payload, stop: Callable[[], bool]) -> Found:
    """The job: the best placement on some nodes of what stands there and may move, and of some pods without a node."""
    run = resumed(base, common.state, common.lines)
    problem, rules = base.encoded.problem, rules_of(base.encoded.problem)
    pods = _taken_off(run, rules, payload)
    used = np.isin(payload.nodes, [pod.node for pod in pods]) | (run.state.pods[payload.nodes] > 0)
    nodes = payload.nodes[np.argsort(~used, kind="stable")]
    part = part_of(problem, rules, run.state, nodes, pods)
    search = Search(WORK, 1, payload.seed, CLOSE, stop, quick=True)
    free = problem.classes.free_to_move
    outcome = solve_part(problem, part, payload.levels, search, lambda pod_class: not free[pod_class])
    return Found(_as_lines(outcome.pods), outcome.finished)


def _taken_off(run: Run, rules: Rules, payload: Payload) -> list[Pod]:
    """The pods of a neighbourhood, taken off their nodes."""
    from placer.kernels.repair import link_lines, take_off
    from placer.kernels.structs import pack

    repair, log = new_repair(run), run.log
    classes, problem = repair.class_of_slot, run.encoded.problem
    lines = bound_lines(log)
    mine = lines[np.isin(log.node[lines], payload.nodes)]
    may = {each: movable(problem, rules, each) for each in np.unique(classes[log.slot[mine]]).tolist()}
    mine = mine[[may[each] for each in classes[log.slot[mine]].tolist()]] if len(mine) else mine
    found = []
    packed = pack(problem), pack(run.state), pack(log), pack(repair)
    link_lines(packed[2], packed[3])
    for line in mine.tolist():
        span = slice(log.unit_start[line], log.unit_start[line + 1])
        units = tuple(zip(log.unit[span].tolist(), log.unit_need[span].tolist(), strict=True))
        slot = int(log.slot[line])
        found.append(Pod(slot, int(classes[slot]), int(log.node[line]), units))
        take_off(*packed, line)
    return found + [Pod(slot, int(classes[slot]), -1) for slot in payload.waiting.tolist()]


def _as_lines(pods: Sequence[Pod]) -> Lines:
    counts = [len(pod.units) for pod in pods]
    return Lines(
        np.array([pod.slot for pod in pods], np.int32),
        np.array([pod.node for pod in pods], np.int32),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array([unit for pod in pods for unit, _ in pod.units], np.int32),
        np.array([need for pod in pods for _, need in pod.units], np.int32),
    )


def check_found(found: Any, pods: int, nodes: int) -> None:
    """Whether a result is one of :func:`solve_nodes`; ``ValueError`` says what is wrong."""
    if type(found) is not Found or not isinstance(found.finished, bool):
        raise ValueError(f"the answer is {str(found)[:80]!r}, nothing that a neighbourhood comes to")
    check_lines(found.changed, pods, nodes)


def apply(incumbent: Incumbent, changed: Lines) -> bool:
    """
    Changes the nodes of pods where every rule allows it and nothing gets worse; whether it was done.

    Pods on whom no other pod counts are bound anew at the end; where there are others, each keeps its place in the
    order, and all bindings are gone through again: O(pods).
    """
    classes = incumbent.repair.class_of_slot[changed.slot]
    if incumbent.run.encoded.problem.classes.free_to_move[classes].all():
        return incumbent.apply(changed)
    return incumbent.become(merged(lines_of(incumbent.run.log), changed))


def merged(old: Lines, changed: Lines) -> Lines:
    """Bindings of which some are others, each in the place of the one before; pods without one come last."""
    rank = np.full(int(max(old.slot.max(initial=-1), changed.slot.max(initial=-1))) + 1, np.iinfo(np.int64).max)
    rank[old.slot] = np.arange(len(old.slot))
    stays, placed = ~np.isin(old.slot, changed.slot), changed.node >= 0
    slot = np.concatenate([old.slot[stays], changed.slot[placed]])
    order = np.argsort(rank[slot], kind="stable")
    starts = np.concatenate([old.unit_start[:-1][stays], changed.unit_start[:-1][placed] + len(old.unit)])[order]
    count = np.concatenate([np.diff(old.unit_start)[stays], np.diff(changed.unit_start)[placed]])[order]
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    units = np.arange(start[-1]) + np.repeat(starts - start[:-1], count)
    return Lines(
        slot[order],
        np.concatenate([old.node[stays], changed.node[placed]])[order],
        start,
        np.concatenate([old.unit, changed.unit])[units],
        np.concatenate([old.need, changed.need])[units],
    )


@dataclass
class Arm:
    """A kind of neighbourhood in one size, and what came of it."""

    kind: str
    size: int
    sent: int = 0
    finished: int = 0
    improved: int = 0
    wasted: int = 0

    def worth(self) -> float:
        """How often it paid, as far as known; one that is rarely finished is worth little."""
        return (self.improved + 1.0) / (self.sent + 2.0) * (self.finished + 1.0) / (self.sent + 1.0)


@dataclass
class Drawing:
    """
    Draws neighbourhoods.

    Attributes
    ----------
    pods_on
        (nodes,) pods that were placed there.
    load
        (nodes,) mean share in use of the load resources.
    """

    incumbent: Incumbent
    random: np.random.Generator
    arms: list[Arm] = field(default_factory=list)

    def look(self) -> None:
        """Reads the placement as it is now."""
        run = self.incumbent.run
        nodes, rows = run.encoded.problem.nodes, run.goals.load
        shares = (nodes.capacity[rows] - run.state.free[rows]) * nodes.scale[rows]
        has = np.maximum((nodes.scale[rows] > 0).sum(axis=0), 1)
        self.load: NDArray[np.float64] = np.asarray(shares.sum(axis=0) / has, np.float64)
        self.used = run.state.pods > 0
        self.node_of_line = run.log.node[bound_lines(run.log)]
        self.pods_on: I64 = np.bincount(self.node_of_line, minlength=len(self.used)).astype(np.int64)
        self.waiting: I64 = np.flatnonzero(run.log.line_of_slot < 0)
        self.free = self.used | self._cheap()
        if not self.arms:
            self.arms = [Arm(kind, size) for kind in self.kinds() for size in SIZES]

    def _cheap(self) -> NDArray[np.bool_]:
        """Nodes that are not in use and cost no more than the dearest one that is."""
        price = self.incumbent.run.encoded.problem.nodes.price
        cheap: NDArray[np.bool_] = ~self.used & (price <= price[self.used].max(initial=0))
        return cheap

    def kinds(self) -> list[str]:
        """The kinds that the objective has a use for."""
        costs = self.incumbent.run.encoded.problem.costs
        terms = [term for level in self.incumbent.asked for term in level.terms]
        found = ["any"]
        if any(level.prices for level in self.incumbent.asked) or kinds.ANY in costs.kind[terms]:
            found.append("dear")
        if len(self.waiting):
            found.append("waiting")
        if any(kind != kinds.ANY for kind in costs.kind[terms].tolist()):
            found.append("uneven")
        if self._by_domain():
            found.append("domains")
        return found

    def _by_domain(self) -> list[int]:
        """Terms over domains of several nodes."""
        costs = self.incumbent.run.encoded.problem.costs
        terms = [term for level in self.incumbent.asked for term in level.terms]
        return [term for term in terms if costs.first[term] < costs.first[term + 1] and self._key(term) > 0]

    def _key(self, term: int) -> int:
        costs = self.incumbent.run.encoded.problem.costs
        return int(costs.key[costs.of[costs.first[term]]])

    def draw(self) -> tuple[Arm, Payload] | None:
        """One neighbourhood on nodes that none of the round has yet; ``None`` where there is none."""
        worth = np.array([arm.worth() for arm in self.arms])
        arm = self.arms[int(self.random.choice(len(self.arms), p=worth / worth.sum()))]
        weight = getattr(self, f"_{arm.kind}")() * self.free
        weight[~np.isfinite(weight)] = 0.0
        able = np.flatnonzero(weight > 0)
        if len(able) < 2:
            return None
        size = min(arm.size, len(able))
        nodes = self.random.choice(able, size, replace=False, p=weight[able] / weight[able].sum())
        nodes = self._bounded(nodes)
        self.free[nodes] = False
        waiting = self._waiting_for(nodes)
        seed = int(self.random.integers(0, 2**31))
        return arm, Payload(np.sort(nodes).astype(np.int32), waiting, self.levels(), seed)

    def levels(self) -> tuple[Level, ...]:
        """What a model of a part can write: up to the first tier with wishes, fragmentation or the like."""
        costs = self.incumbent.run.encoded.problem.costs

        def written(level: Level) -> bool:
            return all(
                costs.kind[term] not in ELSEWHERE and writable(int(costs.kind[term]), float(costs.factor[term]))
                for term in level.terms
            )

        return tuple(takewhile(written, self.incumbent.asked))

    def _bounded(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """As many of the nodes as a model can be written for in a moment."""
        pods = np.cumsum(self.pods_on[nodes])
        places = np.cumsum(1 + np.diff(self.incumbent.run.encoded.problem.units.start)[nodes])
        within = (pods <= MOST_PODS) & (pods * places <= MOST_PAIRS)
        return nodes[: max(2, int(within.sum()))]

    def _any(self) -> NDArray[np.float64]:
        """Nodes in use, all alike."""
        return self.used.astype(np.float64)

    def _dear(self) -> NDArray[np.float64]:
        """Nodes in use of least load per price; a few of the others, and a few that are free and cheap."""
        price = np.maximum(self.incumbent.run.encoded.problem.nodes.price, 1)
        worth = np.where(self.used, self.load / price, np.inf)
        rank = np.argsort(np.argsort(worth, kind="stable"), kind="stable")
        many = max(1, int(self.used.sum()))
        likely = 1.0 / (4.0 + rank) + 1.0 / many
        return np.where(self.used, likely, 0.2 / many)

    def _uneven(self) -> NDArray[np.float64]:
        """Nodes whose load is far from the mean."""
        mean = float(self.load[self.used].mean()) if self.used.any() else 0.0
        return np.abs(self.load - mean) + 1e-3

    def _waiting(self) -> NDArray[np.float64]:
        """Nodes on which least is short for one of the pods without a node."""
        problem, state = self.incumbent.run.encoded.problem, self.incumbent.run.state
        if not len(self.waiting):
            return self._any()
        classes = self.incumbent.repair.class_of_slot[self.waiting]
        pod_class = int(self.random.choice(classes))
        asked = problem.classes.need[pod_class] > 0
        need = problem.classes.need[pod_class][asked][:, None]
        short = np.maximum(need - state.free[asked], 0) / need
        fits = (problem.nodes.capacity[asked] >= need).all(axis=0)
        able = fits & eligible(problem, pod_class, np.arange(len(self.used)))
        return np.where(able, 1.0 / (0.05 + short.sum(axis=0)) ** 2, 0.0)

    def _domains(self) -> NDArray[np.float64]:
        """Nodes of the domains that one of the terms is worst in, and of those that it is best in."""
        costs = self.incumbent.run.encoded.problem.costs
        term = int(self.random.choice(self._by_domain()))
        value, weight = cell_values(costs, self.incumbent.run.state, term)
        level = np.append((value * weight).max(axis=0), 0.0)
        domain = costs.domain[self._key(term)]
        ends = (level == level[:-1].max(initial=0.0)) | (level == level[:-1].min(initial=np.inf))
        return np.where(domain >= 0, np.where(ends[domain], 1.0, 0.1), 0.0)

    def _waiting_for(self, nodes: NDArray[np.int64]) -> I32:
        """Pods without a node that may stand on some of these, most important first; none twice in a round."""
        problem = self.incumbent.run.encoded.problem
        found: list[int] = []
        able: dict[int, bool] = {}
        if not len(self.waiting):
            return np.zeros(0, np.int32)
        order = self.random.permutation(self.waiting)
        classes = self.incumbent.repair.class_of_slot[order]
        order = order[np.argsort(-problem.classes.priority[classes], kind="stable")]
        for slot in order[: 16 * MOST_WAITING].tolist():
            pod_class = int(self.incumbent.repair.class_of_slot[slot])
            if pod_class not in able:
                able[pod_class] = self._arrives(pod_class) and bool(eligible(problem, pod_class, nodes).any())
            if able[pod_class] and len(found) < MOST_WAITING:
                found.append(slot)
        self.waiting = np.setdiff1d(self.waiting, found)
        return np.array(found, np.int32)

    def _arrives(self, pod_class: int) -> bool:
        """Whether a pod of a class may come after all others wherever its rules of at most so many hold."""
        terms, classes, claims = (
            getattr(self.incumbent.run.encoded.problem, n) for n in ("terms", "classes", "claims")
        )
        own = terms.kind[classes.term_start[pod_class] : classes.term_start[pod_class + 1]]
        return not np.isin(own, (2, 3, 4)).any() and claims.start[pod_class] == claims.start[pod_class + 1]


def neighbourhoods(
    incumbent: Incumbent,
    runner: Runner,
    budget: Budget,
    drawing: Drawing,
    better: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """
    Improves a placement neighbourhood by neighbourhood, until nothing more is expected or a limit ends it.

    Parameters
    ----------
    runner
        Who works, with the incumbent's base; its ``stop`` ends the search.
    budget
        A step is a neighbourhood.
    drawing
        Draws them, of the same incumbent, and knows what paid so far.
    better
        Called after each change that lowers the objective.
    progress
        Called with neighbourhoods sent and 0.

    Returns
    -------
    ``sent``, ``finished``, ``improved`` and ``wasted``; by kind and size the same in ``arms``; as ``done`` whether
    nothing more is expected, and as ``steps_left`` how many steps are, ``None`` where they are not limited.
    """
    left, dry = budget.steps, 0
    while dry < PATIENCE and (left is None or left > 0) and not runner.stop():
        drawing.look()
        many = AT_ONCE if left is None else min(AT_ONCE, left)
        drawn = [each for each in (drawing.draw() for _ in range(many)) if each is not None]
        seconds = budget.seconds(-(-len(drawn) // max(1, runner.width))) if drawn else None
        if not drawn or (seconds is not None and seconds <= 0):
            break
        gained = _round(incumbent, runner, drawn, seconds, better)
        dry = 0 if gained else dry + len(drawn)
        left = None if left is None else left - len(drawn)
        if progress:
            progress(sum(arm.sent for arm in drawing.arms), 0)
    return {**stated(drawing.arms), "done": dry >= PATIENCE, "steps_left": left}


def stated(arms: Sequence[Arm]) -> dict[str, Any]:
    """What neighbourhoods came to, for the statistics."""
    names = ("sent", "finished", "improved", "wasted")
    found: dict[str, Any] = {name: sum(getattr(arm, name) for arm in arms) for name in names}
    found["arms"] = {f"{arm.kind} {arm.size}": {name: getattr(arm, name) for name in names} for arm in arms if arm.sent}
    return found


def _round(
    incumbent: Incumbent,
    runner: Runner,
    drawn: Sequence[tuple[Arm, Payload]],
    seconds: float | None,
    better: Callable[[], None],
) -> bool:
    """One round; whether anything got better."""
    gained, payloads = False, [payload for _, payload in drawn]
    for arm, _ in drawn:
        arm.sent += 1
    for index, found in round_of(incumbent, runner, (solve_nodes, check_found), payloads, seconds):
        arm, before = drawn[index][0], incumbent.value
        arm.finished += found.finished
        if len(found.changed.slot) and apply(incumbent, found.changed) and beats(incumbent.value, before):
            arm.improved += 1
            runner.counts.improved += 1
            gained = True
            better()
        elif len(found.changed.slot):
            arm.wasted += 1
            runner.counts.wasted += 1
    return gained
