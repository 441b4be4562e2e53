"""Variable-sized bin packing with conflicts: least cost of bins, against the best cost seen by others."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from bench.common import Options, say
from bench.pack_rows import folder, row, searched, solved
from placer.traces import vsbppc

LIMIT = 60.0


def instances(options: Options) -> list[dict[str, Any]]:
    """
    All pairs of instance and bins; ``--set vsbppc/INSTANCE`` or ``--set vsbppc/INSTANCE/BINS`` for some.

    ``size_bound`` is the set's own lower bound, which knows no conflicts. Kernels are warm: one instance is solved
    before, so that no time is that of loading.
    """
    data = folder(options, "vsbppc-conflicts")
    with (data / "best_known.csv").open() as file:
        known = list(csv.DictReader(file))
    chosen = [
        each for each in known if options.set in (None, each["instance"], f"{each['instance']}/{each['bin_config']}")
    ]
    solved(vsbppc.read(data / "instances" / f"{known[0]['instance']}.txt.xz"), 5.0)
    rows = []
    for each in chosen:
        rows.append(one(data, each, options))
        say(f"pack vsbppc {rows[-1]}")
    return rows


def one(data: Path, known: dict[str, str], options: Options) -> dict[str, Any]:
    """One instance with one set of bins; an answer that leaves items out is not verified, whatever its cost."""
    cluster = vsbppc.read(data / "instances" / f"{known['instance']}.txt.xz", known["bin_config"])
    answer = solved(cluster, options.time_limit or LIMIT, seed=options.seed)
    solution = answer.solution
    assert solution.bound is not None, "solved() asks for bounds"
    return row(
        "vsbppc",
        f"{known['instance']}/{known['bin_config']}",
        solution.objective["pack"],
        solution.bound["pack"],
        answer.seconds,
        answer.verified and not solution.unplaced,
        best_known=float(known["best_cost_seen"]),
        size_bound=float(known["size_lower_bound"]),
        statistics={**searched(solution), "fill": solution.statistics.get("fill")},
    )
