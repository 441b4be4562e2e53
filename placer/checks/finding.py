"""What a check finds wrong."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """
    A broken rule at one event of a scene.

    Attributes
    ----------
    event
        Which event of the scene's timeline.
    rule
        The rule's name.
    detail
        What there is and what is allowed.
    """

    event: int
    rule: str
    detail: str
