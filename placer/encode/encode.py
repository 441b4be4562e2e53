"""Encodes a cluster: model in, arrays and the way back out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.claims import find_waits
from placer.encode.classes import encode_classes
from placer.encode.costs import Weighed, no_costs
from placer.encode.devices import encode_units, vocabulary
from placer.encode.groups import Identities
from placer.encode.nodes import StaticLayout, encode_nodes
from placer.encode.problem import Problem, Ranking
from placer.encode.ranking import encode_ranking, no_ranking
from placer.encode.resources import Resources, encode_resources
from placer.encode.rules import Rules, encode_rules
from placer.encode.statics import StaticNodes, mentions, static_pods
from placer.model.cluster import Cluster
from placer.model.profile import FILTERS, AddedAffinity, Profile
from placer.model.relation import topology_key
from placer.model.table import PENDING
from placer.model.units import units


class Encoded(NamedTuple):
    """
    A problem and how its numbers relate to the cluster.

    Attributes
    ----------
    class_of_pod
        (pods,) int32; -1 for pods that are never placed (gated, unsupported) or stand nowhere.
    position
        (nodes,) int32: internal place of each table row.
    resources
        Names of the rows of ``capacity``.
    kinds
        Names of device kinds.
    pending, standing
        Rows of pods to place, and of pods that stand.
    standing_node
        Table row of the node of each pod that stands.
    statics
        The nodes as static rules see them.
    ranking
        The columns of the profile, where one ranks.
    claims, volumes
        (namespace, name) of claims that wait, and names of what they may be bound to.
    weighed
        The terms of goals behind ``problem.costs``.
    """

    problem: Problem
    class_of_pod: NDArray[np.int32]
    position: NDArray[np.int32]
    resources: list[str]
    kinds: list[str]
    pending: NDArray[np.int32]
    standing: NDArray[np.int32]
    standing_node: NDArray[np.int32]
    statics: StaticNodes
    ranking: Ranking
    claims: list[tuple[str, str]]
    volumes: list[str]
    weighed: Sequence[Weighed] = ()


def encode(
    cluster: Cluster,
    *,
    preferences: bool = False,
    profile: Profile | None = None,
    told_apart: NDArray[np.int32] | None = None,
    keys: Collection[str] = (),
) -> Encoded:
    """
    Encodes a cluster.

    Parameters
    ----------
    cluster
        Nodes and pods.
    preferences
        Whether soft rules are wanted; they cost nothing otherwise.
    profile
        The scheduler's profile whose scores rank nodes; ``None`` where goals place.
    told_apart
        (pods,) pods with different codes are of different classes, whatever else they have in common.
    keys
        Further topology keys of few domains, which nodes of one segment share: terms over them cost least so.

    Returns
    -------
    Arrays of size pods + nodes + classes. Time is linear in pods and nodes, plus distinct rules × node segments, plus
    what selectors pick; memory likewise, and signatures × segments for eligibility.
    """
    pods = cluster.pod_table
    fields = pods.fields
    counted = units(cluster)
    resources: Resources = encode_resources(cluster, counted, profile)
    topology = {
        rule.topology_key
        for field in (
            "pod_affinity",
            "pod_anti_affinity",
            "topology_spread",
            "domain_limits",
            "distinct_domains",
            "domain_shares",
        )
        for listed in fields[field].values
        for rule in listed
    } | {wish.term.topology_key for listed in fields["preferred_pods"].values for wish in listed}
    topology |= {topology_key(key) for key in keys}
    if profile is not None:
        topology |= {constraint.topology_key for constraint in profile.default_spread}
    off = frozenset(FILTERS) - frozenset(profile.filters) if profile is not None else frozenset()
    added = profile.added_affinity if profile is not None else AddedAffinity()
    static_nodes = StaticNodes(cluster, mentions(fields, topology, added), [*_has(resources)], off, added.required)
    statics = static_pods(fields, len(pods))
    waits = find_waits(cluster, ignored="VolumeBinding" in off)
    placeable = _placeable(cluster)
    rules: Rules = encode_rules(
        cluster, Identities(cluster), static_nodes, resources, placeable, soft=preferences, profile=profile
    )
    layout: StaticLayout = encode_nodes(cluster, static_nodes, resources, rules.keys)
    words = vocabulary(
        counted.devices.values, counted.needs.values, numa=any(policy for policy in fields["numa"].values)
    )
    classes, class_of_pod = encode_classes(
        cluster,
        counted,
        resources,
        static_nodes,
        statics,
        rules,
        layout,
        words,
        placeable,
        preferences,
        waits,
        profile is not None,
        told_apart,
    )
    problem = Problem(
        nodes=layout.nodes,
        units=encode_units(counted.devices.take(layout.nodes.row), words),
        classes=classes.classes,
        terms=classes.terms,
        counters=rules.counters(layout),
        claims=classes.claims,
        costs=no_costs(len(classes.classes.priority), len(layout.nodes.row)),
    )
    ranking = no_ranking()
    if profile is not None:
        first_pod = np.flatnonzero(class_of_pod >= 0)
        first_pod = first_pod[np.unique(class_of_pod[first_pod], return_index=True)[1]]
        ranking = encode_ranking(cluster, profile, resources, static_nodes, rules, layout, first_pod)
    return Encoded(
        problem=problem,
        class_of_pod=class_of_pod,
        position=layout.position,
        resources=resources.names,
        kinds=list(words.kinds),
        pending=np.flatnonzero(placeable & (pods.node == PENDING)).astype(np.int32),
        standing=np.flatnonzero(pods.node >= 0).astype(np.int32),
        standing_node=pods.node[pods.node >= 0],
        statics=static_nodes,
        ranking=ranking,
        claims=waits.names,
        volumes=[volume.name for volume in classes.volumes],
    )


def _has(resources: Resources) -> list[NDArray[np.bool_]]:
    """(nodes,) per resource: whether the node has any, so that a segment has the same load dimensions throughout."""
    return [row > 0 for row in resources.capacity]


def _placeable(cluster: Cluster) -> NDArray[np.bool_]:
    """(pods,) that may stand: neither gated, unsupported, nor bound to a node that is not there."""
    pods = cluster.pod_table
    allowed = np.ones(len(pods), bool)
    for field in ("scheduling_gates", "unsupported"):
        column = pods[field]
        blocked = np.array([bool(value) for value in column.values], bool)[column.codes] if len(pods) else allowed[:0]
        allowed &= ~(blocked & (pods.node == PENDING))
    return allowed & (pods.node >= PENDING)
