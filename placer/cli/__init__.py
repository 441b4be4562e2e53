"""The command: read, call one library function, show, exit code."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of ``placer``."""
    from placer.cli.app import app

    app(prog_name="placer")
