"""The slow reference by example: what a node carries, devices and NUMA zones."""

from __future__ import annotations

import pytest
from specimens import GPU, ZONES, allowed, bind, expression, given, gpus, need, node, pod, row, state, verdicts, zones

# What a node carries


def test_requests_of_all_that_stand_and_the_pods_own_are_at_most_allocatable():
    here = state([node("n1", cpu=2)], pod("old", node="n1", cpu="1500m"), pod("half", cpu="500m"), pod(cpu="501m"))

    assert verdicts(here, "half") == {"n1": None}
    assert verdicts(here) == {"n1": "NodeResourcesFit"}


def test_a_resource_that_the_node_does_not_name_is_none_of_it():
    here = state(
        [node("n1", allocatable={"example.com/thing": 1}), node("n2")],
        pod(requests={"example.com/thing": 1}),
        pod("zero", requests={"example.com/thing": 0}),
    )

    assert verdicts(here) == {"n1": None, "n2": "NodeResourcesFit"}
    assert allowed(here, "zero") == ["n1", "n2"]


def test_each_pod_asks_for_one_of_pods_which_is_unlimited_where_not_named():
    nodes = [node("n1", pods=1), node("n2", pods=0), node("n3")]
    here = state(nodes, pod("old", node="n1"), pod("old3", node="n3"), pod())

    assert verdicts(here) == {"n1": "NodeResourcesFit", "n2": "NodeResourcesFit", "n3": None}


@pytest.mark.parametrize(
    ("port", "fits_there"),
    [
        ({"port": 80}, False),
        ({"port": 80, "host_ip": "10.0.0.1"}, False),
        ({"port": 80, "host_ip": "10.0.0.2"}, True),
        ({"port": 80, "protocol": "UDP", "host_ip": "10.0.0.1"}, True),
        ({"port": 81}, True),
    ],
)
def test_no_two_pods_of_a_node_hold_clashing_ports(port, fits_there):
    old = pod("old", node="n1", host_ports=[{"port": 80, "host_ip": "10.0.0.1"}])
    here = state([node("n1")], old, pod(host_ports=[port]))

    assert verdicts(here) == {"n1": None if fits_there else "NodePorts"}


def test_a_node_attaches_so_many_distinct_volumes_of_a_driver():
    limited = [node("n1", volume_limits={"csi": 2})]
    old = pod("old", node="n1", volumes=[{"name": "v", "driver": "csi"}, {"name": "w", "driver": "csi"}])
    here = state(
        limited,
        old,
        pod("shares", volumes=[{"name": "v", "driver": "csi"}]),
        pod("new", volumes=[{"name": "z", "driver": "csi"}]),
        pod("same-name", namespace="other", volumes=[{"name": "v", "driver": "csi"}]),
        pod("other-driver", volumes=[{"name": "z", "driver": "nfs"}]),
    )

    assert verdicts(here, "shares") == {"n1": None}
    assert verdicts(here, "new") == {"n1": "NodeVolumeLimits"}
    assert verdicts(here, "same-name") == {"n1": "NodeVolumeLimits"}
    assert verdicts(here, "other-driver") == {"n1": None}


def test_a_limit_that_is_over_rejects_only_pods_that_bring_a_new_volume():
    volumes = [{"name": name, "driver": "csi"} for name in "vw"]
    here = state(
        [node("n1", volume_limits={"csi": 1})],
        pod("old", node="n1", volumes=volumes),
        pod("known", volumes=volumes[:1]),
        pod("new", volumes=[{"name": "z", "driver": "csi"}]),
    )

    assert verdicts(here, "known") == {"n1": None}
    assert verdicts(here, "new") == {"n1": "NodeVolumeLimits"}


def test_a_read_write_once_pod_volume_has_one_holder_in_the_whole_cluster():
    single = [{"name": "v", "access": "ReadWriteOncePod"}]
    here = state(
        ZONES,
        pod("old", node="a1", volumes=single),
        pod(volumes=single),
        pod("elsewhere", namespace="other", volumes=single),
    )

    assert set(verdicts(here).values()) == {"VolumeRestrictions"}
    assert allowed(here, "elsewhere") == ["a1", "a2", "b1", "free"]
    here.evict(row(here, "old"))
    assert allowed(here) == ["a1", "a2", "b1", "free"]


# Devices


