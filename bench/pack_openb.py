"""GPU thousandths left out on the Alibaba cluster of 2023, against the bound by patterns."""

from __future__ import annotations

from typing import Any

from bench import openb as lists
from bench.common import Options, say
from bench.pack_rows import folder, row, searched, solved

SEED = 42
"""Of the one order of a list that is placed."""
LIMIT = 60.0
SHARES = (100, 130)
"""Per cent of the cluster's GPUs that what has arrived asks for."""


def instances(options: Options) -> list[dict[str, Any]]:
    """
    Every list when 100 % and 130 % of the demand have arrived, all placed at once; ``<list>-<per cent>/gpu``.

    ``allocated_pct`` and ``bound_pct`` are of the cluster's GPUs, ``of_bound_pct`` is the one in the other.
    """
    data = folder(options, "alibaba-openb-gpu-2023")
    rows = []
    for name in lists.TRACES:
        for share in SHARES:
            if options.set in (None, name, f"{name}-{share}"):
                rows.append(one_list(lists.read(data, name), name, share, options))
                say(f"pack openb {rows[-1]}")
    return rows


def one_list(trace: lists.Trace, name: str, share: int, options: Options) -> dict[str, Any]:
    """One list with so much of its demand."""
    from placer.traces.openb import arrivals, inflate

    order = inflate(trace.cluster, SEED, lists.RATIO)
    if share == 100:
        order = lists.arrived(trace, order)
    cluster = arrivals(trace.cluster, order)
    answer = solved(cluster, options.time_limit or LIMIT, seed=options.seed)
    gpu = trace.gpu[order]
    demand, placed = int(gpu.sum()), int(gpu[answer.solution.rows(cluster).pod].sum())
    most = lists.bound(trace, order) * trace.capacity / 100
    return row(
        "openb",
        f"{name}-{share}/gpu",
        demand - placed,
        round(max(0.0, demand - most), 3),
        answer.seconds,
        answer.verified,
        allocated_pct=round(100 * placed / trace.capacity, 3),
        bound_pct=round(100 * most / trace.capacity, 3),
        of_bound_pct=round(100 * placed / most, 3),
        statistics=searched(answer.solution),
    )
