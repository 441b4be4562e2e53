"""The general search: every kind of term gets lower, no rule is broken, and what a move changes is what it says."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.world import gpu_world, seen
from reference.rules import rejects
from reference.state import State as Slow
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.costs import term_values
from placer.encode.costs import Weighed, told_apart, with_costs
from placer.encode.encode import encode
from placer.encode.goals import encode_goals
from placer.engine import (
    Run,
    bindings,
    bound_lines,
    class_of_slot,
    new_repair,
    place,
    pods_per_class,
    prepare,
)
from placer.goals.quantities import domains
from placer.kernels import bind, costs, fragmentation, steps, weigh
from placer.kernels import search as kernel
from placer.kernels.repair import link_lines
from placer.kernels.structs import pack
from placer.model.term import FORMULAS, Fragmentation, Load, Measure, Pairs, Preference, Room, Term, Wishes
from placer.search import Packed, new_walk, search

KINDS = (*FORMULAS, "pairs", "preference", "room")
examples = settings(max_examples=40)


def by_key(cluster: pl.Cluster, key: str, rng: np.random.Generator, low: int) -> Any:
    """(nodes,) random numbers, one a domain."""
    nodes = len(cluster.node_table)
    drawn = rng.integers(low, 4, nodes + 1).astype(float)
    return drawn[:nodes] if key == "node" else np.append(drawn[:nodes], 0.0)[domains(cluster, key)]


def draw_term(cluster: pl.Cluster, kind: str, key: str, seed: int) -> Term:
    """A term of a kind over random amounts."""
    rng = np.random.default_rng(seed)
    pods, nodes = len(cluster.pod_table), len(cluster.node_table)
    if kind == "preference":
        return Preference(
            kind, rng.integers(-1, 2, pods).astype(np.int32), rng.integers(0, 9, (2, nodes)).astype(float)
        )
    if kind == "room":
        return Room(kind, {"cpu": int(rng.integers(1, 4)) * 1000}, 50, rng.random(nodes) < 0.8, factor=2.0)
    group = rng.integers(0, 3, pods).astype(np.int32) if rng.random() < 0.5 else None
    one, other = (Measure(rng.integers(0, 4, pods), by_key(cluster, key, rng, 1), group) for _ in range(2))
    weight = by_key(cluster, key, rng, 0)
    if kind == "pairs":
        return Pairs(kind, one, other, weight, key, factor=-1.0)
    return Load(kind, (one, other) if rng.random() < 0.5 else (one,), kind, weight, key, threshold=2.5, factor=3.0)


def placed(cluster: pl.Cluster, tiers: list[list[Term]], place_by: float = 0.0, keys: Collection[str] = ()) -> Run:
    """A cluster placed by pack, or also by the terms, with the terms measured."""
    terms = [(term, tier) for tier, listed in enumerate(tiers) for term in listed]
    encoded = encode(cluster, told_apart=told_apart(cluster, [term for term, _ in terms]), keys=keys)
    encoded = with_costs(cluster, encoded, [Weighed(term, tier, 1.0, place_by) for term, tier in terms])
    run = prepare(cluster, encoded, encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded)))
    place(run)
    return run


def tier_values(run: Run, tiers: int) -> list[float]:
    """What each tier comes to."""
    return np.bincount(run.encoded.problem.costs.tier, term_values(run), minlength=tiers).tolist()


def by_column(cluster: pl.Cluster, goal: str, term: Term) -> Run:
    """A cluster placed by a goal that the kernels know by a column, with its term."""
    encoded = encode(cluster, preferences=goal == "preferences", told_apart=told_apart(cluster, [term]))
    encoded = with_costs(cluster, encoded, [Weighed(term, 0, 1.0, 0.0)])
    run = prepare(cluster, encoded, encode_goals(encoded, [[(goal, 1.0)]], pods_per_class(encoded)))
    place(run)
    return run


def check_legal(cluster: pl.Cluster, run: Run) -> None:
    """Binds in order, with the reference's rules asked before each."""
    slow = Slow(cluster)
    (pods, nodes), devices = bindings(run)
    for index, (pod, node) in enumerate(zip(pods.tolist(), nodes.tolist(), strict=True)):
        held = devices.get(index, {})
        assert rejects(slow, pod, node, held) is None
        slow.bind(pod, node, held)
    assert run.state.pods.sum() == len(slow.standing)


