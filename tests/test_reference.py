"""The slow reference by example, docs/semantics.md sentence by sentence: common words and static rules."""

from __future__ import annotations

import pytest
from specimens import (
    CORDON,
    DB,
    WEB,
    ZONE,
    ZONES,
    allowed,
    bind,
    expression,
    near,
    node,
    pod,
    row,
    state,
    term,
    verdicts,
)

# Common words


def test_a_pod_bound_to_a_node_that_is_not_there_counts_nowhere():
    here = state(ZONES, pod("old", "web", node="gone"), pod(apart_from=["default/old"], pod_affinity=[near(WEB)]))

    assert here.standing == {}
    assert allowed(here) == []


def test_an_empty_label_is_a_domain_and_a_missing_one_is_none():
    nodes = [node("e1", ""), node("e2", ""), node("free")]
    here = state(nodes, pod("old", "web", node="e1"), pod(pod_anti_affinity=[near(WEB)]))

    assert verdicts(here) == {"e1": "InterPodAffinity", "e2": "InterPodAffinity", "free": None}


def test_a_selector_counts_the_pods_own_namespace():
    here = state(
        ZONES,
        pod("old", "web", node="a1", namespace="other"),
        pod("mine", pod_anti_affinity=[near(WEB)]),
        pod("theirs", pod_anti_affinity=[near(WEB)], namespace="other"),
    )

    assert allowed(here, "mine") == ["a1", "a2", "b1", "free"]
    assert allowed(here, "theirs") == ["b1", "free"]


def test_a_rule_may_name_other_namespaces_or_select_them_by_label():
    spaces = {"red1": {"team": "red"}, "blue": {"team": "blue"}}
    by_label = near(WEB, namespaces=["listed"], namespace_selector={"match_labels": {"team": "red"}})
    here = state(
        ZONES,
        pod("w1", "web", node="a1", namespace="red1"),
        pod("w2", "web", node="b1", namespace="blue"),
        pod("w3", "web", node="b1"),
        pod("labels", pod_anti_affinity=[by_label]),
        pod("all", pod_anti_affinity=[near(WEB, namespace_selector={})]),
        pod("name", pod_anti_affinity=[near(WEB, namespaces=["blue"])]),
        namespaces=spaces,
    )

    assert allowed(here, "labels") == ["b1", "free"]
    assert allowed(here, "all") == ["free"]
    assert allowed(here, "name") == ["a1", "a2", "free"]


def test_label_keys_add_the_pods_own_values_where_it_has_them():
    old = pod("old", labels={"app": "web", "version": "1"}, node="a1")
    same = near(WEB, match_label_keys=["version"])
    other = near(WEB, mismatch_label_keys=["version"])
    here = state(
        ZONES,
        old,
        pod("v1", labels={"version": "1"}, pod_anti_affinity=[same]),
        pod("v2", labels={"version": "2"}, pod_anti_affinity=[same]),
        pod("none", pod_anti_affinity=[same]),
        pod("not1", labels={"version": "1"}, pod_anti_affinity=[other]),
        pod("not2", labels={"version": "2"}, pod_anti_affinity=[other]),
    )

    assert allowed(here, "v1") == ["b1", "free"]
    assert allowed(here, "v2") == ["a1", "a2", "b1", "free"]
    assert allowed(here, "none") == ["b1", "free"]
    assert allowed(here, "not1") == ["a1", "a2", "b1", "free"]
    assert allowed(here, "not2") == ["b1", "free"]


def test_without_a_selector_an_affinity_term_means_nobody_and_an_empty_one_everybody():
    here = state(
        ZONES,
        pod("old", node="a1"),
        pod("nobody", pod_anti_affinity=[near(None)]),
        pod("everybody", pod_anti_affinity=[near({})]),
    )

    assert allowed(here, "nobody") == ["a1", "a2", "b1", "free"]
    assert allowed(here, "everybody") == ["b1", "free"]


def test_rules_bind_on_arrival_against_what_stands_then():
    here = state(ZONES, pod("web", "web", pod_anti_affinity=[near(DB)]), pod("pod", "db"))

    assert allowed(here) == ["a1", "a2", "b1", "free"]
    bind(here, "web", "a1")
    assert allowed(here) == ["b1", "free"]
    here.evict(row(here, "web"))
    assert allowed(here) == ["a1", "a2", "b1", "free"]


def test_what_the_input_breaks_rejects_only_what_needs_more_of_it():
    nodes = [node("n1", cpu=2, memory=4)]
    here = state(nodes, pod("over", node="n1", cpu=3, memory=1), pod("cpu", cpu=1), pod("memory", memory=1))

    assert verdicts(here, "cpu") == {"n1": "NodeResourcesFit"}
    assert verdicts(here, "memory") == {"n1": None}


# Static rules


def test_gates_and_unsupported_rules_keep_a_pod_off_every_node():
    here = state([node("n1")], pod("gated", scheduling_gates=["quota"]), pod("odd", unsupported=["resourceClaims"]))

    assert verdicts(here, "gated") == {"n1": "SchedulingGates"}
    assert verdicts(here, "odd") == {"n1": "Unsupported"}


def test_a_cordoned_node_takes_only_pods_that_tolerate_it():
    here = state(
        [node("n1", unschedulable=True)],
        pod(),
        pod("agent", tolerations=[{"key": CORDON, "operator": "Exists", "effect": "NoSchedule"}]),
        pod("late", tolerations=[{"key": CORDON, "operator": "Exists", "effect": "NoExecute"}]),
    )

    assert verdicts(here) == {"n1": "NodeUnschedulable"}
    assert verdicts(here, "agent") == {"n1": None}
    assert verdicts(here, "late") == {"n1": "NodeUnschedulable"}


