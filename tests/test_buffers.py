"""Buffers: room for so many pods of a shape stays free, whatever else is placed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import State, failing, rejects
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.model.buffers import with_buffers
from placer.solution import Binding, Solution

ZONE = "topology.kubernetes.io/zone"
SPARE = pl.Pod("spare", replicas=2, cpu=1, memory=1)


def nodes(count: int, **fields: Any) -> list[pl.Node]:
    return [pl.Node(f"n{row}", **{"cpu": 4, "memory": "8Gi", **fields}) for row in range(count)]


def assert_room(cluster: pl.Cluster, solution: pl.Solution) -> None:
    """The buffers' pods arrive after all others where they are said to, by the slow reference."""
    assert pl.verify(cluster, solution) == []
    extended = with_buffers(pl.Cluster(cluster.nodes, failing.final(cluster, solution)), solution.buffers)
    state = State(pl.Cluster(extended.nodes, extended.pods, cluster.namespaces))
    rows = {key: row for row, key in enumerate(state.keys)}
    names = {node.name: row for row, node in enumerate(state.nodes)}
    for pod, node, devices, _ in solution.room:
        assert rejects(state, rows[pod], names[node], devices) is None
        state.bind(rows[pod], names[node], devices)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([True, False]))
def test_whatever_the_rules_the_buffers_have_room_in_the_end(seed, fresh):
    rules = ALL_RULES - {"standing"} if fresh else ALL_RULES - {"devices", "numa"}
    cluster = random_cluster(seed, 2 + seed % 5, 2 + seed % 12, rules)
    drawn = random_cluster(seed + 1, 3, 3, ALL_RULES - {"standing", "gates", "priorities", "volumes", "numa"})
    shapes = [
        pod.model_copy(update={"name": f"spare-{row}", "priority": 0, "apart_from": ()})
        for row, pod in enumerate(drawn.pods)
        if not pod.unsupported
    ]
    assume(shapes)

    solution = pl.solve(cluster, buffers=shapes)

    assert len(solution.room) + len(solution.unmet) == len(shapes)
    assert_room(cluster, solution)


def test_pending_pods_do_not_take_the_room_however_important():
    cluster = pl.Cluster(nodes(2), [pl.Pod("web", replicas=8, cpu=1, priority=1000)])

    solution = pl.solve(cluster, buffers=[SPARE])

    assert len(solution.bindings) == 6
    assert [each.pod for each in solution.room] == ["default/spare-0", "default/spare-1"]
    assert_room(cluster, solution)


def test_the_pods_of_a_buffer_are_no_pods_of_the_answer():
    cluster = pl.Cluster(nodes(2), [pl.Pod("web", cpu=1)])

    solution = pl.solve(cluster, buffers=[pl.Pod("spare", replicas=2, cpu=3)])

    assert [each.pod for each in solution.bindings] == ["default/web"]
    assert solution.objective == {"unplaced": 0, "pack": 1}
    assert solution.input == cluster.digest


def test_a_buffer_keeps_its_own_rules():
    zoned = [pl.Node(f"{zone}{row}", cpu=4, labels={ZONE: zone}) for zone in "abc" for row in range(2)]
    cluster = pl.Cluster(zoned, [pl.Pod("web", replicas=18, cpu=1)])

    solution = pl.solve(cluster, buffers=[pl.Pod("spare", replicas=3, cpu=2, spread="zone")])

    assert {each.node[0] for each in solution.room} == {"a", "b", "c"}
    assert len(solution.bindings) == 18
    assert_room(cluster, solution)


def test_room_on_devices_is_held():
    gpus = [{"kind": "nvidia.com/gpu", "count": 2}]
    cluster = pl.Cluster(nodes(1, devices=gpus), [pl.Pod("train", replicas=2, gpu=1)])

    solution = pl.solve(cluster, buffers=[pl.Pod("spare", gpu=1)])

    assert len(solution.bindings) == 1
    assert_room(cluster, solution)


def test_pods_do_not_count_on_those_of_a_buffer():
    near = [{"topology_key": "host", "selector": {"match_labels": {"app": "cache"}}}]
    cluster = pl.Cluster(nodes(1), [pl.Pod("web", cpu=1, pod_affinity=near)])

    solution = pl.solve(cluster, buffers=[pl.Pod("cache", cpu=1, labels={"app": "cache"})])

    assert [each.pod for each in solution.unplaced] == ["default/web"]
    assert len(solution.room) == 1


def test_pods_that_keep_a_buffer_out_by_a_rule_are_left_out():
    away = [{"topology_key": "host", "selector": {"match_labels": {"app": "cache"}}}]
    cluster = pl.Cluster(nodes(1), [pl.Pod("web", cpu=1, pod_anti_affinity=away)])

    solution = pl.solve(cluster, buffers=[pl.Pod("cache", cpu=1, labels={"app": "cache"})])

    assert [(each.pod, each.reasons[0].rule) for each in solution.unplaced] == [("default/web", "Buffer")]
    assert_room(cluster, solution)


