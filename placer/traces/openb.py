"""
The Alibaba GPU-sharing cluster of 2023, "openb": nodes with GPUs, pods that ask for whole ones or a share of one.

Weng et al., *Beware of Fragmentation*, USENIX ATC 2023; the data set's README has the rules.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placer.data import dataset
from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.model.device import WHOLE, Device, DeviceNeed
from placer.model.pod import GPU
from placer.model.selector import Requirement
from placer.model.table import Column, Names
from placer.model.value import FrozenDict
from placer.traces.tables import MIB, node_table, pod_table
from placer.traces.text import Rows, find, need

NODES, PODS = "openb_node_list_", "openb_pod_list_"
SUMMARY = "published_alloc_summary.csv"
ARRIVED = "alloc_pct_at_arrived_100"
MOST_GPUS = 1024


def detect(path: Path) -> bool:
    """Whether the path is a folder with this trace's lists."""
    return path.is_dir() and find(path, f"{NODES}gpu_node.csv") is not None


def read(path: str | Path, nodes: str = "gpu_node", pods: str = "default") -> Cluster:
    """
    Nodes and one list of pods, all pending.

    Parameters
    ----------
    path
        The folder of the lists.
    nodes
        ``gpu_node``, the 1,213 nodes with GPUs, or ``all_node``.
    pods
        Which list: ``default``, ``cpu050``, …, ``multigpu40``.

    Raises
    ------
    InputError
        A list that is not there, or values that are wrong, with file, line and value.
    """
    folder = Path(path)
    given = Rows(
        need(folder, f"{NODES}{nodes}.csv", f"give the trace's folder, and for nodes {_lists(folder, NODES)}"),
        ("sn", "cpu_milli", "memory_mib", "gpu", "model"),
    )
    asked = Rows(
        need(folder, f"{PODS}{pods}.csv", f"give the trace's folder, and for pods {_lists(folder, PODS)}"),
        ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"),
    )
    machines = Column.of(zip(given.integers("gpu", MOST_GPUS).tolist(), given.text("model"), strict=True))
    needs = _needs(asked)
    tables = (
        node_table(
            Names(given.names("sn"), checked=True),
            {"cpu": given.integers("cpu_milli"), "memory": given.integers("memory_mib") * MIB},
            labels=Column(
                machines.codes, [FrozenDict(model=model) if model else FrozenDict() for _, model in machines.values]
            ),
            devices=Column(machines.codes, [_devices(*machine) for machine in machines.values]),
        ),
        pod_table(
            Names(asked.names("name"), checked=True),
            {"cpu": asked.integers("cpu_milli"), "memory": asked.integers("memory_mib") * MIB},
            devices=needs,
        ),
    )
    if given.problems or asked.problems:
        raise InputError([*given.problems, *asked.problems])
    return Cluster.from_tables(*tables)


def inflate(cluster: Cluster, seed: int, ratio: float = 1.3) -> NDArray[np.int64]:
    """
    The order in which the paper lets pods arrive: the list shuffled, then copies until there are enough.

    Parameters
    ----------
    cluster
        As :func:`read` gives it.
    seed
        The paper has ten orders; 42 to 51 here.
    ratio
        What the GPU requests sum to, of the cluster's GPUs.

    Returns
    -------
    Rows of the list in order of arrival: each once, in random order, then copies of randomly drawn ones until the sum
    reaches ``ratio``. From a list that asks for more, random ones are taken out until it no longer does.

    Raises
    ------
    InputError
        No pod asks for GPUs, so that copies do not add any.
    """
    asked, capacity = gpu_milli(cluster)
    target = ratio * capacity
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(asked))
    excess = int(asked.sum()) - target
    if excess > 0:
        out = rng.permutation(len(asked))
        gone = out[: np.searchsorted(np.cumsum(asked[out]), excess) + 1]
        return order[~np.isin(order, gone)]
    if excess < 0 and not asked.any():
        raise InputError(f"no pod asks for {GPU}, so that copies never ask for {ratio} times what the nodes have")
    return np.concatenate([order, _copies(asked, -excess, rng)])


