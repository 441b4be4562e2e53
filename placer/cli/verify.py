"""``placer verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from placer.cli.errors import BAD_INPUT, DONE, say_error
from placer.cli.options import Common, InputFormat, Inputs, SolutionFile, command

if TYPE_CHECKING:
    from rich.table import Table

    from placer.verify import Violation

FIRST = 3
"""Violations of one rule that are shown."""


@command
def verify(inputs: Inputs, common: Common, solution: SolutionFile = None, format: InputFormat = None) -> None:
    """Check a solution, or the present placement, rule by rule."""
    from placer.cli.screen import emit_json, facts, show, stages
    from placer.cli.solve import load_cluster
    from placer.cli.summary import warning_rows
    from placer.solution import Solution
    from placer.verify import verify

    with stages(common) as at:
        answer = None if solution is None else Solution.read(solution)
        cluster = load_cluster(inputs, format, at)
        with at.stage("verify"):
            violations = verify(cluster, answer)
    if common.json:
        emit_json(report(violations))
    subject = "the present placement" if answer is None else f"{len(answer.bindings):,} bindings"
    if violations:
        show(common, lambda: [table(violations)])
        say_error([f"{subject}: {len(violations):,} violations, first: {violations[0].message}"])
        raise typer.Exit(BAD_INPUT)
    found = [("verified", f"{subject}: no rule is broken"), *warning_rows(cluster.warnings)]
    show(common, lambda: [facts(found)])
    raise typer.Exit(DONE)


def report(violations: list[Violation]) -> dict[str, Any]:
    """The JSON document of a verification."""
    return {
        "verified": not violations,
        "violations": [violation._asdict() for violation in violations],
        "by_rule": {rule: len(found) for rule, found in _by_rule(violations).items()},
    }


def table(violations: list[Violation]) -> Table:
    """Violations by rule, the first of each in full."""
    from placer.cli.screen import grid

    shown = grid("rule", "violations", "first of them")
    for rule, found in _by_rule(violations).items():
        more = [f"and {len(found) - FIRST:,} more"] if len(found) > FIRST else []
        for line, text in enumerate([violation.message for violation in found[:FIRST]] + more):
            shown.add_row(*((rule, f"{len(found):,}") if line == 0 else ("", "")), text)
    return shown


def _by_rule(violations: list[Violation]) -> dict[str, list[Violation]]:
    grouped: dict[str, list[Violation]] = {}
    for violation in violations:
        grouped.setdefault(violation.rule, []).append(violation)
    return grouped
