"""The slow reference by example: goals, fragmentation, and placing by the obvious means."""

from __future__ import annotations

from typing import Any

import pytest
from reference import balance, brute_force_best, fragmentation, headroom, pack, place_one_by_one, preferences, unplaced
from specimens import WEB, ZONE, ZONES, bind, expression, gpus, near, need, node, pod, spread, state, term, zones

import placer as pl

# Goals


def test_unplaced_counts_pending_pods_without_a_node_gated_ones_included():
    here = state(ZONES, pod("old", node="a1"), pod("gone", node="gone"), pod("gated", scheduling_gates=["g"]), pod())

    assert unplaced(here) == 2


def test_pack_is_the_price_of_the_nodes_that_hold_any_pod():
    nodes = [node("n1", price=2.5), node("n2"), node("n3", price=7)]

    assert pack(state(nodes, pod("old", node="n1"), pod("old2", node="n1"), pod("old3", node="n2"))) == 3.5


def test_balance_is_squared_load_and_headroom_what_is_above_four_fifths():
    nodes = [node("n1", cpu=4, memory=10), pl.Node("none")]
    here = state(nodes, pod("old", node="n1", cpu=2, memory=9))

    assert balance(here) == pytest.approx(0.25 + 0.81)
    assert headroom(here) == pytest.approx(0.1)


def lost(nodes: list[pl.Node], *pods: pl.Pod) -> float:
    return preferences(state(nodes, *pods))


def test_a_wish_for_nodes_is_lost_where_they_do_not_match_and_a_dislike_where_they_do():
    wish = {"weight": 5, "term": term(expression(ZONE, "In", "b"))}
    dislike = {"weight": -7, "term": term(expression(ZONE, "In", "a"))}

    assert lost(ZONES, pod(node="a1", preferred_nodes=[wish, dislike])) == 12
    assert lost(ZONES, pod(node="b1", preferred_nodes=[wish, dislike])) == 0
    assert lost(ZONES, pod(node="a1", preferred_nodes=[{"weight": -7, "term": {}}])) == 7


def test_each_soft_taint_that_is_not_tolerated_costs_one():
    nodes = [node("n1", taints=[{"key": key, "effect": "PreferNoSchedule"} for key in "tuv"])]

    assert lost(nodes, pod(node="n1", tolerations=[{"key": "t"}])) == 2


def test_a_wish_for_pods_is_lost_without_another_one_and_a_dislike_for_each():
    wish, dislike = {"weight": 5, "term": near(WEB)}, {"weight": -2, "term": near(WEB)}
    others = [pod("web1", "web", node="a2"), pod("web2", "web", node="a1")]

    assert lost(ZONES, *others, pod(node="a1", preferred_pods=[wish])) == 0
    assert lost(ZONES, *others, pod(node="b1", preferred_pods=[wish])) == 5
    assert lost(ZONES, *others, pod(node="free", preferred_pods=[wish, dislike])) == 5
    assert lost(ZONES, *others, pod(node="a1", preferred_pods=[dislike])) == 4
    assert lost(ZONES, pod("web", "web", node="a1", preferred_pods=[wish, dislike])) == 5


def test_soft_spread_counts_the_pod_itself_as_hard_spread_does():
    rule = spread(when_unsatisfiable="ScheduleAnyway")
    twice = [pod(name, "web", node="a1", topology_spread=rule, terminating=name == "old") for name in ("old", "new")]

    assert lost(ZONES, *twice) == (1 + 1 - 0 - 1) + (0 + 1 - 0 - 1)


def test_soft_spread_costs_what_the_domain_is_ahead_beyond_max_skew():
    rule = spread(when_unsatisfiable="ScheduleAnyway")
    three = [pod(f"web{place}", "web", node="a1", topology_spread=rule) for place in range(3)]

    assert lost(ZONES, *three) == 3 * (3 - 0 - 1)
    assert lost(ZONES, *three, pod("b", "web", node="b1")) == 3 * (3 - 1 - 1)
    assert lost(ZONES, pod("web", "web", node="free", topology_spread=rule)) == 0


def test_the_pods_of_a_domain_above_its_soft_share_lose_one_each():
    rule = [near(WEB, shares={"a": 1, "b": 1}, hard=False)]

    def webs(*nodes: str) -> list[pl.Pod]:
        return [pod(f"web{place}", "web", node=name, domain_shares=rule) for place, name in enumerate(nodes)]

    assert lost(ZONES, *webs("a1", "b1")) == 0
    assert lost(ZONES, *webs("a1", "a1", "a2", "b1")) == 1
    assert lost(ZONES, *webs("a1", "free")) == 1


