"""
placer's own goals.

Each is a function from a cluster, and options by keyword, to terms: what a user's own goal looks like as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.goals.narrow import Mask, nodes_of, pods_of
from placer.goals.quantities import allocatable, device_kinds, group_by, requested, share
from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT
from placer.model.term import NODE, Fragmentation, Load, Measure, Pairs, Room, Term, Wishes

LOADS = ("cpu", "memory")
COMFORTABLE = 0.8
"""Load up to which headroom costs nothing."""
INNER = 1e-3
"""What spread over the domains of each further key weighs, beside those of the key before."""


def pack(cluster: Cluster, resources: Any = None, nodes: Any = None, pods: Any = None) -> list[Term]:
    """
    The price of nodes that hold any pod.

    Parameters
    ----------
    resources
        Only pods that ask for any of these count.
    """
    price = cluster.node_table.price / PRICE_UNIT
    return [_used("pack", cluster, price, resources, nodes, pods)]


def nodes_used(cluster: Cluster, resources: Any = None, nodes: Any = None, pods: Any = None) -> list[Term]:
    """The number of nodes that hold any pod; ``resources`` as for pack."""
    return [_used("nodes", cluster, np.ones(len(cluster.node_table)), resources, nodes, pods)]


def _used(name: str, cluster: Cluster, weight: NDArray[np.float64], resources: Any, nodes: Any, pods: Any) -> Load:
    counted = pods_of(cluster, pods)
    if resources is not None:
        asking = [requested(cluster, resource) > 0 for resource in _names(cluster, resources)]
        counted = counted & np.logical_or.reduce(asking)
    one = Measure(counted.astype(np.int64), np.ones(len(cluster.node_table)))
    return Load(name, (one,), "any", np.where(nodes_of(cluster, nodes), weight, 0.0))


def balance(
    cluster: Cluster,
    formula: str = "squares",
    between: str = "nodes",
    key: str = NODE,
    resources: Any = LOADS,
    nodes: Any = None,
    pods: Any = None,
) -> list[Term]:
    """
    Even load.

    Parameters
    ----------
    formula
        Between nodes, resource by resource, u being used / allocatable: ``squares``: sum of u²; ``linear``: sum of what
        u is above the load of all nodes if every pod is placed; ``max``: the largest u; ``variance`` of u.
    between
        ``nodes``; or ``resources``: per node the variance of u over the resources, summed.
    key
        Domains in place of nodes: ``zone``, ``rack``, any label; used and allocatable are then the domain's.
    """
    names, among = _names(cluster, resources), nodes_of(cluster, nodes)
    chosen = {
        "formula": (formula, ("squares", "linear", "max", "variance")),
        "between": (between, ("nodes", "resources")),
    }
    for option, (value, choices) in chosen.items():
        if value not in choices:
            raise InputError(f"goals: balance: {option} is {value!r}: choose among {', '.join(choices)}")
    shares = [share(cluster, resource, key, among, pods) for resource in names]
    if between == "resources":
        return _between_resources(names, shares, among, key)
    # A node that has nothing of a resource is left out: its load is no number.
    found: list[Term] = []
    for name, measure in zip(names, shares, strict=True):
        has = (among & (measure.scale > 0)).astype(np.float64)
        if formula == "linear":
            mean = _mean_load(cluster, name, among, measure)
            found.append(Load(name, (measure,), "above", has, key, threshold=mean))
        else:
            found.append(Load(name, (measure,), formula, has, key))
    return found


def _choose(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InputError(f"goals: balance: {option} is {value!r}: choose among {', '.join(choices)}")


def _between_resources(names: Sequence[str], shares: Sequence[Measure], among: Mask, key: str) -> list[Term]:
    """Mean of squares less the square of the mean, per node: for a node with all of the resources."""
    has = (among & np.logical_and.reduce([measure.scale > 0 for measure in shares])).astype(np.float64)
    many = len(names)
    squares = [
        Load(name, (measure,), "squares", has, key, factor=1.0 / many)
        for name, measure in zip(names, shares, strict=True)
    ]
    return [*squares, Load("mean", tuple(shares), "squares", has, key, factor=-1.0 / many**2)]


def _mean_load(cluster: Cluster, resource: str, among: Mask, measure: Measure) -> float:
    """What all pods ask for, over what the nodes have."""
    have = int(np.maximum(allocatable(cluster, resource), 0)[among].sum())
    return float(measure.amount.sum()) / have if have else 0.0


def headroom(
    cluster: Cluster, above: float = COMFORTABLE, resources: Any = LOADS, nodes: Any = None, pods: Any = None
) -> list[Term]:
    """
    Load above a comfortable one.

    Parameters
    ----------
    above
        Of used / allocatable, from 0 to 1.
    """
    if not isinstance(above, (int, float)) or not 0 <= above <= 1:
        raise InputError(f"goals: headroom: above is {above!r}: give a number from 0 to 1")
    among = nodes_of(cluster, nodes)
    found: list[Term] = []
    for resource in _names(cluster, resources):
        measure = share(cluster, resource, NODE, among, pods)
        has = (among & (measure.scale > 0)).astype(np.float64)
        found.append(Load(resource, (measure,), "above", has, threshold=float(above)))
    return found


def fragmentation(cluster: Cluster) -> list[Term]:
    """GPU thousandths that a typical pod cannot use."""
    return [Fragmentation()]


def preferences(cluster: Cluster) -> list[Term]:
    """What the wishes of pods lose."""
    return [Wishes()]


def spread(
    cluster: Cluster, key: Any = "zone", by: str | None = None, nodes: Any = None, pods: Any = None
) -> list[Term]:
    """
    Pods of a controller apart.

    Parameters
    ----------
    key
        Whose domains; several are nested, ``["zone", "rack"]``: each further one weighs a thousandth.
    by
        A label whose values tell groups apart; without it pods of one controller, or of one name, are a group.
    """
    group, size = group_by(cluster, by, pods_of(cluster, pods))
    among = nodes_of(cluster, nodes).astype(np.float64)
    one = Measure((size > 1).astype(np.int64), np.ones(len(among)), group)
    keys = [key] if isinstance(key, str) else list(key)
    return [Load(each, (one,), "squares", among, each, factor=INNER**rank) for rank, each in enumerate(keys)]


def room(cluster: Cluster, copies: int = 1, like: str | None = None, nodes: Any = None, pods: Any = None) -> list[Term]:
    """
    Room for more pods.

    Parameters
    ----------
    copies
        How many more pods are to find room at once.
    like
        A pod by name, of whose size they are; without it the largest one, by its largest share of what the cluster has.
    """
    if isinstance(copies, bool) or not isinstance(copies, int) or copies < 1:
        raise InputError(f"goals: room: copies is {copies!r}: give a count from 1 on")
    table = cluster.pod_table
    if like is not None:
        pod = table.index(like)
        if pod < 0:
            raise InputError(f"goals: room: like is {like!r}: no pod has this name")
    else:
        chosen = np.flatnonzero(pods_of(cluster, pods))
        if not len(chosen):
            return []
        pod = int(chosen[np.argmax(_size(cluster)[chosen])])
    names = sorted({*table.requests.resources, *device_kinds(cluster)})
    amounts = {name: int(requested(cluster, name)[pod]) for name in names}
    return [
        Room("room", {name: amount for name, amount in amounts.items() if amount}, copies, nodes_of(cluster, nodes))
    ]


def _size(cluster: Cluster) -> NDArray[np.float64]:
    """(pods,) the largest of a pod's requests, each as a share of what the largest node has."""
    found = np.zeros(len(cluster.pod_table))
    for resource in sorted({*cluster.pod_table.requests.resources, *device_kinds(cluster)}):
        most = int(np.maximum(allocatable(cluster, resource), 0).max(initial=0))
        if most:
            found = np.maximum(found, requested(cluster, resource) / most)
    return found


