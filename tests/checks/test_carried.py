"""What a node carries: amounts, ports, volumes, units and zones; each rule kept and broken."""

from __future__ import annotations

import pytest

import placer as pl

from .case import GPU, GPUS, NUMA, Case, broken_rules, node, pod

CASES = [
    Case(
        "a node is one milli short of cpu",
        "NodeResourcesFit",
        [node("n1", cpu="1999m"), node("n2", cpu=2)],
        [pod("a", cpu=1), pod("b", cpu=1)],
        [("a", "n1"), ("b", "n1")],
        [("a", "n2"), ("b", "n2")],
    ),
    Case(
        "memory runs out beside a pod that stands",
        "NodeResourcesFit",
        [node("n1", memory="2Gi"), node("n2", memory="2Gi")],
        [pod("old", memory="1Gi", node="n1"), pod("a", memory="1025Mi")],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a resource that the node does not name is 0",
        "NodeResourcesFit",
        [node("n1"), pl.Node("n2", allocatable={"example.com/licence": 1})],
        [pod("a", requests={"example.com/licence": 1})],
        [("a", "n1")],
        [("a", "n2")],
    ),
    Case(
        "a node takes one pod too many",
        "NodeResourcesFit",
        [node("n1", pods=1), node("n2")],
        [pod("a"), pod("b")],
        [("a", "n1"), ("b", "n1")],
        [("a", "n2"), ("b", "n2")],
    ),
    Case(
        "a pod lands on a node that the input has over-committed",
        "NodeResourcesFit",
        [node("n1", cpu=1)],
        [pod("old", cpu=2, node="n1"), pod("a", cpu="1m"), pod("b", memory=1)],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "amounts near the end of 64 bits are added exactly",
        "NodeResourcesFit",
        [pl.Node("n1", memory=2**62), pl.Node("n2", memory=2**62)],
        [pod("a", memory=2**62), pod("b", memory=2**62), pod("c")],
        [("a", "n1"), ("b", "n1")],
        [("a", "n1"), ("b", "n2")],
    ),
    Case(
        "two pods want one port",
        "NodePorts",
        [node("n1"), node("n2")],
        [pod("a", ports=[80]), pod("b", ports=[80])],
        [("a", "n1"), ("b", "n1")],
        [("a", "n1"), ("b", "n2")],
    ),
    Case(
        "a port on one address clashes with the same on all",
        "NodePorts",
        [node("n1"), node("n2")],
        [pod("a", host_ports=[{"port": 80, "host_ip": "10.0.0.1"}], node="n1"), pod("b", ports=[80])],
        [("b", "n1")],
        [("b", "n2")],
    ),
    Case(
        "a port on one address is taken, on another free",
        "NodePorts",
        [node("n1")],
        [
            pod("old", host_ports=[{"port": 80, "host_ip": "10.0.0.1"}], node="n1"),
            pod("a", host_ports=[{"port": 80, "host_ip": "10.0.0.1"}]),
            pod("b", host_ports=[{"port": 80, "host_ip": "10.0.0.2"}, {"port": 80, "protocol": "UDP"}]),
        ],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "a node attaches one volume too many",
        "NodeVolumeLimits",
        [node("n1", volume_limits={"csi": 1}), node("n2")],
        [pod("a", volumes=[{"name": "v", "driver": "csi"}]), pod("b", volumes=[{"name": "w", "driver": "csi"}])],
        [("a", "n1"), ("b", "n1")],
        [("a", "n2"), ("b", "n2")],
    ),
    Case(
        "a shared volume is attached once, volumes of two namespaces twice",
        "NodeVolumeLimits",
        [node("n1", volume_limits={"csi": 1})],
        [
            pod("old", volumes=[{"name": "v", "driver": "csi"}], node="n1", namespace="other"),
            pod("a", volumes=[{"name": "v", "driver": "csi"}]),
            pod("b", volumes=[{"name": "v", "driver": "nfs"}]),
        ],
        [("a", "n1")],
        [("b", "n1")],
    ),
    Case(
        "two pods hold a volume for one",
        "VolumeRestrictions",
        [node("n1"), node("n2")],
        [
            pod("a", volumes=[{"name": "v", "access": "ReadWriteOncePod"}]),
            pod("b", volumes=[{"name": "v", "access": "ReadWriteOncePod"}]),
            pod("c", volumes=[{"name": "w"}]),
        ],
        [("a", "n1"), ("b", "n2")],
        [("a", "n1"), ("c", "n2")],
    ),
    Case(
        "one unit is given to two pods",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", gpu=1), pod("b", gpu=1)],
        [("a", "n1", {GPU: [0]}), ("b", "n1", {GPU: [0]})],
        [("a", "n1", {GPU: [0]}), ("b", "n1", {GPU: [1]})],
    ),
    Case(
        "a unit that does not exist",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", gpu=1)],
        [("a", "n1", {GPU: [3]})],
        [("a", "n1", {GPU: [2]})],
    ),
    Case(
        "one unit is named twice",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", gpu=2)],
        [("a", "n1", {GPU: [1, 1]})],
        [("a", "n1", {GPU: [1, 0]})],
    ),
    Case(
        "too few units are named",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", gpu=2)],
        [("a", "n1", {GPU: [0]})],
        [("a", "n1", {GPU: [0, 2]})],
    ),
    Case(
        "no unit is named",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", gpu=1)],
        [("a", "n1")],
        [("a", "n1", {GPU: [0]})],
    ),
    Case(
        "more units are named than needed",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", gpu=1)],
        [("a", "n1", {GPU: [0, 1]})],
        [("a", "n1", {GPU: [0]})],
    ),
    Case(
        "a unit of another model",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", devices=[{"kind": GPU, "where": [{"key": "model", "operator": "In", "values": ["B"]}]}])],
        [("a", "n1", {GPU: [1]})],
        [("a", "n1", {GPU: [2]})],
    ),
    Case(
        "shares of a unit come to more than all of it",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("a", devices=[{"kind": GPU, "share": 0.6}]), pod("b", devices=[{"kind": GPU, "share": 0.5}])],
        [("a", "n1", {GPU: [0]}), ("b", "n1", {GPU: [0]})],
        [("a", "n1", {GPU: [0]}), ("b", "n1", {GPU: [1]})],
    ),
    Case(
        "a whole unit is asked for where a share is taken",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("old", devices=[{"kind": GPU, "share": 0.1}], node="n1"), pod("a", gpu=1)],
        [("a", "n1", {GPU: [0]})],
        [("a", "n1", {GPU: [1]})],
    ),
    Case(
        "a unit's memory runs out",
        "Devices",
        [node("n1", devices=[{"kind": GPU, "count": 2, "capacity": {"memory": "16Gi"}}])],
        [
            pod("a", devices=[{"kind": GPU, "amounts": {"memory": "10Gi"}}]),
            pod("b", devices=[{"kind": GPU, "amounts": {"memory": "7Gi"}}]),
        ],
        [("a", "n1", {GPU: [0]}), ("b", "n1", {GPU: [0]})],
        [("a", "n1", {GPU: [0]}), ("b", "n1", {GPU: [1]})],
    ),
    Case(
        "a pod that stands holds the units that it names",
        "Devices",
        [node("n1", devices=GPUS)],
        [pod("old", gpu=1, node="n1", units={GPU: [1]}), pod("a", gpu=1)],
        [("a", "n1", {GPU: [1]})],
        [("a", "n1", {GPU: [0]})],
    ),
    Case(
        "no zone is named where one is required",
        "Numa",
        [node("n1", devices=NUMA)],
        [pod("a", cpu=2, numa="require")],
        [("a", "n1")],
        [("a", "n1", {"numa": [0]})],
    ),
    Case(
        "a zone is too small",
        "Numa",
        [node("n1", devices=NUMA)],
        [pod("a", cpu=3, numa="require")],
        [("a", "n1", {"numa": [0]})],
        [("a", "n1", {"numa": [1]})],
    ),
    Case(
        "a zone is full although the node is not",
        "Numa",
        [node("n1", devices=NUMA)],
        [pod("a", cpu=2, numa="require"), pod("b", cpu=2, numa="prefer")],
        [("a", "n1", {"numa": [0]}), ("b", "n1", {"numa": [0]})],
        [("a", "n1", {"numa": [0]}), ("b", "n1")],
    ),
    Case(
        "a unit hangs on another zone",
        "Numa",
        [node("n1", devices=NUMA)],
        [pod("a", cpu=1, gpu=1, numa="require")],
        [("a", "n1", {"numa": [0], GPU: [1]})],
        [("a", "n1", {"numa": [1], GPU: [1]})],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_rule_is_named_and_no_other(case):
    assert broken_rules(case, case.broken) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_legal_answer_passes(case):
    assert broken_rules(case, case.legal) == set()
