"""placer diff: two solution files compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def answers(run, small: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Both pods on one node; one of them moved to a node that the first leaves empty."""
    (small / "nodes.csv").write_text("name,cpu,memory\nn1,4,8Gi\nn2,4,8Gi\n")
    packed, spread = tmp_path / "packed.json", tmp_path / "spread.json"
    run("solve", small, "--quiet", "--prove", "-o", packed)
    run("solve", small, "--quiet", "--goal", "balance", "--goal", "pack", "-o", spread)
    return packed, spread


def test_one_document_has_all_of_it(run, answers):
    done = run("diff", *answers, "--json", "--quiet")

    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [moved["pod"] for moved in found["moved"]] == ["default/b"]
    assert found["pods"] == {
        "name": "all",
        "only_first": 0,
        "only_second": 0,
        "elsewhere": 1,
        "net": 1,
        "same": 1,
        "other_units": 0,
    }
    assert {"tier": "pack", "first": 1.0, "second": 2.0, "difference": 1.0}.items() <= found["tiers"][1].items()


def test_answers_to_different_inputs_are_refused_by_the_names_of_their_files(run, answers, web: Path, tmp_path: Path):
    other = tmp_path / "other.json"
    run("solve", web, "--quiet", "-o", other)

    done = run("diff", answers[0], other)

    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {answers[0]} was made for the input 'sha256:")
    assert "give two answers to the same input" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "this is no JSON document"),
        ("[]", "the document is a list: give a solution file of placer"),
        ("{}", "version is None: this is no solution file of placer"),
        ('{"version": 99}', "version is 99, newer than 1"),
        ('{"version": 1, "input": "x"}', "'bindings': this is no solution file"),
        ('{"version": 1, "input": "x", "bindings": [], "objective": {"pack": "low"}}', "objective pack is 'low'"),
        ('{"version": 1, "input": "x", "bindings": [], "gap": "no"}', "gap is 'no'"),
    ],
)
def test_a_bad_file_is_one_clear_error(run, answers, tmp_path: Path, content: str, said: str):
    bad = tmp_path / "bad.json"
    bad.write_text(content)

    done = run("diff", answers[0], bad)

    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {bad}: ")
    assert said in line


def test_a_file_that_is_not_there_is_one_clear_error(run, answers, tmp_path: Path):
    done = run("diff", answers[0], tmp_path / "gone.json")

    assert done.exit_code == 1
    assert "gone.json" in done.stderr
