"""placer warmup: says what it does, and how long it took."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def test_it_says_how_long_it_took(run):
    done = run("warmup", "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["seconds"] > 0
    assert "kernels are ready" in done.stderr


def test_the_cache_directory_is_set_before_numba_is_imported(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "before")
    seen = []

    def warmup(say: object) -> float:
        seen.append(os.environ["NUMBA_CACHE_DIR"])
        return 0.1

    monkeypatch.setattr("placer.warm.warmup", warmup)
    done = run("warmup", "--cache-dir", tmp_path / "kernels")

    assert seen == [str(tmp_path / "kernels")]
    assert (tmp_path / "kernels").is_dir()
    assert f"NUMBA_CACHE_DIR={tmp_path / 'kernels'}" in done.stderr


def test_a_cache_directory_that_cannot_be_made_is_an_error(run, tmp_path: Path):
    (tmp_path / "file").write_text("")

    done = run("warmup", "--cache-dir", tmp_path / "file" / "kernels")

    assert done.exit_code == 1
    assert "choose another place" in done.stderr
