"""Replay: the pods that stand, decided again in the order of their start, each back on its node before the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import placer as pl
from bench.kube_oracle import objects_of
from placer.decisions import Decisions
from placer.engine import bindings
from placer.errors import UsageError
from placer.model.profile import KUBERNETES, Profile
from placer.model.table import Column
from placer.replay import Replay, replay
from tests.reference.kubernetes import FAMILIES, draw_case

QUIET = KUBERNETES.model_copy(update={"preempts": False})
TAINT = {"key": "old", "effect": "PreferNoSchedule"}


def standing(cluster: pl.Cluster, pods: np.ndarray, nodes: np.ndarray) -> pl.Cluster:
    """The cluster with these pods on these nodes, started one second after the other."""
    table = cluster.pod_table
    node, started = table.node.copy(), np.zeros(len(table), np.int64)
    node[pods], started[pods] = nodes, 1 + np.arange(len(pods))
    fields = {**table.fields, "started": Column.of(started.tolist())}
    moved = replace(table, node=node, fields=fields)
    return pl.Cluster.from_tables(cluster.node_table, moved, cluster.namespaces, (), cluster.budgets)


def drawn(seed: int, family: str) -> tuple[pl.Cluster, np.ndarray, np.ndarray]:
    """A drawn cluster in which nothing stands, and the pods and nodes that the scheduler binds, in order."""
    lists = draw_case(seed, family)["cluster"]
    for pod in lists["pods"]:
        pod["spec"].pop("nodeName", None)
        pod.pop("status", None)
    cluster = pl.Cluster.from_kubernetes(objects_of({**lists, "pending": lists["pods"] + lists["pending"], "pods": []}))
    decisions = Decisions(cluster, QUIET)
    decisions.decide_all()
    (pods, nodes), _ = bindings(decisions.run)
    return cluster, pods, nodes


def counts(found: Replay) -> dict[str, int]:
    return {verdict: number for verdict, number in found.counts.items() if number}


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_scheduler_itself_placed_is_equal(family: str):
    for seed in range(6):
        cluster, pods, nodes = drawn(seed, family)

        found = replay(standing(cluster, pods, nodes), QUIET)

        assert counts(found) == ({"equal": len(pods)} if len(pods) else {}), seed
        assert list(found.differing) == []


def scored(cluster: pl.Cluster, pods: np.ndarray, nodes: np.ndarray) -> dict[str, Any]:
    """What the scheduler's own record says of the last pod that was bound, all others on their nodes."""
    from placer.recording import record_all

    before = standing(cluster, pods[:-1], nodes[:-1])
    (record,) = record_all(Decisions(before, QUIET, pods[-1:]), pods[-1:])
    return record


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"volumes"}))
def test_a_pod_moved_by_hand_is_the_only_one_reported_with_what_the_scheduler_recorded(family: str):
    moved = 0
    for seed in range(6):
        cluster, pods, nodes = drawn(seed, family)
        if not len(pods):
            continue
        record = scored(cluster, pods, nodes)
        for row, name in enumerate(cluster.node_table.names):
            if row == nodes[-1]:
                continue
            moved += 1
            found = replay(standing(cluster, pods, np.append(nodes[:-1], row)), QUIET)

            if name in record.get("ties", ()):
                assert (found.counts["equal"], found.counts["tied"]) == (len(pods) - 1, 1)
                assert not found.differing
                continue
            (only,) = found.differing
            assert (only.pod, only.node, only.best) == (record["pod"], name, record["node"])
            if name in record.get("filters", {}):
                rejection = record["filters"][name]
                assert only.verdict == "illegal"
                assert (only.plugin, only.reasons) == (rejection["plugin"], rejection["reasons"])
                continue
            scores, best = record["scores"][name], record["scores"][record["node"]]
            assert (only.verdict, only.score, only.best_score) == ("below", scores["total"], best["total"])
            lead = {plugin: scores[plugin] - best[plugin] for plugin in scores if plugin != "total"}
            assert only.plugins == {plugin: points for plugin, points in lead.items() if points}
            assert only.below == -sum(only.plugins.values()) > 0
    assert moved


def two_nodes(*pods: pl.Pod, **nodes: Any) -> pl.Cluster:
    return pl.Cluster(
        [pl.Node(name, cpu=4, memory="8Gi", pods=10, **nodes.get(name, {})) for name in ("n1", "n2")], pods
    )


def started(name: str, second: int, **fields: Any) -> pl.Pod:
    return pl.Pod(name, cpu=1, memory="1Gi", started=second, **fields)


