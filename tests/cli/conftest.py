"""The command, run in this process at a fixed width."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from placer.cli.app import app

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def run() -> Callable[..., object]:
    """Runs ``placer`` with these arguments: exit_code, stdout, stderr."""

    def invoke(*arguments: object, stdin: bytes | None = None) -> object:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    return invoke


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """The example cluster: three nodes in two zones, one pod that fits nowhere."""
    return Path(shutil.copy(EXAMPLES / "web.yaml", tmp_path / "web.yaml"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """One node, two pods, both fit."""
    path = tmp_path / "small"
    path.mkdir()
    (path / "nodes.csv").write_text("name,cpu,memory\nn1,4,8Gi\n")
    (path / "pods.csv").write_text("name,cpu,memory\na,1,1Gi\nb,1,1Gi\n")
    return path