def has(cluster: pl.Cluster, key: str) -> bool:
    return key == "node" or bool((domains(cluster, key) >= 0).any())


@given(st.integers(0, 10**6), st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), st.booleans())
@examples
def test_a_search_is_legal_never_makes_it_worse_and_says_what_it_changed(seed, kinds, by_zone):
    cluster = random_cluster(seed, 6, 20, ALL_RULES)
    key = "zone" if by_zone and has(cluster, "zone") else "node"
    tiers = [[draw_term(cluster, kind, key, seed + place)] for place, kind in enumerate(kinds)]
    run = placed(cluster, tiers)
    before, left = tier_values(run, len(tiers)), set(np.flatnonzero(run.log.line_of_slot < 0).tolist())

    search(run, steps=2, seed=seed)

    after = tier_values(run, len(tiers))
    check_legal(cluster, run)
    found = set(np.flatnonzero(run.log.line_of_slot < 0).tolist())
    if found == left:
        assert [round(value, 6) for value in after] <= [round(value, 6) for value in before]
    else:
        assert len(found) <= len(left) or found != left


@given(st.integers(0, 10**6), st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), st.booleans())
@examples
def test_what_a_move_changes_is_the_difference_of_the_terms_before_and_after(seed, kinds, by_zone):
    cluster = random_cluster(seed, 5, 12, ALL_RULES)
    key = "zone" if by_zone and has(cluster, "zone") else "node"
    tiers = [[draw_term(cluster, kind, key, seed + place)] for place, kind in enumerate(kinds)]
    run = placed(cluster, tiers)
    walk, packed = walking(run, seed)
    start = seen(run.state)

    for line in walk.line.tolist():
        pod_class = class_of_slot(run.plan)[run.log.slot[line]]
        source, before = int(run.log.node[line]), tier_values(run, len(tiers))
        for node in range(len(run.state.pods)):
            moved = np.zeros(len(tiers) + 1)
            weigh.relocation(packed.problem, packed.state, packed.walk, pod_class, source, node, moved)
            steps.lift(*packed[:3], *packed[4:], line)
            steps.set_down(*packed[:3], *packed[4:], line, node)
            assert tier_values(run, len(tiers)) == pytest.approx(np.add(before, walk.value[2, :-1]).tolist())
            if node != source:
                assert moved == pytest.approx(walk.value[2])
            steps.undo(*packed[:3], *packed[4:], 0)
            assert seen(run.state) == start


@given(st.integers(0, 10**6), st.sampled_from(KINDS), st.booleans())
@examples
def test_what_two_pods_that_change_nodes_change_is_what_both_moves_do(seed, kind, by_zone):
    cluster = random_cluster(seed, 5, 12, ALL_RULES)
    run = placed(cluster, [[draw_term(cluster, kind, "zone" if by_zone and has(cluster, "zone") else "node", seed)]])
    walk, packed = walking(run, seed)
    of_slot = class_of_slot(run.plan)
    for line, other in pairwise(walk.line.tolist()):
        one, two = int(of_slot[run.log.slot[line]]), int(of_slot[run.log.slot[other]])
        source, node = int(run.log.node[line]), int(run.log.node[other])
        if source == node or walk.by_state[one] or walk.by_state[two]:
            continue
        before = run.state.cost_value.copy()
        weigh.swap_change(packed.problem, packed.state, packed.walk, one, two, source, node)
        assert (run.state.cost_value == before).all()
        for each, target in ((line, node), (other, source)):
            steps.lift(*packed[:3], *packed[4:], each)
            steps.set_down(*packed[:3], *packed[4:], each, target)
        assert walk.trial[0, 0] == pytest.approx(walk.value[2, 0])
        steps.undo(*packed[:3], *packed[4:], 0)