def test_a_pod_below_the_best_says_by_how_much_and_for_which_plugins():
    cluster = two_nodes(started("first", 1, node="n1"), started("second", 2, node="n1"), n1={"taints": [TAINT]})

    worst, other = replay(cluster).differing

    assert (worst.pod, worst.below) == ("default/second", 318)
    assert worst.message == (
        "n1 scores 134, n2 would have scored 452: "
        "TaintToleration -300, NodeResourcesFit -19, NodeResourcesBalancedAllocation +1"
    )
    assert other.message == "n1 scores 152, n2 would have scored 452: TaintToleration -300"


def test_pods_that_started_later_are_off_and_earlier_ones_where_they_really_stand():
    full = [started("early", 1, node="n1"), started("late", 5, node="n1", priority=9)]
    cluster = two_nodes(*full, started("between", 3, node="n2"))

    found = replay(cluster)

    assert counts(found) == {"equal": 3}


def test_equal_starts_are_taken_in_input_order_and_pods_without_one_last():
    apart = {"labels": {"app": "a"}, "pod_anti_affinity": [_beside()]}
    alone = [started("unknown", 0, node="n1", **apart), started("a", 7, node="n1", **apart)]
    cluster = two_nodes(*alone, started("b", 7, node="n1", **apart))

    assert [each.pod for each in replay(cluster).differing] == ["default/b", "default/unknown"]


def _beside() -> dict[str, Any]:
    return {"topology_key": "kubernetes.io/hostname", "selector": {"match_labels": {"app": "a"}}}


def test_an_illegal_pod_has_the_filter_in_its_words_and_comes_before_those_below():
    hard = {"key": "gone", "effect": "NoSchedule"}
    cluster = two_nodes(
        started("below", 1, node="n1"), started("illegal", 2, node="n2"), n1={"taints": [TAINT]}, n2={"taints": [hard]}
    )

    (only,) = replay(cluster).differing
    assert only.message == "n2 rejects it: TaintToleration: node(s) had untolerated taint(s); n1 would have been chosen"

    crowded = two_nodes(*(started(f"p{number}", number + 1, node="n1") for number in range(6)))
    found = replay(crowded)
    assert [each.verdict for each in found.differing] == ["illegal", "illegal", "below", "below", "below"]
    assert found.differing[0].reasons == ["Insufficient cpu"]


def test_a_pod_that_no_node_takes_says_so():
    cluster = two_nodes(pl.Pod("giant", cpu=9, node="n2", started=1))

    (only,) = replay(cluster).differing

    assert only.message == "n2 rejects it: NodeResourcesFit: Insufficient cpu; no node takes it"


def test_pods_that_no_scheduler_of_ours_has_placed_stand_and_are_not_judged():
    cluster = two_nodes(
        started("lost", 1, node="elsewhere"),
        started("static", 2, node="n1", owner="Node/n1"),
        started("claims", 3, node="n1", unsupported=["resourceClaims"]),
        started("foreign", 4, node="n1", scheduler_name="other"),
        started("ours", 5, node="n1"),
        started("pending", 6),
    )

    found = replay(cluster, KUBERNETES, "default-scheduler")
    assert (counts(found), found.skipped) == ({"below": 1}, 4)
    assert found.differing[0].plugins == {"NodeResourcesFit": -56, "NodeResourcesBalancedAllocation": 1}

    both = replay(cluster, [KUBERNETES, Profile(scheduler_name="other")])
    assert (counts(both), both.skipped) == ({"below": 2}, 3)
    assert counts(replay(cluster)) == {"below": 2}


def test_pods_of_a_daemon_set_are_judged_on_their_one_node():
    term = {"match_fields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}
    cluster = two_nodes(started("agent", 1, node="n2", node_affinity=[term]), started("web", 2, node="n1"))

    assert counts(replay(cluster)) == {"equal": 2}


def test_units_that_pods_are_known_to_hold_are_taken():
    gpu = {"devices": [{"kind": "nvidia.com/gpu", "count": 2}]}
    whole = {"devices": [{"kind": "nvidia.com/gpu"}]}
    cluster = two_nodes(
        started("a", 1, node="n1", units={"nvidia.com/gpu": [1]}, **whole),
        started("b", 2, node="n1", units={"nvidia.com/gpu": [0]}, **whole),
        started("c", 3, node="n1", **whole),
        n1=gpu,
        n2=gpu,
    )

    (illegal, below) = replay(cluster).differing

    assert (illegal.pod, illegal.plugin) == ("default/c", "Devices")
    assert (below.pod, below.verdict) == ("default/b", "below")


def test_a_profile_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="profile is 'nomad'"):
        replay(two_nodes(), "nomad")


def test_an_empty_cluster_and_progress():
    told: list[tuple[int, int]] = []

    assert counts(replay(pl.Cluster())) == {}
    replay(two_nodes(started("a", 1, node="n1")), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 1)]
