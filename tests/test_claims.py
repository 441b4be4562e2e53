"""Claims that wait for their first consumer: which volume each gets, and what later pods see of it."""

from __future__ import annotations

from typing import Any

import placer as pl
from placer.solution import Solution

ZONE = "topology.kubernetes.io/zone"
NOT_FOUND = "node(s) didn't find available persistent volumes to bind"


def on(*names: str, key: str = "kubernetes.io/hostname") -> list[dict[str, Any]]:
    return [{"match_expressions": [{"key": key, "operator": "In", "values": names}]}]


def local(*names: str) -> dict[str, Any]:
    """Local volumes, each on the node of its name in upper case."""
    return {"offers": [{"name": name.upper(), "topology": on(name)} for name in names], "provisions": False}


def mounts(**claims: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "waiting": waiting} for name, waiting in claims.items()]


def solved(nodes: str, *pods: pl.Pod, **options: Any) -> tuple[pl.Cluster, Solution]:
    cluster = pl.Cluster([pl.Node(name, cpu=4, labels={ZONE: name[0]}) for name in nodes.split()], pods)
    solution = pl.solve(cluster, **options)
    assert pl.verify(cluster, solution) == []
    return cluster, solution


def bound(solution: Solution) -> dict[str, tuple[str, dict[str, str]]]:
    return {one.pod.removeprefix("default/"): (one.node, dict(one.claims)) for one in solution.bindings}


def test_a_claim_takes_the_first_volume_offered_that_reaches_the_node():
    _, solution = solved("a b", pl.Pod("web", cpu=1, nodes=["b"], volumes=mounts(data=local("a", "b"))))

    assert bound(solution) == {"web": ("b", {"data": "B"})}


def test_no_volume_is_bound_twice():
    wanted = local("a", "b")
    pods = [pl.Pod(name, cpu=1, volumes=mounts(**{f"of-{name}": wanted})) for name in "xyz"]

    _, solution = solved("a b c", *pods)

    assert sorted(volume for _, claims in bound(solution).values() for volume in claims.values()) == ["A", "B"]
    (left,) = solution.unplaced
    assert left.message == f"0/3 nodes are available: 3 {NOT_FOUND}."
    assert [reason.rule for reason in left.reasons] == ["VolumeBinding"]


def test_claims_of_one_pod_get_different_volumes():
    offers = {"offers": [{"name": "P"}, {"name": "Q"}], "provisions": False}

    _, solution = solved("a", pl.Pod("web", volumes=mounts(one=offers, two=offers)))

    assert bound(solution) == {"web": ("a", {"one": "P", "two": "Q"})}


def test_where_no_offer_will_do_a_volume_is_made_if_the_class_makes_any_there():
    made = {**local("a"), "provisions": True, "topology": on("b", key=ZONE)}

    _, solution = solved("b c", pl.Pod("web", volumes=mounts(data=made)))

    assert bound(solution) == {"web": ("b", {"data": ""})}


def test_a_second_pod_with_the_claim_goes_where_its_volume_is():
    anywhere: dict[str, Any] = {"topology": []}

    _, solution = solved("a b c", pl.Pod("web", replicas=3, cpu=1, volumes=mounts(data=anywhere)), goals=["balance"])

    assert len({node for node, _ in bound(solution).values()}) == 1


def test_a_second_pod_stays_out_where_the_claims_volume_is_full():
    pods = [pl.Pod(name, cpu=3, volumes=mounts(data=local("a", "b"))) for name in "xy"]

    cluster, solution = solved("a b", *pods)

    assert len(solution.bindings) == 1
    assert solution.unplaced[0].reasons == [
        ("NodeResourcesFit", "Insufficient cpu", 1),
        ("VolumeBinding", NOT_FOUND, 1),
    ]
    explained = pl.explain(cluster, solution.unplaced[0].pod, solution=solution)
    assert explained.message == solution.unplaced[0].message


def test_volumes_that_pods_share_out_of_reach_and_claims_without_any_are_named_together():
    volumes = [{"name": "there", "topology": on("c")}, *mounts(data=local("c"))]

    cluster, solution = solved("a", pl.Pod("web", volumes=volumes))

    words = ["node(s) didn't match PersistentVolume's node affinity", NOT_FOUND]
    assert [reason.reason for reason in solution.unplaced[0].reasons] == words
    assert pl.explain(cluster, "web").message == solution.unplaced[0].message


def test_claims_are_part_of_the_answers_json():
    _, solution = solved("a", pl.Pod("web", volumes=mounts(data=local("a"))))

    again = Solution.from_dict(solution.to_dict())

    assert again.to_dict()["bindings"] == [{"pod": "default/web", "node": "a", "claims": {"data": "A"}}]
    assert again.claims() == {0: {"data": "A"}}


def test_a_binding_that_names_another_volume_breaks_volume_binding():
    cluster, solution = solved("a b", pl.Pod("web", nodes=["a"], volumes=mounts(data=local("a", "b"))))
    data = solution.to_dict()
    data["bindings"][0]["claims"]["data"] = "B"

    (violation,) = pl.verify(cluster, Solution.from_dict(data))

    assert violation.rule == "VolumeBinding"


def test_a_pod_explained_before_its_binding_sees_what_earlier_bindings_took():
    pods = [pl.Pod(name, cpu=1, volumes=mounts(**{f"of-{name}": local("a", "b")})) for name in "xy"]
    cluster, solution = solved("a b", *pods)
    first, second = solution.bindings

    explained = pl.explain(cluster, second.pod, solution=solution)

    assert {verdict.node: verdict.rule for verdict in explained.nodes} == {
        first.node: "VolumeBinding",
        second.node: None,
    }
