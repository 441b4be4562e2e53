"""Pages hold only blocks that `make docs` runs, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DRAWINGS = {"design.md", "semantics.md"}
"""Pages that show drawings and formulas as blocks without a language."""
SETS_ITSELF_UP = "make demo"
BLOCK = re.compile(r"^```(.*)\n([\s\S]*?)^```$", re.MULTILINE)
RUN = re.compile(r'python|console|\w+ title="[^"/]+"')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_one_that_runs(page: Path):
    blocks = [(kind, text) for kind, text in BLOCK.findall(page.read_text()) if not text.startswith(SETS_ITSELF_UP)]

    left = [kind for kind, _ in blocks if not RUN.fullmatch(kind) and not (page.name in DRAWINGS and not kind)]
    assert left == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
