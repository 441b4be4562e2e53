"""Controllers give the pods that they lack, and no others."""

from __future__ import annotations

import pytest

import placer as pl

from .builders import container, controller, named, node, owned, owned_by, pod, read, refused

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
WEB = {"labels": {"app": "web", "pod-template-hash": "5d"}}
REPLICA_SET = controller("ReplicaSet", "web-5d", replicas=3, metadata={"ownerReferences": owned_by("Deployment/web")})


def lacking(*objects) -> list[str]:
    return [found.name for found in read(*objects).pods if found.expected]


def test_a_dump_with_all_kinds_at_once():
    old = controller("ReplicaSet", "web-4c", replicas=1, metadata={"ownerReferences": owned_by("Deployment/web")})
    daemon = controller("DaemonSet", "agent")
    daemon["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    dump = [
        node("n1", labels={"disk": "ssd"}),
        node("n2", labels={"disk": "ssd"}, spec={"unschedulable": True}),
        node("n3"),
        node("n4", labels={"disk": "ssd"}, spec={"taints": [{"key": "gpu", "effect": "NoSchedule"}]}),
        controller("Deployment", "web", replicas=5),
        REPLICA_SET,
        old,
        owned("web-0", "ReplicaSet/web-5d", nodeName="n1"),
        owned("web-5d-b", "ReplicaSet/web-5d"),
        owned("web-4c-a", "ReplicaSet/web-4c", nodeName="n3"),
        owned("web-4c-b", "ReplicaSet/web-4c", status={"phase": "Failed"}),
        controller("ReplicaSet", "alone", replicas=2),
        owned("alone-x", "ReplicaSet/alone"),
        controller("ReplicationController", "old", "v1"),
        controller("StatefulSet", "db", replicas=3, ordinals={"start": 1}),
        owned("db-2", "StatefulSet/db", nodeName="n1"),
        daemon,
        owned("agent-x", "DaemonSet/agent", nodeName="n1"),
        controller("Job", "sum", "batch/v1", parallelism=4, completions=5, status={"succeeded": 2, "active": 1}),
        owned("sum-a", "Job/sum"),
        owned("sum-b", "Job/sum", status={"phase": "Succeeded"}),
        controller("Job", "done", "batch/v1", status={"conditions": [{"type": "Complete", "status": "True"}]}),
        controller("CronJob", "nightly", "batch/v1", schedule="0 0 * * *"),
        controller("Job", "nightly-1", "batch/v1", metadata={"ownerReferences": owned_by("CronJob/nightly")}),
    ]
    cluster = read(*dump)
    made = [(found.owner, found.name) for found in cluster.pods if found.expected]
    assert made == [
        ("Deployment/web", "web-1"),
        ("Deployment/web", "web-2"),
        ("ReplicaSet/alone", "alone-0"),
        ("ReplicationController/old", "old-0"),
        ("StatefulSet/db", "db-1"),
        ("StatefulSet/db", "db-3"),
        ("DaemonSet/agent", "agent-0"),
        ("Job/sum", "sum-0"),
        ("Job/sum", "sum-1"),
        ("Job/nightly-1", "nightly-1-0"),
    ]
    assert len(cluster.pods) == 7 + len(made)
    assert all(found.requests == {"cpu": 1000} for found in cluster.pods if found.expected)


def test_a_deployment_counts_the_pods_of_its_replica_sets():
    three = [owned(f"web-5d-{place}", "ReplicaSet/web-5d") for place in range(3)]
    assert lacking(controller("Deployment", "web", replicas=5), REPLICA_SET, *three) == ["web-0", "web-1"]
    assert lacking(REPLICA_SET, *three[:1]) == ["web-5d-1", "web-5d-2"]


def test_a_replica_set_that_the_input_does_not_have_is_told_by_its_name():
    three = [owned(f"web-5d-{place}", "ReplicaSet/web-5d") for place in range(3)]
    other = owned("web-front-5d-a", "ReplicaSet/web-front-5d")
    assert lacking(controller("Deployment", "web", replicas=4), *three, other) == ["web-0"]


