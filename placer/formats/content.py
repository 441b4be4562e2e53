"""What a file is, told by how it begins."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import Literal

import msgspec
import zstandard

from placer.errors import InputError
from placer.formats.files import GZIP, XZ, ZSTANDARD, read_bytes
from placer.formats.tables import BYTE_ORDER_MARK, PARQUET

Content = Literal["parquet", "csv", "json", "yaml", "solution"]
LOOKED_AT = 65536
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")


class _TopLevel(msgspec.Struct):
    kind: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    items: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    bindings: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    objective: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def look_at(path: Path, where: str) -> Content:
    """
    What the file holds.

    Raises
    ------
    InputError
        It is empty, no text in UTF-8 and no Parquet file either, or cannot be read.
    """
    head = _head(path, where)
    content = tell(head, where)
    if content == "parquet" or path.suffixes[:1] != [".parquet"]:
        return "solution" if content == "json" and _may_be_solution(head) and is_solution(read_bytes(path)) else content
    raise InputError(f"{where}: does not start with PAR1 as Parquet files do: it is damaged, or rename it")


def tell(head: bytes, where: str) -> Content:
    """What begins like this; a solution is told from other JSON by :func:`is_solution`."""
    if head.startswith(PARQUET):
        return "parquet"
    text = _text(head, where).lstrip()
    if not text:
        raise InputError(f"{where}: is empty: give Kubernetes objects, or tables of nodes and pods")
    if text[0] in "{[":
        return "json"
    return "csv" if _is_header(text.split("\n", 1)[0]) else "yaml"


def is_solution(data: bytes) -> bool:
    """Whether a JSON document is an answer of placer's, not a cluster."""
    try:
        top = msgspec.json.decode(data, type=_TopLevel)
    except (msgspec.DecodeError, RecursionError):
        return False
    return top.bindings is not msgspec.UNSET and top.kind is msgspec.UNSET and top.items is msgspec.UNSET


def to_text(data: bytes, where: str) -> str:
    """The data as text, or an error that says where it stops being UTF-8."""
    try:
        return data.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{where}: byte {error.start} is {data[error.start]:#04x}, which is no UTF-8: save the file as UTF-8"
        ) from None


def _may_be_solution(head: bytes) -> bool:
    """Spares a second reading of large dumps: their kind stands at the beginning."""
    return b'"kind"' not in head and b'"apiVersion"' not in head


def _head(path: Path, where: str) -> bytes:
    """The first bytes, decompressed; what cannot be read in parts is read whole, which says what is wrong."""
    try:
        with path.open("rb") as file:
            head = file.read(LOOKED_AT)
            file.seek(0)
            if head.startswith(GZIP):
                head = gzip.GzipFile(fileobj=file).read(LOOKED_AT)
            elif head.startswith(XZ):
                with lzma.open(file) as packed:
                    head = packed.read(LOOKED_AT)
            elif head.startswith(ZSTANDARD):
                head = zstandard.ZstdDecompressor().stream_reader(file).read(LOOKED_AT)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, MemoryError, zstandard.ZstdError):
        return read_bytes(path)[:LOOKED_AT]
    return head or read_bytes(path)[:LOOKED_AT]


def _text(head: bytes, where: str) -> str:
    if head.startswith(OTHER_ENCODINGS):
        raise InputError(f"{where}: is UTF-16, not UTF-8: save the file as UTF-8")
    try:
        text = head.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        cut_by_us = len(head) == LOOKED_AT and error.start >= len(head) - 3
        if not cut_by_us:
            raise InputError(
                f"{where}: byte {error.start} is {head[error.start]:#04x}, which is no UTF-8, nor is the file Parquet: "
                "save it as UTF-8"
            ) from None
        text = head[: error.start].decode("utf-8")
    if "\0" in text:
        raise InputError(f"{where}: holds binary data of no kind that placer reads: give JSON, YAML, CSV or Parquet")
    return text


def _is_header(line: str) -> bool:
    """Whether the first line names columns, ``name`` among them, as CSV has it and YAML never does."""
    try:
        cells = next(csv.reader(io.StringIO(line.strip())))
    except (csv.Error, StopIteration):
        return False
    return (len(cells) > 1 or cells == ["name"]) and "name" in cells and not any(": " in cell for cell in cells)
