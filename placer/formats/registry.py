"""The formats that placer knows: its own, public traces, and those that other packages register."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placer.errors import InputError

if TYPE_CHECKING:
    from placer.model.cluster import Cluster

GROUP = "placer.formats"
"""Entry points of this group name a :class:`Format`."""


@dataclass(frozen=True)
class Format:
    """
    A way to hold a cluster in files.

    Attributes
    ----------
    name
        What ``--format`` calls it.
    description
        One sentence.
    read
        Makes a cluster of files or directories; ``None`` where the format is only written.
    write
        Writes a cluster to a place; ``None`` where the format is only read.
    detect
        Whether these paths, all of them, are of this format.
    describe
        A JSON Schema of what the files hold.
    """

    name: str
    description: str
    read: Callable[[Sequence[Path]], Cluster] | None = None
    write: Callable[[Cluster, Path], None] | None = None
    detect: Callable[[Sequence[Path]], bool] = lambda paths: False
    describe: Callable[[], dict[str, Any]] | None = None

    @property
    def reads(self) -> bool:
        """Whether placer reads it."""
        return self.read is not None

    @property
    def writes(self) -> bool:
        """Whether placer writes it."""
        return self.write is not None

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of what the files hold; empty where none is known."""
        return {} if self.describe is None else self.describe()


def formats() -> list[Format]:
    """All formats, in the order in which they are tried: what tells itself apart best comes first."""
    from placer.formats import manifests, pairs

    return [*_traces(), *_registered(), manifests.SOLUTION, pairs.PARQUET, pairs.CSV, manifests.KUBERNETES]


def find(name: str) -> Format:
    """
    The format of a name.

    Raises
    ------
    InputError
        There is none.
    """
    known = {format.name: format for format in formats()}
    if name not in known:
        close = get_close_matches(name, known, n=1)
        fix = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}"
        raise InputError(f"format {name!r} is unknown: {fix}")
    return known[name]


def schema(name: str) -> dict[str, Any]:
    """A format's JSON Schema."""
    return find(name).schema


def _traces() -> list[Format]:
    if find_spec("placer.traces") is None:
        return []
    from placer.traces import FORMATS

    return [_trace(name, reader) for name, reader in FORMATS.items()]


def _trace(name: str, reader: Any) -> Format:
    """A public trace: one file or directory, read by its own reader."""

    def detect(paths: Sequence[Path]) -> bool:
        return len(paths) == 1 and paths[0].exists() and hasattr(reader, "detect") and bool(reader.detect(paths[0]))

    def read(paths: Sequence[Path]) -> Cluster:
        if len(paths) != 1:
            raise InputError(f"format {name!r} reads one file or directory, not {len(paths)}: give one")
        cluster: Cluster = getattr(reader, "read", reader)(paths[0])
        return cluster

    text = " ".join((getattr(reader, "__doc__", None) or "A public trace.").strip().split("\n")[0].split())
    return Format(name, text, read=read, detect=detect)


def _registered() -> list[Format]:
    found = []
    for entry in entry_points(group=GROUP):
        format = entry.load()
        if not isinstance(format, Format):
            raise InputError(f"entry point {entry.name!r} of {GROUP} is {format!r}: it must name a Format")
        found.append(format)
    return found