def colocation(
    cluster: Cluster,
    pods: Any = None,
    to: Any = None,
    key: str = NODE,
    by: str | None = None,
    traffic: float = 1.0,
    nodes: Any = None,
) -> list[Term]:
    """
    Pods that exchange data together.

    Parameters
    ----------
    pods, to
        Both ends, as selectors.
    key
        Whose domains are near enough.
    by
        A label: only pods with the same value of it exchange data.
    traffic
        What each pair exchanges.
    """
    if pods is None or to is None:
        raise InputError("goals: colocation: pods and to say who exchanges data: give both, as selectors")
    if not isinstance(traffic, (int, float)) or not 0 < traffic < float("inf"):
        raise InputError(f"goals: colocation: traffic is {traffic!r}: give a number above 0")
    first, second = pods_of(cluster, pods), pods_of(cluster, to)
    group = None if by is None else group_by(cluster, by, first | second)[0]
    one = np.ones(len(cluster.node_table))
    ends = [Measure(mask.astype(np.int64), one, group) for mask in (first, second)]
    groups = np.zeros(len(first), np.int32) if group is None else group
    pairs = float(np.bincount(groups, first) @ np.bincount(groups, second))
    near = nodes_of(cluster, nodes).astype(np.float64)
    return [Pairs("apart", ends[0], ends[1], near, key, factor=-float(traffic), constant=float(traffic) * pairs)]


def _names(cluster: Cluster, resources: Any) -> list[str]:
    """Resources by name, all of them there."""
    names = [resources] if isinstance(resources, str) else list(resources)
    known = {*cluster.node_table.allocatable.resources, *cluster.pod_table.requests.resources, *device_kinds(cluster)}
    for name in names:
        if name not in known and name not in LOADS:
            raise InputError(f"goals: resources: {name!r} is on no node and in no request: name one of the cluster's")
    if not names:
        raise InputError("goals: resources is empty: name at least one")
    return names
