"""Rankings: kube-scheduler's score plugins as columns over classes, segments and nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from placer.encode.combine import ragged
from placer.encode.nodes import StaticLayout
from placer.encode.problem import Ranking
from placer.encode.resources import LOAD, SCORED, Resources
from placer.encode.rules import Rules
from placer.encode.statics import StaticNodes
from placer.model.cluster import Cluster
from placer.model.profile import Profile
from placer.model.table import ABSENT

COLUMNS = (
    "TaintToleration",
    "NodeAffinity",
    "NodeResourcesFit",
    "PodTopologySpread",
    "InterPodAffinity",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
)
"""The columns, by the names of their plugins."""
STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
ALWAYS_SCORED = ("cpu", "memory", "ephemeral-storage")
"""Resources that are not extended: scored whether or not the pod asks."""
LEAST_IMAGE, MOST_IMAGE = 23 * 2**20, 1000 * 2**20
"""Bytes of images below which a node scores 0, and per container from which it scores 100."""


def no_ranking() -> Ranking:
    """What stands where goals place."""
    none, nothing = np.zeros(0, np.int32), np.zeros(0, np.int64)
    flags, table = np.zeros(0, bool), np.zeros((0, 0), np.int64)
    return Ranking(
        weight=np.zeros(len(COLUMNS), np.int64),
        strategy=np.full(1, -1, np.int32),
        regular=np.zeros(1, bool),
        shape=np.zeros((2, 0), np.int64),
        fit_amount=table,
        fit_row=none,
        fit_need=table,
        fit_weight=nothing,
        fit_extended=flags,
        balance_amount=table,
        balance_row=none,
        balance_extended=flags,
        taint_row=none,
        taint_count=table,
        wish_row=none,
        wish_points=table,
        image_start=none,
        image_node=none,
        image_points=nothing,
        spread_start=none,
        spread_counter=none,
        spread_key=none,
        spread_skew=nothing,
        spread_by_node=flags,
        spread_all=flags,
        pull_start=none,
        pull_counter=none,
        pull_weight=nothing,
    )


def encode_ranking(
    cluster: Cluster,
    profile: Profile,
    resources: Resources,
    statics: StaticNodes,
    rules: Rules,
    layout: StaticLayout,
    first_pod: NDArray[np.int64],
) -> Ranking:
    """
    The columns of a profile.

    Parameters
    ----------
    first_pod
        (classes,) a pod of each class.

    Returns
    -------
    Arrays of size classes + nodes, distinct tolerations and preferences × segments, and images × nodes that hold them.
    """
    fit_amount, fit_row, fit_extended = _scored(
        cluster, resources, layout, [n for n, _ in profile.fit.resources], SCORED
    )
    balanced = [name for name, _ in profile.balanced]
    balance_amount, balance_row, balance_extended = _scored(cluster, resources, layout, balanced, "")
    taint_row, taint_count = _taints(cluster, statics, layout, first_pod)
    wish_row, wish_points = _wishes(cluster, profile, statics, layout, first_pod)
    image_start, image_node, image_points = _images(cluster, layout, first_pod)
    row_of_class = rules.rows.of_pod[first_pod].tolist()
    spreads = [rules.book.spreads[row] for row in row_of_class]
    pulls = [rules.book.pulls[row] for row in row_of_class]
    constraints = [constraint for spread in spreads for constraint in spread.constraints]
    pull_start, _ = ragged([[0] * len(listed) for listed in pulls])
    spread_start, _ = ragged([[0] * len(spread.constraints) for spread in spreads])
    return Ranking(
        weight=np.array([profile.weights.get(name, 0) for name in COLUMNS], np.int64),
        strategy=np.array([STRATEGIES.index(profile.fit.strategy)], np.int32),
        regular=np.array([_is_regular(profile, (fit_amount, balance_amount), (fit_row, balance_row))]),
        shape=np.array([(x, 10 * y) for x, y in profile.fit.shape], np.int64).reshape(-1, 2).T.copy(),
        fit_amount=fit_amount,
        fit_row=fit_row,
        fit_need=_arriving(cluster, resources, profile, fit_row, first_pod),
        fit_weight=np.array([weight for _, weight in profile.fit.resources], np.int64),
        fit_extended=fit_extended,
        balance_amount=balance_amount,
        balance_row=balance_row,
        balance_extended=balance_extended,
        taint_row=taint_row,
        taint_count=taint_count,
        wish_row=wish_row,
        wish_points=wish_points,
        image_start=image_start,
        image_node=image_node,
        image_points=image_points,
        spread_start=spread_start,
        spread_counter=np.array([one[0] for one in constraints], np.int32),
        spread_key=np.array([one[1] for one in constraints], np.int32),
        spread_skew=np.array([one[2] for one in constraints], np.int64),
        spread_by_node=np.array([one[3] for one in constraints], bool),
        spread_all=np.array([spread.all_keys for spread in spreads], bool),
        pull_start=pull_start,
        pull_counter=np.array([counter for listed in pulls for counter, _ in listed], np.int32),
        pull_weight=np.array([weight for listed in pulls for _, weight in listed], np.int64),
    )


def _scored(
    cluster: Cluster, resources: Resources, layout: StaticLayout, names: Sequence[str], prefix: str
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Allocatable, the row that tells the use, and whether the resource is extended, of scored resources."""
    table = cluster.node_table.allocatable
    amount = [np.maximum(table.column(name, ABSENT), 0)[layout.nodes.row] for name in names]
    rows = []
    for name in names:
        chosen = prefix + name if prefix + name in resources.names else name
        if chosen not in resources.names and name not in LOAD and SCORED + name in resources.names:
            chosen = SCORED + name
        rows.append(resources.names.index(chosen) if chosen in resources.names else -1)
    return (
        np.array(amount, np.int64).reshape(len(names), len(layout.nodes.row)),
        np.array(rows, np.int32),
        np.array([name not in ALWAYS_SCORED for name in names], bool),
    )


