"""Conflicts: what is named cannot be placed, and without any one of its members the rest can."""

from __future__ import annotations

import threading
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import ALL_RULES, clusters, random_cluster

import placer as pl
from packing.best import can_all_be_placed
from placer.infeasible import check, narrow
from placer.infeasible.check import Clock, Verdict
from placer.infeasible.groups import groups, part_of
from placer.infeasible.narrow import views
from placer.infeasible.shrink import Core, Shrink
from placer.model.table import PENDING

ZONE = "topology.kubernetes.io/zone"
FOREVER = Clock(inf)


def in_zones(*zones: str, **fields) -> list[pl.Node]:
    return [pl.Node(f"n{row}", labels={ZONE: zone}, **{"cpu": 4, **fields}) for row, zone in enumerate(zones)]


def texts(cluster: pl.Cluster, *pods: str, **options) -> list[str]:
    found = pl.conflicts(cluster, list(pods) or None, **options)
    assert all(conflict.minimal for conflict in found)
    return [conflict.text for conflict in found]


def cores(cluster: pl.Cluster) -> list[tuple[Shrink, Core | Verdict]]:
    """The first conflict of each view of a cluster."""
    pending = groups(cluster, cluster.pod_table.node == PENDING)
    return [(view.shrink, view.shrink.core(view.required)) for view in views(cluster, pending, None, FOREVER, 0)]


def agree_with_brute_force(cluster: pl.Cluster) -> Verdict:
    pending = np.flatnonzero(cluster.pod_table.node == PENDING).tolist()
    ((shrink, core),) = cores(cluster)
    if not isinstance(core, Core):
        assert core is Verdict.feasible
        assert can_all_be_placed(cluster, pending)
        return core
    assert core.minimal

    def placed(members) -> bool:
        required = [row for each in members if each.part is None for row in shrink.groups[each.group].rows.tolist()]
        return can_all_be_placed(shrink.changed(members), required)

    assert not can_all_be_placed(cluster, pending)
    assert not placed(core.members)
    for each in core.members:
        assert placed(core.members - {each}), each
    return Verdict.infeasible


@given(clusters(rules=ALL_RULES - {"preferences"}, max_nodes=3, max_pods=4))
@settings(max_examples=40)
def test_what_is_named_conflicts_and_nothing_less_does(cluster):
    agree_with_brute_force(cluster)


def test_seeded_clusters_of_all_rules_have_conflicts_that_are_true_and_minimal():
    found = [agree_with_brute_force(random_cluster(seed, 4, 5)) for seed in range(40)]

    assert {Verdict.feasible, Verdict.infeasible} <= set(found)


def test_domains_that_are_missing_are_counted():
    cluster = pl.Cluster(in_zones(*"abcabc"), [pl.Pod("web", replicas=5, cpu=1, apart="zone"), pl.Pod("db", cpu=1)])

    (conflict,) = pl.conflicts(cluster)

    assert conflict.text == "default/web needs 5 zones, 3 exist"
    assert conflict.pods == {"default/web": 5}
    assert [(rule.pods, rule.rule) for rule in conflict.rules] == [("default/web", "InterPodAffinity")]
    assert (conflict.numbers["needed"], conflict.numbers["exist"]) == (5, 3)
    assert (conflict.minimal, conflict.by) == (True, "CP-SAT")


def test_domains_in_use_are_said():
    standing = [pl.Pod("old", node="n0", labels={"app": "web"})]
    cluster = pl.Cluster(in_zones(*"ab"), [*standing, pl.Pod("web", replicas=2, labels={"app": "web"}, apart="zone")])

    assert texts(cluster) == ["default/web needs 2 zones, 2 exist, 1 of them taken"]


def test_a_limit_per_domain_needs_so_many_domains():
    limit = pl.DomainLimit(topology_key="zone", at_most=2)
    cluster = pl.Cluster(in_zones(*"abab"), [pl.Pod("web", replicas=5, labels={"app": "web"}, domain_limits=[limit])])

    assert texts(cluster) == ["default/web needs 3 zones, 2 exist; allows 2 a zone"]


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        ([pl.Pod("a", cpu=5)], "default/a asks 5000m cpu, none of 2 nodes has more than 4000m free"),
        ([pl.Pod("a", replicas=3, cpu=3)], "default/a asks 9000m cpu together, 8000m are free"),
        ([pl.Pod("a", replicas=5, cpu=1.5)], "default/a asks 1500m cpu each, 2 nodes have room for 4 of 5"),
        (
            [pl.Pod("a", replicas=2, cpu=2.5), pl.Pod("b", cpu=2)],
            (
                "default/a (2 pods) and default/b cannot go together, 2 of these 3 pods can; "
                "default/a asks 2500m cpu; default/b asks 2000m cpu"
            ),
        ),
        (
            [pl.Pod("a", replicas=2, cpu=2.5), pl.Pod("b", cpu=4)],
            "default/a (2 pods) and default/b ask 9000m cpu together, 8000m are free",
        ),
        (
            [pl.Pod("a", cpu=1, node_selector={"disk": "ssd"})],
            "default/a has none of 2 nodes left: selects nodes by disk=ssd",
        ),
        ([pl.Pod("a", scheduling_gates=["wait"])], "default/a cannot be placed: has the scheduling gates wait"),
        (
            [pl.Pod("a", replicas=3, ports=[80])],
            "default/a cannot all be placed, 2 of these 3 pods can; takes host port 80/TCP",
        ),
    ],
)  # fmt: skip
def test_what_is_short_is_said_in_numbers(pods, said):
    assert texts(pl.Cluster(in_zones(*"ab"), pods)) == [said]


