"""Errors become readable lines on stderr, here and nowhere else."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from placer.errors import PlacerError, UsageError

DONE, BAD_INPUT, WRONG_USAGE, UNPLACED, INTERRUPTED = 0, 1, 2, 3, 130
SHOW_TRACEBACK = "PLACER_TRACEBACK"
"""Environment variable: with ``1``, an unexpected error shows where it happened."""


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turns what goes wrong inside into lines on stderr and an exit code."""
    try:
        yield
    except (typer.Exit, BrokenPipeError):
        raise
    except UsageError as error:
        say_error(str(error).splitlines())
        raise typer.Exit(WRONG_USAGE) from None
    except PlacerError as error:
        say_error(str(error).splitlines())
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        say_error(["interrupted: nothing is written"])
        _leave_at_once(INTERRUPTED)
    except MemoryError:
        say_error(["memory is full: give the machine more, or placer a smaller input"])
        raise typer.Exit(BAD_INPUT) from None
    except Exception as error:  # noqa: BLE001 - users see no traceback: it is shown where asked for
        if os.environ.get(SHOW_TRACEBACK) == "1":
            traceback.print_exc()
        text = " ".join(str(error).split())
        fix = f"please report it with what {SHOW_TRACEBACK}=1 shows"
        say_error([f"this is a bug of placer: {type(error).__name__}: {text}: {fix}"])
        raise typer.Exit(BAD_INPUT) from None


def say_error(lines: Iterable[str]) -> None:
    """Writes each line as an error, unwrapped, so that it can be searched for."""
    for line in lines:
        typer.echo(f"{typer.style('error:', fg='red', bold=True)} {line}", err=True)


def _leave_at_once(code: int) -> NoReturn:
    """Ends the process although a solver's thread still runs."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
