"""Nodes in internal order, with capacities and the domains they stand in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import UNLIMITED, Nodes
from placer.encode.resources import LOAD, Resources
from placer.encode.statics import StaticNodes
from placer.encode.terms import Keys
from placer.model.cluster import Cluster

BLOCK = 64
"""Nodes whose best score is kept together."""
SPAN = 32
"""Blocks whose best score is kept together."""


class StaticLayout(NamedTuple):
    """
    Nodes in internal order.

    Attributes
    ----------
    position
        (nodes,) int32: internal place of each table row.
    kind_segment
        (kinds,) int32: the segment of each kind of node.
    """

    nodes: Nodes
    position: NDArray[np.int32]
    kind_segment: NDArray[np.int32]


def encode_nodes(cluster: Cluster, statics: StaticNodes, resources: Resources, keys: Keys) -> StaticLayout:
    """Lays the nodes out: kinds become segments in order of first appearance, input order within."""
    table = cluster.node_table
    count = len(table)
    row = np.argsort(statics.kind, kind="stable").astype(np.int32)
    position = np.empty(count, np.int32)
    position[row] = np.arange(count, dtype=np.int32)
    segments = len(statics)
    segment = statics.kind[row]
    start = np.searchsorted(segment, np.arange(segments + 1)).astype(np.int32)
    blocks = -(-np.diff(start) // BLOCK)
    block_start = np.zeros(segments + 1, np.int32)
    np.cumsum(blocks, out=block_start[1:])
    span_start = np.zeros(segments + 1, np.int32)
    np.cumsum(-(-blocks // SPAN), out=span_start[1:])
    capacity = np.ascontiguousarray(resources.capacity[:, row])
    loaded = np.array([name in LOAD or name.startswith("device:") for name in resources.names], bool)
    scale = np.zeros(capacity.shape, np.float64)
    usable = loaded[:, None] & (capacity > 0) & (capacity < UNLIMITED)
    scale[usable] = 1.0 / capacity[usable]
    domain, by_segment, domain_start, domain_nodes, domains = _domains(keys, row, start)
    nodes = Nodes(
        row=row,
        capacity=capacity,
        scale=scale,
        price=np.ascontiguousarray(table.price[row]),
        segment=segment,
        segment_start=start,
        block_start=block_start,
        span_start=span_start,
        domain=domain,
        by_segment=by_segment,
        domain_start=domain_start,
        domain_nodes=domain_nodes,
        domains=domains,
    )
    return StaticLayout(nodes, position, np.arange(segments, dtype=np.int32))


def _domains(
    keys: Keys, row: NDArray[np.int32], start: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    count = len(row)
    domain = np.full((len(keys.names), count), -1, np.int32)
    domains = np.zeros(len(keys.names), np.int32)
    by_segment = np.zeros(len(keys.names), bool)
    for key, name in enumerate(keys.names):
        domain[key] = keys.domains(name)[0][row]
        domains[key] = int(domain[key].max(initial=-1)) + 1
        same = np.ones(count, bool)
        same[1:] = domain[key][1:] == domain[key][:-1]
        same[start[:-1][start[:-1] < count]] = True
        by_segment[key] = bool(same.all()) and int(domains[key]) * 2 <= max(count, 8)
    most = int(domains.max(initial=0))
    domain_start = np.zeros((len(keys.names), most + 1), np.int32)
    domain_nodes = np.zeros((len(keys.names), count), np.int32)
    for key in range(len(keys.names)):
        order = np.argsort(np.where(domain[key] < 0, most, domain[key]), kind="stable")
        domain_nodes[key] = order
        sizes = np.bincount(domain[key][domain[key] >= 0], minlength=most)
        domain_start[key, 1:] = np.cumsum(sizes)
    return domain, by_segment, domain_start, domain_nodes, domains
