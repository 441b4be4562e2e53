"""Explain: which rule rejects a pod on each node, how nodes score, and the smallest changes that let it fit."""

from __future__ import annotations

import pytest

import placer as pl
from placer.errors import InputError
from placer.explaining.changes import Change

ZONE = "topology.kubernetes.io/zone"


def zone(name: str) -> dict[str, str]:
    return {ZONE: name}


def change(explanation: object, kind: str) -> Change:
    found = [change for change in explanation.changes if change.kind == kind]  # type: ignore[attr-defined]
    assert found, [change.text for change in explanation.changes]  # type: ignore[attr-defined]
    return found[0]


def fits(cluster: pl.Cluster, pod: pl.Pod) -> bool:
    changed = Change("", "", pod).apply(cluster)
    return pl.explain(changed, f"{pod.namespace}/{pod.name}").nodes.accepted > 0


def test_a_node_that_is_too_full_says_what_is_asked_and_what_is_free():
    cluster = pl.Cluster([pl.Node("n1", cpu=8)], [pl.Pod("old", cpu="6800m", node="n1"), pl.Pod("new", cpu=4)])

    explanation = pl.explain(cluster, "new")

    assert explanation.nodes[0].rule == "NodeResourcesFit"
    assert explanation.nodes[0].reason == "Insufficient cpu: asks 4000m, 1200m free of 8000m"
    assert explanation.message == "0/1 nodes are available: 1 Insufficient cpu."


def test_the_first_rule_that_rejects_is_named_and_counted():
    nodes = [
        pl.Node("cordoned", cpu=8, unschedulable=True),
        pl.Node("tainted", cpu=8, taints=[{"key": "gpu", "value": "true"}]),
        pl.Node("small", cpu=1),
        pl.Node("tiny", cpu=1),
    ]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2)])

    explanation = pl.explain(cluster, "web")

    assert [verdict.rule for verdict in explanation.nodes] == [
        "NodeUnschedulable",
        "TaintToleration",
        "NodeResourcesFit",
        "NodeResourcesFit",
    ]
    assert explanation.message == (
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu."
    )


def test_a_pod_that_stands_is_explained_without_its_own_binding():
    cluster = pl.Cluster([pl.Node("n1", cpu=2), pl.Node("n2", cpu=4)], [pl.Pod("web", cpu=2, node="n1")])

    explanation = pl.explain(cluster, "web")

    assert (explanation.state, explanation.node) == ("present", "n1")
    assert [verdict.rule for verdict in explanation.nodes] == [None, None]
    assert explanation.changes == ()


def test_an_empty_node_costs_its_price_and_a_used_one_nothing():
    nodes = [pl.Node("used", cpu=4, price=3), pl.Node("empty", cpu=4, price=2)]
    cluster = pl.Cluster(nodes, [pl.Pod("old", cpu=1, node="used"), pl.Pod("new", cpu=1)])

    explanation = pl.explain(cluster, "new", goals=["pack", "balance"])

    assert [dict(verdict.scores) for verdict in explanation.nodes] == [
        {"pack": 0.0, "balance": 0.1875},
        {"pack": 2.0, "balance": 0.0625},
    ]
    assert [row[0] for row in explanation.rows()] == ["used", "empty"]


def test_headroom_counts_load_above_four_fifths():
    cluster = pl.Cluster([pl.Node("n1", cpu=10)], [pl.Pod("old", cpu=7, node="n1"), pl.Pod("new", cpu=2)])

    explanation = pl.explain(cluster, "new", goals=["2*headroom"])

    assert explanation.nodes[0].scores["headroom"] == pytest.approx(0.1)
    assert explanation.nodes[0].total == pytest.approx((0.2,))


