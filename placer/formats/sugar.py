"""The columns ``spread`` and ``apart``: short for rules over the pod's own labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from placer.errors import InputError
from placer.formats.problems import Problems
from placer.model.pod import Pod
from placer.model.table import Column

TOUCHED = ("labels", "topology_spread", "pod_anti_affinity")


def apply_sugar(
    fields: dict[str, Column[Any]], short: str, keys: Column[tuple[str, ...]], names: Any, problems: Problems
) -> dict[str, Column[Any]]:
    """
    The fields with the short form written out as :class:`placer.model.pod.Pod` does it.

    O(distinct values); pods without labels get one of their own name, so that each is a value of its own.
    """
    used = np.array([bool(value) for value in keys.values], bool)[keys.codes] if len(keys) else np.zeros(0, bool)
    rows = np.flatnonzero(used)
    if not len(rows):
        return fields
    bare = np.array([not value for value in fields["labels"].values], bool)[fields["labels"].codes[rows]]
    marks = [fields[name].codes[rows] for name in TOUCHED] + [keys.codes[rows], np.where(bare, rows, -1)]
    _, first, inverse = np.unique(np.stack(marks), axis=1, return_index=True, return_inverse=True)
    made: list[Pod | None] = []
    for row in rows[first].tolist():
        try:
            given = {name: fields[name][row] for name in TOUCHED}
            made.append(Pod(names[row].as_py(), **given, **{short: keys[row]}))
        except InputError as error:
            made.append(None)
            problems.texts.extend(f"{problems.at(row, short)}: {text}" for text in error.problems)
    return {**fields, **{name: _put(fields[name], name, rows, inverse.reshape(-1), made) for name in TOUCHED}}


def _put(
    column: Column[Any], name: str, rows: np.ndarray[Any, Any], inverse: np.ndarray[Any, Any], made: list[Pod | None]
) -> Column[Any]:
    values = [*column.values, *(column.values[0] if pod is None else getattr(pod, name) for pod in made)]
    codes = column.codes.copy()
    codes[rows] = (len(column.values) + inverse).astype(np.int32)
    merged = Column.of(values)
    codes = merged.codes[codes]
    present, renumbered = np.unique(codes, return_inverse=True)
    return Column(renumbered.reshape(-1).astype(np.int32), [merged.values[code] for code in present.tolist()])