def _is_regular(profile: Profile, amounts: tuple[NDArray[np.int64], ...], rows: tuple[NDArray[np.int32], ...]) -> bool:
    """Whether the columns resources and balance are over two plain resources that every node has."""
    names = [name for name, _ in (*profile.fit.resources, *profile.balanced)]
    return (
        profile.fit.strategy == "LeastAllocated"
        and all(len(row) == 2 and (row >= 0).all() for row in rows)
        and all(name in ALWAYS_SCORED for name in names)
        and all(((amount > 0) & (amount < 2**46)).all() for amount in amounts)
    )


def _arriving(
    cluster: Cluster, resources: Resources, profile: Profile, rows: NDArray[np.int32], first_pod: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(classes, scored resources) what one pod adds while it is placed."""
    need = resources.need[resources.code[first_pod]]
    found = np.zeros((len(first_pod), len(rows)), np.int64)
    arriving = cluster.pod_table["arriving"]
    codes = arriving.codes[first_pod]
    for index, (name, _) in enumerate(profile.fit.resources):
        if rows[index] >= 0:
            found[:, index] = need[:, rows[index]]
        given = np.array([amounts.get(name, -1) for amounts in arriving.values], np.int64)
        if (given >= 0).any():
            found[:, index] = np.where(given[codes] >= 0, given[codes], found[:, index])
    return found


def _taints(
    cluster: Cluster, statics: StaticNodes, layout: StaticLayout, first_pod: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    column = cluster.pod_table["tolerations"]
    used, row = np.unique(column.codes[first_pod], return_inverse=True)
    count = np.zeros((max(len(used), 1), len(statics)), np.int64)
    for index, code in enumerate(used.tolist()):
        count[index, layout.kind_segment] = statics.soft_taints(
            [each for each in column.values[code] if each.effect in (None, "PreferNoSchedule")]
        )
    return row.astype(np.int32), count


def _wishes(
    cluster: Cluster, profile: Profile, statics: StaticNodes, layout: StaticLayout, first_pod: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Preferred node affinity, with the profile's own; a term without requirements matches nothing."""
    column = cluster.pod_table["preferred_nodes"]
    added = profile.added_affinity.preferred
    used, inverse = np.unique(column.codes[first_pod], return_inverse=True)
    listed = [(*column.values[code], *added) for code in used.tolist()]
    rows = np.where(np.array([bool(wishes) for wishes in listed], bool), np.arange(len(listed)), -1)
    points = np.zeros((max(len(listed), 1), len(statics)), np.int64)
    for index, wishes in enumerate(listed):
        for wish in wishes:
            points[index, layout.kind_segment] += wish.weight * statics.term(wish.term)
    return rows[inverse].astype(np.int32) if len(rows) else np.zeros(0, np.int32), points


def _images(
    cluster: Cluster, layout: StaticLayout, first_pod: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """
    ImageLocality: what of a class's images nodes hold already, an image counting less the fewer nodes have it.

    Kubernetes, "Scheduling Policies", ImageLocality.
    """
    held = _held_images(cluster, layout)
    column = cluster.pod_table["images"]
    codes = column.codes[first_pod]
    rows: dict[int, tuple[list[int], list[int]]] = {}
    for code in np.unique(codes).tolist():
        rows[code] = _image_points(column.values[code], held, len(layout.nodes.row)) if held else ([], [])
    start, node = ragged([rows[code][0] for code in codes.tolist()])
    points = [point for code in codes.tolist() for point in rows[code][1]]
    return start, node, np.array(points, np.int64)


def _held_images(cluster: Cluster, layout: StaticLayout) -> Mapping[str, tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Image name → internal nodes that hold it, and its size on each."""
    column = cluster.node_table.images
    sets: dict[str, dict[int, int]] = {}
    for code, images in enumerate(column.values):
        for image in images:
            for name in image.names:
                sets.setdefault(name, {})[code] = image.size
    codes = column.codes[layout.nodes.row]
    found = {}
    for name, by_code in sets.items():
        nodes = np.flatnonzero(np.isin(codes, list(by_code))).astype(np.int32)
        found[name] = nodes, np.array([by_code[code] for code in codes[nodes].tolist()], np.int64)
    return found


def _image_points(
    images: Iterable[str], held: Mapping[str, tuple[NDArray[np.int32], NDArray[np.int64]]], count: int
) -> tuple[list[int], list[int]]:
    total = np.zeros(count, np.int64)
    containers = 0
    for image in images:
        containers += 1
        if normal_image(image) in held:
            nodes, size = held[normal_image(image)]
            total[nodes] += (size.astype(np.float64) * (len(nodes) / count)).astype(np.int64)
    most = MOST_IMAGE * containers
    points = 100 * (np.clip(total, LEAST_IMAGE, most) - LEAST_IMAGE) // max(most - LEAST_IMAGE, 1)
    some = np.flatnonzero(points)
    return some.tolist(), points[some].tolist()


def normal_image(name: str) -> str:
    """An image's name with its tag, ``latest`` where it has none."""
    return name if name.rfind(":") > name.rfind("/") else f"{name}:latest"
