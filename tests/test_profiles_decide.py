"""What a scheduler's configuration changes in decisions: plugins off, weights, arguments, several profiles."""

from __future__ import annotations

import pytest

import placer as pl
from placer.model.profile import FILTERS, WEIGHTS, AddedAffinity, Fit, Profile
from placer.model.relation import ZONE


def without(name: str) -> Profile:
    return Profile(filters=tuple(each for each in FILTERS if each != name))


def placed(cluster: pl.Cluster, profile: Profile) -> dict[str, str]:
    return {one.pod.removeprefix("default/"): one.node for one in pl.solve(cluster, profile=profile).bindings}


TAINT = pl.Taint(key="t", effect="NoSchedule")
SPREAD = {"topology_key": ZONE, "selector": {"match_labels": {"app": "web"}}}
CASES = {
    "NodeUnschedulable": ({"unschedulable": True}, {}),
    "NodeName": ({}, {"nodes": ["other"]}),
    "TaintToleration": ({"taints": [TAINT]}, {}),
    "NodeAffinity": ({}, {"node_selector": {"disk": "ssd"}}),
    "NodePorts": ({}, {"ports": [80]}),
    "NodeResourcesFit": ({}, {"cpu": 9}),
    "NodeVolumeLimits": ({"volume_limits": {"d": 0}}, {"volumes": [{"name": "v", "driver": "d"}]}),
    "VolumeZone": ({}, {"volumes": [{"name": "v", "zones": {ZONE: ["b"]}}]}),
    "PodTopologySpread": ({}, {"labels": {"app": "web"}, "topology_spread": [SPREAD]}),
    "InterPodAffinity": ({}, {"labels": {"app": "web"}, "apart": "host"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_filter_that_is_off_rejects_nobody(name):
    of_node, of_pod = CASES[name]
    nodes = [pl.Node("n1", cpu=4, memory="4Gi", pods=9, labels={ZONE: "a"}, **of_node)]
    if name == "PodTopologySpread":
        nodes.append(pl.Node("n2", cpu=4, pods=0, labels={ZONE: "b"}))
    stands = pl.Pod("stands", node="n1", labels={"app": "web"}, ports=[80])
    cluster = pl.Cluster(nodes, [stands, pl.Pod("web", **of_pod)])
    assert placed(cluster, Profile()) == {}
    (left,) = pl.solve(cluster, profile="kubernetes").unplaced
    assert name in {reason.rule for reason in left.reasons}
    assert placed(cluster, without(name)) == {"web": "n1"}


def test_weights_choose_between_plugins():
    nodes = [
        pl.Node("full", cpu=4, memory="4Gi", pods=9, labels={"disk": "ssd"}),
        pl.Node("free", cpu=64, memory="64Gi", pods=9),
    ]
    wish = {"weight": 1, "term": {"match_expressions": [{"key": "disk", "operator": "Exists"}]}}
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=3, memory="3Gi", preferred_nodes=[wish])])
    assert placed(cluster, Profile()) == {"web": "full"}
    assert placed(cluster, Profile(weights={**WEIGHTS, "NodeResourcesFit": 10})) == {"web": "free"}


def test_most_allocated_fills_nodes_and_least_allocated_spreads():
    nodes = [pl.Node(name, cpu=4, memory="4Gi", pods=9) for name in ("n1", "n2")]
    cluster = pl.Cluster(nodes, [pl.Pod("web", replicas=2, cpu=1, memory="1Gi")])
    assert set(placed(cluster, Profile()).values()) == {"n1", "n2"}
    assert set(placed(cluster, Profile(fit=Fit(strategy="MostAllocated"))).values()) == {"n1"}


def test_the_shape_of_requested_to_capacity_ratio_is_followed():
    fit = Fit(strategy="RequestedToCapacityRatio", shape=((0, 0), (50, 10), (100, 0)))
    nodes = [pl.Node("half", cpu=4, memory="4Gi", pods=9), pl.Node("whole", cpu=2, memory="2Gi", pods=9)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2, memory="2Gi")])
    assert placed(cluster, Profile(fit=fit)) == {"web": "half"}


def test_ignored_resources_are_not_looked_at():
    cluster = pl.Cluster([pl.Node("n1", cpu=4, pods=9)], [pl.Pod("web", requests={"example.com/x": 1})])
    assert placed(cluster, Profile()) == {}
    assert placed(cluster, Profile(fit=Fit(ignored_groups=("example.com",)))) == {"web": "n1"}


def test_added_affinity_narrows_every_pod_and_says_so():
    added = AddedAffinity(required=[{"match_expressions": [{"key": "pool", "operator": "In", "values": ["a"]}]}])
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=4, pods=9), pl.Node("n2", cpu=4, pods=9, labels={"pool": "a"})], [pl.Pod("web")]
    )
    assert placed(cluster, Profile(added_affinity=added)) == {"web": "n2"}
    nowhere = pl.Cluster([pl.Node("n1", cpu=4, pods=9)], [pl.Pod("web")])
    (left,) = pl.solve(nowhere, profile=Profile(added_affinity=added, preempts=False)).unplaced
    assert left.message == "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity."


def test_default_constraints_may_be_hard():
    profile = Profile(default_spread=[{"topology_key": ZONE, "max_skew": 1}], system_spread=False)
    nodes = [pl.Node("a", cpu=64, pods=99, labels={ZONE: "a"}), pl.Node("b", cpu=2, pods=1, labels={ZONE: "b"})]
    web = pl.Pod("web", replicas=4, labels={"app": "web"}, siblings={"match_labels": {"app": "web"}})
    assert len(placed(pl.Cluster(nodes, [web]), profile)) == 3


def test_each_profile_decides_its_own_pods_and_leaves_the_others_alone():
    nodes = [pl.Node(name, cpu=4, memory="4Gi", pods=9) for name in ("n1", "n2")]
    pods = [
        pl.Pod("first", cpu=1, memory="1Gi", scheduler_name="pack"),
        pl.Pod("second", cpu=1, memory="1Gi", scheduler_name="pack"),
        pl.Pod("third", cpu=1, memory="1Gi", scheduler_name="spread"),
        pl.Pod("other", cpu=1, memory="1Gi", scheduler_name="elsewhere"),
    ]
    profiles = [Profile(scheduler_name="pack", fit=Fit(strategy="MostAllocated")), Profile(scheduler_name="spread")]
    solution = pl.solve(pl.Cluster(nodes, pods), profile=profiles)
    where = {one.pod: one.node for one in solution.bindings}
    assert where == {"default/first": "n1", "default/second": "n1", "default/third": "n2"}
    assert solution.unplaced == []
    assert pl.verify(pl.Cluster(nodes, pods), solution) == []
