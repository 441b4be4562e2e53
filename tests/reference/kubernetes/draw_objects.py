"""Draws nodes and the objects that stand beside pods."""

from __future__ import annotations

from random import Random
from typing import Any

from .draw_pods import APPS, HOST, NAMESPACES, ZONE, Parts, maybe, some

BOUND = "pv.kubernetes.io/bind-completed"
ZONES = ("zone-a", "zone-b", "zone-c", "zone-d")
BETA_ZONE = "failure-domain.beta.kubernetes.io/zone"


def node(random: Random, index: int) -> Parts:
    """A node; some lack a zone, a rack, a resource, or room for any pod."""
    name = f"node-{index}"
    labels = {HOST: name, "kubernetes.io/os": "linux"}
    if maybe(random, 0.8):
        labels["topology.kubernetes.io/region"] = "region-1"
    if maybe(random, 0.85):
        labels[ZONE] = random.choice(ZONES)
    if maybe(random, 0.8):
        labels["disk"] = random.choice(("ssd", "hdd", "nvme"))
    if maybe(random, 0.8):
        labels["gen"] = random.choice(("1", "2", "3", "5", "7", "new"))
    if maybe(random, 0.5):
        labels["rack"] = random.choice(("rack-1", "rack-2", ""))
    if maybe(random, 0.06):
        labels[HOST] = "node-0"
    if maybe(random, 0.06):
        del labels[HOST]
    sizes = {
        "cpu": random.choice(("1", "2", "2870m", "4", "4000m", "8", "15950m")),
        "memory": random.choice(("1Gi", "2Gi", "3996Mi", "4294954951", "8Gi", "16G", "32Gi")),
        "ephemeral-storage": random.choice(("20Gi", "50Gi", "100Gi")),
        "pods": random.choice(("2", "4", "8", "20", "110")),
    }
    if maybe(random, 0.25):
        sizes["example.com/gpu"] = random.choice(("0", "1", "4"))
    if maybe(random, 0.04):
        del sizes[random.choice(("cpu", "memory", "pods"))]
    status: Parts = {"capacity": dict(sizes), "allocatable": sizes}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}, "status": status}


def taint(random: Random, node: Parts) -> None:
    """Up to three taints."""
    drawn: list[Parts] = []
    for _ in range(random.randint(0, 3)):
        each: Parts = {"key": random.choice(("team", "disk"))}
        each["effect"] = random.choice(("NoSchedule", "PreferNoSchedule", "PreferNoSchedule", "NoExecute"))
        if maybe(random, 0.8):
            each["value"] = random.choice(("a", "b"))
        if (each["key"], each["effect"]) not in {(known["key"], known["effect"]) for known in drawn}:
            drawn.append(each)
    if drawn and maybe(random, 0.6):
        node["spec"]["taints"] = drawn


def cordon(random: Random, node: Parts) -> None:
    """A cordon, without its taint."""
    if maybe(random, 0.25):
        node["spec"]["unschedulable"] = True


def images(random: Random, node: Parts) -> None:
    """Images of several sizes and names; one may stand under a digest too."""
    names = ("img-0:v1", "img-1:v1", "img-2:latest", "img-3:v1", "host:5000/img-4:latest", "host:5000/img-4:v1")
    node["status"]["images"] = [
        {
            "names": [name, f"{name.rpartition(':')[0]}@sha256:{'0' * 64}"],
            "sizeBytes": size * 2**20 + random.randint(0, 9),
        }
        for name in some(random, names, 0, 5)
        for size in (random.choice((5, 30, 120, 400, 900, 2500)),)
    ]


def namespaces(random: Random) -> list[Parts]:
    """Namespaces with labels; one may be unknown, as if its object were gone."""
    drawn: list[Parts] = []
    for name in NAMESPACES:
        labels = {"kubernetes.io/metadata.name": name} | ({"team": "x"} if maybe(random, 0.5) else {})
        if maybe(random, 0.92):
            drawn.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return drawn


