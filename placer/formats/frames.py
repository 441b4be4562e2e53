"""Data frames in and out: a table of nodes and a table of pods, through Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.formats.arrow import (
    ArrowStrings,
    arrow,
    distinct,
    to_strings,
    to_table,
    without_collector,
)
from placer.formats.cells import adapter, amounts_adapter, read_flags, read_keys, read_rules, read_texts
from placer.formats.columns import (
    MILLI_CPU,
    NAMESPACE_COLUMNS,
    NODE_COLUMNS,
    POD_COLUMNS,
    RESOURCES,
    ColumnKind,
    is_resource,
    unknown_column,
)
from placer.formats.export import bindings_frame, namespaces_frame, write_frames
from placer.formats.numbers import Numbers, read_amounts, read_integers, read_prices
from placer.formats.problems import Problems, raise_if_any
from placer.formats.replicas import expand, first_of_each
from placer.formats.sugar import apply_sugar
from placer.formats.tables import read_table
from placer.model.cluster import POD_FIELDS, Cluster
from placer.model.node import Node
from placer.model.pod import GPU, Pod
from placer.model.relation import HOSTNAME
from placer.model.table import ABSENT, PENDING, UNKNOWN, Amounts, Column, Names, NodeTable, PodTable
from placer.model.value import FrozenDict

__all__ = ["bindings_frame", "namespaces_frame", "read_csv", "read_frames", "read_parquet", "write_frames"]

INT32 = 2**31


def read_frames(
    nodes: Any, pods: Any, namespaces: Any = None, where: tuple[str, str, str] = ("nodes", "pods", "namespaces")
) -> Cluster:
    """
    A cluster from tables; every distinct cell is read once, whatever the number of rows.

    Parameters
    ----------
    nodes, pods
        polars, pandas or pyarrow tables, or anything with the Arrow C stream; ``placer formats --schema parquet``
        lists the columns. Number columns are shared, not copied, where the library allows it.
    namespaces
        Labels by namespace, where selectors of namespaces need them.
    where
        How errors name the tables.

    Raises
    ------
    InputError
        Columns that do not exist or are of the wrong type, and cells that cannot be what they should.
    """
    with without_collector():
        found = [Problems(name) for name in where]
        node_table = _read_nodes(_open(nodes, NODE_COLUMNS, found[0]), found[0])
        pod_table = _read_pods(_open(pods, POD_COLUMNS, found[1]), node_table, found[1])
        spaces = {} if namespaces is None else _read_namespaces(namespaces, found[2])
        raise_if_any(*found)
        return Cluster.from_tables(node_table, pod_table, spaces)


def _open(frame: Any, known: dict[str, ColumnKind], problems: Problems) -> dict[str, Any]:
    """Columns by name; without a usable ``name`` column nothing else is worth reading."""
    table = to_table(frame, problems.table)
    columns: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in columns:
            problems.add(f"column {name!r} is a duplicate: each column may stand once")
        elif name not in known and not (is_resource(name) and known is not NAMESPACE_COLUMNS):
            problems.add(unknown_column(name, known))
        else:
            columns[name] = column
    for name, other in ((MILLI_CPU, "cpu"), ("gpu", GPU)):
        if name in columns and other in columns:
            problems.add(f"columns {name!r} and {other!r} say the same: drop one")
    if "name" not in columns:
        problems.add("there is no column 'name': it is required")
        raise_if_any(problems)
    columns["name"] = _read_names(columns["name"], problems)
    problems.names = columns["name"]
    return columns


def _read_names(column: Any, problems: Problems) -> Any:
    pa = arrow()
    kinds = pa.types
    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    texts = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)
    if not texts and not (kinds.is_null(kind) and not len(column)):
        problems.add(f"column name is of type {kind}: give text")
        raise_if_any(problems)
    names = to_strings(column)
    empty = pa.compute.equal(pa.compute.binary_length(names), 0).fill_null(True)
    if pa.compute.any(empty, min_count=0).as_py():
        bad = empty.to_numpy(zero_copy_only=False)
        problems.rows("name", bad, names, "every row needs a name")
        raise_if_any(problems)
    return names


def _read_nodes(columns: dict[str, Any], problems: Problems) -> NodeTable:
    names = columns["name"]
    rows = len(names)
    distinct_names = first_of_each(names, None, None, problems)
    labels = _rules(columns, "labels", Node, rows, problems)
    hostname = _flags(columns, "hostname", True, rows, problems)
    named = hostname.map(bool).astype(bool) if rows else np.zeros(0, bool)
    labels, named = _split_hostname(labels, named, names)
    unschedulable = _flags(columns, "unschedulable", False, rows, problems)
    return NodeTable(
        names=Names(ArrowStrings(names), checked=distinct_names),
        labels=labels,
        named=named,
        allocatable=_read_resources(columns, rows, ABSENT, problems),
        price=read_prices(columns["price"], "price", problems)
        if "price" in columns
        else np.full(rows, Node.model_fields["price_micro"].default, np.int64),
        unschedulable=unschedulable.map(bool).astype(bool) if rows else np.zeros(0, bool),
        taints=_rules(columns, "taints", Node, rows, problems),
        devices=_rules(columns, "devices", Node, rows, problems),
        images=_rules(columns, "images", Node, rows, problems),
        volume_limits=_rules(columns, "volume_limits", Node, rows, problems),
    )


def _split_hostname(
    labels: Column[Mapping[str, str]], named: NDArray[np.bool_], names: Any
) -> tuple[Column[Mapping[str, str]], NDArray[np.bool_]]:
    """The hostname label goes into ``named`` where it is the node's name, and wins over it where it is not."""
    given = [code for code, value in enumerate(labels.values) if HOSTNAME in value]
    if not given:
        return labels, named
    rows = np.flatnonzero(np.isin(labels.codes, given))
    values, codes, named = list(labels.values), labels.codes.copy(), named.copy()
    for row in rows.tolist():
        value = labels[row]
        named[row] = value[HOSTNAME] == names[row].as_py()
        if named[row]:
            codes[row] = len(values)
            values.append(FrozenDict({key: text for key, text in value.items() if key != HOSTNAME}))
    used = Column.of(codes.tolist())
    interned = Column.of(values[code] for code in used.values)
    return interned.take(used.codes), named


