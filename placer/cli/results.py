"""A solution in the forms that ``solve -o OUT --as FORMAT`` writes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from placer.errors import InputError, UsageError

if TYPE_CHECKING:
    from placer.model.cluster import Cluster
    from placer.solution import Solution

STANDARD_OUTPUT = Path("-")
SUFFIXES_OF_COMPRESSION = (".gz", ".xz", ".zst")


class ResultFormat(StrEnum):
    """What a solution is written as."""

    json = "json"
    kubernetes = "kubernetes"
    kubectl = "kubectl"
    csv = "csv"
    parquet = "parquet"


def choose_format(asked: ResultFormat | None, out: Path | None, as_json: bool) -> ResultFormat | None:
    """
    What to write; ``None`` where nothing is.

    Raises
    ------
    UsageError
        Two documents for one stdout, or bytes for a terminal.
    InputError
        The directory of ``out`` is missing: better known before the work than after it.
    """
    if asked is None and out is None:
        return None
    chosen = asked or _by_name(out)
    to_stdout = goes_to_stdout(out)
    if to_stdout and as_json and chosen is not ResultFormat.json:
        raise UsageError(f"--json and --as {chosen} both write to stdout: give -o FILE for one of them")
    if to_stdout and chosen is ResultFormat.parquet:
        raise UsageError("--as parquet writes bytes: give -o FILE")
    if out is not None and not to_stdout:
        check_place(out)
    return chosen


def check_place(out: Path) -> None:
    """Refuses a place in a directory that is missing, before the work rather than after it."""
    folder = out.absolute().parent
    if not folder.is_dir():
        raise InputError(f"{out}: there is no directory {str(folder)!r}: make it, or choose another place")


def goes_to_stdout(out: Path | None) -> bool:
    """Whether what is written is written to stdout."""
    return out is None or out == STANDARD_OUTPUT


def deliver(content: bytes, out: Path | None) -> None:
    """Writes to stdout, or puts the content in place of a file in one step."""
    from placer.cli.screen import emit
    from placer.formats.files import replace_file

    if out is None or goes_to_stdout(out):
        emit(content)
    else:
        replace_file(out, content)


def _by_name(out: Path | None) -> ResultFormat:
    """Tables where the name says so, else placer's JSON."""
    suffixes = [suffix for suffix in (out.suffixes if out else []) if suffix not in SUFFIXES_OF_COMPRESSION]
    match suffixes[-1:]:
        case [".csv"]:
            return ResultFormat.csv
        case [".parquet"]:
            return ResultFormat.parquet
    return ResultFormat.json


def render(cluster: Cluster, solution: Solution, chosen: ResultFormat) -> bytes:
    """The solution in one of the forms."""
    return RENDERERS[chosen](cluster, solution)


def _json(cluster: Cluster, solution: Solution) -> bytes:
    return solution.to_json() + b"\n"


def _calls(cluster: Cluster, solution: Solution) -> list[dict[str, Any]]:
    from placer.orchestrators.kubernetes import binding_objects

    return binding_objects(cluster, solution)


def _kubernetes(cluster: Cluster, solution: Solution) -> bytes:
    import msgspec

    return msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": _calls(cluster, solution)}) + b"\n"


def _kubectl(cluster: Cluster, solution: Solution) -> bytes:
    """One command a line, in an order in which each is legal."""
    return "".join(f"{_line(call)}\n" for call in _calls(cluster, solution)).encode()


def _line(call: dict[str, Any]) -> str:
    import msgspec

    if call["kind"] in ("PersistentVolume", "PersistentVolumeClaim"):
        body = shlex.quote(msgspec.json.encode(call).decode())
        names = [call["metadata"][part] for part in ("namespace", "name") if part in call["metadata"]]
        where = ["-n", names[0]] if len(names) > 1 else []
        return (
            shlex.join(["kubectl", "patch", call["kind"].lower(), names[-1], *where, "--type", "merge"]) + f" -p {body}"
        )
    namespace, name = (quote(call["metadata"][part], safe="") for part in ("namespace", "name"))
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/{call['kind'].lower()}"
    body = shlex.quote(msgspec.json.encode(call).decode())
    return f"printf %s {body} | kubectl create --raw {shlex.quote(path)} -f -"


def _csv(cluster: Cluster, solution: Solution) -> bytes:
    from placer.formats.tables import to_csv

    return to_csv(solution.to_frame())


def _parquet(cluster: Cluster, solution: Solution) -> bytes:
    from placer.formats.tables import to_parquet

    return to_parquet(solution.to_frame())


RENDERERS: dict[ResultFormat, Callable[[Cluster, Solution], bytes]] = {
    ResultFormat.json: _json,
    ResultFormat.kubernetes: _kubernetes,
    ResultFormat.kubectl: _kubectl,
    ResultFormat.csv: _csv,
    ResultFormat.parquet: _parquet,
}
