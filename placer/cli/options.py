"""The options that every command takes, and what it means to be a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from typer import Argument, Option

from placer.cli.errors import readable_errors
from placer.errors import UsageError

PANEL = "Options of every command"
COMMON = "common"

Inputs = Annotated[
    list[Path],
    Argument(
        metavar="INPUT...",
        help="Files, directories or - of Kubernetes objects, or tables of nodes and pods.",
        show_default=False,
    ),
]
InputFormat = Annotated[
    str | None,
    Option("--format", metavar="NAME", help="The input's format, where its content is not to decide: placer formats."),
]
Goals = Annotated[
    list[str] | None,
    Option(
        "--goal",
        metavar="GOAL",
        help="What better means, most important first; joined by + in one tier, weighted as 2*balance, with options "
        "as balance(formula=max,nodes=pool=gpu): placer goals. pack by default.",
    ),
]
GoalsFile = Annotated[
    Path | None, Option("--goals", metavar="FILE", help="Goals as a YAML list, in place of --goal.", dir_okay=False)
]
SolutionFile = Annotated[
    Path | None, Option("--solution", metavar="FILE", help="A solution of placer solve; without: the present state.")
]


@dataclass(frozen=True)
class Common:
    """Options of every command; each command uses those that mean something to it."""

    json: Annotated[bool, Option("--json", help="One JSON document on stdout, nothing else there.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="No progress, tables or warnings; errors are shown.")] = False
    seed: Annotated[int, Option("--seed", help="Same input and seed, same answer.")] = 0
    threads: Annotated[int | None, Option("--threads", min=1, help="Threads to use.")] = None
    time_limit: Annotated[
        float | None, Option("--time-limit", metavar="SECONDS", help="The best answer within this time.")
    ] = None
    steps: Annotated[
        int | None, Option("--steps", min=1, metavar="N", help="A limit in steps, for reproducible short runs.")
    ] = None


def chosen_goals(goals: list[str] | None, file: Path | None) -> Any:
    """The goals that were given, as texts or in a file; ``None`` without any."""
    if file is None:
        return goals or None
    if goals:
        raise UsageError(f"--goals is {str(file)!r} and --goal is {goals[0]!r}: give one of them")
    from placer.goals.written import read_goals

    return read_goals(file)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """
    Makes a function a command.

    Its argument ``common`` becomes the options that every command takes; errors become lines on stderr.
    """
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != COMMON
    ]
    shared = _common_parameters()

    @functools.wraps(function)
    def run(**given: Any) -> None:
        common = Common(**{parameter.name: given.pop(parameter.name) for parameter in shared})
        with readable_errors():
            function(**given, common=common)

    parameters = [*own, *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _common_parameters() -> list[inspect.Parameter]:
    parameters = []
    hints = get_type_hints(Common, include_extras=True)
    for name, parameter in inspect.signature(Common).parameters.items():
        kind, option = hints[name].__origin__, hints[name].__metadata__[0]
        option.rich_help_panel = PANEL
        parameters.append(parameter.replace(annotation=Annotated[kind, option], kind=inspect.Parameter.KEYWORD_ONLY))
    return parameters
