"""What got worse between two outputs of the same benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOWER_IS_BETTER = ("_s", "_us", "_mb", "seconds", "unplaced", "nodes_used", "objective", "gap", "exponent")
HIGHER_IS_BETTER = ("_pct", "per_s")
NOISE = 0.05


def compare(before: str, after: str) -> str:
    """
    Lines on every figure that changed by more than 5 %, the worse ones first.

    Parameters
    ----------
    before, after
        Files with the ``--json`` output of one benchmark.
    """
    old = _flat(json.loads(Path(before).read_text()))
    new = _flat(json.loads(Path(after).read_text()))
    worse: list[str] = []
    better: list[str] = []
    for key in old.keys() & new.keys():
        direction = _direction(key)
        if direction == 0 or old[key] == new[key]:
            continue
        ratio = (new[key] - old[key]) / max(abs(old[key]), 1e-12) * direction
        if abs(ratio) > NOISE:
            line = f"{key}: {old[key]:.4g} -> {new[key]:.4g} ({'worse' if ratio > 0 else 'better'} by {abs(ratio):.0%})"
            (worse if ratio > 0 else better).append(line)
    return "\n".join([*sorted(worse), *sorted(better)]) or "nothing changed by more than 5 %"


def _direction(key: str) -> int:
    if key.endswith(HIGHER_IS_BETTER):
        return -1
    return 1 if key.endswith(LOWER_IS_BETTER) else 0


def _flat(value: Any, path: str = "") -> dict[str, float]:
    """Every number by its path; rows of a list by their name."""
    if isinstance(value, dict):
        parts = [_flat(part, f"{path}.{key}" if path else key) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [_flat(part, f"{path}[{_name(part, place)}]") for place, part in enumerate(value)]
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return {path: float(value)}
    else:
        return {}
    return {key: number for part in parts for key, number in part.items()}


def _name(part: Any, place: int) -> str:
    if isinstance(part, dict):
        names = [str(part[key]) for key in ("case", "trace", "name", "input", "nodes", "set") if key in part]
        return "/".join(names) or str(place)
    return str(place)
