"""Errors become lines on stderr; what is unexpected says that it is a bug."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest

from placer.errors import MissingExtraError


def failing(error: BaseException):
    def fail(*arguments: object, **named: object) -> NoReturn:
        raise error

    return fail


def test_a_bug_is_one_line_with_type_and_text(run, small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_module("placer.solve"), "solve", failing(ZeroDivisionError("a\nb")))

    done = run("solve", small)

    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "error: this is a bug of placer: ZeroDivisionError: a b: please report it with what PLACER_TRACEBACK=1 shows"
    ]


def test_a_traceback_is_shown_where_asked_for(run, small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLACER_TRACEBACK", "1")
    monkeypatch.setattr(import_module("placer.solve"), "solve", failing(ZeroDivisionError("a")))

    assert "Traceback (most recent call last)" in run("solve", small).stderr


def test_a_missing_extra_is_said_in_one_line(run, small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("placer.formats.load", failing(MissingExtraError("tables need pyarrow: pip install it")))

    done = run("solve", small)

    assert done.exit_code == 1
    assert done.stderr == "error: tables need pyarrow: pip install it\n"


def test_a_full_memory_is_no_bug(run, small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_module("placer.solve"), "solve", failing(MemoryError()))

    done = run("solve", small)

    assert done.exit_code == 1
    assert done.stderr.startswith("error: memory is full")
