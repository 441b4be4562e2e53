"""Starting is light: help and ``import placer`` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "numba", "ortools", "pandas", "polars", "pyarrow", "pydantic", "yaml", "msgspec")
OF_TYPER = ("pydantic",)
"""What typer itself loads to read the options of a single command."""
SHOW_LOADED = f"""
import sys
heavy = [name for name in {HEAVY!r} if name in sys.modules]
sys.stderr.write("loaded: " + " ".join(heavy))
"""
HELP = """
import sys
from placer.cli import main
sys.argv = ["placer", {arguments}]
try:
    main()
except SystemExit:
    pass
"""


def loaded(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program + SHOW_LOADED], capture_output=True, text=True, check=True)
    return done.stderr.removeprefix("loaded:").split()


def test_importing_placer_loads_nothing_heavy():
    assert loaded("import placer") == []


def test_help_loads_nothing_heavy():
    assert loaded(HELP.format(arguments="'--help'")) == []


@pytest.mark.parametrize("command", ["solve", "verify", "explain", "generate", "formats", "warmup"])
def test_the_help_of_a_command_loads_nothing_heavy(command: str):
    assert set(loaded(HELP.format(arguments=f"{command!r}, '--help'"))) <= set(OF_TYPER)


def test_python_m_placer_is_the_command():
    done = subprocess.run([sys.executable, "-m", "placer", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == "placer 0.1.0\n"


@pytest.mark.parametrize(
    "command", [["solve"], ["verify"], ["explain"], ["generate", "mesos-scale"], ["formats"], ["warmup"]]
)
def test_every_command_takes_the_common_options(run, monkeypatch: pytest.MonkeyPatch, command: list[str]):
    monkeypatch.setenv("TERMINAL_WIDTH", "100")

    shown = run(*command, "--help")

    assert shown.exit_code == 0
    for option in ("--json", "--quiet", "--seed", "--threads", "--time-limit", "--steps"):
        assert option in shown.stdout
