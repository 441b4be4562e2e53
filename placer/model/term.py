"""
Terms: what goals are made of.

A goal is a function from a cluster to terms. A term is a cost of where pods stand, stated over rows of the cluster's
tables in plain arrays; it is counted on the final state, for the pods that stood already and for those that were
placed. The kinds are few and closed: every engine and ``verify`` know all of them, so that a new goal is a new function
and nothing else. All are minimised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NODE = "node"
"""The key whose domains are the nodes themselves."""
FORMULAS = ("any", "linear", "squares", "above", "max", "variance")


class Measure(NamedTuple):
    """
    What pods add up to in each domain of a topology key, in all or group by group.

    Attributes
    ----------
    amount
        (pods,) int64, at least 0: what each pod adds where it stands.
    scale
        (nodes,) float64: what one unit of it is worth in the node's domain, such as 1 / allocatable; nodes of one
        domain have one value.
    group
        (pods,) int32 from 0 on: sums are kept per group and domain. ``None`` is one group of all pods.
    """

    amount: NDArray[np.int64]
    scale: NDArray[np.float64]
    group: NDArray[np.int32] | None = None


class Load(NamedTuple):
    """
    A function of what stands in each domain: v is the sum of the measures there, each with its scale.

    Attributes
    ----------
    name
        Short, for reports.
    measures
        All with the same groups.
    formula
        ``any``: weight where v is above 0; ``linear``: weight × v; ``squares``: weight × v²; ``above``:
        weight × max(0, v - threshold). Summed over domains and groups. ``max``: the largest weight × v;
        ``variance``: mean of v² less the square of the mean of v, over domains of weight above 0, times ``factor``
        alone; both of all groups together.
    weight
        (nodes,) float64, at least 0, one value a domain; 0 leaves the domain out.
    key
        The topology key whose domains are meant; ``"node"`` is each node by itself. Nodes without the key count
        nowhere.
    factor
        Times all of it; may be below 0.
    """

    name: str
    measures: tuple[Measure, ...]
    formula: str
    weight: NDArray[np.float64]
    key: str = NODE
    threshold: float = 0.0
    factor: float = 1.0
    constant: float = 0.0


class Pairs(NamedTuple):
    """
    Pairs of pods in one domain: factor × first × second, summed over domains and groups, plus a constant.

    Attributes
    ----------
    first, second
        With the same groups; scales are not looked at.
    weight
        (nodes,) float64, one value a domain: 0 leaves the domain out.
    """

    name: str
    first: Measure
    second: Measure
    weight: NDArray[np.float64]
    key: str = NODE
    factor: float = 1.0
    constant: float = 0.0


class Preference(NamedTuple):
    """
    What it costs each pod to stand on each node.

    Attributes
    ----------
    row
        (pods,) int32: which row of ``cost``, -1 for pods that it does not concern.
    cost
        (rows, nodes) float64, of either sign. Memory is rows × nodes: keep rows few.
    """

    name: str
    row: NDArray[np.int32]
    cost: NDArray[np.float64]
    factor: float = 1.0


class Room(NamedTuple):
    """
    Room for more pods of one shape: factor × how many of the ``copies`` that are wanted would find no place.

    A node takes as many as all of what it has free of each resource allows; rules between pods, taints and devices are
    not asked.

    Attributes
    ----------
    requests
        In base units, by resource.
    nodes
        (nodes,) bool: where room counts.
    """

    name: str
    requests: Mapping[str, int]
    copies: int
    nodes: NDArray[np.bool_]
    factor: float = 1.0


class Fragmentation(NamedTuple):
    """GPU thousandths that a typical pod cannot use (Weng et al., USENIX ATC 2023), summed over nodes."""

    name: str = "fragmentation"
    factor: float = 1.0


class Wishes(NamedTuple):
    """What the wishes of the pods lose: preferred nodes and pods, soft taints, soft spread and shares, NUMA zones."""

    name: str = "wishes"
    factor: float = 1.0


Term = Load | Pairs | Preference | Room | Fragmentation | Wishes
