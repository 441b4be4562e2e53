"""The general search: what is left of a limit lowers any goal, tier by tier."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.costs import ELSEWHERE
from placer.encode.cells import cell_values
from placer.encode.combine import combine, ragged
from placer.encode.problem import Problem, Walk
from placer.encode.state import most_slots
from placer.encode.terms import AFFINITY, AT_MOST_BY_DOMAIN, SOFT_COUNT
from placer.engine import Run, bound_lines, class_of_slot, new_repair, place
from placer.kernels import costs as kinds
from placer.kernels.steps import KEPT, STEPS, TRIED, WINDOW
from placer.kernels.weigh import BEST

CHUNK = 4096
"""Moves tried between two looks at the clock: some thousandths of a second, a step of the search."""
NOTED = 2**15
"""Steps noted since the best, after which the search returns to it."""
MOST_HELD = 512
"""Pods of a node that is to be emptied, at most."""
SWEEP = 24
"""Moves tried per pod, in one go without any change for the better, after which the search looks at windows."""
WINDOWS = (4, 8, 16, 32, 64)
"""Nodes of a window."""
HEATS = (1.0, 0.3, 0.1, 0.03)
"""How much worse a move may be at the beginning of a window, as a share of what moves for the worse cost on average."""
COLD = 0.01
"""Of it, at the end."""
TRIES = (16, 64, 256)
"""Moves tried in a window per pod that stands there."""
GRAIN = 1e-12
RETRIES = 64
"""Windows between two attempts to place what is left out."""


class Packed(NamedTuple):
    """What the kernels take."""

    problem: Any
    goals: Any
    state: Any
    work: Any
    log: Any
    repair: Any
    walk: Any


def search(
    run: Run,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] | None = None,
    steps: int | None = None,
    seed: int = 0,
    lead: int = 0,
    nodes: NDArray[np.int32] | None = None,
) -> dict[str, Any]:
    """
    Lowers the terms of a run's costs, tier by tier, until a limit ends it; the run is left at its best.

    Every hard rule holds on, pods that are placed stay placed, and pods that are left out are tried again now and then.
    Moves for the better are made until they get rare; then windows of some nodes are heated and cooled, and kept where
    they come out better. Memory is linear in pods and nodes.

    Parameters
    ----------
    steps
        Times ``CHUNK`` moves to try, at most; without, only ``stop`` ends the search.
    seed
        Of all that is drawn: same run, seed and steps, same answer.
    lead
        The tier in which a move for the worse may be tried; those before never get worse. Later ones follow.
    nodes
        (nodes,) internal nodes among which pods move; all by default.

    Returns
    -------
    ``steps`` made, ``moves_tried``, ``moves_kept``, ``moves_per_s`` and ``restarts``, which are windows begun.
    """
    clock = time.perf_counter()
    found = _Search(run, seed, lead, stop, nodes)
    left = steps if steps is not None else 2**62
    while found.steps < left and not stop() and found.able():
        found.step()
        if progress:
            progress(found.steps, left if steps is not None else found.steps)
    found.finish()
    seconds = max(time.perf_counter() - clock, 1e-9)
    return {
        "steps": found.steps,
        "moves_tried": found.tried,
        "moves_kept": found.kept,
        "moves_per_s": round(found.tried / seconds),
        "restarts": found.windows,
    }


class _Search:
    """A search under way: first all nodes without heat, then windows."""

    def __init__(
        self, run: Run, seed: int, lead: int, stop: Callable[[], bool], nodes: NDArray[np.int32] | None
    ) -> None:
        self.run, self.lead, self.stop = run, lead, stop
        self.nodes = np.arange(len(run.state.pods)) if nodes is None else nodes
        self.rng = np.random.default_rng(seed % 2**64)
        self.steps = self.tried = self.kept = self.windows = 0
        self.everywhere, self.fruitless, self.left, self.size = True, 0, 0, 1
        self.hot = 0.0
        self._begin()

    def _begin(self) -> None:
        """Walk and lists as the run stands."""
        from placer.kernels.repair import link_lines
        from placer.kernels.structs import pack

        run, repair = self.run, new_repair(self.run)
        self.walk = new_walk(run, int(self.rng.integers(1, 2**62)), self.lead, self.nodes)
        self._look_at(self.nodes if len(self.nodes) < len(run.state.pods) else self.nodes[:0])
        parts = (run.encoded.problem, run.goals, run.state, run.work, run.log, repair, self.walk)
        self.packed = Packed(*(pack(part) for part in parts))
        link_lines(self.packed.log, self.packed.repair)

    def able(self) -> bool:
        """Whether there is anything to move."""
        return len(self.walk.line) > 0 and len(self.nodes) > 1 and len(self.run.encoded.problem.costs.kind) > 0

    def step(self) -> None:
        """CHUNK moves, and what follows from how they went."""
        self.steps += 1
        tries = CHUNK
        while tries > 0:
            tries -= self._everywhere(tries) if self.everywhere else self._in_window(tries)

    def _in_window(self, tries: int) -> int:
        """Goes on with a window, or begins one; how many moves were tried."""
        if self.left <= 0:
            self._end_window()
            self._begin_window()
        now = min(tries, self.left)
        hot, cold = (self.hot * COLD ** (1.0 - left / self.size) for left in (self.left, self.left - now))
        self._wander(now, hot, cold)
        self.left -= now
        return now

    def _wander(self, tries: int, hot: float, cold: float) -> None:
        from placer.kernels.search import wander

        wander(*self.packed, tries, hot, cold)

    def _everywhere(self, tries: int) -> int:
        """Moves for the better among all nodes, until a sweep over all pods finds none; how many were tried."""
        enough = SWEEP * len(self.walk.line)
        now = min(tries, enough)
        before = self.walk.value[BEST].copy()
        self._wander(now, 0.0, 0.0)
        better = (before - self.walk.value[BEST] > self.walk.grain).any()
        self.fruitless = 0 if better else self.fruitless + now
        if self.fruitless >= enough:
            self.everywhere = False
            self._retry()
        return now

    def _begin_window(self) -> None:
        """Draws nodes, heat and length of the next window."""
        run, walk, rng, nodes = self.run, self.walk, self.rng, self.nodes
        size = min(int(rng.choice(WINDOWS)), len(nodes))
        used = run.log.node[walk.line[rng.integers(0, len(walk.line), size - size // 4)]]
        chosen = np.unique(np.concatenate([used, rng.choice(nodes, size // 4)]))
        if len(nodes) <= WINDOWS[0] or (len(nodes) <= WINDOWS[-1] and rng.random() < 0.25):
            chosen = nodes
        self._look_at(chosen)
        self.hot = float(rng.choice(HEATS))
        pods = int(run.state.pods[chosen].sum())
        self.left = self.size = max(64, int(rng.choice(TRIES)) * min(pods, 1024))
        self.windows += 1

    def _look_at(self, nodes: NDArray[Any]) -> None:
        """Moves are looked for among these nodes, or with none among all."""
        self.walk.window[: len(nodes)] = nodes
        self.walk.counts[WINDOW] = len(nodes)

    def _end_window(self) -> None:
        """Back to the best; now and then pods that are left out are tried again."""
        self._to_best()
        if self.windows % RETRIES == RETRIES - 1:
            self._retry()

    def _to_best(self) -> None:
        from placer.kernels.search import return_to_best

        if self.walk.counts[STEPS]:
            return_to_best(*self.packed[:3], *self.packed[4:])

    def _retry(self) -> None:
        """Tries to place what is left out as things stand now."""
        from placer.kernels.improve import compact

        if len(self.nodes) < len(self.run.state.pods) or (self.run.log.line_of_slot >= 0).all():
            return
        self._to_best()
        self._count()
        compact(self.packed.log, self.packed.repair)
        self.run.log.next_slot[:] = self.run.plan.first_slot
        place(self.run, self.stop)
        self._begin()

    def _count(self) -> None:
        self.tried += int(self.walk.counts[TRIED])
        self.kept += int(self.walk.counts[KEPT])

    def finish(self) -> None:
        """Leaves the run at its best."""
        self._to_best()
        self._count()
        self.run.work.scan_key[0] = -1


def new_walk(run: Run, random: int, lead: int = 0, among: NDArray[Any] | None = None) -> Walk:
    """What the search begins with; where the run stands is the best so far."""
    from placer.kernels.costs import add_wholes
    from placer.kernels.structs import pack

    problem, log = run.encoded.problem, run.log
    costs, nodes = problem.costs, len(run.state.pods)
    moves = np.diff(problem.claims.start) == 0
    lines = bound_lines(log)
    lines = lines[moves[class_of_slot(run.plan)[log.slot[lines]]]]
    if among is not None and len(among) < nodes:
        lines = lines[np.isin(log.node[lines], among)]
    tiers = int(costs.tier.max(initial=0)) + 1
    fixed_start, fixed = ragged(counts_to_keep(problem))
    tree_start, tree = trees(run)
    whole = np.zeros((len(costs.kind), 3))
    opening = (costs.kind == kinds.ANY) & (costs.reach == kinds.BY_NODE)
    worth = (costs.factor[opening, None] * costs.weight[opening]).sum(axis=0)
    special = [next(iter(np.flatnonzero(costs.kind == kind).tolist()), -1) for kind in ELSEWHERE]
    add_wholes(pack(problem), pack(run.state), whole, False)
    slots = int(most_slots(problem).max(initial=0))
    return Walk(
        line=lines,
        moves=moves,
        kin=kin(problem),
        fixed_start=fixed_start,
        fixed=fixed,
        whole=whole,
        tree_start=tree_start,
        tree=tree,
        special=np.array(special, np.int32),
        by_state=by_state(problem) | (max(special) >= 0),
        guide=run.goals.squared if worth.any() else run.goals.squared[:0],
        worth=worth,
        value=np.zeros((3, tiers + 1)),
        trial=np.zeros((2, tiers + 1)),
        heat=np.zeros(5),
        grain=grains(problem, tiers),
        lead=np.array([lead, int((costs.kind == kinds.ANY).any())], np.int32),
        window=np.zeros(nodes, np.int32),
        random=np.array([random], np.int64),
        undo=np.zeros((NOTED, 3), np.int64),
        undo_unit=np.zeros(NOTED * slots + 1, np.int32),
        counts=np.zeros(6, np.int64),
        held=np.zeros(MOST_HELD, np.int64),
    )


def grains(problem: Problem, tiers: int) -> NDArray[np.float64]:
    """(tiers + 1,) what rounding can make of a change: GRAIN of the largest that one unit of a term may be worth."""
    costs = problem.costs
    worth = np.abs(costs.factor) * np.maximum(np.abs(costs.weight).max(axis=1, initial=0.0), GRAIN)
    found = np.append(np.full(tiers, GRAIN**2), GRAIN)
    np.maximum.at(found, costs.tier, worth * GRAIN)
    return found


def by_state(problem: Problem) -> NDArray[np.bool_]:
    """(classes,) whether a term that needs sums over all cells changes with their pods."""
    costs = problem.costs
    owner = np.repeat(np.arange(len(costs.term_start) - 1), np.diff(costs.term_start))
    whole = np.isin(costs.kind[costs.term], (kinds.MAX, kinds.VARIANCE, kinds.ROOM))
    return np.bincount(owner, whole, minlength=len(costs.term_start) - 1) > 0


def trees(run: Run) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where each term's tree of maxima begins, and the trees; only terms that take the largest cell have one."""
    costs, state = run.encoded.problem.costs, run.state
    parts, start = [np.zeros(0)], np.zeros(len(costs.kind) + 1, np.int64)
    for term, kind in enumerate(costs.kind.tolist()):
        if kind == kinds.MAX:
            value, weight = cell_values(costs, state, term)
            parts.append(_tree((value * weight).ravel()))
        else:
            parts.append(np.zeros(0))
        start[term + 1] = start[term] + len(parts[-1])
    return start, np.concatenate(parts)


