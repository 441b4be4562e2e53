"""
Some nodes at a time emptied and filled anew by patterns, as long as that is cheaper.

A large neighbourhood search (P. Shaw, "Using constraint programming and local search methods to solve vehicle routing
problems", CP 1998) whose neighbourhoods are linear programs over patterns, with bounds of their own: where the bound of
a neighbourhood is what its nodes cost, they are left as they are, or changed for others of the same price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import I64
from placer.packing.configuration import Configuration, Pattern
from placer.packing.dive import dive, price_of
from placer.packing.parts import Parts

FIRST_PODS, LEAST_PODS, MOST_PODS = 60, 20, 200
"""Pods of a neighbourhood."""
ENOUGH_COLUMNS = 2_500
"""Patterns of a neighbourhood that is large enough."""
SIDEWAYS = 0.5
"""How often a neighbourhood that cannot get cheaper is filled anew all the same."""
DIVE_SHARE = 0.15


class Refined(NamedTuple):
    """Patterns, what they cost, and what was done: neighbourhoods by what came of them."""

    patterns: list[Pattern]
    price: int
    tried: int
    improved: int
    closed: int


def refine(
    parts: Parts,
    patterns: Sequence[Pattern],
    weight: NDArray[np.float64],
    bound: int,
    stop: Callable[[], bool],
    better: Callable[[Sequence[Pattern]], None] = lambda patterns: None,
    steps: int | None = None,
    seed: int = 0,
) -> Refined:
    """
    Lowers the price until the bound is met or a limit ends it; never above that of what is given.

    Parameters
    ----------
    weight
        (classes,) what a pod should cost, millionths: nodes that cost most beyond what their pods should are chosen
        more often.
    better
        Told the patterns whenever they cost less.
    """
    rng = np.random.default_rng(seed % 2**64)
    now, price = list(patterns), price_of(parts, patterns)
    tried = improved = closed = 0
    target = float(FIRST_PODS)
    while price > bound and tried < (2**62 if steps is None else steps) and not stop():
        tried += 1
        chosen = _choose(parts, now, weight, target, rng)
        kept = [pattern for place, pattern in enumerate(now) if place not in chosen]
        found, columns, shut = _again(parts, [now[place] for place in sorted(chosen)], _free(parts, kept), stop, rng)
        closed += shut
        target = float(np.clip(target * (1.05 if columns < ENOUGH_COLUMNS else 0.9), LEAST_PODS, MOST_PODS))
        if found is not None:
            now, before = kept + found, price
            price = price_of(parts, now)
            if price < before:
                improved += 1
                better(now)
    return Refined(now, price, tried, improved, closed)


def _free(parts: Parts, patterns: Sequence[Pattern]) -> I64:
    """(kinds,) nodes that no pattern takes."""
    return parts.nodes - np.bincount([pattern.kind for pattern in patterns], minlength=len(parts.nodes))


def _choose(
    parts: Parts, patterns: Sequence[Pattern], weight: NDArray[np.float64], pods: float, rng: np.random.Generator
) -> set[int]:
    """Patterns with about so many pods: half of them by what they cost too much, half at random."""
    lost = np.array([parts.price[each.kind] - weight[list(each.pods)].sum() for each in patterns])
    lost = np.maximum(lost, 0.0) + 1e-3 * max(float(parts.price.max()), 1.0)
    by_loss = np.argsort(np.log(rng.random(len(patterns))) / lost)[::-1].tolist()
    by_chance = rng.permutation(len(patterns)).tolist()
    chosen: set[int] = set()
    held = 0
    for pair in zip(by_loss, by_chance, strict=True):
        for place in pair:
            if place not in chosen and held < pods:
                chosen.add(place)
                held += len(patterns[place].pods)
        if held >= pods:
            break
    return chosen


def _again(
    parts: Parts, patterns: Sequence[Pattern], free: I64, stop: Callable[[], bool], rng: np.random.Generator
) -> tuple[list[Pattern] | None, int, bool]:
    """The same pods anew where that costs no more; patterns looked at, and whether no way to do so is cheaper."""
    classes = np.unique([pod_class for pattern in patterns for pod_class in pattern.pods])
    local = {int(pod_class): place for place, pod_class in enumerate(classes)}
    pods = np.bincount([local[each] for pattern in patterns for each in pattern.pods], minlength=len(classes))
    own = some(parts, classes, pods.astype(np.int64), free)
    program = Configuration(own)
    for pattern in patterns:
        program.add(Pattern(pattern.kind, tuple(local[each] for each in pattern.pods)))
    price = price_of(parts, patterns)
    bound = program.solve(stop, close=0.0).bound
    shut = bound >= price
    if shut and rng.random() > SIDEWAYS:
        return None, len(program.known), shut
    found = dive(program, own.pods, own.nodes, DIVE_SHARE, stop, rng)
    if found is None or price_of(own, found) > price:
        return None, len(program.known), shut
    again = [Pattern(each.kind, tuple(classes[list(each.pods)].tolist())) for each in found]
    return again, len(program.known), shut


def some(parts: Parts, classes: I64, pods: I64, nodes: I64) -> Parts:
    """Some pods of the parts on some of their nodes."""
    return parts._replace(
        pod_class=parts.pod_class[classes],
        pods=pods,
        need=np.ascontiguousarray(parts.need[classes]),
        most=np.minimum(parts.most[classes], pods),
        clash=np.ascontiguousarray(parts.clash[np.ix_(classes, classes)]),
        nodes=nodes,
        eligible=parts.eligible[classes],
    )
