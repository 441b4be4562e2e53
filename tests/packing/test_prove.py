"""solve(prove=True): the best answer of small problems, and bounds that no answer of any problem beats."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import balance, fragmentation, headroom, pack, preferences
from strategies import ALL_RULES, clusters, random_cluster

import placer as pl
from packing.best import best_answer
from placer import prove as proving

ZONE = "topology.kubernetes.io/zone"
HARD = ALL_RULES - {"preferences"}


def same(label: str) -> tuple[pl.AffinityTerm, ...]:
    """Affinity to the pods of an app, by zone."""
    return (pl.AffinityTerm(topology_key=ZONE, selector={"match_labels": {"app": label}}),)


def in_zones(*zones: str, **fields) -> list[pl.Node]:
    return [pl.Node(f"n{row}", labels={ZONE: zone}, **{"cpu": 4, **fields}) for row, zone in enumerate(zones)]


def proven(cluster: pl.Cluster, **limits) -> pl.Solution:
    solution = pl.solve(cluster, prove=True, **limits)
    assert pl.verify(cluster, solution) == []
    return solution


@given(clusters(rules=HARD, max_nodes=3, max_pods=5))
@settings(max_examples=100)
def test_a_tiny_cluster_has_the_best_of_all_answers(cluster):
    solution = proven(cluster)

    assert (solution.objective["unplaced"], solution.objective["pack"]) == best_answer(cluster)
    assert (solution.status, solution.gap) == ("optimal", 0.0)
    assert solution.bound == solution.objective


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_seeded_clusters_have_the_best_of_all_answers(first):
    for seed in range(first, first + 20):
        cluster = random_cluster(seed, 4, 6)
        solution = proven(cluster)

        found = solution.status, solution.objective["unplaced"], solution.objective["pack"]
        assert found == ("optimal", *best_answer(cluster)), seed


TIERS = {
    ("balance",): (balance,),
    ("headroom", "pack"): (headroom, pack),
    ("pack", "balance"): (pack, balance),
    ("2*pack+3*balance",): (lambda state: 2 * pack(state) + 3 * balance(state),),
    ("fragmentation", "pack"): (fragmentation, pack),
    ("preferences", "balance"): (preferences, balance),
}


@pytest.mark.parametrize("goals", TIERS)
def test_every_goal_is_the_best_of_all_answers(goals):
    for seed in range(30):
        cluster = random_cluster(seed, 3, 5)
        solution = proven(cluster, goals=list(goals))

        assert solution.status == "optimal", seed
        assert list(solution.objective.values()) == pytest.approx(best_answer(cluster, TIERS[goals]), abs=1e-6), seed


@given(st.integers(0, 10**6), st.sampled_from([(), HARD, {"prices", "standing", "priorities"}]))
@settings(max_examples=40)
def test_bounds_by_counting_are_not_above_the_best_of_all_answers(seed, rules):
    cluster = random_cluster(seed, 3, 5, rules)
    most, proving.MOST_CELLS = proving.MOST_CELLS, 0
    try:
        solution = proven(cluster)
    finally:
        proving.MOST_CELLS = most

    unplaced, price = best_answer(cluster)
    assert solution.statistics["bound"] in ("counting", "patterns")
    assert solution.bound["unplaced"] <= unplaced
    if solution.bound["unplaced"] == unplaced:
        assert solution.bound["pack"] <= price
    assert (solution.status == "optimal") == (solution.gap == 0.0)


@pytest.mark.parametrize(
    "goals", [["pack"], ["2*pack"], ["balance"], ["pack+balance"], ["pack", "headroom"], "preferences"]
)
def test_no_bound_is_above_its_objective_whatever_the_goals(goals):
    for seed in range(8):
        solution = proven(random_cluster(seed, 6, 20), goals=goals)

        assert solution.bound.keys() == solution.objective.keys()
        assert all(solution.bound[tier] <= value + 1e-9 for tier, value in solution.objective.items())


def test_random_clusters_of_60_pods_are_proven_and_nobody_does_better():
    for seed in range(12):
        cluster = random_cluster(seed, 15, 60)
        plain, solution = pl.solve(cluster), proven(cluster)

        def order(each):
            return [each.unplaced_by_priority.get(p, 0) for p in (10, 0, -5)], each.objective["pack"]

        assert solution.status == "optimal"
        assert order(solution) <= order(plain)


def test_the_cheapest_nodes_are_found_where_placing_takes_others():
    nodes = [pl.Node("a", cpu=6, price=5), pl.Node("b", cpu=5, price=2), pl.Node("c", cpu=5, price=2)]
    solution = proven(pl.Cluster(nodes, [pl.Pod(f"p{cpu}{row}", cpu=cpu) for row in range(2) for cpu in (3, 2)]))

    assert solution.objective == solution.bound == {"unplaced": 0, "pack": 4.0}
    assert solution.statistics["bound"] in ("CP-SAT", "counting")


def test_more_important_pods_come_first_however_many_stay_out():
    small = pl.Pod("small", replicas=4, cpu=1)
    solution = proven(pl.Cluster([pl.Node("n", cpu=4)], [small, pl.Pod("big", cpu=4, priority=1)]))

    assert solution.unplaced_by_priority == {0: 4}
    assert solution.bound["unplaced"] == 4


def test_two_that_wait_for_each_other_stay_out_and_that_is_proven():
    pods = [
        pl.Pod("a", cpu=1, labels={"app": "a"}, pod_affinity=same("b")),
        pl.Pod("b", cpu=1, labels={"app": "b"}, pod_affinity=same("a")),
    ]
    solution = proven(pl.Cluster(in_zones("x"), pods))

    assert (solution.status, solution.objective["unplaced"]) == ("optimal", 2)


def test_the_first_of_a_group_starts_it_in_one_place_only():
    web = pl.Pod("web", replicas=3, cpu=2, labels={"app": "web"}, pod_affinity=same("web"))
    solution = proven(pl.Cluster(in_zones("x", "y"), [web]))

    assert (solution.status, solution.objective["unplaced"]) == ("optimal", 1)


def test_an_order_is_found_where_one_must_come_before_those_that_keep_it_out():
    limit = pl.DomainLimit(topology_key=ZONE, at_most=1, selector={"match_labels": {"app": "web"}})
    pods = [
        pl.Pod("web", replicas=3, cpu=1, labels={"app": "web"}),
        pl.Pod("lone", cpu=1, labels={"app": "lone"}, domain_limits=(limit,)),
    ]
    solution = proven(pl.Cluster(in_zones("x"), pods))

    assert (solution.status, solution.objective["unplaced"]) == ("optimal", 0)


def test_equal_runs_are_equal():
    told = [{**proven(random_cluster(2, 15, 60)).to_dict(), "statistics": None} for _ in range(2)]

    assert told[0] == told[1]


def hard_to_pack() -> pl.Cluster:
    """Too many different sizes for a proof in a moment."""
    nodes = [
        pl.Node(f"n{row}", cpu=f"{9000 + 37 * row}m", memory=2000 + 13 * row, price=3 + row % 7) for row in range(40)
    ]
    sizes = [(1700 + 613 * row % 2900, 300 + 417 * row % 700) for row in range(110)]
    return pl.Cluster(nodes, [pl.Pod(f"p{row}", cpu=f"{cpu}m", memory=size) for row, (cpu, size) in enumerate(sizes)])


def test_a_time_limit_holds_and_the_answer_has_a_bound():
    cluster = hard_to_pack()
    begun = time.monotonic()
    solution = proven(cluster, time_limit=1.0)

    assert time.monotonic() - begun < 2.0
    assert solution.stopped == "time_limit"
    assert 0 < solution.bound["pack"] < solution.objective["pack"]
    assert solution.gap == pytest.approx(1 - solution.bound["pack"] / solution.objective["pack"])


def test_a_stop_event_ends_the_proof_with_the_best_answer_so_far():
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    begun = time.monotonic()
    solution = proven(hard_to_pack(), stop=stop)

    assert time.monotonic() - begun < 2.0
    assert (solution.stopped, solution.objective["unplaced"]) == ("interrupted", 0)


def test_a_gap_is_close_enough():
    solution = proven(hard_to_pack(), gap=0.5, time_limit=20)

    assert solution.stopped == "gap_limit"
    assert 0 < solution.gap <= 0.5


def test_a_gap_asks_for_bounds():
    solution = pl.solve(pl.Cluster([pl.Node("n", cpu=1)], [pl.Pod("a", cpu=1)]), gap=0.1)

    assert (solution.status, solution.stopped, solution.bound) == ("optimal", "done", {"unplaced": 0, "pack": 1})


def test_a_gap_below_0_is_refused():
    with pytest.raises(pl.InputError, match="solve: gap is -1: give 0 or a number above, or leave it out"):
        pl.solve(pl.Cluster([], []), gap=-1)


def test_nothing_is_stated_that_was_not_asked_for():
    solution = pl.solve(pl.Cluster([pl.Node("n", cpu=1)], [pl.Pod("a", cpu=1)]))

    assert (solution.status, solution.bound, solution.gap) == ("feasible", None, None)


@pytest.mark.parametrize("nodes", [0, 1])
@pytest.mark.parametrize("pods", [[], [pl.Pod("s", cpu=1, node="n0")], [pl.Pod("g", scheduling_gates=("wait",))]])
def test_nothing_to_place_is_proven_at_once(nodes, pods):
    solution = proven(pl.Cluster([pl.Node(f"n{row}", cpu=1) for row in range(nodes)], pods))

    assert solution.status == "optimal"


def test_a_cluster_of_which_no_pod_may_be_placed_is_proven():
    cluster = pl.Cluster(in_zones("a"), [pl.Pod("web", replicas=2, scheduling_gates=["wait"])])

    solution = proven(cluster)

    assert (solution.status, solution.bound["unplaced"]) == ("optimal", 2.0)
