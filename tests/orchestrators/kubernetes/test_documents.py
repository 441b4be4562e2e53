"""Forms of input: single objects, lists of any kind, arrays, objects one after the other; and broken ones."""

from __future__ import annotations

import json

import pytest

import placer as pl
from placer.orchestrators.kubernetes import read_json

from .builders import controller, node, pod

NODE, POD = node(), pod()


def load(*texts: str | bytes) -> pl.Cluster:
    sources = [(f"{place}.json", text.encode() if isinstance(text, str) else text) for place, text in enumerate(texts)]
    return read_json(sources)


def refused(*texts: str | bytes) -> list[str]:
    with pytest.raises(pl.InputError) as caught:
        load(*texts)
    return caught.value.problems


FORMS = {
    "one object a source": [json.dumps(NODE), json.dumps(POD)],
    "a List": [json.dumps({"apiVersion": "v1", "kind": "List", "items": [NODE, POD]})],
    "kubectl get -o json, indented, metadata first": [
        json.dumps({"apiVersion": "v1", "items": [NODE, POD], "kind": "List", "metadata": {}}, indent=4)
    ],
    "an array": [json.dumps([NODE, POD])],
    "one object a line": [json.dumps(NODE) + "\n" + json.dumps(POD) + "\n"],
    "indented, one after the other": [json.dumps(NODE, indent=2) + json.dumps(POD, indent=2)],
    "lists whose items do not say their kind, as the API gives them": [
        json.dumps({"kind": "NodeList", "apiVersion": "v1", "items": [{k: NODE[k] for k in ("metadata", "status")}]}),
        json.dumps({"kind": "PodList", "apiVersion": "v1", "items": [{k: POD[k] for k in ("metadata", "spec")}]}),
    ],
    "lists in lists": [json.dumps([{"kind": "List", "items": [NODE]}, [POD]])],
    "a byte order mark": [b"\xef\xbb\xbf" + json.dumps([NODE, POD]).encode()],
    "keys in another order": [json.dumps([dict(reversed(NODE.items())), dict(reversed(POD.items()))])],
    "no apiVersion": [json.dumps([{k: v for k, v in one.items() if k != "apiVersion"} for one in (NODE, POD)])],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_input_gives_the_same_cluster(form):
    cluster = load(*FORMS[form])
    assert [found.name for found in cluster.nodes] == ["n1"]
    assert [found.name for found in cluster.pods] == ["web"]
    assert cluster.digest == load(json.dumps([NODE, POD])).digest


def test_other_kinds_and_other_groups_of_the_same_kind_are_left_out():
    others = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}},
        {"apiVersion": "serving.example.com/v1", "kind": "Deployment", "metadata": 5},
        {"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"data": {}}]},
        {"apiVersion": "v1", "kind": "PodList", "items": None},
    ]
    assert len(load(json.dumps([NODE, POD, *others])).pods) == 1


def test_unknown_fields_are_ignored():
    odd = {**POD, "spec": {**POD["spec"], "whatever": [1, {}]}, "extra": None}
    assert len(load(json.dumps(odd)).pods) == 1


def test_nothing_at_all_is_an_empty_cluster_but_an_empty_text_is_an_error():
    assert len(load().nodes) == 0
    assert refused(" \n") == ["0.json: is empty: give Kubernetes objects"]


def test_names_that_stand_twice_are_duplicates_wherever_they_stand():
    assert refused(json.dumps([NODE, POD]), json.dumps([POD, NODE])) == [
        "1.json, item 2, Node n1: metadata.name 'n1' is a duplicate: each name may stand once",
        "1.json, item 1, Pod default/web: metadata.name 'web' is a duplicate: each name may stand once",
    ]
    twice = controller("Deployment", "web")
    assert "Deployment default/web: metadata.name 'web' is a duplicate" in refused(json.dumps([twice, twice]))[0]
    load(json.dumps([pod("web", namespace="a"), pod("web", namespace="b")]))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("5", "0.json: is 5: give a map or a list"),
        ("{}", "0.json: kind is missing: give Kubernetes objects, each with apiVersion and kind"),
        ("[null]", "0.json, item 1: is None: give a map"),
        ("[{}]", "0.json, item 1: kind is missing: give Kubernetes objects, each with apiVersion and kind"),
        ('{"kind": 5}', "0.json: kind is 5: give a text, in quotes"),
        ('{"kind": "List", "items": {}}', "0.json: items is {}: give a list"),
        ('{"kind": "Pod"', "0.json: is no JSON (Input data was truncated): it is cut short or damaged"),
        ("{'kind': 'Pod'}", "0.json: is no JSON"),
        ('{"kind": "Pod", "metadata": {"name": NaN}}', "0.json: is no JSON"),
        (b'{"kind": "\xff"}', "0.json: holds bytes that are no UTF-8: save the file as UTF-8"),
        (b'{"kind": "Pod", "metadata": {"name": "\xff"}}', "holds bytes that are no UTF-8"),
        ("[" * 100_000, "0.json: is nested too deeply: no Kubernetes object is"),
        ("[" * 20 + "]" * 20, "lists stand in lists 8 deep: write one list"),
        ('{"kind": "Pod"}', "0.json, Pod default/: metadata.name is missing"),
        ('{"kind": "Node", "metadata": null}', "0.json, Node: metadata.name is missing"),
        ('{"kind": "Pod", "metadata": []}', "0.json, Pod: metadata is []: give a map"),
        ('{"kind": "Node", "metadata": {"name": 7}}', "0.json, Node 7: metadata.name is 7: give a text, in quotes"),
    ],
)
def test_what_is_no_kubernetes_object_is_one_clear_error(text, problem):
    (found,) = refused(text)
    assert problem in found


def test_a_damaged_line_is_named_by_its_byte():
    (found,) = refused(json.dumps(NODE) + "\n{oops")
    assert found.startswith("0.json: is no JSON")
    assert f"byte {len(json.dumps(NODE)) + 2}" in found


def test_all_problems_of_all_sources_come_together():
    bad = pod("a", containers=[{"resources": {"requests": {"cpu": "x", "memory": "-1"}}}])
    assert len(refused(json.dumps(bad), json.dumps(pod("b", priority=2**40)), "[")) == 4
