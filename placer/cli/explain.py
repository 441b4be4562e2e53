"""``placer explain``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from placer.cli.errors import DONE
from placer.cli.options import Common, Goals, InputFormat, Inputs, SolutionFile, command

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from placer.cli.screen import Stages
    from placer.conflicts import Conflicts
    from placer.explain import Comparison, Explanation
    from placer.model.cluster import Cluster
    from placer.solution import Solution

FEW = 20
"""Nodes that are listed one by one; of more, the best ones, and the others counted by reason."""
BEST = 10
SECONDS = 5.0
"""How long conflicts are looked for, where no limit is given."""


@command
def explain(
    inputs: Inputs,
    pod: Annotated[str, Argument(metavar="POD", help="namespace/name, or a name in default.", show_default=False)],
    common: Common,
    solution: SolutionFile = None,
    instead_of: Annotated[
        str | None, Option("--instead-of", metavar="NODE", help="Why not there: compare with this node.")
    ] = None,
    goals: Goals = None,
    format: InputFormat = None,
) -> None:
    """Say why a pod goes where it goes, or nowhere, or not there."""
    from placer.cli.screen import emit_json, show, stages
    from placer.cli.solve import load_cluster
    from placer.explain import explain
    from placer.solution import Solution

    with stages(common) as at:
        answer = None if solution is None else Solution.read(solution)
        asked = goals or (list(answer.goals) if answer else []) or ["pack"]
        cluster = load_cluster(inputs, format, at)
        with at.stage("explain"):
            found = explain(cluster, pod, solution=answer, instead_of=instead_of, goals=asked)
        together = _together(cluster, found.pod, answer, common, at)
    if common.json:
        emit_json({**found.to_dict(), "conflicts": None if together is None else together.to_dict()})
    show(common, lambda: [*_parts(found, asked), *_conflicts(together)])
    raise typer.Exit(DONE)


def _together(cluster: Cluster, pod: str, answer: Solution | None, common: Common, at: Stages) -> Conflicts | None:
    """Whether a pod that waits can be placed together with the others; ``None`` for one that has a node."""
    from placer.model.table import PENDING

    row = cluster.pod_table.index(pod)
    if cluster.pod_table.node[row] != PENDING or (answer is not None and row in answer.rows(cluster).pod):
        return None
    from placer.conflicts import conflicts
    from placer.warm import is_warm, warmup

    if not is_warm():
        with at.stage("compile"):
            warmup(at.say)
    with at.stage("conflicts"):
        limit = SECONDS if common.time_limit is None else common.time_limit
        return conflicts(cluster, pod, solution=answer, time_limit=limit, seed=common.seed)


def _conflicts(together: Conflicts | None) -> Iterator[RenderableType]:
    """What keeps the pod from being placed together with the others."""
    if together is not None and together.status != "feasible":
        yield ""
        yield "Together with the others: " + "; and ".join(together.lines())


def _parts(found: Explanation, goals: list[str]) -> Iterator[RenderableType]:
    """What is shown, from the answer to what would change it."""
    accepted = f"{found.nodes.accepted:,} of {len(found.nodes):,} nodes accept it"
    place = {"present": "in the present state", "final": "in the final state"}.get(found.state, found.state)
    yield f"{found.pod}: {found.node or 'no node'}, {place}"
    yield found.message or accepted
    yield ""
    yield _nodes(found, goals)
    if found.comparison is not None:
        yield ""
        yield from _comparison(found.comparison)
    if found.changes:
        yield ""
        yield "Any one of these lets it fit:"
        yield from (f"- {change.text}" for change in found.changes)


def _nodes(found: Explanation, goals: list[str]) -> Table:
    """One row a node where they are few; else the best, and the others by reason."""
    from placer.cli.screen import grid

    few = len(found.nodes) <= FEW
    table = grid("node", "verdict", "reason", f"adds to {' / '.join(goals)}" if found.nodes.accepted else "")
    for row in found.nodes.best_first(FEW if few else min(BEST, found.nodes.accepted)):
        verdict = found.nodes[row]
        total = " / ".join(f"{part:g}" for part in verdict.total)
        table.add_row(verdict.node, verdict.rule or "fits", verdict.reason or "", total)
    if few:
        return table
    if found.nodes.accepted > BEST:
        table.add_row(f"{found.nodes.accepted - BEST:,} more nodes", "fits", "", "")
    for reason in found.summary:
        table.add_row(f"{reason.nodes:,} nodes", reason.rule, reason.reason, "")
    return table


def _comparison(comparison: Comparison) -> Iterator[RenderableType]:
    from placer.cli.screen import grid

    if comparison.rule is not None:
        yield f"Not {comparison.instead_of}: {comparison.rule}: {comparison.reason}"
        return
    if comparison.node is None or not comparison.terms:
        yield f"{comparison.instead_of} accepts it"
        return
    table = grid("adds to", comparison.node, comparison.instead_of, "difference")
    for goal, (here, there, difference) in comparison.terms.items():
        table.add_row(goal, f"{here:g}", f"{there:g}", f"{difference:+g}")
    yield table
    yield _verdict(comparison)


def _verdict(comparison: Comparison) -> str:
    first = next((part for part in comparison.total if part), 0.0)
    if first > 0:
        return f"{comparison.instead_of} is dearer than {comparison.node}"
    if first < 0:
        return f"{comparison.instead_of} is cheaper than {comparison.node} for this pod alone, in this state"
    return f"{comparison.instead_of} is as good as {comparison.node}"
