"""The words of a decision: kubernetes/kubernetes, ``framework.FitError``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .status import Status


def fit_error(nodes: int, statuses: Iterable[Status]) -> str:
    """How many nodes each reason keeps away; sorted as text, number first, so that 10 comes before 2."""
    counts = Counter(reason for status in statuses for reason in status.reasons)
    reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    return f"0/{nodes} nodes are available:" + (f" {reasons}." if reasons else "")


def rejected(nodes: int, status: Status) -> str:
    """A pod that a PreFilter plugin rejects everywhere."""
    return f"0/{nodes} nodes are available: {', '.join(status.reasons)}."