def arrivals(cluster: Cluster, order: NDArray[np.int64]) -> Cluster:
    """The cluster with its pods in this order; a copy's name has the number of the copy added."""
    pods = cluster.pod_table
    sorted_by_row = np.argsort(order, kind="stable")
    rows = order[sorted_by_row]
    first = np.searchsorted(rows, rows)
    copy = np.empty(len(order), np.int32)
    copy[sorted_by_row] = np.arange(len(order)) - first
    copy[copy == 0] = -1
    table = pod_table(
        Names(pods.names.tolist(), order.astype(np.int32), copy, checked=True),
        {name: pods.requests.column(name)[order] for name in pods.requests.resources},
        priority=pods.priority[order],
        **{name: column.take(order) for name, column in pods.fields.items()},
    )
    return Cluster.from_tables(cluster.node_table, table)


def gpu_milli(cluster: Cluster) -> tuple[NDArray[np.int64], int]:
    """(pods,) thousandths of GPUs that each pod asks for, and those that all nodes have."""
    asked = cluster.pod_table["devices"].map(
        lambda needs: sum(need.count * need.share_milli for need in needs if need.kind == GPU)
    )
    units = cluster.node_table.devices.map(lambda devices: sum(d.count for d in devices if d.kind == GPU))
    return asked.astype(np.int64), WHOLE * int(units.sum())


def published(folder: str | Path | None = None) -> dict[str, dict[str, float]]:
    """
    What the paper's authors published: per list and policy, per cent of the GPUs allocated when 100 % had arrived.

    Parameters
    ----------
    folder
        The trace's folder; placer's own copy where not given.

    Returns
    -------
    ``{"default": {"Random": 86.3, …, "FGD": 95.23}, …}``; means of ten orders; ``gpushare20`` has none.
    """
    path = need(Path(folder or dataset("alibaba-openb-gpu-2023")), SUMMARY, "give the trace's folder")
    rows = Rows(path, ("workload", "sc_policy", ARRIVED))
    result: dict[str, dict[str, float]] = {}
    for row, (workload, policy, text) in enumerate(
        zip(rows.text("workload"), rows.text("sc_policy"), rows.text(ARRIVED), strict=True)
    ):
        try:
            result.setdefault(workload.removeprefix(PODS), {})[policy.partition("-")[2] or policy] = float(text)
        except ValueError:
            rows.refuse_value(row, ARRIVED, text, "no number")
    rows.refuse()
    return result


def _copies(asked: NDArray[np.int64], missing: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Randomly drawn rows until their requests reach ``missing``."""
    drawn = np.zeros(0, np.int64)
    while asked[drawn].sum() < missing:
        drawn = np.concatenate([drawn, rng.integers(0, len(asked), len(asked))])
    return drawn[: np.searchsorted(np.cumsum(asked[drawn]), missing) + 1] if missing > 0 else drawn


def _devices(count: int, model: str) -> tuple[Device, ...]:
    return (Device(kind=GPU, count=count, attributes={"model": model}),) if count else ()


def _needs(asked: Rows) -> Column[tuple[DeviceNeed, ...]]:
    """Each distinct need once; one that the trace's rules do not know is noted with its first line."""
    count, share = asked.integers("num_gpu", MOST_GPUS), asked.integers("gpu_milli", WHOLE)
    distinct = Column.of(zip(count.tolist(), share.tolist(), asked.text("gpu_spec"), strict=True))
    values: list[tuple[DeviceNeed, ...]] = []
    for code, (units, milli, spec) in enumerate(distinct.values):
        row = int(np.argmax(distinct.codes == code))
        if units and not milli:
            asked.refuse_value(row, "gpu_milli", str(milli), f"no share, with num_gpu {units}: give 1 to {WHOLE}")
        elif units > 1 and milli < WHOLE:
            asked.refuse_value(row, "gpu_milli", str(milli), f"a share, with num_gpu {units}: give {WHOLE}, or 1 GPU")
        values.append(_need(units, milli, spec) if units and milli else ())
    return Column(distinct.codes, values)


def _need(units: int, milli: int, spec: str) -> tuple[DeviceNeed, ...]:
    where = (Requirement(key="model", operator="In", values=tuple(spec.split("|"))),) if spec else ()
    return (DeviceNeed(kind=GPU, count=units, share_milli=milli, where=where),)


def _lists(folder: Path, prefix: str) -> str:
    """The lists of a folder, as errors name them."""
    names = sorted({path.name.removeprefix(prefix).split(".")[0] for path in folder.glob(f"{prefix}*.csv*")})
    return f"one of {', '.join(names)}" if names else "one of its lists"
