"""Which commands there are; what each needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from placer import __version__
from placer.cli.diff import diff
from placer.cli.explain import explain
from placer.cli.formats import formats
from placer.cli.generate import generate
from placer.cli.goals import goals
from placer.cli.relax import relax
from placer.cli.solve import solve
from placer.cli.verify import verify
from placer.cli.warmup import warmup

CODES = "Exit codes: 0 done; 1 bad input or failed verification; 2 wrong usage; 3 done, but pods stay unplaced."

app = typer.Typer(
    name="placer",
    help="Places pods onto nodes, verifies the answer, and says why the rest does not fit.",
    epilog=CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for function in (solve, verify, explain, diff, relax):
    app.command()(function)
app.add_typer(generate, name="generate")
for function in (formats, goals, warmup):
    app.command()(function)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"placer {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Options of the command itself."""
