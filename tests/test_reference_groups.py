"""The slow reference by example: rules between pods by way of domains."""

from __future__ import annotations

import pytest
from specimens import (
    DB,
    RACK,
    WEB,
    ZONE,
    ZONES,
    allowed,
    bind,
    expression,
    near,
    node,
    pod,
    spread,
    state,
    term,
    verdicts,
)

# Topology spread


def test_a_domain_is_at_most_max_skew_ahead_of_the_emptiest():
    olds = [pod(f"old{place}", "web", node="a1") for place in range(2)]
    here = state(
        ZONES,
        *olds,
        pod("one", "web", topology_spread=spread()),
        pod("two", "web", topology_spread=spread(max_skew=2)),
        pod("three", "web", topology_spread=spread(max_skew=3)),
    )

    assert verdicts(here, "one")["a1"] == "PodTopologySpread"
    assert allowed(here, "one") == ["b1"]
    assert allowed(here, "two") == ["b1"]
    assert allowed(here, "three") == ["a1", "a2", "b1"]


def test_a_pod_that_its_own_selector_does_not_match_adds_nothing():
    here = state(
        ZONES, pod("old", "web", node="a1"), pod(topology_spread=spread()), pod("web", "web", topology_spread=spread())
    )

    assert allowed(here) == ["a1", "a2", "b1"]
    assert allowed(here, "web") == ["b1"]


def test_the_node_has_the_key_of_every_hard_constraint():
    here = state(ZONES, pod(topology_spread=[*spread(), *spread(key="rack", when_unsatisfiable="ScheduleAnyway")]))

    assert verdicts(here) == {"a1": None, "a2": None, "b1": None, "free": "PodTopologySpread"}


def test_nodes_that_lack_a_key_of_another_constraint_are_not_eligible():
    nodes = [node("a1", "a", labels={RACK: "1"}), node("b1", "b"), node("c1", "c", labels={RACK: "2"})]
    olds = [pod("old", "web", node="a1"), pod("old-b", "web", node="c1")]
    here = state(nodes, *olds, pod("web", "web", topology_spread=[*spread(), *spread(key="rack")]))

    assert verdicts(here, "web") == {"a1": None, "b1": "PodTopologySpread", "c1": None}


def test_by_policy_nodes_that_the_affinity_excludes_are_no_domain():
    olds = [pod("old", "web", node="a1")]
    selective = {"node_affinity": [term(expression(ZONE, "In", "a"))]}
    here = state(
        ZONES,
        *olds,
        pod("honor", "web", topology_spread=spread(), **selective),
        pod("ignore", "web", topology_spread=spread(node_affinity_policy="Ignore"), **selective),
    )

    assert allowed(here, "honor") == ["a1", "a2"]
    assert verdicts(here, "ignore")["a1"] == "PodTopologySpread"


@pytest.mark.parametrize(
    "closed",
    [{"taints": [{"key": "t"}]}, {"taints": [{"key": "node.kubernetes.io/unschedulable"}], "unschedulable": True}],
)
def test_by_policy_tainted_and_cordoned_nodes_are_no_domain(closed):
    nodes = [node("a1", "a"), node("b1", "b", **closed)]
    here = state(
        nodes,
        pod("old", "web", node="a1"),
        pod("ignore", "web", topology_spread=spread()),
        pod("honor", "web", topology_spread=spread(node_taints_policy="Honor")),
    )

    assert verdicts(here, "ignore")["a1"] == "PodTopologySpread"
    assert verdicts(here, "honor")["a1"] is None


def test_pods_on_nodes_that_are_not_eligible_do_not_count():
    nodes = [node("a1", "a"), node("a2", "a", labels={"disk": "hdd"}), node("b1", "b")]
    ssd = {"node_affinity": [term(expression("disk", "DoesNotExist"))]}
    here = state(nodes, pod("old", "web", node="a2"), pod("web", "web", topology_spread=spread(), **ssd))

    assert allowed(here, "web") == ["a1", "b1"]


def test_with_fewer_domains_than_min_domains_the_least_count_is_none():
    olds = [pod("old", "web", node="a1"), pod("old-b", "web", node="b1")]
    here = state(
        ZONES,
        *olds,
        pod("two", "web", topology_spread=spread(min_domains=2)),
        pod("three", "web", topology_spread=spread(min_domains=3)),
    )

    assert allowed(here, "two") == ["a1", "a2", "b1"]
    assert allowed(here, "three") == []


