"""Clusters as Kubernetes objects in JSON and YAML, and what is no cluster: a solution."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from placer.errors import InputError
from placer.formats.content import is_solution, look_at, tell
from placer.formats.files import COMPRESSED_SUFFIXES, STANDARD_INPUT, describe, list_directory, read_bytes, replace_file
from placer.formats.registry import Format
from placer.formats.schemas import manifest_schema, solution_schema
from placer.model.cluster import Cluster

ENDINGS = (".json", ".yaml", ".yml")
SOLUTION_FIX = "is a placer solution, no cluster: give it with --solution, beside the cluster that it was made for"
Source = tuple[str, bytes]


def read(paths: Sequence[Path]) -> Cluster:
    """
    A cluster from files and directories of Kubernetes objects, and from standard input.

    Raises
    ------
    InputError
        Nothing to read, other input mixed in, or objects that are not what they should be.
    """
    sources = [source for path in paths for file in _files_of(path) for source in _sources(file)]
    from placer.orchestrators.kubernetes import read_json

    cluster: Cluster = read_json(sources)
    return cluster


def manifests_in(directory: Path) -> list[Path]:
    """JSON and YAML files in the directory and those below it, hidden ones and solutions left out, by name."""
    found: list[Path] = []
    for path in list_directory(directory):
        if path.is_dir():
            found += [] if path.is_symlink() else manifests_in(path)
        elif ends_as_manifest(path) and look_at(path, str(path)) != "solution":
            found.append(path)
    return found


def write(cluster: Cluster, path: Path) -> None:
    """One ``List`` of all objects: YAML where the name says so, else JSON."""
    from placer.orchestrators.kubernetes import write_objects

    document = {"apiVersion": "v1", "kind": "List", "items": list(write_objects(cluster))}
    if _ending(path.name) in (".yaml", ".yml"):
        replace_file(path, _to_yaml(document))
    else:
        replace_file(path, msgspec.json.encode(document) + b"\n")


def ends_as_manifest(path: Path) -> bool:
    """Whether the name ends as JSON and YAML files do, compressed or not."""
    return _ending(path.name) in ENDINGS


def _detect(paths: Sequence[Path]) -> bool:
    return True


def _detect_solution(paths: Sequence[Path]) -> bool:
    return any(path != STANDARD_INPUT and path.is_file() and look_at(path, str(path)) == "solution" for path in paths)


def _refuse_solution(paths: Sequence[Path]) -> NoReturn:
    raise InputError(f"{describe(paths[0])}: {SOLUTION_FIX}")


def _refuse_writing(cluster: Cluster, path: Path) -> NoReturn:
    raise InputError(f"{path}: a cluster is no solution: write it as kubernetes, parquet or csv")


def _ending(name: str) -> str:
    for suffix in COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    return os.path.splitext(name)[1].lower()


def _files_of(path: Path) -> list[Path]:
    if path == STANDARD_INPUT or not path.is_dir():
        return [path]
    files = manifests_in(path)
    if not files:
        text = "holds nothing that placer reads" if list_directory(path) else "is empty"
        raise InputError(
            f"{path}: {text}: put Kubernetes objects (.json, .yaml) or nodes.parquet and pods.parquet there"
        )
    return files


def _sources(path: Path) -> Iterable[Source]:
    """The file as JSON documents, each with its place."""
    where, data = describe(path), read_bytes(path)
    match tell(data[:65536], where):
        case "json":
            if b'"bindings"' in data[:65536] and is_solution(data):
                raise InputError(f"{where}: {SOLUTION_FIX}")
            return [(where, data)]
        case "yaml":
            return _yaml_sources(where, data)
    raise InputError(
        f"{where}: is a table among Kubernetes objects: give tables as files of nodes and pods, by themselves"
    )


def _yaml_sources(where: str, data: bytes) -> list[Source]:
    from placer.formats.yaml import load_documents

    return [(place, _to_json(document, place)) for place, document in load_documents(data, where)]


def _to_json(document: Any, where: str) -> bytes:
    try:
        return json.dumps(document, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError, UnicodeEncodeError) as error:
        raise InputError(f"{where}: {error}: write what JSON can hold as well") from None


def _to_yaml(document: Any) -> bytes:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


KUBERNETES = Format(
    "kubernetes",
    "Kubernetes objects in JSON or YAML: one, many, lists, kubectl dumps, directories, standard input.",
    read=read,
    write=write,
    detect=_detect,
    describe=manifest_schema,
)
SOLUTION = Format(
    "solution",
    "An answer of placer's: what solve writes, and what verify and explain read with --solution.",
    read=_refuse_solution,
    write=_refuse_writing,
    detect=_detect_solution,
    describe=solution_schema,
)
