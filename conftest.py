"""
Runs the examples in README.md, docs/ and the docstrings, where pytest is given those paths: see ``make docs``.

A page is read from top to bottom in a directory of its own that has ``examples/``. Python blocks run as they stand.
``console`` blocks run each line after ``$`` and compare what it prints, on both streams; ``…`` stands for any text of a
line. Blocks in another language with a title, such as ``csv title="nodes.csv"``, are files of that name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sybil import Example, Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer
from sybil.parsers.rest import DocTestParser
from sybil.parsers.rest import SkipParser as DocstringSkipParser

ROOT = Path(__file__).parent
ANY = "…"
# No cluster stands behind the pages: this kubectl has the example's objects, and takes every binding.
KUBECTL = f"""#!/bin/sh
case "$1" in
    get) exec {sys.executable} -c 'import json, sys, yaml
items = list(yaml.safe_load_all(open("{ROOT}/examples/web.yaml")))
json.dump({{"apiVersion": "v1", "kind": "List", "items": items}}, sys.stdout)' ;;
    create) cat > /dev/null; echo '{{"kind":"Status","status":"Success"}}' ;;
esac
"""


def import_placer(namespace: dict[str, Any]) -> None:
    """Examples may use ``pl`` without importing it."""
    import placer

    namespace["pl"] = placer


def enter_directory(namespace: dict[str, Any]) -> None:
    """Gives a page a directory of its own."""
    import_placer(namespace)
    namespace["_before"] = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="placer-docs-"))
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / ".bin").mkdir()
    (folder / ".bin" / "kubectl").write_text(KUBECTL)
    (folder / ".bin" / "kubectl").chmod(0o755)
    os.chdir(folder)


def leave_directory(namespace: dict[str, Any]) -> None:
    """Removes the page's directory."""
    folder = Path.cwd()
    os.chdir(namespace["_before"])
    shutil.rmtree(folder)


def run_console(example: Example) -> str | None:
    """Runs a console block, and says what it prints instead of what the page says."""
    steps = re.split(r"^\$ ", str(example.parsed), flags=re.MULTILINE)[1:]
    path = os.pathsep.join([str(Path.cwd() / ".bin"), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    for step in steps:
        command, _, expected = step.partition("\n")
        done = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            check=False,
        )
        printed = "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
        pattern = re.escape(expected.rstrip()).replace(re.escape(ANY), ".*")
        if not re.fullmatch(pattern, printed):
            return f"$ {command}\nprints:\n{printed}\ninstead of:\n{expected}"
    return None


def write_file(example: Example) -> None:
    """Puts a titled block in the page's directory."""
    Path(example.region.lexemes["name"]).write_text(str(example.region.lexemes["source"]))


class FileParser:
    """Finds blocks with a title."""

    lexer = RawFencedCodeBlockLexer(re.compile(r'(?!python|console)\w+ title="(?P<name>[^"/]+)"$\n', re.MULTILINE))

    def __call__(self, document: Any) -> Any:
        """The blocks, as files to write."""
        for region in self.lexer(document):
            region.parsed = region.lexemes["source"]
            region.evaluator = write_file
            yield region


pages = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser("console", run_console), FileParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    setup=enter_directory,
    teardown=leave_directory,
)
docstrings = Sybil(
    parsers=[DocTestParser(), DocstringSkipParser()],
    patterns=["placer/**/*.py", "placer/*.py"],
    document_types={".py": PythonDocStringDocument},
    setup=import_placer,
)

pytest_collect_file = (pages + docstrings).pytest()
