"""Two answers to one input compared: which pods stand elsewhere, and what that does to the objective."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from placer.errors import InputError
from placer.infeasible.stem import stem
from placer.solution import Solution


class Moved(NamedTuple):
    """A pod that stands on one node in the first answer and on another, or nowhere (``None``), in the second."""

    pod: str
    first: str | None
    second: str | None


class Group(NamedTuple):
    """
    Pods of one name but for its number: how many stand in one answer only, or elsewhere.

    Attributes
    ----------
    net
        How many differ if pods of the group may change places.
    """

    name: str
    only_first: int
    only_second: int
    elsewhere: int
    net: int


class NodeChange(NamedTuple):
    """How many pods a node has in the first answer only, and in the second only."""

    node: str
    loses: int
    gains: int


class Value(NamedTuple):
    """
    A part of the objective in both answers; ``None`` where one does not have it.

    Attributes
    ----------
    tier, goal, term
        A tier has no goal, and a goal no term: they are empty.
    first_bound, second_bound
        Of a tier, where a bound was asked for.
    """

    tier: str
    goal: str
    term: str
    first: float | None
    second: float | None
    first_bound: float | None = None
    second_bound: float | None = None

    @property
    def difference(self) -> float | None:
        """The second less the first: below 0 where the second answer is better."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True)
