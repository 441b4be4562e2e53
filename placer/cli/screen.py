"""What people see, on stderr, and what machines read, on stdout."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from placer.cli.options import Common
from placer.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from placer.answers import Answer

Report = Callable[[str, int, int], None]
BEST = "best so far"


def console() -> Console:
    """The console on stderr; made anew, since tests and pipes change what stderr is."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def show(common: Common, make: Callable[[], Iterable[RenderableType]]) -> None:
    """Prints tables and lines on stderr; what is not shown, since it is to be quiet, is not made either."""
    if common.quiet:
        return
    screen = console()
    for part in make():
        screen.print(part)


def emit(content: bytes) -> None:
    """
    Writes to stdout.

    Raises
    ------
    InputError
        It cannot be written, such as to a full disk.
    """
    try:
        stream = getattr(sys.stdout, "buffer", None)
        if stream is None:
            sys.stdout.write(content.decode())
        else:
            stream.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Python tries once more at its end, and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise InputError(f"standard output: cannot be written ({error.strerror}): choose another place") from None


def emit_json(document: Any) -> None:
    """Writes one JSON document to stdout."""
    import msgspec

    emit(msgspec.json.encode(document) + b"\n")


def grid(*headings: str) -> Table:
    """A table without lines; with headings or without."""
    from rich.table import Table

    table = Table(box=None, show_header=bool(headings), pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Names and what they are; a name that is empty continues the row above."""
    table = grid()
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


class Stages:
    """
    What is being done, shown while it lasts, and how long it took.

    Attributes
    ----------
    tell
        Shows an answer on the way; ``None`` where nothing is shown.
    seconds
        Wall-clock time by stage.
    """

    def __init__(
        self, report: Report, say: Callable[[str], None], tell: Callable[[Answer], None] | None = None
    ) -> None:
        self.report, self.say, self.tell = report, say, tell
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Shows and times what happens inside."""
        self.report(name, 0, 0)
        begin = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begin, 6)
        self.report(name, 1, 1)

    def merged(self, inner: Mapping[str, float]) -> dict[str, float]:
        """All stages in the order of their run, those of the library between those of the command."""
        before = {name: self.seconds[name] for name in self.seconds if name != "verify"}
        return {**before, **inner, **{name: self.seconds[name] for name in self.seconds if name == "verify"}}


@contextmanager
def stages(common: Common) -> Iterator[Stages]:
    """Stages with a bar each where stderr is a terminal; without, only what must be said is said."""
    if common.quiet or not sys.stderr.isatty():
        yield Stages(lambda stage, done, total: None, lambda text: None if common.quiet else typer.echo(text, err=True))
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console(), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=None)
            progress.update(tasks[stage], completed=done, total=total or None)

        def tell(answer: Answer) -> None:
            # Below the stages, since stages come and go while answers get better.
            if BEST in tasks:
                progress.remove_task(tasks[BEST])
            tasks[BEST] = progress.add_task(standing(answer), total=None)

        yield Stages(report, progress.console.print, tell)


def standing(answer: Answer) -> str:
    """What an answer comes to, in one line: each tier, its bound where one is known, and the gap."""
    bound = answer.bound or {}
    tiers = [
        f"{tier} {value:.6g}" + (f" (at least {bound[tier]:.6g})" if tier in bound and bound[tier] < value else "")
        for tier, value in answer.objective.items()
    ]
    return ", ".join(tiers) + ("" if answer.gap is None else f", gap {answer.gap:.2%}")