def test_a_need_takes_different_units_of_one_node():
    nodes = [gpus({"count": 2}), node("n2", devices=[{"kind": GPU}])]
    here = state(nodes, pod(devices=[need(count=2)]), pod("three", devices=[need(count=3)]))

    assert verdicts(here) == {"n1": None, "n2": "Devices"}
    assert verdicts(here, "three") == {"n1": "Devices", "n2": "Devices"}


def test_a_share_must_fit_in_one_unit():
    olds = [pod(f"old{place}", node="n1", devices=[need(share=0.6)]) for place in range(2)]
    here = state([gpus({"count": 2})], *olds, pod(devices=[need(share=0.5)]), pod("fits", devices=[need(share=0.4)]))

    assert [taken.milli for taken in here.taken[0]] == [600, 600]
    assert verdicts(here) == {"n1": "Devices"}
    assert verdicts(here, "fits") == {"n1": None}


def test_a_whole_need_asks_for_units_of_which_nothing_is_taken_and_takes_all_their_capacity():
    here = state(
        [gpus({"capacity": {"memory": 8}})],
        pod("memory", devices=[need(amounts={"memory": 1})]),
        pod("whole", devices=[need()]),
    )

    bind(here, "memory", "n1")
    assert verdicts(here, "whole") == {"n1": "Devices"}
    here.evict(row(here, "memory"))
    bind(here, "whole", "n1")
    assert here.taken[0][0] == (1000, {"memory": 8})
    assert verdicts(here, "memory") == {"n1": "Devices"}


def test_amounts_are_taken_of_each_unit_and_a_capacity_not_named_is_none():
    here = state(
        [gpus({}, {"capacity": {"memory": 8}}, {"capacity": {"memory": 4}})],
        pod("one", devices=[need(share=0.1, amounts={"memory": 5})]),
        pod("two", devices=[need(count=2, share=0.1, amounts={"memory": 4})]),
        pod("three", devices=[need(count=3, share=0.1, amounts={"memory": 4})]),
        pod("whole", devices=[need(share=1, amounts={"memory": 9})]),
    )

    assert verdicts(here, "one") == {"n1": None}
    assert verdicts(here, "two") == {"n1": None}
    assert verdicts(here, "three") == {"n1": "Devices"}
    assert verdicts(here, "whole") == {"n1": "Devices"}


def test_the_attributes_of_the_units_satisfy_where():
    here = state(
        [gpus({"attributes": {"model": "A"}}, {})],
        pod(devices=[need(where=[expression("model", "In", "A")])]),
        pod("two", devices=[need(count=2, where=[expression("model", "In", "A")])]),
        pod("not", devices=[need(count=1, where=[expression("model", "NotIn", "A")])]),
    )

    bind(here, "pod", "n1")
    assert [taken.milli for taken in here.taken[0]] == [1000, 0]
    assert verdicts(here, "two") == {"n1": "Devices"}
    assert verdicts(here, "not") == {"n1": None}


def test_different_needs_take_different_units_and_the_first_one_gives_way():
    here = state(
        [gpus({"attributes": {"model": "A"}}, {"attributes": {"model": "B"}})],
        pod(devices=[need(share=0.1), need(share=0.1, where=[expression("model", "In", "A")])]),
        pod("both", devices=[need(share=0.1, where=[expression("model", "In", "A")])] * 2),
    )

    bind(here, "pod", "n1")
    assert [taken.milli for taken in here.taken[0]] == [100, 100]
    assert verdicts(here, "both") == {"n1": "Devices"}


def test_a_request_for_a_kind_that_some_node_lists_is_a_need_for_whole_units():
    nodes = [gpus({}), node("n2", allocatable={GPU: 2}), node("n3")]
    here = state(nodes, pod("old", node="n2", devices=[need(share=0.5)]), pod(gpu=2), pod("one", gpu=1))

    assert verdicts(here) == {"n1": "Devices", "n2": "Devices", "n3": "Devices"}
    assert verdicts(here, "one") == {"n1": None, "n2": None, "n3": "Devices"}


def test_a_kind_that_no_node_lists_stays_a_counted_resource():
    here = state([node("n1", allocatable={GPU: 1})], pod(gpu=2))

    assert verdicts(here) == {"n1": "NodeResourcesFit"}


def test_standing_pods_hold_the_units_that_they_name_and_then_the_others_the_lowest_with_room():
    here = state(
        [gpus({"count": 3})],
        pod("first", node="n1", devices=[need(share=0.5)]),
        pod("known", node="n1", devices=[need()], units={GPU: [0]}),
        pod("too-much", node="n1", devices=[need(count=2)]),
        pod("last", node="n1", devices=[need(share=0.5)]),
    )

    assert [taken.milli for taken in here.taken[0]] == [1000, 1000, 0]
    assert [[part.unit for part in here.held[each]] for each in range(4)] == [[1], [0], [], [1]]


