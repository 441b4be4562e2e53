"""Why pods cannot all be placed: conflicts, each in one sentence with its pods, rules and numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.limit import check_above
from placer.model.cluster import Cluster
from placer.model.table import PENDING

if TYPE_CHECKING:
    from placer.infeasible.check import Clock
    from placer.infeasible.sentence import Headline
    from placer.infeasible.shrink import Core, Shrink
    from placer.solution import Solution

MOST_CONFLICTS = 5
"""Conflicts told of one cluster."""


class Ruling(NamedTuple):
    """A rule that takes part in a conflict: of which pods (``namespace/owner``, or a pod), its name and its words."""

    pods: str
    rule: str
    text: str


@dataclass(frozen=True)
class Conflict:
    """
    Pods that cannot all be placed, and the rules that keep them from it.

    Attributes
    ----------
    pods
        ``namespace/owner``, or a pod → how many of its pods are asked for.
    rules
        Rules of these pods and of others; capacities of nodes and what stands there are facts, and not among them.
    numbers
        What was counted, by name; ``needed`` and ``exist`` of domains, ``asked`` and ``free`` of a resource.
    text
        One sentence: ``default/web needs 5 zones, 3 exist``.
    minimal
        Whether it is proven that without any one of ``pods`` and ``rules`` the rest can be placed.
    by
        What proved that there is no placement: ``CP-SAT`` or ``counting``.
    """

    pods: Mapping[str, int]
    rules: Sequence[Ruling]
    numbers: Mapping[str, Any]
    text: str
    minimal: bool
    by: str

    def to_dict(self) -> dict[str, Any]:
        """The conflict as JSON types."""
        return {
            "text": self.text,
            "pods": dict(self.pods),
            "rules": [rule._asdict() for rule in self.rules],
            "numbers": dict(self.numbers),
            "minimal": self.minimal,
            "by": self.by,
        }


@dataclass(frozen=True)
class Conflicts(Sequence[Conflict]):
    """
    What :func:`conflicts` returns.

    Attributes
    ----------
    found
        No pod is in two of them.
    status
        ``infeasible``: there is no placement of all, and ``found`` says why; ``feasible``: there is one; ``unknown``:
        within the limits neither was proven.
    """

    found: tuple[Conflict, ...]
    status: str

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __iter__(self) -> Iterator[Conflict]:
        return iter(self.found)

    def lines(self) -> list[str]:
        """Each conflict in one line; or what is known without one."""
        if self.found:
            return [
                conflict.text if conflict.minimal else f"{conflict.text} (not proven to be minimal)"
                for conflict in self.found
            ]
        return [KNOWN[self.status]]

    def to_dict(self) -> dict[str, Any]:
        """The conflicts as JSON types."""
        return {"status": self.status, "conflicts": [conflict.to_dict() for conflict in self.found]}


KNOWN = {
    "feasible": "these pods can all be placed",
    "unknown": "whether these pods can all be placed is not known: no proof was found within the limits",
    "infeasible": "these pods cannot all be placed",
}


def conflicts(
    cluster: Cluster,
    pods: Sequence[str] | str | None = None,
    *,
    solution: Solution | None = None,
    time_limit: float | None = 10.0,
    seed: int = 0,
) -> Conflicts:
    """
    Says why pending pods cannot all be placed: minimal sets of pods and rules that conflict.

    Parameters
    ----------
    cluster
        Nodes and pods; nothing in it is changed. What stands stays.
    pods
        ``namespace/name`` of pods: only conflicts that they are part of. All pending pods by default.
    solution
        An answer: asked are ``pods``, by default what it leaves out, together with what it places.
    time_limit
        Wall-clock seconds; ``None`` is no limit.
    seed
        Of CP-SAT.

    Returns
    -------
    Conflicts without a pod in common; of each it is proven that there is no placement, and said whether it is minimal.

    Raises
    ------
    InputError
        A pod that the input does not have, or that stands; a time limit that is not above 0.
    StaleSolutionError
        The solution was made for another input.

    Notes
    -----
    A rule is dropped by encoding the cluster without it, about twice the number of rules of the pods that conflict;
    each such cluster is given to placing, to counting and, up to 10,000 classes × nodes, to CP-SAT.

    Examples
    --------
    >>> import placer as pl
    >>> nodes = [pl.Node(f"n{i}", cpu=4, labels={"topology.kubernetes.io/zone": zone}) for i, zone in enumerate("abc")]
    >>> cluster = pl.Cluster(nodes, [pl.Pod("web", replicas=5, cpu=1, apart="zone")])
    >>> [conflict.text for conflict in pl.conflicts(cluster)]
    ['default/web needs 5 zones, 3 exist']
    """
    check_above("conflicts", "time_limit", time_limit)
    chosen = cluster.pod_table.node == PENDING
    asked = _rows(cluster, [pods] if isinstance(pods, str) else pods)
    if solution is not None:
        chosen = np.zeros(len(chosen), bool)
        chosen[solution.rows(cluster).pod] = True
        if asked is None:
            asked = np.array([cluster.pod_table.index(each.pod) for each in solution.unplaced], np.int64)
    if asked is not None:
        chosen[asked] = True
    from placer.infeasible.check import Clock

    clock = Clock(inf if time_limit is None else time.monotonic() + time_limit)
    return conflicts_of(cluster, chosen, asked, clock, seed)


def _rows(cluster: Cluster, pods: Sequence[str] | None) -> NDArray[np.int64] | None:
    if pods is None:
        return None
    problems, rows = [], []
    for pod in pods:
        row = cluster.pod_table.index(pod)
        if row < 0:
            problems.append(f"pods: {pod!r} is not in the input: give namespace/name of its pods")
        elif cluster.pod_table.node[row] != PENDING:
            problems.append(f"pods: {pod!r} is bound to a node: give pods that are pending")
        rows.append(row)
    if problems:
        raise InputError(problems)
    return np.array(rows, np.int64)


def conflicts_of(
    cluster: Cluster,
    chosen: NDArray[np.bool_],
    asked: NDArray[np.int64] | None,
    clock: Clock,
    seed: int = 0,
) -> Conflicts:
    """
    Conflicts of the pods chosen.

    Parameters
    ----------
    chosen
        (pods,) that are to be placed.
    asked
        Rows: only conflicts with these among their pods, and these first.
    """
    from placer.infeasible.check import Verdict
    from placer.infeasible.groups import groups
    from placer.infeasible.narrow import views
    from placer.infeasible.shrink import Core

    wanted = None
    if asked is not None:
        wanted = np.zeros(len(chosen), bool)
        wanted[asked] = True
    found: list[Conflict] = []
    status = Verdict.feasible
    for view in views(cluster, groups(cluster, chosen), wanted, clock, seed):
        while len(found) < MOST_CONFLICTS:
            core = view.known[0] if view.known else view.shrink.core(view.required)
            if not isinstance(core, Core):
                status = core if view.whole else Verdict.unknown
                break
            conflicting = {each.group for each in core.members if each.part is None}
            view.required = [place for place in view.required if place not in conflicting]
            if not view.wanted.isdisjoint(conflicting):
                view.told = True
                found.append(_conflict(view.shrink, core, view.known[1] if view.known else None))
            if view.known:
                break
    return Conflicts(tuple(found), Verdict.infeasible.value if found else status.value)


def _conflict(shrink: Shrink, core: Core, said: Headline | None) -> Conflict:
    from placer.infeasible.sentence import headline, rule_texts, sentence

    said = said or headline(shrink, core)
    required = sorted(each.group for each in core.members if each.part is None)
    rules = [Ruling(shrink.groups[group].name, part.rule.name, text) for group, part, text in rule_texts(shrink, core)]
    return Conflict(
        pods={shrink.groups[place].name: len(shrink.groups[place].rows) for place in required},
        rules=rules,
        numbers=said.numbers,
        text=sentence(shrink, core, said),
        minimal=core.minimal,
        by=core.by,
    )
