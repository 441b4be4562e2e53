"""Combining codes: which rows are equal in several columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def renumber(codes: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """
    Codes made dense, in order of first appearance.

    Returns
    -------
    (rows,) int32 new codes, and (codes,) int64 the first row of each. O(rows) for small codes, else O(rows log rows).
    """
    if not len(codes):
        return np.zeros(0, np.int32), np.zeros(0, np.int64)
    low, high = int(codes.min()), int(codes.max())
    if high - low <= 4 * len(codes) + 1024:
        first_seen = np.full(high - low + 1, len(codes), np.int64)
        shifted = codes - low
        np.minimum.at(first_seen, shifted, np.arange(len(codes)))
        used = np.flatnonzero(first_seen < len(codes))
        order = used[np.argsort(first_seen[used], kind="stable")]
        rank = np.empty(high - low + 1, np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return rank[shifted], first_seen[order]
    values, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(values), np.int32)
    rank[order] = np.arange(len(values), dtype=np.int32)
    return rank[inverse], first[order].astype(np.int64)


def combine(columns: Sequence[NDArray[Any]], rows: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """
    One code per distinct combination of the columns' codes.

    Parameters
    ----------
    columns
        (rows,) integers each; constant ones are skipped at once.
    rows
        How many rows there are, also when there are no columns.

    Returns
    -------
    (rows,) int32 codes in order of first appearance, and (codes,) int64 the first row of each.
    """
    total = np.zeros(rows, np.int32)
    first = np.zeros(min(rows, 1), np.int64)
    for column in columns:
        if not rows or (column[0] == column).all():
            continue
        dense, _ = renumber(column)
        width = int(dense.max()) + 1
        total, first = renumber(total.astype(np.int64) * width + dense)
    return total, first


def ragged(lists: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Lists as (lists + 1,) starts and the values one after another."""
    starts = np.zeros(len(lists) + 1, np.int32)
    np.cumsum([len(part) for part in lists], out=starts[1:])
    flat = [value for part in lists for value in part]
    return starts, np.array(flat, np.int32)
