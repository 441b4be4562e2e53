"""GPU thousandths left out on the Alibaba cluster of 2023, against the bound by patterns."""

from __future__ import annotations

import time
from typing import Any

from bench import openb as lists
from bench.common import Options, say
from bench.pack_rows import folder, row

SEED = 42
"""Of the one order of a list that is placed."""


def instances(options: Options) -> list[dict[str, Any]]:
    """Every list when 100 % of the demand has arrived, all of it placed at once."""
    from placer.traces.openb import inflate

    rows = []
    data = folder(options, "alibaba-openb-gpu-2023")
    for name in lists.TRACES:
        if options.set not in (None, name):
            continue
        trace = lists.read(data, name)
        order = lists.arrived(trace, inflate(trace.cluster, SEED, lists.RATIO))
        demand = int(trace.gpu[order].sum())
        begun = time.perf_counter()
        reached, verified = lists.placed_at_once(trace, order)
        most = lists.bound(trace, order)
        seconds = time.perf_counter() - begun
        objective, bound = demand - reached / 100 * trace.capacity, max(0.0, demand - most / 100 * trace.capacity)
        rows.append(row("openb", f"{name}/gpu", round(objective, 3), round(bound, 3), seconds, verified))
        say(f"pack openb {name}: {reached:.2f} % of at most {most:.2f} %")
    return rows
