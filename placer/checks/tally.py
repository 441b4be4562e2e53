"""
Counting pods per domain, as they were when each pod arrived.

A counter counts the events of some pods per domain of a key, where asked only on some nodes. A question asks, for
arrivals, what a counter had in the domain of the node they arrive on, just before. Where time means nothing, what
there is in the end, the asking pod itself left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.facts import Mask
from placer.checks.scene import Events, Scene
from placer.checks.timeline import Timeline

Integers = NDArray[np.int64]
MOST_AT_ONCE = 4_000_000
"""Counted events that are looked at together: memory stays linear where groups overlap."""


@dataclass(frozen=True, slots=True)
class Answers:
    """
    One row for each arrival of each question.

    Attributes
    ----------
    question
        Which question, in the order asked.
    event
        The arrival.
    domain
        Of the node it arrives on, -1 for none.
    count
        Counted pods in that domain; 0 without a domain.
    total
        Counted pods in all domains.
    used
        Domains that hold a counted pod.
    least
        Fewest counted pods in any domain that has a node to count on; 0 unless asked for.
    domains
        How many such domains there are.
    """

    question: Integers
    event: Events
    domain: Integers
    count: Integers
    total: Integers
    used: Integers
    least: Integers
    domains: Integers


class _Counter(NamedTuple):
    key: int
    eligible: int
    picked: Integers
    by_identity: bool
    size: int

    def counted(self, scene: Scene) -> Events:
        """The events that are counted."""
        return scene.events_of(self.picked) if self.by_identity else self.picked


class Tally:
    """
    Counters and the questions put to them.

    Parameters
    ----------
    least
        Whether the emptiest domain is asked for, which takes a walk through the events.
    """

    def __init__(self, scene: Scene, *, least: bool = False) -> None:
        self.scene, self._least = scene, least
        self._keys: dict[str, int] = {}
        self._eligible: dict[bytes, int] = {}
        self._masks: list[Mask] = []
        self._index: dict[tuple[int, int, bytes, bool], int] = {}
        self._counters: list[_Counter] = []
        self._present_in: dict[tuple[int, int], int] = {}
        self._asked: list[int] = []
        self._events: list[Events] = []
        self.queries = 0

    def ask(
        self,
        key: str,
        events: Events,
        picked: Integers,
        *,
        by_identity: bool = True,
        eligible: Mask | None = None,
    ) -> int:
        """
        Asks what arrivals met in their domains.

        Parameters
        ----------
        key
            The topology key.
        events
            Arrivals.
        picked
            Identities whose pods are counted; or the events to count, where not ``by_identity``.
        eligible
            (nodes,) where they are counted; everywhere by default.

        Returns
        -------
        The question's number.
        """
        self._asked.append(self._counter(key, picked, by_identity, eligible))
        self._events.append(events)
        self.queries += len(events)
        return len(self._asked) - 1

    def _counter(self, key: str, picked: Integers, by_identity: bool, eligible: Mask | None) -> int:
        number = self._keys.setdefault(key, len(self._keys))
        nodes = -1
        if eligible is not None and not eligible.all():
            nodes = self._eligible.setdefault(eligible.tobytes(), len(self._masks))
            if nodes == len(self._masks):
                self._masks.append(eligible)
        mark = (number, nodes, picked.tobytes(), by_identity)
        if mark not in self._index:
            size = self.scene.size(picked) if by_identity else len(picked)
            self._index[mark] = len(self._counters)
            self._counters.append(_Counter(number, nodes, picked, by_identity, size))
        return self._index[mark]

    def answers(self) -> Answers:
        """All that was asked, question by question."""
        if not self.queries:
            nothing = np.zeros(0, np.int64)
            return Answers(nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing)
        timeline = self.scene.timeline
        question = np.repeat(np.arange(len(self._events)), [len(events) for events in self._events])
        event = np.concatenate(self._events)
        counter = np.array(self._asked, np.int64)[question]
        domains = np.stack([self.scene.facts.domains(key).codes for key in self._keys])
        key = np.array([one.key for one in self._counters], np.int64)
        domain = domains[key[counter], timeline.node[event]]
        present = np.array([self._present(domains, one.key, one.eligible) for one in self._counters], np.int64)
        gone = self._gone(domains, counter, event)
        count, total, used, least = (np.zeros(len(event), np.int64) for _ in range(4))
        order = np.argsort(counter, kind="stable")
        edges = np.searchsorted(counter[order], np.arange(len(self._counters) + 1))
        for low, high in self._chunks():
            asked = order[edges[low] : edges[high]]
            if not len(asked):
                continue
            counting = self._counted(low, high, domains)
            part = _look(counting, timeline, counter[asked], event[asked], domain[asked])
            if self._least:
                part[3] = _least(counting, present, timeline.ordered, counter[asked], event[asked], gone[asked])
            if not timeline.ordered:
                part = _without_itself(counting, counter[asked], event[asked], part)
            for whole, values in zip((count, total, used, least), part, strict=True):
                whole[asked] = values
        count[domain < 0] = 0
        return Answers(question, event, domain, count, total, used, least, present[counter] - gone)

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Ranges of counters that are looked at together."""
        low, size = 0, 0
        for number, counter in enumerate(self._counters):
            if number > low and size + counter.size > MOST_AT_ONCE:
                yield low, number
                low, size = number, 0
            size += counter.size
        yield low, len(self._counters)

    def _present(self, domains: Integers, key: int, eligible: int) -> int:
        """How many domains have a node to count on."""
        if (key, eligible) not in self._present_in:
            codes = domains[key] if eligible < 0 else domains[key][self._masks[eligible]]
            self._present_in[key, eligible] = len(np.unique(codes[codes >= 0]))
        return self._present_in[key, eligible]

    def _gone(self, domains: Integers, counter: Integers, event: Events) -> Integers:
        """(questions,) how many domains with a node to count on are gone when asked."""
        gone, failing = np.zeros(len(event), np.int64), self.scene.failing
        if failing is None or not self._least:
            return gone
        known: dict[tuple[int, int], Integers] = {}
        order = np.argsort(counter, kind="stable")
        edges = np.searchsorted(counter[order], np.arange(len(self._counters) + 1))
        for number, one in enumerate(self._counters):
            mark = one.key, one.eligible
            if mark not in known:
                codes = domains[one.key]
                known[mark] = failing.lost(
                    codes if one.eligible < 0 else np.where(self._masks[one.eligible], codes, -1)
                )
            asked = order[edges[number] : edges[number + 1]]
            at = failing.at[event[asked]]
            gone[asked] = np.where(at >= 0, known[mark][at], 0)
        return gone

    def _counted(self, low: int, high: int, domains: Integers) -> _Counted:
        """The counted events of counters ``low`` to ``high``, by counter, domain and time."""
        timeline = self.scene.timeline
        lists = [one.counted(self.scene) for one in self._counters[low:high]]
        counter = np.repeat(np.arange(low, high), [len(part) for part in lists])
        event = np.concatenate(lists)
        node = timeline.node[event]
        key = np.array([one.key for one in self._counters[low:high]], np.int64)[counter - low]
        domain = domains[key, node]
        keep = domain >= 0
        if self._masks:
            eligible = np.array([one.eligible for one in self._counters[low:high]], np.int64)[counter - low]
            keep &= np.stack([*self._masks, np.ones(len(self.scene.facts.nodes), bool)])[eligible, node]
        return _Counted.of(counter[keep], event[keep], domain[keep], timeline.sign[event[keep]])