def test_what_finds_no_room_is_told_with_its_reason():
    cluster = pl.Cluster(nodes(1), [pl.Pod("web", cpu=1)])

    solution = pl.solve(cluster, buffers=[pl.Pod("spare", replicas=3, cpu=2)])

    assert [each.pod for each in solution.unmet] == ["default/spare-2"]
    assert solution.unmet[0].message == "0/1 nodes are available: 1 Insufficient cpu."
    assert solution.statistics["buffers"] == {"pods": 3, "unmet": 1}
    with pytest.raises(pl.InfeasibleError, match="1 pods of buffers find no room, first default/spare-2"):
        pl.solve(pl.Cluster(nodes(1), []), buffers=[pl.Pod("spare", replicas=3, cpu=2)], require_all=True)


def test_a_search_keeps_the_room():
    cluster = random_cluster(5, 12, 40, {"replicas", "prices"})

    solution = pl.solve(cluster, buffers=[SPARE], steps=200, seed=1)

    assert_room(cluster, solution)


@pytest.mark.parametrize("goal", ["pack", "balance", "headroom", "fragmentation"])
def test_what_is_held_is_not_counted_by_goals(goal):
    gpus = [{"kind": "nvidia.com/gpu", "count": 2}]
    cluster = pl.Cluster(nodes(3, devices=gpus), [pl.Pod("web", replicas=4, cpu=1), pl.Pod("train", gpu=1)])

    solution = pl.solve(cluster, goals=[goal], buffers=[pl.Pod("spare", replicas=2, cpu=2, gpu=1)])

    assert pl.verify(cluster, solution) == []


def test_reserve_and_buffers_go_together():
    zoned = [pl.Node(f"{zone}{row}", cpu=4, labels={ZONE: zone}) for zone in "ab" for row in range(2)]
    cluster = pl.Cluster(zoned, [pl.Pod("web", replicas=16, cpu=1)])

    solution = pl.solve(cluster, reserve="zone", buffers=[SPARE])

    assert len(solution.bindings) == 8
    assert_room(cluster, solution)


def test_the_file_has_the_buffers_with_all_their_rules(tmp_path):
    spare = pl.Pod("spare", replicas=2, cpu="500m", memory="1Gi", spread="host", devices=[{"kind": "g", "share": 0.5}])
    cluster = pl.Cluster(nodes(2, devices=[{"kind": "g"}]), [pl.Pod("web", cpu=1)])
    solution = pl.solve(cluster, buffers=[spare])
    solution.write(tmp_path / "answer.json")

    read = Solution.read(tmp_path / "answer.json")

    assert list(read.buffers) == [spare]
    assert pl.verify(cluster, read) == []


@pytest.mark.parametrize(
    ("room", "words"),
    [
        ([], "has no room, and is not listed as unmet"),
        ([Binding("default/spare", "n0")], "would not fit: NodeResourcesFit: cpu would be 5000 of 4000"),
        ([Binding("default/web", "n0")], "names a pod that no buffer has"),
        ([Binding("default/spare", "gone")], "names a node that the input does not have"),
    ],
)
def test_verify_asks_every_rule_of_the_room(room: list[Binding], words: str):
    cluster = pl.Cluster(nodes(1), [pl.Pod("web", cpu=2)])
    solution = pl.solve(cluster)
    solution.buffers, solution.room = [pl.Pod("spare", cpu=3)], room

    violations = pl.verify(cluster, solution)

    assert any(each.rule == "Buffer" and words in each.message for each in violations), violations


@pytest.mark.parametrize(
    ("buffer", "words"),
    [
        (pl.Pod("spare", replicas=0), "replicas is 0, which keeps no room"),
        (pl.Pod("spare", priority=5), "priority is 5, which means nothing for a buffer"),
        (pl.Pod("spare", node="n0"), "node is 'n0', which means nothing for a buffer"),
        (pl.Pod("web"), "Pod default/web is a pod of the cluster as well: give the buffer another name"),
        ("spare", "'spare' is no pod"),
    ],
)
def test_a_buffer_that_makes_no_sense_is_refused(buffer: Any, words: str):
    with pytest.raises(pl.InputError, match=words):
        pl.solve(pl.Cluster(nodes(1), [pl.Pod("web", cpu=1)]), buffers=[buffer])


def test_two_buffers_of_one_name_are_refused():
    with pytest.raises(pl.InputError, match="Pod default/spare is a duplicate"):
        pl.solve(pl.Cluster(nodes(1), []), buffers=[pl.Pod("spare"), pl.Pod("spare", cpu=1)])