def test_units_of_a_binding_are_checked_as_they_are_named():
    here = state(
        [gpus({"count": 2, "attributes": {"model": "A"}}, {})],
        pod("old", node="n1", devices=[need()], units={GPU: [1]}),
        pod(devices=[need(share=0.5, where=[expression("model", "In", "A")]), need(share=0.5)]),
    )

    assert given(here, "n1", {GPU: [0, 2]}) is None
    assert given(here, "n1", {GPU: [2, 0]}) == "Devices"
    assert given(here, "n1", {GPU: [0, 1]}) == "Devices"
    assert given(here, "n1", {GPU: [0, 0]}) == "Devices"
    assert given(here, "n1", {GPU: [0]}) == "Devices"
    assert given(here, "n1", {GPU: [0, 2, 3]}) == "Devices"
    assert given(here, "n1", {GPU: [0, 7]}) == "Devices"
    assert given(here, "n1", {}) == "Devices"


# NUMA zones


def test_one_zone_has_room_for_cpu_and_memory():
    here = state(
        [zones(), node("plain")],
        pod("fits", cpu=4, numa="require"),
        pod(cpu=5, numa="require"),
        pod("memory", cpu=1, memory=11, numa="require"),
        pod("careless", cpu=5),
    )

    assert verdicts(here, "fits") == {"n1": None, "plain": None}
    assert verdicts(here) == {"n1": "Numa", "plain": None}
    assert verdicts(here, "memory") == {"n1": "Numa", "plain": None}
    assert verdicts(here, "careless") == {"n1": None, "plain": None}


def test_cpu_and_memory_are_taken_of_the_zone_that_the_binding_names():
    here = state([zones()], pod("old", cpu=3, memory=1, numa="require"), pod(cpu=2, numa="require"))

    bind(here, "old", "n1", {"numa": [1]})
    assert here.taken[0][1] == (0, {"cpu": 3000, "memory": 1})
    assert given(here, "n1", {"numa": [0]}) is None
    assert given(here, "n1", {"numa": [1]}) == "Numa"
    assert given(here, "n1", {"numa": [2]}) == "Numa"
    assert given(here, "n1", {}) == "Numa"
    assert given(here, "n1", {"numa": [0, 1]}) == "Devices"


def test_device_needs_are_met_from_units_of_the_zone_or_of_none():
    here = state(
        [zones({"kind": GPU, "zone": 0}, {"kind": GPU, "zone": 1}, {"kind": GPU})],
        pod("two", cpu=3, numa="require", devices=[need(count=2)]),
        pod("three", cpu=3, numa="require", devices=[need(count=3)]),
        pod("four", cpu=3, numa="require", devices=[need(count=4)]),
    )

    bind(here, "two", "n1")
    assert here.zone[row(here, "two")] == 1
    assert [taken.milli for taken in here.taken[0]] == [0, 0, 0, 1000, 1000]
    here.evict(row(here, "two"))
    assert verdicts(here, "three") == {"n1": "Numa"}
    assert verdicts(here, "four") == {"n1": "Devices"}


def test_who_prefers_a_zone_takes_one_where_possible_and_else_nothing_of_any():
    here = state([zones()], pod("small", cpu=3, numa="prefer"), pod("large", cpu=5, numa="prefer"))

    bind(here, "small", "n1")
    bind(here, "large", "n1")
    assert here.zone == {row(here, "small"): 1}
    assert [taken.amounts.get("cpu", 0) for taken in here.taken[0]] == [0, 3000]


def test_pods_without_numa_take_nothing_of_zones_but_by_a_need_for_them():
    half = [{"kind": "numa", "amounts": {"cpu": 2}}]
    here = state([zones()], pod("old", cpu=4, node="n1"), pod("half", node="n1", devices=half))

    assert [taken.amounts for taken in here.taken[0]] == [{"cpu": 2000}, {}]


def test_a_standing_pod_is_in_the_zone_that_it_names_or_the_first_with_room():
    here = state(
        [zones()],
        pod("first", node="n1", cpu=1, numa="require"),
        pod("known", node="n1", cpu=2, numa="require", units={"numa": [0]}),
        pod("nowhere", node="n1", cpu=4, numa="require"),
    )

    assert here.zone == {row(here, "known"): 0, row(here, "first"): 1}
