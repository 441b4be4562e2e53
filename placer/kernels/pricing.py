"""Patterns of one node that are worth more than it costs: a knapsack with conflicts, searched up to a limit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.kernels.jit import njit

HUGE = 2**62


class Knapsack(NamedTuple):
    """
    One node to be filled.

    Attributes
    ----------
    need, capacity
        (classes, resources) of one pod, and (resources,) of the node.
    cells, grid
        The same in cells of a grid, rounded down, and how many the node has.
    value, most
        (classes,) of one pod, at least 0, and how many of them the node takes.
    clash
        (classes, classes) symmetric: which never share the node.
    """

    need: NDArray[np.int64]
    capacity: NDArray[np.int64]
    cells: NDArray[np.int64]
    grid: NDArray[np.int64]
    value: NDArray[np.int64]
    most: NDArray[np.int64]
    clash: NDArray[np.bool_]


class Path(NamedTuple):
    """Scratch of a search: per depth the classes that still fit, how far they were tried, what is chosen and left."""

    listed: NDArray[np.int32]
    listed_count: NDArray[np.int64]
    place: NDArray[np.int64]
    chosen: NDArray[np.int32]
    best: NDArray[np.int32]
    total: NDArray[np.int64]
    room: NDArray[np.int64]
    cell: NDArray[np.int64]
    used: NDArray[np.int64]


def new_path(knapsack: Knapsack, pods: int) -> Path:
    """Scratch for patterns of so many pods."""
    classes, resources = knapsack.need.shape
    return Path(
        listed=np.empty((pods + 2, classes), np.int32),
        listed_count=np.zeros(pods + 2, np.int64),
        place=np.zeros(pods + 2, np.int64),
        chosen=np.empty(pods + 2, np.int32),
        best=np.empty(pods + 2, np.int32),
        total=np.zeros(pods + 2, np.int64),
        room=np.zeros((pods + 2, resources), np.int64),
        cell=np.zeros((pods + 2, resources), np.int64),
        used=np.zeros(classes, np.int64),
    )


@njit
def worth_tables(knapsack: Knapsack, table: NDArray[np.int64]) -> None:
    """
    The most that classes from each one on are worth, resource by resource and without conflicts.

    Parameters
    ----------
    table
        (resources, classes + 1, cells + 1) written: what classes from one on are worth at most within so many cells.
        O(its size); times the pods of a class that fit where only a few of them may.
    """
    cells, grid = knapsack.cells, knapsack.grid
    classes = cells.shape[0]
    for resource in range(cells.shape[1]):
        below = table[resource]
        below[classes, :] = 0
        for one in range(classes - 1, -1, -1):
            asked, worth, times = cells[one, resource], knapsack.value[one], knapsack.most[one]
            endless = times > 1 and times * asked >= grid[resource]
            for room in range(grid[resource] + 1):
                best = below[one + 1, room]
                if asked == 0:
                    best += worth * times
                elif endless:
                    if room >= asked:
                        best = max(best, below[one, room - asked] + worth)
                else:
                    for taken in range(1, min(times, room // asked) + 1):
                        best = max(best, below[one + 1, room - taken * asked] + taken * worth)
                below[one, room] = best


@njit
def most_worth(room: NDArray[np.int64], table: NDArray[np.int64], first: int) -> int:
    """What classes from one on are worth at most within the cells left of every resource."""
    best = HUGE
    for resource in range(table.shape[0]):
        best = min(best, table[resource, first, room[resource]])
    return best


@njit
def take_pod(knapsack: Knapsack, path: Path, depth: int, one: int) -> bool:
    """Adds a pod of a class at a depth; what is left of the node after it, and whether it fits."""
    path.chosen[depth] = one
    path.total[depth + 1] = path.total[depth] + knapsack.value[one]
    fits = True
    for resource in range(knapsack.need.shape[1]):
        path.room[depth + 1, resource] = path.room[depth, resource] - knapsack.need[one, resource]
        path.cell[depth + 1, resource] = max(0, path.cell[depth, resource] - knapsack.cells[one, resource])
        fits = fits and path.room[depth + 1, resource] >= 0
    return fits


@njit
def list_fitting(knapsack: Knapsack, path: Path, depth: int, before: NDArray[np.int32]) -> None:
    """Lists the classes, of those that fitted before, that fit beside what was chosen up to a depth."""
    need, found, last = knapsack.need, 0, path.chosen[depth - 1]
    for one in before:
        if path.used[one] >= knapsack.most[one] or (one != last and knapsack.clash[last, one]):
            continue
        fits = True
        for resource in range(need.shape[1]):
            if need[one, resource] > path.room[depth, resource]:
                fits = False
                break
        if fits:
            path.listed[depth, found] = one
            found += 1
    path.listed_count[depth], path.place[depth] = found, 0


@njit
def search_from(
    knapsack: Knapsack, table: NDArray[np.int64], path: Path, first: int, above: int, tries: int
) -> tuple[int, int, bool]:
    """
    The pattern worth most in which a class comes first, depth first.

    Returns
    -------
    Its worth, its pods in ``path.best``, 0 where none is worth more than ``above``, and whether the search was ended.
    """
    best, size, depth = above, 0, 1
    path.used[first] = 1
    if path.total[1] > best:
        best, size = path.total[1], 1
        path.best[0] = first
    list_fitting(knapsack, path, 1, np.arange(first, len(knapsack.value)).astype(np.int32))
    while depth >= 1:
        place = path.place[depth]
        one = path.listed[depth, place] if place < path.listed_count[depth] else -1
        if one < 0 or tries == 0 or path.total[depth] + most_worth(path.cell[depth], table, one) <= best:
            depth -= 1
            path.used[path.chosen[depth]] -= 1
            continue
        tries -= 1
        path.place[depth] += 1
        path.used[one] += 1
        take_pod(knapsack, path, depth, one)
        depth += 1
        if path.total[depth] > best:
            best, size = path.total[depth], depth
            path.best[:size] = path.chosen[:size]
        list_fitting(knapsack, path, depth, path.listed[depth - 1, place : path.listed_count[depth - 1]])
    return best, size, tries == 0


@njit
def price_patterns(
    knapsack: Knapsack,
    table: NDArray[np.int64],
    path: Path,
    above: int,
    tries: int,
    pattern: NDArray[np.int32],
    start: NDArray[np.int64],
    worth: NDArray[np.int64],
) -> tuple[int, int]:
    """
    For each class the pattern worth most in which it comes first, where that is worth more than ``above``.

    Parameters
    ----------
    table
        As :func:`worth_tables` writes it.
    tries
        Steps of the search for each class; when they are used up the best so far is taken.
    pattern, start, worth
        Written: classes of each pattern, one for each pod, where they begin, and what each pattern is worth.

    Returns
    -------
    Patterns found, and what no pattern is worth more than; at least ``above``.
    """
    path.room[0], path.cell[0], path.total[0] = knapsack.capacity, knapsack.grid, 0
    found, bound = 0, above
    start[0] = 0
    for first in range(len(knapsack.value)):
        fits = take_pod(knapsack, path, 0, first) and knapsack.value[first] > 0
        reach = knapsack.value[first] + most_worth(path.cell[1], table, first)
        if not fits or reach <= above:
            continue
        best, size, ended = search_from(knapsack, table, path, first, above, tries)
        bound = max(bound, reach if ended else best)
        if size > 0:
            worth[found] = best
            pattern[start[found] : start[found] + size] = path.best[:size]
            start[found + 1] = start[found] + size
            found += 1
    return found, bound
