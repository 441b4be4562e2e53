"""``placer formats``."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from placer.cli.options import Common, command


@command
def formats(
    common: Common,
    schema: Annotated[
        str | None, Option("--schema", metavar="NAME", help="Print this format's JSON Schema to stdout.")
    ] = None,
) -> None:
    """List what placer reads and writes, or print a format's columns as a JSON Schema."""
    from placer.cli.screen import emit_json, grid, show
    from placer.formats import formats as known
    from placer.formats import schema as schema_of

    if schema is not None:
        emit_json(schema_of(schema))
        return
    found = known()
    if common.json:
        emit_json([{"name": f.name, "reads": f.reads, "writes": f.writes, "description": f.description} for f in found])
    table = grid("format", "reads", "writes", "what")
    for format in found:
        table.add_row(format.name, _yes(format.reads), _yes(format.writes), format.description)
    show(common, lambda: [table])


def _yes(does: bool) -> str:
    return "yes" if does else ""
