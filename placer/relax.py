"""What dropping or softening each hard rule would buy, with its bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from placer.explaining.edit import append_nodes
from placer.goals import Tier, parse_goals
from placer.limit import check_above
from placer.model.cluster import Cluster
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.table import PENDING
from placer.solution import Solution, compared, priorities_of

if TYPE_CHECKING:
    from placer.goals.written import Written

UNPLACED = "unplaced"
BASE, SLICE = 15.0, 5.0
"""The most seconds for the cluster as it is, and for one change."""
MOST_EXPLAINED = 3
"""Groups left out whose smallest changes are tried as well."""
SAME = 1e-6
"""Relative difference below which two values of a goal are one."""


class Gain(NamedTuple):
    """
    What a change buys in the first tier in which it buys anything.

    Attributes
    ----------
    tier
        ``unplaced`` or a goal, as the objective has it; empty where nothing is bought.
    bought
        How much less of it the answer found has.
    least, most
        What the best answers with and without the change differ by is proven to be at least and at most this; ``None``
        where nothing is proven. Of pods of several priorities, the most important that differ are counted.
    """

    tier: str
    bought: float
    least: float
    most: float | None

    @property
    def proven(self) -> bool:
        """Whether the best answers differ by exactly what was bought."""
        slack = SAME * max(1.0, abs(self.bought))
        return self.most is not None and self.least >= self.bought - slack and self.most <= self.bought + slack


@dataclass(frozen=True)
class Relaxation:
    """
    A change to the hard rules of a group of pods, and what it buys.

    Attributes
    ----------
    pods
        ``namespace/owner``, or a pod.
    count
        How many pods are changed.
    rule
        The rule that is softened; ``Nodes`` where a node is added.
    text
        ``tolerate dedicated=cache:NoSchedule``.
    gain
        In the first tier in which anything is bought.
    objective, bound
        With the change.
    """

    pods: str
    count: int
    rule: str
    text: str
    gain: Gain
    objective: Mapping[str, float]
    bound: Mapping[str, float]
    changed: Cluster = field(repr=False)

    def apply(self) -> Cluster:
        """The cluster with the change made."""
        return self.changed

    def to_dict(self) -> dict[str, Any]:
        """The relaxation as JSON types."""
        return {
            "pods": self.pods,
            "count": self.count,
            "rule": self.rule,
            "text": self.text,
            "tier": self.gain.tier,
            "bought": self.gain.bought,
            "least": self.gain.least,
            "most": self.gain.most,
            "proven": self.gain.proven,
            "objective": dict(self.objective),
            "bound": dict(self.bound),
        }


@dataclass(frozen=True)
class Relaxations(Sequence[Relaxation]):
    """
    What :func:`relax` returns: changes that buy something, most first.

    Attributes
    ----------
    found
        Those that buy something.
    base
        The answer without any change.
    nothing
        How many changes are proven to buy nothing.
    unknown
        How many bought nothing in the answer found, without a proof that they cannot.
    untried
        How many the time limit left out.
    """

    found: tuple[Relaxation, ...]
    base: Solution
    nothing: int
    unknown: int
    untried: int

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __iter__(self) -> Iterator[Relaxation]:
        return iter(self.found)

    def to_dict(self) -> dict[str, Any]:
        """The relaxations as JSON types."""
        return {
            "objective": dict(self.base.objective),
            "bound": dict(self.base.bound or {}),
            "relaxations": [each.to_dict() for each in self.found],
            "buy_nothing": self.nothing,
            "unknown": self.unknown,
            "untried": self.untried,
        }


class _Change(NamedTuple):
    """A change to try: of the pods of a group, or a node more."""

    group: int
    rule: str
    text: str
    pod: Pod | None
    nodes: tuple[Node, ...] = ()


def relax(
    cluster: Cluster,
    goals: Written | Sequence[Written | Sequence[Written]] = ("pack",),
    *,
    time_limit: float | None = 60.0,
    seed: int = 0,
    stop: threading.Event | None = None,
) -> Relaxations:
    """
    Says what dropping or softening each hard rule of each group of pending pods would buy.

    Each change is made to all pods of its group, and the cluster is solved again, with a proof: small problems to the
    end by CP-SAT, larger ones by placing, with bounds by counting.

    Parameters
    ----------
    cluster
        Nodes and pods; it is not changed.
    goals
        What better means, as in :func:`placer.solve`; pods placed come first.
    time_limit
        Wall-clock seconds; changes to groups that are left out are tried first. ``None`` tries all.
    seed
        Of the search.
    stop
        When set, what is known so far comes back.

    Returns
    -------
    Changes that buy something, by what they buy: pods placed, important ones first, then the goals.

    Raises
    ------
    InputError
        An unknown goal, or a time limit that is not above 0.

    Notes
    -----
    Time is that of a solve for each change: rules × groups, a step softer and without it.

    Examples
    --------
    >>> import placer as pl
    >>> taint = pl.Taint(key="dedicated", value="db")
    >>> nodes = [pl.Node("n1", cpu=2), pl.Node("n2", cpu=2, taints=[taint])]
    >>> cluster = pl.Cluster(nodes, [pl.Pod("web", replicas=3, cpu=1)])
    >>> for each in pl.relax(cluster):
    ...     print(each.text, each.gain.bought, each.gain.proven)
    ask 334m less cpu (666m) 1.0 True
    tolerate dedicated=db:NoSchedule 1.0 True
    add a node like n1 1.0 True
    """
    tiers = parse_goals(goals)
    check_above("relax", "time_limit", time_limit)
    from placer.infeasible.check import Clock
    from placer.infeasible.groups import edited, groups

    stopped = stop or threading.Event()
    clock = Clock(inf if time_limit is None else time.monotonic() + time_limit, stopped.is_set)
    base = _solved(cluster, tiers, clock, seed, BASE)
    listed = groups(cluster, cluster.pod_table.node == PENDING)
    changes = _changes(cluster, base, listed)
    found, nothing, unknown, tried = [], 0, 0, 0
    for change in changes:
        if clock.over():
            break
        changed = cluster if change.pod is None else edited(cluster, {change.group: change.pod}, listed)
        if change.nodes:
            nodes = append_nodes(cluster.node_table, change.nodes)
            changed = Cluster.from_tables(nodes, changed.pod_table, cluster.namespaces, budgets=cluster.budgets)
        solution = _solved(changed, tiers, clock, seed, SLICE)
        gain = _gain(base, solution)
        tried += 1
        nothing += not gain.tier and gain.most is not None
        unknown += not gain.tier and gain.most is None
        if gain.tier:
            group = listed[change.group]
            bound = solution.bound or {}
            what = (group.name, len(group.rows), change.rule, change.text, gain, solution.objective, bound, changed)
            found.append((_rank(base, solution), Relaxation(*what)))
    found.sort(key=lambda pair: pair[0])
    return Relaxations(tuple(each for _, each in found), base, nothing, unknown, len(changes) - tried)


def _solved(cluster: Cluster, goals: Sequence[Tier], clock: Any, seed: int, most: float) -> Solution:
    """An answer with bounds; the time ends a proof, and lengthens no search."""
    from placer.solve import solve

    event = threading.Event()
    seconds = clock.left(most)
    timer = threading.Timer(seconds, event.set) if seconds < inf else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        return solve(cluster, goals=goals, prove=True, seed=seed, stop=event)
    finally:
        if timer is not None:
            timer.cancel()


def _changes(cluster: Cluster, base: Solution, listed: Sequence[Any]) -> list[_Change]:
    """What to try, groups that are left out first; each changed pod of a group once."""
    from placer.explaining.subject import device_kinds
    from placer.infeasible.softer import softer

    left = np.zeros(len(cluster.pod_table), bool)
    left[[cluster.pod_table.index(each.pod) for each in base.unplaced]] = True
    waiting = [int(left[group.rows].sum()) for group in listed]
    order = sorted(
        range(len(listed)), key=lambda place: (-listed[place].pod.priority * bool(waiting[place]), -waiting[place])
    )
    kinds = device_kinds(cluster.node_table)
    found = []
    for turn, place in enumerate(order):
        group = listed[place]
        if waiting[place] and turn < MOST_EXPLAINED:
            found += _smallest(cluster, base, place, int(group.rows[left[group.rows]][0]), group.pod)
        found += [
            _Change(place, each.part.rule.name, each.text, each.pod) for each in softer(cluster, group.pod, kinds)
        ]
    distinct = {(change.group, change.text): change for change in reversed(found)}
    return [change for change in found if distinct[change.group, change.text] is change]


def _smallest(cluster: Cluster, base: Solution, place: int, row: int, pod: Pod) -> list[_Change]:
    """The smallest changes of each kind that let one pod of a group in as things stand in the end."""
    from placer.explain import explain
    from placer.explaining.changes import KINDS

    found = []
    for change in explain(cluster, cluster.pod_table.key(row), solution=base).changes:
        kinds = [kind for kind in change.kind.split(" + ") if kind in KINDS]
        rule = " + ".join(sorted({rule.name for kind in kinds for rule in KINDS[kind][0]})) or "Nodes"
        if change.pod is not None and change.pod.requests.keys() < pod.requests.keys():
            continue  # To ask for nothing is no way out.
        names = {"name": pod.name, "namespace": pod.namespace}
        changed = None if change.pod is None else change.pod.model_copy(update=names)
        found.append(_Change(place, rule, change.text, changed, tuple(change.nodes)))
    return found


def _rank(base: Solution, solution: Solution) -> list[float]:
    """Less is more bought."""
    priorities = priorities_of(base, solution)
    pairs = zip(compared(solution, priorities), compared(base, priorities), strict=True)
    return [after - before for after, before in pairs]


def _gain(base: Solution, solution: Solution) -> Gain:
    """
    What is bought in the first tier that differs.

    The old answer still holds, so that the best new one is no worse. A tier's bounds say something while all tiers
    before it are closed.
    """
    priorities = priorities_of(base, solution)
    ours, theirs = base.bound or {}, solution.bound or {}
    closed = True
    for tier, before in base.objective.items():
        after, slack = solution.objective[tier], SAME * max(1.0, abs(before))
        low, lower = ours.get(tier, -inf), theirs.get(tier, -inf)
        if tier == UNPLACED and len(priorities) > 1:
            found = _by_priority(base, solution, priorities, exact=low >= before and lower >= after)
            if found is not None:
                return found
        elif after < before - slack:
            return Gain(
                tier,
                float(before - after),
                *((float(max(0.0, low - after)), float(before - lower)) if closed else (0.0, None)),
            )
        elif after > before + slack:
            return Gain("", 0.0, 0.0, None)
        closed &= lower >= before - slack
    return Gain("", 0.0, 0.0, 0.0 if closed else None)


def _by_priority(base: Solution, solution: Solution, priorities: Sequence[int], exact: bool) -> Gain | None:
    """What is bought of the most important pods that differ; none where none do."""
    for priority in priorities:
        bought = base.unplaced_by_priority.get(priority, 0) - solution.unplaced_by_priority.get(priority, 0)
        if bought > 0:
            return Gain(UNPLACED, float(bought), *((float(bought), float(bought)) if exact else (0.0, None)))
        if bought < 0:
            return Gain("", 0.0, 0.0, None)
    return None
