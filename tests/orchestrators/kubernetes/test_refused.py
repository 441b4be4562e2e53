"""What the API server refuses is refused with the field's path, in its words, with value and fix; the rest is legal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import placer as pl
from placer.orchestrators.kubernetes.syntax import label_key_fault, label_value_fault

from .builders import PREFERRED, REQUIRED, container, controller, manifest, named, node, only_pod, pod, read, refused

ZONE = "topology.kubernetes.io/zone"
WORD = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
SPREAD = {"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}
TERM = {"topologyKey": "k", "labelSelector": {}}
TERMS = f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"


def spread(*changes: dict[str, Any]) -> dict[str, Any]:
    """Constraints that are legal but for the changes."""
    return {"topologySpreadConstraints": [{**SPREAD, **change} for change in changes]}


def required_nodes(**term: Any) -> dict[str, Any]:
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}}


def node_expression(**expression: Any) -> dict[str, Any]:
    return required_nodes(matchExpressions=[expression])


def pod_term(kind: str = "podAffinity", **changes: Any) -> dict[str, Any]:
    return {"affinity": {kind: {REQUIRED: [{**TERM, **changes}]}}}


def selector(**expression: Any) -> dict[str, Any]:
    return pod_term(labelSelector={"matchExpressions": [expression]})


def toleration(**fields: Any) -> dict[str, Any]:
    return {"tolerations": [fields]}


def resources(requests: Any = None, limits: Any = None, **fields: Any) -> dict[str, Any]:
    found = {"requests": requests or {}, "limits": limits or {}}
    return {"containers": [{"name": "c", "resources": found}], **fields}


def ports(*given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"containers": [container(ports=list(given))], **fields}


def problems_of(spec: dict[str, Any]) -> list[str]:
    """What is wrong with the pod, without its name."""
    where = "dump.json, item 1, Pod default/web: "
    found = refused(manifest(**spec))
    assert all(problem.startswith(where) for problem in found)
    return [problem.removeprefix(where) for problem in found]


def refused_as(spec: dict[str, Any], *problems: str) -> None:
    assert problems_of(spec) == list(problems)


def test_a_skew_of_zero_is_refused_in_the_words_of_the_api():
    for web in (manifest(**spread({"maxSkew": 0})), pod(**spread({"maxSkew": 0}))):
        (found,) = refused(web)
        assert "Pod default/web: spec.topologySpreadConstraints[0].maxSkew: must be greater than zero" in found
        assert found.endswith(" (is 0: give 1 or more)")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"maxSkew": None}, "maxSkew: must be greater than zero (is 0: give 1 or more)"),
        ({"maxSkew": -2}, "maxSkew: must be greater than zero (is -2: give 1 or more)"),
        ({"topologyKey": ""}, "topologyKey: Required value: can not be empty: name a label of nodes"),
        (
            {"whenUnsatisfiable": None},
            'whenUnsatisfiable: Unsupported value: "": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
        (
            {"whenUnsatisfiable": "Maybe"},
            'whenUnsatisfiable: Unsupported value: "Maybe": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
        ({"minDomains": 0}, "minDomains: must be greater than zero (is 0: give 1 or more, or drop it)"),
        (
            {"minDomains": 2, "whenUnsatisfiable": "ScheduleAnyway"},
            (
                "minDomains: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway "
                "(is 2: drop it)"
            ),
        ),
        (
            {"nodeAffinityPolicy": "Yes"},
            'nodeAffinityPolicy: Unsupported value: "Yes": supported values: "Honor", "Ignore"',
        ),
        ({"nodeTaintsPolicy": ""}, 'nodeTaintsPolicy: Unsupported value: "": supported values: "Honor", "Ignore"'),
        (
            {"matchLabelKeys": ["a"]},
            (
                "matchLabelKeys: Forbidden: must not be specified when labelSelector is not set: give one, or "
                "drop the keys"
            ),
        ),
        (
            {"matchLabelKeys": ["a b"], "labelSelector": {}},
            f"matchLabelKeys[0]: name part {WORD} (is 'a b')",
        ),
        (
            {"matchLabelKeys": ["a"], "labelSelector": {"matchLabels": {"a": "b"}}},
            "matchLabelKeys[0]: exists in both matchLabelKeys and labelSelector (is 'a': drop one)",
        ),
        (
            {"labelSelector": {"matchLabels": {"a": "b c"}}},
            f"labelSelector.matchLabels.a: a valid label must be an empty string or {WORD[5:]} (is 'b c')",
        ),
    ],
)
def test_spread_constraints(changes, problem):
    refused_as(spread(changes), f"spec.topologySpreadConstraints[0].{problem}")


def test_a_pair_of_key_and_action_stands_once():
    path = "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}"
    refused_as(spread({}, {"maxSkew": 2}), f'{path}: Duplicate value: "{{k, DoNotSchedule}}": each may stand once')
    assert len(only_pod(manifest(**spread({}, {"whenUnsatisfiable": "ScheduleAnyway"}))).topology_spread) == 2


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (
            {"key": "a", "operator": "in", "values": ["x"]},
            "operator: not a valid selector operator (is 'in': give In, NotIn, Exists, DoesNotExist, Gt or Lt)",
        ),
        (
            {"key": "a", "operator": "In"},
            "values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            {"key": "a", "operator": "Exists", "values": ["x"]},
            "values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist': drop ['x']",
        ),
        (
            {"key": "a", "operator": "Gt", "values": ["1", "2"]},
            "values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        ),
        ({"operator": "Exists"}, "key: Required value: can not be empty: name the label"),
        ({"key": "a/b/c", "operator": "Exists"}, "key: a valid label key must consist of alphanumeric characters"),
    ],
)
def test_expressions_over_nodes(expression, problem):
    for spec, path in (
        (node_expression(**expression), f"{TERMS}[0]"),
        (
            {
                "affinity": {
                    "nodeAffinity": {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [expression]}}]}
                }
            },
            f"spec.affinity.nodeAffinity.{PREFERRED}[0].preference",
        ),
    ):
        (found,) = problems_of(spec)
        assert found.startswith(f"{path}.matchExpressions[0].{problem}")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            {"affinity": {"nodeAffinity": {REQUIRED: {}}}},
            f"{TERMS}: Required value: must have at least one node selector term: give one, or drop the rule",
        ),
        (
            required_nodes(matchFields=[{"key": "metadata.name", "operator": "Exists"}]),
            f"{TERMS}[0].matchFields[0].operator: not a valid selector operator (is 'Exists': give In or NotIn)",
        ),
        (
            required_nodes(matchFields=[{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]),
            (
                f"{TERMS}[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or "
                "'NotIn' for node field selector"
            ),
        ),
        (
            required_nodes(matchFields=[{"key": "spec.x", "operator": "In", "values": ["a"]}]),
            f"{TERMS}[0].matchFields[0].key: not a valid field selector key (is 'spec.x': give metadata.name)",
        ),
        (
            {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 0, "preference": {}}]}}},
            f"spec.affinity.nodeAffinity.{PREFERRED}[0].weight: must be in the range 1-100 (is 0)",
        ),
        (
            {"affinity": {"podAffinity": {PREFERRED: [{"weight": 101, "podAffinityTerm": TERM}]}}},
            f"spec.affinity.podAffinity.{PREFERRED}[0].weight: must be in the range 1-100 (is 101)",
        ),
        (
            {"affinity": {"podAntiAffinity": {PREFERRED: [{"weight": 1}]}}},
            (
                f"spec.affinity.podAntiAffinity.{PREFERRED}[0].podAffinityTerm.topologyKey: Required "
                "value: can not be empty: "
                "name the label"
            ),
        ),
        (
            pod_term("podAntiAffinity", topologyKey="a b"),
            f"spec.affinity.podAntiAffinity.{REQUIRED}[0].topologyKey: name part {WORD} (is 'a b')",
        ),
        (
            pod_term(namespaces=["Prod"]),
            (
                f"spec.affinity.podAffinity.{REQUIRED}[0].namespaces[0]: a lowercase RFC 1123 label must "
                "consist of lower "
                "case alphanumeric characters or '-', and must start and end with an alphanumeric character (is 'Prod')"
            ),
        ),
        (
            pod_term(matchLabelKeys=["a"], mismatchLabelKeys=["a"]),
            (
                f"spec.affinity.podAffinity.{REQUIRED}[0].matchLabelKeys[0]: exists in both matchLabelKeys and "
                "mismatchLabelKeys (is 'a')"
            ),
        ),
        (
            pod_term(labelSelector=None, mismatchLabelKeys=["a"]),
            (
                f"spec.affinity.podAffinity.{REQUIRED}[0].mismatchLabelKeys: Forbidden: must not be specified when "
                "labelSelector is not set: give one, or drop the keys"
            ),
        ),
        (
            selector(key="a", operator="Gt", values=["1"]),
            (
                f"spec.affinity.podAffinity.{REQUIRED}[0].labelSelector.matchExpressions[0].operator: not "
                "a valid selector "
                "operator (is 'Gt': give In, NotIn, Exists or DoesNotExist)"
            ),
        ),
        (
            pod_term(namespaceSelector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
            (
                f"spec.affinity.podAffinity.{REQUIRED}[0].namespaceSelector.matchExpressions[0].values: "
                "Required value: "
                "must be specified when `operator` is 'In' or 'NotIn'"
            ),
        ),
        (
            selector(key="a", operator="In", values=["-x"]),
            (
                f"spec.affinity.podAffinity.{REQUIRED}[0].labelSelector.matchExpressions[0].values[0]: a "
                "valid label must be "
                f"an empty string or {WORD[5:]} (is '-x')"
            ),
        ),
        ({"nodeSelector": {"a": "b c"}}, f"spec.nodeSelector.a: a valid label must be an empty string or {WORD[5:]} "),
        ({"nodeSelector": {"a b": "c"}}, f"spec.nodeSelector: name part {WORD} (is 'a b')"),
        ({"metadata": {"labels": {"": "c"}}}, "metadata.labels: name part must be non-empty (is '')"),
        ({"metadata": {"labels": {"a": "b" * 64}}}, "metadata.labels.a: must be no more than 63 bytes (is 'bbb"),
    ],
)
def test_affinity_and_labels(spec, problem):
    (found,) = problems_of(spec)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"operator": "Equal"},
            (
                'operator: operator must be Exists when `key` is empty, which means "match all values and all keys" '
                "(is 'Equal': name the taint's key, or use Exists)"
            ),
        ),
        (
            {"key": "a", "operator": "Exists", "value": "b"},
            "operator: value must be empty when `operator` is 'Exists' (is 'b': drop value)",
        ),
        ({"key": "a", "operator": "Is"}, 'operator: Unsupported value: "Is": supported values: "Equal", "Exists"'),
        (
            {"key": "a", "effect": "Never"},
            'effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        ),
        (
            {"key": "a", "effect": "NoSchedule", "tolerationSeconds": 5},
            (
                "effect: effect must be 'NoExecute' when `tolerationSeconds` is set (is 'NoSchedule': or drop "
                "tolerationSeconds)"
            ),
        ),
        ({"key": "a b"}, f"key: name part {WORD} (is 'a b')"),
        ({"key": "a", "value": "b c"}, f"value: a valid label must be an empty string or {WORD[5:]} (is 'b c')"),
    ],
)
def test_tolerations(fields, problem):
    refused_as(toleration(**fields), f"spec.tolerations[0].{problem}")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"containerPort": 70000}, "containerPort: must be between 1 and 65535, inclusive (is 70000)"),
        (
            {"containerPort": 80, "hostPort": -1},
            "hostPort: must be between 1 and 65535, inclusive (is -1)",
        ),
        ({"hostPort": 80}, "containerPort: Required value: give 1 to 65535"),
        (
            {"containerPort": 80, "protocol": "HTTP"},
            'protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
        ),
    ],
)
def test_ports(given, problem):
    refused_as(ports(given), f"spec.containers[0].ports[0].{problem}")


def test_ports_of_the_hosts_network_are_those_of_the_container():
    refused_as(
        ports({"containerPort": 80, "hostPort": 81}, hostNetwork=True),
        "spec.containers[0].ports[0].hostPort: must match `containerPort` when `hostNetwork` is true (is 81: give 80, "
        "or drop it)",
    )


def test_a_host_port_stands_once_in_a_manifest():
    given = ports({"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80})
    problem = 'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80": each may stand once'

    refused_as(given, problem)
    assert pl.Cluster.from_kubernetes([manifest(**given)]).warnings == [f"objects, item 1, Pod default/web: {problem}"]
    other = ports({"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80, "protocol": "UDP"})
    assert len(only_pod(manifest(**other)).host_ports) == 2


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            resources({"cpu": "2"}, {"cpu": "1"}),
            "requests: must be less than or equal to cpu limit of 1 (is '2')",
        ),
        (
            resources({"example.com/gpu": 1}, {"example.com/gpu": 2}),
            "requests: must be equal to example.com/gpu limit of 2 (is '1')",
        ),
        (
            resources(limits={"example.com/gpu": "500m"}),
            "limits.example.com/gpu: must be an integer (is '500m')",
        ),
        (
            resources(limits={"hugepages-2Mi": "4Mi"}),
            "resources: Forbidden: HugePages require cpu or memory: give one of them",
        ),
        (
            resources(limits={"hugepages-2Mi": "3Mi", "cpu": "1"}),
            "limits.hugepages-2Mi: must be a multiple of the page size 2Mi (is '3Mi')",
        ),
        (
            resources({"memory": "-1"}),
            "requests.memory is '-1', which must not be negative: write 0 or more",
        ),
        (
            resources({"cpu": "1"}, {"cpu": "3"}, resources={"limits": {"cpu": "2"}}),
            "limits.cpu: must be less than or equal to pod limits of 2 (is '3')",
        ),
    ],
)
def test_resources(given, problem):
    path = "spec.containers[0]." if problem.startswith("resources") else "spec.containers[0].resources."
    refused_as(given, path + problem)


def test_what_a_pod_asks_for_as_a_whole_covers_its_containers_in_a_manifest():
    given = resources({"cpu": "3"}, resources={"requests": {"cpu": "2"}})
    problem = "spec.resources.requests.cpu: must be greater than or equal to aggregate container requests of 3 (is '2')"

    refused_as(given, problem)
    assert pl.Cluster.from_kubernetes([manifest(**given)]).warnings == [f"objects, item 1, Pod default/web: {problem}"]


def test_a_request_that_needs_a_limit_is_taken_for_it_with_a_warning():
    cluster = read(manifest(**resources({"example.com/gpu": 1})))

    assert dict(cluster.pods[0].requests) == {"example.com/gpu": 1}
    assert cluster.warnings == [
        (
            "dump.json, item 1, Pod default/web: spec.containers[0].resources.limits: Required value: "
            "Limit must be set for "
            "non overcommitable resources: give limits.example.com/gpu as well"
        )
    ]


def test_names_of_containers_and_volumes_are_required_and_unique():
    refused_as(
        {
            "containers": [container(), container(name=None), container(name="A")],
            "initContainers": [container()],
            "volumes": [{"name": "v"}, {"name": "v"}, {}],
        },
        "spec.containers[1].name: Required value: give it a name",
        "spec.containers[2].name: a lowercase RFC 1123 label must consist of lower case alphanumeric "
        "characters or '-', "
        "and must start and end with an alphanumeric character (is 'A')",
        'spec.initContainers[0].name: Duplicate value: "c": each may stand once',
        'spec.volumes[1].name: Duplicate value: "v": each may stand once',
        "spec.volumes[2].name: Required value: give it a name",
    )


def test_scheduling_gates_have_names_and_stand_once():
    refused_as(
        {"schedulingGates": [{"name": "a"}, {"name": "a"}, {"name": "b c"}, {}]},
        'spec.schedulingGates[1]: Duplicate value: "a": each may stand once',
        f"spec.schedulingGates[2]: name part {WORD} (is 'b c')",
        "spec.schedulingGates[3]: name part must be non-empty (is '')",
    )


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"taints": [{"key": "a"}]}, "spec.taints[0].effect: Required value: give NoSchedule, PreferNoSchedule or"),
        (
            {"taints": [{"effect": "NoSchedule"}]},
            "spec.taints[0].key: Required value: can not be empty: name the label",
        ),
        (
            {"taints": [{"key": "a", "effect": "No"}]},
            'spec.taints[0].effect: Unsupported value: "No": supported values',
        ),
        (
            {"taints": [{"key": "a", "value": "b c", "effect": "NoSchedule"}]},
            "spec.taints[0].value: a valid label must",
        ),
        (
            {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "value": "b", "effect": "NoSchedule"}]},
            'spec.taints[1]: Duplicate value: "a:NoSchedule": taints must be unique by key and effect pair',
        ),
    ],
)
def test_taints_of_nodes(spec, problem):
    (found,) = refused(node(spec=spec))
    assert found.startswith(f"dump.json, item 1, Node n1: {problem}")


def test_labels_of_nodes_and_namespaces():
    (of_node,) = refused(node(labels={"gen": "-3"}))
    (of_namespace,) = refused(named("Namespace", "v1", "prod", metadata={"labels": {"a b": ""}}))

    assert of_node.startswith(
        "dump.json, item 1, Node n1: metadata.labels.gen: a valid label must be an empty string or"
    )
    assert of_namespace == f"dump.json, item 1, Namespace prod: metadata.labels: name part {WORD} (is 'a b')"


@pytest.mark.parametrize(
    ("modes", "problem"),
    [
        (
            ["Often"],
            (
                'spec.accessModes[0]: Unsupported value: "Often": supported values: "ReadOnlyMany", "ReadWriteMany", '
                '"ReadWriteOnce", "ReadWriteOncePod"'
            ),
        ),
        (
            ["ReadWriteOncePod", "ReadWriteOnce"],
            "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes: drop the others",
        ),
    ],
)
def test_access_modes_of_claims(modes, problem):
    given = named("PersistentVolumeClaim", "v1", "data", spec={"accessModes": modes})

    assert refused(given) == [f"dump.json, item 1, PersistentVolumeClaim default/data: {problem}"]


def test_priorities_of_users_are_at_most_a_billion():
    assert refused(named("PriorityClass", "scheduling.k8s.io/v1", "gold", value=1_000_000_001)) == [
        (
            "dump.json, item 1, PriorityClass gold: value: maximum allowed value of a user defined "
            "priority is 1000000000 "
            "(is 1000000001)"
        )
    ]


def test_templates_are_checked_like_pods():
    web = controller("Deployment", "web")
    web["spec"]["template"]["spec"]["topologySpreadConstraints"] = [{**SPREAD, "maxSkew": 0}]

    assert refused(web) == [
        (
            "dump.json, item 1, Deployment default/web: "
            "spec.template.spec.topologySpreadConstraints[0].maxSkew: must be "
            "greater than zero (is 0: give 1 or more)"
        )
    ]


def test_all_problems_of_a_pod_come_together():
    spec = {**spread({"maxSkew": 0, "topologyKey": ""}, {"maxSkew": -1}), **toleration(key="a", effect="No")}

    assert [problem.split(":")[0] for problem in problems_of(spec)] == [
        "spec.tolerations[0].effect",
        "spec.topologySpreadConstraints[0].maxSkew",
        "spec.topologySpreadConstraints[0].topologyKey",
        "spec.topologySpreadConstraints[1].maxSkew",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        node_expression(key="a", operator="Gt", values=["many"]),
        node_expression(key="a", operator="Lt", values=["-1"]),
        node_expression(key="a", operator="In", values=["", "", "x y"]),
        required_nodes(),
        required_nodes(matchFields=[{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]),
        {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 100}]}}},
        pod_term(labelSelector=None),
        pod_term(labelSelector={}, namespaceSelector={}, namespaces=["a"]),
        pod_term(labelSelector={"matchLabels": {"a": "b"}}, mismatchLabelKeys=["a"]),
        pod_term(matchLabelKeys=["absent"]),
        spread({"labelSelector": None}),
        spread({"topologyKey": "any key"}),
        spread({"minDomains": 1, "maxSkew": 2**31 - 1}),
        toleration(operator="Exists"),
        toleration(key="a"),
        toleration(key="a", operator="", value="", effect=""),
        toleration(operator="Exists", effect="NoExecute", tolerationSeconds=-1),
        toleration(key="a", operator="Gt", value="5"),
        {"tolerations": [{"key": "a", "operator": "Exists"}] * 2},
        ports({"containerPort": 80, "hostPort": 0}, {"containerPort": 80}),
        ports({"containerPort": 80}, hostNetwork=True),
        resources({"cpu": "0"}, {"cpu": "0"}),
        resources({"memory": "0.1"}, {"memory": "1"}),
        resources({"example.com/gpu": "1k"}, {"example.com/gpu": 1000}),
        {"metadata": {"labels": {"a.b/c": "", "d": "E_f.g-1"}}},
    ],
)
def test_oddities_stay_legal(spec):
    assert read(manifest(**spec)).warnings == []


@given(st.text(st.sampled_from("aZ09-_./ é"), max_size=8))
def test_keys_and_values_of_labels_are_what_their_form_says(text):
    """Character by character, from Kubernetes' description of the form."""

    def is_word(part: str) -> bool:
        ends = part[:1] + part[-1:]
        return 0 < len(part) <= 63 and set(part) <= set("aZ09-_.") and all(end in "aZ09" for end in ends)

    prefix, slash, name = text.rpartition("/")
    labels = prefix.split(".")
    named_well = all(set(part) <= set("a09-") and part[:1] not in ("", "-") and part[-1] != "-" for part in labels)
    assert (label_key_fault(text) == "") == (is_word(name) and (not slash or named_well))
    assert (label_value_fault(text) == "") == (text == "" or is_word(text))
