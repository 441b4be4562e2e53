"""
What is looked at: all pending pods where the problem is small; on large ones a group that is left out and its rivals.

Rivals of a group are those that may stand on its nodes only. Conflicts among a part of the pods are conflicts of the
whole; that a part can be placed says nothing of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.encode import Encoded, encode
from placer.infeasible.check import MOST_NODES, Clock
from placer.infeasible.groups import Group, groups, part_of
from placer.infeasible.parts import HELPED
from placer.infeasible.shrink import Shrink
from placer.model.cluster import Cluster
from placer.prove import MOST_CELLS

MOST_GROUPS = 5
"""Groups left out of a large problem that are looked at."""
MOST_RIVALS = 40
"""Rivals up to which a conflict with them is made minimal, each by looking at the cluster without it."""


@dataclass
class View:
    """
    Groups to look at together.

    Attributes
    ----------
    required
        Places of the groups in ``shrink`` whose pods must be placed.
    wanted
        Those that a conflict must be about, if it is to be told.
    whole
        Whether these are all the pods that are asked for.
    told
        Set where a conflict was found.
    """

    shrink: Shrink
    required: list[int]
    wanted: frozenset[int]
    whole: bool
    told: bool = field(default=False)


def views(
    cluster: Cluster, pending: Sequence[Group], asked: NDArray[np.bool_] | None, clock: Clock, seed: int
) -> Iterator[View]:
    """
    What to look at, the most promising first; a view is looked at before the next one is asked for.

    Parameters
    ----------
    asked
        (pods,) that conflicts must be about; ``None`` is all.
    """
    if len(cluster.node_table) <= MOST_NODES and len(pending) * len(cluster.node_table) <= MOST_CELLS:
        wanted = frozenset(place for place, group in enumerate(pending) if asked is None or asked[group.rows].any())
        required = sorted(range(len(pending)), key=lambda place: (place not in wanted, place))
        shrink = Shrink(cluster, pending, _standing(cluster), clock, seed)
        yield View(shrink, required, wanted, whole=True)
        return
    if asked is None:
        asked = _left_out(cluster, pending)
    failing = [group for group in pending if asked[group.rows].any()]
    failing.sort(key=lambda group: -group.pod.priority)
    for group in failing[:MOST_GROUPS]:
        view = _view(cluster, [group], clock, seed)
        yield view
        rivals = [] if view.told or clock.over() else _rivals(cluster, pending, group)
        if rivals:
            yield _view(cluster, rivals, clock, seed)


def _left_out(cluster: Cluster, pending: Sequence[Group]) -> NDArray[np.bool_]:
    """(pods,) that placing leaves out."""
    from placer.solve import solve

    rows = np.concatenate([*(group.rows for group in pending), np.zeros(0, np.int64)])
    chosen = cluster.pod_table.node >= 0
    chosen[rows] = True
    part = part_of(cluster, chosen)
    left = np.zeros(len(chosen), bool)
    left[[cluster.pod_table.index(each.pod) for each in solve(part).unplaced]] = True
    return left


def _standing(cluster: Cluster) -> list[Group]:
    """Groups that stand and have rules which keep others away."""
    pods = cluster.pod_table
    carries = pods["pod_anti_affinity"].map(bool) | pods["apart_from"].map(bool) if len(pods) else pods.node >= 0
    return groups(cluster, (pods.node >= 0) & carries)


def _view(cluster: Cluster, required: Sequence[Group], clock: Clock, seed: int) -> View:
    """Some groups alone with what stands; with all pods where rules may be helped by others or count them."""
    chosen = cluster.pod_table.node >= 0
    rows = np.concatenate([group.rows for group in required])
    helped = any(getattr(group.pod, name) for group in required for name in HELPED.values())
    chosen[rows if not helped else slice(None)] = True
    part = cluster if helped else part_of(cluster, chosen)
    place = np.cumsum(chosen) - 1
    listed = [group._replace(rows=place[group.rows]) for group in required]
    shrink = Shrink(part, listed, _standing(part), clock, seed)
    return View(shrink, list(range(len(listed))), frozenset([0]), whole=False)


class _Demand(NamedTuple):
    """(groups, resources) what each asks for together, and (resources,) what its nodes have free."""

    asked: NDArray[np.int64]
    free: NDArray[np.int64]


def _rivals(cluster: Cluster, pending: Sequence[Group], group: Group) -> list[Group]:
    """The group and the fewest of its rivals that together ask for more of a resource than its nodes have; or none."""
    encoded = encode(cluster)
    able = [each for each in pending if encoded.class_of_pod[each.rows[0]] >= 0]
    if not any(each is group for each in able):
        return []
    own = _segments(encoded, group)
    listed = [each for each in able if each is not group and _segments(encoded, each) <= own]
    rivals = [group, *listed]
    demand = _demand(cluster, encoded, rivals, own)
    best: list[Group] = []
    for resource in range(len(demand.free)):
        asked = demand.asked[:, resource]
        order = np.concatenate([[0], 1 + np.argsort(-asked[1:], kind="stable")])
        enough = int(np.searchsorted(np.cumsum(asked[order].astype(float)), float(demand.free[resource]), side="right"))
        if asked[0] > 0 and enough < len(order) and (not best or enough + 1 < len(best)):
            best = [rivals[place] for place in order[: enough + 1].tolist()]
    return best if len(best) <= MOST_RIVALS else []


def _segments(encoded: Encoded, group: Group) -> frozenset[int]:
    """Segments of nodes on which static rules let the group stand."""
    classes = encoded.problem.classes
    signature = classes.eligible[encoded.class_of_pod[group.rows[0]]]
    span = slice(classes.eligible_start[signature], classes.eligible_start[signature + 1])
    return frozenset(classes.eligible_segments[span].tolist())


def _demand(cluster: Cluster, encoded: Encoded, listed: Sequence[Group], segments: frozenset[int]) -> _Demand:
    problem = encoded.problem
    need = problem.classes.need[[encoded.class_of_pod[group.rows[0]] for group in listed]]
    where = np.isin(problem.nodes.segment, sorted(segments))
    load = np.zeros_like(problem.nodes.capacity)
    np.add.at(
        load.T, encoded.position[encoded.standing_node], problem.classes.need[encoded.class_of_pod[encoded.standing]]
    )
    free = np.maximum(problem.nodes.capacity - load, 0)[:, where].astype(float).sum(axis=1)
    pods = np.array([len(group.rows) for group in listed], np.int64)
    return _Demand(need * pods[:, None], np.minimum(free, 2.0**62).astype(np.int64))