def test_only_pods_that_wish_a_soft_share_lose_by_it():
    rule = [near(WEB, shares={"b": 1}, hard=False)]
    others = [pod(f"old{place}", "web", node="a1") for place in range(3)]

    assert lost(ZONES, *others) == 0
    assert lost(ZONES, *others, pod("web", "web", node="a1", domain_shares=rule)) == 1
    assert lost(ZONES, *others, pod("db", "db", node="a1", domain_shares=rule)) == 1


def test_who_prefers_a_zone_and_takes_none_where_there_are_some_loses_one():
    here = state(
        [zones(), node("plain")],
        pod("old", cpu=5, numa="prefer", node="n1"),
        pod("plain", cpu=5, numa="prefer", node="plain"),
        pod("new", cpu=1, numa="prefer"),
    )

    bind(here, "new", "n1")
    assert preferences(here) == 1


# Fragmentation


def frag(device: dict[str, Any], *pods: pl.Pod, **fields: Any) -> float:
    return fragmentation(state([gpus(device, **fields)], *pods))


def test_pods_that_need_no_gpu_can_use_none_of_what_is_free():
    assert frag({"count": 2}, pod(cpu=1)) == 2000


def test_a_share_cannot_use_gpus_with_less_than_it_free():
    pods = [pod("old", node="n1", devices=[need(share=0.7)]), pod(devices=[need(share=0.7)])]

    assert frag({"count": 2}, *pods) == 300


def test_whole_gpus_must_be_entirely_free_and_more_of_them_than_needed_are_of_use():
    pods = [pod("old", node="n1", devices=[need(share=0.2)]), pod(devices=[need()])]

    assert frag({"count": 3}, *pods) == pytest.approx((0 + 800) / 2)


def test_all_that_is_free_is_lost_on_a_pod_that_cannot_run():
    assert frag({"count": 2}, pod(devices=[need(count=3)])) == 2000
    assert frag({"count": 2}, pod(devices=[need()], cpu=9)) == 2000
    assert frag({"count": 2}, pod(devices=[need()], requests={"example.com/thing": 1})) == 2000
    assert frag({"count": 2}, pod(devices=[need()], cpu=8)) == 0
    assert frag({"count": 2}, pod(devices=[need()]), pods=0) == 2000


def test_gpus_of_another_model_or_of_too_little_memory_are_lost():
    model = {"where": [expression("model", "In", "A")]}
    nodes = [gpus({"attributes": {"model": "A"}, "capacity": {"memory": 4}}, {"capacity": {"memory": 8}})]

    assert fragmentation(state(nodes, pod(devices=[need(**model)]))) == 1000
    assert fragmentation(state(nodes, pod(devices=[need(share=0.5, amounts={"memory": 5})]))) == 1000
    assert fragmentation(state(nodes, pod(devices=[need(count=2, **model)]))) == 2000


def test_typical_pods_weigh_by_how_many_there_are_and_static_rules_play_no_part():
    pods = [
        pod("cpu", cpu=1, replicas=3),
        pod("gpu", devices=[need(share=0.5)], nodes=["elsewhere"], scheduling_gates=["g"]),
        pod("gone", node="gone"),
    ]

    assert frag({"count": 2}, *pods) == 2000 * 3 / 4


# Placing


def test_pods_are_placed_one_by_one_most_important_first():
    here = place_one_by_one(pl.Cluster([node("n1", cpu=1)], [pod("low", cpu=1), pod("high", cpu=1, priority=5)]))

    assert here.standing == {1: 0}


def test_the_best_over_all_orders_is_more_than_one_by_one():
    nodes = [node("n1", cpu=4), node("n2", cpu=4)]
    pods = [pod("a", cpu=2), pod("b", cpu=3), pod("c", cpu=1), pod("d", cpu=2)]
    cluster = pl.Cluster(nodes, pods)

    assert len(place_one_by_one(cluster).standing) == 3
    assert brute_force_best(cluster) == 4


def test_the_best_over_all_orders_waits_for_the_pod_that_another_wants_near():
    cluster = pl.Cluster(ZONES, [pod("db", "db", pod_affinity=[near(WEB)]), pod("web", "web")])
    assert len(place_one_by_one(cluster).standing) == 1
    assert brute_force_best(cluster) == 2
