"""placer solve on its way: what is shown of the best answer, where it begins, and that Ctrl-C keeps it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from packing.test_prove import hard_to_pack
from test_improve import gaps

import placer as pl
from placer.answers import Answer
from placer.cli.screen import standing


def an_answer(objective: dict[str, float], bound: dict[str, float] | None = None, gap: float | None = None) -> Answer:
    return Answer(objective, bound, gap, 1.0, lambda: pytest.fail("nobody asked for the solution"))


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (an_answer({"unplaced": 0, "pack": 812.0}), "unplaced 0, pack 812"),
        (
            an_answer({"unplaced": 3, "pack": 812.5}, {"unplaced": 3, "pack": 806.4}, 0.00751),
            "unplaced 3, pack 812.5 (at least 806.4), gap 0.75%",
        ),
        (
            an_answer({"unplaced": 0, "balance": 1 / 3}, {"unplaced": 0, "balance": 1 / 3}, 0.0),
            "balance 0.333333, gap 0",
        ),
    ],
)
def test_the_line_of_progress_has_objective_bound_and_gap(answer, line):
    assert line in standing(answer)


def test_a_solution_is_begun_from(run, small: Path, tmp_path: Path):
    first = tmp_path / "first.json"
    run("solve", small, "-o", first)

    done = run("solve", small, "--start", first, "--json")

    again = json.loads(done.stdout)
    assert done.exit_code == 0
    assert again["statistics"]["start"] == {"bindings": 2, "kept": 2}
    assert again["bindings"] == json.loads(first.read_text())["bindings"]


def test_a_start_for_another_input_is_refused_by_name(run, small: Path, web: Path, tmp_path: Path):
    first = tmp_path / "first.json"
    run("solve", small, "-o", first)

    done = run("solve", web, "--start", first)

    assert done.exit_code == 1
    assert "it was made for another input" in done.stderr


@pytest.mark.parametrize(("text", "problem"), [("{", "this is no JSON document"), ("{}", "this is no solution file")])
def test_a_start_that_is_no_solution_is_refused(run, small: Path, tmp_path: Path, text: str, problem: str):
    (tmp_path / "start.json").write_text(text)

    done = run("solve", small, "--start", tmp_path / "start.json")

    assert done.exit_code == 1
    assert problem in done.stderr


def test_a_start_that_is_not_there_is_refused(run, small: Path):
    assert run("solve", small, "--start", "nowhere.json").exit_code == 1


AT_WORK = """
import importlib, sys
for name, function in {patched}:
    module = importlib.import_module(name)
    real = getattr(module, function)

    def told(*given, real=real, **named):
        sys.stderr.write("at work\\n")
        sys.stderr.flush()
        return real(*given, **named)

    setattr(module, function, told)
from placer.cli import main
main()
"""


def interrupted(patched: list[tuple[str, str]], *arguments: object) -> dict:
    """What a command prints that gets Ctrl-C once one of these functions was called."""
    program = [sys.executable, "-c", AT_WORK.format(patched=patched), *map(str, arguments)]
    child = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "at work" not in child.stderr.readline():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    stdout, stderr = child.communicate(timeout=60)
    assert child.returncode == 0, stderr
    return json.loads(stdout)


@pytest.mark.parametrize(
    ("cluster", "options", "patched"),
    [
        (gaps(400), ["--time-limit", 600], [("placer.filling", "fill"), ("placer.rounds", "search")]),
        (hard_to_pack(), ["--prove"], [("placer.packing.model", "run")]),
    ],
    ids=["improve", "prove"],
)
def test_an_interrupt_gives_the_best_answer_so_far_whatever_is_at_work(cluster, options, patched, tmp_path: Path):
    cluster.write(tmp_path / "cluster.yaml")

    answer = interrupted(patched, "solve", tmp_path / "cluster.yaml", "--json", *options)

    assert (answer["stopped"], answer["unplaced"]) == ("interrupted", [])
    assert answer["statistics"]["verified"] is True
    assert pl.verify(pl.load(tmp_path / "cluster.yaml"), pl.Solution.from_dict(answer)) == []