def test_fragmentation_counts_what_a_typical_pod_cannot_use():
    nodes = [pl.Node("n1", cpu=8, devices=[{"kind": "nvidia.com/gpu", "count": 2}])]
    need = {"kind": "nvidia.com/gpu", "share": 0.5}
    cluster = pl.Cluster(nodes, [pl.Pod("half", cpu=1, devices=[need]), pl.Pod("whole", cpu=1, gpu=1)])

    explanation = pl.explain(cluster, "half", goals=["fragmentation"])

    # Afterwards 500 of 1500 thousandths are lost on the pod that needs a whole unit, which is half of the pods.
    assert explanation.nodes[0].scores == {"fragmentation": 250.0}


def test_preferences_count_what_wishes_lose():
    nodes = [pl.Node("plain", cpu=4), pl.Node("ssd", cpu=4, labels={"disk": "ssd"})]
    term = {"match_expressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=1, preferred_nodes=[{"weight": 7, "term": term}])])

    explanation = pl.explain(cluster, "web", goals=["preferences"], instead_of="plain")

    assert [verdict.scores["preferences"] for verdict in explanation.nodes] == [7.0, 0.0]


def test_here_and_there_are_compared_term_by_term():
    nodes = [pl.Node("n1", cpu=4, price=1), pl.Node("n2", cpu=4, price=5)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2, node="n1")])

    comparison = pl.explain(cluster, "web", goals=["pack", "balance"], instead_of="n2").comparison

    assert comparison.terms == {"pack": (1.0, 5.0, 4.0), "balance": (0.25, 0.25, 0.0)}
    assert comparison.total == (4.0, 0.0)


def test_there_is_said_to_reject_with_its_rule_and_reason():
    nodes = [pl.Node("n1", cpu=4), pl.Node("n2", cpu=1)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2, node="n1")])

    comparison = pl.explain(cluster, "web", instead_of="n2").comparison

    assert (comparison.rule, comparison.reason) == (
        "NodeResourcesFit",
        "Insufficient cpu: asks 2000m, 1000m free of 1000m",
    )


def solution(cluster: pl.Cluster, bindings: list[tuple[str, str]], **fields: object) -> pl.Solution:
    return pl.Solution.from_dict(
        {
            "version": 1,
            "input": cluster.digest,
            "bindings": [{"pod": pod, "node": node} for pod, node in bindings],
            **fields,
        }
    )


def test_with_a_solution_only_earlier_bindings_stand():
    pods = [pl.Pod(name, cpu=2) for name in "abc"]
    cluster = pl.Cluster([pl.Node("n1", cpu=4), pl.Node("n2", cpu=4)], pods)
    answer = solution(cluster, [("default/a", "n1"), ("default/b", "n1"), ("default/c", "n2")])

    second = pl.explain(cluster, "b", solution=answer)
    third = pl.explain(cluster, "c", solution=answer)

    assert (second.state, second.node) == ("before binding 2 of 3", "n1")
    assert [verdict.rule for verdict in second.nodes] == [None, None]
    assert [verdict.rule for verdict in third.nodes] == ["NodeResourcesFit", None]


def test_an_unplaced_pod_is_explained_in_the_final_state():
    cluster = pl.Cluster([pl.Node("n1", cpu=4)], [pl.Pod("a", cpu=3), pl.Pod("big", cpu=3)])

    explanation = pl.explain(cluster, "big", solution=solution(cluster, [("default/a", "n1")]))

    assert (explanation.state, explanation.node) == ("final", None)
    assert explanation.nodes[0].reason == "Insufficient cpu: asks 3000m, 1000m free of 4000m"


def test_evictions_for_a_pod_are_made_before_it_is_decided():
    pods = [pl.Pod("low", cpu=3, node="n1"), pl.Pod("high", cpu=3, priority=5)]
    cluster = pl.Cluster([pl.Node("n1", cpu=4)], pods)
    eviction = {"pod": "default/low", "node": "n1", "beneficiary": "default/high"}
    answer = solution(cluster, [("default/high", "n1")], evictions=[eviction])

    assert pl.explain(cluster, "high", solution=answer).nodes[0].rule is None
    assert pl.explain(cluster, "high").nodes[0].rule == "NodeResourcesFit"


