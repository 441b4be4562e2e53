"""Fresh state, scratch and log for a problem; and the pods that stand already."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import Log, Problem, Ranking, State, Work


def new_state(problem: Problem, pods_of_class: NDArray[np.int64]) -> State:
    """
    An empty cluster's state, with room for every pod.

    Parameters
    ----------
    pods_of_class
        (classes,) pods that stand or may come to stand.
    """
    counters = problem.counters
    width = len(counters.key)
    members = np.zeros(width, np.int64)
    per_class = np.diff(problem.classes.adds_start)
    np.add.at(members, problem.classes.adds, np.repeat(pods_of_class, per_class))
    entries = int(np.minimum(members, problem.nodes.domains[counters.key] if width else 0).sum()) + 1
    if (problem.terms.ghost >= 0).any():
        # Preemption counts in domains where a counter has nobody, one node at a time.
        entries += int(np.diff(problem.classes.term_start).max(initial=0))
    claims = int(problem.claims.claim.max(initial=-1)) + 1
    slots = 1 << max(4, int(2 * entries - 1).bit_length())
    return State(
        free=problem.nodes.capacity.copy(),
        pods=np.zeros(len(problem.nodes.row), np.int32),
        unit_free=problem.units.capacity.copy(),
        slot_key=np.full(slots, -1, np.int64),
        slot_entry=np.full(slots, -1, np.int32),
        entry_domain=np.full(entries, -1, np.int32),
        entry_count=np.zeros(entries, np.int32),
        entry_next=np.full(entries, -1, np.int32),
        head=np.full(width, -1, np.int32),
        total=np.zeros(width, np.int64),
        nonzero=np.zeros(width, np.int32),
        entries=np.array([0, -1], np.int64),
        claim_volume=np.full(claims, -1, np.int32),
        claim_node=np.full(claims, -1, np.int32),
        claim_pods=np.zeros(claims, np.int32),
        held_by=np.full(int(problem.claims.name.max(initial=-1)) + 1, -1, np.int32),
        cost_value=np.zeros(int(problem.costs.start[-1]), np.int64),
    )


def most_slots(problem: Problem) -> NDArray[np.int64]:
    """(classes,) how many units a pod of each class takes at most."""
    classes = problem.classes
    sums = np.concatenate([[0], np.cumsum(classes.unit_count, dtype=np.int64)])
    slots: NDArray[np.int64] = sums[classes.unit_start[1:]] - sums[classes.unit_start[:-1]] + (classes.numa > 0)
    return slots


def _ranked_work(problem: Problem, ranking: Ranking | None) -> dict[str, NDArray[Any]]:
    """Scratch that rankings need; empty where goals place."""
    ranked = ranking is not None and ranking.strategy[0] >= 0
    nodes = len(problem.nodes.row) if ranked else 0
    segments = len(problem.nodes.segment_start) - 1 if ranked else 0
    constraints = int(np.diff(ranking.spread_start).max(initial=0)) if ranking is not None and ranked else 0
    small = problem.nodes.domains[problem.nodes.by_segment]
    long = {name: np.zeros(nodes, np.int64) for name in ("near", "spread", "pull", "pulled")}
    by_segment = {name: np.zeros(segments, np.int64) for name in ("points", "feasible", "plain_spread", "plain_pull")}
    flags = {name: np.zeros(segments, bool) for name in ("eligible", "ignored")}
    return {
        **long,
        **by_segment,
        **flags,
        "static": np.zeros((2, segments), np.int64),
        "sums": np.zeros(nodes),
        "aside": np.zeros(nodes, bool),
        "side": np.zeros(nodes, np.int32),
        "side_count": np.zeros(1, np.int64),
        "side_score": np.zeros(nodes),
        "counts": np.zeros((constraints, nodes), np.int64),
        "weights": np.zeros(constraints),
        "seen": np.zeros(int(small.max(initial=0)) + 2, bool),
    }


def new_work(problem: Problem, ranking: Ranking | None = None) -> Work:
    """Scratch for one thread, for goals or for a ranking."""
    nodes = len(problem.nodes.row)
    segments = len(problem.nodes.segment_start) - 1
    terms = int(np.diff(problem.classes.term_start).max(initial=0))
    slots = int(most_slots(problem).max(initial=0)) + 1
    return Work(
        score=np.full(nodes, np.inf),
        single=np.full(nodes, np.inf),
        block_best=np.full(int(problem.nodes.block_start[-1]), np.inf),
        span_best=np.full(int(problem.nodes.span_start[-1]), np.inf),
        segment_best=np.full(segments, np.inf),
        segment_more=np.zeros(segments),
        whole=np.zeros((len(problem.costs.kind), 3)),
        segment_open=np.zeros(segments, bool),
        most=np.zeros(terms + 1, np.int64),
        blocked=np.zeros(nodes, np.int32),
        blocked_count=np.zeros(1, np.int64),
        chosen=np.zeros(slots, np.int32),
        slot_need=np.zeros(slots, np.int32),
        scan_key=np.full(1, -1, np.int64),
        **_ranked_work(problem, ranking),
        picked=np.zeros(int(np.diff(problem.claims.start).max(initial=0)) + 1, np.int32),
    )


def new_log(problem: Problem, first_slot: NDArray[np.int32], last_slot: NDArray[np.int32], spare: int) -> Log:
    """An empty log with a line for each pending pod and ``spare`` more for pods that are bound again."""
    counts = (last_slot - first_slot).astype(np.int64)
    pods = int(counts.sum())
    slots = most_slots(problem)
    units = int((counts * slots).sum()) + spare * int(slots.max(initial=0)) + 1
    return Log(
        slot=np.zeros(pods + spare + 1, np.int32),
        node=np.zeros(pods + spare + 1, np.int32),
        unit_start=np.zeros(pods + spare + 2, np.int64),
        unit=np.zeros(units, np.int32),
        unit_need=np.zeros(units, np.int32),
        lines=np.zeros(1, np.int64),
        line_of_slot=np.full(pods, -1, np.int32),
        next_slot=first_slot.copy(),
    )
