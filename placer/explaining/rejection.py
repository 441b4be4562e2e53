"""What one rule says of all nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from placer.explaining.others import Mask
from placer.model.rule import Rule


class Rejection(NamedTuple):
    """
    What one rule says of all nodes.

    Attributes
    ----------
    rule
        Which.
    parts
        Its words → (nodes,) which nodes it rejects in these words; a node may have several.
    detail
        The words with the numbers, for a node that is rejected.
    """

    rule: Rule
    parts: dict[str, Mask]
    detail: Callable[[int], str]

    @property
    def rejects(self) -> Mask:
        """(nodes,) which nodes it rejects."""
        mask: Mask = np.logical_or.reduce(list(self.parts.values()))
        return mask
