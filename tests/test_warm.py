"""Whether kernels have to be compiled: told before they are, and of each part that a run needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from placer import warm
from placer.warm import APPLYING, IMPROVING, PLACING, RANKING, SEARCHING, is_warm


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of kernels."""
    monkeypatch.setattr(warm, "_folder", lambda: tmp_path)
    return tmp_path


def keep(folder: Path, kernel: str) -> None:
    """Leaves a kernel in the cache as numba names it."""
    (folder / f"{kernel}-12.py311.nbi").touch()


def test_an_empty_cache_is_cold(folder: Path) -> None:
    assert not is_warm(PLACING)
    assert not is_warm()


def test_a_cache_with_some_of_the_kernels_is_warm_for_these_only(folder: Path) -> None:
    keep(folder, PLACING)
    assert is_warm(PLACING)
    assert not is_warm(RANKING)
    assert not is_warm()


def test_a_cache_with_all_is_warm(folder: Path) -> None:
    for kernel in (PLACING, RANKING, IMPROVING, SEARCHING, APPLYING):
        keep(folder, kernel)
    assert is_warm()


def test_the_kernels_looked_for_are_there_once_everything_is_compiled() -> None:
    warm.warmup()
    assert is_warm()
