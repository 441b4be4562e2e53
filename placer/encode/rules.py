"""All group × domain rules of a cluster, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.groups import Identities
from placer.encode.nodes import StaticLayout
from placer.encode.problem import Counters
from placer.encode.ranked_rules import compile_pulls, compile_soft_spread, default_constraints
from placer.encode.resources import Resources
from placer.encode.statics import StaticNodes
from placer.encode.terms import (
    NODE_KEY,
    Keys,
    RuleRows,
    TermBook,
    compile_affinity,
    compile_anti_affinity,
    compile_apart,
    compile_disks,
    compile_domain_rules,
    compile_ports,
    compile_single_holders,
    compile_spread,
    compile_wishes,
    rule_rows,
)
from placer.model.cluster import Cluster
from placer.model.profile import Profile


class Rules(NamedTuple):
    """
    Compiled rules.

    Attributes
    ----------
    rows
        Which rule row each pod has.
    book
        Terms per rule row, and counters.
    volume_counters
        Per shared volume, the counter of its holders per node.
    """

    rows: RuleRows
    book: TermBook
    volume_counters: dict[int, int]

    @property
    def keys(self) -> Keys:
        """The topology keys in use."""
        return self.book.keys

    def counters(self, layout: StaticLayout) -> Counters:
        """The counters as arrays."""
        book = self.book
        segments = len(layout.nodes.segment_start) - 1
        eligible = np.zeros((len(book.eligible_sets), segments), bool)
        for row, mask in enumerate(book.eligible_sets):
            eligible[row, layout.kind_segment] = mask
        key = np.array([counter[0] for counter in book.counters], np.int32)
        sets = np.array([counter[1] for counter in book.counters], np.int32)
        domains = np.zeros(len(key), np.int32)
        known: dict[tuple[int, int], int] = {}
        for index, pair in enumerate(zip(key.tolist(), sets.tolist(), strict=True)):
            if pair not in known:
                known[pair] = _domains_of(layout, eligible, *pair)
            domains[index] = known[pair]
        return Counters(key=key, eligible=sets, eligible_segment=eligible, domains=domains)


def _domains_of(layout: StaticLayout, eligible: NDArray[np.bool_], key: int, chosen: int) -> int:
    """How many domains of a key have a node of the set."""
    nodes = layout.nodes
    domain = nodes.domain[key]
    if chosen >= 0:
        domain = domain[eligible[chosen][nodes.segment]]
    return len(np.unique(domain[domain >= 0]))


def encode_rules(
    cluster: Cluster,
    identities: Identities,
    nodes: StaticNodes,
    resources: Resources,
    placeable: NDArray[np.bool_],
    *,
    soft: bool,
    profile: Profile | None = None,
) -> Rules:
    """
    Compiles the rules; soft ones where they are wanted, and what a profile ranks by.

    Time grows with distinct rules and what they pick.
    """
    rows = rule_rows(cluster, identities, resources.shared_of, soft, ranked=profile is not None)
    book = TermBook(cluster, identities, rows, nodes)
    pods_of_row = np.bincount(rows.of_pod[placeable], minlength=len(rows.first)).astype(np.int64)
    compile_ports(book)
    compile_disks(book)
    defaults = default_constraints(book, profile, "DoNotSchedule") if profile else ()
    compile_spread(book, soft, defaults, ghosts=profile is not None)
    compile_affinity(book)
    compile_anti_affinity(book)
    compile_apart(book)
    compile_domain_rules(book, pods_of_row, soft)
    if soft:
        compile_wishes(book)
    if profile is not None:
        compile_soft_spread(book, profile)
        compile_pulls(book, profile)
    holders: dict[int, list[int]] = {}
    single: dict[int, list[int]] = {}
    for row, code in enumerate(resources.shared_of[rows.first].tolist()):
        for volume, resource, alone in resources.shared_lists[code]:
            if resource >= 0:
                holders.setdefault(volume, []).append(row)
            if alone:
                single.setdefault(volume, []).append(row)
    compile_single_holders(book, single)
    volume_counters = {
        volume: book.counter(NODE_KEY, np.unique(np.array(rows_of, np.int32))) for volume, rows_of in holders.items()
    }
    return Rules(rows, book, volume_counters)