def test_each_rule_that_takes_part_is_named_and_no_other():
    taint = pl.Taint(key="dedicated", value="db", effect="NoSchedule")
    nodes = [pl.Node("n1", cpu=1), pl.Node("n2", cpu=8, taints=[taint])]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2, memory=0, apart="zone", spread="host")])

    (conflict,) = pl.conflicts(cluster)

    assert [rule.rule for rule in conflict.rules] == ["NodeResourcesFit", "TaintToleration"]
    assert conflict.text == (
        "default/web asks 2000m cpu, the only node has 1000m free; does not tolerate dedicated=db:NoSchedule"
    )


def test_rules_of_pods_that_stand_are_named():
    away = pl.AffinityTerm(topology_key="zone", selector={"match_labels": {"app": "web"}})
    stands = pl.Pod("grumpy", node="n0", pod_anti_affinity=[away])
    cluster = pl.Cluster(in_zones("a"), [stands, pl.Pod("web", labels={"app": "web"})])

    assert texts(cluster) == ["default/web cannot be placed: default/grumpy has anti-affinity over zone to app=web"]


def test_conflicts_have_no_pod_in_common():
    cluster = pl.Cluster(in_zones(*"ab"), [pl.Pod("a", cpu=9), pl.Pod("b", replicas=3, apart="zone"), pl.Pod("c")])

    assert [list(conflict.pods) for conflict in pl.conflicts(cluster)] == [["default/a"], ["default/b"]]


def test_only_conflicts_of_the_pods_asked_for():
    cluster = pl.Cluster(in_zones(*"ab"), [pl.Pod("a", cpu=9), pl.Pod("b", replicas=3, apart="zone"), pl.Pod("c")])

    assert texts(cluster, "b-0") == ["default/b needs 3 zones, 2 exist"]
    assert pl.conflicts(cluster, "c").status == "feasible"


def test_in_an_answer_the_conflict_is_with_what_it_places():
    cluster = pl.Cluster(in_zones("a"), [pl.Pod("a", cpu=3), pl.Pod("b", cpu=1), pl.Pod("c", cpu=2, priority=-1)])
    solution = pl.solve(cluster)
    assert [left.pod for left in solution.unplaced] == ["default/c"]

    (conflict,) = pl.conflicts(cluster, solution=solution)

    assert conflict.text == "default/a and default/c ask 5000m cpu together, 4000m are free"


def test_pods_that_wait_for_each_other_conflict_although_a_final_state_would_do():
    def follows(app: str) -> list[pl.AffinityTerm]:
        return [pl.AffinityTerm(topology_key="zone", selector={"match_labels": {"app": app}})]

    pods = [
        pl.Pod("x", labels={"app": "x"}, pod_affinity=follows("y")),
        pl.Pod("y", labels={"app": "y"}, pod_affinity=follows("x")),
    ]

    assert texts(pl.Cluster(in_zones("a"), pods), "x") == [
        "default/x cannot be placed: has affinity over zone to app=y; default/y has affinity over zone to app=x"
    ]


def test_where_time_runs_out_nothing_is_claimed():
    cluster = random_cluster(1, 15, 60)

    found = pl.conflicts(cluster, time_limit=1e-9)

    assert (found.status, len(found)) == ("unknown", 0)
    assert found.lines() == ["whether these pods can all be placed is not known: no proof was found within the limits"]