class _Counted(NamedTuple):
    """Counted events, by counter, domain and time."""

    counter: Integers
    event: Events
    domain: Integers
    sign: Integers

    @classmethod
    def of(cls, counter: Integers, event: Events, domain: Integers, sign: Integers) -> _Counted:
        order = np.lexsort((event, domain, counter))
        return cls(counter[order], event[order], domain[order], sign[order])


def _look(counting: _Counted, timeline: Timeline, counter: Integers, event: Events, domain: Integers) -> list[Integers]:
    """Count in the domain, total, and domains in use, before each of the arrivals."""
    events = len(timeline)
    when = event if timeline.ordered else np.full(len(event), events)
    width = int(max(counting.domain.max(initial=0), domain.max(initial=0))) + 1
    place = counting.counter * width + counting.domain
    after = _within(place, np.cumsum(counting.sign))
    opened = np.where((counting.sign > 0) & (after == 1), 1, np.where((counting.sign < 0) & (after == 0), -1, 0))
    by_time = np.lexsort((counting.event, counting.counter))
    overall = counting.counter[by_time], counting.event[by_time]
    return [
        _before(place, counting.event, counting.sign, counter * width + domain, when, events),
        _before(*overall, counting.sign[by_time], counter, when, events),
        _before(*overall, opened[by_time], counter, when, events),
        np.zeros(len(event), np.int64),
    ]


