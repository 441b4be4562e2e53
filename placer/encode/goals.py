"""Goals as factors: what the kernels weigh when they score a node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from placer.encode.costs import TIER_STEP
from placer.encode.encode import Encoded
from placer.encode.problem import UNLIMITED, Goals, Problem
from placer.encode.resources import LOAD
from placer.goals.registry import COLUMNS

SPARE = 0.021
"""How many more nodes than the demand asks for pack means to fill, as a share of them, rounded down."""
DEVICE_FACTOR = (0.2, 0.3, 0.3)
MOST_TYPICAL = 256
"""Typical pods that fragmentation scores against, most popular first."""
GPU = "nvidia.com/gpu"


def encode_goals(
    encoded: Encoded, tiers: Sequence[Sequence[tuple[str, float]]], pods_of_class: NDArray[np.int64]
) -> Goals:
    """
    Factors and tables for scoring.

    Parameters
    ----------
    tiers
        (goal, weight) pairs, most important tier first: goals that the kernels know by a column.
    pods_of_class
        (classes,) pods that stand or are pending.
    """
    problem = encoded.problem
    weight = np.zeros(len(COLUMNS))
    for rank, tier in enumerate(tiers):
        for name, factor in tier:
            weight[COLUMNS[name]] += factor * TIER_STEP**rank
    if not weight.any() and encoded.ranking.strategy[0] < 0 and not problem.costs.place.any():
        weight[COLUMNS["pack"]] = 1.0
    load = [index for index, name in enumerate(encoded.resources) if name in LOAD or name.startswith("device:")]
    squared = [index for index, name in enumerate(encoded.resources) if name in LOAD]
    gpu = encoded.kinds.index(GPU) if GPU in encoded.kinds else -1
    typical, share = _typical(problem, pods_of_class, weight[COLUMNS["fragmentation"]] > 0 and gpu >= 0)
    demand = pods_of_class @ problem.classes.need
    used = np.zeros(len(problem.nodes.row), bool)
    used[encoded.position[encoded.standing_node]] = True
    return Goals(
        weight=weight,
        load=np.array(load, np.int32),
        squared=np.array(squared, np.int32),
        opening=opening_costs(problem, demand, np.array(load, np.int32), used),
        device_factor=np.array(DEVICE_FACTOR),
        gpu_kind=np.array([gpu], np.int32),
        typical_class=typical,
        typical_share=share,
        ranking=encoded.ranking,
    )


def opening_costs(
    problem: Problem, demand: NDArray[np.int64], load: NDArray[np.int32], used: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """
    (nodes,) what pack charges for using an empty node: 0 for those it means to fill, more for the dearer others.

    Meant are the nodes in use, then nodes cheapest per amount first, until they cover the demand in every load
    resource, the resource that fewest nodes have first, and about 2 % more. Charges only order nodes; the objective
    counts prices.

    Parameters
    ----------
    demand
        (resources,) what all pods ask for, standing ones included.
    load
        Rows of ``capacity`` whose load counts.
    used
        (nodes,) whether pods stand there already.
    """
    nodes = problem.nodes
    count = len(nodes.price)
    if not count:
        return np.zeros(0)
    capacity = np.where(nodes.capacity < UNLIMITED, nodes.capacity, 0)
    total = np.maximum(capacity.sum(axis=1), 1)
    pressure = np.array([demand[r] / total[r] for r in range(len(total))])
    price = np.maximum(nodes.price, 1)
    worth = sum((capacity[r] / total[r] * pressure[r] for r in load.tolist()), np.zeros(count))
    meant = used.copy()
    order_of_all = np.lexsort((-worth / price,))
    for resource in sorted(load.tolist(), key=lambda r: int((capacity[r] > 0).sum())):
        value = capacity[resource] / price
        order = np.lexsort((-worth / price, -value))
        wanted = demand[resource] - capacity[resource][meant].sum()
        if wanted <= 0:
            continue
        rest = order[~meant[order]]
        reach = np.cumsum(capacity[resource][rest])
        taken = int(np.searchsorted(reach, wanted)) + 1
        meant[rest[: taken + int(SPARE * (taken + meant.sum()))]] = True
    charge = np.zeros(count)
    rank = np.empty(count)
    rank[order_of_all] = np.arange(count)
    charge[~meant] = 10.0 * (price[~meant] / price.max()) + rank[~meant] / count
    return charge


def _typical(
    problem: Problem, pods_of_class: NDArray[np.int64], wanted: bool
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Classes that stand for the typical pods, and their popularity; classes alike in requests and needs are one."""
    if not wanted:
        return np.zeros(0, np.int32), np.zeros(0)
    classes = problem.classes
    index: dict[bytes, int] = {}
    first: list[int] = []
    popularity: list[int] = []
    for pod_class, pods in enumerate(pods_of_class.tolist()):
        a, b = classes.unit_start[pod_class], classes.unit_start[pod_class + 1]
        key = b"".join(
            part.tobytes()
            for part in (
                classes.need[pod_class],
                classes.unit_kind[a:b],
                classes.unit_count[a:b],
                classes.unit_amount[a:b],
                classes.unit_where[a:b],
            )
        )
        if key not in index:
            index[key] = len(first)
            first.append(pod_class)
            popularity.append(0)
        popularity[index[key]] += pods
    counts = np.array(popularity, np.float64)
    keep = np.argsort(-counts, kind="stable")[:MOST_TYPICAL]
    return np.array(first, np.int32)[keep], counts[keep] / counts.sum()
