"""Text of traces: files found with or without compression, and CSV columns with all that is wrong in them."""

from __future__ import annotations

import csv
import io
import lzma
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.formats.content import to_text
from placer.formats.files import COMPRESSED_SUFFIXES, GZIP, XZ, read_bytes

LOOKED_AT = 4096
MOST = 2**40
"""Beyond what any machine has in milli-CPU or MiB; keeps amounts within int64."""


def find(folder: Path, name: str) -> Path | None:
    """The file of this name, or compressed with a suffix added; ``None`` where there is neither."""
    places = (folder / f"{name}{suffix}" for suffix in ("", *COMPRESSED_SUFFIXES))
    return next((place for place in places if place.is_file()), None)


def need(folder: Path, name: str, fix: str) -> Path:
    """As :func:`find`, or an error with the fix."""
    path = find(folder, name)
    if path is None:
        raise InputError(f"{folder}: has no file {name!r}, nor one compressed as .xz, .gz or .zst: {fix}")
    return path


def read_text(path: Path) -> str:
    """A file's text, decompressed."""
    return to_text(read_bytes(path), str(path))


def first_lines(path: Path) -> list[str]:
    """How a regular file begins; nothing where it cannot be read as text, which is then not for a trace to say."""
    if not path.is_file():
        return []
    try:
        with path.open("rb") as file:
            head = file.read(LOOKED_AT)
        if head.startswith(XZ):
            head = lzma.LZMADecompressor().decompress(head, LOOKED_AT)
        elif head.startswith(GZIP):
            head = zlib.decompressobj(wbits=31).decompress(head, LOOKED_AT)
    except (OSError, lzma.LZMAError, zlib.error):
        return []
    return head.decode("utf-8", "replace").splitlines()


class Rows:
    """
    The columns of a CSV file with a header; problems are collected, so that one reading tells them all.

    Parameters
    ----------
    path
        Compressed or not.
    columns
        Those that must be there; others are kept as well.

    Raises
    ------
    InputError
        The file is empty, a column is missing, or lines have too few or too many values.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.problems: list[str] = []
        rows = self._read(read_text(path))
        if not rows:
            raise InputError(f"{path}: is empty: give a file with the header {','.join(columns)}")
        missing = [name for name in columns if name not in rows[0]]
        if missing:
            raise InputError(
                [f"{path}: line 1: has no column {name!r}, only {', '.join(rows[0])}: add it" for name in missing]
            )
        for line, row in zip(self._lines, rows[1:], strict=True):
            if len(row) != len(rows[0]):
                self.problems.append(f"{path}: line {line}: has {len(row)} values: give {len(rows[0])}")
        self.refuse()
        self._columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True)) if rows[1:] else {}
        self._length = len(rows) - 1

    def __len__(self) -> int:
        return self._length

    def text(self, name: str) -> Sequence[str]:
        """A column as it is written; empty texts where the file has none of this name."""
        return self._columns.get(name, ("",) * self._length)

    def names(self, name: str) -> list[str]:
        """A column of names, none empty and none twice."""
        seen: set[str] = set()
        texts = self.text(name)
        for row, text in enumerate(texts):
            if not text or text in seen:
                self.refuse_value(
                    row, name, text, "a duplicate: each name may stand once" if text else "empty: name it"
                )
            seen.add(text)
        return list(texts)

    def integers(self, name: str, most: int = MOST) -> NDArray[np.int64]:
        """A column of whole numbers from 0 to ``most``; each distinct text is read once."""
        return self._numbers(name, lambda text: _integer(text, most), f"no whole number from 0 to {most}")

    def scaled(self, name: str, unit: int) -> NDArray[np.int64]:
        """A column of fractions from 0 to 1, times ``unit``, rounded down."""
        return self._numbers(name, lambda text: _fraction(text, unit), "no number from 0 to 1")

    def refuse_value(self, row: int, name: str, value: str, words: str) -> None:
        """Notes what is wrong with a value."""
        self.problems.append(f"{self.path}: line {self._lines[row]}: {name} is {value!r}, which is {words}")

    def refuse(self) -> None:
        """Raises what has been noted, if anything."""
        if self.problems:
            raise InputError(self.problems)

    def _read(self, text: str) -> list[list[str]]:
        """All rows that are not blank; notes on which lines those after the header end."""
        reader = csv.reader(io.StringIO(text, newline=""))
        try:
            rows = [(reader.line_num, row) for row in reader if row]
        except csv.Error as error:
            raise InputError(f"{self.path}: line {reader.line_num}: is no CSV ({error}): write it anew") from None
        self._lines = [line for line, _ in rows[1:]]
        return [row for _, row in rows]

    def _numbers(self, name: str, read: Callable[[str], int | None], words: str) -> NDArray[np.int64]:
        texts = self.text(name)
        values = {text: read(text) for text in set(texts)}
        if None in values.values():
            for row, text in enumerate(texts):
                if values[text] is None:
                    self.refuse_value(row, name, text, words)
        return np.array([values[text] or 0 for text in texts], np.int64)


def _integer(text: str, most: int) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        return None
    return int(text) if int(text) <= most else None


def _fraction(text: str, unit: int) -> int | None:
    try:
        value = Decimal(text) if len(text) <= 40 else Decimal("NaN")
        return int(value * unit) if 0 <= value <= 1 else None
    except InvalidOperation:
        return None
