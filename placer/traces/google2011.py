"""The machines of the Google cell of 2011 (ClusterData2011_2): capacities only, normalised to the largest machine."""

from __future__ import annotations

from pathlib import Path

from placer.model.cluster import Cluster
from placer.model.table import Column, Names
from placer.model.value import FrozenDict
from placer.traces.tables import MIB, node_table, pod_table
from placer.traces.text import Rows, find, first_lines, need

FILE = "machines.csv"
HEADER = "machine_id,cpu,memory,"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"


def detect(path: Path) -> bool:
    """Whether the path is the table of machines, or a folder with it."""
    file = find(path, FILE) if path.is_dir() else path
    return file is not None and (first_lines(file) or [""])[0].startswith(HEADER)


def read(path: str | Path, cores: int = 96, memory_gib: int = 256) -> Cluster:
    """
    The cell's machines as nodes, without pods.

    Parameters
    ----------
    path
        ``machines.csv``, compressed or not, or its folder.
    cores, memory_gib
        What the largest machine, 1.0 in the trace, stands for: the trace hides absolute sizes.

    Returns
    -------
    12,580 nodes of ten kinds; the kind, ``cpu-memory`` as normalised, is their instance type.

    Raises
    ------
    InputError
        The table is missing, or values are wrong, with line and value.
    """
    place = Path(path)
    rows = Rows(
        need(place, FILE, "give the table of machines or its folder") if place.is_dir() else place,
        ("machine_id", "cpu", "memory"),
    )
    kinds = Column.of(zip(rows.text("cpu"), rows.text("memory"), strict=True))
    nodes = node_table(
        Names([f"machine-{name}" for name in rows.names("machine_id")], checked=True),
        {"cpu": rows.scaled("cpu", cores * 1000), "memory": rows.scaled("memory", memory_gib * 1024 * MIB)},
        labels=Column(kinds.codes, [FrozenDict({INSTANCE_TYPE: f"{cpu}-{memory}"}) for cpu, memory in kinds.values]),
    )
    rows.refuse()
    return Cluster.from_tables(nodes, pod_table(Names([], checked=True), {}))
