"""From a cluster to files."""

from __future__ import annotations

from pathlib import Path

from placer.errors import InputError
from placer.formats.manifests import KUBERNETES, ends_as_manifest
from placer.formats.pairs import PARQUET
from placer.formats.registry import Format, find
from placer.model.cluster import Cluster


def write(cluster: Cluster, path: Path, format: str | None = None) -> None:
    """
    Writes a cluster so that :func:`placer.load` gives it back; files are replaced whole or not at all.

    Parameters
    ----------
    path
        ``.json`` and ``.yaml``, also ``.gz``, ``.xz``, ``.zst``, are Kubernetes objects; a directory, there already or
        not, gets tables in Parquet.
    format
        One of ``placer formats``, where the path does not tell.

    Raises
    ------
    InputError
        The path says nothing about the format, or cannot be written.
    """
    chosen = _by_path(path) if format is None else find(format)
    if chosen.write is None:
        raise InputError(f"format {chosen.name!r} is only read: use kubernetes, parquet or csv")
    chosen.write(cluster, path)


def _by_path(path: Path) -> Format:
    if path.is_dir():
        return PARQUET
    if ends_as_manifest(path):
        return KUBERNETES
    if not path.suffix:
        return PARQUET
    raise InputError(
        f"{path}: {path.suffix!r} does not tell the format: give a directory for tables, a name in .json or .yaml, "
        "or name the format"
    )
