"""Counting bounds: from sums alone, for any placement whatever its rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nodes_bound(capacity: NDArray[np.int64], demand: NDArray[np.int64]) -> int:
    """
    The least number of nodes that can hold a demand.

    Parameters
    ----------
    capacity
        (nodes, resources) base units.
    demand
        (resources,) what all pods together ask for.

    Returns
    -------
    Per resource, nodes taken largest first until the demand is covered; the largest of these. All nodes where even
    they do not cover it. O(nodes log nodes × resources).
    """
    least = 0
    for resource in range(capacity.shape[1]):
        if demand[resource] <= 0:
            continue
        covered = np.cumsum(np.sort(capacity[:, resource])[::-1])
        least = max(least, int(np.searchsorted(covered, demand[resource])) + 1)
    return min(least, len(capacity))


def unplaced_bound(capacity: NDArray[np.int64], need: NDArray[np.int64], count: NDArray[np.int64]) -> int:
    """
    How many pods no placement can place, as far as counting proves.

    Parameters
    ----------
    capacity
        (nodes, resources) base units.
    need, count
        (classes, resources) request of one pod, and (classes,) how many there are.

    Returns
    -------
    Pods larger than every node, plus, of the others, the most over resources of those that are left when the smallest
    are taken first until the cluster's sum is used up. O(classes × nodes) in the worst case for the first part, where
    a class is not covered by the largest amounts of one node.
    """
    if not len(need):
        return 0
    fits = np.zeros(len(need), bool)
    distinct = np.unique(capacity, axis=0) if len(capacity) else np.zeros((0, need.shape[1]), np.int64)
    for node in distinct[np.argsort(-distinct.sum(axis=1, dtype=np.float64), kind="stable")]:
        open_classes = np.flatnonzero(~fits)
        if not len(open_classes):
            break
        fits[open_classes] = (need[open_classes] <= node).all(axis=1)
    too_large = int(count[~fits].sum())
    total = capacity.sum(axis=0)
    left = 0
    for resource in range(need.shape[1]):
        order = np.argsort(need[:, resource], kind="stable")
        order = order[fits[order]]
        amounts, pods = need[order, resource], count[order]
        before = np.cumsum(amounts * pods) - amounts * pods
        room = np.maximum(total[resource] - before, 0)
        taken = np.where(amounts > 0, np.minimum(pods, room // np.maximum(amounts, 1)), pods)
        left = max(left, int((pods - taken).sum()))
    return too_large + left
