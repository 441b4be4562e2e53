"""Arrow at arm's length: tables from any frame, and columns as distinct values with a code a row."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError, MissingExtraError

HINT = "use a polars, pandas or pyarrow table, or anything else with the Arrow C stream"


class Distinct(NamedTuple):
    """
    A column as its distinct values.

    Attributes
    ----------
    codes
        (rows,) int32: which of ``values`` the row has.
    values
        Python values in order of first appearance; ``None`` is null.
    """

    codes: NDArray[np.int32]
    values: list[Any]


class ArrowStrings(Sequence[str]):
    """Texts that stay in their Arrow buffers until someone asks for them."""

    def __init__(self, texts: Any) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.texts[index].to_pylist()
        return self.texts[int(index)].as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts.to_pylist())

    def distinct(self) -> bool:
        """Whether no text stands twice."""
        return len(self.texts.dictionary_encode().dictionary) == len(self.texts)


def arrow() -> Any:
    """The package, which is optional."""
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError:
        from placer.errors import DISTRIBUTION

        raise MissingExtraError(
            f"tables (Parquet, CSV, data frames) need pyarrow: pip install '{DISTRIBUTION}[frames]'"
        ) from None
    return pyarrow


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Keeps the garbage collector from walking what is being loaded again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def is_frame(value: Any) -> bool:
    """Whether the value is a table of some library."""
    return hasattr(value, "__arrow_c_stream__") or _is_pandas(value)


def to_table(frame: Any, where: str) -> Any:
    """
    The frame as an Arrow table, its buffers shared where the library allows it.

    Raises
    ------
    InputError
        It is no table, or a column mixes types.
    """
    pa = arrow()
    if isinstance(frame, pa.Table):
        return frame
    if not is_frame(frame):
        raise InputError(f"{where}: a {type(frame).__name__} is no table: {HINT}")
    try:
        return _from_pandas(frame) if _is_pandas(frame) else pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        text = " ".join(str(part) for part in error.args) or type(error).__name__
        raise InputError(f"{where}: {text}: give each column one type") from None


def to_strings(texts: Any) -> Any:
    """One array of strings with 32-bit or 64-bit offsets, whatever kind of text it was."""
    pa = arrow()
    if pa.types.is_dictionary(texts.type):
        texts = texts.cast(texts.type.value_type)
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        texts = texts.cast(pa.large_string())
    return one_array(texts)


def one_array(column: Any) -> Any:
    """The chunks of a column as one array."""
    pa = arrow()
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def distinct(column: Any) -> Distinct:
    """Interns the cells of a column; maps, structs and lists become dicts and lists without their nulls."""
    pa = arrow()
    if isinstance(column, pa.ChunkedArray) and pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return _intern(one_array(column))


def _is_pandas(value: Any) -> bool:
    return type(value).__module__.split(".")[0] == "pandas" and type(value).__name__ == "DataFrame"


def _from_pandas(frame: Any) -> Any:
    """NaN stays NaN in columns of floats: numpy's floats cannot tell it from a missing number, so nobody guesses."""
    pa = arrow()
    names = [str(name) for name in frame.columns]
    columns = []
    for place in range(len(names)):
        column = frame.iloc[:, place]
        floats = isinstance(column.dtype, np.dtype) and column.dtype.kind == "f"
        try:
            columns.append(pa.array(column.to_numpy()) if floats else pa.array(column, from_pandas=True))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"column {names[place]}: {error}") from None
    return pa.Table.from_arrays(columns, names=names)


def _intern(array: Any) -> Distinct:
    kinds = arrow().types
    kind = array.type
    if isinstance(kind, arrow().BaseExtensionType):
        return _intern(array.storage)
    if kinds.is_null(kind):
        return Distinct(np.zeros(len(array), np.int32), [None])
    return _intern_nested(array) if kinds.is_nested(kind) else _intern_flat(array)


def _intern_nested(array: Any) -> Distinct:
    kinds = arrow().types
    kind = array.type
    if kinds.is_struct(kind):
        return _intern_struct(array)
    if kinds.is_map(kind):
        return _intern_lists(array, array.keys, array.items)
    if kinds.is_list_view(kind) or kinds.is_large_list_view(kind):
        return _intern(array.cast(arrow().large_list(kind.value_type)))
    return _intern_lists(array, array.flatten())


def _intern_flat(array: Any) -> Distinct:
    pa = arrow()
    if pa.types.is_dictionary(array.type):
        values, codes = array.dictionary.to_pylist(), array.indices
        plain = codes.fill_null(len(values)).to_numpy(zero_copy_only=False).astype(np.int32)
        return _renumber(plain, [*values, None])
    encoded = array.dictionary_encode(null_encoding="encode")
    return Distinct(
        encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), encoded.dictionary.to_pylist()
    )


def _renumber(codes: NDArray[np.int32], values: list[Any]) -> Distinct:
    """Codes in order of first appearance; values that no row has, or that stand twice, are dropped."""
    first = np.full(len(values), len(codes), np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    place: dict[Any, int] = {}
    renumbered = np.zeros(len(values), np.int32)
    for code in np.argsort(first, kind="stable")[: int((first < len(codes)).sum())].tolist():
        renumbered[code] = place.setdefault(values[code], len(place))
    return Distinct(renumbered[codes], list(place))


def _intern_struct(array: Any) -> Distinct:
    parts = [_intern(part) for part in array.flatten()]
    names = [array.type.field(place).name for place in range(array.type.num_fields)]
    missing = array.is_null().to_numpy(zero_copy_only=False)

    def make(row: int) -> dict[str, Any]:
        cells = ((name, part.values[part.codes[row]]) for name, part in zip(names, parts, strict=True))
        return {name: cell for name, cell in cells if cell is not None}

    keys = np.stack([part.codes for part in parts], axis=1) if parts else np.zeros((len(array), 1), np.int32)
    return _intern_keys(_row_keys(keys, np.arange(len(array) + 1)), missing, make)


def _intern_lists(array: Any, *contents: Any) -> Distinct:
    """Lists of one content, or maps of keys and items."""
    pa = arrow()
    missing = array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_map(array.type):
        bounds = array.offsets.to_numpy()
    else:
        lengths = pa.compute.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
    parts = [_intern(content) for content in contents]
    keys = np.stack([part.codes for part in parts], axis=1)

    def make(row: int) -> Any:
        cells = [[part.values[code] for code in part.codes[bounds[row] : bounds[row + 1]]] for part in parts]
        if len(cells) == 1:
            return cells[0]
        named = dict(zip(*cells, strict=True))
        return named if len(named) == len(cells[0]) else list(zip(*cells, strict=True))

    return _intern_keys(_row_keys(keys, bounds), missing, make)


def _row_keys(codes: NDArray[np.int32], bounds: NDArray[Any]) -> list[bytes]:
    data, width = np.ascontiguousarray(codes).tobytes(), codes.itemsize * codes.shape[1]
    edges = (np.asarray(bounds, np.int64) * width).tolist()
    return [data[start:end] for start, end in pairwise(edges)]


def _intern_keys(keys: list[bytes], missing: NDArray[np.bool_], make: Callable[[int], Any]) -> Distinct:
    seen: dict[bytes | None, int] = {}
    values: list[Any] = []
    codes = np.empty(len(keys), np.int32)
    for row, (key, gone) in enumerate(zip(keys, missing.tolist(), strict=True)):
        mark = None if gone else key
        code = seen.get(mark)
        if code is None:
            code = seen[mark] = len(values)
            values.append(None if gone else make(row))
        codes[row] = code
    return Distinct(codes, values)
