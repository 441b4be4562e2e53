"""The shared random clusters: what they promise to the tests that draw them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from reference import State, brute_force_best, fits, place_one_by_one, rejects
from strategies import ALL_RULES, clusters, nodes, plain_clusters, pods, random_cluster

import placer as pl
from placer.model.rule import Rule


def first_rules(cluster: pl.Cluster) -> Counter[Rule | None]:
    """How often each rule is the first to reject a pending pod on a node, while pods are placed one by one."""
    here, found = State(cluster), Counter()
    for pod, each in enumerate(here.pods):
        if each.node is None:
            found.update(rejects(here, pod, node) for node in range(len(here.nodes)))
            places = fits(here, pod)
            if places:
                here.bind(pod, places[0])
    return found


def test_a_seed_gives_the_same_cluster_again():
    assert random_cluster(7, 6, 12).digest == random_cluster(7, 6, 12).digest
    assert random_cluster(7, 6, 12).digest != random_cluster(8, 6, 12).digest


def test_sizes_are_kept_replicas_counted():
    cluster = random_cluster(3, 30, 200)

    assert (len(cluster.nodes), len(cluster.pods)) == (30, 200)


def test_every_rule_rejects_somewhere_and_many_pods_fit():
    found = Counter()
    for seed in range(150):
        found.update(first_rules(random_cluster(seed, 6, 12)))

    assert {rule for rule in Rule if not found[rule]} == set()
    assert found[None] > 0.1 * found.total()


def test_without_rules_only_capacity_rejects():
    found = Counter()
    for seed in range(20):
        found.update(first_rules(random_cluster(seed, 4, 20, rules=())))

    assert set(found) == {None, Rule.NodeResourcesFit}


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("spread", {Rule.PodTopologySpread}),
        ("anti_affinity", {Rule.InterPodAffinity}),
        ("devices", {Rule.Devices}),
        ("limits", {Rule.DomainLimit}),
        ("any_of", {Rule.AnyOf}),
    ],
)
def test_one_rule_alone_can_be_asked_for(rule, names):
    found = Counter()
    for seed in range(20):
        found.update(first_rules(random_cluster(seed, 4, 12, rules={rule})))

    assert set(found) == {None, Rule.NodeResourcesFit} | names


def test_an_unknown_rule_is_refused():
    with pytest.raises(AssertionError, match="no such rules: \\['afinity'\\]"):
        random_cluster(0, 1, 1, rules={"afinity"})


@given(clusters())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_hypothesis_draws_clusters_of_all_rules(cluster):
    assert 1 <= len(cluster.nodes) <= 6
    assert 1 <= len(cluster.pods) <= 10
    first_rules(cluster)


@given(nodes(), pods(rules=ALL_RULES - {"standing"}))
@settings(max_examples=30)
def test_single_nodes_and_pods(node, pod):
    assert (node.name, pod.name) == ("n0", "p0")
    assert pl.Cluster([node], [pod]).pods[0].node is None


@given(plain_clusters(max_nodes=3, max_pods=5))
@settings(max_examples=30)
def test_the_best_is_at_least_what_one_by_one_gives(cluster):
    assert brute_force_best(cluster) >= len(place_one_by_one(cluster).standing)


@pytest.mark.parametrize("seed", range(12))
def test_the_best_with_all_rules_is_at_least_what_one_by_one_gives(seed):
    cluster = random_cluster(seed, 3, 6)
    standing = len(State(cluster).standing)

    assert brute_force_best(cluster) >= len(place_one_by_one(cluster).standing) - standing
