"""A timeline over a cluster, and the ways in which checks cut it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.distinct import distinct, split
from placer.checks.facts import Facts
from placer.checks.timeline import Timeline

Events = NDArray[np.int64]


class Bundle(NamedTuple):
    """
    Events of pods that are alike in a rule, namespace and labels.

    Attributes
    ----------
    rules
        What the field holds.
    pod
        Row of one of the pods.
    events
        Ascending.
    """

    rules: Any
    pod: int
    namespace: str
    labels: Mapping[str, str]
    events: Events


class Failing(NamedTuple):
    """
    Domains that are gone for a while: their nodes count as not there.

    Attributes
    ----------
    of_node
        (nodes,) the domain of each node, -1 for none.
    at
        (events,) the domain that is gone at each event, -1 for none; nobody stands in it then.
    domains
        How many there are.
    """

    of_node: NDArray[np.int64]
    at: NDArray[np.int64]
    domains: int

    def lost(self, domain: NDArray[np.int64]) -> NDArray[np.int64]:
        """(domains,) how many domains of another key go with each; ``domain`` is each node's, -1 where none counts."""
        rows = np.flatnonzero(domain >= 0)
        order = rows[np.argsort(domain[rows], kind="stable")]
        begins = np.flatnonzero(np.diff(domain[order], prepend=-1))
        if not len(begins):
            return np.zeros(self.domains, np.int64)
        low, high = (cut.reduceat(self.of_node[order], begins) for cut in (np.minimum, np.maximum))
        return np.bincount(low[(low == high) & (low >= 0)], minlength=self.domains)


class Scene:
    """
    A cluster's events.

    Parameters
    ----------
    units
        Place among a solution's bindings → units it names.
    claims
        Place among a solution's bindings → what claims it says are bound to.
    failing
        What is gone at which event, where anything is.
    """

    def __init__(
        self,
        facts: Facts,
        timeline: Timeline,
        units: Mapping[int, Mapping[str, Sequence[int]]],
        claims: Mapping[int, Mapping[str, str]] | None = None,
        failing: Failing | None = None,
    ) -> None:
        self.facts, self.timeline, self.units, self.claims = facts, timeline, units, claims or {}
        self.failing = failing

    @cached_property
    def checked(self) -> Events:
        """Arrivals that rules are asked of."""
        return np.flatnonzero(self.timeline.checked)

    def carriers(self, field: str, *, checked: bool = True) -> Events:
        """Events of pods that have something in a field: arrivals to check, or all."""
        some = self.facts.truthy(field)
        if some is None:
            return np.zeros(0, np.int64)
        events = self.checked if checked else np.arange(len(self.timeline))
        return events[some[self.timeline.pod[events]]]

    def bundles(self, field: str, more: Sequence[str] = (), *, checked: bool = True) -> Iterator[Bundle]:
        """The events of pods with something in a field, by field, namespace, labels and ``more`` fields."""
        events = self.carriers(field, checked=checked)
        if not len(events):
            return
        pods = self.facts.pods
        rows = self.timeline.pod[events]
        codes, first = distinct([pods[name].codes[rows] for name in (field, "namespace", "labels", *more)])
        for row, places in zip(rows[first].tolist(), split(codes, len(first)), strict=True):
            yield Bundle(pods[field][row], row, pods["namespace"][row], pods["labels"][row], events[places])

    @cached_property
    def _by_identity(self) -> tuple[Events, NDArray[np.int64]]:
        identities = self.facts.identities
        codes = identities.of_pod[self.timeline.pod]
        starts = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(identities.namespace)))])
        return np.argsort(codes, kind="stable"), starts

    def size(self, members: NDArray[np.int64]) -> int:
        """How many events the pods of some identities have."""
        starts = self._by_identity[1]
        return int((starts[members + 1] - starts[members]).sum())

    def events_of(self, members: NDArray[np.int64]) -> Events:
        """The events of the pods of some identities, identity by identity."""
        order, starts = self._by_identity
        if len(members) == 1:
            alone: Events = order[starts[members[0]] : starts[members[0] + 1]]
            return alone
        counts = starts[members + 1] - starts[members]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        events: Events = order[np.arange(total) + np.repeat(starts[members] - ends + counts, counts)]
        return events
