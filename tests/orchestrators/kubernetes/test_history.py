"""What rankings and preemption read of pods: what containers are assumed to use, siblings, start, budgets."""

from __future__ import annotations

import placer as pl
from placer.model.budget import DisruptionBudget
from tests.orchestrators.kubernetes.builders import named, pod, read


def container(**requests: str) -> dict:
    return {"name": "c", "resources": {"requests": requests}}


def assumed(*containers: dict) -> dict:
    return dict(read(pod(containers=list(containers))).pods[0].assumed)


def test_a_container_that_asks_for_nothing_counts_100m_and_200mi_beside_others():
    assert assumed(container(cpu="1", memory="1Gi"), container()) == {"cpu": 1100, "memory": 1224 * 2**20}


def test_what_any_pod_is_assumed_to_use_is_not_written_down():
    assert assumed(container()) == assumed(container(cpu="1")) == {}


def test_an_explicit_zero_counts_nothing():
    assert assumed(container(cpu="0")) == {"cpu": 0}


def labelled(owner: str = "", **labels: str) -> dict:
    kind, _, name = owner.partition("/")
    owners = [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "1", "controller": True}] if owner else []
    return pod(metadata={"labels": labels, "ownerReferences": owners})


SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"selector": {"app": "web"}}}


def test_siblings_are_what_services_and_the_controller_select():
    owner = named(
        "ReplicaSet",
        "apps/v1",
        "r",
        spec={"replicas": 0, "selector": {"matchExpressions": [{"key": "h", "operator": "Exists"}]}},
    )
    found = read(SERVICE, owner, labelled("ReplicaSet/r", app="web")).pods[0].siblings
    assert found == pl.LabelSelector(
        match_labels={"app": "web"}, match_expressions=[{"key": "h", "operator": "Exists"}]
    )


def test_a_pod_that_nothing_selects_has_no_siblings():
    assert read(SERVICE, labelled(app="db")).pods[0].siblings is None


def test_start_and_nominated_node_are_read():
    given = {**pod(), "status": {"startTime": "2026-01-01T00:00:00Z", "nominatedNodeName": "n1"}}
    found = read(given).pods[0]
    assert (found.started, found.nominated) == (1767225600, "n1")


def test_budgets_are_read_and_written():
    budget = named(
        "PodDisruptionBudget",
        "policy/v1",
        "b",
        spec={"selector": {"matchLabels": {"app": "web"}}},
        status={"disruptionsAllowed": 1, "disruptedPods": {"web-0": "2026-01-01T00:00:00Z"}},
    )
    cluster = read(budget)
    expected = DisruptionBudget(
        name="b", selector=pl.LabelSelector(match_labels={"app": "web"}), allowed=1, disrupted=("web-0",)
    )
    assert cluster.budgets == (expected,)
