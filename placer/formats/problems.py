"""What is wrong with the rows of a table, in the words of the input: table, row, name, column, value, fix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.errors import SHOWN_IN_FULL, InputError
from placer.formats.arrow import Distinct

LONGEST_VALUE = 120


class Problems:
    """
    Collects what is wrong with one table.

    Parameters
    ----------
    table
        How errors name it: a file, or ``nodes``, ``pods``.
    """

    def __init__(self, table: str) -> None:
        self.table = table
        self.names: Any = None
        self.texts: list[str] = []

    def add(self, text: str) -> None:
        """Notes what is wrong with the table as a whole."""
        self.texts.append(f"{self.table}: {text}")

    def at(self, row: int, column: str, others: int = 0) -> str:
        """Where a cell is: table, row from 0, the row's name, column."""
        name = None if self.names is None else self.names[row].as_py()
        named = f" ({name!r})" if isinstance(name, str) else ""
        more = f" and {others} more rows" if others > 1 else " and 1 more row" if others else ""
        return f"{self.table}, row {row}{named}{more}, column {column}"

    def rows(self, column: str, bad: NDArray[np.bool_], cells: Any, text: str) -> None:
        """Notes each row of a mask, the first ten with their values; ``cells`` is the Arrow column."""
        rows = np.flatnonzero(bad).tolist()
        for row in rows[:SHOWN_IN_FULL]:
            self.texts.append(f"{self.at(row, column)}: is {shorten(cells[row].as_py())}: {text}")
        if len(rows) > SHOWN_IN_FULL:
            self.texts.append(f"{self.table}, column {column}: {len(rows) - SHOWN_IN_FULL} more rows: {text}")

    def values(self, column: str, cells: Distinct, texts: dict[int, list[str]]) -> None:
        """Notes distinct values; ``texts`` says by code what is wrong, each text to follow the place of the cell."""
        if not texts:
            return
        codes, first, counts = np.unique(cells.codes, return_index=True, return_counts=True)
        place = {int(code): index for index, code in enumerate(codes)}
        for code, lines in sorted(texts.items()):
            if code in place:
                index = place[code]
                where = self.at(int(first[index]), column, int(counts[index]) - 1)
                self.texts.extend(f"{where}{line}" for line in lines)


def raise_if_any(*found: Problems) -> None:
    """Raises one error with all that was found, if anything was."""
    texts = [text for problems in found for text in problems.texts]
    if texts:
        raise InputError(texts)


def shorten(value: Any) -> str:
    """The value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
