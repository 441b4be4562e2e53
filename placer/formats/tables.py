"""Table files: Parquet and CSV, compressed or not, as Arrow tables and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from placer.errors import InputError
from placer.formats.arrow import arrow
from placer.formats.files import STANDARD_INPUT, describe, read_bytes

PARQUET = b"PAR1"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_table(path: Path) -> Any:
    """
    A table file as an Arrow table: Parquet where it starts as such, else CSV.

    Raises
    ------
    InputError
        Unreadable, empty, cut short or damaged.
    """
    pa, where = arrow(), describe(path)
    if path != STANDARD_INPUT and path.is_file() and _starts_as_parquet(path):
        return _parse_parquet(str(path), where)
    data = read_bytes(path)
    return _parse_parquet(pa.BufferReader(data), where) if data.startswith(PARQUET) else parse_csv(data, where)


def parse_csv(data: bytes, where: str) -> Any:
    """CSV text as a table whose columns are all texts; an empty cell without quotes is null."""
    import pyarrow.csv

    data = data.removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        raise InputError(f"{where}: is empty: give a line of column names, then a line a row")
    try:
        header = next(csv.reader(io.StringIO(data.split(b"\n", 1)[0].decode("utf-8").rstrip("\r"))))
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        raise InputError(f"{where}: the line of column names cannot be read ({error}): write CSV in UTF-8") from None
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: pyarrow.string() for name in header},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    try:
        return pyarrow.csv.read_csv(pyarrow.BufferReader(data), parse_options=parse, convert_options=convert)
    except _damage() as error:
        raise InputError(f"{where}: {_sentence(error)}: write CSV in UTF-8, with as many cells in each row") from None


def to_parquet(table: Any) -> bytes:
    """The table as a Parquet file, compressed with zstandard."""
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def to_csv(table: Any) -> bytes:
    """The table as CSV; null is an empty cell, an empty text a quoted one."""
    import pyarrow.csv

    plain = pyarrow.table({name: _flat(column) for name, column in _columns(table).items()})
    sink = pyarrow.BufferOutputStream()
    pyarrow.csv.write_csv(plain, sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _columns(table: Any) -> Mapping[str, Any]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _flat(column: Any) -> Any:
    pa = arrow()
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _starts_as_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET)) == PARQUET
    except OSError:
        return False


def _parse_parquet(source: Any, where: str) -> Any:
    """Columns of text but the names come as dictionaries, which is how most Parquet files hold them."""
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(source, memory_map=isinstance(source, str))
        texts = [field.name for field in schema if pyarrow.types.is_string(field.type) and field.name != "name"]
        if not isinstance(source, str):
            source.seek(0)
        with pyarrow.parquet.ParquetFile(source, memory_map=isinstance(source, str), read_dictionary=texts) as file:
            table = file.read()
        table.validate(full=True)
        return table
    except _damage() as error:
        raise InputError(f"{where}: {_sentence(error)}: the Parquet file is cut short or damaged") from None


def _damage() -> tuple[type[BaseException], ...]:
    return arrow().ArrowException, OSError, ValueError, MemoryError, KeyError, OverflowError


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
