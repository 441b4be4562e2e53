"""``placer.dev/<field>`` annotations of pods: every rule that Kubernetes has no field for."""

from __future__ import annotations

import json

import pytest

import placer as pl
from placer.orchestrators.kubernetes.annotations import POD_ANNOTATIONS

from .builders import only_pod, pod, read, refused


def annotated(name: str = "web", **annotations: str) -> dict:
    return pod(name, metadata={"annotations": {f"placer.dev/{key}": text for key, text in annotations.items()}})


RULES = {
    "devices": [{"kind": "nvidia.com/gpu", "share": 0.5}],
    "units": {"nvidia.com/gpu": [0, 1]},
    "any_of": [{"node_selector": {"zone": "a"}}, {"node_selector": {"zone": "b"}}],
    "domain_limits": [{"topology_key": "zone", "at_most": 2}],
    "distinct_domains": [{"topology_key": "zone", "at_least": 2}],
    "domain_shares": [{"topology_key": "zone", "shares": {"a": 70, "b": 30}}],
    "nodes": ["n1"],
    "forbidden_nodes": ["n2"],
    "apart_from": ["default/db"],
    "preferred_nodes": [{"weight": -5, "term": {}}],
    "assumed": {"cpu": "100m"},
    "arriving": {"cpu": "100m"},
    "siblings": {"match_labels": {"app": "web"}},
    "started": 1700000000,
    "stateful": 3,
    "expected": True,
    "unsupported": ["no"],
    "volumes": [{"name": "v", "driver": "d"}],
}
TEXTS = {
    "nominated": "n1",
    "numa": "require",
    "owner": "Rollout/web",
    "scheduler_name": "mine",
    "preemption_policy": "Never",
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_given_as_json_as_python_has_it(name):
    assert only_pod(annotated(**{name: json.dumps(RULES[name])})) == pl.Pod("web", **{name: RULES[name]})


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_given_as_it_is(name):
    assert only_pod(annotated(**{name: TEXTS[name]})) == pl.Pod("web", **{name: TEXTS[name]})


def test_an_annotation_takes_the_place_of_the_native_field():
    given = annotated(tolerations="[]", volumes="[]")
    given["spec"]["tolerations"] = [{"operator": "Exists"}]
    given["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "missing"}}]
    found = only_pod(given)
    assert (found.tolerations, found.volumes, found.unsupported) == ((), (), ())


def test_annotations_hold_for_their_pod_only_and_others_are_ignored():
    other = pod("c", metadata={"annotations": {"example.com/nodes": "5", "note": "see placer.dev/nodes"}})
    cluster = read(annotated("a", nodes='["n1"]'), pod("b"), other, annotated("d", nodes='["n1"]'))
    assert [found.nodes for found in cluster.pods] == [("n1",), (), (), ("n1",)]


def test_every_field_but_the_native_ones_may_be_annotated():
    assert set(POD_ANNOTATIONS) == set(pl.Pod.model_fields) - {
        "name",
        "namespace",
        "labels",
        "requests",
        "replicas",
        "priority",
        "node",
        "terminating",
    }


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ({"domain_limit": "[]"}, "[placer.dev/domain_limit] is unknown: did you mean placer.dev/domain_limits?"),
        ({"xyz": "1"}, "[placer.dev/xyz] is unknown: use one of preemption_policy, tolerations,"),
        ({"nodes": "n1"}, "[placer.dev/nodes] is 'n1', which is no JSON (Input data was truncated): write JSON"),
        ({"nodes": "[1]"}, "[placer.dev/nodes][0] is 1: Input should be a valid string"),
        ({"numa": "maybe"}, "[placer.dev/numa] is 'maybe': Input should be 'require' or 'prefer'"),
        ({"stateful": "-1"}, "[placer.dev/stateful] is -1: Input should be greater than or equal to 0"),
        ({"expected": '"perhaps"'}, "[placer.dev/expected] is 'perhaps': Input should be a valid boolean"),
        ({"any_of": "[" * 2000}, "which is no JSON"),
        (
            {"devices": '[{"kind": "g", "amounts": {"memory": "10gb"}}]'},
            "[placer.dev/devices][0].amounts: '10gb' is no quantity: write '10G' or '10Gi'",
        ),
        (
            {"domain_limits": '[{"topology_key": "zone", "at_most": 0}]'},
            "[placer.dev/domain_limits][0].at_most is 0: Input should be greater than or equal to 1",
        ),
    ],
)
def test_wrong_annotations_are_named(annotations, problem):
    (found,) = refused(annotated(**annotations))
    assert found.startswith("dump.json, item 1, Pod default/web: metadata.annotations")
    assert problem in found


def test_an_annotation_that_is_no_text_is_named():
    (found,) = refused(pod(metadata={"annotations": {"placer.dev/stateful": 3}}))
    assert found.endswith("metadata.annotations[placer.dev/stateful] is 3: give a text, in quotes")
