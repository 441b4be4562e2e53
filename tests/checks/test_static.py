"""Static rules: the pod against the node alone; each rule kept and broken."""

from __future__ import annotations

from typing import Any

import pytest

from .case import EVERYWHERE, TAINTED, ZONE, ZONES, Case, broken_rules, node, pod, terms


def waits(name: str = "data", **waiting: Any) -> dict[str, Any]:
    """A volume whose claim waits."""
    return {"name": name, "waiting": waiting}


CASES = [
    Case(
        "a gated pod is bound",
        "SchedulingGates",
        [node("n1")],
        [pod("a", scheduling_gates=["wait"]), pod("b")],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "a pod with an unsupported rule is bound",
        "Unsupported",
        [node("n1")],
        [pod("a", unsupported=["resourceClaims"]), pod("b")],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "a pod goes to a cordoned node",
        "NodeUnschedulable",
        [node("n1", unschedulable=True), node("n2")],
        [pod("a")],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a toleration of another key does not open a cordoned node",
        "NodeUnschedulable",
        [node("n1", unschedulable=True)],
        [pod("a", tolerations=[{"key": "x", "operator": "Exists"}]), pod("b", tolerations=[EVERYWHERE])],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "a pinned pod goes elsewhere",
        "NodeName",
        [node("n1"), node("n2")],
        [pod("a", nodes=["n2", "n9"])],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a pod goes to a node that it forbids",
        "ForbiddenNodes",
        [node("n1"), node("n2")],
        [pod("a", forbidden_nodes=["n1"])],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a NoSchedule taint is not tolerated",
        "TaintToleration",
        [node("n1", **TAINTED)],
        [pod("a"), pod("b", tolerations=[{"key": "gpu", "value": "true"}])],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "a NoExecute taint is tolerated for NoSchedule only",
        "TaintToleration",
        [node("n1", taints=[{"key": "gpu", "effect": "NoExecute"}])],
        [
            pod("a", tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]),
            pod("b", tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]),
        ],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "one of two taints is tolerated",
        "TaintToleration",
        [
            node("n1", taints=[{"key": "x"}, {"key": "y"}]),
            node("n2", taints=[{"key": "y", "effect": "PreferNoSchedule"}]),
        ],
        [pod("a", tolerations=[{"key": "x", "operator": "Exists"}])],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a selected label has another value",
        "NodeAffinity",
        ZONES,
        [pod("a", node_selector={ZONE: "a"})],
        [("a", "b1")],
        [("a", "a2")],
    ),
    Case(
        "a selected label is missing",
        "NodeAffinity",
        ZONES,
        [pod("a", node_selector={ZONE: "a"})],
        [("a", "free")],
        [("a", "a1")],
    ),
    Case(
        "no term of the node affinity matches",
        "NodeAffinity",
        ZONES,
        [pod("a", node_affinity=[*terms("In", "a"), *terms("DoesNotExist")])],
        [("a", "b1")],
        [("a", "free")],
    ),
    Case(
        "an affinity for one hostname",
        "NodeAffinity",
        ZONES,
        [pod("a", node_affinity=terms("In", "a1", key="kubernetes.io/hostname"))],
        [("a", "a2")],
        [("a", "a1")],
    ),
    Case(
        "an affinity against one name",
        "NodeAffinity",
        ZONES,
        [pod("a", node_affinity=[{"match_fields": [{"key": "metadata.name", "operator": "NotIn", "values": ["a1"]}]}])],
        [("a", "a1")],
        [("a", "a2")],
    ),
    Case(
        "an empty affinity term matches no node",
        "NodeAffinity",
        ZONES,
        [pod("a", node_affinity=[{}]), pod("b")],
        [("a", "a1")],
        [("b", "a1")],
    ),
    Case(
        "no alternative matches",
        "AnyOf",
        ZONES,
        [pod("a", any_of=[{"node_selector": {ZONE: "a"}}, {"node_affinity": terms("DoesNotExist")}])],
        [("a", "b1")],
        [("a", "free")],
    ),
    Case(
        "one alternative matches and another tolerates",
        "AnyOf",
        [node("n1", "a", **TAINTED), node("n2", "b", **TAINTED)],
        [
            pod(
                "a",
                any_of=[{"node_selector": {ZONE: "a"}}, {"node_selector": {ZONE: "b"}, "tolerations": [EVERYWHERE]}],
            )
        ],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "no alternative tolerates the taint",
        "TaintToleration",
        [node("n1", "a", **TAINTED), node("n2", "a")],
        [pod("a", any_of=[{"tolerations": [{"key": "other", "operator": "Exists"}]}])],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a volume is not reached",
        "VolumeBinding",
        ZONES,
        [pod("a", volumes=[{"name": "data"}, {"name": "disk", "topology": terms("In", "a")}])],
        [("a", "b1")],
        [("a", "a1")],
    ),
    Case(
        "a volume lies in another zone",
        "VolumeZone",
        ZONES,
        [pod("a", volumes=[{"name": "data"}, {"name": "disk", "zones": {ZONE: ["a"]}}])],
        [("a", "b1")],
        [("a", "a1")],
    ),
    Case(
        "nothing offered to a claim reaches the node, and none is made there",
        "VolumeBinding",
        ZONES,
        [pod("a", volumes=[waits(offers=[{"name": "p", "topology": terms("In", "a")}], provisions=False)])],
        [("a", "b1")],
        [("a", "a1")],
    ),
    Case(
        "two claims are bound to one volume",
        "VolumeBinding",
        ZONES,
        [pod(name, volumes=[waits(name, offers=[{"name": "p"}], topology=terms("In", "a"))]) for name in "ab"],
        [("a", "b1"), ("b", "b1")],
        [("a", "b1"), ("b", "a1")],
    ),
    Case(
        "a volume is made for a claim on the node of another pod",
        "VolumeBinding",
        ZONES,
        [pod(name, volumes=[waits()]) for name in "ab"],
        [("a", "a1"), ("b", "a2")],
        [("a", "a1"), ("b", "a1")],
    ),
    Case(
        "a binding names another volume than the first that will do",
        "VolumeBinding",
        ZONES,
        [pod("a", volumes=[waits(offers=[{"name": "p"}, {"name": "q"}])])],
        [("a", "a1", {}, {"data": "q"})],
        [("a", "a1", {}, {"data": "p"})],
    ),
    Case(
        "a local volume is on another node",
        "VolumeBinding",
        ZONES,
        [pod("a", volumes=[{"name": "disk", "topology": terms("In", "a1", key="kubernetes.io/hostname")}])],
        [("a", "a2")],
        [("a", "a1")],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_rule_is_named_and_no_other(case):
    assert broken_rules(case, case.broken) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_legal_answer_passes(case):
    assert broken_rules(case, case.legal) == set()