def test_equal_runs_name_equal_conflicts():
    cluster = random_cluster(4, 10, 30)

    assert pl.conflicts(cluster).to_dict() == pl.conflicts(cluster).to_dict()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every problem is a large one."""
    monkeypatch.setattr(narrow, "MOST_CELLS", 0)


@pytest.mark.usefixtures("large")
def test_of_a_large_problem_the_group_that_is_left_out_is_looked_at_alone():
    cluster = pl.Cluster(in_zones(*"abcabc"), [pl.Pod("web", replicas=5, cpu=1, apart="zone"), pl.Pod("db", cpu=1)])

    assert texts(cluster) == ["default/web needs 5 zones, 3 exist"]


@pytest.mark.usefixtures("large")
def test_of_a_large_problem_rivals_on_the_same_nodes_are_found():
    on_a = {"node_selector": {ZONE: "a"}}
    pods = [
        pl.Pod("big", replicas=2, cpu=2, **on_a),
        pl.Pod("low", cpu=3, priority=-1, **on_a),
        pl.Pod("other", replicas=8, cpu=1),
    ]

    (conflict,) = pl.conflicts(pl.Cluster(in_zones(*"abbb"), pods))

    assert conflict.minimal
    assert conflict.text.startswith("default/low and default/big (2 pods) ask 7000m cpu together, 4000m are free")


@pytest.mark.usefixtures("large")
def test_of_many_nodes_only_those_count_on_which_the_pods_may_stand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(check, "MOST_NODES", 2)
    nodes = [*in_zones(*"abab"), pl.Node("gpu", cpu=4, devices=[pl.Device(kind="nvidia.com/gpu", count=2)])]
    shares = [pl.DeviceNeed(kind="nvidia.com/gpu", share=0.6)]

    assert texts(pl.Cluster(nodes, [pl.Pod("share", replicas=3, cpu=1, devices=shares), pl.Pod("web", cpu=1)])) == [
        "default/share cannot all be placed, 2 of these 3 pods can; asks 1 unit at 600/1000 of nvidia.com/gpu"
    ]


@pytest.mark.usefixtures("large")
def test_of_a_large_problem_nothing_is_claimed_that_is_not_proven(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(check, "MOST_NODES", 3)
    for seed in range(12):
        cluster = random_cluster(seed, 4, 5)
        pending = np.flatnonzero(cluster.pod_table.node == PENDING).tolist()
        found = pl.conflicts(cluster)
        if found.status == "infeasible":
            assert not can_all_be_placed(cluster, pending), seed
        if found.status == "feasible":
            assert can_all_be_placed(cluster, pending), seed


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        ("nobody", "pods: 'nobody' is not in the input: give namespace/name of its pods"),
        ("stands", "pods: 'stands' is bound to a node: give pods that are pending"),
    ],
)
def test_pods_that_cannot_be_asked_for_are_refused(pods, said):
    cluster = pl.Cluster([pl.Node("n1")], [pl.Pod("stands", node="n1")])

    with pytest.raises(pl.InputError, match=said):
        pl.conflicts(cluster, pods)


def test_a_time_limit_that_is_not_above_0_is_refused():
    with pytest.raises(pl.InputError, match="conflicts: time_limit is 0: give a number above 0"):
        pl.conflicts(pl.Cluster(), time_limit=0)


def test_require_all_raises_with_the_conflict():
    cluster = pl.Cluster(in_zones(*"abc"), [pl.Pod("web", replicas=5, cpu=1, apart="zone")])

    with pytest.raises(pl.InfeasibleError) as caught:
        pl.solve(cluster, require_all=True)

    assert str(caught.value).splitlines()[1:] == ["default/web needs 5 zones, 3 exist"]
    assert [conflict.pods for conflict in caught.value.conflicts] == [{"default/web": 5}]


def test_require_all_finds_a_placement_that_placing_alone_does_not():
    for seed in range(200):
        cluster = random_cluster(seed, 3, 6, {"affinity", "anti_affinity", "spread"})
        if pl.solve(cluster).unplaced and not pl.solve(cluster, prove=True).unplaced:
            break
    else:
        pytest.skip("placing finds them all")

    solution = pl.solve(cluster, require_all=True)

    assert not solution.unplaced
    assert (solution.bound, pl.verify(cluster, solution)) == (None, [])


def test_an_interrupted_search_for_conflicts_claims_nothing():
    cluster = random_cluster(1, 15, 60)
    stopped = threading.Event()
    stopped.set()

    ((_, core),) = [
        (view.shrink, view.shrink.core(view.required))
        for view in views(
            cluster, groups(cluster, cluster.pod_table.node == PENDING), None, Clock(inf, stopped.is_set), 0
        )
    ]

    assert core is Verdict.unknown


def test_a_part_of_a_cluster_is_the_cluster_without_the_rest():
    cluster = random_cluster(5, 6, 12)
    pods, nodes = np.ones(len(cluster.pod_table), bool), np.ones(6, bool)
    assert part_of(cluster, pods).digest == cluster.digest

    nodes[0] = pods[1] = False
    kept = part_of(cluster, pods, nodes)

    assert [node.name for node in kept.nodes] == [node.name for node in cluster.nodes][1:]
    stood = cluster.node(0).name
    assert list(kept.pods) == [pod for row, pod in enumerate(cluster.pods) if row != 1 and pod.node != stood]


@pytest.mark.usefixtures("large")
def test_of_very_many_rivals_the_sums_are_told_and_not_called_minimal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(narrow, "MOST_RIVALS", 2)
    pods = [pl.Pod(f"app-{name}", replicas=2, cpu=1, memory=size) for size, name in enumerate("abcdef")]

    (conflict,) = pl.conflicts(pl.Cluster(in_zones(*"ab", memory=99), pods))

    assert conflict.text.endswith(
        "and 2 more groups ask 12000m cpu together, the 2 nodes that they may stand on have 8000m free"
    )
    assert (sum(conflict.pods.values()), conflict.minimal, conflict.by) == (12, False, "counting")
