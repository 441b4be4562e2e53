"""Codes made dense, rows equal in several columns at once, and lists one after another."""

from __future__ import annotations

from itertools import accumulate, chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from placer.encode.combine import combine, ragged, renumber

far = st.one_of(st.integers(-3, 3), st.sampled_from([-(2**62), 10**9, 2**62]))


def by_first_appearance(rows: list) -> tuple[list[int], list[int]]:
    """Codes in order of first appearance, and the first row of each."""
    distinct = list(dict.fromkeys(rows))
    return [distinct.index(row) for row in rows], [rows.index(value) for value in distinct]


@given(st.lists(far, max_size=30))
def test_codes_are_dense_and_in_order_of_first_appearance(values):
    codes, first = renumber(np.array(values, np.int64))

    assert (codes.tolist(), first.tolist()) == by_first_appearance(values)
    assert (codes.dtype, first.dtype) == (np.int32, np.int64)


@given(st.integers(0, 3).flatmap(lambda width: st.lists(st.tuples(*[far] * width), max_size=30)))
def test_rows_have_one_code_where_they_are_equal_in_all_columns(rows):
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]

    codes, first = combine(columns, len(rows))

    assert (codes.tolist(), first.tolist()) == by_first_appearance(rows)
    assert codes.dtype == np.int32


def test_without_columns_all_rows_are_equal():
    codes, first = combine([], 3)

    assert (codes.tolist(), first.tolist()) == ([0, 0, 0], [0])


def test_without_rows_there_are_no_codes():
    codes, first = combine([np.zeros(0, np.int8)], 0)

    assert (codes.tolist(), first.tolist()) == ([], [])


@given(st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=8))
def test_lists_stand_one_after_another(lists):
    start, values = ragged(lists)

    assert start.tolist() == list(accumulate(map(len, lists), initial=0))
    assert values.tolist() == list(chain.from_iterable(lists))
