"""Every answer there is, on tiny clusters: the best by the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reference import State, choices, fits, pack

import placer as pl

Measure = Callable[[State], float]


def every_answer(
    cluster: pl.Cluster, tiers: Sequence[Measure], apart: bool = False
) -> set[tuple[tuple[int, ...], tuple[float, ...]]]:
    """
    What all answers come to: unplaced pods by priority, most important first, and the tiers.

    All orders, nodes and units are tried; of pending pods that are equal but for their names only the first one left,
    unless tiers tell them ``apart``.
    """
    state = State(cluster)
    pending = [pod for pod, each in enumerate(state.pods) if each.node is None]
    priorities = sorted({state.pods[pod].priority for pod in pending}, reverse=True)
    named = {name.rpartition("/")[2] for each in state.pods for name in each.apart_from}
    alike = {
        pod: state.pods[pod].model_copy(update={"name": ""}) if state.pods[pod].name not in named else state.pods[pod]
        for pod in pending
    }
    seen: set[frozenset[tuple[int, ...]]] = set()
    found: set[tuple[tuple[int, ...], tuple[float, ...]]] = set()

    def search() -> None:
        held = {pod: tuple(sorted(part.unit for part in parts)) for pod, parts in state.held.items()}
        zones = {pod: (state.zone.get(pod, -1),) for pod in held}
        mark = frozenset((pod, state.standing[pod], *held[pod], *zones[pod]) for pod in pending if pod in held)
        if mark in seen:
            return
        seen.add(mark)
        left = [pod for pod in pending if pod not in state.standing]
        counts = tuple(sum(state.pods[pod].priority == priority for pod in left) for priority in priorities)
        found.add((counts, tuple(round(tier(state), 9) for tier in tiers)))
        for pod in left:
            if not apart and any(alike[pod] == alike[other] for other in left if other < pod):
                continue
            for node in fits(state, pod):
                for parts, zone in list(choices(state, pod, node)):
                    state.put(pod, node, parts, zone)
                    search()
                    state.evict(pod)

    search()
    return found


def best_answer(cluster: pl.Cluster, tiers: Sequence[Measure] = (pack,), apart: bool = False) -> tuple[float, ...]:
    """Unplaced pods of the best answer, and what its tiers come to."""
    counts, values = min(every_answer(cluster, tiers, apart))
    return sum(counts), *values


def can_all_be_placed(cluster: pl.Cluster, required: Sequence[int]) -> bool:
    """Whether some order, nodes and units place all these rows, whatever becomes of the other pending pods."""
    state = State(cluster)
    pending = [pod for pod, each in enumerate(state.pods) if each.node is None]
    wanted = frozenset(required)
    named = {name.rpartition("/")[2] for each in state.pods for name in each.apart_from}
    alike = {
        pod: (pod in wanted, state.pods[pod].model_copy(update={"name": ""}))
        if state.pods[pod].name not in named
        else (pod in wanted, state.pods[pod])
        for pod in pending
    }
    seen: set[frozenset[tuple[int, ...]]] = set()

    def search() -> bool:
        held = {pod: tuple(sorted(part.unit for part in parts)) for pod, parts in state.held.items()}
        mark = frozenset(
            (pod, state.standing[pod], *held[pod], state.zone.get(pod, -1)) for pod in pending if pod in held
        )
        left = [pod for pod in pending if pod not in state.standing]
        if wanted.isdisjoint(left):
            return True
        if mark in seen:
            return False
        seen.add(mark)
        for pod in left:
            if any(alike[pod] == alike[other] for other in left if other < pod):
                continue
            for node in fits(state, pod):
                for parts, zone in list(choices(state, pod, node)):
                    state.put(pod, node, parts, zone)
                    reached = search()
                    state.evict(pod)
                    if reached:
                        return True
        return False

    return search()
