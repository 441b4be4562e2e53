"""Clusters and answers as Arrow tables; columns that only hold defaults are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from placer.formats.arrow import ArrowStrings, arrow
from placer.formats.cells import adapter, amounts_adapter
from placer.formats.columns import MILLI_CPU, NODE_COLUMNS, POD_COLUMNS, RESOURCES, is_resource
from placer.model.cluster import POD_FIELDS, Cluster
from placer.model.node import PRICE_UNIT, Node
from placer.model.pod import Pod
from placer.model.table import ABSENT, PENDING, Amounts, Column, Names, NodeTable, PodTable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from placer.solution import Solution

EXACT_IN_FLOATS = 2**32 * PRICE_UNIT
"""Prices below this, in millionths, are exact in a column of floats; dearer ones need decimals."""


def write_frames(cluster: Cluster) -> tuple[Any, Any]:
    """
    The nodes and the pods as Arrow tables, which :func:`placer.formats.frames.read_frames` reads back.

    Replicas are written out. Labels of namespaces are a table of their own: :func:`namespaces_frame`.
    """
    pa = arrow()
    nodes, pods = _node_columns(cluster.node_table), _pod_columns(cluster.pod_table, cluster.node_table)
    return pa.table(nodes), pa.table(pods)


def namespaces_frame(cluster: Cluster) -> Any:
    """Labels by namespace as an Arrow table."""
    labels = [msgspec.json.encode(labels).decode() for labels in cluster.namespaces.values()]
    texts = arrow().string()
    return arrow().table({"name": _array(list(cluster.namespaces), texts), "labels": _array(labels, texts)})


def bindings_frame(solution: Solution) -> Any:
    """The bindings in order as an Arrow table: pod, node, devices and claims as JSON text, null for none."""
    texts = arrow().string()
    rows = list(solution.bindings)
    devices = [msgspec.json.encode(row.devices).decode() if row.devices else None for row in rows]
    claims = [msgspec.json.encode(row.claims).decode() if row.claims else None for row in rows]
    return arrow().table(
        {
            "pod": _array([row.pod for row in rows], texts),
            "node": _array([row.node for row in rows], texts),
            "devices": _array(devices, texts),
            "claims": _array(claims, texts),
        }
    )


def _array(values: Any, kind: Any = None) -> Any:
    return arrow().array(values, type=kind)


def _node_columns(nodes: NodeTable) -> dict[str, Any]:
    columns = {"name": _names(nodes.names), **_resource_columns(nodes.allocatable, ABSENT)}
    for name, kind in NODE_COLUMNS.items():
        if kind.kind == "json":
            _add(columns, name, _texts(getattr(nodes, name), Node.model_fields[name].default, adapter(Node, name)))
    if nodes.unschedulable.any():
        columns["unschedulable"] = _array(nodes.unschedulable)
    if (nodes.price != PRICE_UNIT).any():
        columns["price"] = _prices(nodes.price)
    if not nodes.named.all():
        columns["hostname"] = _array(nodes.named)
    return columns


def _pod_columns(pods: PodTable, nodes: NodeTable) -> dict[str, Any]:
    columns = {"name": _names(pods.names)}
    _add(columns, "namespace", _texts(pods["namespace"], POD_FIELDS["namespace"], None))
    if pods.priority.any():
        columns["priority"] = _array(pods.priority)
    _add(columns, "node", _bindings(pods, nodes))
    columns |= _resource_columns(pods.requests, 0)
    for name, default in POD_FIELDS.items():
        match POD_COLUMNS[name].kind:
            case "json":
                _add(columns, name, _texts(pods[name], default, adapter(Pod, name)))
            case "text" if name != "namespace":
                _add(columns, name, _texts(pods[name], default, None))
            case "flag" | "integer" if any(value != default for value in pods[name].values):
                columns[name] = _array(np.array(pods[name].values)[pods[name].codes])
    return columns


def _add(columns: dict[str, Any], name: str, array: Any) -> None:
    if array.null_count < len(array):
        columns[name] = array


def _names(names: Names) -> Any:
    if names.row is None and isinstance(names.base, ArrowStrings):
        return names.base.texts
    return _array(names.tolist(), arrow().string())


def _texts(column: Column[Any], default: Any, checks: TypeAdapter[Any] | None) -> Any:
    """Each distinct value as text once; null where it is the default."""
    texts: list[str | None] = []
    for value in column.values:
        if value == default:
            texts.append(None)
        else:
            texts.append(value if checks is None else checks.dump_json(value, exclude_defaults=True).decode())
    codes = np.array([-1 if text is None else place for place, text in enumerate(texts)], np.int32)
    return _dictionary(codes[column.codes] if len(column) else column.codes, [text or "" for text in texts])


def _dictionary(codes: NDArray[np.int32], texts: list[str]) -> Any:
    """Rows of texts by code; a code below 0 is null."""
    pa = arrow()
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))


def _bindings(pods: PodTable, nodes: NodeTable) -> Any:
    names, codes = list(nodes.names.tolist()), pods.node.copy()
    for row, name in pods.unknown_nodes.items():
        codes[row] = len(names)
        names.append(name)
    used, compact = np.unique(codes, return_inverse=True)
    shift = int(np.searchsorted(used, PENDING + 1))
    return _dictionary((compact.reshape(-1) - shift).astype(np.int32), [names[code] for code in used[shift:].tolist()])


def _resource_columns(amounts: Amounts, missing: int) -> dict[str, Any]:
    """A column per resource; those whose names could be other columns' go into the map ``resources``."""
    columns: dict[str, Any] = {}
    further: list[int] = []
    for place, resource in enumerate(amounts.resources):
        values = np.ascontiguousarray(amounts.table[:, place])
        gone = values == missing
        if gone.all():
            continue
        if resource != MILLI_CPU and (resource in RESOURCES or is_resource(resource)):
            columns[MILLI_CPU if resource == "cpu" else resource] = arrow().array(values, mask=gone)
        else:
            further.append(place)
    if further:
        columns["resources"] = _further(amounts, further, missing)
    return columns


def _further(amounts: Amounts, places: list[int], missing: int) -> Any:
    rows, codes = np.unique(amounts.table[:, places], axis=0, return_inverse=True)
    maps = [
        {amounts.resources[place]: amount for place, amount in zip(places, row, strict=True) if amount != missing}
        for row in rows.tolist()
    ]
    texts = [amounts_adapter().dump_json(values).decode() for values in maps]
    empty = np.array([not values for values in maps], bool)
    codes = codes.reshape(-1).astype(np.int32)
    return _dictionary(np.where(empty[codes], -1, codes).astype(np.int32), texts)


def _prices(micro: NDArray[np.int64]) -> Any:
    from decimal import Decimal

    if micro.max() < EXACT_IN_FLOATS:
        return _array(micro / PRICE_UNIT)
    return _array([Decimal(price).scaleb(-6) for price in micro.tolist()], arrow().decimal128(22, 6))
