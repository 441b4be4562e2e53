"""
Parts of pods that many share: each distinct text is read once, and a pod keeps a code.

A part yields several fields at once, as ``spec.affinity`` does; they become columns when all pods have been seen.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from placer.model.table import Column


class Part:
    """
    Some fields of all pods that are read from the same text.

    Parameters
    ----------
    fields
        Their names, in the order in which ``read`` gives their values.
    read
        From a key to the values; called once per distinct key.

    Attributes
    ----------
    codes
        Per pod, which of ``values`` it has.
    values
        Per distinct key, the fields' values.
    """

    def __init__(self, fields: Sequence[str], read: Callable[[Any], tuple[Any, ...]]) -> None:
        self.fields, self.read = tuple(fields), read
        self.codes = array("i")
        self.values: list[tuple[Any, ...]] = []
        self._known: dict[Hashable, int] = {}

    def add(self, key: Hashable) -> None:
        """Appends a pod."""
        code = self._known.get(key)
        if code is None:
            self.values.append(self.read(key))
            code = self._known[key] = len(self.values) - 1
        self.codes.append(code)

    def columns(self) -> Iterable[tuple[str, Column[Any]]]:
        """The fields as columns, in which no value stands twice."""
        codes = np.array(self.codes, np.int32)
        for place, name in enumerate(self.fields):
            distinct = Column.of(values[place] for values in self.values)
            yield name, Column(distinct.codes[codes] if len(codes) else codes, distinct.values)


def override(column: Column[Any], values: dict[int, Any]) -> Column[Any]:
    """The column with other values in some rows."""
    if not values:
        return column
    known = {value: code for code, value in enumerate(column.values)}
    codes, distinct = column.codes.copy(), list(column.values)
    for row, value in values.items():
        code = known.setdefault(value, len(distinct))
        if code == len(distinct):
            distinct.append(value)
        codes[row] = code
    return Column(codes, distinct)
