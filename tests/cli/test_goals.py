"""placer goals, and goals on the command line."""

from __future__ import annotations

import json
from pathlib import Path


def test_the_list_names_each_goal_once_with_its_options(run):
    listed = json.loads(run("goals", "--json").stdout)

    names = [goal["name"] for goal in listed]
    assert len(set(names)) == len(names)
    assert {"pack", "nodes", "balance", "headroom", "spread", "room", "colocation"} <= set(names)
    balance = next(goal for goal in listed if goal["name"] == "balance")
    assert balance["options"]["formula"] == "squares"
    assert all("nodes" in goal["options"] and goal["formula"] for goal in listed)


def test_the_table_goes_to_stderr(run):
    done = run("goals")

    assert done.stdout == ""
    assert "balance" in done.stderr


def test_goals_with_options_are_given_as_text_or_in_a_file(run, web: Path, tmp_path: Path):
    file = tmp_path / "goals.yaml"
    file.write_text("- goal: balance\n  formula: max\n- nodes\n")

    texts = run("solve", web, "--goal", "balance(formula=max)", "--goal", "nodes", "--json")
    read = run("solve", web, "--goals", file, "--json")

    assert json.loads(texts.stdout)["objective"] == json.loads(read.stdout)["objective"]
    assert [term["goal"] for term in json.loads(read.stdout)["terms"]] == [
        "unplaced",
        "balance(formula=max)",
        "balance(formula=max)",
        "nodes",
    ]


def test_goals_in_both_ways_are_wrong_usage(run, web: Path, tmp_path: Path):
    file = tmp_path / "goals.yaml"
    file.write_text("- nodes\n")

    done = run("solve", web, "--goals", file, "--goal", "pack")

    assert done.exit_code == 2
    assert "give one of them" in done.stderr


def test_a_goal_that_does_not_exist_is_one_error(run, web: Path):
    done = run("solve", web, "--goal", "balance(formla=max)")

    assert done.exit_code == 1
    assert "goals: 'balance' has no option 'formla'" in done.stderr
    assert "Traceback" not in done.stderr
