"""``placer generate``: synthetic clusters made from real marginals."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from typer import Option

from placer.cli.options import Common, command
from placer.cli.results import check_place

generate = typer.Typer(help="Write a synthetic cluster made from real marginals.", no_args_is_help=True)


class Case(StrEnum):
    """Which rules the generated pods have."""

    plain = "plain"
    full = "full"
    distinct = "distinct"


class ClusterFormat(StrEnum):
    """What a cluster is written as."""

    parquet = "parquet"
    csv = "csv"
    json = "json"


class Written(NamedTuple):
    """Where a cluster goes, and the format that :func:`placer.formats.write` is given."""

    place: Path
    format: str


@generate.command("mesos-scale")
@command
def mesos_scale(
    common: Common,
    nodes: Annotated[int, Option("--nodes", min=1, help="How many nodes.")],
    pods: Annotated[int, Option("--pods", min=0, help="How many pods, all pending.")],
    out: Annotated[Path, Option("-o", "--out", metavar="DIR", help="The directory to write to.")],
    case: Annotated[Case, Option("--case", help="Requests only; all rules mixed; no two requests equal.")] = Case.plain,
    as_format: Annotated[ClusterFormat, Option("--as", help="Tables, or one file of Kubernetes objects.")] = (
        ClusterFormat.parquet
    ),
) -> None:
    """Draw a cluster of any size from the marginals of a Mesos cluster."""
    from placer.cli.screen import emit_json, facts, show, stages
    from placer.formats import write

    written = _destination(out, as_format)
    check_place(written.place.parent if written.place.parent == out else written.place)
    with stages(common) as at:
        with at.stage("generate"):
            from placer.traces.mesos import generate as draw

            cluster = draw(case.value, nodes, pods, common.seed)
        with at.stage("write"):
            if written.place.parent == out:
                out.mkdir(exist_ok=True)
            write(cluster, written.place, written.format)
    told = {
        "case": case.value,
        "nodes": len(cluster.node_table),
        "pods": len(cluster.pod_table),
        "seed": common.seed,
        "out": str(written.place),
        "format": written.format,
        "seconds": at.seconds,
    }
    if common.json:
        emit_json(told)
    rows = [(name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in told.items()]
    show(common, lambda: [facts(rows[:-1])])


def _destination(out: Path, asked: ClusterFormat) -> Written:
    """Tables take the directory; Kubernetes objects are one file in it, or ``out`` where that is a file's name."""
    if asked is not ClusterFormat.json:
        return Written(out, asked.value)
    named = any(suffix == ".json" for suffix in out.suffixes) and not out.is_dir()
    return Written(out if named else out / "cluster.json", "kubernetes")