def _within(place: Integers, running: Integers) -> Integers:
    """Running sums that begin anew with each place; ``place`` is sorted."""
    begins = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]])) if len(place) else place
    base = np.concatenate([[0], running])[begins]
    inside: Integers = running - np.repeat(base, np.diff(np.append(begins, len(place))))
    return inside


def _before(place: Integers, event: Events, amount: Integers, asked: Integers, when: Integers, events: int) -> Integers:
    """What the amounts of a place sum to before a time; (place, event) are sorted."""
    moment = place * (events + 1) + event
    running = np.concatenate([[0], np.cumsum(amount)])
    low = np.searchsorted(moment, asked * (events + 1))
    high = np.searchsorted(moment, asked * (events + 1) + when)
    found: Integers = running[high] - running[low]
    return found


def _least(
    counting: _Counted, present: Integers, ordered: bool, counter: Integers, event: Events, gone: Integers
) -> Integers:
    """
    The count of the emptiest domain before each arrival, by walking through the events of each counter.

    Where only domains that are gone hold nobody, it is the emptiest of the others.
    """
    found = np.zeros(len(counter), np.int64)
    when = event if ordered else np.full(len(event), np.iinfo(np.int64).max // 4)
    who = np.concatenate([counting.counter, counter])
    moment = np.concatenate([counting.event * 2 + 1, when * 2])
    domain = np.concatenate([counting.domain, np.full(len(counter), -1)])
    sign = np.concatenate([counting.sign, np.zeros(len(counter), np.int64)])
    order = np.lexsort((moment, who))
    current, low = -1, 0
    counts: dict[int, int] = {}
    domains_with: dict[int, int] = {}
    steps = zip(order.tolist(), who[order].tolist(), domain[order].tolist(), sign[order].tolist(), strict=True)
    for place, number, where, change in steps:
        if number != current:
            current, low, counts, domains_with = number, 0, {}, {0: int(present[number])}
        if change == 0:
            asked = place - len(counting.counter)
            found[asked] = low
            if low == 0 and 0 < gone[asked] == domains_with[0] and sum(domains_with.values()) > domains_with[0]:
                found[asked] = next(count for count in itertools.count(1) if domains_with.get(count))
            continue
        have = counts.get(where, 0)
        counts[where] = now = have + change
        domains_with[have] -= 1
        domains_with[now] = domains_with.get(now, 0) + 1
        if now < low or (have == low and domains_with[have] == 0):
            low = now
    return found


def _without_itself(counting: _Counted, counter: Integers, event: Events, part: list[Integers]) -> list[Integers]:
    """The same, the asking pods left out where they are counted themselves."""
    width = int(max(counting.event.max(initial=0), event.max(initial=0))) + 1
    own = np.isin(counter * width + event, counting.counter * width + counting.event).astype(np.int64)
    count, total, used, least = part
    count = count - own
    least = np.where(own > 0, np.minimum(least, count), least)
    return [count, total - own, used - ((own > 0) & (count == 0)), least]
