"""Pods: requests by the Kubernetes rule, rules from the spec, priority, owner, what is unsupported."""

from __future__ import annotations

import json

import pytest

import placer as pl
from placer.orchestrators.kubernetes import read_json

from .builders import PREFERRED, REQUIRED, container, named, node, only_pod, owned, pod, read, refused


def requests_of(**spec) -> dict[str, int]:
    return dict(only_pod(pod(**spec)).requests)


def test_requests_of_containers_are_added():
    assert requests_of(containers=[container({"cpu": "100m", "memory": "1Mi"}), container({"cpu": 1})]) == {
        "cpu": 1100,
        "memory": 2**20,
    }


def test_a_limit_without_request_is_the_request():
    limited = {"name": "c", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}}
    assert requests_of(containers=[limited]) == {"cpu": 1000, "memory": 2**30}


def test_init_containers_count_by_the_worst_moment_and_sidecars_stay():
    sidecar = container({"cpu": "200m", "memory": "10"}, restartPolicy="Always")
    init = [container({"cpu": "1"}), sidecar, container({"cpu": "900m"})]
    assert requests_of(initContainers=init, containers=[container({"cpu": "500m"})]) == {"cpu": 1100, "memory": 10}
    assert requests_of(initContainers=init, containers=[container({"cpu": "1"})]) == {"cpu": 1200, "memory": 10}


def test_pod_level_requests_take_the_place_of_the_sum_and_overhead_comes_on_top():
    spec = {
        "containers": [container({"cpu": "3", "example.com/x": "1"})],
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "5"}},
        "overhead": {"cpu": "100m"},
    }
    assert requests_of(**spec) == {"cpu": 1100, "memory": 5, "example.com/x": 1}


def test_pod_level_limits_do_not_raise_what_containers_ask_for():
    assert requests_of(containers=[container({"cpu": "1"})], resources={"limits": {"cpu": "4"}}) == {"cpu": 1000}


def test_zero_requests_are_no_requests_and_parts_of_a_byte_are_rounded_up():
    assert requests_of(containers=[container({"cpu": "0", "memory": "100m"})]) == {"memory": 1}


def test_affinity_tolerations_spread_and_gates_become_the_models_rules():
    zone = "topology.kubernetes.io/zone"
    term = {"topologyKey": zone, "labelSelector": {"matchLabels": {"app": "db"}}, "namespaces": ["prod"]}
    found = only_pod(
        pod(
            nodeSelector={"disk": "ssd"},
            affinity={
                "nodeAffinity": {
                    REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]},
                    PREFERRED: [{"weight": 5, "preference": {}}],
                },
                "podAffinity": {REQUIRED: [term], PREFERRED: [{"weight": 7, "podAffinityTerm": term}]},
                "podAntiAffinity": {
                    REQUIRED: [{"topologyKey": zone, "namespaceSelector": {}, "matchLabelKeys": ["v"]}],
                    PREFERRED: [{"weight": 9, "podAffinityTerm": term}],
                },
            },
            tolerations=[{"operator": "Exists", "effect": ""}, {"key": "a", "value": "b", "tolerationSeconds": 3}],
            topologySpreadConstraints=[
                {
                    "maxSkew": 2,
                    "topologyKey": zone,
                    "whenUnsatisfiable": "DoNotSchedule",
                    "minDomains": 3,
                    "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]},
                }
            ],
            schedulingGates=[{"name": "wait"}],
        )
    )
    with_db = pl.AffinityTerm(topology_key=zone, selector={"match_labels": {"app": "db"}}, namespaces=["prod"])
    assert found == pl.Pod(
        "web",
        node_selector={"disk": "ssd"},
        node_affinity=[{"match_expressions": [{"key": "a", "operator": "Exists"}]}],
        preferred_nodes=[{"weight": 5, "term": {}}],
        pod_affinity=[with_db],
        pod_anti_affinity=[{"topology_key": zone, "namespace_selector": {}, "match_label_keys": ["v"]}],
        preferred_pods=[{"weight": 7, "term": with_db}, {"weight": -9, "term": with_db}],
        tolerations=[{"operator": "Exists"}, {"key": "a", "value": "b"}],
        topology_spread=[
            {
                "max_skew": 2,
                "topology_key": zone,
                "min_domains": 3,
                "selector": {"match_expressions": [{"key": "a", "operator": "In", "values": ["x"]}]},
            }
        ],
        scheduling_gates=["wait"],
    )


@pytest.mark.parametrize("key", ["zone", "rack", "host", "node"])
def test_a_topology_key_is_never_taken_for_a_short_name(key):
    term = {"topologyKey": key}
    found = only_pod(
        pod(
            affinity={"podAntiAffinity": {REQUIRED: [term], PREFERRED: [{"weight": 1, "podAffinityTerm": term}]}},
            topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway"}],
        )
    )
    assert found.pod_anti_affinity[0].topology_key == key
    assert found.preferred_pods[0].term.topology_key == key
    assert found.topology_spread[0].topology_key == key


