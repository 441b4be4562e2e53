"""Volumes: from a pod's claims to driver and topology, and what keeps a pod unplaced."""

from __future__ import annotations

import pytest

import placer as pl

from .builders import named, node, only_pod, pod, refused

ZONE = "topology.kubernetes.io/zone"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"
WAIT = {"volumeBindingMode": "WaitForFirstConsumer"}
MOUNT = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]


def claim(name: str = "data", **spec) -> dict:
    return named("PersistentVolumeClaim", "v1", name, metadata=spec.pop("metadata", {}), spec=spec)


def disk(name: str = "pv", labels=None, **spec) -> dict:
    return named("PersistentVolume", "v1", name, metadata={"labels": labels or {}}, spec=spec)


def storage(name: str = "fast", **fields) -> dict:
    return named("StorageClass", "storage.k8s.io/v1", name, **{"provisioner": "csi.example.com", **fields})


def zones(*names: str) -> list[dict]:
    return [{"match_expressions": [{"key": ZONE, "operator": "In", "values": names}]}]


def in_zone(*names: str) -> dict:
    expression = {"key": ZONE, "operator": "In", "values": list(names)}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


def volume_of(*objects, volumes=MOUNT) -> tuple[pl.Volume, tuple[str, ...]]:
    found = only_pod(pod(volumes=volumes), *objects)
    (volume,) = found.volumes
    return volume, found.unsupported


def test_a_bound_claim_has_driver_and_topology_of_its_volume():
    bound = claim(volumeName="pv", accessModes=["ReadWriteOncePod"])
    volume = disk(csi={"driver": "csi.example.com"}, nodeAffinity=in_zone("a", "b"))
    assert volume_of(bound, volume) == (
        pl.Volume(name="data", driver="csi.example.com", topology=zones("a", "b"), access="ReadWriteOncePod"),
        (),
    )


def test_zone_labels_of_the_volume_narrow_every_term():
    bound, labels = claim(volumeName="pv"), {ZONE: "a__b", "other": "x"}
    assert volume_of(bound, disk(labels=labels))[0].topology == pl.Volume(name="v", topology=zones("a", "b")).topology
    expressions = volume_of(bound, disk(labels=labels, nodeAffinity=in_zone("a")))[0].topology[0].match_expressions
    assert [expression.values for expression in expressions] == [("a",), ("a", "b")]


def test_old_zone_labels_are_asked_under_the_name_that_nodes_have():
    bound, old = claim(volumeName="pv"), disk(labels={OLD_ZONE: "a"})
    assert volume_of(bound, old)[0].topology[0].match_expressions[0].key == ZONE
    assert volume_of(bound, old, node(labels={OLD_ZONE: "a"}))[0].topology[0].match_expressions[0].key == OLD_ZONE


def test_terms_that_are_empty_reach_no_node_with_or_without_zone_labels():
    empty = {"required": {"nodeSelectorTerms": [{}]}}
    (term,) = volume_of(claim(volumeName="pv"), disk(labels={ZONE: "a"}, nodeAffinity=empty))[0].topology
    assert not term.matches({ZONE: "a"}, "n1")


def test_volumes_once_built_in_count_for_the_driver_that_serves_them_now():
    bound = claim(volumeName="pv")
    assert volume_of(bound, disk(awsElasticBlockStore={"volumeID": "v"}))[0].driver == "ebs.csi.aws.com"
    assert volume_of(bound, disk(nfs={"server": "s", "path": "/"}))[0].driver == ""


def test_an_unbound_claim_that_waits_goes_where_its_class_allows():
    allowed = [{"matchLabelExpressions": [{"key": ZONE, "values": ["a", "b"]}]}]
    waiting = storage(**WAIT, allowedTopologies=allowed)
    expected = pl.Volume(name="data", driver="csi.example.com", topology=zones("a", "b"))
    assert volume_of(claim(storageClassName="fast"), waiting) == (expected, ())
    waiting["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert volume_of(claim(), waiting) == (expected, ())


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([], 'persistentvolumeclaim "data" not found'),
        ([claim(metadata={"namespace": "other"}, volumeName="pv"), disk()], 'persistentvolumeclaim "data" not found'),
        ([claim(volumeName="pv")], 'persistentvolume "pv" not found'),
        ([claim()], "pod has unbound immediate PersistentVolumeClaims"),
        ([claim(storageClassName=""), storage(**WAIT)], "pod has unbound immediate PersistentVolumeClaims"),
        ([claim(storageClassName="fast"), storage()], "pod has unbound immediate PersistentVolumeClaims"),
        (
            [claim(volumeName="pv", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), disk()],
            'persistentvolumeclaim "data" is being deleted',
        ),
        (
            [
                claim(storageClassName="local"),
                storage("local", **{**WAIT, "provisioner": "kubernetes.io/no-provisioner"}),
            ],
            "an unbound claim of a StorageClass whose provisioner is kubernetes.io/no-provisioner is not supported",
        ),
    ],
)
def test_a_claim_that_is_not_there_in_time_keeps_its_pod_unplaced(objects, reason):
    volume, unsupported = volume_of(*objects)
    assert volume.name == "data"
    assert unsupported == (reason,)


def test_generic_ephemeral_volumes_are_claims_named_after_pod_and_volume():
    template = {"volumeClaimTemplate": {"spec": {"storageClassName": "fast", "accessModes": ["ReadWriteOnce"]}}}
    volume, unsupported = volume_of(storage(**WAIT), volumes=[{"name": "tmp", "ephemeral": template}])
    assert (volume.name, volume.driver, unsupported) == ("web-tmp", "csi.example.com", ())


def test_volumes_without_claims_bind_nothing():
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "csi": {"driver": "inline.example.com"}}]
    assert only_pod(pod(volumes=volumes)).volumes == ()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            claim(accessModes=["Often"]),
            'PersistentVolumeClaim default/data: spec.accessModes[0]: Unsupported value: "Often": supported values',
        ),
        (claim(volumeName=1), "PersistentVolumeClaim default/data: spec.volumeName is 1: give a text, in quotes"),
        (storage(volumeBindingMode="Later"), "StorageClass fast: volumeBindingMode is 'Later': give 'Immediate' or"),
        (
            storage(allowedTopologies=[{"matchLabelExpressions": [{}]}]),
            "allowedTopologies[0].matchLabelExpressions[0].",
        ),
        (
            disk(
                nodeAffinity={
                    "required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "is"}]}]}
                }
            ),
            "nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].operator: not a valid selector operator",
        ),
        (disk(csi=[]), "PersistentVolume pv: spec.csi is []: give a map"),
    ],
)
def test_wrong_values_are_named_by_their_path(given, problem):
    (found,) = refused(given)
    assert problem in found
