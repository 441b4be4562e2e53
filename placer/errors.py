"""The errors users see: each names object, field, value and fix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placer.conflicts import Conflicts

SHOWN_IN_FULL = 10
DISTRIBUTION = "placer-engine"
"""The name to install, as in ``pip install 'placer-engine[frames]'``: that of pyproject.toml."""


class PlacerError(Exception):
    """Base of all errors that placer raises on purpose."""


class InputError(PlacerError):
    """
    The input cannot be read as meant.

    Parameters
    ----------
    problems
        One text a problem: where (file, object), field, value and the fix.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        shown = self.problems[:SHOWN_IN_FULL]
        if len(self.problems) > len(shown):
            shown.append(f"and {len(self.problems) - len(shown)} more problems of this input")
        super().__init__("\n".join(shown))


class InfeasibleError(PlacerError):
    """
    Pods stay unplaced although the caller asked for all or nothing.

    Attributes
    ----------
    conflicts
        Why they cannot all be placed: see :func:`placer.conflicts`; ``None`` where that was not looked for.
    """

    def __init__(self, text: str, conflicts: Conflicts | None = None) -> None:
        self.conflicts = conflicts
        super().__init__(text)


class UsageError(PlacerError):
    """A call's arguments do not go together."""


class MissingExtraError(PlacerError):
    """An optional package is not installed; the text says what needs it and how to install it."""


class StaleSolutionError(PlacerError):
    """A solution was made for another input."""
