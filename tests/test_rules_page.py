"""docs/rules.md lists every rule, goal, format and command of the code, each with a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from placer.cli.app import app
from placer.formats import formats
from placer.goals.registry import STANDARD
from placer.model.rule import Rule

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "rules.md").read_text()
SHOWN_BY = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(heading: str) -> list[str]:
    """What stands in code in the first column."""
    return [cells[0].strip("`") for cells in rows(heading) if cells[0].startswith("`")]


@cache
def functions(file: str) -> frozenset[str]:
    return frozenset(
        each.name for each in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(each, ast.FunctionDef)
    )


def test_every_rule_is_listed_in_the_order_in_which_it_is_asked():
    assert names("Hard rules") == [rule.name for rule in Rule]


def test_every_goal_is_listed_with_its_formula():
    listed = {cells[0].strip("`"): cells[2] for cells in rows("Goals")}

    assert {name: listed.get(name) for name in STANDARD} == {name: goal.formula for name, goal in STANDARD.items()}
    assert set(names("Goals")) == {*STANDARD, "unplaced"}


def test_every_format_is_listed_with_what_it_can():
    listed = {cells[0].strip("`"): (cells[1], cells[2]) for cells in rows("Formats")}

    assert listed == {f.name: ("yes" if f.reads else "", "yes" if f.writes else "") for f in formats()}


def test_every_command_is_listed():
    commands = [command.callback.__name__ for command in app.registered_commands]
    groups = [group.name for group in app.registered_groups]

    assert sorted(names("Commands")) == sorted([*commands, *groups])


SECTIONS = [
    "Hard rules",
    "Wishes",
    "Goals",
    "Proof",
    "Limits, starts and jobs",
    "Reserves",
    "Model",
    "Formats",
    "Commands",
]


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_row_names_a_test(heading: str):
    assert [cells[0] for cells in rows(heading) if not SHOWN_BY.search(cells[-1])] == []


@pytest.mark.parametrize(("file", "name"), sorted(set(SHOWN_BY.findall(PAGE))))
def test_every_test_that_is_named_exists(file: str, name: str):
    assert name in functions(file)


def test_every_field_of_a_pod_that_a_rule_uses_is_a_field():
    from placer.model.pod import Pod

    fields = {name for cells in rows("Hard rules") + rows("Wishes") for name in re.findall(r"`(\w+)", cells[2])}
    of_nodes = {"unschedulable", "taints", "allocatable", "volume_limits", "hard"}
    assert fields - of_nodes <= set(Pod.model_fields)
