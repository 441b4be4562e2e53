"""What the API server adds to pods that have not passed it: only what is missing, and once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl

from .builders import PREFERRED, REQUIRED, container, controller, manifest, named, node, only_pod, pod, read, refused

NOT_READY = pl.Toleration(key="node.kubernetes.io/not-ready", operator="Exists", effect="NoExecute")
UNREACHABLE = pl.Toleration(key="node.kubernetes.io/unreachable", operator="Exists", effect="NoExecute")


def limit_range(name: str = "limits", namespace: str = "default", **item: Any) -> dict[str, Any]:
    limits = [{"type": "Container", **item}]
    return named("LimitRange", "v1", name, metadata={"namespace": namespace}, spec={"limits": limits})


def runtime_class(name: str = "kata", **fields: Any) -> dict[str, Any]:
    return named("RuntimeClass", "node.k8s.io/v1", name, handler=name, **fields)


def limited(requests: Any = None, limits: Any = None) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}}


def requests_of(*objects: Any) -> dict[str, int]:
    return dict(only_pod(*objects).requests)


def test_containers_get_the_requests_of_the_namespaces_limit_range():
    given = limit_range(default={"cpu": "1", "memory": "2Gi"}, defaultRequest={"cpu": "100m"})

    assert requests_of(given, manifest()) == {"cpu": 100, "memory": 2**31}
    assert requests_of(given, manifest(containers=[container({"cpu": "50m"}), container(name="d")])) == {
        "cpu": 150,
        "memory": 2**32,
    }
    assert requests_of(given, manifest(metadata={"namespace": "other"})) == {}


def test_init_containers_get_them_as_well():
    given = limit_range(defaultRequest={"cpu": "2"})

    assert requests_of(given, manifest(containers=[container({"cpu": "1"})], initContainers=[container(name="d")])) == {
        "cpu": 2000
    }


def test_a_request_comes_from_the_pods_own_limit_first():
    given = limit_range(default={"cpu": "4"}, defaultRequest={"cpu": "1"})

    assert requests_of(given, manifest(containers=[limited(limits={"cpu": "3"})])) == {"cpu": 3000}


def test_a_limit_range_without_defaults_gives_its_maximum_or_its_minimum():
    assert requests_of(limit_range(max={"cpu": "2"}, min={"cpu": "1"}), manifest()) == {"cpu": 2000}
    assert requests_of(limit_range(min={"cpu": "1"}), manifest()) == {"cpu": 1000}


def test_the_first_of_several_limit_ranges_counts_resource_by_resource():
    first = limit_range("a", defaultRequest={"cpu": "1"})
    second = limit_range("b", defaultRequest={"cpu": "2", "memory": "5"})

    assert requests_of(first, second, manifest()) == {"cpu": 1000, "memory": 5}


def test_limits_of_pods_and_claims_give_containers_nothing():
    given = limit_range(type="Pod", defaultRequest={"cpu": "1"}, max={"cpu": "1"})

    assert requests_of(given, manifest()) == {}


def test_a_request_outside_the_limits_is_warned_of():
    given = limit_range(min={"cpu": "100m"}, max={"cpu": "2", "memory": "1Gi"})
    pods = [manifest("a", containers=[limited({"cpu": "3", "memory": "1Gi"}, {"cpu": "3", "memory": "1Gi"})])]
    pods += [manifest("b", containers=[limited({"cpu": "50m"}, {"memory": "1"})])]

    assert read(given, *pods).warnings == [
        f"dump.json, item {item}: spec.containers[0].resources.requests.cpu is {text} in LimitRange default/limits: "
        "the API server would refuse the pod"
        for item, text in (
            ("2, Pod default/a", "3, above the maximum of 2"),
            ("3, Pod default/b", "50m, below the minimum of 100m"),
        )
    ]


def test_a_runtime_class_gives_overhead_selector_and_tolerations():
    given = runtime_class(
        overhead={"podFixed": {"cpu": "250m"}},
        scheduling={"nodeSelector": {"kata": "yes"}, "tolerations": [{"key": "kata", "operator": "Exists"}]},
    )
    found = only_pod(
        given,
        manifest(
            runtimeClassName="kata",
            containers=[container({"cpu": "1"})],
            nodeSelector={"disk": "ssd"},
            tolerations=[{"key": "own", "operator": "Exists"}],
        ),
    )

    assert dict(found.requests) == {"cpu": 1250}
    assert dict(found.node_selector) == {"disk": "ssd", "kata": "yes"}
    assert [toleration.key for toleration in found.tolerations[:2]] == ["own", "kata"]


@pytest.mark.parametrize(
    ("given", "spec", "problem"),
    [
        ([], {}, 'spec.runtimeClassName: Forbidden: pod rejected: RuntimeClass "kata" not found: add it'),
        (
            [runtime_class(scheduling={"nodeSelector": {"disk": "ssd"}})],
            {"nodeSelector": {"disk": "hdd"}},
            "conflict: runtimeClass.scheduling.nodeSelector[disk] = ssd; pod.spec.nodeSelector[disk] = hdd: drop the",
        ),
        (
            [runtime_class(overhead={"podFixed": {"cpu": "1"}})],
            {"overhead": {"cpu": "2"}},
            "spec.overhead: Forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined",
        ),
        (
            [runtime_class()],
            {"overhead": {"cpu": "2"}},
            "spec.overhead: Forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined",
        ),
    ],
)
def test_a_runtime_class_that_does_not_go_with_the_pod(given, spec, problem):
    (found,) = refused(*given, manifest(runtimeClassName="kata", **spec))
    assert problem in found


def test_an_overhead_equal_to_that_of_the_runtime_class_is_legal():
    given = runtime_class(overhead={"podFixed": {"cpu": "1"}})

    assert requests_of(given, manifest(runtimeClassName="kata", overhead={"cpu": "1000m"})) == {"cpu": 1000}


def test_the_missing_runtime_class_of_many_pods_is_named_once():
    assert len(refused(*(manifest(f"p{place}", runtimeClassName="kata") for place in range(9)))) == 1


def test_pods_tolerate_nodes_in_trouble_for_a_while():
    assert only_pod(manifest()).tolerations == (NOT_READY, UNREACHABLE)


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ({"operator": "Exists"}, ()),
        ({"operator": "Exists", "effect": "NoSchedule"}, (NOT_READY, UNREACHABLE)),
        ({"key": NOT_READY.key, "value": "x"}, (UNREACHABLE,)),
        ({"key": UNREACHABLE.key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}, (NOT_READY,)),
    ],
)
def test_a_toleration_of_the_pods_own_stands_for_the_default(own, added):
    assert only_pod(manifest(tolerations=[own])).tolerations[1:] == added


def test_pods_of_controllers_pass_the_api_server_as_well():
    given = limit_range(defaultRequest={"memory": "5"})
    found = only_pod(given, controller("ReplicaSet", "web", replicas=1))

    assert dict(found.requests) == {"cpu": 1000, "memory": 5}
    assert found.tolerations == (NOT_READY, UNREACHABLE)


def test_pods_of_daemon_sets_keep_what_their_runtime_class_adds():
    agent = controller("DaemonSet", "agent")
    agent["spec"]["template"]["spec"]["runtimeClassName"] = "kata"
    scheduling = {"tolerations": [{"key": "kata", "operator": "Exists"}]}
    found = only_pod(node(), runtime_class(scheduling=scheduling), agent)

    assert pl.Toleration(key="kata", operator="Exists") in found.tolerations
    assert len(set(found.tolerations)) == len(found.tolerations)


@pytest.mark.parametrize("field", ["uid", "resourceVersion", "creationTimestamp"])
def test_what_the_api_server_has_seen_is_left_as_it_is(field):
    given = [limit_range(defaultRequest={"cpu": "1"}), runtime_class(overhead={"podFixed": {"cpu": "1"}})]
    seen = manifest(runtimeClassName="kata")
    seen["metadata"][field] = "1"
    other = pod("other", runtimeClassName="gone", priorityClassName="gold", priority=3)

    cluster = read(*given, seen, other, named("PriorityClass", "scheduling.k8s.io/v1", "gold", value=5))

    assert [dict(found.requests) for found in cluster.pods] == [{}, {}]
    assert [found.tolerations for found in cluster.pods] == [(), ()]
    assert [found.priority for found in cluster.pods] == [0, 3]


def test_objects_of_the_api_get_no_tolerations_for_nodes_in_trouble():
    (found,) = pl.Cluster.from_kubernetes([manifest(), limit_range(defaultRequest={"cpu": "1"})]).pods

    assert (found.tolerations, dict(found.requests)) == ((), {"cpu": 1000})


def test_a_written_cluster_gets_no_defaults_when_it_is_read_again(tmp_path):
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("web"), pl.Pod("db", node="n1")])
    cluster.write(tmp_path / "cluster.yaml")

    assert list(pl.load(tmp_path / "cluster.yaml").pods) == list(cluster.pods)


GOLD = named("PriorityClass", "scheduling.k8s.io/v1", "gold", value=5, preemptionPolicy="Never")


def test_a_pod_may_say_what_its_priority_class_says():
    found = only_pod(GOLD, manifest(priorityClassName="gold", priority=5, preemptionPolicy="Never"))

    assert (found.priority, found.preemption_policy) == (5, "Never")


def test_a_pod_may_not_say_something_else_than_its_priority_class():
    priority, policy = refused(
        GOLD, manifest(priorityClassName="gold", priority=3, preemptionPolicy="PreemptLowerPriority")
    )

    assert priority == (
        "dump.json, item 2, Pod default/web: spec.priority: Forbidden: the integer value of priority (3) must not be "
        "provided in pod spec; priority admission controller computed 5 from the given PriorityClass name: drop it"
    )
    assert "spec.preemptionPolicy: Forbidden: the string value of PreemptionPolicy (PreemptLowerPriority)" in policy
    assert "priority admission controller computed Never from the given PriorityClass name: drop it" in policy


def test_the_lowest_of_several_global_defaults_counts():
    classes = [
        named("PriorityClass", "scheduling.k8s.io/v1", name, value=value, globalDefault=True)
        for name, value in (("a", 7), ("b", 3), ("c", 9))
    ]

    assert only_pod(*classes, manifest()).priority == 3


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            limit_range(max={"cpu": "x"}),
            "LimitRange default/limits: spec.limits[0].max.cpu is 'x', which is no quantity",
        ),
        (
            runtime_class(overhead={"podFixed": {"cpu": "x"}}),
            "RuntimeClass kata: overhead.podFixed.cpu is 'x', which is no quantity",
        ),
        (runtime_class(scheduling=[]), "RuntimeClass kata: scheduling is []: give a map"),
        (named("LimitRange", "v1", "limits", spec={"limits": {}}), "spec.limits is {}: give a list"),
    ],
)
def test_wrong_values_are_named_by_their_path(given, problem):
    (found,) = refused(given)
    assert problem in found


ZONE = "topology.kubernetes.io/zone"


def merged(selector: dict[str, Any], labels: dict[str, str], keys: list[str], operator: str) -> dict[str, Any]:
    """The selector as the API server stores it: an expression per key that the pod has."""
    more = [{"key": key, "operator": operator, "values": [labels[key]]} for key in keys if key in labels]
    return {**selector, "matchExpressions": [*selector.get("matchExpressions", []), *more]}


def ruled(name: str, labels: dict[str, str], match: list[str], mismatch: list[str], **metadata: Any) -> tuple[Any, Any]:
    """A pod with all rules that take label keys, as users write it and as the API server stores it."""
    plain: dict[str, Any] = {"matchLabels": {"app": "web"}}
    stored = merged(merged(plain, labels, match, "In"), labels, mismatch, "NotIn")
    pods = []
    for selector, spread_selector in ((plain, plain), (stored, merged(plain, labels, match, "In"))):
        keys = {"matchLabelKeys": match, "mismatchLabelKeys": mismatch}
        term = {"topologyKey": ZONE, "labelSelector": selector, **keys}
        rules = {
            "affinity": {
                "podAffinity": {PREFERRED: [{"weight": 1, "podAffinityTerm": term}]},
                "podAntiAffinity": {REQUIRED: [term]},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": ZONE,
                    "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": spread_selector,
                    "matchLabelKeys": match,
                }
            ],
        }
        pods.append(pod(name, metadata={"labels": labels, **metadata}, **json.loads(json.dumps(rules))))
    return pods[0], pods[1]


def test_label_keys_that_have_been_merged_are_not_merged_twice():
    labels = {"app": "web", "version": "2", "tenant": "x"}
    _, stored = ruled("web", labels, ["version"], ["tenant"])

    found = only_pod(stored)

    assert found.topology_spread[0].match_label_keys == ()
    assert found.pod_anti_affinity[0].match_label_keys == found.pod_anti_affinity[0].mismatch_label_keys == ()
    assert len(found.pod_anti_affinity[0].selector.match_expressions) == 2


def test_labels_that_changed_since_are_not_merged_again():
    _, stored = ruled("web", {"app": "web", "version": "2"}, ["version"], [])
    stored["metadata"]["labels"]["version"] = "3"

    found = only_pod(stored)

    assert found.topology_spread[0].match_label_keys == ()
    assert found.topology_spread[0].selector.match_expressions[0].values == ("2",)


keys = st.lists(st.sampled_from(["version", "tenant", "absent"]), unique=True, max_size=2)
versions = st.fixed_dictionaries({"app": st.sampled_from(["web", "db"]), "version": st.sampled_from("12")})


@settings(max_examples=30)
@given(st.lists(st.tuples(versions, keys, keys), min_size=1, max_size=5), st.booleans())
def test_pods_are_placed_alike_whether_their_label_keys_have_been_merged_or_not(drawn, seen):
    written, stored = [], []
    for place, (labels, match, mismatch) in enumerate(drawn):
        others = [key for key in mismatch if key not in match]
        own = {**labels, "tenant": f"t{place % 2}"}
        both = ruled(f"p{place}", own, match, others, uid="1" if seen else None)
        written.append(both[0])
        stored.append(both[1])
    nodes = [node(f"n{place}", labels={ZONE: "ab"[place % 2]}) for place in range(4)]

    answers = [pl.solve(read(*nodes, *pods)) for pods in (written, stored)]

    first, second = ([(binding.pod, binding.node) for binding in answer.bindings] for answer in answers)
    assert first == second
