"""``placer warmup``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from placer.cli.options import Common, command
from placer.errors import InputError

CACHE = "NUMBA_CACHE_DIR"


@command
def warmup(
    common: Common,
    cache_dir: Annotated[
        Path | None, Option("--cache-dir", metavar="DIR", help="Keep the compiled kernels here.")
    ] = None,
) -> None:
    """Compile the kernels once, in one process, so that no later run has to."""
    from placer.cli.screen import emit_json

    def say(text: str) -> None:
        if not common.quiet:
            typer.echo(text, err=True)

    if cache_dir is not None:
        _keep_in(cache_dir)
    from placer.warm import warmup

    seconds = warmup(say)
    if common.json:
        emit_json({"seconds": round(seconds, 3), "cache_dir": os.environ.get(CACHE)})
    say(f"kernels are ready: {seconds:.1f} s")
    if cache_dir is not None:
        say(f"later runs find them with {CACHE}={cache_dir.absolute()}")


def _keep_in(folder: Path) -> None:
    """Numba reads the variable when it is imported, so this comes before."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--cache-dir {folder}: cannot be made ({error.strerror}): choose another place") from None
    if not os.access(folder, os.W_OK):
        raise InputError(f"--cache-dir {folder}: cannot be written: choose another place")
    os.environ[CACHE] = str(folder.absolute())