def test_nodes_lists_the_only_names_and_forbidden_nodes_are_not_allowed():
    here = state(ZONES, pod("pinned", nodes=["a2", "gone"]), pod("kept-off", forbidden_nodes=["a2"]))

    assert verdicts(here, "pinned") == {"a1": "NodeName", "a2": None, "b1": "NodeName", "free": "NodeName"}
    assert verdicts(here, "kept-off") == {"a1": None, "a2": "ForbiddenNodes", "b1": None, "free": None}


@pytest.mark.parametrize(
    ("toleration", "nodes"),
    [
        ({"key": "t", "value": "x"}, ["schedule", "execute", "prefer"]),
        ({"key": "t", "value": "y"}, ["prefer"]),
        ({"key": "t", "operator": "Exists"}, ["schedule", "execute", "prefer"]),
        ({"operator": "Exists"}, ["schedule", "execute", "both", "prefer"]),
        ({"key": "t", "value": "x", "effect": "NoExecute"}, ["execute", "prefer"]),
    ],
)
def test_each_rejecting_taint_is_tolerated_by_one_of_the_tolerations(toleration, nodes):
    t = {"key": "t", "value": "x"}
    here = state(
        [
            node("schedule", taints=[{**t, "effect": "NoSchedule"}]),
            node("execute", taints=[{**t, "effect": "NoExecute"}]),
            node("both", taints=[t, {"key": "u"}]),
            node("prefer", taints=[{**t, "effect": "PreferNoSchedule"}]),
        ],
        pod(tolerations=[toleration]),
    )

    assert allowed(here) == nodes
    assert set(verdicts(here).values()) <= {None, "TaintToleration"}


def test_all_labels_of_the_selector_are_there():
    nodes = [node("n1", labels={"disk": "ssd", "arch": "arm"}), node("n2", labels={"disk": "ssd"})]
    here = state(nodes, pod(node_selector={"disk": "ssd", "arch": "arm"}))

    assert verdicts(here) == {"n1": None, "n2": "NodeAffinity"}


@pytest.mark.parametrize(
    ("wanted", "nodes"),
    [
        (expression("age", "In", "5", "7"), ["five"]),
        (expression("age", "NotIn", "5"), ["ten", "word", "none"]),
        (expression("age", "Exists"), ["five", "ten", "word"]),
        (expression("age", "DoesNotExist"), ["none"]),
        (expression("age", "Gt", "5"), ["ten"]),
        (expression("age", "Lt", "10"), ["five"]),
    ],
)
def test_node_affinity_knows_six_operators(wanted, nodes):
    ages = {"five": {"age": "5"}, "ten": {"age": "10"}, "word": {"age": "old"}, "none": {}}
    here = state([node(name, labels=labels) for name, labels in ages.items()], pod(node_affinity=[term(wanted)]))

    assert allowed(here) == nodes


def test_one_term_of_the_affinity_matches_with_all_its_expressions():
    never = term(expression(ZONE, "In", "a"), expression(ZONE, "NotIn", "a"))
    here = state(
        ZONES,
        pod(node_affinity=[never, term(expression(ZONE, "In", "b"))]),
        pod("field", node_affinity=[{"match_fields": [expression("metadata.name", "In", "a2")]}]),
        pod("empty", node_affinity=[{}]),
    )

    assert allowed(here) == ["b1"]
    assert allowed(here, "field") == ["a2"]
    assert allowed(here, "empty") == []


def test_some_alternative_matches_on_top_of_the_pods_own_rules():
    by_name = {"match_fields": [expression("metadata.name", "In", "a1")]}
    here = state(
        ZONES,
        pod(
            node_affinity=[term(expression(ZONE, "Exists"))],
            any_of=[{"node_selector": {ZONE: "b"}}, {"node_affinity": [by_name]}],
        ),
    )

    assert verdicts(here) == {"a1": None, "a2": "AnyOf", "b1": None, "free": "NodeAffinity"}


def test_one_single_alternative_matches_and_brings_the_tolerations():
    here = state(
        [node("a1", "a", taints=[{"key": "t"}]), node("b1", "b", taints=[{"key": "t"}]), node("b2", "b")],
        pod(any_of=[{"node_selector": {ZONE: "a"}}, {"node_selector": {ZONE: "b"}, "tolerations": [{"key": "t"}]}]),
        pod("bare", any_of=[{"node_selector": {ZONE: "a"}}]),
    )

    assert verdicts(here) == {"a1": "AnyOf", "b1": None, "b2": None}
    assert verdicts(here, "bare") == {"a1": "TaintToleration", "b1": "TaintToleration", "b2": "AnyOf"}


def test_an_alternative_may_tolerate_the_cordon():
    here = state(
        [node("a1", "a", unschedulable=True), node("b1", "b", unschedulable=True)],
        pod(any_of=[{"node_selector": {ZONE: "a"}, "tolerations": [{"key": CORDON, "operator": "Exists"}]}]),
    )

    assert verdicts(here) == {"a1": None, "b1": "AnyOf"}


def test_each_volume_with_a_topology_is_reached_by_one_of_its_terms():
    disk = {"name": "disk", "topology": [term(expression(ZONE, "In", "b")), term(expression(ZONE, "In", "a"))]}
    here = state(ZONES, pod(volumes=[disk, {"name": "share"}]))

    assert verdicts(here) == {"a1": None, "a2": None, "b1": None, "free": "VolumeBinding"}
