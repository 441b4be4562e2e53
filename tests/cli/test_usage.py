"""Wrong usage ends with 2 and one line on what to do."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "kubernetes"], "does not have yet"),
        (["--profile", "nomad"], "there is no such profile"),
        (["--as", "xml"], "'xml' is not one of"),
        (["--seed", "many"], "'--seed'"),
        (["--threads", "0"], "'--threads'"),
        (["--as", "parquet"], "--as parquet writes bytes: give -o FILE"),
        (["--json", "--as", "csv"], "--json and --as csv both write to stdout"),
        (["--misspelt"], "No such option"),
    ],
)
def test_solve_refuses(run, small: Path, arguments: list[str], said: str):
    done = run("solve", small, *arguments)

    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["solve"], ["explain", "only-a-pod"], ["nonsense"], ["generate", "nonsense"]])
def test_commands_need_their_arguments(run, arguments: list[str]):
    assert run(*arguments).exit_code == 2
