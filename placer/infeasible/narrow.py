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

from placer.encode.eligible import segments_of
from placer.encode.encode import Encoded, encode
from placer.explaining.subject import amount_text
from placer.infeasible.check import MOST_NODES, Clock
from placer.infeasible.groups import Group, groups, part_of
from placer.infeasible.parts import HELPED, Part
from placer.infeasible.sentence import STATIC, Headline
from placer.infeasible.shrink import Core, Member, Shrink
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
    known
        A conflict that is known already, and its words.
    """

    shrink: Shrink
    required: list[int]
    wanted: frozenset[int]
    whole: bool
    told: bool = field(default=False)
    known: tuple[Core, Headline] | None = None


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
    told: set[str] = set()
    for group in failing[:MOST_GROUPS]:
        if group.name in told:
            continue
        view = _view(cluster, [group], clock, seed)
        yield view
        rivals = None if view.told or clock.over() else _rivals(cluster, pending, group)
        if rivals is not None and len(rivals.groups) <= MOST_RIVALS:
            yield _view(cluster, rivals.groups, clock, seed)
        elif rivals is not None and told.isdisjoint(each.name for each in rivals.groups):
            told.update(each.name for each in rivals.groups)
            yield _by_sums(_view(cluster, rivals.groups, clock, seed), rivals)


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


class Rivals(NamedTuple):
    """
    Groups that ask for more of a resource than the nodes have on which alone they may stand.

    Attributes
    ----------
    resource
        As the encoding names it.
    asked, free, nodes
        Of all groups together, of all nodes together, and how many nodes there are.
    """

    groups: Sequence[Group]
    resource: str
    asked: int
    free: int
    nodes: int


def _by_sums(view: View, rivals: Rivals) -> View:
    """The conflict as the sums prove it; that it is minimal is not proven."""
    kind, _, name = rivals.resource.rpartition(":")
    part = Part("device" if kind else "resource", name)
    rules = {
        Member(group, each)
        for group, parts in enumerate(view.shrink.parts)
        for each in parts
        if group < len(rivals.groups) and (each == part or each.kind in STATIC)
    }
    members = frozenset(rules | {Member(group, None) for group in view.required})
    asked, free = amount_text(name, rivals.asked), amount_text(name, rivals.free)
    numbers = {"resource": name, "asked": rivals.asked, "free": rivals.free, "nodes": rivals.nodes}
    words = f"ask {asked} {name} together, the {rivals.nodes:,} nodes that they may stand on have {free} free"
    view.known = Core(members, minimal=False, by="counting"), Headline(words, numbers, frozenset([part]))
    return view


def _rivals(cluster: Cluster, pending: Sequence[Group], group: Group) -> Rivals | None:
    """The group and the fewest of its rivals, or all, of which sums prove that they conflict; or none."""
    encoded = encode(cluster)
    able = [each for each in pending if encoded.class_of_pod[each.rows[0]] >= 0]
    if not any(each is group for each in able):
        return None
    own = _segments(encoded, group)
    rivals = [group, *(each for each in able if each is not group and _segments(encoded, each) <= own)]
    nodes = np.isin(encoded.problem.nodes.segment, sorted(own))
    free = _free(encoded)[:, nodes].astype(float).sum(axis=1)
    pods = np.array([len(each.rows) for each in rivals], np.int64)
    needs = encoded.problem.classes.need[[encoded.class_of_pod[each.rows[0]] for each in rivals]] * pods[:, None]
    best, fewest = None, 0
    for resource, name in enumerate(encoded.resources):
        asked = needs[:, resource]
        order = np.concatenate([[0], 1 + np.argsort(-asked[1:], kind="stable")])
        enough = int(np.searchsorted(np.cumsum(asked[order].astype(float)), free[resource], side="right"))
        sums = not name.startswith("attach:") and name != "pods"
        if sums and asked[0] > 0 and enough < len(order) and (best is None or fewest > enough):
            # So few that they can be told one by one, or all.
            fewest = enough
            chosen = order[: enough + 1] if enough < MOST_RIVALS else order
            total = int(asked[chosen].sum(dtype=object))
            best = Rivals(
                [rivals[each] for each in chosen.tolist()], name, total, int(free[resource]), int(nodes.sum())
            )
    return best


def _segments(encoded: Encoded, group: Group) -> frozenset[int]:
    """Segments of nodes on which static rules let the group stand."""
    classes = encoded.problem.classes
    signature = classes.eligible[encoded.class_of_pod[group.rows[0]]]
    return frozenset(segments_of(classes, int(signature)).tolist())


def _free(encoded: Encoded) -> NDArray[np.int64]:
    """(resources, nodes) what standing pods leave."""
    problem = encoded.problem
    load = np.zeros_like(problem.nodes.capacity)
    stood = problem.classes.need[encoded.class_of_pod[encoded.standing]]
    np.add.at(load.T, encoded.position[encoded.standing_node], stood)
    free: NDArray[np.int64] = np.maximum(problem.nodes.capacity - load, 0)
    return free
