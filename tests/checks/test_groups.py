"""Groups and domains: spread, affinity, pods apart, limits, distinct domains, shares; each rule kept and broken."""

from __future__ import annotations

import pytest

import placer as pl

from .case import DB, TAINTED, WEB, ZONE, ZONES, Case, broken_rules, near, node, pod

CASES = [
    Case(
        "a zone is ahead by two",
        "PodTopologySpread",
        ZONES,
        [pod("a", "web", topology_spread=[near("web")]), pod("b", "web", topology_spread=[near("web")])],
        [("a", "a1"), ("b", "a2")],
        [("a", "a1"), ("b", "b1")],
    ),
    Case(
        "the order of bindings is skewed on the way, not in the end",
        "PodTopologySpread",
        ZONES,
        [pod(name, "web", topology_spread=[near("web")]) for name in "abcd"],
        [("a", "a1"), ("b", "a2"), ("c", "b1"), ("d", "b1")],
        [("a", "a1"), ("c", "b1"), ("b", "a2"), ("d", "b1")],
    ),
    Case(
        "a node without the key of a spread constraint",
        "PodTopologySpread",
        ZONES,
        [pod("a", "web", topology_spread=[near("web")])],
        [("a", "free")],
        [("a", "a1")],
    ),
    Case(
        "with fewer domains than wanted the emptiest counts as 0",
        "PodTopologySpread",
        ZONES,
        [
            pod("x", "web", node="a1"),
            pod("y", "web", node="b1"),
            pod("a", "web", topology_spread=[near("web", min_domains=3)]),
            pod("b", "web", topology_spread=[near("web", min_domains=2)]),
        ],
        [("a", "a1")],
        [("b", "a1")],
    ),
    Case(
        "a domain that the pod's selector excludes is no emptiest one, unless ignored",
        "PodTopologySpread",
        ZONES,
        [
            pod("x", "web", node="a1"),
            pod("a", "web", node_selector={ZONE: "a"}, topology_spread=[near("web", node_affinity_policy="Ignore")]),
            pod("b", "web", node_selector={ZONE: "a"}, topology_spread=[near("web")]),
        ],
        [("a", "a1")],
        [("b", "a1")],
    ),
    Case(
        "a tainted domain is no emptiest one where taints are honoured",
        "PodTopologySpread",
        [node("a1", "a"), node("b1", "b", **TAINTED)],
        [
            pod("x", "web", node="a1"),
            pod("a", "web", topology_spread=[near("web")]),
            pod("b", "web", topology_spread=[near("web", node_taints_policy="Honor")]),
        ],
        [("a", "a1")],
        [("b", "a1")],
    ),
    Case(
        "terminating pods are not counted by spread",
        "PodTopologySpread",
        ZONES,
        [
            pod("x", "web", node="a1", terminating=True),
            pod("y", "web", node="b1"),
            pod("a", "web", topology_spread=[near("web")]),
        ],
        [("a", "b1")],
        [("a", "a1")],
    ),
    Case(
        "affinity is met only by a pod that is bound later",
        "InterPodAffinity",
        ZONES,
        [pod("a", "web", pod_affinity=[near("db")]), pod("b", "db")],
        [("a", "a1"), ("b", "a2")],
        [("b", "a2"), ("a", "a1")],
    ),
    Case(
        "affinity is met in another zone",
        "InterPodAffinity",
        ZONES,
        [pod("a", "web", pod_affinity=[near("db")]), pod("b", "db", node="a1")],
        [("a", "b1")],
        [("a", "a2")],
    ),
    Case(
        "the second of a group that wants itself goes elsewhere",
        "InterPodAffinity",
        ZONES,
        [pod("a", "web", pod_affinity=[near("web")]), pod("b", "web", pod_affinity=[near("web")])],
        [("a", "a1"), ("b", "b1")],
        [("a", "a1"), ("b", "a2")],
    ),
    Case(
        "the first of a group that wants itself needs the key",
        "InterPodAffinity",
        ZONES,
        [pod("a", "web", pod_affinity=[near("web")])],
        [("a", "free")],
        [("a", "a1")],
    ),
    Case(
        "two terms are met by two pods, not by one that matches both",
        "InterPodAffinity",
        [node("a1", "a"), node("b1", "b")],
        [
            pod("x", "db", node="a1"),
            pl.Pod("y", labels={"tier": "1"}, node="a1"),
            pl.Pod("z", labels={"app": "db", "tier": "1"}, node="b1"),
            pod(
                "a",
                pod_affinity=[near("db"), {"topology_key": "zone", "selector": {"match_labels": {"tier": "1"}}}],
            ),
        ],
        [("a", "a1")],
        [("a", "b1")],
    ),
    Case(
        "affinity looks at the pod's own namespace only",
        "InterPodAffinity",
        ZONES,
        [
            pod("x", "db", node="a1", namespace="other"),
            pod("a", pod_affinity=[near("db")]),
            pod("b", pod_affinity=[near("db", namespaces=["other"])]),
        ],
        [("a", "a1")],
        [("b", "a1")],
    ),
    Case(
        "two pods that stay apart share a host",
        "InterPodAffinity",
        ZONES,
        [pod("a", "web", apart="host"), pod("b", "web", apart="host")],
        [("a", "a1"), ("b", "a1")],
        [("a", "a1"), ("b", "a2")],
    ),
    Case(
        "a pod comes where its anti-affinity forbids",
        "InterPodAffinity",
        ZONES,
        [pod("a", pod_anti_affinity=[near("db")]), pod("b", "db", node="a1")],
        [("a", "a2")],
        [("a", "free")],
    ),
    Case(
        "a pod comes where the anti-affinity of another keeps it out",
        "InterPodAffinity",
        ZONES,
        [pod("a", pod_anti_affinity=[near("db")]), pod("b", "db")],
        [("a", "a1"), ("b", "a2")],
        [("a", "a1"), ("b", "b1")],
    ),
    Case(
        "anti-affinity with all namespaces",
        "InterPodAffinity",
        ZONES,
        [pod("x", "db", node="a1", namespace="other"), pod("a", pod_anti_affinity=[near("db", namespace_selector={})])],
        [("a", "a1")],
        [("a", "b1")],
    ),
    Case(
        "anti-affinity against pods of another revision",
        "InterPodAffinity",
        ZONES,
        [
            pl.Pod("x", labels={"app": "web", "rev": "1"}, node="a1"),
            pl.Pod("y", labels={"app": "web", "rev": "2"}, node="b1"),
            pl.Pod(
                "a",
                labels={"app": "web", "rev": "2"},
                pod_anti_affinity=[near("web", mismatch_label_keys=["rev"])],
            ),
        ],
        [("a", "a1")],
        [("a", "b1")],
    ),
    Case(
        "a pod joins one that it wants to be apart from",
        "ApartFrom",
        [node("n1"), node("n2")],
        [pod("a", apart_from=["default/b"]), pod("b")],
        [("b", "n1"), ("a", "n1")],
        [("b", "n1"), ("a", "n2")],
    ),
    Case(
        "a pod joins one that wants to be apart from it",
        "ApartFrom",
        [node("n1"), node("n2")],
        [pod("a", apart_from=["b"]), pod("b")],
        [("a", "n1"), ("b", "n1")],
        [("a", "n1"), ("b", "n2")],
    ),
    Case(
        "a zone holds one pod too many",
        "DomainLimit",
        ZONES,
        [
            pod("a", "web", domain_limits=[{"topology_key": "zone", "at_most": 1}]),
            pod("b", "web", domain_limits=[{"topology_key": "zone", "at_most": 1}]),
        ],
        [("a", "a1"), ("b", "a2")],
        [("a", "a1"), ("b", "free")],
    ),
    Case(
        "a pod that its own limit does not select counts as one more",
        "DomainLimit",
        ZONES,
        [pod("x", "db", node="a1"), pod("a", domain_limits=[{"topology_key": "zone", "at_most": 1, "selector": DB}])],
        [("a", "a2")],
        [("a", "b1")],
    ),
    Case(
        "the second pod joins the first before enough domains are in use",
        "DistinctDomains",
        ZONES,
        [pod(name, "web", distinct_domains=[{"topology_key": "zone", "at_least": 2}]) for name in "abc"],
        [("a", "a1"), ("b", "a2"), ("c", "b1")],
        [("a", "a1"), ("c", "b1"), ("b", "a2")],
    ),
    Case(
        "a node without the key is no distinct domain",
        "DistinctDomains",
        ZONES,
        [pod("a", "web", distinct_domains=[{"topology_key": "zone", "at_least": 2}])],
        [("a", "free")],
        [("a", "b1")],
    ),
    Case(
        "a zone takes more than its share",
        "DomainShares",
        ZONES,
        [pod(name, "web", domain_shares=[{"topology_key": "zone", "shares": {"a": 70, "b": 30}}]) for name in "abc"],
        [("a", "b1"), ("b", "b1")],
        [("a", "b1"), ("b", "a1"), ("c", "a2")],
    ),
    Case(
        "a zone without a share takes none",
        "DomainShares",
        ZONES,
        [pod("a", "web", domain_shares=[{"topology_key": "zone", "shares": {"a": 1}, "selector": WEB}])],
        [("a", "b1")],
        [("a", "a1")],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_rule_is_named_and_no_other(case):
    assert broken_rules(case, case.broken) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_legal_answer_passes(case):
    assert broken_rules(case, case.legal) == set()
