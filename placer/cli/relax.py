"""``placer relax``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from placer.cli.errors import DONE
from placer.cli.options import Common, Goals, GoalsFile, InputFormat, Inputs, chosen_goals, command

if TYPE_CHECKING:
    from threading import Event

    from rich.console import RenderableType
    from rich.table import Table

    from placer.relax import Gain, Relaxations

SHOWN = 20
"""Changes that are listed; ``--json`` has them all."""
SECONDS = 60.0
"""How long changes are tried, where no limit is given."""


@command
def relax(
    inputs: Inputs,
    common: Common,
    goals: Goals = None,
    goals_file: GoalsFile = None,
    format: InputFormat = None,
) -> None:
    """Say what dropping or softening each hard rule would buy."""
    from placer.cli.interrupt import interruptible
    from placer.cli.screen import emit_json, show, stages
    from placer.cli.solve import load_cluster
    from placer.relax import relax
    from placer.warm import is_warm, warmup

    wanted = chosen_goals(goals, goals_file) or ["pack"]
    with stages(common) as at:
        cluster = load_cluster(inputs, format, at)
        if not is_warm():
            with at.stage("compile"):
                warmup(at.say)

        def work(stop: Event) -> Relaxations:
            limit = SECONDS if common.time_limit is None else common.time_limit
            return relax(cluster, wanted, time_limit=limit, seed=common.seed, stop=stop)

        with at.stage("relax"):
            found = interruptible(work, lambda: at.say("stopping with what is known; Ctrl-C again leaves at once"))
    if common.json:
        emit_json(found.to_dict())
    show(common, lambda: _parts(found))
    raise typer.Exit(DONE)


def _parts(found: Relaxations) -> Iterator[RenderableType]:
    """What is shown: the answer as it is, the changes that buy something, and how many do not."""
    yield ", ".join(f"{tier} {value:,.10g}" for tier, value in found.base.objective.items()) + " as it is"
    if found:
        yield ""
        yield _table(found)
    yield ""
    yield "; ".join(_others(found))


def _table(found: Relaxations) -> Table:
    from placer.cli.screen import grid

    table = grid("pods", "change", "buys", "")
    for each in found[:SHOWN]:
        table.add_row(each.pods, each.text, _bought(each.gain), _proof(each.gain))
    if len(found) > SHOWN:
        table.add_row(f"and {len(found) - SHOWN:,} more")
    return table


def _bought(gain: Gain) -> str:
    if gain.tier == "unplaced":
        return f"{gain.bought:,.0f} pod{'s' if gain.bought != 1 else ''} placed"
    return f"{gain.bought:,.10g} less {gain.tier}"


def _proof(gain: Gain) -> str:
    if gain.proven:
        return "proven"
    return "no proof" if gain.most is None else f"proven: {gain.least:,.10g} to {gain.most:,.10g}"


def _others(found: Relaxations) -> Iterator[str]:
    yield f"{found.nothing:,} changes are proven to buy nothing"
    if found.unknown:
        yield f"{found.unknown:,} bought nothing, without a proof"
    if found.untried:
        yield f"{found.untried:,} were not tried in time"
