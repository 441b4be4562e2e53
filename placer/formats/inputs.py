"""From what users give, whatever it is, to a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from placer.errors import InputError
from placer.formats.arrow import is_frame, without_collector
from placer.formats.files import STANDARD_INPUT
from placer.formats.registry import Format, find, formats
from placer.model.cluster import Cluster


def load(*inputs: Any, format: str | None = None) -> Cluster:
    """
    Reads a cluster.

    Parameters
    ----------
    inputs
        Files, directories or ``-`` for standard input: Kubernetes objects in JSON or YAML, or tables of nodes and pods
        in Parquet or CSV, compressed or not. Or Kubernetes objects: dicts, or objects of the Kubernetes client. Or two
        data frames, nodes and pods, and maybe a third, namespaces.
    format
        One of ``placer formats``, where the content is not to decide.

    Returns
    -------
    The cluster; what is odd but legal stands in its ``warnings``.

    Raises
    ------
    InputError
        With all that is wrong, each with place, value and fix.

    Examples
    --------
    >>> from placer.formats import load
    >>> load({"kind": "Node", "metadata": {"name": "n1"}}, {"kind": "Pod", "metadata": {"name": "web"}})
    <Cluster: 1 nodes, 1 pods, 1 pending>
    """
    given = list(_flatten(inputs))
    if not given:
        raise InputError("there is no input: give a file, a directory, '-', Kubernetes objects or data frames")
    with without_collector():
        if all(isinstance(value, (str, os.PathLike)) for value in given):
            return _read_paths([Path(value) for value in given], format)
        if any(is_frame(value) for value in given):
            return _read_frames(given)
        return _read_objects(given)


def _flatten(values: Sequence[Any]) -> Sequence[Any]:
    flat: list[Any] = []
    for value in values:
        flat.extend(_flatten(value) if isinstance(value, (list, tuple)) else [value])
    return flat


def _read_paths(paths: list[Path], name: str | None) -> Cluster:
    missing = [f"{path}: no such file or directory: check the path" for path in paths if not _exists(path)]
    if missing:
        raise InputError(missing)
    if paths.count(STANDARD_INPUT) > 1:
        raise InputError("standard input: '-' is a duplicate: it can be read once")
    chosen = find(name) if name is not None else _detect(paths)
    if chosen.read is None:
        raise InputError(f"format {chosen.name!r} is only written: use one that placer reads")
    return chosen.read(paths)


def _exists(path: Path) -> bool:
    return path == STANDARD_INPUT or os.path.exists(path)


def _detect(paths: list[Path]) -> Format:
    """The first format that knows itself; Kubernetes objects are the last and take what is left."""
    return next(format for format in formats() if format.reads and format.detect(paths))


def _read_frames(given: list[Any]) -> Cluster:
    from placer.formats.frames import read_frames

    if not 2 <= len(given) <= 3:
        raise InputError(f"{len(given)} data frames: give two, nodes and pods, and maybe a third, namespaces")
    return read_frames(*given)


def _read_objects(given: list[Any]) -> Cluster:
    for place, value in enumerate(given):
        if not isinstance(value, Mapping) and not hasattr(value, "to_dict"):
            raise InputError(
                f"input {place} is {value!r:.80}, a {type(value).__name__}: give paths, or Kubernetes objects, "
                "or data frames, not a mixture"
            )
    from placer.orchestrators.kubernetes import read_objects

    cluster: Cluster = read_objects(given)
    return cluster
