"""relax(): what softening each hard rule buys, as brute force has it."""

from __future__ import annotations

import threading

import pytest
from strategies import random_cluster

import placer as pl
from packing.best import best_answer
from placer import prove as proving
from placer.explaining.subject import device_kinds
from placer.infeasible.groups import edited, groups
from placer.infeasible.softer import softer
from placer.model.table import PENDING

ZONE = "topology.kubernetes.io/zone"
RULES = ["affinity", "anti_affinity", "limits", "node_affinity", "spread", "taints", "ports", "distinct", "devices"]


def in_zones(*zones: str, **fields) -> list[pl.Node]:
    return [pl.Node(f"n{row}", labels={ZONE: zone}, **{"cpu": 4, **fields}) for row, zone in enumerate(zones)]


def bought(cluster: pl.Cluster, **options) -> dict[str, tuple[str, float]]:
    return {each.text: (each.gain.tier, each.gain.bought) for each in pl.relax(cluster, **options)}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_bought_is_the_difference_between_the_best_answers(rule: str):
    for seed in range(2):
        cluster = random_cluster(seed, 3, 4, {rule, "replicas"})
        before = best_answer(cluster)
        found = pl.relax(cluster, time_limit=None)

        assert (found.unknown, found.untried) == (0, 0)
        for each in found:
            after = best_answer(each.apply())
            place = 0 if each.gain.tier == "unplaced" else 1
            assert before[:place] == after[:place], each.text
            assert each.gain.bought == pytest.approx(before[place] - after[place]), each.text
            assert each.gain.proven, each.text


def test_no_change_that_buys_something_is_left_out():
    for seed in range(5):
        cluster = random_cluster(seed, 3, 4, {*RULES, "replicas"})
        before = best_answer(cluster)
        listed = groups(cluster, cluster.pod_table.node == PENDING)
        changes = [
            (group.name, each.text, edited(cluster, {place: each.pod}, listed))
            for place, group in enumerate(listed)
            for each in softer(cluster, group.pod, device_kinds(cluster.node_table))
        ]

        found = {(each.pods, each.text) for each in pl.relax(cluster, time_limit=None)}

        for pods, text, changed in changes:
            assert ((pods, text) in found) == (best_answer(changed) < before), (seed, pods, text)


@pytest.mark.parametrize(
    ("pod", "text", "pods"),
    [
        ({"apart": "zone"}, "drop the pod anti-affinity over topology.kubernetes.io/zone", 1.0),
        (
            {"labels": {"app": "web"}, "domain_limits": [pl.DomainLimit(topology_key="zone", at_most=1)]},
            "allow 2 a topology.kubernetes.io/zone",
            1.0,
        ),
        ({"node_selector": {"disk": "ssd"}}, "drop disk=ssd of the node selector and affinity", 3.0),
        ({"ports": [80]}, "give up host port 80/TCP", 1.0),
        ({"scheduling_gates": ["wait"]}, "lift the scheduling gates wait", 3.0),
        ({"nodes": ["gone"]}, "lift the pin to gone", 3.0),
        ({"cpu": 3}, "ask 1000m less cpu (2000m)", 1.0),
    ],
)
def test_each_kind_of_rule_has_its_words(pod, text, pods):
    cluster = pl.Cluster(in_zones(*"ab"), [pl.Pod("web", replicas=3, **{"cpu": 1, **pod})])

    assert bought(cluster)[text] == ("unplaced", pods)


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        ({"cpu": 1}, "ask 100m less cpu (900m)"),
        ({"memory": "1Gi"}, "ask 96Mi less memory (928Mi)"),
        ({"memory": "10G"}, "ask 1000000000 less memory (9000000000)"),
        ({"cpu": "3m"}, "ask 1m less cpu (2m)"),
    ],
)
def test_about_a_tenth_less_is_asked_in_the_units_of_the_request(pod, text):
    (cluster,) = [pl.Cluster([pl.Node("n1")], [pl.Pod("web", **pod)])]

    assert text in [each.text for each in softer(cluster, cluster.pod(0), [])]


def test_a_goal_is_bought_where_no_pod_is():
    taint = pl.Taint(key="dedicated")
    nodes = [pl.Node("small", cpu=2, price=1), pl.Node("big", cpu=8, price=5), pl.Node("kept", cpu=8, taints=[taint])]
    cluster = pl.Cluster(nodes, [pl.Pod("web", replicas=4, cpu=1)])

    (first, *_) = pl.relax(cluster)

    assert (first.text, first.gain.tier, first.gain.bought) == ("tolerate dedicated:NoSchedule", "pack", 4.0)
    assert first.rule == "TaintToleration"


def test_what_is_bought_most_comes_first():
    taint = pl.Taint(key="dedicated")
    nodes = [pl.Node("n1", cpu=2), pl.Node("n2", cpu=2, taints=[taint])]
    pods = [pl.Pod("low", replicas=2, cpu=1), pl.Pod("high", cpu=2, priority=5, node_selector={"disk": "ssd"})]

    found = pl.relax(pl.Cluster(nodes, pods))

    assert (found[0].pods, found[0].text) == ("default/high", "drop disk=ssd of the node selector and affinity")
    assert [each.gain.tier for each in found][:1] == ["unplaced"]


def test_a_larger_problem_has_what_placing_buys_and_bounds_by_counting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proving, "MOST_CELLS", 0)
    taint = pl.Taint(key="dedicated")
    nodes = [*in_zones(*"ab"), pl.Node("n9", cpu=4, taints=[taint])]

    (first, *_) = pl.relax(pl.Cluster(nodes, [pl.Pod("web", replicas=12, cpu=1)]))

    assert (first.text, first.gain.bought) == ("tolerate dedicated:NoSchedule", 4.0)
    assert first.gain.least <= 4.0 <= first.gain.most


def test_the_pods_that_are_changed_are_all_of_the_group():
    cluster = pl.Cluster(in_zones(*"ab"), [pl.Pod("web", replicas=3, cpu=1, ports=[80]), pl.Pod("db", ports=[80])])

    (first, *_) = [each for each in pl.relax(cluster) if each.pods == "default/web"]

    assert first.count == 3
    assert [bool(pod.host_ports) for pod in first.apply().pods] == [False, False, False, True]


def test_a_limit_in_time_says_what_was_not_tried():
    found = pl.relax(random_cluster(1, 6, 12), time_limit=1e-9)

    assert (len(found), found.nothing, found.unknown) == (0, 0, 0)
    assert found.untried > 0


def test_a_stop_event_ends_it_with_what_is_known():
    stop = threading.Event()
    stop.set()

    assert pl.relax(random_cluster(1, 6, 12), stop=stop).untried > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"goals": "packk"}, "did you mean 'pack'?"),
        ({"time_limit": 0}, "relax: time_limit is 0: give a number above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(pl.InputError, match=said):
        pl.relax(pl.Cluster(), **options)
