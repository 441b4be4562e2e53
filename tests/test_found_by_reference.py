"""Small clusters on which engine and reference once differed."""

from __future__ import annotations

from typing import Any

from reference import broken_bindings
from specimens import CORDON, GPU, ZONE, gpus, need, node, pod, spread

import placer as pl


def solved(nodes: list[pl.Node], pods: list[pl.Pod], **options: Any) -> pl.Solution:
    cluster = pl.Cluster(nodes, pods)
    solution = pl.solve(cluster, **options)
    assert broken_bindings(cluster, solution) == []
    assert pl.verify(cluster, solution) == []
    return solution


def test_a_share_that_wants_memory_stays_off_units_without_any():
    nodes = [gpus({}, {"capacity": {"memory": 8}})]
    small = [pod(name, devices=[need(share=0.5, amounts={"memory": 1})]) for name in ("one", "two")]
    wide = pod("wide", devices=[need(count=2, share=0.25)])

    solution = solved(nodes, [wide, *small], goals=["fragmentation"])

    taken = {binding.pod: binding.devices for binding in solution.bindings}
    assert taken["default/one"] == taken.get("default/two", {GPU: [1]}) == {GPU: [1]}


def test_a_terminating_pod_adds_to_its_own_spread():
    host = spread(key="host")

    solution = solved(
        [node("n1"), node("n2")], [pod("old", "web"), pod("new", "web", topology_spread=host, terminating=True)]
    )

    assert len({binding.node for binding in solution.bindings}) == 2


def test_explain_lets_an_alternative_tolerate_the_cordon():
    nodes = [
        node("a1", "a", unschedulable=True),
        node("b1", "b", unschedulable=True),
        node("c1", "c", unschedulable=True),
    ]
    open_to = [{"key": CORDON, "operator": "Exists"}]
    asked = pod(any_of=[{"node_selector": {ZONE: "a"}, "tolerations": open_to}, {"node_selector": {ZONE: "b"}}])

    found = pl.explain(pl.Cluster(nodes, [asked]), "default/pod")

    assert [verdict.rule for verdict in found.nodes] == [None, "AnyOf", "AnyOf"]


def test_explain_proposes_a_toleration_where_an_alternative_matches():
    nodes = [node("a1", "a", taints=[{"key": "t"}]), node("b1", "b", taints=[{"key": "u"}])]
    asked = pod(any_of=[{"node_selector": {ZONE: "a"}}, {"node_selector": {ZONE: "c"}, "tolerations": [{"key": "t"}]}])

    found = pl.explain(pl.Cluster(nodes, [asked]), "default/pod")

    assert [verdict.rule for verdict in found.nodes] == ["AnyOf", "TaintToleration"]
    assert "tolerate t:NoSchedule" in [change.text for change in found.changes]
