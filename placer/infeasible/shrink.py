"""
From pods that cannot all be placed to a minimal conflict: drop any one member and the rest can be placed.

CP-SAT's sufficient assumptions narrow the groups whose pods must be placed; the rest is deletion (M. Liffiton,
K. Sakallah, "Algorithms for computing minimal unsatisfiable subsets of constraints", J. Automated Reasoning 40, 2008),
of many members at once where that will do (U. Junker, "QuickXplain", AAAI 2004). A rule is dropped by encoding the
cluster without it, so that all that hangs on it goes with it: a selector also narrows the domains of a spread, an
anti-affinity binds both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from placer.explaining.state import REJECTING
from placer.explaining.subject import device_kinds
from placer.infeasible.check import Answer, Clock, Question, Verdict
from placer.infeasible.groups import Group, edited
from placer.infeasible.parts import RULES, Part, parts_of, without
from placer.model.cluster import Cluster

BINDS_OTHERS = frozenset({"anti_affinity", "apart"})
"""Kinds of rules of standing pods that keep others away."""


class Member(NamedTuple):
    """
    What may conflict.

    Attributes
    ----------
    part
        A rule of the group; ``None`` is that all of its pods are placed.
    """

    group: int
    part: Part | None


Members = frozenset[Member]


class Core(NamedTuple):
    """
    A conflict.

    Attributes
    ----------
    minimal
        Whether it is proven that without any one member the rest can be placed.
    by
        What proved that there is no placement.
    """

    members: Members
    minimal: bool
    by: str


class Shrink:
    """
    Conflicts of one cluster.

    Parameters
    ----------
    pending, standing
        Groups whose pods may be required, and groups that stand.
    """

    def __init__(
        self,
        cluster: Cluster,
        pending: Sequence[Group],
        standing: Sequence[Group],
        clock: Clock,
        seed: int = 0,
    ) -> None:
        self.cluster, self.clock, self.seed = cluster, clock, seed
        self.groups = [*pending, *standing]
        self.kinds = device_kinds(cluster.node_table)
        nodes = cluster.node_table
        tainted = bool(nodes.unschedulable.any())
        tainted |= any(taint.effect in REJECTING for listed in nodes.taints.values for taint in listed)
        self.parts = [parts_of(group.pod, self.kinds, tainted) for group in pending]
        self.parts += [
            [part for part in parts_of(group.pod, self.kinds, tainted) if part.kind in BINDS_OTHERS]
            for group in standing
        ]
        self._known: dict[Members, Answer] = {}

    def all_of(self, required: Iterable[int]) -> Members:
        """That the pods of these groups are placed, and all rules of all groups."""
        rules = {Member(group, part) for group, parts in enumerate(self.parts) for part in parts}
        return frozenset(rules | {Member(group, None) for group in required})

    def changed(self, members: Members) -> Cluster:
        """The cluster with the rules that are not members dropped."""
        pods = {}
        for group, parts in enumerate(self.parts):
            dropped = [part for part in parts if Member(group, part) not in members]
            if dropped:
                pods[group] = without(self.groups[group].pod, dropped)
        return edited(self.cluster, pods, self.groups)

    def answer(self, members: Members) -> Answer:
        """Whether the pods of the groups that are members can be placed under the rules that are."""
        if members not in self._known:
            if self.clock.over():
                return Answer(Verdict.unknown, frozenset(), "")
            required = sorted(member.group for member in members if member.part is None)
            question = Question(
                self.changed(members), [self.groups[group].rows for group in required], self.clock, self.seed
            )
            found = question.answer()
            self._known[members] = found._replace(core=frozenset(required[place] for place in found.core))
        return self._known[members]

    def core(self, required: Sequence[int]) -> Core | Verdict:
        """
        A minimal conflict of these groups, or what is known where there is none.

        Parameters
        ----------
        required
            Groups; of two conflicts, that of the earlier ones is looked for.
        """
        members = self.all_of(required)
        found = self.answer(members)
        if found.verdict is not Verdict.infeasible:
            return found.verdict
        smaller = frozenset(each for each in members if each.part is not None or each.group in found.core)
        members = self._reduced(members, sorted(members - smaller))
        last = {group: place for place, group in enumerate(required)}
        placed = [each for each in members if each.part is None]
        members = self._reduced(members, sorted(placed, key=lambda each: -last[each.group]))
        kept = {each.group for each in members if each.part is None}
        members = self._reduced(members, sorted((each for each in members if each.group not in kept), key=_order))
        members = self._reduced(members, sorted((each for each in members if each.part is not None), key=_order))
        while True:
            smaller = members
            for each in sorted(members, key=_order):
                smaller = self._reduced(smaller, [each])
            if smaller == members:
                break
            members = smaller
        minimal = all(self.answer(members - {each}).verdict is Verdict.feasible for each in members)
        return Core(members, minimal, self.answer(members).by)

    def _reduced(self, members: Members, listed: Sequence[Member]) -> Members:
        """The members without those listed that the conflict can do without: all at once, or half by half."""
        if not listed:
            return members
        smaller = members.difference(listed)
        if self.answer(smaller).verdict is Verdict.infeasible:
            return smaller
        if len(listed) == 1:
            return members
        half = len(listed) // 2
        return self._reduced(self._reduced(members, listed[:half]), listed[half:])


def _order(member: Member) -> tuple[int, int, str]:
    """What is tried first to be dropped: rules that are hard to understand, and that pods are placed at last."""
    if member.part is None:
        return len(RULES), -member.group, ""
    return list(RULES).index(member.part.kind), -member.group, member.part.which
