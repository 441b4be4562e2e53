"""``placer solve --replay``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from placer.cli.options import Common
from placer.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from placer.cli.screen import Stages
    from placer.model.profile import Profile
    from placer.replay import Replay

FIRST = 20
"""Pods that are shown."""


def show_replay(
    inputs: list[Path],
    format: str | None,
    profiles: str | tuple[Profile, ...] | None,
    scheduler_name: str | None,
    common: Common,
    writes: bool,
) -> None:
    """
    Decides the pods that stand once more, and shows those that are not among the best.

    Parameters
    ----------
    writes
        Whether an answer is to be written, which a replay does not have.

    Raises
    ------
    UsageError
        That, or no profile is there to decide.
    """
    from placer.cli.screen import emit_json, show, stages
    from placer.cli.solve import load_cluster
    from placer.cli.summary import warning_rows
    from placer.replay import replay

    if writes:
        raise UsageError("--replay places nothing that -o or --as could write: leave them out, or give --json")
    if profiles is None:
        raise UsageError("--replay is given without --profile: give --profile kubernetes, whose decisions are compared")
    with stages(common) as at:
        cluster = load_cluster(inputs, format, at)
        _compile(at)
        with at.stage("replay"):
            found = replay(cluster, profiles, scheduler_name, lambda done, total: at.report("replay", done, total))
    if common.json:
        emit_json(found.to_dict())
    show(common, lambda: tables(found, warning_rows(cluster.warnings)))


def _compile(at: Stages) -> None:
    from placer.warm import is_warm, warmup

    if not is_warm():
        with at.stage("compile"):
            warmup(at.say)


def tables(found: Replay, warnings: list[tuple[str, str]]) -> list[RenderableType]:
    """What a replay comes to, and the pods that are not among the best."""
    from placer.cli.screen import facts, grid

    legal = found.counts["equal"] + found.counts["tied"] + found.counts["below"]
    points = [each.below for each in found.differing if each.verdict == "below"]
    by = f", by {sum(points):,} points in all, {max(points):,} at most" if points else ""
    rows = [
        ("replayed", f"{sum(found.counts.values()):,} pods that stand, in the order of their start"),
        ("legal", f"{legal:,}"),
        ("equal", f"{found.counts['equal']:,} on the node that the profile chooses"),
        ("tied", f"{found.counts['tied']:,} on another of the best"),
        ("below", f"{found.counts['below']:,} below the best{by}"),
        ("illegal", f"{found.counts['illegal']:,} on a node that rejects them"),
        *(("skipped", f"{found.skipped:,} that the profile has not placed") for _ in range(bool(found.skipped))),
        *warnings,
    ]
    if not found.differing:
        return [facts(rows)]
    shown = grid("pod", "verdict", "why")
    for each in found.differing[:FIRST]:
        verdict = each.verdict if each.verdict == "illegal" else f"{each.below:,} below"
        shown.add_row(each.pod, verdict, each.message)
    if len(found.differing) > FIRST:
        shown.add_row("", "", f"and {len(found.differing) - FIRST:,} more: --json lists them all")
    return [facts(rows), "", shown]
