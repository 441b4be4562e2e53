"""30,000 nodes × 250,000 pods: pods left out, then nodes used."""

from __future__ import annotations

from typing import Any

from bench.common import Options, say
from bench.mesos30k import CASES
from bench.pack_rows import entries, solved


def instances(options: Options) -> list[dict[str, Any]]:
    """The three cases, without a limit but ``--time-limit``."""
    from placer.traces.mesos import generate

    rows = []
    for case in CASES:
        if options.set in (None, case):
            answer = solved(generate(case, seed=options.seed), options.time_limit, seed=options.seed)
            rows += entries("mesos30k", case, answer)
            say(f"pack mesos30k {case}: {rows[-1]}")
    return rows