def test_host_ports_are_taken_by_containers_sidecars_and_the_hosts_network():
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    side = container(ports=[{"containerPort": 1, "hostPort": 53, "protocol": "UDP"}], restartPolicy="Always")
    init = container(ports=[{"containerPort": 1, "hostPort": 99}])
    found = only_pod(pod(containers=[container(ports=ports)], initContainers=[side, init]))
    assert found.host_ports == (pl.HostPort(port=8080), pl.HostPort(port=53, protocol="UDP"))
    hosted = only_pod(
        pod(containers=[container(ports=[{"containerPort": 81, "hostIP": "10.0.0.1"}])], hostNetwork=True)
    )
    assert hosted.host_ports == (pl.HostPort(port=81, host_ip="10.0.0.1"),)


def test_images_of_all_containers_are_kept():
    found = only_pod(
        pod(containers=[container(image="web:1"), container()], initContainers=[container(image="init:1")])
    )
    assert found.images == ("init:1", "web:1")


def test_finished_pods_are_left_out_and_terminating_ones_marked():
    gone = [pod("a", status={"phase": "Succeeded"}), pod("b", status={"phase": "Failed"})]
    leaving = pod("c", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}, status={"phase": "Running"})
    found = only_pod(*gone, leaving)
    assert (found.name, found.terminating) == ("c", True)


def test_bound_pods_stand_on_their_node_and_unknown_nodes_are_warned_of():
    cluster = read(node(), pod("a", nodeName="n1"), pod("b", nodeName="gone"), pod("c", nodeName=""))
    assert [found.node for found in cluster.pods] == ["n1", "gone", None]
    assert cluster.pod_table.node.tolist() == [0, -2, -1]
    assert cluster.warnings == ["Pod default/b: bound to node 'gone', which the input does not have"]


def test_priority_comes_from_the_pod_its_class_or_the_global_default():
    group = "scheduling.k8s.io/v1"
    classes = [
        named("PriorityClass", group, "gold", value=100, preemptionPolicy="Never"),
        named("PriorityClass", group, "normal", value=7, globalDefault=True),
    ]
    cluster = read(
        *classes,
        pod("a", priority=-3),
        pod("b", priorityClassName="gold"),
        pod("c", priorityClassName="gold", priority=5, preemptionPolicy="PreemptLowerPriority"),
        pod("d", priorityClassName="system-node-critical"),
        pod("e"),
        pod("f", priorityClassName="silver"),
    )
    assert [found.priority for found in cluster.pods] == [-3, 100, 5, 2_000_001_000, 7, 7]
    assert [found.preemption_policy == "Never" for found in cluster.pods] == [False, True, *[False] * 4]
    assert cluster.warnings == [
        (
            "dump.json, item 8, Pod default/f: spec.priorityClassName 'silver' is no PriorityClass of the input: "
            "taken as the default priority 7; add the PriorityClass"
        )
    ]


def test_the_controller_is_the_owner_and_the_scheduler_is_kept():
    reference = {"kind": "ReplicaSet", "name": "web-5d", "controller": True}
    other = {"kind": "Node", "name": "n1"}
    found = only_pod(pod(metadata={"ownerReferences": [other, reference]}, schedulerName="mine"))
    assert (found.owner, found.scheduler_name) == ("ReplicaSet/web-5d", "mine")
    assert only_pod(owned("a", "Job/b")).scheduler_name == "default-scheduler"


def test_what_is_not_supported_keeps_the_pod_unplaced_by_name():
    found = only_pod(pod(resourceClaims=[{"name": "gpu", "resourceClaimName": "g"}], workloadRef={"name": "w"}))
    assert found.unsupported == ("spec.resourceClaims is not supported", "spec.workloadRef is not supported")
    assert only_pod(pod(resourceClaims=[], workloadRef=None)).unsupported == ()


def test_tolerations_that_compare_numbers_keep_their_pod_unplaced():
    numeric = {"key": "sla", "operator": "Gt", "value": "95", "effect": "NoSchedule"}
    cluster = read(pod("a", tolerations=[{"operator": "Exists"}, numeric], resourceClaims=[{}]), pod("b"))
    reasons = ("spec.resourceClaims is not supported", "spec.tolerations[1].operator Gt is not supported")
    assert [found.unsupported for found in cluster.pods] == [reasons, ()]
    assert cluster.pods[0].tolerations == (pl.Toleration(operator="Exists"),)


def test_nulls_are_what_is_not_given():
    given = dict.fromkeys(("affinity", "tolerations", "volumes", "nodeSelector", "initContainers", "priority"))
    assert only_pod(pod(metadata={"labels": None, "annotations": None}, **given)) == pl.Pod("web")


