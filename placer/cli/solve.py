"""``placer solve``."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer import Option

from placer.cli.errors import BAD_INPUT, DONE, UNPLACED, say_error
from placer.cli.options import Common, Goals, GoalsFile, InputFormat, Inputs, chosen_goals, command
from placer.cli.results import ResultFormat, choose_format, deliver, goes_to_stdout, render
from placer.errors import UsageError

if TYPE_CHECKING:
    from placer.cli.screen import Stages
    from placer.model.cluster import Cluster
    from placer.model.pod import Pod
    from placer.model.profile import Profile
    from placer.solution import Solution
    from placer.verify import Violation


@command
def solve(  # noqa: PLR0913, PLR0917 - an option each
    inputs: Inputs,
    common: Common,
    goals: Goals = None,
    goals_file: GoalsFile = None,
    prove: Annotated[bool, Option("--prove", help="Ask for bounds on what is best.")] = False,
    gap: Annotated[float | None, Option("--gap", metavar="X", help="Stop when this close to the bound.")] = None,
    reserve: Annotated[
        str | None,
        Option(
            "--reserve", metavar="KEY", help="What stands in any one node, rack or zone fits elsewhere if it fails."
        ),
    ] = None,
    buffer: Annotated[
        list[str] | None,
        Option(
            "--buffer",
            metavar="SHAPE",
            help="Keep room for pods: spare-web=3:cpu=1,memory=1Gi, or a file of pods. May be given several times.",
        ),
    ] = None,
    no_verify: Annotated[bool, Option("--no-verify", help="Do not check the answer.")] = False,
    require_all: Annotated[bool, Option("--require-all", help="Fail instead of leaving pods unplaced.")] = False,
    start: Annotated[
        Path | None, Option("--start", metavar="FILE", help="Begin from this solution of the same input.")
    ] = None,
    profile: Annotated[
        str | None, Option("--profile", metavar="NAME", help="Decide as this scheduler does: kubernetes.")
    ] = None,
    config: Annotated[
        Path | None,
        Option("--config", metavar="FILE", help="The scheduler's configuration; its profiles decide their own pods."),
    ] = None,
    scheduler_name: Annotated[
        str | None,
        Option("--scheduler-name", metavar="NAME", help="Decide only pods that name this scheduler."),
    ] = None,
    replay: Annotated[
        bool, Option("--replay", help="Decide the pods that stand once more, and show where the profile differs.")
    ] = False,
    out: Annotated[
        Path | None, Option("-o", "--out", metavar="OUT", help="Write the answer here, or to - for stdout.")
    ] = None,
    as_format: Annotated[
        ResultFormat | None, Option("--as", help="What to write; told by the name of OUT where not given.")
    ] = None,
    format: InputFormat = None,
) -> None:
    """
    Place what is pending, and verify the answer.

    A summary is shown on stderr. Ctrl-C gives the best answer so far; a second one leaves at once.
    """
    from placer.cli.buffers import read_buffers
    from placer.cli.replay import show_replay
    from placer.cli.screen import emit, show, stages
    from placer.cli.summary import summary

    profiles = _profiles(profile, config, scheduler_name)
    if replay:
        show_replay(inputs, format, profiles, scheduler_name, common, writes=bool(out or as_format))
        raise typer.Exit(DONE)
    wanted = chosen_goals(goals, goals_file)
    chosen = choose_format(as_format, out, common.json)
    buffers = read_buffers(buffer or ())
    with stages(common) as at:
        cluster = load_cluster(inputs, format, at)
        asked = _Asked(wanted, profiles, scheduler_name, prove, gap, reserve, buffers, require_all, _read(start))
        solution = _solve(cluster, asked, common, at)
        violations = None if no_verify else _verify(cluster, solution, at)
    _add_statistics(solution, violations, at)
    if violations:
        _fail(violations, common)
    if common.json:
        emit(solution.to_json() + b"\n")
    if chosen is not None and not (common.json and goes_to_stdout(out)):
        deliver(render(cluster, solution, chosen), out)
    show(common, lambda: [summary(cluster, solution)])
    raise typer.Exit(UNPLACED if solution.unplaced or solution.unmet else DONE)


def load_cluster(inputs: list[Path], format: str | None, at: Stages) -> Cluster:
    """Reads the cluster, as a stage."""
    with at.stage("load"):
        from placer.formats import load

        return load(*inputs, format=format)


def _profiles(profile: str | None, config: Path | None, scheduler_name: str | None) -> str | tuple[Profile, ...] | None:
    """The profiles that decide, checked before the cluster is read."""
    from placer.profiles import choose

    if config is not None:
        if profile != "kubernetes":
            raise UsageError(f"--config is {str(config)!r}: it goes with --profile kubernetes: give both, or neither")
        from placer.orchestrators.kubernetes import read_configuration

        profiles = read_configuration(config)
        choose(profiles, scheduler_name)
        return profiles
    choose(profile, scheduler_name)
    return profile


class _Asked(NamedTuple):
    """Arguments of the library's solve that only this command has."""

    goals: Any
    profile: str | tuple[Profile, ...] | None
    scheduler_name: str | None
    prove: bool
    gap: float | None
    reserve: str | None
    buffers: list[Pod]
    require_all: bool
    start: Solution | None


def _read(start: Path | None) -> Solution | None:
    """The solution to begin from."""
    from placer.solution import Solution

    return None if start is None else Solution.read(start)


def _solve(cluster: Cluster, asked: _Asked, common: Common, at: Stages) -> Solution:
    from placer.cli.interrupt import interruptible
    from placer.solve import solve
    from placer.warm import is_warm, warmup

    if not is_warm():
        with at.stage("compile"):
            warmup(at.say)

    def work(stop: Event) -> Solution:
        return solve(
            cluster,
            **asked._asdict(),
            time_limit=common.time_limit,
            steps=common.steps,
            seed=common.seed,
            threads=common.threads,
            stop=stop,
            progress=at.report,
            on_answer=at.tell,
        )

    return interruptible(work, lambda: at.say("stopping with the best answer so far; Ctrl-C again leaves at once"))


def _verify(cluster: Cluster, solution: Solution, at: Stages) -> list[Violation]:
    with at.stage("verify"):
        from placer.verify import verify

        return verify(cluster, solution)


def _add_statistics(solution: Solution, violations: list[Violation] | None, at: Stages) -> None:
    from placer.writing import peak_rss_mb

    solution.statistics |= {
        "verified": None if violations is None else not violations,
        "seconds": at.merged(solution.statistics.get("seconds", {})),
        "peak_rss_mb": peak_rss_mb(),
    }


def _fail(violations: list[Violation], common: Common) -> None:
    """Shows what is wrong with an answer; the answer itself is not given away."""
    from placer.cli.screen import emit_json, show
    from placer.cli.verify import report, table

    if common.json:
        emit_json(report(violations))
    show(common, lambda: [table(violations)])
    say_error(
        [f"the answer breaks {len(violations)} rules and is not written: this is a bug of placer; please report it"]
    )
    raise typer.Exit(BAD_INPUT)