def _read_pods(columns: dict[str, Any], nodes: NodeTable, problems: Problems) -> PodTable:
    names = columns["name"]
    rows = len(names)
    fields = {name: _pod_field(columns, name, default, rows, problems) for name, default in POD_FIELDS.items()}
    replicas = read_integers(columns["replicas"], "replicas", problems, 0, INT32 - 1) if "replicas" in columns else None
    checked = first_of_each(names, fields["namespace"], replicas, problems)
    priority = np.zeros(rows, np.int32)
    if "priority" in columns:
        numbers = read_integers(columns["priority"], "priority", problems, -INT32, INT32 - 1)
        priority = numbers.values.astype(np.int32)
    node, unknown = _read_bindings(columns, nodes, rows, problems)
    for short in ("spread", "apart"):
        if short in columns:
            fields = apply_sugar(fields, short, read_keys(columns[short], short, problems), names, problems)
    table = PodTable(
        names=Names(ArrowStrings(names), checked=checked),
        node=node,
        priority=priority,
        requests=_read_resources(columns, rows, 0, problems),
        fields=fields,
        unknown_nodes=unknown,
    )
    return table if replicas is None else expand(table, replicas, problems)


def _pod_field(columns: dict[str, Any], name: str, default: Any, rows: int, problems: Problems) -> Column[Any]:
    if name not in columns:
        return Column.constant(default, rows)
    column = columns[name]
    match POD_COLUMNS[name].kind:
        case "json":
            return read_rules(column, name, adapter(Pod, name), default, problems)
        case "flag":
            return read_flags(column, name, default, problems)
        case "integer":
            cells = distinct(arrow().array(read_integers(column, name, problems).filled(default)))
            return Column(cells.codes, cells.values)
    return read_texts(
        column, name, adapter(Pod, name), default, problems, empty=name in ("owner", "scheduler_name", "nominated")
    )


