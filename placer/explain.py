"""Why a pod goes where it goes, or nowhere: node by node, and what would have to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np

from placer.errors import InputError
from placer.explaining.changes import Change, changes
from placer.explaining.moment import Moment, moment
from placer.explaining.others import Others
from placer.explaining.rejection import Rejection
from placer.explaining.rejections import first_rules, rejections, summarise
from placer.explaining.scores import Score, score
from placer.explaining.state import State
from placer.explaining.subject import Subject, device_kinds, subject
from placer.goals import parse_goals
from placer.goals.written import Written
from placer.model.cluster import Cluster
from placer.model.rule import Reason, message
from placer.model.units import units
from placer.solution import Solution

ROWS = 20
"""Nodes shown in a table unless more are asked for."""


class NodeVerdict(NamedTuple):
    """
    What the rules say of one node.

    Attributes
    ----------
    rule, reason
        The first rule that rejects it and its words with the numbers; ``None`` where none does.
    scores
        Goal → what placing the pod there adds to that goal; empty where a rule rejects.
    total
        The same by tier of the goals, most important first: smaller is better.
    """

    node: str
    rule: str | None
    reason: str | None
    scores: Mapping[str, float]
    total: tuple[float, ...]


class Verdicts(Sequence[NodeVerdict]):
    """Verdicts in node order, made on demand."""

    def __init__(self, state: State, found: list[Rejection], scored: Score) -> None:
        self._state, self._found, self._scored = state, found, scored
        self._first = first_rules(found, state.count)

    def __len__(self) -> int:
        return self._state.count

    @overload
    def __getitem__(self, index: int) -> NodeVerdict: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NodeVerdict]: ...
    def __getitem__(self, index: int | slice) -> NodeVerdict | Sequence[NodeVerdict]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        row = index % len(self)
        name, first = self._state.nodes.names[row], int(self._first[row])
        if first >= 0:
            said = self._found[first]
            return NodeVerdict(name, said.rule.name, said.detail(row), {}, ())
        return NodeVerdict(name, None, None, self._scored.terms(row), self._scored.total(row))

    def __iter__(self) -> Iterator[NodeVerdict]:
        return (self[row] for row in range(len(self)))

    def best_first(self, most: int) -> list[int]:
        """Rows of at most so many nodes: those that no rule rejects by total, then the others, in node order."""
        accepted = np.flatnonzero(self._first < 0)
        keys = [self._scored.tiers[accepted, tier] for tier in range(self._scored.tiers.shape[1])]
        order = accepted[np.lexsort([accepted, *keys[::-1]])]
        return [*order[:most].tolist(), *np.flatnonzero(self._first >= 0)[: max(most - len(order), 0)].tolist()]

    @property
    def accepted(self) -> int:
        """How many nodes no rule rejects."""
        return int((self._first < 0).sum())


class Comparison(NamedTuple):
    """
    Why here and not there.

    Attributes
    ----------
    node, instead_of
        Here (``None``: nowhere) and there.
    rule, reason
        What rejects the pod there; ``None`` where nothing does.
    terms
        Goal → (here, there, there - here): above 0 means that there is dearer.
    total
        there - here by tier.
    """

    node: str | None
    instead_of: str
    rule: str | None
    reason: str | None
    terms: Mapping[str, tuple[float, float, float]]
    total: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """
    What :func:`explain` returns.

    Attributes
    ----------
    pod
        ``namespace/name``.
    state
        ``present``, ``before binding 17 of 40``, ``before wave 2`` or ``final``.
    node
        The node that the pod has or gets, or ``None``.
    nodes
        One verdict a node, in node order, made on demand.
    summary
        Reasons counted by node; a node counts for the first rule that rejects it.
    message
        The summary in one line, in kube-scheduler's form; empty where some node accepts the pod.
    comparison
        With ``instead_of``: why here and not there.
    changes
        Where no node accepts the pod: the smallest change of each kind that makes one accept it.
    """

    pod: str
    state: str
    node: str | None
    nodes: Verdicts
    summary: Sequence[Reason]
    message: str
    comparison: Comparison | None
    changes: Sequence[Change]

    def rows(self, most: int = ROWS) -> list[tuple[str, str, str, str]]:
        """
        Plain data of a table: node, verdict (``fits`` or the rule), reason, total.

        Nodes that accept the pod come first, best first; a last row counts those not shown.
        """
        shown = self.nodes.best_first(most)
        table = []
        for row in shown:
            verdict = self.nodes[row]
            total = " / ".join(f"{part:g}" for part in verdict.total)
            table.append((verdict.node, verdict.rule or "fits", verdict.reason or "", total))
        if len(shown) < len(self.nodes):
            table.append((f"and {len(self.nodes) - len(shown)} more nodes", "", "", ""))
        return table

    def lines(self) -> list[str]:
        """The explanation as lines of plain text, without the table of nodes."""
        lines = [f"{self.pod}: {self.node or 'no node'} ({self.state})"]
        if self.message:
            lines.append(self.message)
        else:
            lines.append(f"{self.nodes.accepted} of {len(self.nodes)} nodes accept it")
        if self.comparison is not None:
            lines.extend(_comparison_lines(self.comparison))
        lines.extend(f"would fit: {change.text}" for change in self.changes)
        return lines

    def to_dict(self, most: int | None = None) -> dict[str, Any]:
        """
        The explanation as JSON types.

        Parameters
        ----------
        most
            Nodes listed; all by default.
        """
        listed = range(len(self.nodes)) if most is None else self.nodes.best_first(most)
        verdicts = [self.nodes[row] for row in listed]
        return {
            "pod": self.pod,
            "state": self.state,
            "node": self.node,
            "message": self.message,
            "summary": [reason._asdict() for reason in self.summary],
            "accepted": self.nodes.accepted,
            "nodes": [{**verdict._asdict(), "total": list(verdict.total)} for verdict in verdicts],
            "nodes_not_listed": len(self.nodes) - len(verdicts),
            "comparison": None if self.comparison is None else _comparison_dict(self.comparison),
            "changes": [change.to_dict() for change in self.changes],
        }


def explain(
    cluster: Cluster,
    pod: str,
    *,
    solution: Solution | None = None,
    instead_of: str | None = None,
    goals: Written | Sequence[Written | Sequence[Written]] = ("pack",),
) -> Explanation:
    """
    Says node by node which rule rejects a pod or how it scores, and what would have to change.

    Parameters
    ----------
    cluster
        Nodes and pods; nothing in it is changed.
    pod
        ``namespace/name``; a bare name is of the namespace ``default``.
    solution
        An answer: the pod is explained in the state in which it was decided there, with the bindings before its own.
        Without one: in the present state. The pod's own place is taken out either way.
    instead_of
        A node to compare with the pod's.
    goals
        As for :func:`placer.solve`.

    Raises
    ------
    InputError
        No such pod or node, or an unknown goal.
    StaleSolutionError
        The solution was made for another input.

    Notes
    -----
    Time grows as nodes + pods: static rules are asked once per distinct value, loads are summed by arrays.
    """
    row = _find(cluster, pod, instead_of)
    at = moment(cluster, row, solution)
    read = units(cluster)
    state = State(Others(cluster, read, row, at.where), cluster.node_table, read.devices, at.devices, at.claims)
    asked = subject(cluster.pod(row), device_kinds(cluster.node_table))
    found = rejections(state, asked)
    accepted = first_rules(found, state.count) < 0
    verdicts = Verdicts(state, found, score(state, asked, parse_goals(goals), accepted))
    summary = summarise(found, state.count)
    fits = verdicts.accepted > 0
    return Explanation(
        pod=cluster.pod_table.key(row),
        state=at.text,
        node=cluster.node_table.names[at.node] if at.node >= 0 else None,
        nodes=verdicts,
        summary=summary,
        message="" if fits else message(summary, state.count),
        comparison=None if instead_of is None else _compare(state, asked, verdicts, at, instead_of),
        changes=() if fits else changes(state, asked),
    )


def _find(cluster: Cluster, pod: str, instead_of: str | None) -> int:
    row = cluster.pod_table.index(pod)
    problems = []
    if row < 0:
        problems.append(f"pod is {pod!r}, which the input does not have: give namespace/name of one of its pods")
    if instead_of is not None and cluster.node_table.index(instead_of) < 0:
        problems.append(f"instead_of is {instead_of!r}, which the input does not have: give one of its nodes")
    if problems:
        raise InputError(problems)
    return row


def _compare(state: State, asked: Subject, verdicts: Verdicts, at: Moment, instead_of: str) -> Comparison:
    there = verdicts[state.nodes.index(instead_of)]
    here = verdicts[at.node] if at.node >= 0 else None
    name = here.node if here is not None else None
    if there.rule is not None or here is None or here.rule is not None:
        return Comparison(name, instead_of, there.rule, there.reason, {}, ())
    terms = {
        goal: (here.scores[goal], there.scores[goal], there.scores[goal] - here.scores[goal]) for goal in here.scores
    }
    total = tuple(b - a for a, b in zip(here.total, there.total, strict=True))
    return Comparison(name, instead_of, None, None, terms, total)


def _comparison_lines(comparison: Comparison) -> list[str]:
    if comparison.rule is not None:
        return [f"not {comparison.instead_of}: {comparison.reason}"]
    lines = [
        f"{goal}: {here:g} on {comparison.node}, {there:g} on {comparison.instead_of}, difference {difference:+g}"
        for goal, (here, there, difference) in comparison.terms.items()
    ]
    return lines or [f"{comparison.instead_of} accepts it"]


def _comparison_dict(comparison: Comparison) -> dict[str, Any]:
    terms = {
        goal: {"here": here, "there": there, "difference": difference}
        for goal, (here, there, difference) in comparison.terms.items()
    }
    return {**comparison._asdict(), "terms": terms, "total": list(comparison.total)}
