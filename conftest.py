"""Runs the examples in README.md, docs/ and the docstrings, where pytest is given those paths: see ``make docs``."""

from __future__ import annotations

from typing import Any

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.parsers.rest import SkipParser as DocstringSkipParser


def import_placer(namespace: dict[str, Any]) -> None:
    """Examples may use ``pl`` without importing it."""
    import placer

    namespace["pl"] = placer


pages = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    setup=import_placer,
)
docstrings = Sybil(
    parsers=[DocTestParser(), DocstringSkipParser()],
    patterns=["placer/**/*.py", "placer/*.py"],
    document_types={".py": PythonDocStringDocument},
    setup=import_placer,
)

pytest_collect_file = (pages + docstrings).pytest()
