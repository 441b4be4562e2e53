"""Clusters as a pair of tables: nodes.parquet and pods.parquet, nodes.csv and pods.csv."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from placer.errors import InputError
from placer.formats.content import look_at
from placer.formats.files import STANDARD_INPUT, describe, list_directory, replace_files
from placer.formats.frames import namespaces_frame, read_parquet, write_frames
from placer.formats.manifests import manifests_in
from placer.formats.registry import Format
from placer.formats.schemas import tables_schema
from placer.formats.tables import to_csv, to_parquet
from placer.model.cluster import Cluster

ROLES = ("nodes", "pods", "namespaces")
TABLE_SUFFIXES = {(ending, packed) for ending in (".parquet", ".csv") for packed in ("", ".gz", ".xz", ".zst")}


def read(paths: Sequence[Path]) -> Cluster:
    """
    A cluster from files of nodes and pods, or from a directory that holds them.

    Raises
    ------
    InputError
        A table is missing or there twice, or other input is mixed in.
    """
    tables: dict[str, Path] = {}
    for role, file in _by_role([file for path in paths for file in _tables_of(path)]):
        if role in tables:
            raise InputError(f"{file}: {tables[role]} is a table of {role} as well: give one of them")
        tables[role] = file
    for role in ROLES[:2]:
        if role not in tables:
            given = ", ".join(describe(path) for path in paths)
            raise InputError(f"{given}: there is no table of {role}: give {role}.parquet or {role}.csv as well")
    return read_parquet(tables["nodes"], tables["pods"], tables.get("namespaces"))


def write_to(encode: Callable[[Any], bytes], suffix: str) -> Callable[[Cluster, Path], None]:
    """Writes the tables of a cluster to a directory, all of them or none."""

    def write(cluster: Cluster, path: Path) -> None:
        if path.suffix in (".parquet", ".csv") or (path.exists() and not path.is_dir()):
            raise InputError(f"{path}: tables of nodes and pods are two files: give a directory for them")
        frames = dict(zip(ROLES, write_frames(cluster), strict=False))
        if cluster.namespaces:
            frames["namespaces"] = namespaces_frame(cluster)
        files = {path / f"{role}{suffix}": encode(frame) for role, frame in frames.items()}
        made = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be made ({error.strerror}): choose another place") from None
        try:
            replace_files(files)
        except BaseException:
            if made:
                path.rmdir()
            raise
        if not cluster.namespaces:
            (path / f"namespaces{suffix}").unlink(missing_ok=True)

    return write


def _detects(content: str) -> Callable[[Sequence[Path]], bool]:
    def detect(paths: Sequence[Path]) -> bool:
        return any(_holds(path, content) for path in paths if path != STANDARD_INPUT)

    return detect


def _holds(path: Path, content: str) -> bool:
    if path.is_dir():
        return any(look_at(table, str(table)) == content for table in _tables_of(path))
    return look_at(path, str(path)) == content


def _tables_of(path: Path) -> list[Path]:
    """The file itself, or the directory's tables; a directory that holds manifests as well says too much."""
    if not path.is_dir():
        return [path]
    tables = [file for file in list_directory(path) if _role_of(file) and file.is_file()]
    manifests = manifests_in(path) if tables else []
    if manifests:
        raise InputError(
            f"{path}: holds tables ({tables[0].name}) and other input ({manifests[0].name}): give the files meant"
        )
    return tables


def _role_of(file: Path) -> str | None:
    """``nodes``, ``pods`` or ``namespaces`` where the file is called so and nothing more."""
    stem, _, rest = file.name.partition(".")
    ending, _, packed = rest.partition(".")
    known = (f".{ending}", f".{packed}" if packed else "") in TABLE_SUFFIXES
    return stem if stem in ROLES and known else None


def _by_role(files: list[Path]) -> list[tuple[str, Path]]:
    """Which table each file is: by a word of its name, or else by its place."""
    named = [(word, file) for file in files if (word := _word_of(file)) is not None]
    if len(named) == len(files):
        return named
    if len(files) > len(ROLES):
        raise InputError(f"{files[0]}: {len(files)} tables: give one of nodes and one of pods")
    return list(zip(ROLES, files, strict=False))


def _word_of(file: Path) -> str | None:
    words = re.split(r"[^a-z]+", file.name.partition(".")[0].lower())
    found = [role for role in ROLES if role in words or role[:-1] in words]
    return found[0] if len(found) == 1 else None


PARQUET = Format(
    "parquet",
    "Tables of nodes and pods, nodes.parquet and pods.parquet: the fastest form of large clusters.",
    read=read,
    write=write_to(to_parquet, ".parquet"),
    detect=_detects("parquet"),
    describe=tables_schema,
)
CSV = Format(
    "csv",
    "Tables of nodes and pods, nodes.csv and pods.csv, with the columns of Parquet.",
    read=read,
    write=write_to(to_csv, ".csv"),
    detect=_detects("csv"),
    describe=tables_schema,
)
