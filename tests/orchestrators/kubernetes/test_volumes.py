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


def test_zone_and_region_labels_of_the_volume_are_a_rule_of_their_own():
    labels = {ZONE: "a__b", OLD_ZONE: "a", "topology.kubernetes.io/region": "a__", "other": "x"}
    volume, _ = volume_of(claim(volumeName="pv"), disk(labels=labels, nodeAffinity=in_zone("a")))
    assert (volume.zones, len(volume.topology)) == ({OLD_ZONE: ("a",), ZONE: ("a", "b")}, 1)


def zone_verdicts(labels: dict, *nodes: dict) -> str:
    objects = [claim(volumeName="pv"), disk(labels=labels), pod(volumes=MOUNT), *nodes]
    solution = pl.solve(pl.Cluster.from_kubernetes(objects))
    return solution.unplaced[0].message if solution.unplaced else solution.bindings[0].node


def test_a_node_without_labels_of_zone_or_region_takes_volumes_of_every_zone():
    elsewhere = node("n1", labels={ZONE: "b"})
    assert zone_verdicts({ZONE: "a"}, elsewhere, node("n2", labels={"rack": "1"})) == "n2"
    words = "0/1 nodes are available: 1 node(s) had no available volume zone."
    assert zone_verdicts({ZONE: "a"}, elsewhere) == words
    assert zone_verdicts({"topology.kubernetes.io/region": "r"}, elsewhere) == words


def test_old_zone_labels_are_looked_up_by_their_new_name_and_not_the_other_way_round():
    assert zone_verdicts({OLD_ZONE: "a"}, node("n1", labels={ZONE: "a"})) == "n1"
    assert zone_verdicts({OLD_ZONE: "a"}, node("n1", labels={OLD_ZONE: "b", ZONE: "a"})).startswith("0/1")
    assert zone_verdicts({ZONE: "a"}, node("n1", labels={OLD_ZONE: "a"})).startswith("0/1")


def test_volumes_are_asked_about_after_resources_as_kube_scheduler_does():
    bound = disk(labels={ZONE: "a"}, nodeAffinity=in_zone("a"))
    none = {"cpu": "0", "memory": "8Gi", "pods": "110"}
    full, other = node("full", labels={ZONE: "b"}, allocatable=none), node("other", labels={ZONE: "b"})
    web = pod(volumes=MOUNT, containers=[{"name": "c", "resources": {"requests": {"cpu": "1"}}}])
    (left,) = pl.solve(pl.Cluster.from_kubernetes([claim(volumeName="pv"), bound, web, full, other])).unplaced
    assert [(reason.rule, reason.reason, reason.nodes) for reason in left.reasons] == [
        ("NodeResourcesFit", "Insufficient cpu", 1),
        ("VolumeBinding", "node(s) didn't match PersistentVolume's node affinity", 1),
    ]


def test_volumes_once_built_in_count_for_the_driver_that_serves_them_now():
    bound = claim(volumeName="pv")
    assert volume_of(bound, disk(awsElasticBlockStore={"volumeID": "v"}))[0].driver == "ebs.csi.aws.com"
    assert volume_of(bound, disk(nfs={"server": "s", "path": "/"}))[0].driver == ""


