"""Answers with a bound: how far from the best, proven, and the same for peers."""

from __future__ import annotations

import statistics
from importlib import import_module
from typing import Any

from bench.common import Options, say
from bench.pack_rows import MissingDataError
from placer.errors import UsageError

LIMIT = 1.0
"""Seconds within which random clusters are to be closed."""
SETS = {
    "random": "60 pods on 15 nodes, all rules mixed, seeds 0 to 99",
    "plain": "the same without rules but prices, priorities and standing pods: what the peers' model can say",
    "openb": "GPU thousandths left out when 100 % and 130 % of the demand have arrived, one order a list; 60 s",
    "mesos30k": "30,000 nodes × 250,000 pods: pods left out, then nodes used",
    "sizes": "100, 1,000, 10,000 and 250,000 plain pods: gap against time, and peers of 30 s up to 10,000",
    "vsbppc": "variable-sized bin packing with conflicts, 60 rows: cost of bins, against the best seen; 60 s",
    "tianchi2020": "the contest's own cost of the schedule part: priced nodes, groups, CPU ids; 300 s",
}
"""What each set is; ``bench.pack_<name>`` has its ``instances(options)``."""


def run(options: Options) -> dict[str, Any]:
    """
    Per instance and tier: objective, bound, gap and seconds, all minimised; ``--set NAME`` or ``--set NAME/INSTANCE``.

    ``peers``: the same cluster, in the same run. ``best_known`` is what others have reached, or what is proven to be
    best, else null. ``skipped``: sets whose data is not here, with the reason. Modules of sets get the instance that is
    chosen, if any, as ``options.set``.
    """
    name, _, instance = (options.set or "").partition("/")
    if name and name not in SETS:
        raise UsageError(f"pack: {name!r} is no set: choose among {', '.join(SETS)}")
    chosen = [name] if name else list(SETS)
    rows: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}
    for each in chosen:
        try:
            rows += import_module(f"bench.pack_{each}").instances(options._replace(set=instance or None))
        except MissingDataError as reason:
            skipped[each] = str(reason)
            say(f"pack {each}: skipped: {reason}")
    return {
        "work": {each: SETS[each] for each in chosen},
        "proven": {each: proven(rows, each) for each in chosen if each not in skipped},
        "skipped": skipped,
        "instances": rows,
    }


def proven(rows: list[dict[str, Any]], chosen: str) -> dict[str, Any]:
    """How many instances of a set are closed in all tiers, and their seconds."""
    names: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["set"] == chosen:
            names.setdefault(row["name"].rpartition("/")[0], []).append(row)
    seconds = [tiers[0]["seconds"] for tiers in names.values()]
    closed = [tiers for tiers in names.values() if all(row["gap"] == 0 for row in tiers)]
    return {
        "of": len(names),
        "closed": len(closed),
        "within_1_s": sum(tiers[0]["seconds"] <= LIMIT for tiers in closed),
        "median_s": statistics.median(seconds) if seconds else None,
        "most_s": max(seconds, default=None),
    }
