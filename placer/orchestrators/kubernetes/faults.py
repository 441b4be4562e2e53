"""
What the API server says of a wrong field, in its words: Kubernetes, ``field.Error``.

Each function gives the text that stands after the object's name: ``spec.containers: Required value``. The value and
the fix stand behind the words, as in ``maxSkew: must be greater than zero (is 0: give 1 or more)``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

LONGEST_VALUE = 120


def required(path: str, detail: str = "") -> str:
    """A field that is missing or empty."""
    return f"{path}: Required value{': ' if detail else ''}{detail}"


def invalid(path: str, value: Any, detail: str, fix: str = "") -> str:
    """A value out of its range, or not of its form."""
    return f"{path}: {detail} (is {_short(repr(value))}{': ' if fix else ''}{fix})"


def unsupported(path: str, value: Any, supported: Iterable[str]) -> str:
    """A value that is none of those there are."""
    known = ", ".join(map(quote, supported))
    return f"{path}: Unsupported value: {quote(value)}: supported values: {known}"


def duplicate(path: str, value: Any, detail: str = "each may stand once") -> str:
    """A value that stands twice where each may stand once."""
    return f"{path}: Duplicate value: {quote(value)}: {detail}"


def forbidden(path: str, detail: str) -> str:
    """A field that may not be given here."""
    return f"{path}: Forbidden: {detail}"


def quote(value: Any) -> str:
    """A text in double quotes, as the API server writes it; other values as JSON has them."""
    return _short(json.dumps(value, ensure_ascii=False, default=str))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