def test_an_unbound_claim_that_waits_goes_where_its_class_allows():
    allowed = [{"matchLabelExpressions": [{"key": ZONE, "values": ["a", "b"]}]}]
    waiting = storage(**WAIT, allowedTopologies=allowed)
    expected = pl.Volume(name="data", driver="csi.example.com", waiting={"topology": zones("a", "b")})
    assert volume_of(claim(storageClassName="fast"), waiting) == (expected, ())
    waiting["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert volume_of(claim(), waiting) == (expected, ())


LOCAL = storage("local", **WAIT, provisioner="kubernetes.io/no-provisioner")


def asks(size: str = "1Gi", name: str = "data", **spec) -> dict:
    return claim(name, storageClassName="local", resources={"requests": {"storage": size}}, **spec)


def has(name: str, size: str = "1Gi", *, status: str = "Available", labels=None, deleted=None, **spec) -> dict:
    modes = {"accessModes": ["ReadWriteOnce"], "storageClassName": "local"}
    made = disk(name, labels, **{"capacity": {"storage": size}, **modes, **spec})
    made["metadata"] |= {"deletionTimestamp": deleted} if deleted else {}
    return {**made, "status": {"phase": status}}


def offered(*objects: dict) -> list[str]:
    volume, reasons = volume_of(LOCAL, *objects)
    assert volume.waiting is not None
    assert (reasons, volume.waiting.provisions) == ((), False)
    return [offer.name for offer in volume.waiting.offers]


def test_free_volumes_of_the_class_are_offered_smallest_first():
    assert offered(asks("2Gi"), has("large", "9Gi"), has("same", "2Gi"), has("less", "1Gi")) == ["same", "large"]
    assert offered(asks(), has("other", storageClassName="fast"), has("none", storageClassName=None)) == []


@pytest.mark.parametrize(
    "taken",
    [
        has("pv", status="Released"),
        has("pv", claimRef={"namespace": "default", "name": "other"}),
        has("pv", deleted="2026-01-01T00:00:00Z"),
        has("pv", accessModes=["ReadOnlyMany"]),
        has("pv", volumeMode="Block"),
    ],
)
def test_a_volume_that_is_taken_or_of_another_mode_is_not_offered(taken):
    assert offered(asks(), taken) == []


def test_a_selector_chooses_volumes_by_their_labels():
    wanted = asks(selector={"matchLabels": {"disk": "ssd"}})
    assert offered(wanted, has("a"), has("b", labels={"disk": "ssd"})) == ["b"]


def test_a_volume_that_is_kept_for_the_claim_is_the_only_one_offered():
    kept = {"namespace": "default", "name": "data"}
    assert offered(asks(), has("a"), has("z", claimRef=kept, status="Pending")) == ["z"]
    assert offered(asks(), has("a"), has("z", claimRef={**kept, "uid": "of another"})) == ["a"]
    assert offered(asks("5Gi"), has("a", "9Gi"), has("z", claimRef=kept)) == ["a"]


def test_a_volume_that_is_being_made_is_made_on_the_node_selected_for_it():
    annotations = {"volume.kubernetes.io/selected-node": "n1"}
    volume, _ = volume_of(claim(storageClassName="fast", metadata={"annotations": annotations}), storage(**WAIT))
    assert volume.waiting is not None
    (term,) = volume.waiting.topology
    assert (term.matches({}, "n1"), term.matches({}, "n2")) == (True, False)


def test_claims_of_one_pod_choose_the_smallest_first():
    mounts = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in ("big", "small")]
    found = only_pod(pod(volumes=mounts), LOCAL, asks("2Gi", "big"), asks("1Gi", "small"))
    assert [volume.name for volume in found.volumes] == ["small", "big"]


def test_a_claim_that_names_its_volume_and_is_pending_is_not_bound_in_time():
    bound = {**claim(volumeName="pv"), "status": {"phase": "Pending"}}
    assert volume_of(bound, disk())[1] == ("pod has unbound immediate PersistentVolumeClaims",)
    bound["metadata"]["annotations"] = {"pv.kubernetes.io/bind-completed": "yes"}
    assert volume_of(bound, disk())[1] == ()


def test_only_the_first_thing_that_keeps_a_pod_out_is_named_with_its_rule():
    mounts = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in ("data", "gone")]
    cluster = pl.Cluster.from_kubernetes([node(), pod(volumes=mounts), claim()])
    (left,) = pl.solve(cluster).unplaced
    assert left.reasons == [("VolumeRestrictions", 'persistentvolumeclaim "gone" not found', 1)]
    assert left.message == '0/1 nodes are available: persistentvolumeclaim "gone" not found.'


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
            [{**claim(volumeName="pv"), "status": {"phase": "Lost"}}],
            'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"',
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


def test_disks_without_claims_are_read_with_what_tells_them_apart():
    volumes = [
        {"name": "a", "gcePersistentDisk": {"pdName": "d", "readOnly": True}},
        {"name": "b", "awsElasticBlockStore": {"volumeID": "v"}},
        {"name": "c", "iscsi": {"iqn": "q", "targetPortal": "p", "lun": 0, "readOnly": False}},
        {"name": "d", "rbd": {"image": "i", "monitors": ["m", "n"], "readOnly": True}},
    ]
    assert only_pod(pod(volumes=volumes)).disks == (
        pl.Disk(kind="gce", name="d", read_only=True),
        pl.Disk(kind="aws", name="v"),
        pl.Disk(kind="iscsi", name="q"),
        pl.Disk(kind="rbd", name="i", pool="rbd", monitors=("m", "n"), read_only=True),
    )


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
