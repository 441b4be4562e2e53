"""Neighbourhoods: parts of a placement solved by CP-SAT and applied where every rule allows it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing.best import best_answer
from reference import balance, headroom, pack
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.encode.tiers import encode_tiers
from placer.engine import Run, place, prepare, standing_state
from placer.goals import parse_goals
from placer.jobs import Runner
from placer.neighbourhoods import Drawing, Found, Payload, apply, check_found, neighbourhoods, solve_nodes
from placer.packing.goals import beats
from placer.placement import Lines, copied_arrays, lines_of, new_base
from placer.rounds import Budget, Incumbent, Placement
from placer.writing import answer

GOALS = (["pack"], ["balance(formula=variance)", "pack"], ["balance(formula=max,key=zone)"], ["room+headroom"])
PLAIN = frozenset({"prices", "replicas", "priorities", "devices", "taints"})
WITHOUT_ORDER = ALL_RULES - {"affinity", "spread", "distinct", "volumes", "limits", "shares", "numa", "standing"}


def placed(cluster: pl.Cluster, goals: list[str]) -> Incumbent:
    tiers = parse_goals(goals)
    encoded, weighed = encode_tiers(cluster, tiers)
    run: Run = prepare(cluster, encoded, weighed)
    place(run)
    return Incumbent(run, new_base(run, standing_state(cluster, encoded)), tiers)


def searched(incumbent: Incumbent, steps: int, threads: int = 1) -> dict:
    with Runner(incumbent.base, lambda: False, None, threads) as runner:
        return neighbourhoods(incumbent, runner, Budget(steps, None), Drawing(incumbent, np.random.default_rng(1)))


def zoned(cluster: pl.Cluster) -> bool:
    return any("topology.kubernetes.io/zone" in node.labels for node in cluster.nodes)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(GOALS))
def test_what_neighbourhoods_come_to_is_legal_and_never_costs_more(seed, goals):
    cluster = random_cluster(seed, 12, 40)
    if not zoned(cluster):
        return
    incumbent = placed(cluster, goals)
    before = incumbent.value
    known = searched(incumbent, 4)

    solution = answer(cluster, incumbent.run, parse_goals(goals))
    assert pl.verify(cluster, solution) == []
    assert not beats(before, incumbent.value)
    assert known["improved"] + known["wasted"] <= known["sent"] <= 4
    assert (known["improved"] > 0) == beats(incumbent.value, before)


@pytest.mark.parametrize(("goals", "tiers"), [(["pack"], (pack,)), (["balance", "headroom"], (balance, headroom))])
@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_neighbourhood_of_all_nodes_is_the_best_of_all_answers(goals, tiers, seed):
    cluster = random_cluster(seed, 3, 5, WITHOUT_ORDER)
    incumbent = placed(cluster, goals)
    run = incumbent.run
    waiting = np.flatnonzero(run.log.line_of_slot < 0).astype(np.int32)
    payload = Payload(np.arange(3, dtype=np.int32), waiting, tuple(incumbent.asked), 0)
    common = Placement(copied_arrays(run.state), lines_of(run.log))
    found = solve_nodes(incumbent.base, common, payload, lambda: False)
    changed = len(found.changed.slot) > 0

    assert not changed or apply(incumbent, found.changed)
    best = best_answer(cluster, tiers)
    blocked = sum(pod.node is None for pod in cluster.pods) - len(run.pod_of_slot)
    left = len(waiting) if not changed else int((run.log.line_of_slot < 0).sum())
    assert left + blocked == best[0]
    assert incumbent.value[-len(tiers) :] == pytest.approx(best[1:], rel=2e-3, abs=1e-6)


def test_a_pod_that_others_count_on_keeps_its_place_in_the_order():
    zone = "topology.kubernetes.io/zone"
    near = (pl.AffinityTerm(topology_key=zone, selector={"match_labels": {"app": "db"}}),)
    nodes = [pl.Node(f"n{row}", cpu=4, price=price, labels={zone: "a"}) for row, price in enumerate((5, 1))]
    pods = [
        pl.Pod("db", cpu=2, labels={"app": "db"}, priority=1, node_selector={}),
        pl.Pod("web", replicas=1, cpu=2, pod_affinity=near),
    ]
    incumbent = placed(pl.Cluster(nodes, pods), ["balance"])
    searched(incumbent, 2)
    tiers = parse_goals(["balance"])

    assert pl.verify(pl.Cluster(nodes, pods), answer(pl.Cluster(nodes, pods), incumbent.run, tiers)) == []


def test_equal_seeds_and_steps_give_equal_answers_whatever_the_threads():
    cluster = random_cluster(5, 20, 80, PLAIN)
    runs = [placed(cluster, ["balance"]) for _ in range(2)]
    known = [searched(incumbent, 8, threads) for incumbent, threads in zip(runs, (1, 2), strict=True)]

    assert known[0] == known[1]
    assert [part.tobytes() for part in lines_of(runs[0].run.log)] == [
        part.tobytes() for part in lines_of(runs[1].run.log)
    ]


def test_a_result_that_breaks_a_rule_is_not_applied():
    cluster = pl.Cluster([pl.Node("a", cpu=2), pl.Node("b", cpu=2)], [pl.Pod("p", replicas=2, cpu=2)])
    incumbent = placed(cluster, ["balance"])
    before = lines_of(incumbent.run.log)
    nodes = np.full(2, before.node[0], np.int32)
    both = Lines(before.slot, nodes, np.zeros(3, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))

    assert not apply(incumbent, both)
    assert lines_of(incumbent.run.log).node.tolist() == before.node.tolist()


@pytest.mark.parametrize("answered", [None, Found(None, True), "nonsense"])
def test_what_is_no_result_is_refused(answered):
    with pytest.raises(ValueError, match="the answer is"):
        check_found(answered, 3, 2)