@given(st.integers(0, 10**6), st.sampled_from(KINDS), st.booleans())
@examples
def test_placing_by_terms_scores_what_one_more_pod_changes(seed, kind, by_zone):
    cluster = random_cluster(seed, 5, 12, ALL_RULES)
    key = "zone" if by_zone and has(cluster, "zone") else "node"
    run = placed(cluster, [[draw_term(cluster, kind, key, seed)]], place_by=1.0)
    problem, state = pack(run.encoded.problem), pack(run.state)
    before, whole = term_values(run)[0], np.zeros((1, 3))
    costs.add_wholes(problem, state, whole, True)
    line = next(iter(bound_lines(run.log).tolist()), None)
    if line is None or kind == "preference":
        return
    pod_class = int(class_of_slot(run.plan)[run.log.slot[line]])
    for node in range(len(run.state.pods)):
        score = np.zeros(len(run.state.pods))
        costs.add_costs(problem, state, whole, pod_class, node, node + 1, score)
        score[node] += costs.segment_cost(problem, state, whole, pod_class, node)
        bind.put(problem, state, pod_class, node, 1)
        change = term_values(run)[0] - before
        bind.put(problem, state, pod_class, node, -1)
        if kind in ("max", "room"):
            assert -1e-9 <= score[node] - change <= costs.TIE * 1000
        else:
            assert score[node] == pytest.approx(change)


@given(st.integers(0, 10**6), st.sampled_from(KINDS))
@settings(max_examples=10)
def test_equal_seeds_and_steps_give_equal_answers(seed, kind):
    cluster = random_cluster(seed, 6, 20, ALL_RULES)
    found = []
    for _ in range(2):
        run = placed(cluster, [[draw_term(cluster, kind, "node", seed)]])
        search(run, steps=2, seed=seed)
        found.append([part.tolist() for part in bindings(run)[0]])
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_small_clusters_are_searched_to_the_best_there_is(kind):
    best = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        nodes = [pl.Node(f"n{row}", cpu=int(rng.integers(2, 6))) for row in range(3)]
        cluster = pl.Cluster(nodes, [pl.Pod(f"p{row}", cpu=int(rng.integers(1, 3))) for row in range(5)])
        run = placed(cluster, [[draw_term(cluster, kind, "node", seed)]])
        optimum = min(every_way(run))
        search(run, steps=2, seed=seed)
        found = term_values(run)[0]
        assert found >= optimum - 1e-9
        best += found <= optimum + 1e-9
    assert best >= 19


def every_way(run: Run) -> list[float]:
    """What the first term comes to for every way to put the placed pods on nodes where amounts suffice."""
    walk, packed = walking(run, 0)
    found = []
    lines = walk.line.tolist()

    def put(place: int) -> None:
        if place == len(lines):
            found.append(float(term_values(run)[0]))
            return
        for node in range(len(run.state.pods)):
            steps.set_down(*packed[:3], *packed[4:], lines[place], node)
            if (run.state.free[:, node] >= 0).all():
                put(place + 1)
            steps.lift(*packed[:3], *packed[4:], lines[place])
            walk.counts[2] -= 1

    home = run.log.node[lines].tolist()
    for line in lines:
        steps.lift(*packed[:3], *packed[4:], line)
    put(0)
    for line, node in zip(lines, home, strict=True):
        steps.set_down(*packed[:3], *packed[4:], line, node)
    return found


def walking(run: Run, seed: int) -> tuple[Any, Packed]:
    """What the search keeps, as arrays and packed with all else."""
    walk, repair = new_walk(run, seed + 1), new_repair(run)
    parts = run.encoded.problem, run.goals, run.state, run.work, run.log, repair, walk
    packed = Packed(*(pack(part) for part in parts))
    link_lines(packed.log, packed.repair)
    return walk, packed