def services(random: Random) -> list[Parts]:
    """Services, some without a selector, some with an empty one."""
    drawn = []
    for index, app in enumerate(some(random, APPS, 1, 4)):
        chosen: Parts | None = random.choice(({"app": app}, {"app": app}, {"tier": "back"}, {}, None))
        metadata = {"name": f"s{index}", "namespace": random.choice(NAMESPACES[:2])}
        spec = {} if chosen is None else {"selector": chosen}
        drawn.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    return drawn


def owners(random: Random, cluster: dict[str, list[Parts]], pods: list[Parts]) -> None:
    """Controllers, and pods that they own; the owner may be gone, or be of another kind."""
    kinds = (
        ("ReplicaSet", "apps/v1", "replicaSets"),
        ("StatefulSet", "apps/v1", "statefulSets"),
        ("ReplicationController", "v1", "replicationControllers"),
    )
    made: dict[str, Parts] = {}
    for app in APPS:
        for namespace in NAMESPACES[:2]:
            kind, version, field = random.choice(kinds)
            labels = {"app": app} | ({"tier": "front"} if maybe(random, 0.4) else {})
            metadata = {"name": f"o-{app}", "namespace": namespace, "uid": f"o-{namespace}-{app}"}
            spec: Parts = {"selector": labels if version == "v1" else {"matchLabels": labels}}
            each = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
            made[f"{namespace}/{app}"] = each
            if maybe(random, 0.85):
                cluster.setdefault(field, []).append(each)
    for pod in pods:
        key = f"{pod['metadata']['namespace']}/{pod['metadata'].get('labels', {}).get('app')}"
        if key in made and maybe(random, 0.7):
            owner = made[key]
            reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": maybe(random, 0.9)}
            names = {field: owner["metadata"][field] for field in ("name", "uid")}
            pod["metadata"]["ownerReferences"] = [reference | names]


def budgets(random: Random) -> list[Parts]:
    """Disruption budgets: spent ones, overlapping ones, an empty selector, a pod that is being evicted."""
    drawn = []
    for index in range(random.randint(1, 4)):
        chosen = random.choice(({"matchLabels": {"app": random.choice(APPS)}}, {"matchLabels": {"tier": "front"}}, {}))
        status: Parts = {"disruptionsAllowed": random.choice((0, 0, 1, 2)), "currentHealthy": 3, "desiredHealthy": 1}
        if maybe(random, 0.1):
            status["disruptedPods"] = {"r1": "2026-01-01T00:00:00Z"}
        metadata = {"name": f"pdb-{index}", "namespace": random.choice(NAMESPACES[:2])}
        spec = {"selector": chosen, "minAvailable": 1}
        each = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
        drawn.append(each | {"status": status | {"expectedPods": 3}})
    return drawn


def storage(random: Random, cluster: dict[str, list[Parts]], pods: list[Parts]) -> None:
    """Storage classes, claims and volumes of every state, CSI nodes with limits, and pods that use the claims."""
    wait: Parts = {"provisioner": "csi.example.com", "volumeBindingMode": "WaitForFirstConsumer"}
    if maybe(random, 0.6):
        terms = [{"key": ZONE, "values": some(random, ZONES, 1, 2)}]
        wait["allowedTopologies"] = [{"matchLabelExpressions": terms}]
    local = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    now = {"provisioner": "csi.example.com", "volumeBindingMode": "Immediate"}
    cluster["storageClasses"] = [
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}} | spec
        for name, spec in (("now", now), ("wait", wait), ("local", local))
    ]
    cluster["persistentVolumes"] = []
    cluster["persistentVolumeClaims"] = [claim(random, cluster, index) for index in range(6)]
    cluster["persistentVolumes"] += [free_volume(random, index) for index in range(random.randint(0, 4))]
    cluster["csiNodes"] = [
        csi_node(random, each["metadata"]["name"]) for each in cluster["nodes"] if maybe(random, 0.8)
    ]
    for pod in pods:
        names = some(random, [f"claim-{index}" for index in range(6)], 0, 2)
        if names and maybe(random, 0.03):
            names = ["missing"]
        volumes: list[Any] = [
            {"name": f"v{index}", "persistentVolumeClaim": {"claimName": name}} for index, name in enumerate(names)
        ]
        if volumes:
            pod["spec"]["volumes"] = volumes
            stands = pod["metadata"]["name"].startswith("r")
            pod["metadata"]["namespace"] = "prod" if maybe(random, 0.15 if stands else 0.03) else "default"


