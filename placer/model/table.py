"""
Nodes and pods as tables: a few thousand distinct values, and an integer a row that says which.

250,000 pods share a few thousand sets of labels, requests and rules. Each distinct value is parsed, validated and
kept once; a row is a handful of codes. Engines and ``verify`` read codes; users see :class:`Node` and :class:`Pod`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

ABSENT = -1
"""In a node's allocatable: the resource is not named."""
PENDING = -1
"""In a pod's node: not bound."""
UNKNOWN = -2
"""In a pod's node: bound to a node that the cluster does not have."""


@dataclass(slots=True)
class Column(Generic[T]):
    """
    One field of all rows.

    Attributes
    ----------
    codes
        (rows,) int32: which of ``values`` the row has.
    values
        Distinct values, in order of first appearance where the reader can tell.
    """

    codes: NDArray[np.int32]
    values: list[T]

    @classmethod
    def constant(cls, value: T, rows: int) -> Column[T]:
        """The same value in every row."""
        return cls(np.zeros(rows, np.int32), [value])

    @classmethod
    def of(cls, values: Iterable[T], key: Callable[[T], Any] | None = None) -> Column[T]:
        """Interns one value a row; ``key`` makes unhashable values comparable."""
        seen: dict[Any, int] = {}
        distinct: list[T] = []
        codes = []
        for value in values:
            mark = value if key is None else key(value)
            code = seen.get(mark)
            if code is None:
                code = seen[mark] = len(distinct)
                distinct.append(value)
            codes.append(code)
        return cls(np.array(codes, np.int32), distinct)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> T:
        value: T = self.values[self.codes[row]]
        return value

    def take(self, rows: NDArray[np.integer[Any]] | slice) -> Column[T]:
        """The column of these rows."""
        return Column(self.codes[rows], self.values)

    def map(self, function: Callable[[T], Any]) -> NDArray[Any]:
        """A value a row, computed once per distinct value."""
        return np.array([function(value) for value in self.values])[self.codes]

    @property
    def uniform(self) -> bool:
        """Whether every row has the same value by code."""
        return len(self.values) <= 1


@dataclass(slots=True)
class Amounts:
    """
    Quantities of all rows.

    Attributes
    ----------
    resources
        Column names, sorted, ``cpu`` in milli, bytes or counts for the others.
    table
        (rows, resources) int64 in base units.
    """

    resources: tuple[str, ...]
    table: NDArray[np.int64]

    def column(self, resource: str, missing: int = 0) -> NDArray[np.int64]:
        """(rows,) of one resource."""
        if resource in self.resources:
            return self.table[:, self.resources.index(resource)]
        return np.full(len(self.table), missing, np.int64)


class Names(Sequence[str]):
    """
    Names of all rows; replicas are told apart by an ordinal, so that k of them do not cost k strings.

    Parameters
    ----------
    base
        One text a written row; anything with ``__getitem__`` and ``__len__``.
    row, ordinal
        (pods,) int32: which text, and the replica's number or -1 for none; ``None``: each row is its own text.
    checked
        The reader has made sure that no name stands twice (a pod's within its namespace).
    """

    def __init__(
        self,
        base: Sequence[str],
        row: NDArray[np.int32] | None = None,
        ordinal: NDArray[np.int32] | None = None,
        checked: bool = False,
    ) -> None:
        self.base = base
        self.checked = checked
        self.row = row
        self.ordinal = ordinal
        self._all: list[str] | None = None

    def __len__(self) -> int:
        return len(self.base) if self.row is None else len(self.row)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if self.row is None or self.ordinal is None:
            return self.base[index]
        text, ordinal = self.base[self.row[index]], self.ordinal[index]
        return text if ordinal < 0 else f"{text}-{ordinal}"

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def tolist(self) -> list[str]:
        """All names, made once and kept."""
        if self._all is None:
            if self.row is None or self.ordinal is None:
                self._all = list(self.base)
            else:
                base = list(self.base)
                self._all = [
                    base[row] if ordinal < 0 else f"{base[row]}-{ordinal}"
                    for row, ordinal in zip(self.row.tolist(), self.ordinal.tolist(), strict=True)
                ]
        return self._all


@dataclass(slots=True)
class NodeTable:
    """
    All nodes.

    Attributes
    ----------
    names
        In input order; unique.
    labels
        Without ``kubernetes.io/hostname`` where ``named`` is set: there it equals the name.
    named
        (nodes,) bool: the hostname label is the node's name.
    allocatable
        Base units; ``ABSENT`` (-1) where not named.
    price
        (nodes,) int64, millionths.
    unschedulable
        (nodes,) bool.
    """

    names: Names
    labels: Column[Mapping[str, str]]
    named: NDArray[np.bool_]
    allocatable: Amounts
    price: NDArray[np.int64]
    unschedulable: NDArray[np.bool_]
    taints: Column[tuple[Any, ...]]
    devices: Column[tuple[Any, ...]]
    images: Column[tuple[Any, ...]]
    volume_limits: Column[Mapping[str, int]]
    _index: dict[str, int] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.named)

    def index(self, name: str) -> int:
        """The row of a name, or -1."""
        if self._index is None:
            self._index = {name: row for row, name in enumerate(self.names)}
        return self._index.get(name, -1)


@dataclass(slots=True)
class PodTable:
    """
    All pods, replicas written out as codes.

    Attributes
    ----------
    names
        Unique within their namespace.
    node
        (pods,) int32: row of the node it is bound to, ``PENDING`` (-1) or ``UNKNOWN`` (-2).
    priority
        (pods,) int32.
    requests
        Base units; 0 is not asked for.
    fields
        One column per remaining field of :class:`placer.model.pod.Pod`, by its name: see ``POD_FIELDS``.
    unknown_nodes
        Row → name of the missing node, for rows whose ``node`` is ``UNKNOWN``.
    """

    names: Names
    node: NDArray[np.int32]
    priority: NDArray[np.int32]
    requests: Amounts
    fields: dict[str, Column[Any]]
    unknown_nodes: dict[int, str] = field(default_factory=dict)
    _index: dict[str, int] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.node)

    def __getitem__(self, name: str) -> Column[Any]:
        return self.fields[name]

    def key(self, row: int) -> str:
        """``namespace/name`` of a row."""
        return f"{self.fields['namespace'][row]}/{self.names[row]}"

    def keys(self) -> list[str]:
        """``namespace/name`` of all rows."""
        namespaces = self.fields["namespace"]
        prefixes = [f"{namespace}/" for namespace in namespaces.values]
        codes = namespaces.codes.tolist()
        return [prefixes[code] + name for code, name in zip(codes, self.names.tolist(), strict=True)]

    def index(self, key: str) -> int:
        """The row of ``namespace/name``, or -1; a bare name means the namespace ``default``."""
        if self._index is None:
            self._index = {key: row for row, key in enumerate(self.keys())}
        return self._index.get(key if "/" in key else f"default/{key}", -1)