def test_terminating_pods_are_not_counted_by_spread_and_are_by_all_others():
    here = state(
        ZONES,
        pod("old", "web", node="a1", terminating=True),
        pod("spread", "web", topology_spread=spread()),
        pod("apart", pod_anti_affinity=[near(WEB)]),
        pod("limit", domain_limits=[near(WEB, at_most=1)]),
        pod("with", pod_affinity=[near(WEB)]),
    )

    assert allowed(here, "spread") == ["a1", "a2", "b1"]
    assert allowed(here, "apart") == ["b1", "free"]
    assert allowed(here, "limit") == ["b1", "free"]
    assert allowed(here, "with") == ["a1", "a2"]


def test_spread_counts_the_pods_own_value_of_its_label_keys():
    old = pod("old", labels={"app": "web", "version": "1"}, node="a1")
    rule = spread(match_label_keys=["version"])
    here = state(
        ZONES,
        old,
        pod("v1", labels={"app": "web", "version": "1"}, topology_spread=rule),
        pod("v2", labels={"app": "web", "version": "2"}, topology_spread=rule),
    )

    assert allowed(here, "v1") == ["b1"]
    assert allowed(here, "v2") == ["a1", "a2", "b1"]


# Affinity and anti-affinity


def test_affinity_asks_for_a_pod_that_matches_in_the_domain_of_each_term():
    here = state(
        ZONES,
        pod("old", "web", node="a1"),
        pod("zone", pod_affinity=[near(WEB)]),
        pod("both", pod_affinity=[near(WEB), near(WEB, "host")]),
    )

    assert verdicts(here, "zone") == {"a1": None, "a2": None, "b1": "InterPodAffinity", "free": "InterPodAffinity"}
    assert allowed(here, "both") == ["a1"]


def test_one_pod_matches_all_terms_together():
    other = {"match_labels": {"tier": "back"}}
    here = state(
        ZONES,
        pod("old", "web", node="a1"),
        pod("back", labels={"tier": "back"}, node="a1"),
        pod(pod_affinity=[near(WEB), near(other)]),
        pod("full", labels={"app": "web", "tier": "back"}, node="b1"),
    )

    assert allowed(here) == ["b1"]


def test_the_first_of_a_group_only_needs_the_keys():
    here = state(
        ZONES,
        pod("web", "web", pod_affinity=[near(WEB)]),
        pod("db", "db", pod_affinity=[near(WEB)]),
    )

    assert allowed(here, "web") == ["a1", "a2", "b1"]
    assert allowed(here, "db") == []
    bind(here, "web", "b1")
    assert allowed(here, "db") == ["b1"]


def test_a_pod_outside_every_domain_does_not_keep_the_first_of_a_group_away():
    here = state(ZONES, pod("old", "web", node="free"), pod("web", "web", pod_affinity=[near(WEB)]))

    assert allowed(here, "web") == ["a1", "a2", "b1"]


def test_a_pod_in_the_domain_of_one_term_makes_the_others_bind():
    terms = [near(WEB), near(WEB, "rack")]
    nodes = [node("a1", "a"), node("a2", "a", labels={RACK: "1"})]
    here = state(nodes, pod("old", "web", node="a1"), pod("web", "web", pod_affinity=terms))

    assert allowed(here, "web") == []


def test_anti_affinity_keeps_a_pod_out_of_the_domain_and_passes_without_the_key():
    here = state(ZONES, pod("old", "web", node="a1"), pod(pod_anti_affinity=[near(WEB)]))

    assert verdicts(here) == {"a1": "InterPodAffinity", "a2": "InterPodAffinity", "b1": None, "free": None}


def test_each_anti_affinity_term_binds_alone():
    here = state(
        ZONES,
        pod("old", "web", node="a1"),
        pod("db", "db", node="b1"),
        pod(pod_anti_affinity=[near(WEB, "host"), near(DB)]),
    )

    assert allowed(here) == ["a2", "free"]


