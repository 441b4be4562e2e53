"""What rankings count of pods around a node: soft topology spread, preferred affinity of both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from placer.encode.groups import NOBODY, Picked, pick_affinity, pick_spread
from placer.encode.terms import NODE_KEY, SoftSpread, TermBook, carriers, spread_mask
from placer.model.profile import Profile
from placer.model.relation import HOSTNAME, SpreadConstraint


def default_constraints(book: TermBook, profile: Profile, when: str) -> Iterator[tuple[int, list[SpreadConstraint]]]:
    """
    Rule rows without constraints of their own, with those of the profile over their siblings.

    Kubernetes, "Pod Topology Spread Constraints", "Cluster-level default constraints".
    """
    chosen = [constraint for constraint in profile.default_spread if constraint.when_unsatisfiable == when]
    fields = book.cluster.pod_table.fields
    if not chosen or all(value is None for value in fields["siblings"].values):
        return
    for row, pod in enumerate(book.rows.first.tolist()):
        siblings = fields["siblings"][pod]
        if siblings is not None and not fields["topology_spread"][pod]:
            yield row, [constraint.model_copy(update={"selector": siblings}) for constraint in chosen]


def compile_soft_spread(book: TermBook, profile: Profile) -> None:
    """The soft constraints of every rule row, its own or the profile's."""
    for row, own in carriers(book, "topology_spread"):
        soft = [constraint for constraint in own if constraint.when_unsatisfiable == "ScheduleAnyway"]
        _add_spread(book, row, soft, all_keys=True)
    for row, constraints in default_constraints(book, profile, "ScheduleAnyway"):
        _add_spread(book, row, constraints, all_keys=not profile.system_spread)


def _add_spread(book: TermBook, row: int, constraints: list[SpreadConstraint], all_keys: bool) -> None:
    if not constraints:
        return
    namespace, labels = book.own(row)
    pod = int(book.rows.first[row])
    keys = tuple(constraint.topology_key for constraint in constraints) if all_keys else ()
    found = []
    for constraint in constraints:
        picked = pick_spread(namespace, labels, constraint)
        by_node = constraint.topology_key == HOSTNAME
        if by_node:
            counter = book.picked(picked, NODE_KEY)
        else:
            counter = book.picked(
                picked, constraint.topology_key, book.eligible_set(spread_mask(book, constraint, pod, keys))
            )
        found.append((counter, book.keys.index(constraint.topology_key), constraint.max_skew, by_node))
    book.spreads[row] = SoftSpread(tuple(found), all_keys)


def compile_pulls(book: TermBook, profile: Profile) -> None:
    """
    Preferred affinity: of the arriving pod, of pods that stand, and required affinity of pods that stand.

    Kubernetes, "Inter-pod affinity and anti-affinity", and InterPodAffinityArgs.
    """
    others: dict[tuple[Picked, str, int], list[int]] = {}
    wishing: set[int] = set()
    for row, listed in carriers(book, "preferred_pods"):
        wishing.add(row)
        for wish in listed:
            picked = _picked(book, row, wish.term)
            if picked is not NOBODY:
                book.pulls[row].append((book.picked(picked, wish.term.topology_key), wish.weight))
                picked = _picked(book, row, wish.term, carried=True)
                others.setdefault((picked, wish.term.topology_key, wish.weight), []).append(row)
    for row, listed in carriers(book, "pod_affinity") if profile.hard_affinity_weight else ():
        for term in listed:
            picked = _picked(book, row, term, carried=True)
            if picked is not NOBODY:
                others.setdefault((picked, term.topology_key, profile.hard_affinity_weight), []).append(row)
    for (picked, key, weight), rows in others.items():
        members = book.members(picked).tolist()
        _add_pulls(
            book, [row for row in members if row in wishing or not profile.ignores_preferred_terms], key, weight, rows
        )


def _add_pulls(book: TermBook, members: list[int], key: str, weight: int, rows: list[int]) -> None:
    """Pods that carry a term pull those that it picks; one that carries the same term twice pulls twice."""
    carried = np.bincount(np.array(rows, np.int64))
    for times in np.unique(carried[carried > 0]).tolist():
        counter = book.counter(key, np.flatnonzero(carried == times).astype(np.int32))
        for row in members:
            book.pulls[row].append((counter, weight * times))


def _picked(book: TermBook, row: int, term: Any, carried: bool = False) -> Picked:
    namespace, labels = book.own(row)
    return pick_affinity(book.cluster, namespace, labels, term, carried=carried)