@pytest.mark.parametrize("keys", [(), ("zone",)])
def test_replicas_go_evenly_over_zones_when_placed_by_squares_of_zones(keys):
    nodes = [pl.Node(f"n{row}", cpu=64, labels={"topology.kubernetes.io/zone": "abc"[row % 3]}) for row in range(9)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", replicas=30, cpu=1)])
    ones = np.ones(9)
    term = Load("spread", (Measure(np.ones(30, np.int64), ones),), "squares", ones, "zone")
    run = placed(cluster, [[term]], 100.0, keys)

    assert run.encoded.problem.costs.reach.tolist() == [1 if keys else 2]
    zone = run.encoded.position.argsort()[run.log.node[bound_lines(run.log)]] % 3
    assert np.bincount(zone).tolist() == [10, 10, 10]


def test_pods_that_a_spread_counts_move_within_their_zone():
    nodes = [pl.Node(f"n{row}", cpu=8, labels={"topology.kubernetes.io/zone": "ab"[row % 2]}) for row in range(6)]
    rule = pl.SpreadConstraint(topology_key="zone", max_skew=1, selector={"match_labels": {"app": "web"}})
    pods = [pl.Pod(f"p{row}", cpu=1, labels={"app": "web"}, topology_spread=[rule]) for row in range(12)]
    cluster = pl.Cluster(nodes, pods)
    term = Load("even", (Measure(np.ones(12, np.int64), np.ones(6)),), "squares", np.ones(6))
    run = placed(cluster, [[term]])

    search(run, steps=4)

    assert sorted(run.state.pods.tolist()) == [2] * 6
    check_legal(cluster, run)


@given(st.integers(0, 10**6))
@examples
def test_fragmentation_falls_by_what_the_search_says(seed):
    cluster = gpu_world(seed, 4, 12, bind=False).cluster
    run = by_column(cluster, "fragmentation", Fragmentation(factor=2.0))
    problem, goals, state = pack(run.encoded.problem), pack(run.goals), pack(run.state)
    nodes = range(len(run.state.pods))
    before = sum(fragmentation.node_fragmentation(problem, goals, state, node) for node in nodes)
    walk, packed = walking(run, seed)

    kernel.wander(*packed, 4000, 0.5, 0.01)
    kernel.return_to_best(*packed[:3], *packed[4:])

    after = sum(fragmentation.node_fragmentation(problem, goals, state, node) for node in nodes)
    check_legal(cluster, run)
    assert walk.value[1, 0] <= 1e-9
    assert 2.0 * (after - before) == pytest.approx(walk.value[1, 0], abs=1e-6)


def test_wishes_for_nodes_are_granted_by_the_search():
    nodes = [pl.Node(f"n{row}", cpu=2, labels={"disk": "ssd" if row < 2 else "hdd"}) for row in range(4)]
    plain = [pl.Pod(f"a{row}", cpu=1, priority=1) for row in range(4)]
    wish = pl.PreferredNode(
        weight=5, term={"match_expressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    )
    cluster = pl.Cluster(nodes, plain + [pl.Pod(f"b{row}", cpu=1, preferred_nodes=[wish]) for row in range(4)])
    run = by_column(cluster, "preferences", Wishes())

    search(run, steps=4)

    (pods, on), _ = bindings(run)
    assert {int(node) for pod, node in zip(pods, on, strict=True) if pod >= 4} <= {0, 1}
    check_legal(cluster, run)


def test_a_search_among_some_nodes_leaves_the_others_alone():
    cluster = pl.Cluster(
        [pl.Node(f"n{row}", cpu=8) for row in range(6)], [pl.Pod(f"p{row}", cpu=1) for row in range(24)]
    )
    term = Load("even", (Measure(np.ones(24, np.int64), np.ones(6)),), "squares", np.ones(6))
    run = placed(cluster, [[term]])
    before = run.state.pods.copy()

    search(run, steps=4, nodes=np.array([0, 5], np.int32))

    assert run.state.pods[1:5].tolist() == before[1:5].tolist()
    assert run.state.pods[0] == run.state.pods[5] == before[[0, 5]].sum() // 2