def _tree(leaves: NDArray[np.float64]) -> NDArray[np.float64]:
    """A binary tree of maxima, root at 1, leaves from the middle on."""
    size = 1 << max(len(leaves) - 1, 0).bit_length()
    tree = np.zeros(2 * size)
    tree[size : size + len(leaves)] = leaves
    while size > 1:
        tree[size // 2 : size] = tree[size : 2 * size].reshape(-1, 2).max(axis=1)
        size //= 2
    return tree


def _rules(problem: Problem) -> tuple[list[frozenset[int]], list[frozenset[tuple[int, ...]]]]:
    """Per class the counters that it adds to, and its hard terms as (kind, counter, bound, offset)."""
    classes, terms = problem.classes, problem.terms
    adds = [frozenset(classes.adds[a:b].tolist()) for a, b in pairwise(classes.adds_start.tolist())]
    rows = list(zip(*(part.tolist() for part in (terms.kind, terms.counter, terms.bound, terms.offset)), strict=True))
    owned = [frozenset(r for r in rows[a:b] if r[0] < SOFT_COUNT) for a, b in pairwise(classes.term_start.tolist())]
    return adds, owned


def kin(problem: Problem) -> NDArray[np.int32]:
    """(classes,) equal where pods may change places in the log: only amounts tell them apart; -1 for no such class."""
    classes = problem.classes
    adds, owned = _rules(problem)
    index: dict[Any, int] = {}
    rules = [index.setdefault(each, len(index)) for each in zip(adds, owned, classes.self_affine.tolist(), strict=True)]
    code = combine([np.array(rules, np.int32), classes.eligible], len(rules))[0]
    plain = (np.diff(classes.unit_start) == 0) & (classes.numa == 0) & (np.diff(classes.volume_start) == 0)
    return np.where(plain & (np.diff(problem.claims.start) == 0), code, -1).astype(np.int32)


def counts_to_keep(problem: Problem) -> list[list[int]]:
    """
    Per class, the counters in which its pods must count as before when they move and keep their line of the log.

    Those that a rule looks at which asks for others to be there (affinity, skew, distinct domains), the class's own or
    another's. And those under an upper bound of another class whose pods it may meet: not where its own rules keep it
    out of every domain with such a pod, nor where both have one bound and count under it, as then the final state says
    what any moment before allows.
    """
    adds, owned = _rules(problem)
    asked = {row[1] for rows in owned for row in rows if AFFINITY <= row[0] < SOFT_COUNT}
    bounds = _Bounds(problem, adds, owned)
    known: dict[Any, list[int]] = {}
    for pair in zip(adds, owned, strict=True):
        if pair not in known:
            mine = {row[1] for row in pair[1] if AFFINITY <= row[0] < SOFT_COUNT}
            counted = {counter for counter in pair[0] if counter in asked or bounds.meets(counter, pair[1])}
            known[pair] = sorted(mine | counted)
    return [known[pair] for pair in zip(adds, owned, strict=True)]


class _Bounds:
    """Upper bounds by counter, with the classes that have them, and the classes that each counter counts."""

    def __init__(self, problem: Problem, adds: list[frozenset[int]], owned: list[frozenset[tuple[int, ...]]]) -> None:
        self.key = problem.counters.key
        self.watchers: dict[int, dict[tuple[int, ...], set[int]]] = {}
        self.adders: dict[int, set[int]] = {}
        for pod_class, rows in enumerate(owned):
            for row in rows:
                if row[0] <= AT_MOST_BY_DOMAIN:
                    self.watchers.setdefault(row[1], {}).setdefault(row, set()).add(pod_class)
            for counter in adds[pod_class]:
                self.adders.setdefault(counter, set()).add(pod_class)

    def meets(self, counter: int, mine: frozenset[tuple[int, ...]]) -> bool:
        """Whether a pod with these rules may stand where one does that bounds the counter."""
        for row, who in self.watchers.get(counter, {}).items():
            rest = who - self.adders[counter] if row in mine else set(who)
            for kind, other, bound, _ in mine:
                if rest and kind < AT_MOST_BY_DOMAIN and bound == 0 and self.key[other] == self.key[counter]:
                    rest -= self.adders.get(other, set())
            if rest:
                return True
        return False
