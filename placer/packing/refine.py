"""
Some nodes at a time emptied and filled anew by patterns, as long as that is cheaper.

A large neighbourhood search (P. Shaw, "Using constraint programming and local search methods to solve vehicle routing
problems", CP 1998) whose neighbourhoods are linear programs over patterns, with bounds of their own: where the bound of
a neighbourhood is what its nodes cost, they are left as they are, or changed for others of the same price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import I64
from placer.packing.configuration import Configuration, Pattern
from placer.packing.dive import dive, price_of
from placer.packing.parts import Parts

FIRST_PODS, LEAST_PODS, MOST_PODS = 60, 20, 1000
"""Pods of a neighbourhood."""
ENOUGH_COLUMNS = 2_500
"""Patterns of a neighbourhood that is large enough."""
SIDEWAYS = 0.5
"""How often a neighbourhood that cannot get cheaper is filled anew all the same."""
DRY = 50
"""Neighbourhoods, beside one for each node, that may be tried in a row and find nothing cheaper."""
DIVE_SHARE = 0.15


class Refined(NamedTuple):
    """Patterns, what they cost, and what was done: neighbourhoods by what came of them."""

    patterns: list[Pattern]
    price: int
    tried: int
    improved: int
    closed: int


class Swept(NamedTuple):
    """Patterns, those that were of use on the way, and the neighbourhoods tried."""

    patterns: list[Pattern]
    useful: set[Pattern]
    tried: int


class Made(NamedTuple):
    """
    What filling some nodes anew came to.

    Attributes
    ----------
    patterns
        For the same pods, at the same price or a lower one; ``None`` where none were found.
    useful
        Patterns that the linear program uses.
    columns
        Patterns that it looked at.
    closed
        Whether no way to fill them is cheaper.
    """

    patterns: list[Pattern] | None
    useful: list[Pattern]
    columns: int
    closed: bool


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
    Lowers the price until the bound is met, a limit ends it or nothing cheaper is found for long.

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
    most, last = 2**62 if steps is None else steps, 0
    while price > bound and tried < most and tried - last < DRY + len(now) and not stop():
        tried += 1
        chosen = _choose(parts, now, weight, target, rng)
        kept = [pattern for place, pattern in enumerate(now) if place not in chosen]
        made = again(parts, [now[place] for place in sorted(chosen)], _free(parts, kept), stop, rng)
        closed += made.closed
        target = float(np.clip(target * (1.05 if made.columns < ENOUGH_COLUMNS else 0.9), LEAST_PODS, MOST_PODS))
        if made.patterns is not None:
            now, before = kept + made.patterns, price
            price = price_of(parts, now)
            if price < before:
                improved, last = improved + 1, tried
                better(now)
    return Refined(now, price, tried, improved, closed)


def sweep(
    parts: Parts,
    patterns: Sequence[Pattern],
    stop: Callable[[], bool],
    better: Callable[[Sequence[Pattern]], None] = lambda patterns: None,
    steps: int | None = None,
    seed: int = 0,
) -> Swept:
    """Each node once, some at a time, in random order, until a limit ends it; as :func:`refine`."""
    rng = np.random.default_rng(seed % 2**64)
    now, useful = list(patterns), set(patterns)
    waiting = [patterns[place] for place in rng.permutation(len(patterns)).tolist()]
    tried = 0
    while waiting and tried < (2**62 if steps is None else steps) and not stop():
        tried += 1
        chosen, held = [], 0
        while waiting and held < FIRST_PODS:
            chosen.append(waiting.pop())
            held += len(chosen[-1].pods)
        kept = list(now)
        for pattern in chosen:
            kept.remove(pattern)
        made = again(parts, chosen, _free(parts, kept), stop, rng)
        useful.update(made.useful)
        if made.patterns is not None:
            cheaper = price_of(parts, made.patterns) < price_of(parts, chosen)
            now = kept + made.patterns
            if cheaper:
                better(now)
    return Swept(now, useful, tried)


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


def again(
    parts: Parts, patterns: Sequence[Pattern], free: I64, stop: Callable[[], bool], rng: np.random.Generator
) -> Made:
    """The pods of some nodes anew, on nodes that are free without them."""
    classes = np.unique([pod_class for pattern in patterns for pod_class in pattern.pods])
    local = {int(pod_class): place for place, pod_class in enumerate(classes)}
    pods = np.bincount([local[each] for pattern in patterns for each in pattern.pods], minlength=len(classes))
    own = some(parts, classes, pods.astype(np.int64), free)
    program = Configuration(own)
    for pattern in patterns:
        program.add(Pattern(pattern.kind, tuple(local[each] for each in pattern.pods)))

    def outside(these: Iterable[Pattern]) -> list[Pattern]:
        return [Pattern(each.kind, tuple(classes[list(each.pods)].tolist())) for each in these]

    price = price_of(parts, patterns)
    relaxed = program.solve(stop, close=0.0)
    useful, closed = outside(pattern for pattern, _ in relaxed.used), relaxed.bound >= price
    if closed and rng.random() > SIDEWAYS:
        return Made(None, useful, len(program.known), closed)
    found = dive(program, own.pods, own.nodes, DIVE_SHARE, stop, rng)
    if found is None or price_of(own, found) > price:
        return Made(None, useful, len(program.known), closed)
    return Made(outside(found), useful, len(program.known), closed)


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
