"""``placer diff``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from placer.cli.errors import DONE
from placer.cli.options import Common, command

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from placer.diff import Difference, Value

SHOWN = 10
"""Groups, nodes and pods that are listed; ``--json`` has them all."""


@command
def diff(
    first: Annotated[Path, Argument(metavar="A", help="A solution of placer solve.", show_default=False)],
    second: Annotated[Path, Argument(metavar="B", help="Another solution of the same input.", show_default=False)],
    common: Common,
) -> None:
    """Compare two answers to one input: where pods stand, and what the objective comes to."""
    from placer.cli.screen import emit_json, show, stages
    from placer.diff import diff
    from placer.solution import Solution

    with stages(common) as at, at.stage("diff"):
        found = diff(Solution.read(first), Solution.read(second), names=(str(first), str(second)))
    if common.json:
        emit_json(found.to_dict())
    show(common, lambda: _parts(found))
    raise typer.Exit(DONE)


def _parts(found: Difference) -> Iterator[RenderableType]:
    """What is shown, from the verdict to single pods."""
    count = found.count()
    yield found.verdict()
    yield ""
    yield _values(found)
    yield ""
    yield (
        f"{found.same:,} pods on the same node, {count.elsewhere:,} on another, "
        f"{count.only_first:,} in the first only, {count.only_second:,} in the second only"
    )
    if found.other_units:
        yield f"{found.other_units:,} pods on the same node with other units of devices"
    if found.moved:
        yield from ("", _groups(found), "", _nodes(found), "", _pods(found))


def _values(found: Difference) -> Table:
    from placer.cli.screen import grid

    table = grid("", "first", "bound", "second", "bound", "difference")
    for value in found.tiers:
        bounds = _number(value.first_bound), _number(value.second_bound)
        table.add_row(value.tier, _number(value.first), bounds[0], _number(value.second), bounds[1], _signed(value))
        terms = [term for term in found.terms if term.tier == value.tier]
        for term in terms if len(terms) > 1 else ():
            name = f"  {term.goal} {term.term if term.term != term.goal else ''}".rstrip()
            table.add_row(name, _number(term.first), "", _number(term.second), "", _signed(term))
    if found.gap != (None, None):
        table.add_row("gap", _percent(found.gap[0]), "", _percent(found.gap[1]), "", "")
    table.add_row("status", found.status[0], "", found.status[1], "", "")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}"


def _signed(value: Value) -> str:
    return "" if value.difference is None else f"{value.difference:+,.10g}" if value.difference else "0"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _groups(found: Difference) -> Table:
    from placer.cli.screen import grid

    table = grid("pods", "on another node", "first only", "second only", "if they change places")
    for group in found.groups[:SHOWN]:
        counts = (group.elsewhere, group.only_first, group.only_second, group.net)
        table.add_row(group.name, *(f"{count:,}" for count in counts))
    _rest(table, len(found.groups), "groups")
    return table


def _nodes(found: Difference) -> Table:
    from placer.cli.screen import grid

    table = grid("node", "loses", "gains")
    for node in found.nodes[:SHOWN]:
        table.add_row(node.node, f"{node.loses:,}", f"{node.gains:,}")
    _rest(table, len(found.nodes), "nodes")
    return table


def _pods(found: Difference) -> Table:
    from placer.cli.screen import grid

    table = grid("pod", "first", "second")
    for moved in found.moved[:SHOWN]:
        table.add_row(moved.pod, moved.first or "nowhere", moved.second or "nowhere")
    _rest(table, len(found.moved), "pods")
    return table


def _rest(table: Table, count: int, what: str) -> None:
    if count > SHOWN:
        table.add_row(f"and {count - SHOWN:,} more {what}")
