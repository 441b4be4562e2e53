"""Nodes to add: empty ones like those there are, in the same domains or in new ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from placer.explaining.others import Mask
from placer.explaining.rejections import accepting
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.relation import HOSTNAME
from placer.model.rule import Rule
from placer.model.value import FrozenDict

TRIED = 16
"""Kinds of nodes tried, cheapest first."""
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
LASTING = frozenset({Rule.NodeUnschedulable, Rule.TaintToleration})
"""Rules that a node like another one fails as that one does, whatever its name and domains."""
BY_DOMAIN = frozenset({Rule.PodTopologySpread, Rule.InterPodAffinity, Rule.DomainLimit, Rule.DistinctDomains})
"""Rules for which a new domain may help."""


class Growth(NamedTuple):
    """
    A node to add.

    Attributes
    ----------
    kind
        ``domain`` or ``node``.
    keys
        Topology keys of which it is a new domain.
    state
        With the node, the last one, added.
    """

    kind: str
    text: str
    keys: tuple[str, ...]
    node: Node
    state: State

    @property
    def nodes(self) -> Mask:
        """(nodes,) the new one alone."""
        mask = np.zeros(self.state.count, bool)
        mask[-1] = True
        return mask


def templates(state: State, nodes: Mask) -> list[int]:
    """Rows of different kinds of nodes among these, one a kind, cheapest first."""
    table = state.nodes
    rows = np.flatnonzero(nodes)
    columns = (table.labels.codes, table.taints.codes, state.listed.codes, table.volume_limits.codes)
    parts = [*(column[rows] for column in columns), table.unschedulable[rows], table.price[rows]]
    kinds = np.column_stack([*parts, table.allocatable.table[rows]]).astype(np.int64)
    _, first = np.unique(kinds, axis=0, return_index=True)
    chosen = rows[np.sort(first)]
    return [int(row) for row in chosen[np.argsort(table.price[chosen], kind="stable")]]


def copy_of(state: State, row: int, keys: Sequence[str]) -> Node:
    """A node like that of a row under a new name, in a new domain of each of the keys."""
    cluster, table = state.others.cluster, state.nodes
    like = cluster.node(row)
    taken = {*table.names.tolist(), *state.others.table.unknown_nodes.values()}
    name = next(name for number in range(1, len(taken) + 2) if (name := f"{like.name}-copy-{number}") not in taken)
    labels = dict(like.labels)
    if HOSTNAME in labels:
        labels[HOSTNAME] = name
    for key in keys:
        known = set(state.domains(key).names)
        numbers = range(len(known) + 1, 2 * len(known) + 2)
        labels[key] = next(value for number in numbers if (value := f"{_short(key)}-{number}") not in known)
    return like.model_copy(update={"name": name, "labels": FrozenDict(labels)})


def _short(key: str) -> str:
    return key.rpartition("/")[2]


def _domain_text(state: State, keys: Sequence[str]) -> str:
    """``a third zone``; of several keys ``a third zone and a second rack``."""
    parts = []
    for key in keys:
        count = len(state.domains(key).names)
        parts.append(f"a {ORDINALS[count] if count < len(ORDINALS) else f'{count + 1}th'} {_short(key)}")
    return " and ".join(parts)


def growths(state: State, pod: Subject, promising: Mask, domains: bool = True) -> Iterator[Growth]:
    """
    Nodes that could be added: in a new domain of each key that rules speak of, of all of them, then as they are.

    Parameters
    ----------
    promising
        (nodes,) those whose like is worth adding.
    domains
        Whether new domains are worth it.
    """
    rows = templates(state, promising)[:TRIED]
    keys = _keys(state, pod.pod) if domains else []
    for chosen in [*([key] for key in keys), *([keys] if len(keys) > 1 else [])]:
        for row in rows:
            node = copy_of(state, row, chosen)
            labels = " and ".join(f"{key}={node.labels[key]}" for key in chosen)
            text = f"{_domain_text(state, chosen)}: add a node like {state.nodes.names[row]} with {labels}"
            yield Growth("domain", text, tuple(chosen), node, state.with_node(node, row))
    for row in rows:
        node = copy_of(state, row, ())
        yield Growth("node", f"add a node like {state.nodes.names[row]}", (), node, state.with_node(node, row))


def _keys(state: State, pod: Pod) -> list[str]:
    """Topology keys of rules for which a new domain may help, the hostname left out: a new node is one."""
    keys = [rule.topology_key for rule in pod.topology_spread]
    keys += [rule.topology_key for rule in pod.domain_limits]
    keys += [rule.topology_key for rule in pod.distinct_domains]
    keys += [term.topology_key for term in pod.pod_anti_affinity]
    keys += state.others.opponents(pod)
    return [key for key in dict.fromkeys(keys) if key != HOSTNAME]


def first_that_fits(state: State, pod: Subject) -> list[Growth]:
    """For a new domain of each key, and a node as it is, the first new node that takes the pod."""
    everywhere = ~state.everywhere
    promising = accepting(state, pod, everywhere, LASTING)
    crowded = not accepting(state, pod, everywhere, BY_DOMAIN).all()
    found: dict[tuple[str, ...], Growth] = {}
    for growth in growths(state, pod, promising, crowded):
        if growth.keys in found or (len(growth.keys) > 1 and any((key,) in found for key in growth.keys)):
            continue
        if accepting(growth.state, pod, growth.nodes).any():
            found[growth.keys] = growth
    return list(found.values())