def claim(random: Random, cluster: dict[str, list[Parts]], index: int) -> Parts:
    """A claim: bound, with its volume added to the cluster, or waiting; rarely unbound at once, lost or prebound."""
    state = random.choices(("bound", "wait", "local", "unbound", "prebound"), (6, 3, 3, 0.6, 0.3))[0]
    mode = random.choice(("ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"))
    name = f"claim-{index}"
    spec: Parts = {
        "accessModes": [mode],
        "storageClassName": {"wait": "wait", "local": "local"}.get(state, "now"),
        "resources": {"requests": {"storage": random.choice(("1Gi", "2Gi"))}},
    }
    metadata: Parts = {"name": name, "namespace": "default", "uid": name}
    phase = "Pending"
    if state in ("bound", "prebound"):
        spec["volumeName"] = f"pv-{index}"
    if state == "bound":
        metadata["annotations"] = {BOUND: "yes"}
        phase = "Bound"
        volume = free_volume(random, 100 + index)
        volume["metadata"] |= {"name": f"pv-{index}", "uid": f"pv-{index}"}
        volume["spec"] |= {"storageClassName": "now", "accessModes": [mode]}
        volume["spec"]["claimRef"] = {
            "kind": "PersistentVolumeClaim",
            "namespace": "default",
            "name": name,
            "uid": name,
        }
        volume["status"] = {"phase": "Bound"}
        if maybe(random, 0.5):
            zones = some(random, ZONES, 1, 2)
            volume["metadata"]["labels"] = {random.choice((ZONE, BETA_ZONE)): "__".join(zones)}
        cluster["persistentVolumes"].append(volume)
    fields = {"metadata": metadata, "spec": spec, "status": {"phase": phase}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim"} | fields


def free_volume(random: Random, index: int) -> Parts:
    """A volume nobody holds; no two are of one size, since among equals the scheduler takes any."""
    name = f"free-{index}"
    spec: Parts = {
        "capacity": {"storage": f"{random.choice((1, 3)) * 2**30 + index}"},
        "accessModes": some(random, ("ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"), 1, 3),
        "storageClassName": random.choice(("local", "local", "wait")),
        "persistentVolumeReclaimPolicy": "Retain",
        "csi": {"driver": "csi.example.com", "volumeHandle": f"h{index}"},
    }
    if maybe(random, 0.6):
        wanted = {"key": ZONE, "operator": "In", "values": some(random, ZONES, 1, 2)}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": [wanted]}]}}
    fields = {"metadata": {"name": name, "uid": name}, "spec": spec, "status": {"phase": "Available"}}
    return {"apiVersion": "v1", "kind": "PersistentVolume"} | fields


def csi_node(random: Random, name: str) -> Parts:
    """How many volumes of a driver a node attaches; one may name none, and one may have taken over in-tree disks."""
    driver: Parts = {"name": "csi.example.com", "nodeID": name, "topologyKeys": [ZONE]}
    if maybe(random, 0.9):
        driver["allocatable"] = {"count": random.choice((0, 1, 2, 5))}
    metadata: Parts = {"name": name}
    drivers = [driver]
    if maybe(random, 0.3):
        metadata["annotations"] = {"storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/aws-ebs"}
        drivers.append({"name": "ebs.csi.aws.com", "nodeID": name, "allocatable": {"count": 1}})
    fields = {"metadata": metadata, "spec": {"drivers": drivers}}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode"} | fields