def test_less_of_one_resource_is_proposed_by_the_smallest_amount():
    nodes = [pl.Node("n1", cpu=2, memory="1Gi"), pl.Node("n2", cpu=1, memory="4Gi")]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu="2200m", memory="1Gi")])

    explanation = pl.explain(cluster, "web")

    assert change(explanation, "resource").text == "ask 200m less cpu (2000m)"
    assert fits(cluster, change(explanation, "resource").pod)


def test_a_toleration_is_proposed_for_the_taint_that_is_in_the_way():
    nodes = [pl.Node("n1", cpu=2, taints=[{"key": "gpu", "value": "true"}, {"key": "spot"}]), pl.Node("n2", cpu=1)]
    cluster = pl.Cluster([*nodes, pl.Node("n3", cpu=2, taints=[{"key": "gpu", "value": "true"}])], [pl.Pod("a", cpu=2)])

    assert change(pl.explain(cluster, "a"), "toleration").text == "tolerate gpu=true:NoSchedule"


def test_a_selector_requirement_is_proposed_to_be_dropped():
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=2, labels={"arch": "arm"})],
        [pl.Pod("web", cpu=1, node_selector={"disk": "ssd", "arch": "arm"})],
    )

    changed = change(pl.explain(cluster, "web"), "selector")

    assert changed.text == "drop disk=ssd of the node selector and affinity"
    assert changed.pod.node_selector == {"arch": "arm"}


def test_a_third_zone_or_a_larger_skew_lets_a_spread_pod_fit():
    nodes = [pl.Node("a", cpu=9, labels=zone("a")), pl.Node("b", cpu=1, labels=zone("b"))]
    pods = [pl.Pod("web", replicas=1, cpu=1, spread="zone", labels={"app": "web"}, node="a")]
    cluster = pl.Cluster(nodes, [*pods, pl.Pod("next", cpu=2, spread="zone", labels={"app": "web"})])

    explanation = pl.explain(cluster, "next")

    assert explanation.nodes[0].rule == "PodTopologySpread"
    assert change(explanation, "max_skew").text == f"raise max_skew of the spread over {ZONE} to 2"
    assert change(explanation, "domain").text == f"a third zone: add a node like a with {ZONE}=zone-3"
    assert change(explanation, "resource").text == "ask 1000m less cpu (1000m)"


def test_a_node_in_several_new_domains_is_proposed_where_one_is_not_enough():
    rack = "topology.kubernetes.io/rack"
    pods = [pl.Pod("a", labels={"app": "a"}, apart=["zone", "rack"], node="n1"), pl.Pod("b", labels={"app": "a"})]
    cluster = pl.Cluster([pl.Node("n1", cpu=1, labels={**zone("a"), rack: "r"})], pods)

    explanation = pl.explain(cluster, "b")

    assert [change.text for change in explanation.changes] == [
        f"a second zone and a second rack: add a node like n1 with {ZONE}=zone-2 and {rack}=rack-2"
    ]


def test_a_host_port_in_use_is_proposed_to_be_given_up():
    pods = [pl.Pod("old", ports=[80], node="n1"), pl.Pod("new", ports=[80, 443])]
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], pods)

    assert change(pl.explain(cluster, "new"), "port").text == "give up host port 80/TCP"
    assert change(pl.explain(cluster, "new"), "node").text == "add a node like n1"


def test_fewer_or_smaller_devices_are_proposed():
    nodes = [pl.Node("n1", cpu=4, devices=[{"kind": "nvidia.com/gpu", "count": 2}])]
    half = {"kind": "nvidia.com/gpu", "share": 0.3}
    cluster = pl.Cluster(nodes, [pl.Pod("old", devices=[half], node="n1"), pl.Pod("new", gpu=2)])

    texts = [change.text for change in pl.explain(cluster, "new").changes if change.kind == "device"]

    assert texts == [
        "ask 1 unit of nvidia.com/gpu instead of 2 units",
        "ask 700/1000 of each unit of nvidia.com/gpu instead of 1000/1000",
    ]


