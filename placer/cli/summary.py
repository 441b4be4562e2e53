"""The table of ``placer solve``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from placer.cli.figures import Figures, Use, Why, figures
from placer.model.cluster import Cluster
from placer.solution import Solution

if TYPE_CHECKING:
    from rich.table import Table

REASONS, WARNINGS = 5, 5


def summary(cluster: Cluster, solution: Solution) -> Table:
    """What a solution comes to, as a table."""
    from placer.cli.screen import facts

    found = figures(cluster, solution)
    return facts(
        [
            ("nodes", f"{found.nodes:,}, of which {found.nodes_used:,} hold pods"),
            ("pods", f"{found.pods:,}, of which {found.bound:,} stood already and {found.pending:,} were pending"),
            ("placed", f"{len(solution.bindings):,}"),
            *_unplaced_rows(solution, found.why),
            *_left_alone_rows(solution, found.pending),
            *_held_rows(solution),
            *(("moved", f"{len(solution.moves):,}") for _ in range(bool(solution.moves))),
            *(("evicted", f"{len(solution.evictions):,}") for _ in range(bool(solution.evictions))),
            ("objective", ", ".join(f"{tier} {value:,.10g}" for tier, value in solution.objective.items())),
            *_bound_rows(solution),
            *_beside_rows(solution),
            ("status", f"{solution.status}, {STOPPED.get(solution.stopped, solution.stopped)}"),
            *_use_rows(found),
            ("seconds", ", ".join(f"{stage} {value:.2f}" for stage, value in _seconds(solution).items())),
            *_memory_rows(solution),
            ("verified", VERIFIED[solution.statistics.get("verified")]),
            *warning_rows(cluster.warnings),
        ]
    )


STOPPED = {
    "done": "done",
    "gap_limit": "stopped at the gap asked for",
    "time_limit": "stopped at the time limit",
    "step_limit": "stopped at the limit in steps",
    "interrupted": "stopped by an interrupt",
}
VERIFIED = {True: "yes", False: "no: it breaks rules", None: "no: not asked for"}


def _left_alone_rows(solution: Solution, pending: int) -> list[tuple[str, str]]:
    """Pending pods that name other schedulers."""
    left = pending - len(solution.bindings) - len(solution.unplaced)
    return [] if solution.schedulers is None else [("left alone", f"{left:,}, of other schedulers")]


def _held_rows(solution: Solution) -> list[tuple[str, str]]:
    """What reserve and buffers have come to."""
    rows = []
    if solution.reserve is not None:
        left = solution.statistics.get("left_out", 0)
        domains = solution.statistics["reserve"]["domains"]
        out = f"; {left:,} pods left out for it" if left else ""
        rows.append(("reserve", f"each of {domains:,} {solution.reserve} may fail{out}"))
    if solution.buffers:
        room, unmet = len(solution.room), solution.unmet
        rows.append(("buffers", f"room for {room:,} of {room + len(unmet):,} pods"))
        rows += [("", f"{unmet[0].pod}: {unmet[0].message}")] if unmet else []
    return rows


def _unplaced_rows(solution: Solution, why: Sequence[Why]) -> list[tuple[str, str]]:
    if not solution.unplaced:
        return [("unplaced", "0")]
    rows = [("unplaced", f"{len(solution.unplaced):,}")]
    for reason in why[:REASONS]:
        who = reason.first if reason.pods == 1 else f"{reason.pods:,} pods such as {reason.first}"
        rows.append(("", f"{who}: {reason.message}"))
    rest = sum(reason.pods for reason in why[REASONS:])
    if rest:
        rows.append(("", f"and {rest:,} pods for other reasons: placer explain says why"))
    return rows


def _bound_rows(solution: Solution) -> list[tuple[str, str]]:
    if solution.bound is None:
        return []
    bounds = ", ".join(f"{tier} {value:,.10g}" for tier, value in solution.bound.items())
    return [("bound", bounds), ("gap", f"{solution.gap or 0:.2%}")]


def _beside_rows(solution: Solution) -> list[tuple[str, str]]:
    """What the exact profile and the goals come to, where both were asked for."""
    both = solution.statistics.get("beside", {})
    return [
        (
            f"by {name}",
            (
                f"{found['unplaced']:,} left out, {found['evicted']:,} evicted, {found['nodes_used']:,} nodes in use, "
                f"worst skew {found['worst_skew']:,}"
            ),
        )
        for name, found in both.items()
    ]


def _use_rows(found: Figures) -> list[tuple[str, str]]:
    return [("used" if row == 0 else "", _use_text(use)) for row, use in enumerate(found.use)]


def _use_text(use: Use) -> str:
    return f"{use.resource} {use.of_all:.1%} of all nodes, {use.of_used:.1%} of those that hold pods"


def _seconds(solution: Solution) -> dict[str, float]:
    return dict(solution.statistics.get("seconds", {}))


def _memory_rows(solution: Solution) -> list[tuple[str, str]]:
    peak = solution.statistics.get("peak_rss_mb")
    return [] if peak is None else [("memory", f"{peak:,} MB at its peak")]


def warning_rows(warnings: Sequence[str]) -> list[tuple[str, str]]:
    """The first warnings of a cluster."""
    rows = [("warnings" if row == 0 else "", text) for row, text in enumerate(warnings[:WARNINGS])]
    if len(warnings) > WARNINGS:
        rows.append(("", f"and {len(warnings) - WARNINGS} more"))
    return rows