def test_pods_of_a_deployment_get_the_hash_of_the_replica_set_with_the_same_template():
    matching = {**REPLICA_SET, "spec": {"template": {"metadata": WEB, "spec": {"containers": []}}}}
    deployment = controller("Deployment", "web")
    deployment["spec"]["template"]["spec"] = {"containers": []}
    (found,) = read(deployment, matching).pods
    assert dict(found.labels) == {"app": "web", "pod-template-hash": "5d"}
    deployment["spec"]["template"]["spec"] = {"containers": [container()]}
    (found,) = read(deployment, matching).pods
    assert dict(found.labels) == {"app": "web"}


def test_live_pods_of_another_namespace_do_not_count():
    elsewhere = owned("old-x", "ReplicationController/old", namespace="other")
    assert lacking(controller("ReplicationController", "old", "v1"), elsewhere) == ["old-0"]


def test_terminating_pods_are_replaced_but_those_of_a_stateful_set_keep_their_name():
    leaving = owned("a-0", "ReplicaSet/a", metadata=DELETED)
    assert lacking(controller("ReplicaSet", "a"), leaving) == ["a-1"]
    leaving = owned("db-0", "StatefulSet/db", metadata=DELETED)
    assert lacking(controller("StatefulSet", "db"), leaving) == []


def test_a_failed_pod_of_a_stateful_set_is_made_again_under_its_name():
    assert lacking(controller("StatefulSet", "db"), owned("db-0", "StatefulSet/db", status={"phase": "Failed"})) == [
        "db-0"
    ]


def test_names_of_finished_pods_are_not_given_again():
    assert lacking(controller("Job", "j", "batch/v1"), owned("j-0", "Job/j", status={"phase": "Failed"})) == ["j-1"]


def test_pods_of_a_stateful_set_bring_their_claims_and_labels():
    claims = [{"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}}]
    mount = {"name": "data", "persistentVolumeClaim": {"claimName": "overruled"}}
    stateful = controller("StatefulSet", "db", replicas=2, volumeClaimTemplates=claims)
    stateful["spec"]["template"]["spec"]["volumes"] = [mount]
    storage = named(
        "StorageClass",
        "storage.k8s.io/v1",
        "fast",
        provisioner="csi.example.com",
        volumeBindingMode="WaitForFirstConsumer",
    )
    bound = named("PersistentVolumeClaim", "v1", "data-db-1", spec={"volumeName": "pv"})
    disk = named("PersistentVolume", "v1", "pv", spec={"csi": {"driver": "other.example.com"}})
    first, second = read(stateful, storage, bound, disk).pods
    assert first.volumes == (pl.Volume(name="data-db-0", driver="csi.example.com", waiting={}),)
    assert second.volumes == (pl.Volume(name="data-db-1", driver="other.example.com"),)
    assert first.unsupported == second.unsupported == ()
    assert first.labels["statefulset.kubernetes.io/pod-name"] == "db-0"


def test_a_daemon_set_has_a_pod_for_each_eligible_node_without_one():
    daemon = controller("DaemonSet", "agent")
    daemon["spec"]["template"]["spec"]["tolerations"] = [{"key": "gpu", "operator": "Exists"}]
    pending = owned(
        "agent-p",
        "DaemonSet/agent",
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}
                    ]
                }
            }
        },
    )
    nodes = [
        node("n1", spec={"taints": [{"key": "gpu", "effect": "NoSchedule"}]}),
        node("n2"),
        node("n3", spec={"taints": [{"key": "full", "effect": "NoExecute"}]}),
        node("n4", spec={"taints": [{"key": "soft", "effect": "PreferNoSchedule"}]}),
        node("n5", spec={"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]}),
        node("n6"),
    ]
    made = [
        found
        for found in read(daemon, pending, owned("x", "DaemonSet/agent", nodeName="n6"), *nodes).pods
        if found.expected
    ]
    targets = [found.node_affinity[0].match_fields[0].values[0] for found in made]
    assert targets == ["n1", "n4", "n5"]
    assert [found.name for found in made] == ["agent-0", "agent-1", "agent-2"]
    assert [toleration.key for toleration in made[0].tolerations] == [
        "gpu",
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/pid-pressure",
        "node.kubernetes.io/unschedulable",
    ]


def test_node_affinity_of_a_daemon_set_chooses_its_nodes():
    daemon = controller("DaemonSet", "agent")
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]}]
    daemon["spec"]["template"]["spec"]["affinity"] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    }
    assert lacking(daemon, node("n1"), node("n2")) == ["agent-0"]