def test_one_zone_preferred_lets_a_pod_fit_that_no_numa_zone_has_room_for():
    zones = [{"kind": "numa", "count": 2, "capacity": {"cpu": 32, "memory": "64Gi"}}]
    cluster = pl.Cluster([pl.Node("n1", cpu=64, devices=zones)], [pl.Pod("big", cpu=40, numa="require")])

    explanation = pl.explain(cluster, "big")

    assert explanation.nodes[0].rule == "Numa"
    assert [change.text for change in explanation.changes] == [
        "ask 8000m less cpu (32000m)",
        "prefer one NUMA zone instead of requiring it",
    ]


def test_pins_and_forbidden_nodes_are_lifted_one_by_one():
    nodes = [pl.Node("n1", cpu=1), pl.Node("n2", cpu=4), pl.Node("n3", cpu=4)]
    cluster = pl.Cluster(
        nodes, [pl.Pod("pinned", cpu=2, nodes=["n1"]), pl.Pod("b", cpu=2, forbidden_nodes=["n2", "n3"])]
    )

    assert change(pl.explain(cluster, "pinned"), "pin").text == "lift the pin to n1"
    assert change(pl.explain(cluster, "b"), "forbidden").pod.forbidden_nodes == ("n3",)


def test_gates_are_lifted_with_whatever_else_is_in_the_way():
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("web", cpu=2, scheduling_gates=["quota"])])

    kinds = [change.kind for change in pl.explain(cluster, "web").changes]

    assert kinds == ["gates + resource"]


def test_kinds_are_combined_where_none_does_alone():
    cluster = pl.Cluster([pl.Node("n1", cpu=1, taints=[{"key": "spot"}])], [pl.Pod("web", cpu=2)])

    explanation = pl.explain(cluster, "web")

    assert [change.text for change in explanation.changes] == [
        "tolerate spot:NoSchedule and ask 1000m less cpu (1000m)"
    ]


def test_unknown_names_and_goals_are_input_errors():
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("web", cpu=1)])

    with pytest.raises(InputError, match="pod is 'wob', which the input does not have"):
        pl.explain(cluster, "wob")
    with pytest.raises(InputError, match="instead_of is 'n9', which the input does not have"):
        pl.explain(cluster, "web", instead_of="n9")
    with pytest.raises(InputError, match="goals: 'speed' is no goal"):
        pl.explain(cluster, "web", goals=["speed"])


def test_a_table_is_cut_after_so_many_nodes_and_counts_the_rest():
    cluster = pl.Cluster([pl.Node(f"n{i}", cpu=1) for i in range(5)], [pl.Pod("web", cpu=1)])

    explanation = pl.explain(cluster, "web")

    assert explanation.rows(2) == [("n0", "fits", "", "1"), ("n1", "fits", "", "1"), ("and 3 more nodes", "", "", "")]
    assert explanation.to_dict(2)["nodes_not_listed"] == 3


def test_explain_shares_no_code_with_the_engines():
    import subprocess
    import sys

    script = "import sys, placer.explain; print(*[m for m in sys.modules if m.startswith('placer.')])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert not [name for name in loaded if name.split(".")[1] in ("encode", "kernels", "packing", "solve", "verify")]


def test_selectors_of_groups_without_a_selector_mean_pods_with_equal_labels():
    limit = {"topology_key": "zone", "at_most": 1}
    old = pl.Pod("old", labels={"app": "a"}, node="n1")
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=1, labels=zone("a"))], [old, pl.Pod("new", labels={"app": "a"}, domain_limits=[limit])]
    )

    explanation = pl.explain(cluster, "new")

    assert explanation.nodes[0].rule == "DomainLimit"
    assert change(explanation, "at_most").pod.domain_limits[0].at_most == 2
