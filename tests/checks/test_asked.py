"""How many pods each rule is asked of: no more than it may reject, no fewer than break it."""

from __future__ import annotations

from random import Random
from typing import Any

import placer as pl
from placer.checks.asked import pods_asked
from placer.model.rule import Rule
from placer.solution import Binding, Move, Solution

from .case import BIG, EVERYWHERE, GPU, near, pod, terms
from .worlds import answer, world

HOSTPORT = {"host_ports": [{"port": 80}]}


def stands(name: str, where: str, app: str = "", **fields: Any) -> pl.Pod:
    return pod(name, app, node=where, **fields)


def everything_broken() -> pl.Cluster:
    """Each rule but Unsupported is broken by pods that stand, whose names begin with it."""
    zone = {"topology.kubernetes.io/zone": "a"}
    nodes = [
        pl.Node("n1", labels=zone, devices=[{"kind": GPU, "count": 1}], volume_limits={"csi": 1}, **BIG),
        pl.Node("n2", labels=zone, taints=[{"key": "gone"}], unschedulable=True, **BIG),
        pl.Node("n3", devices=[{"kind": "numa", "capacity": {"cpu": 1, "memory": "1Gi"}}], **BIG),
        pl.Node("n4", labels={"topology.kubernetes.io/zone": "b"}, **BIG),
    ]
    cordoned = [{"key": "gone", **EVERYWHERE}]
    taint = [{"key": "node.kubernetes.io/unschedulable", **EVERYWHERE}]
    volumes = [{"name": "one", "driver": "csi"}, {"name": "two", "driver": "csi"}]
    once = {"volumes": [{"name": "once", "access": "ReadWriteOncePod"}]}
    return pl.Cluster(
        nodes,
        [
            stands("SchedulingGates", "n1", scheduling_gates=["wait"]),
            stands("NodeUnschedulable", "n2", tolerations=cordoned),
            stands("NodeName", "n1", nodes=["n2"]),
            stands("ForbiddenNodes", "n1", forbidden_nodes=["n1"]),
            stands("TaintToleration", "n2", tolerations=taint),
            stands("NodeAffinity", "n1", node_selector={"disk": "ssd"}),
            stands("AnyOf", "n1", any_of=[{"node_selector": {"disk": "ssd"}}]),
            stands("NodePorts-1", "n1", **HOSTPORT),
            stands("NodePorts-2", "n1", **HOSTPORT),
            stands("NodeResourcesFit", "n4", cpu=9),
            stands("Devices", "n1", devices=[{"kind": GPU, "count": 2}]),
            stands("Numa", "n3", cpu=2, numa="require"),
            stands("VolumeRestrictions-1", "n1", **once),
            stands("VolumeRestrictions-2", "n4", **once),
            stands("NodeVolumeLimits", "n1", volumes=volumes),
            stands("VolumeBinding", "n1", volumes=[{"name": "far", "topology": terms("In", "b")}]),
            stands("VolumeZone", "n1", volumes=[{"name": "zoned", "zones": {"topology.kubernetes.io/zone": ["b"]}}]),
            stands("PodTopologySpread", "n3", "s", topology_spread=[near("s")]),
            stands("InterPodAffinity-1", "n1", "web", pod_anti_affinity=[near("db")]),
            stands("InterPodAffinity-2", "n1", "db"),
            stands("ApartFrom-1", "n1", apart_from=["ApartFrom-2"]),
            stands("ApartFrom-2", "n1"),
            stands("DomainLimit", "n1", domain_limits=[near("web", at_most=1)]),
            stands("DistinctDomains", "n3", distinct_domains=[near("s", at_least=2)]),
            stands("DomainShares", "n1", domain_shares=[near("s", shares={"b": 1})]),
            pod("pending", host_ports=[{"port": 80}]),
            pod("lost", node="elsewhere", host_ports=[{"port": 80}]),
        ],
    )


def test_each_rule_counts_the_pods_that_stand_and_have_something_for_it_to_ask():
    every, one, volumes = 25, 1, 5

    assert pods_asked(everything_broken()) == {
        "SchedulingGates": every,
        "Unsupported": 0,
        "NodeUnschedulable": every,
        "NodeName": one,
        "ForbiddenNodes": one,
        "TaintToleration": every,
        "NodeAffinity": one,
        "AnyOf": one,
        "NodePorts": 2,
        "NodeResourcesFit": every,
        "Devices": 2,
        "Numa": one,
        "VolumeRestrictions": volumes,
        "NodeVolumeLimits": volumes,
        "VolumeBinding": volumes,
        "VolumeZone": volumes,
        "PodTopologySpread": one,
        "InterPodAffinity": 2,
        "ApartFrom": 2,
        "DomainLimit": one,
        "DistinctDomains": one,
        "DomainShares": one,
    }


def test_a_dump_with_every_rule_broken_names_each_by_the_pods_that_break_it():
    found: dict[str, set[str]] = {}
    for violation in pl.verify(everything_broken()):
        found.setdefault(violation.rule, set()).add(violation.pod.removeprefix("default/").partition("-")[0])

    assert found == {rule.name: {rule.name} for rule in Rule if rule != Rule.Unsupported}


def test_a_solution_is_asked_for_the_pods_that_it_binds_or_moves():
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=4), pl.Node("n2", cpu=4)],
        [pl.Pod("stands", node="n1", cpu=1), pl.Pod("moves", node="n1", cpu=1), pl.Pod("a"), pl.Pod("left", cpu=9)],
    )
    moves = [Move(0, "default/moves", "n1", "n2")]
    answer = Solution(cluster.digest, [Binding("default/a", "n1")], [], {}, moves=moves)

    asked = pods_asked(cluster, answer)

    assert (asked["NodeResourcesFit"], asked["Unsupported"], asked["NodePorts"]) == (2, 2, 0)


def test_no_pod_breaks_a_rule_that_it_was_not_asked():
    seen: set[str] = set()
    for seed in range(400):
        random = Random(seed)
        cluster = world(random)
        given = answer(random, cluster)
        for solution in (None, Solution(cluster.digest, objective={}, **given)):
            asked = pods_asked(cluster, solution)
            broken: dict[str, set[str]] = {}
            for violation in pl.verify(cluster, solution):
                broken.setdefault(violation.rule, set()).add(violation.pod)
            for rule in asked.keys() & broken.keys():
                seen.add(rule)
                assert len(broken[rule]) <= asked[rule], (seed, rule)
    assert len(seen) > 18