class Difference:
    """
    What :func:`diff` returns.

    Attributes
    ----------
    moved
        Pods that stand elsewhere, in the order of their names.
    same
        Pods that both answers bind or move, to the same node.
    other_units
        Of these, those that take other units of devices.
    groups, nodes
        The same counted, most pods first.
    tiers
        The objective tier by tier, most important first.
    terms
        What it is made of, where both answers say so.
    gap, status
        Of both answers.
    """

    moved: Sequence[Moved]
    same: int
    other_units: int
    groups: Sequence[Group]
    nodes: Sequence[NodeChange]
    tiers: Sequence[Value]
    terms: Sequence[Value]
    gap: tuple[float | None, float | None]
    status: tuple[str, str]

    def count(self) -> Group:
        """All groups together."""
        return Group(
            "all",
            sum(group.only_first for group in self.groups),
            sum(group.only_second for group in self.groups),
            sum(group.elsewhere for group in self.groups),
            sum(group.net for group in self.groups),
        )

    def verdict(self) -> str:
        """Which answer is better, and in what."""
        for value in self.tiers:
            if value.difference is None:
                return "the answers have different goals"
            if abs(value.difference) > 1e-6 * max(1.0, abs(value.first or 0.0)):
                better, less = ("second", value.difference) if value.difference < 0 else ("first", -value.difference)
                return f"the {better} is better by {-less:,.10g} in {value.tier}"
        return "both are equally good"

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON types."""
        return {
            "verdict": self.verdict(),
            "pods": {**self.count()._asdict(), "same": self.same, "other_units": self.other_units},
            "tiers": [_value_dict(value) for value in self.tiers],
            "terms": [_value_dict(value) for value in self.terms],
            "gap": {"first": self.gap[0], "second": self.gap[1]},
            "status": {"first": self.status[0], "second": self.status[1]},
            "groups": [group._asdict() for group in self.groups],
            "nodes": [node._asdict() for node in self.nodes],
            "moved": [moved._asdict() for moved in self.moved],
        }


def _value_dict(value: Value) -> dict[str, Any]:
    return {**value._asdict(), "difference": value.difference}


def diff(first: Solution, second: Solution, *, names: tuple[str, str] = ("first", "second")) -> Difference:
    """
    Compares two answers to one input: by where pods stand in the end, and by what the objective comes to.

    Parameters
    ----------
    first, second
        Answers; neither is changed.
    names
        What errors call them.

    Raises
    ------
    InputError
        They were made for different inputs.

    Notes
    -----
    Time and memory are linear in bindings, evictions and moves; no cluster is needed.

    Examples
    --------
    >>> import placer as pl
    >>> cluster = pl.Cluster([pl.Node("n1", cpu=2), pl.Node("n2", cpu=2)], [pl.Pod("a", cpu=1), pl.Pod("b", cpu=1)])
    >>> packed, spread = pl.solve(cluster, goals=["pack"]), pl.solve(cluster, goals=["balance", "pack"])
    >>> len(pl.diff(packed, spread).moved)
    1
    """
    if first.input != second.input:
        raise InputError(
            f"{names[0]} was made for the input {first.input!r}, {names[1]} for {second.input!r}: "
            "give two answers to the same input"
        )
    one, other = _places(first), _places(second)
    before = {**_origins(first), **_origins(second)}
    moved, same = [], 0
    for pod in sorted(one.keys() | other.keys()):
        here, there = one.get(pod, before.get(pod)), other.get(pod, before.get(pod))
        if here != there:
            moved.append(Moved(pod, here, there))
        else:
            same += here is not None
    return Difference(
        moved=moved,
        same=same,
        other_units=_other_units(first, second),
        groups=_groups(moved),
        nodes=_nodes(moved),
        tiers=_tiers(first, second),
        terms=_terms(first, second),
        gap=(first.gap, second.gap),
        status=(first.status, second.status),
    )


def _places(solution: Solution) -> dict[str, str | None]:
    """Where the pods that an answer speaks of stand in the end."""
    found: dict[str, str | None] = {eviction.pod: None for eviction in solution.evictions}
    found.update((binding.pod, binding.node) for binding in solution.bindings)
    found.update((move.pod, move.target) for move in sorted(solution.moves, key=lambda move: move.wave))
    return found


def _origins(solution: Solution) -> dict[str, str]:
    """Where pods stood that an answer evicts or moves."""
    bound = {binding.pod for binding in solution.bindings} if solution.moves or solution.evictions else set()
    found = {eviction.pod: eviction.node for eviction in solution.evictions if eviction.pod not in bound}
    for move in sorted(solution.moves, key=lambda move: -move.wave):
        if move.pod not in bound:
            found[move.pod] = move.source
    return found


def _other_units(first: Solution, second: Solution) -> int:
    """Pods on the same node that take other units there."""
    taken = {(b.pod, b.node): b.devices for b in first.bindings if b.devices}
    return sum(
        _plain(taken[b.pod, b.node]) != _plain(b.devices)
        for b in second.bindings
        if b.devices and (b.pod, b.node) in taken
    )


def _plain(devices: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    return {kind: sorted(places) for kind, places in devices.items()}


def _groups(moved: Iterable[Moved]) -> list[Group]:
    listed: dict[str, list[Moved]] = {}
    for each in moved:
        listed.setdefault(stem(each.pod), []).append(each)
    found = []
    for name, pods in listed.items():
        only_first = sum(each.second is None for each in pods)
        only_second = sum(each.first is None for each in pods)
        nodes = _nodes(pods)
        net = max(sum(max(0, sign * (node.gains - node.loses)) for node in nodes) for sign in (1, -1))
        found.append(Group(name, only_first, only_second, len(pods) - only_first - only_second, net))
    return sorted(found, key=lambda each: (-each.only_first - each.only_second - each.elsewhere, each.name))


def _nodes(moved: Sequence[Moved]) -> list[NodeChange]:
    loses = Counter(each.first for each in moved if each.first is not None)
    gains = Counter(each.second for each in moved if each.second is not None)
    found = [NodeChange(node, loses[node], gains[node]) for node in loses.keys() | gains.keys()]
    return sorted(found, key=lambda each: (-each.loses - each.gains, each.node))


def _tiers(first: Solution, second: Solution) -> list[Value]:
    ours, theirs = first.bound or {}, second.bound or {}
    return [
        Value(tier, "", "", first.objective.get(tier), second.objective.get(tier), ours.get(tier), theirs.get(tier))
        for tier in dict.fromkeys([*first.objective, *second.objective])
    ]


def _terms(first: Solution, second: Solution) -> list[Value]:
    """What objectives are made of, where both answers have it."""
    ours = {term[:3]: term.after for term in first.terms}
    theirs = {term[:3]: term.after for term in second.terms}
    if not ours or not theirs:
        return []
    return [Value(*mark, ours.get(mark), theirs.get(mark)) for mark in dict.fromkeys([*ours, *theirs])]
