"""Every rule and goal by the smallest cluster that shows it: solve keeps to it, and verify agrees."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import placer as pl

GPU = "nvidia.com/gpu"
ZONE = "topology.kubernetes.io/zone"
WEB = {"match_labels": {"app": "web"}}


def node(name: str, zone: str = "", **fields: Any) -> pl.Node:
    labels = {**({ZONE: zone} if zone else {}), **fields.pop("labels", {})}
    return pl.Node(name, labels=labels, **{"cpu": 8, **fields})


def web(name: str = "web", **fields: Any) -> pl.Pod:
    return pl.Pod(name, labels={"app": "web"}, **{"cpu": 1, **fields})


def placed(nodes: list[pl.Node], pods: list[pl.Pod], **options: Any) -> dict[str, str]:
    """Where each pending pod goes; ``0/…`` is the message of one that goes nowhere."""
    cluster = pl.Cluster(nodes, pods)
    solution = pl.solve(cluster, **options)
    assert pl.verify(cluster, solution) == []
    found = {binding.pod: binding.node for binding in solution.bindings}
    found |= {unplaced.pod: unplaced.message for unplaced in solution.unplaced}
    return {pod.removeprefix("default/"): place for pod, place in found.items()}


def by_zone(nodes: list[pl.Node], pods: list[pl.Pod]) -> dict[str, int]:
    """How many pending pods each zone gets."""
    zones = {each.name: each.labels.get(ZONE, "") for each in nodes}
    return dict(Counter(zones.get(place, "none") for place in placed(nodes, pods).values()))


def near(app: str) -> dict[str, Any]:
    return {"topology_key": "zone", "selector": {"match_labels": {"app": app}}}


THREE = [node("a1", "a"), node("b1", "b"), node("c1", "c")]


def test_a_gated_pod_waits_with_the_names_of_its_gates():
    found = placed([node("n1")], [web(scheduling_gates=["quota"])])

    assert found == {"web": "Scheduling is blocked due to non-empty scheduling gates: quota"}


def test_a_pod_with_an_unsupported_rule_waits_with_its_name():
    assert placed([node("n1")], [web(unsupported=["resourceClaims"])]) == {"web": "resourceClaims"}


def test_a_cordoned_node_takes_nothing():
    nodes = [node("n1", unschedulable=True), node("n2")]

    assert placed(nodes, [web()]) == {"web": "n2"}
    assert placed(nodes[:1], [web()]) == {"web": "0/1 nodes are available: 1 node(s) were unschedulable."}


def test_a_pinned_pod_goes_to_its_node():
    nodes = [node("n1"), node("n2"), node("n3")]

    assert placed(nodes, [web(nodes=["n3"])]) == {"web": "n3"}


def test_a_forbidden_node_is_left_out():
    assert placed([node("n1"), node("n2")], [web(forbidden_nodes=["n1"])]) == {"web": "n2"}


def test_a_taint_keeps_pods_off_that_do_not_tolerate_it():
    nodes = [node("n1", taints=[{"key": "gpu", "value": "true"}])]

    assert placed(nodes, [web(tolerations=[{"key": "gpu", "value": "true"}])]) == {"web": "n1"}
    assert placed(nodes, [web()]) == {"web": "0/1 nodes are available: 1 node(s) had untolerated taint(s)."}


def test_a_selector_and_an_affinity_choose_nodes_by_labels():
    nodes = [node("n1", labels={"disk": "hdd"}), node("n2", labels={"disk": "ssd"}), node("n3", labels={"age": "7"})]
    older = [{"match_expressions": [{"key": "age", "operator": "Gt", "values": ["5"]}]}]

    assert placed(nodes, [web(node_selector={"disk": "ssd"})]) == {"web": "n2"}
    assert placed(nodes, [web(node_affinity=older)]) == {"web": "n3"}


@pytest.mark.parametrize(
    ("operator", "values", "allowed"),
    [
        ("In", ["1", "9"], {"n1"}),
        ("NotIn", ["1"], {"n2", "n3"}),
        ("Exists", [], {"n1", "n2"}),
        ("DoesNotExist", [], {"n3"}),
        ("Gt", ["1"], {"n2"}),
        ("Lt", ["2"], {"n1"}),
    ],
)
def test_every_operator_of_a_node_affinity(operator: str, values: list[str], allowed: set[str]):
    nodes = [node("n1", labels={"age": "1"}), node("n2", labels={"age": "2"}), node("n3")]
    terms = [{"match_expressions": [{"key": "age", "operator": operator, "values": values}]}]

    found = placed(nodes, [web(replicas=len(allowed), node_affinity=terms, apart="host")])

    assert set(found.values()) == allowed


def test_one_of_the_alternatives_holds_with_its_own_tolerations():
    nodes = [node("n1"), node("n2", labels={"pool": "spot"}, taints=[{"key": "spot"}])]
    alternatives = [
        {"node_selector": {"pool": "big"}},
        {"node_selector": {"pool": "spot"}, "tolerations": [{"key": "spot", "operator": "Exists"}]},
    ]

    assert placed(nodes, [web(any_of=alternatives)]) == {"web": "n2"}


def test_a_volume_is_reached_only_where_its_topology_says():
    topology = [{"match_expressions": [{"key": ZONE, "operator": "In", "values": ["b"]}]}]

    assert placed(THREE, [web(volumes=[{"name": "disk", "topology": topology}])]) == {"web": "b1"}


def test_a_volume_with_labels_of_its_zone_is_used_only_there():
    disk = {"name": "disk", "zones": {ZONE: ["b", "c"]}}

    assert placed(THREE, [web(volumes=[disk])]) == {"web": "b1"}
    assert placed([node("free")], [web(volumes=[disk])]) == {"web": "free"}


def test_a_disk_named_without_a_claim_is_shared_on_a_node_only_by_those_that_read_it():
    def reader(kind: str, read_only: bool) -> dict[str, Any]:
        return {"disks": [{"kind": kind, "name": "d", "read_only": read_only}]}

    alone = [node("n1")]
    words = "0/1 nodes are available: 1 node(s) had no available disk."
    assert placed(alone, [web("a", **reader("gce", True)), web("b", **reader("gce", True))]) == {"a": "n1", "b": "n1"}
    assert placed(alone, [web("a", **reader("gce", True)), web("b", **reader("gce", False))])["b"] == words
    assert placed(alone, [web("a", **reader("aws", True)), web("b", **reader("aws", True))])["b"] == words


def test_a_disk_counts_once_a_node_for_the_limit_of_the_driver_that_serves_it():
    limited = [node("n1", volume_limits={"pd.csi.storage.gke.io": 1})]
    one, other = ({"kind": "gce", "name": name, "read_only": True} for name in "xy")

    found = placed(limited, [web("a", disks=[one]), web("b", disks=[one]), web("c", disks=[other])])

    assert found == {"a": "n1", "b": "n1", "c": "0/1 nodes are available: 1 node(s) exceed max volume count."}


def test_a_host_port_is_taken_once_a_node():
    found = placed([node("n1"), node("n2")], [web(replicas=2, ports=[80]), web("late", ports=[80])])

    assert sorted(found.values()) == [
        "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
        "n1",
        "n2",
    ]


def test_requests_fit_into_what_is_free():
    nodes = [node("n1", cpu=4, memory="4Gi", pods=3)]

    found = placed(nodes, [web("old", cpu=2, node="n1"), web("fits", cpu=2), web("big", cpu="100m", memory="5Gi")])

    assert found == {"fits": "n1", "big": "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."}


def test_a_node_takes_no_more_pods_than_it_names():
    found = placed([node("n1", pods=2)], [web(replicas=3, cpu="1m")])

    assert sorted(found.values()) == ["0/1 nodes are available: 1 Too many pods.", "n1", "n1"]


def test_extended_resources_are_counted():
    nodes = [node("n1"), pl.Node("n2", allocatable={"cpu": 8, "example.com/fpga": 1})]

    found = placed(nodes, [web(replicas=2, requests={"cpu": 1, "example.com/fpga": 1})])

    assert sorted(found.values()) == ["0/2 nodes are available: 2 Insufficient example.com/fpga.", "n2"]


def test_a_whole_device_must_be_entirely_free():
    gpus = [pl.Device(kind=GPU, count=2)]
    half = [pl.DeviceNeed(kind=GPU, share=0.5)]
    nodes = [node("n1", devices=gpus)]

    found = placed(nodes, [web("half", devices=half), web("one", gpu=1), web("two", gpu=1)])

    assert sorted(found) == ["half", "one", "two"]
    assert sum(place == "n1" for place in found.values()) == 2


def test_shares_fit_into_single_units_not_into_their_sum():
    nodes = [node("n1", devices=[pl.Device(kind=GPU, count=2)])]
    share = [pl.DeviceNeed(kind=GPU, share=0.6)]

    found = placed(nodes, [web(replicas=3, devices=share)])

    assert sum(place == "n1" for place in found.values()) == 2


def test_a_device_is_chosen_by_its_attributes():
    nodes = [
        node("n1", devices=[pl.Device(kind=GPU, attributes={"model": "T4"})]),
        node("n2", devices=[pl.Device(kind=GPU, attributes={"model": "A100"})]),
    ]
    need = [pl.DeviceNeed(kind=GPU, where=[pl.Requirement(key="model", operator="In", values=["A100"])])]

    assert placed(nodes, [web(devices=need)]) == {"web": "n2"}


def test_two_zones_of_32_cores_refuse_a_pod_of_40():
    zones = [pl.Device(kind="numa", count=2, capacity={"cpu": 32, "memory": "64Gi"})]
    nodes = [node("n1", cpu=64, memory="128Gi", devices=zones)]

    assert placed(nodes, [web(cpu=40, numa="require")]) == {
        "web": "0/1 nodes are available: 1 node(s) had no NUMA zone with room."
    }
    assert placed(nodes, [web(cpu=40, numa="prefer")]) == {"web": "n1"}
    assert placed(nodes, [web(cpu=30, numa="require")]) == {"web": "n1"}


def test_a_volume_of_one_pod_at_a_time_is_held_once():
    disk = [{"name": "disk", "access": "ReadWriteOncePod"}]

    found = placed([node("n1"), node("n2")], [web("a", volumes=disk), web("b", volumes=disk)])

    assert sum(place in ("n1", "n2") for place in found.values()) == 1


def test_a_node_attaches_no_more_volumes_than_its_limit():
    nodes = [node("n1", volume_limits={"ebs": 1})]
    pods = [web(name, volumes=[{"name": name, "driver": "ebs"}]) for name in ("a", "b")]

    found = placed(nodes, pods)

    assert sorted(found.values()) == ["0/1 nodes are available: 1 node(s) exceed max volume count.", "n1"]


def test_spread_keeps_zones_within_max_skew():
    nodes = [*THREE, node("a2", "a")]

    assert by_zone(nodes, [web(replicas=6, spread="zone")]) == {"a": 2, "b": 2, "c": 2}


def test_fewer_domains_than_min_domains_count_as_an_empty_one():
    spread = [{"topology_key": "zone", "min_domains": 4, "selector": WEB}]

    found = by_zone(THREE, [web(replicas=6, topology_spread=spread)])

    assert found == {"a": 1, "b": 1, "c": 1, "none": 3}


def test_a_cordoned_zone_takes_part_in_a_spread_unless_taints_are_honored():
    cordon = pl.Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
    nodes = [node("a1", "a"), node("b1", "b", unschedulable=True, taints=[cordon])]
    ignore = [{"topology_key": "zone", "selector": WEB}]
    honor = [{"topology_key": "zone", "selector": WEB, "node_taints_policy": "Honor"}]

    assert by_zone(nodes, [web(replicas=3, topology_spread=ignore)]) == {"a": 1, "none": 2}
    assert by_zone(nodes, [web(replicas=3, topology_spread=honor)]) == {"a": 3}


def test_match_label_keys_count_pods_of_the_same_version_only():
    spread = [{"topology_key": "zone", "selector": WEB, "match_label_keys": ["version"]}]
    old = [pl.Pod(f"old-{n}", labels={"app": "web", "version": "1"}, node="a1", cpu=1) for n in range(3)]
    new = pl.Pod("new", replicas=2, cpu=1, labels={"app": "web", "version": "2"}, topology_spread=spread)

    assert by_zone(THREE[:2], [*old, new]) == {"a": 1, "b": 1}


def test_required_affinity_follows_the_pods_that_it_names():
    db = pl.Pod("db", labels={"app": "db"}, cpu=1, node="b1")

    assert by_zone(THREE, [db, web(replicas=2, pod_affinity=[near("db")])]) == {"b": 2}


def test_the_first_of_a_group_that_wants_to_be_together_may_go_anywhere():
    together = [{"topology_key": "zone", "selector": WEB}]

    found = by_zone(
        [node("a1", "a", cpu=1), node("b1", "b"), node("b2", "b")], [web(replicas=3, pod_affinity=together)]
    )

    assert found == {"b": 3}


def test_affinity_reaches_namespaces_by_their_labels():
    team = [{"topology_key": "zone", "selector": {}, "namespace_selector": {"match_labels": {"team": "data"}}}]
    db = pl.Pod("db", namespace="stores", cpu=1, node="c1")
    cluster = pl.Cluster(THREE, [db, web(pod_affinity=team)], namespaces={"stores": {"team": "data"}})

    solution = pl.solve(cluster)

    assert [(binding.pod, binding.node) for binding in solution.bindings] == [("default/web", "c1")]
    assert pl.verify(cluster, solution) == []


def test_anti_affinity_keeps_pods_apart_both_ways():
    hates_web = pl.Pod("lone", cpu=1, node="a1", pod_anti_affinity=[{"topology_key": "host", "selector": WEB}])

    found = placed(THREE, [hates_web, web(replicas=3, apart="host")])

    assert sorted(place[:2] for place in found.values()) == ["0/", "b1", "c1"]


def test_pods_named_apart_share_no_node():
    found = placed([node("n1"), node("n2")], [web("a"), web("b", apart_from=["default/a"])])

    assert sorted(found.values()) == ["n1", "n2"]


def test_at_most_so_many_pods_in_a_domain():
    limit = [{"topology_key": "zone", "at_most": 2}]

    found = by_zone(THREE[:2], [web(replicas=5, domain_limits=limit)])

    assert found == {"a": 2, "b": 2, "none": 1}


def test_at_least_so_many_distinct_domains_before_any_is_used_twice():
    distinct = [{"topology_key": "zone", "at_least": 3}]

    assert set(by_zone(THREE, [web(replicas=4, distinct_domains=distinct)])) == {"a", "b", "c"}


def test_hard_shares_split_a_group_70_to_30():
    shares = [{"topology_key": "zone", "shares": {"a": 70, "b": 30}}]
    nodes = [node("a1", "a", cpu=16), node("b1", "b", cpu=16), node("c1", "c", cpu=16)]

    assert by_zone(nodes, [web(replicas=10, domain_shares=shares)]) == {"a": 7, "b": 3}


def test_higher_priority_is_placed_first():
    pods = [web("low", cpu=8), web("high", cpu=8, priority=10)]

    found = placed([node("n1")], pods)

    assert found["high"] == "n1"
    assert found["low"].startswith("0/1 nodes")


def test_pods_that_stand_are_not_moved():
    found = placed([node("n1"), node("n2")], [web("old", cpu=8, node="n1"), web("vip", cpu=8, priority=10)])

    assert found == {"vip": "n2"}


def test_replicas_are_numbered_from_zero():
    assert sorted(placed([node("n1")], [web(replicas=3)])) == ["web-0", "web-1", "web-2"]


def test_pack_uses_the_cheapest_nodes():
    nodes = [node("dear", price=5), node("cheap", price=1)]

    assert placed(nodes, [web(replicas=3)], goals=["pack"]) == {f"web-{n}": "cheap" for n in range(3)}


def test_balance_spreads_load():
    nodes = [node(f"n{number}", memory="8Gi") for number in range(4)]

    found = placed(nodes, [web(replicas=4, memory="1Gi")], goals=["balance"])

    assert sorted(found.values()) == ["n0", "n1", "n2", "n3"]


def test_headroom_keeps_nodes_below_four_fifths():
    nodes = [node("n1", cpu=10), node("n2", cpu=10)]

    found = placed(nodes, [web("old", cpu=7, node="n1"), web("a", cpu=2)], goals=["headroom"])

    assert found == {"a": "n2"}


def test_fragmentation_fills_the_gpu_that_is_in_use():
    gpus = [pl.Device(kind=GPU, count=1)]
    whole, half = [pl.DeviceNeed(kind=GPU)], [pl.DeviceNeed(kind=GPU, share=0.5)]
    stand = [web("half", devices=half, node="n2")]
    nodes = [node(name, devices=gpus) for name in ("n1", "n2", "n3")]

    found = placed(nodes, [*stand, web("other", devices=half), web("whole", devices=whole)], goals=["fragmentation"])

    assert found["other"] == "n2"


IN_B = {"match_expressions": [{"key": ZONE, "operator": "In", "values": ["b"]}]}
NOT_IN_B = {"match_expressions": [{"key": ZONE, "operator": "NotIn", "values": ["b"]}]}


@pytest.mark.parametrize(
    "wish",
    [
        {"preferred_nodes": [{"weight": 5, "term": IN_B}]},
        {"preferred_nodes": [{"weight": -5, "term": NOT_IN_B}]},
        {"preferred_pods": [{"weight": 5, "term": near("db")}]},
        {"domain_shares": [{"topology_key": "zone", "shares": {"b": 1}, "hard": False}]},
    ],
    ids=["for nodes", "against nodes", "for pods", "soft shares"],
)
def test_preferences_are_met_where_nothing_stands_against_them(wish: dict[str, Any]):
    db = pl.Pod("db", labels={"app": "db"}, cpu=1, node="b1")

    assert placed(THREE, [db, web(**wish)], goals=["preferences"]) == {"web": "b1"}


def test_preferences_repel_pods_avoid_soft_taints_and_spread_softly():
    soft = [{"topology_key": "zone", "selector": WEB, "when_unsatisfiable": "ScheduleAnyway"}]
    away = [{"weight": -5, "term": near("db")}]
    tainted = node("t1", "a", taints=[{"key": "old", "effect": "PreferNoSchedule"}])
    db = pl.Pod("db", labels={"app": "db"}, cpu=1, node="b1")

    assert placed([tainted, node("c1", "c")], [web()], goals=["preferences"]) == {"web": "c1"}
    assert placed(THREE[1:], [db, web(preferred_pods=away)], goals=["preferences"]) == {"web": "c1"}
    found = placed(THREE, [web(replicas=3, topology_spread=soft)], goals=["preferences"])
    assert sorted(found.values()) == ["a1", "b1", "c1"]


def test_goals_of_a_tier_are_weighed_and_tiers_are_kept_in_order():
    nodes = [node("dear", price=9, cpu=8), node("cheap", price=1, cpu=8)]
    pods = [web(replicas=2, cpu=3)]

    assert set(placed(nodes, pods, goals=["pack", "balance"]).values()) == {"cheap"}
    assert set(placed(nodes, pods, goals=["balance", "pack"]).values()) == {"cheap", "dear"}
    assert set(placed(nodes, pods, goals=["0.001*pack+1000*balance"]).values()) == {"cheap", "dear"}


def test_legal_pods_that_can_never_be_placed_have_their_reasons():
    circle = [
        pl.Pod("x", labels={"app": "x"}, pod_affinity=[near("y")]),
        pl.Pod("y", labels={"app": "y"}, pod_affinity=[near("x")]),
    ]
    nowhere = web("nowhere", node_selector={ZONE: "mars"})

    found = placed(THREE, [*circle, nowhere, web("huge", cpu=10**6)])

    assert found == {
        "x": "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.",
        "y": "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.",
        "nowhere": "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
        "huge": "0/3 nodes are available: 3 Insufficient cpu.",
    }
