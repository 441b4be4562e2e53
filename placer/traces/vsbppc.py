"""
Variable-sized bin packing with conflicts: items to put into bins of several sizes and costs, some pairs apart.

A. Ekici, "A large neighborhood search algorithm and lower bounds for the variable-sized bin packing problem with
conflicts", European Journal of Operational Research 308, 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isqrt
from pathlib import Path

import numpy as np

from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT
from placer.model.table import Column, Names
from placer.model.value import FrozenDict
from placer.traces.tables import node_table, pod_table
from placer.traces.text import first_lines, read_text

CPU = 1000
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
MOST_SIZE, MOST_ITEMS = 10**9, 100_000
HAOUARI = (70, 100, 130, 160, 190, 220, 250)
BINS: dict[str, dict[int, int]] = {
    "set1_3types_linear": {size: size for size in (100, 120, 150)},
    "set1_5types_linear": {size: size for size in (60, 80, 100, 120, 150)},
    "set2_7types_linear": {size: size for size in HAOUARI},
    "set2_7types_convex": {size: ceil(0.1 * size**1.5) for size in HAOUARI},
    "set2_7types_concave": {size: isqrt(100 * size - 1) + 1 for size in HAOUARI},
}
"""The sets' types of bins: capacity and cost. Concave is 10 √capacity, rounded up."""


def detect(path: Path) -> bool:
    """Whether the file begins with a number of items and item 1."""
    lines = [line.split() for line in first_lines(path)[:2]]
    return (
        len(lines) == 2
        and len(lines[0]) == 1
        and len(lines[1]) > 1
        and lines[1][0] == "1"
        and all(word.isascii() and word.isdigit() for line in lines for word in line)
    )


def read(path: str | Path, bins: str | Mapping[int, int] | None = None) -> Cluster:
    """
    The items, all pending, and empty bins.

    Parameters
    ----------
    path
        One instance: the number of items; then a line per item with its number, its size, and the items in conflict
        with it, each pair at one of the two or at both.
    bins
        One of :data:`BINS`, or costs by capacity. Where not given, set 2's or set 1's with linear costs: the first one
        in which each item fits.

    Returns
    -------
    A pod per item, its size as cpu in cores, apart from those in conflict with it. Nodes are bins at their costs; of
    each type as many as there are items that fit.

    Raises
    ------
    InputError
        What is wrong in the file, with line and value; bins that are not known, or that do not hold the largest item.
    """
    sizes, conflicts = parse(Path(path))
    types = _types(path, bins, max(sizes, default=0))
    large = np.sort(np.array(sizes, np.int64))
    fleet = {size: int(np.searchsorted(large, size, side="right")) for size in types}
    kinds = Column(np.repeat(np.arange(len(fleet), dtype=np.int32), list(fleet.values())), list(fleet))
    capacity = np.array(kinds.values, np.int64)[kinds.codes]
    names = [f"default/item-{item + 1}" for item in range(len(sizes))]
    nodes = node_table(
        Names([f"bin-{row}" for row in range(len(kinds))], checked=True),
        {"cpu": capacity * CPU},
        price=np.array([types[size] for size in kinds.values], np.int64)[kinds.codes] * PRICE_UNIT,
        labels=Column(kinds.codes, [FrozenDict({INSTANCE_TYPE: str(size)}) for size in kinds.values]),
    )
    pods = pod_table(
        Names([f"item-{item + 1}" for item in range(len(sizes))], checked=True),
        {"cpu": np.array(sizes, np.int64) * CPU},
        apart_from=Column.of(tuple(names[other] for other in sorted(each)) for each in conflicts),
    )
    return Cluster.from_tables(nodes, pods)


def parse(path: Path) -> tuple[list[int], list[set[int]]]:
    """Sizes of the items, and with which others, from 0, each is in conflict; symmetric."""
    lines = [(number, line.split()) for number, line in enumerate(read_text(path).splitlines(), 1) if line.split()]
    if not lines or len(lines[0][1]) != 1 or _number(lines[0][1][0]) > MOST_ITEMS:
        raise InputError(f"{path}: line 1 is no number of items: write one up to {MOST_ITEMS}, then a line per item")
    count = _number(lines[0][1][0])
    if len(lines) - 1 != count:
        raise InputError(f"{path}: line 1 says {count} items, and {len(lines) - 1} lines follow: give a line per item")
    sizes, conflicts = [0] * count, [set[int]() for _ in range(count)]
    problems: list[str] = []
    for expected, (number, words) in enumerate(lines[1:], 1):
        where = f"{path}: line {number}"
        if words[0] != str(expected) or len(words) < 2:
            problems.append(f"{where} begins with {' '.join(words[:2])!r}: write item {expected} and its size")
            continue
        if not 0 < _number(words[1]) <= MOST_SIZE:
            problems.append(f"{where}: size is {words[1]!r}: give a whole number from 1 to {MOST_SIZE}")
        sizes[expected - 1] = _number(words[1])
        for word in words[2:]:
            other = _number(word)
            if not 1 <= other <= count or other == expected:
                problems.append(f"{where}: conflict is {word!r}: name another item from 1 to {count}")
                continue
            conflicts[expected - 1].add(other - 1)
            conflicts[other - 1].add(expected - 1)
    if problems:
        raise InputError(problems)
    return sizes, conflicts


def _types(path: str | Path, bins: str | Mapping[int, int] | None, largest: int) -> Mapping[int, int]:
    """Costs by capacity."""
    if bins is None:
        bins = "set1_3types_linear" if largest <= max(BINS["set1_3types_linear"]) else "set2_7types_linear"
    if isinstance(bins, str):
        if bins not in BINS:
            raise InputError(f"{path}: there are no bins {bins!r}: give one of {', '.join(BINS)}, or costs by capacity")
        bins = BINS[bins]
    wrong = [
        f"{path}: bins have capacity {size!r} and cost {cost!r}: give whole numbers above 0"
        for size, cost in bins.items()
        if not (isinstance(size, int) and isinstance(cost, int) and size > 0 < cost)
    ]
    if wrong:
        raise InputError(wrong)
    if largest > max(bins, default=0):
        raise InputError(f"{path}: the largest item has size {largest}, and no bin holds it: give larger bins")
    return bins


def _number(word: str) -> int:
    """A whole number; one that is too large where it is none."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 12 else 10**12
