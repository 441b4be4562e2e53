"""Columns of numbers: whole numbers and quantities from whatever type a table holds them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.formats.arrow import arrow, distinct, one_array, to_strings
from placer.formats.problems import Problems, shorten
from placer.model.node import PRICE_UNIT, _millionths
from placer.model.quantity import parse_quantity

INT64_MAX = 2**63 - 1
LARGEST_PRICE = 2**53
MILLI = 1000
NEARLY_WHOLE = 1e-6
"""Floats of cores that are this near to a whole thousandth mean it: 0.1 + 0.2 cores are 300m."""


class Numbers(NamedTuple):
    """
    Numbers of all rows.

    Attributes
    ----------
    values
        (rows,) int64; 0 where not given.
    given
        (rows,) bool: not null.
    """

    values: NDArray[np.int64]
    given: NDArray[np.bool_]

    def filled(self, default: int) -> NDArray[np.int64]:
        """(rows,) with a number in place of nulls."""
        return self.values if self.given.all() else np.where(self.given, self.values, default)


def read_amounts(column: Any, name: str, resource: str, problems: Problems) -> Numbers:
    """Amounts of a resource: numbers (cpu in cores) or texts of quantities, in base units."""
    milli = resource == "cpu"
    return _read(column, name, problems, MILLI if milli else 1, lambda text: parse_quantity(text, milli=milli))


def read_integers(column: Any, name: str, problems: Problems, low: int = 0, high: int = INT64_MAX) -> Numbers:
    """Whole numbers from ``low`` to ``high``."""
    return _read(column, name, problems, 1, _parse_integer, low, high)


def read_prices(column: Any, name: str, problems: Problems) -> NDArray[np.int64]:
    """(rows,) int64 millionths of finite numbers of at least 0; 1 where not given."""
    cells = distinct(column)
    values = np.full(len(cells.values), PRICE_UNIT, np.int64)
    wrong: dict[int, list[str]] = {}
    for code, value in enumerate(cells.values):
        if value is None or value == "":
            continue
        try:
            price = _millionths(value)
        except ValueError:
            price = None
        if isinstance(price, int) and not isinstance(price, bool) and 0 <= price <= LARGEST_PRICE:
            values[code] = price
        else:
            wrong[code] = [f": is {shorten(value)}: give a number from 0 to {LARGEST_PRICE // PRICE_UNIT}"]
    problems.values(name, cells, wrong)
    return values[cells.codes]


def _read(
    column: Any,
    name: str,
    problems: Problems,
    scale: int,
    parse: Callable[[str], int],
    low: int = 0,
    high: int = INT64_MAX,
) -> Numbers:
    kinds = arrow().types
    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    if kinds.is_null(kind):
        return Numbers(np.zeros(len(column), np.int64), np.zeros(len(column), bool))
    if kinds.is_floating(kind) and not kinds.is_dictionary(column.type):
        numbers = _from_floats(one_array(column), name, problems, scale)
    elif kinds.is_integer(kind) and not kinds.is_dictionary(column.type):
        numbers = _from_integers(one_array(column), name, problems, scale)
    elif kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind) or kinds.is_decimal(kind):
        numbers = _from_texts(column, name, problems, scale, parse)
    elif kinds.is_dictionary(column.type):
        return _read(one_array(column).dictionary_decode(), name, problems, scale, parse, low, high)
    else:
        problems.add(f"column {name} is of type {kind}: give numbers")
        return Numbers(np.zeros(len(column), np.int64), np.zeros(len(column), bool))
    return _within(numbers, column, name, problems, low, high)


def _within(numbers: Numbers, column: Any, name: str, problems: Problems, low: int, high: int) -> Numbers:
    if not len(numbers.values) or (numbers.values.min() >= low and numbers.values.max() <= high):
        return numbers
    bad = ((numbers.values < low) | (numbers.values > high)) & numbers.given
    text = "negative: give 0 or more" if low == 0 and high == INT64_MAX else f"give a whole number from {low} to {high}"
    problems.rows(name, bad, column, text)
    return Numbers(np.where(bad, 0, numbers.values), numbers.given)


def _given(array: Any) -> NDArray[np.bool_]:
    if not array.null_count:
        return np.ones(len(array), bool)
    given: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return given


def _from_integers(array: Any, name: str, problems: Problems, scale: int) -> Numbers:
    pa = arrow()
    given = _given(array)
    filled = array.fill_null(0) if array.null_count else array
    largest = INT64_MAX // scale
    values = filled.to_numpy(zero_copy_only=False)
    if array.type in (pa.uint64(), pa.int64()) and len(values) and values.max() > largest:
        bad = values > largest
        problems.rows(name, bad, array, f"beyond int64: give at most {largest}")
        values = np.where(bad, 0, values)
    values = values.astype(np.int64, copy=False)
    return Numbers(values if scale == 1 else np.maximum(values, -largest) * scale, given)


def _from_floats(array: Any, name: str, problems: Problems, scale: int) -> Numbers:
    given = _given(array)
    filled = array.fill_null(0.0) if array.null_count else array
    values = filled.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * scale
        nearest = np.rint(scaled)
        off = np.abs(scaled - nearest)
    undefined = np.isnan(values)
    beyond = ~undefined & ~(np.abs(scaled) < 2.0**63)
    broken = np.zeros(len(values), bool) if scale > 1 else ~undefined & ~beyond & (off > 0)
    bad = undefined | beyond | broken
    if bad.any():
        problems.rows(name, undefined, array, "no number: give 0, or null (None, a nullable type) for not given")
        problems.rows(name, beyond, array, "beyond int64: give less")
        problems.rows(name, broken, array, "a fraction: give a whole number")
        scaled, nearest, off = np.where(bad, 0, scaled), np.where(bad, 0, nearest), np.where(bad, 0, off)
    whole = nearest if scale == 1 else np.where(off <= NEARLY_WHOLE, nearest, np.ceil(scaled))
    return Numbers(whole.astype(np.int64), given)


def _from_texts(column: Any, name: str, problems: Problems, scale: int, parse: Callable[[str], int]) -> Numbers:
    pa = arrow()
    if not pa.types.is_dictionary(column.type) and not pa.types.is_decimal(column.type):
        texts = to_strings(column)
        digits = pa.compute.match_substring_regex(texts, "^[0-9]{1,18}$")
        if pa.compute.all(digits, min_count=0).as_py():
            return _from_integers(texts.cast(pa.int64()), name, problems, scale)
    cells = distinct(column)
    values = np.zeros(len(cells.values), np.int64)
    given = np.ones(len(cells.values), bool)
    wrong: dict[int, list[str]] = {}
    for code, value in enumerate(cells.values):
        if value is None or value == "":
            given[code] = False
            continue
        try:
            number = parse(str(value))
        except ValueError as error:
            wrong[code] = [f": {error}"]
            continue
        if -INT64_MAX <= number <= INT64_MAX:
            values[code] = number
        else:
            wrong[code] = [f": is {shorten(value)}: beyond int64: give less"]
    problems.values(name, cells, wrong)
    return Numbers(values[cells.codes], given[cells.codes])


def _parse_integer(text: str) -> int:
    try:
        if not text.isascii() or "_" in text or len(text) > 40:
            raise ValueError
        return int(text)
    except ValueError:
        raise ValueError(f"is {shorten(text)}: give a whole number") from None
