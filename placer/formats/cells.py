"""Columns of texts, flags and rules: each distinct cell is read and validated once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError

from placer.formats.arrow import Distinct, arrow, distinct
from placer.formats.problems import Problems, shorten
from placer.model.device import Amounts
from placer.model.table import Column
from placer.model.value import validation_problems

FLAGS = {True: True, False: False, "true": True, "false": False, "True": True, "False": False, "1": True, "0": False}


@cache
def adapter(model: type[BaseModel], field: str) -> TypeAdapter[Any]:
    """Validates the values of one field of a model."""
    return TypeAdapter(model.model_fields[field].rebuild_annotation())


@cache
def amounts_adapter() -> TypeAdapter[Any]:
    """Validates amounts by resource."""
    return TypeAdapter(Amounts)


def read_rules(column: Any, name: str, checks: TypeAdapter[Any], default: Any, problems: Problems) -> Column[Any]:
    """JSON texts, or Arrow maps, structs and lists, as the values they stand for; null is the default."""
    if _skips(column, name, problems, "give JSON text, or maps, structs and lists", "text", "nested"):
        return Column.constant(default, len(column))

    def read(cell: Any) -> Any:
        text = cell if isinstance(cell, str) else msgspec.json.encode(cell)
        return checks.validate_json(text)

    return _read(distinct(column), name, read, default, problems, ("", "null"))


def read_texts(
    column: Any, name: str, checks: TypeAdapter[Any] | None, default: Any, problems: Problems, *, empty: bool
) -> Column[Any]:
    """Plain texts; null is the default, and so is the empty text unless ``empty`` says that it is a text as well."""
    if _skips(column, name, problems, "give text", "text"):
        return Column.constant(default, len(column))
    read = checks.validate_python if checks is not None else str
    return _read(distinct(column), name, read, default, problems, () if empty else ("",))


def read_flags(column: Any, name: str, default: bool, problems: Problems) -> Column[Any]:
    """True and false, also as texts; null is the default."""
    if _skips(column, name, problems, "give true or false", "text", "bool"):
        return Column.constant(default, len(column))

    def read(cell: Any) -> bool:
        if cell not in FLAGS:
            raise ValueError("give true or false")
        return FLAGS[cell]

    return _read(distinct(column), name, read, default, problems, ("",))


def read_keys(column: Any, name: str, problems: Problems) -> Column[tuple[str, ...]]:
    """Topology keys: one, a JSON list of them, or an Arrow list."""
    if _skips(column, name, problems, 'give a key, such as zone, or a list: ["zone", "host"]', "text", "nested"):
        return Column.constant((), len(column))
    lists = TypeAdapter(tuple[str, ...])

    def read(cell: Any) -> tuple[str, ...]:
        if isinstance(cell, str) and not cell.startswith("["):
            return (cell,)
        return lists.validate_json(cell if isinstance(cell, str) else msgspec.json.encode(cell))

    return _read(distinct(column), name, read, (), problems, ("",))


def merge_equal(column: Column[Any]) -> Column[Any]:
    """The column with equal values kept once: texts that differ can mean the same."""
    merged = Column.of(column.values)
    return column if len(merged.values) == len(column.values) else Column(merged.codes[column.codes], merged.values)


def _read(
    cells: Distinct, name: str, read: Callable[[Any], Any], default: Any, problems: Problems, missing: tuple[str, ...]
) -> Column[Any]:
    values: list[Any] = []
    wrong: dict[int, list[str]] = {}
    for code, cell in enumerate(cells.values):
        if cell is None or cell in missing:
            values.append(default)
            continue
        try:
            values.append(read(cell))
        except ValidationError as error:
            values.append(default)
            wrong[code] = validation_problems("", error)
        except (ValueError, TypeError, OverflowError) as error:
            values.append(default)
            wrong[code] = [f": is {shorten(cell)}: {error}"]
    problems.values(name, cells, wrong)
    return merge_equal(Column(cells.codes, values))


def _skips(column: Any, name: str, problems: Problems, fix: str, *allowed: str) -> bool:
    """Whether the column has nothing to read; notes a type that cannot hold what is meant."""
    if _all_null(column):
        return True
    kinds = arrow().types
    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    if isinstance(kind, arrow().BaseExtensionType):
        kind = kind.storage_type
    fits = {
        "text": kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind),
        "nested": kinds.is_nested(kind) and not kinds.is_union(kind),
        "bool": kinds.is_boolean(kind),
    }
    if any(fits[group] for group in allowed):
        return False
    problems.add(f"column {name} is of type {kind}: {fix}")
    return True


def _all_null(column: Any) -> bool:
    """Whether no row has a value; a column of floats that are all NaN is how pandas reads an empty one."""
    pa = arrow()
    if column.null_count == len(column):
        return True
    if not pa.types.is_floating(column.type):
        return False
    undefined: NDArray[np.bool_] = pa.compute.is_nan(column).fill_null(True).to_numpy()
    return bool(undefined.all())
