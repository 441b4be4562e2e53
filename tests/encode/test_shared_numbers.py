"""Numbers that the encoder writes and the kernels read, which import nothing of it, are the same on both sides."""

from __future__ import annotations

import pytest

from placer.encode import nodes, terms
from placer.goals.registry import COLUMNS
from placer.kernels import devices, place, score
from placer.kernels import terms as kernel_terms
from placer.model import device

KINDS = [
    "AT_MOST",
    "AT_MOST_BY_DOMAIN",
    "AFFINITY",
    "SKEW",
    "DISTINCT",
    "SOFT_COUNT",
    "SOFT_ABSENT",
    "SOFT_SKEW",
    "SOFT_BY_DOMAIN",
]


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_terms_have_the_same_numbers(name):
    assert getattr(terms, name) == getattr(kernel_terms, name)


def test_blocks_spans_and_whole_units_have_the_same_size():
    assert (nodes.BLOCK, nodes.SPAN, device.WHOLE) == (place.BLOCK, place.SPAN, devices.WHOLE)


@pytest.mark.parametrize(("goal", "column"), COLUMNS.items())
def test_goals_are_weighed_in_the_column_that_the_kernels_read(goal, column):
    assert getattr(score, goal.upper()) == column
