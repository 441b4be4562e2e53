"""Rows that stand for many pods, and rows that stand twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from placer.formats.numbers import Numbers
from placer.formats.problems import Problems
from placer.model.table import Amounts, Column, Names, PodTable

MOST_PODS = 2**27
"""More pods than this in one table are taken for a mistake in a column of replicas."""


def first_of_each(names: Any, namespaces: Column[str] | None, replicas: Numbers | None, problems: Problems) -> bool:
    """
    Notes rows whose name stands before them already, within the namespace.

    Returns
    -------
    Whether no two pods of the table can have the same name; replicas are numbered, so that theirs can still meet.
    """
    encoded = names.dictionary_encode()
    if len(encoded.dictionary) < len(names):
        keys = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        if namespaces is not None:
            keys = keys * len(namespaces.values) + namespaces.codes
        if replicas is not None:
            keys = keys * 2 + replicas.given
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        again = first[inverse] != np.arange(len(keys))
        if again.any():
            problems.rows("name", again, names, "a duplicate: each name may stand once")
    return replicas is None or not replicas.given.any()


def expand(table: PodTable, replicas: Numbers, problems: Problems) -> PodTable:
    """The table with a row per pod; ``name-0``, ``name-1``, … where replicas are given."""
    if not replicas.given.any():
        return table
    counts = replicas.filled(1)
    if counts.sum() > MOST_PODS:
        problems.add(f"column replicas: {counts.sum()} pods in all: give at most {MOST_PODS}")
        return table
    row = np.repeat(np.arange(len(table), dtype=np.int32), counts)
    ordinal = (np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.int32)
    ordinal[~replicas.given[row]] = -1
    node = table.node[row]
    return PodTable(
        names=Names(table.names.base, row, ordinal),
        node=node,
        priority=table.priority[row],
        requests=Amounts(table.requests.resources, np.ascontiguousarray(table.requests.table[row])),
        fields={name: _repeat(column, row) for name, column in table.fields.items()},
        unknown_nodes={
            place: table.unknown_nodes[written]
            for place, written in enumerate(row.tolist())
            if written in table.unknown_nodes
        }
        if table.unknown_nodes
        else {},
    )


def _repeat(column: Column[Any], row: np.ndarray[Any, Any]) -> Column[Any]:
    return Column.constant(column.values[0], len(row)) if column.uniform and column.values else column.take(row)
