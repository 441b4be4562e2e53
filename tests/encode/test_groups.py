"""Groups and counters: the pods that a selector counts, and the domains in which it counts them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from reference.groups import meant, spread_group, spread_nodes
from reference.state import State

from encode.seeded import seeded
from placer.encode.encode import encode
from placer.encode.groups import NOBODY, Identities, pick_affinity, pick_own_namespace
from placer.model.rule import Rule

SPREAD = int(Rule.PodTopologySpread)
"""The rule's number in ``Terms.rule``."""
GROUPS = frozenset({"affinity", "anti_affinity", "labels", "namespaces", "spread", "standing", "taints", "terminating",
                    "node_affinity", "cordon"})  # fmt: skip


def pods_of(identities: Identities, picked) -> set[int]:
    """Pods of the identities that a resolved selector picks."""
    return set(np.flatnonzero(np.isin(identities.of_pod, identities.members(picked))).tolist())


@given(seeded(GROUPS))
@settings(max_examples=100)
def test_an_affinity_term_means_the_pods_that_it_matches(cluster):
    identities, state = Identities(cluster), State(cluster)

    for row, pod in enumerate(state.pods):
        for term in (*pod.pod_affinity, *pod.pod_anti_affinity):
            picked = pick_affinity(cluster, pod.namespace, pod.labels, term)
            assert pods_of(identities, picked) == meant(state, row, term), term


@given(seeded(GROUPS))
@settings(max_examples=100)
def test_a_spread_constraint_counts_pods_of_its_namespace_that_do_not_terminate(cluster):
    identities, state = Identities(cluster), State(cluster)

    for row, pod in enumerate(state.pods):
        for rule in pod.topology_spread:
            picked = pick_own_namespace(
                pod.namespace, pod.labels, rule.selector, rule.match_label_keys, terminating=False
            )
            expected = {other for other in spread_group(state, row, rule) if not state.pods[other].terminating}
            assert pods_of(identities, picked) == expected, rule


def test_nobody_is_picked_without_a_selector():
    picked = pick_own_namespace("default", {"app": "web"}, None, terminating=True)

    assert picked == NOBODY


@given(seeded())
@settings(max_examples=100)
def test_the_domains_of_a_spread_counter_are_those_with_an_eligible_node(cluster):
    encoded, state = encode(cluster), State(cluster)
    terms, counters, classes = encoded.problem.terms, encoded.problem.counters, encoded.problem.classes

    for pod, pod_class in enumerate(encoded.class_of_pod.tolist()):
        hard = [rule for rule in state.pods[pod].topology_spread if rule.when_unsatisfiable == "DoNotSchedule"]
        keys = {rule.topology_key for rule in hard}
        expected = {
            len({state.labels[node][rule.topology_key] for node in spread_nodes(state, pod, rule, keys)})
            for rule in hard
        }
        if pod_class >= 0:
            own = range(classes.term_start[pod_class], classes.term_start[pod_class + 1])
            found = {int(counters.domains[terms.counter[term]]) for term in own if terms.rule[term] == SPREAD}
            assert found == expected


@given(seeded())
@settings(max_examples=100)
def test_nodes_of_a_domain_are_listed_together(cluster):
    nodes = encode(cluster).problem.nodes

    for key in range(len(nodes.domains)):
        for domain in range(nodes.domains[key]):
            there = nodes.domain_nodes[key, nodes.domain_start[key, domain] : nodes.domain_start[key, domain + 1]]
            assert sorted(there.tolist()) == np.flatnonzero(nodes.domain[key] == domain).tolist()
        rest = nodes.domain_nodes[key, nodes.domain_start[key, nodes.domains[key]] :]
        assert sorted(rest.tolist()) == np.flatnonzero(nodes.domain[key] < 0).tolist()
