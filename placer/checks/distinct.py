"""Distinct combinations of codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 2**62


def distinct(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Numbers the distinct rows of some columns of codes.

    Parameters
    ----------
    columns
        (rows,) each, integers of at least 0.

    Returns
    -------
    (rows,) number of each row's combination, and (combinations,) a row of each.
    """
    code = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        width = int(column.max(initial=0)) + 1
        if size * width >= LARGEST:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            size = int(code.max(initial=0)) + 1
        code = code * width + column
        size *= width
    first, inverse = np.unique(code, return_index=True, return_inverse=True)[1:]
    return inverse.astype(np.int64), first.astype(np.int64)


def split(codes: NDArray[np.int64], count: int) -> Iterator[NDArray[np.int64]]:
    """For each code up to ``count``, the places that have it, ascending."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=count)).tolist()
    start = 0
    for end in ends:
        yield order[start:end]
        start = end
