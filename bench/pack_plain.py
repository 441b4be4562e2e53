"""The random clusters without rules but prices, priorities and standing pods."""

from __future__ import annotations

from typing import Any

from bench.common import Options
from bench.pack_random import PLAIN, seeded


def instances(options: Options) -> list[dict[str, Any]]:
    """Here the peers model all that there is, so that their answers compare."""
    return seeded("plain", PLAIN, options)