@pytest.mark.parametrize(
    ("spec", "status", "made"),
    [
        ({}, {}, 1),
        ({"parallelism": 3}, {}, 3),
        ({"parallelism": 3, "completions": 2}, {}, 2),
        ({"parallelism": 3, "completions": 5}, {"succeeded": 4}, 1),
        ({"parallelism": 3}, {"succeeded": 1}, 0),
        ({"parallelism": 0, "completions": 5}, {}, 0),
        ({"suspend": True}, {}, 0),
        ({}, {"conditions": [{"type": "Failed", "status": "True"}]}, 0),
        ({}, {"conditions": [{"type": "Failed", "status": "False"}]}, 1),
    ],
)
def test_a_job_lacks_what_runs_at_once_and_has_not_succeeded(spec, status, made):
    assert len(lacking(controller("Job", "j", "batch/v1", status=status, **spec))) == made


def test_controllers_that_are_deleted_or_scaled_to_nothing_give_none():
    assert lacking(controller("Deployment", "a", metadata=DELETED), controller("ReplicaSet", "b", replicas=0)) == []


def test_annotations_of_the_template_hold_for_its_pods():
    deployment = controller("Deployment", "web", replicas=2)
    deployment["spec"]["template"]["metadata"]["annotations"] = {"placer.dev/forbidden_nodes": '["n1"]'}
    assert [found.forbidden_nodes for found in read(deployment).pods] == [("n1",), ("n1",)]


def test_a_controller_without_a_template_is_warned_of():
    bare = named("ReplicaSet", "apps/v1", "web", spec={"replicas": 2})
    cluster = read(bare)
    assert len(cluster.pods) == 0
    assert cluster.warnings == [
        "dump.json, item 1, ReplicaSet default/web: spec.template.spec is missing: the pods it lacks are left out"
    ]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"replicas": -1}, "spec.replicas is -1: give an integer of at least 0"),
        ({"replicas": "3"}, "spec.replicas is '3': give an integer"),
        ({"replicas": 2**31 - 1}, "spec asks for 2147483647 more pods: placer makes at most 5000000"),
        ({"template": []}, "spec.template is []: give a map"),
        ({"template": {"spec": 5}}, "spec.template.spec is 5: give a map"),
        (
            {"template": {"spec": {"containers": [container({"cpu": "x"})]}}},
            "spec.template.spec.containers[0].resources.requests.cpu is 'x', which is no quantity",
        ),
        ({"template": {"spec": {"priority": "x"}}}, "spec.template.spec.priority is 'x': give an integer"),
        (
            {"template": {"metadata": {"annotations": {"placer.dev/nodes": "5"}}, "spec": {}}},
            "spec.template.metadata.annotations[placer.dev/nodes] is 5: Input should be a valid tuple",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_wrong_values_are_named_by_their_path(kind, spec, problem):
    (found,) = refused(controller(kind, "web", **spec))
    assert found.startswith(f"dump.json, item 1, {kind} default/web: {problem}")


def test_a_lacking_pod_never_takes_the_name_of_another():
    assert lacking(controller("ReplicaSet", "a", replicas=2), pod("a-0"), pod("a-2")) == ["a-1", "a-3"]
