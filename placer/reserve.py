"""
Reserves and buffers kept by an answer: proven place by place, or pods left out until they are.

An answer is tried: each domain fails in turn, and the buffers' pods come on top. Where something finds no place,
placed pods are left out, least important first, as few as a search by halves finds; the rest is bound again in its
order, and tried once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.encode import Encoded, encode
from placer.engine import Run, prepare
from placer.errors import InfeasibleError
from placer.model.buffers import read_buffers, read_reserve
from placer.model.cluster import Cluster
from placer.model.pod import Pod
from placer.model.rule import Reason
from placer.placement import restore
from placer.rescue import Rescue, Trial
from placer.room import Room, hold, make_room
from placer.solution import Bindings, Rows, Solution, Unplaced
from placer.start import as_lines

Again = Callable[[set[int]], Solution]
RESERVE, BUFFER = "Reserve", "Buffer"
MOST_GIVEN_BACK = 32
"""Pods left out that are tried once more, most important first, when the others hold."""

COARSE = 64
"""The number of pods left out is searched for to one in so many."""
MOST_MOVED = 50_000
"""Pods that are placed on trial for that, at most."""


class Asked(NamedTuple):
    """
    What is to be kept.

    Attributes
    ----------
    key
        The label whose domains may fail; ``None`` for none.
    room
        What buffers hold; ``None`` without any.
    """

    key: str | None
    room: Room | None

    def __bool__(self) -> bool:
        return self.key is not None or self.room is not None


def read(cluster: Cluster, reserve: str | None, buffers: Sequence[Pod]) -> Asked:
    """
    What is asked for, checked, and the buffers placed.

    Raises
    ------
    InputError
        A label that no node has, or a buffer that makes no sense.
    """
    key, pods = read_reserve(cluster, reserve), read_buffers(cluster, buffers)
    return Asked(key, make_room(cluster, pods) if pods else None)


def keep(cluster: Cluster, asked: Asked, answers: Sequence[Solution], again: Again) -> Solution:
    """
    The first answer that keeps what is asked for; where none does, the first one with pods left out.

    Parameters
    ----------
    answers
        The best first.
    again
        The first answer bound once more without some pods, by row.

    Raises
    ------
    InfeasibleError
        What stands in the input breaks the reserve by itself.
    """
    encoded = cache(lambda: encode(cluster))
    for answer in answers:
        tried = _Tried(cluster, encoded, asked, answer)
        if not tried.failing():
            return tried.sealed()
    out: dict[int, str] = {}
    answer = answers[0]
    while True:
        tried = _Tried(cluster, encoded, asked, answer)
        failing = tried.failing()
        if not failing:
            return _told(cluster, tried.sealed(), out)
        for row in tried.leave_out(failing):
            out[row] = next((one.words for one in failing if row in one.rows), failing[0].others)
        answer = again(set(out))


class _Failing(NamedTuple):
    """
    An event that the answer does not stand.

    Attributes
    ----------
    domain
        What fails; -1 for the buffers that come on top.
    rows
        Pods that find no place.
    words, others
        The reasons of those of them that are left out for it, and of others that are.
    """

    domain: int
    rows: list[int]
    words: str
    others: str


class _Tried:
    """An answer and where its pods would go."""

    def __init__(self, cluster: Cluster, encoded: Callable[[], Encoded], asked: Asked, answer: Solution) -> None:
        self.cluster, self.asked, self.answer = cluster, asked, answer
        self.rows, devices = answer.rows(cluster), answer.units()
        self.priority = cluster.pod_table.priority
        self.rescue: Rescue | None = None
        self.extended: Rescue | None = None
        room = asked.room
        if asked.key is not None:
            self.rescue = Rescue(cluster, encoded(), self.rows, devices, asked.key)
        if room is not None:
            self.extended = Rescue(room.cluster, room.encoded, self.rows, devices, None)
        self.trials: dict[int, Trial] = {}

    def events(self) -> Iterator[int]:
        """The buffers coming (-1), then each domain failing."""
        if self.extended is not None:
            yield -1
        if self.rescue is not None and self.rescue.domains is not None:
            yield from range(len(self.rescue.domains.names))

    def trial(self, event: int) -> Trial:
        """Where pods would go in an event."""
        if event >= 0:
            assert self.rescue is not None
            return self.rescue.fail(event)
        assert self.extended is not None
        assert self.asked.room is not None
        return self.extended.add(list(self.asked.room.near), self.asked.room.near)

    def failing(self) -> list[_Failing]:
        """The events that the answer does not stand; where pods go is kept."""
        self.trials = {event: self.trial(event) for event in self.events()}
        return [self._failing(event, found.failed) for event, found in self.trials.items() if found.failed]

    def _failing(self, event: int, rows: list[int]) -> _Failing:
        if event >= 0:
            assert self.rescue is not None
            assert self.rescue.domains is not None
            name = f"{self.asked.key}={self.rescue.domains.names[event]}"
            words = f"would not fit elsewhere if {name} failed"
            return _Failing(event, rows, words, f"takes room that is needed if {name} fails")
        words = "takes room that is kept for buffers"
        return _Failing(event, rows, words, words)

    def lift(self, rows: Sequence[int], sign: int = -1) -> None:
        """Takes bound pods out, or puts them back."""
        for one in (self.rescue, self.extended):
            if one is not None:
                one.lift(rows, sign)

    def stands(self, events: Sequence[_Failing]) -> bool:
        """Whether the answer, as far as it is not lifted, stands these events."""
        return not any(self.trial(one.domain).failed for one in events)

    def leave_out(self, failing: Sequence[_Failing]) -> list[int]:
        """
        Placed pods without which the answer stands the events, least important first.

        Raises
        ------
        InfeasibleError
            There is no such set: what stands by itself breaks an event.
        """
        for useful in (self._useful(failing), np.ones(len(self.cluster.pod_table), bool)):
            order = self._victims(failing, useful)
            low, high = self._enough(order, failing, self._at_least(order, failing))
            if high:
                return self._fewest(order, low, high, failing)
        raise self._infeasible(failing)

    def _at_least(self, order: list[int], failing: Sequence[_Failing]) -> int:
        """How many of the first have to go by what they ask for in all, seen against what is free in all."""
        most = min(1, len(order))
        if self.rescue is None or not order:
            return most
        given = np.cumsum(self.rescue.problem.classes.need[self.rescue.class_of[order]], axis=0)
        for one in failing:
            if one.domain >= 0:
                for resource, short in enumerate(self.rescue.short(one.domain).tolist()):
                    if short > 0:
                        most = max(most, int(np.searchsorted(given[:, resource], short)) + 1)
        return min(most, len(order))

    def _enough(self, order: list[int], failing: Sequence[_Failing], start: int) -> tuple[int, int]:
        """How many of the first are too few, and enough: those are lifted. (0, 0), and none lifted, without any."""
        low, high, step = max(start - 1, 0), start, 1 + start // COARSE
        self.lift(order[:high])
        while not self.stands(failing):
            if high >= len(order):
                self.lift(order, 1)
                return 0, 0
            low, high, step = high, min(high + step, len(order)), 2 * step
            self.lift(order[low:high])
        return low, high

    def _fewest(self, order: list[int], low: int, high: int, failing: Sequence[_Failing]) -> list[int]:
        """The shortest start of the order that is enough, as far as halving finds it."""
        while high - low > 1 + high // COARSE:
            middle = (low + high) // 2
            self.lift(order[middle:high], 1)
            if self.stands(failing):
                high = middle
            else:
                self.lift(order[middle:high])
                low = middle
        return self._given_back(order[:high], failing)

    def _given_back(self, out: list[int], failing: Sequence[_Failing]) -> list[int]:
        """The same without those that stand in nobody's way; the last one tried was needed."""
        left = list(out)
        pods = sum(len(found.pod) for one in failing if (found := self.trials.get(one.domain)))
        for row in list(reversed(out[:-1]))[: min(MOST_GIVEN_BACK, MOST_MOVED // max(pods, 1))]:
            self.lift([row], 1)
            if self.stands(failing):
                left.remove(row)
            else:
                self.lift([row])
        return left

    def _victims(self, failing: Sequence[_Failing], useful: NDArray[np.bool_]) -> list[int]:
        """The placed pods that may stand in the way: least important, then largest, then those that fit nowhere."""
        rows = self.rows.pod[useful[self.rows.pod]]
        failed = np.zeros(len(self.cluster.pod_table), bool)
        failed[[row for one in failing if one.domain >= 0 for row in one.rows]] = True
        sized = self.rescue or self.extended
        assert sized is not None
        size = sized.size[sized.class_of[rows]]
        order = np.lexsort((-np.arange(len(rows)), ~failed[rows], -size, self.priority[rows]))
        return [int(row) for row in rows[order]]

    def _useful(self, failing: Sequence[_Failing]) -> NDArray[np.bool_]:
        """(pods,) that stand in a failing domain, or where something that finds no place could go."""
        useful = np.zeros(len(self.cluster.pod_table), bool)
        for one in failing:
            rescue = self.rescue if one.domain >= 0 else self.extended
            assert rescue is not None
            allowed = np.zeros(len(self.cluster.node_table), bool)
            classes = rescue.problem.classes
            for signature in np.unique(classes.eligible[rescue.class_of[one.rows]]).tolist():
                allowed |= rescue.allowed(signature)
            where = rescue.where[: len(useful)]
            useful |= (where >= 0) & allowed[where]
            if one.domain >= 0 and rescue.domains is not None:
                useful[rescue.domains.pods(one.domain)] = True
        return useful

    def _infeasible(self, failing: Sequence[_Failing]) -> InfeasibleError:
        one = next(each for each in failing if self.trial(each.domain).failed)
        rows = self.trial(one.domain).failed
        pods = (self.asked.room.cluster if one.domain < 0 and self.asked.room else self.cluster).pod_table
        count, first = len(rows), pods.key(rows[0])
        if one.domain < 0:
            return InfeasibleError(f"buffers: {count} pods find no room in the end, first {first}: ask for less room")
        assert self.rescue is not None
        assert self.rescue.domains is not None
        name = f"{self.asked.key}={self.rescue.domains.names[one.domain]}"
        return InfeasibleError(
            f"reserve: if {name} failed, {count} pods that stand would not fit elsewhere even with nothing placed, "
            f"first {first}: add capacity, relax a rule, or solve without the reserve"
        )

    def sealed(self) -> Solution:
        """The answer with all that is asked for, and where pods would go."""
        answer, known = self.answer, dict[str, object]()
        if self.rescue is not None and self.rescue.domains is not None:
            trials = [self.trials[event] for event in self.events() if event >= 0]
            answer.reserve, answer.failover = self.asked.key, _bindings(self.cluster, trials)
            known["reserve"] = {"domains": len(trials), "exempt": self.rescue.domains.exempt()}
        room = self.asked.room
        if room is not None:
            answer.buffers, answer.unmet = room.buffers, room.unmet
            answer.room = _bindings(room.cluster, [self.trials[-1]])
            known["buffers"] = {"pods": len(answer.room) + len(room.unmet), "unmet": len(room.unmet)}
        answer.statistics |= known
        return answer


def _bindings(cluster: Cluster, trials: Sequence[Trial]) -> Bindings:
    """Where pods would go, one trial after another."""
    pods, nodes = ([row for one in trials for row in one[column]] for column in (0, 1))
    starts = np.cumsum([0, *(len(one.pod) for one in trials)]).tolist()
    devices = {
        start + place: held for start, one in zip(starts, trials, strict=False) for place, held in one.devices.items()
    }
    return Bindings(cluster, Rows(np.array(pods, np.int32), np.array(nodes, np.int32)), devices)


def _told(cluster: Cluster, answer: Solution, out: dict[int, str]) -> Solution:
    """The answer with the reason of what was left out, and of what would find a node that it may not have."""
    told = []
    nodes = len(cluster.node_table)
    any_words = next(iter(out.values()))
    for one in answer.unplaced:
        row = cluster.pod_table.index(one.pod)
        fits = bool(one.reasons) and sum(reason.nodes for reason in one.reasons) < nodes and _looked_at(one)
        if row in out or fits or not one.reasons:
            words = out.get(row, any_words)
            told.append(Unplaced(one.pod, [Reason(_rule(words), words, nodes)], words))
        else:
            told.append(one)
    answer.unplaced = told
    answer.statistics["left_out"] = len(out)
    return answer


def _rule(words: str) -> str:
    return BUFFER if "buffers" in words else RESERVE


def _looked_at(one: Unplaced) -> bool:
    return one.reasons[0].rule not in ("Limit", "SchedulingGates", "Unsupported")


def kept(
    cluster: Cluster, run: Run, write: Callable[[Run], Solution], asked: Asked, written: Sequence[Solution]
) -> Solution:
    """
    The best of a run's answers that keeps what is asked for, pods left out where none does.

    Parameters
    ----------
    run
        Whose problem, goals and pods are meant; it is not changed.
    write
        Writes out a run that holds the buffers' room.
    written
        Answers, the best first.
    """

    def again(without: set[int]) -> Solution:
        fresh = prepare(cluster, run.encoded, run.goals, np.sort(run.pod_of_slot))
        bind_again(fresh, written[0], cluster, without)
        hold(fresh, asked.room)
        return write(fresh)

    solution = keep(cluster, asked, written, again)
    standing = cluster.pod_table.node[cluster.pod_table.node >= 0]
    solution.statistics["nodes_used"] = len(np.union1d(standing, solution.rows(cluster).node))
    return solution


def bind_again(fresh: Run, answer: Solution, cluster: Cluster, without: set[int]) -> Run:
    """
    A run in which nothing is placed yet, with an answer's bindings in their order, some pods left out.

    A pod that may not arrive any more, since it needs one of those, is left out as well.
    """
    rows, devices = answer.rows(cluster), answer.units()
    slot_of = np.full(len(cluster.pod_table), -1, np.int32)
    slot_of[fresh.pod_of_slot] = np.arange(len(fresh.pod_of_slot), dtype=np.int32)
    lines = np.flatnonzero(~np.isin(rows.pod, list(without)))
    restore(fresh, as_lines(fresh, slot_of[rows.pod[lines]], rows.node[lines], lines, devices))
    return fresh
