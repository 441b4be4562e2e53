"""``placer verify``."""

from __future__ import annotations

from collections.abc import Mapping
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
            from placer.checks.asked import pods_asked

            violations = verify(cluster, answer)
            asked = pods_asked(cluster, answer)
    if common.json:
        emit_json(report(violations, asked))
    subject = "the present placement" if answer is None else f"{len(answer.bindings):,} bindings"
    if violations:
        show(common, lambda: [table(violations, asked)])
        say_error([f"{subject}: {len(violations):,} violations, first: {violations[0].message}"])
        raise typer.Exit(BAD_INPUT)
    found = [("verified", f"{subject}: no rule is broken"), *warning_rows(cluster.warnings)]
    show(common, lambda: [facts(found), "", table(violations, asked)] if any(asked.values()) else [facts(found)])
    raise typer.Exit(DONE)


def report(violations: list[Violation], asked: Mapping[str, int] | None = None) -> dict[str, Any]:
    """
    The JSON document of a verification.

    Parameters
    ----------
    asked
        Rule → pods of which it was asked; where given, ``rules`` has them beside the pods that break it.
    """
    found = {
        "verified": not violations,
        "violations": [violation._asdict() for violation in violations],
        "by_rule": {rule: len(found) for rule, found in _by_rule(violations).items()},
    }
    if asked is not None:
        broken = {rule: _pods(listed) for rule, listed in _by_rule(violations).items()}
        found["rules"] = {rule: {"checked": pods, "violating": broken.get(rule, 0)} for rule, pods in asked.items()}
    return found


def table(violations: list[Violation], asked: Mapping[str, int] | None = None) -> Table:
    """Rules that were asked of any pod, and how many break them; the first violations of each in full."""
    from placer.cli.screen import grid

    by_rule = _by_rule(violations)
    asked = asked or {}
    headings = ("rule", *(["checked"] if asked else []), "violating", *(["first violations"] if violations else []))
    shown = grid(*headings)
    for rule in [*(rule for rule in by_rule if rule not in asked), *asked]:
        found = by_rule.get(rule, [])
        if not found and not asked.get(rule):
            continue
        checked = [f"{asked[rule]:,}" if rule in asked else ""] if asked else []
        more = [f"and {len(found) - FIRST:,} more"] if len(found) > FIRST else []
        first = [rule, *checked, f"{_pods(found):,}"]
        for line, text in enumerate([violation.message for violation in found[:FIRST]] + more or [""]):
            shown.add_row(*(first if line == 0 else [""] * len(first)), *([text] if violations else []))
    return shown


def _pods(violations: list[Violation]) -> int:
    """How many pods the violations are of; those of none count one each."""
    named = {violation.pod for violation in violations if violation.pod}
    return len(named) + sum(not violation.pod for violation in violations)


def _by_rule(violations: list[Violation]) -> dict[str, list[Violation]]:
    grouped: dict[str, list[Violation]] = {}
    for violation in violations:
        grouped.setdefault(violation.rule, []).append(violation)
    return grouped