def test_namespaces_keep_their_labels():
    cluster = read(
        named("Namespace", "v1", "prod", metadata={"labels": {"team": "x"}}), named("Namespace", "v1", "dev")
    )
    assert cluster.namespaces == {"prod": {"team": "x"}, "dev": {}}


def test_equal_texts_and_equal_values_share_one_value():
    first = pod("a", containers=[container({"cpu": "1000m"})], tolerations=[{"key": "a", "operator": "Exists"}])
    second = pod("b", containers=[container({"cpu": 1})], tolerations=[{"operator": "Exists", "key": "a"}])
    text = "[" + json.dumps(first) + "," + json.dumps(second, indent=3) + "]"
    table = read_json([("x", text.encode())]).pod_table
    assert len(table["tolerations"].values) == 1
    assert table.requests.table.tolist() == [[1000], [1000]]


def at_affinity(**affinity) -> dict:
    return pod(affinity=affinity)


def in_terms(**expression) -> dict:
    return at_affinity(nodeAffinity={REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}})


TERMS = f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            pod(containers=[container({"memory": "4gb"})]),
            "spec.containers[0].resources.requests.memory is '4gb', which is no quantity: write '4G' or '4Gi'",
        ),
        (
            pod(containers=[container(), {"resources": {"limits": {"cpu": "-1"}}}]),
            "spec.containers[1].resources.limits.cpu is '-1', which must not be negative: write 0 or more",
        ),
        (
            pod(initContainers=[container({"cpu": True})]),
            "spec.initContainers[0].resources.requests.cpu is True, which",
        ),
        (
            pod(containers=[container({"memory": "8Ei"})]),
            "requests.memory is '8Ei', which is beyond int64: write at most",
        ),
        (
            pod(containers=[container({"memory": "7Ei"}), container({"memory": "7Ei"})]),
            "spec.containers ask for 16140901064495857664 of memory together, which is beyond int64",
        ),
        (pod(containers=[{"resources": 5}]), "spec.containers[0].resources is 5: give a map"),
        (pod(containers=[{"resources": {"requests": []}}]), "spec.containers[0].resources.requests is []: give a map"),
        (pod(containers=[{"ports": {}}]), "spec.containers[0].ports is {}: give a list"),
        (pod(containers={}), "spec.containers is {}: give a list"),
        (pod(overhead={"cpu": "x"}), "spec.overhead.cpu is 'x', which is no quantity"),
        (pod(resources={"requests": {"cpu": ""}}), "spec.resources.requests.cpu is '', which is no quantity"),
        (in_terms(key="a", operator="In", values=[1]), f"{TERMS}[0].matchExpressions[0].values[0] is 1: give a text"),
        (at_affinity(nodeAffinity=5), "spec.affinity.nodeAffinity is 5: give a map"),
        (pod(topologySpreadConstraints=[{"maxSkew": "1"}]), "topologySpreadConstraints[0].maxSkew is '1': give an int"),
        (pod(schedulingGates=["wait"]), "spec.schedulingGates[0] is 'wait': give a map"),
        (pod(nodeSelector={"a": 1}), "spec.nodeSelector.a is 1: give a text, in quotes"),
        (pod(metadata={"labels": {"a": True}}), "metadata.labels.a is True: give a text, in quotes"),
        (pod(priority=2**31), "spec.priority is 2147483648: give an integer of at most 2147483647"),
        (pod(priority="high"), "spec.priority is 'high': give an integer"),
        (pod(preemptionPolicy="Always"), "spec.preemptionPolicy is 'Always': give 'PreemptLowerPriority' or 'Never'"),
        (pod(nodeName=5), "spec.nodeName is 5: give a text, in quotes"),
        (
            pod(volumes=[{"name": "v", "persistentVolumeClaim": {}}]),
            "spec.volumes[0].persistentVolumeClaim.claimName is",
        ),
        (pod(status={"phase": 1}), "status.phase is 1: give a text, in quotes"),
    ],
)
def test_wrong_values_are_named_by_their_path(given, problem):
    found = refused(given)[0]
    assert found.startswith("dump.json, item 1, Pod default/web: ")
    assert problem in found


def test_the_error_names_the_first_pod_of_many_with_the_same_mistake():
    pods = [pod(f"web-{place}", containers=[container({"memory": "4gb"})]) for place in range(20)]
    (found,) = refused(node(), *pods)
    assert found == (
        "dump.json, item 2, Pod default/web-0: spec.containers[0].resources.requests.memory is '4gb', "
        "which is no quantity: write '4G' or '4Gi'"
    )


def test_a_wrong_priority_class_is_named():
    (found,) = refused(named("PriorityClass", "scheduling.k8s.io/v1", "gold", value="high"))
    assert found == "dump.json, item 1, PriorityClass gold: value is 'high': give an integer"
