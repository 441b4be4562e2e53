"""What people read, at a width of 100, with times and memory left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def steady(text: str) -> str:
    """The text without what differs from run to run, and without the blanks at the ends of lines."""
    text = re.sub(r"(?<=seconds) .*", "     …", text)
    text = re.sub(r"[\d,]+ MB", "… MB", text)
    return "\n".join(line.rstrip() for line in text.splitlines())


@pytest.fixture
def answer(run, web: Path, tmp_path: Path) -> Path:
    run("solve", web, "--quiet", "-o", tmp_path / "answer.json")
    return tmp_path / "answer.json"


def test_solve(run, web: Path, snapshot):
    assert steady(run("solve", web).stderr) == snapshot


def test_verify(run, web: Path, answer: Path, snapshot):
    assert steady(run("verify", web, "--solution", answer).stderr) == snapshot


def test_verify_of_a_broken_answer(run, web: Path, answer: Path, snapshot):
    answer.write_text(answer.read_text().replace('"node":"n1"', '"node":"n3"'))

    assert steady(run("verify", web, "--solution", answer).stderr) == snapshot


def test_explain_a_pod_that_fits_nowhere(run, web: Path, snapshot):
    assert steady(run("explain", web, "report").stderr) == snapshot


def test_explain_why_not_there(run, web: Path, answer: Path, snapshot):
    assert steady(run("explain", web, "web-0", "--solution", answer, "--instead-of", "n1").stderr) == snapshot


def test_diff(run, web: Path, answer: Path, tmp_path: Path, snapshot):
    other = tmp_path / "other.json"
    run("solve", web, "--quiet", "--prove", "-o", other)
    other.write_text(
        other.read_text().replace('{"pod":"default/web-3","node":"n1"}', '{"pod":"default/web-3","node":"n2"}')
    )

    assert steady(run("diff", answer, other).stderr) == snapshot


def test_relax(run, web: Path, snapshot):
    assert steady(run("relax", web).stderr) == snapshot