def _rules(columns: dict[str, Any], name: str, model: Any, rows: int, problems: Problems) -> Column[Any]:
    default = model.model_fields[name].default
    if name not in columns:
        return Column.constant(default, rows)
    return read_rules(columns[name], name, adapter(model, name), default, problems)


def _flags(columns: dict[str, Any], name: str, default: bool, rows: int, problems: Problems) -> Column[Any]:
    if name not in columns:
        return Column.constant(default, rows)
    return read_flags(columns[name], name, default, problems)


def _read_bindings(
    columns: dict[str, Any], nodes: NodeTable, rows: int, problems: Problems
) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Rows of the nodes that pods stand on, and the names of those that are not there."""
    if "node" not in columns:
        return np.full(rows, PENDING, np.int32), {}
    texts = read_texts(columns["node"], "node", None, None, problems, empty=False)
    rows_by_code = np.array([PENDING if name is None else nodes.index(name) for name in texts.values], np.int32)
    strange = np.array([name is not None for name in texts.values], bool) & (rows_by_code < 0)
    rows_by_code[strange] = UNKNOWN
    node = rows_by_code[texts.codes] if rows else np.zeros(0, np.int32)
    return node, {row: texts[row] for row in np.flatnonzero(node == UNKNOWN).tolist()}


def _read_resources(columns: dict[str, Any], rows: int, missing: int, problems: Problems) -> Amounts:
    """Columns of resources, and the map of further ones, as one table; resources that no row has are left out."""
    amounts: dict[str, Numbers] = {}
    for name, column in columns.items():
        resource = {MILLI_CPU: "cpu", "gpu": GPU}.get(name, name)
        if name == MILLI_CPU:
            amounts[resource] = read_integers(column, name, problems)
        elif name in RESOURCES or name == "gpu" or is_resource(name):
            amounts[resource] = read_amounts(column, name, resource, problems)
    if "resources" in columns:
        _add_further(amounts, columns["resources"], problems)
    kept = sorted(resource for resource, numbers in amounts.items() if _matters(numbers, missing))
    table = np.empty((rows, len(kept)), np.int64)
    for place, resource in enumerate(kept):
        table[:, place] = amounts[resource].filled(missing)
    return Amounts(tuple(kept), table)


def _matters(numbers: Numbers, missing: int) -> bool:
    return bool(numbers.given.any() if missing == ABSENT else numbers.values.any())


def _add_further(amounts: dict[str, Numbers], column: Any, problems: Problems) -> None:
    further = read_rules(column, "resources", amounts_adapter(), FrozenDict(), problems)
    for resource in sorted({resource for value in further.values for resource in value}):
        values = np.array([value.get(resource, 0) for value in further.values], np.int64)[further.codes]
        given = np.array([resource in value for value in further.values], bool)[further.codes]
        if resource in amounts:
            both = given & amounts[resource].given
            problems.rows("resources", both, column, f"{resource!r} has a column of its own as well: give it once")
            values, given = np.where(given, values, amounts[resource].values), given | amounts[resource].given
        amounts[resource] = Numbers(values, given)


def _read_namespaces(frame: Any, problems: Problems) -> dict[str, dict[str, str]]:
    columns = _open(frame, NAMESPACE_COLUMNS, problems)
    names = columns["name"]
    first_of_each(names, None, None, problems)
    labels = Column.constant(FrozenDict(), len(names))
    if "labels" in columns:
        labels = read_rules(columns["labels"], "labels", adapter(Pod, "labels"), FrozenDict(), problems)
    return {name: dict(labels[row]) for row, name in enumerate(names.to_pylist())}


def read_parquet(nodes: Path, pods: Path, namespaces: Path | None = None) -> Cluster:
    """A cluster from Parquet files of nodes and of pods, and maybe of namespaces."""
    spaces = None if namespaces is None else read_table(namespaces)
    return read_frames(read_table(nodes), read_table(pods), spaces, (str(nodes), str(pods), str(namespaces)))


read_csv = read_parquet
"""The same from CSV files: what a file is, its content tells."""