def test_who_stands_apart_keeps_those_out_that_its_terms_match():
    here = state(
        ZONES,
        pod("old", "db", node="a1", pod_anti_affinity=[near(WEB)]),
        pod("loner", "db", node="free", pod_anti_affinity=[near(WEB)]),
        pod("web", "web"),
        pod("other", "web", namespace="other"),
    )

    assert allowed(here, "web") == ["b1", "free"]
    assert allowed(here, "other") == ["a1", "a2", "b1", "free"]


def test_pods_stay_apart_whichever_names_the_other():
    here = state(
        ZONES,
        pod("old", node="a1", apart_from=["default/named"]),
        pod("names", apart_from=["old"]),
        pod("named"),
        pod("third", apart_from=["other/old"]),
    )

    assert verdicts(here, "names") == {"a1": "ApartFrom", "a2": None, "b1": None, "free": None}
    assert verdicts(here, "named") == {"a1": "ApartFrom", "a2": None, "b1": None, "free": None}
    assert allowed(here, "third") == ["a1", "a2", "b1", "free"]


# Limits, distinct domains, shares


def test_a_domain_holds_at_most_so_many_of_the_group_this_pod_counted_in():
    here = state(
        ZONES,
        pod("old", "web", node="a1"),
        pod("one", "web", domain_limits=[near(WEB, at_most=1)]),
        pod("two", "web", domain_limits=[near(WEB, at_most=2)]),
        pod("stranger", "db", domain_limits=[near(WEB, at_most=1)]),
    )

    assert verdicts(here, "one") == {"a1": "DomainLimit", "a2": "DomainLimit", "b1": None, "free": None}
    assert allowed(here, "two") == ["a1", "a2", "b1", "free"]
    assert allowed(here, "stranger") == ["b1", "free"]


def test_the_group_without_a_selector_is_the_pods_with_equal_labels():
    rule = [near(None, at_most=1)]
    here = state(
        ZONES,
        pod("old", labels={"app": "web"}, node="a1"),
        pod("more", labels={"app": "web", "tier": "x"}, node="b1"),
        pod("same", labels={"app": "web"}, domain_limits=rule),
        pod("other", labels={"app": "web"}, namespace="other", domain_limits=rule),
    )

    assert allowed(here, "same") == ["b1", "free"]
    assert allowed(here, "other") == ["a1", "a2", "b1", "free"]


def test_pods_go_to_new_domains_until_enough_distinct_ones_are_used():
    nodes = [*ZONES, node("c1", "c")]
    rule = [near(WEB, at_least=2)]
    here = state(nodes, pod("old", "web", node="a1"), pod("b", "web"), pod("web", "web", distinct_domains=rule))

    assert verdicts(here, "web") == {
        "a1": "DistinctDomains",
        "a2": "DistinctDomains",
        "b1": None,
        "free": "DistinctDomains",
        "c1": None,
    }
    bind(here, "b", "b1")
    assert allowed(here, "web") == ["a1", "a2", "b1", "c1"]


def test_a_domain_takes_its_share_of_the_group_rounded_up():
    rule = [near(WEB, shares={"a": 70, "b": 30})]
    here = state([*ZONES, node("c1", "c")], pod("web", "web", replicas=4, domain_shares=rule))

    assert verdicts(here, "web-0")["c1"] == "DomainShares"
    assert verdicts(here, "web-0")["free"] == "DomainShares"
    for name, where in (("web-0", "b1"), ("web-1", "b1")):
        bind(here, name, where)
    assert allowed(here, "web-2") == ["a1", "a2"]


def test_the_group_of_shares_is_what_stands_or_waits_without_gates():
    rule = [near(WEB, shares={"a": 1, "b": 1})]
    others = [
        pod("gone", "web", node="gone"),
        pod("gated", "web", scheduling_gates=["g"]),
        pod("odd", "web", unsupported=["u"]),
    ]
    here = state(
        ZONES, pod("old", "web", node="a1", scheduling_gates=["g"]), *others, pod("web", "web", domain_shares=rule)
    )

    assert allowed(here, "web") == ["b1"]


def test_soft_shares_reject_nothing():
    here = state(ZONES, pod("web", "web", domain_shares=[near(WEB, shares={"a": 1}, hard=False)]))

    assert allowed(here, "web") == ["a1", "a2", "b1", "free"]
