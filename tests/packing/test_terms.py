"""Every kind of term in the model: what CP-SAT proves best is the best of all answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import State, fragmentation, preferences
from strategies import ALL_RULES, random_cluster

import placer as pl
from packing.best import best_answer
from placer.encode.tiers import encode_tiers
from placer.engine import Run, place, prepare
from placer.goals import Tier, goal
from placer.goals.quantities import domains
from placer.model.table import PENDING
from placer.model.term import FORMULAS, NODE, Fragmentation, Load, Measure, Pairs, Preference, Room, Term, Wishes
from placer.packing.model import WORK, Search
from placer.prove import Proof, prove

WITHOUT_WISHES = ALL_RULES - {"preferences", "gates"}


def proven(cluster: pl.Cluster, tiers: list[list[Term]]) -> Proof:
    """A cluster placed by pack, then proven for tiers of terms."""
    keys = [Tier(f"tier {number}", (goal(lambda _, tier=tier: tier),)) for number, tier in enumerate(tiers)]
    encoded, goals = encode_tiers(cluster, keys)

    def again() -> Run:
        return prepare(cluster, encoded, goals)

    run = again()
    place(run)
    blocked = int((cluster.pod_table.node == PENDING).sum()) - len(encoded.pending)
    search = Search(WORK, 1, 0, 0.0, lambda: False)
    return prove(cluster, again, run, keys, search, blocked)


def measured(cluster: pl.Cluster, terms: list[Term]) -> Callable[[State], float]:
    """What terms come to in a state, pod by pod."""
    return lambda state: sum(value(cluster, term, state) for term in terms)


def value(cluster: pl.Cluster, term: Term, state: State) -> float:
    if isinstance(term, Wishes):
        return term.factor * preferences(state)
    if isinstance(term, Fragmentation):
        return term.factor * fragmentation(state)
    if isinstance(term, Preference):
        rows = [(term.row[pod], node) for pod, node in state.standing.items() if term.row[pod] >= 0]
        return term.factor * sum(float(term.cost[row, node]) for row, node in rows)
    if isinstance(term, Room):
        return term.factor * max(0, term.copies - sum(fits(state, term, node) for node in np.flatnonzero(term.nodes)))
    return sums(cluster, term, state)


def fits(state: State, term: Room, node: int) -> int:
    """Copies that a node takes."""
    takes = [max(0, state.left(node, name)) // amount for name, amount in term.requests.items() if amount]
    most = state.allocatable[node].get("pods")
    return min([*takes, *([] if most is None else [max(0, most - len(state.on(node)))])])


def sums(cluster: pl.Cluster, term: Load | Pairs, state: State) -> float:
    """Terms over measures."""
    domain = np.arange(len(cluster.node_table)) if term.key == NODE else domains(cluster, term.key)
    measures = term.measures if isinstance(term, Load) else (term.first, term.second)
    group = measures[0].group
    group = np.zeros(len(cluster.pod_table), int) if group is None else group
    weight = {int(one): float(term.weight[node]) for node, one in enumerate(domain) if one >= 0}
    cells = {(number, one): [0.0, 0.0] for one in weight for number in range(int(group.max(initial=0)) + 1)}
    for pod, node in state.standing.items():
        for place_of, measure in enumerate(measures):
            if domain[node] >= 0:
                scale = float(measure.scale[node]) if isinstance(term, Load) else 1.0
                at = place_of if isinstance(term, Pairs) else 0
                cells[int(group[pod]), int(domain[node])][at] += float(measure.amount[pod]) * scale
    if isinstance(term, Pairs):
        return term.factor * sum(weight[one] * a * b for (_, one), (a, b) in cells.items()) + term.constant
    values = [(weight[one], v) for (_, one), (v, _) in cells.items()]
    counted = [v for each, v in values if each > 0]
    found = {
        "any": lambda: sum(each for each, v in values if v > 0),
        "linear": lambda: sum(each * v for each, v in values),
        "squares": lambda: sum(each * v**2 for each, v in values),
        "above": lambda: sum(each * max(0.0, v - term.threshold) for each, v in values),
        "max": lambda: max([each * v for each, v in values], default=0.0),
        "variance": lambda: float(np.var(counted)) if counted else 0.0,
    }
    return term.factor * found[term.formula]() + term.constant


def drawn(cluster: pl.Cluster, kind: str, rng: np.random.Generator, digits: int = 1) -> Term:
    """A term whose amounts and weights have so many digits."""
    pods, nodes = len(cluster.pod_table), len(cluster.node_table)
    key = str(rng.choice([NODE, "zone", "host"]))
    if key != NODE and not (domains(cluster, key) >= 0).any():
        key = NODE
    domain = np.arange(nodes) if key == NODE else domains(cluster, key)

    def by_domain(low: float, high: float) -> np.ndarray:
        return np.append(np.round(rng.uniform(low, high, nodes), digits), 0.0)[domain]

    factor, constant = float(rng.choice([1.0, 2.5, -1.0])), float(rng.choice([0.0, 7.0]))
    group = rng.integers(0, 2, pods).astype(np.int32) if rng.random() < 0.5 else None
    measures = tuple(
        Measure(rng.integers(0, 5, pods).astype(np.int64), by_domain(0, 2), group) for _ in range(rng.integers(1, 3))
    )
    if kind == "pairs":
        second = measures[0] if rng.random() < 0.3 else measures[-1]._replace(amount=rng.integers(0, 3, pods))
        return Pairs("pairs", measures[0], second, by_domain(0, 3), key, factor, constant)
    if kind == "preference":
        row = rng.integers(-1, 2, pods).astype(np.int32)
        return Preference("preference", row, np.round(rng.uniform(-5, 5, (2, nodes)), 2), factor)
    if kind == "room":
        shape = {"cpu": int(rng.integers(1, 4)) * 1000, "memory": int(rng.integers(0, 4))}
        return Room("room", shape, int(rng.integers(1, 6)), rng.random(nodes) < 0.7, abs(factor))
    if kind == "fragmentation":
        return Fragmentation(factor=abs(factor))
    if kind == "wishes":
        return Wishes(factor=abs(factor))
    threshold = float(np.round(rng.uniform(0, 10), 1))
    return Load(kind, measures, kind, by_domain(0, 3), key, threshold, factor, constant)


KINDS = (*FORMULAS, "pairs", "preference", "room", "fragmentation", "wishes")


def agrees(cluster: pl.Cluster, tiers: list[list[Term]]) -> Proof:
    proof = proven(cluster, tiers)
    best = best_answer(cluster, tuple(measured(cluster, tier) for tier in tiers), apart=True)
    bound = tuple(proof.bound.values())
    assert proof.optimal, (bound, best)
    assert bound == pytest.approx(best, abs=1e-4, rel=1e-5)
    assert bound <= tuple(each + 1e-5 * max(1.0, abs(each)) for each in best)
    return proof


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_each_kind_alone_is_the_best_of_all_answers(kind, seed):
    cluster = random_cluster(seed, 3, 4, ALL_RULES if kind == "wishes" else WITHOUT_WISHES)
    agrees(cluster, [[drawn(cluster, kind, np.random.default_rng(seed))]])


@pytest.mark.parametrize("kind", FORMULAS)
@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_amounts_that_have_no_common_unit_are_bounded_closely(kind, seed):
    cluster = random_cluster(seed, 3, 4, WITHOUT_WISHES)
    tier = [drawn(cluster, kind, np.random.default_rng(seed), digits=12)]
    unplaced, best = best_answer(cluster, (measured(cluster, tier),), apart=True)

    bound = proven(cluster, [tier]).bound
    assert bound["unplaced"] == unplaced
    assert best - 1e-3 * max(1.0, abs(best)) <= bound["tier 0"] <= best + 1e-6 * max(1.0, abs(best))


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_kinds_in_one_tier_and_in_two_are_the_best_of_all_answers(seed):
    cluster = random_cluster(seed, 3, 4, ALL_RULES - {"gates"})
    rng = np.random.default_rng(seed)
    tiers = [[drawn(cluster, str(rng.choice(KINDS)), rng) for _ in range(2)] for _ in range(2)]
    agrees(cluster, tiers)
