"""Pods as Kubernetes objects."""

from __future__ import annotations

from typing import Any

from placer.model.cluster import POD_FIELDS
from placer.model.pod import Pod
from placer.model.relation import AffinityTerm, PreferredPods, SpreadConstraint
from placer.model.taint import Toleration
from placer.model.value import FrozenDict
from placer.model.volume import Disk, HostPort
from placer.orchestrators.kubernetes.annotations import PLAIN_TEXT, PREFIX
from placer.orchestrators.kubernetes.containers import ASSUMED, assumed_use
from placer.orchestrators.kubernetes.rule_faults import PREFERRED, REQUIRED
from placer.orchestrators.kubernetes.texts import (
    SOME_TIME,
    amounts_text,
    json_text,
    label_selector,
    node_term,
    without_empty,
)
from placer.orchestrators.kubernetes.write_volumes import Volumes

ONLY_ANNOTATED = (
    "domain_limits",
    "distinct_domains",
    "domain_shares",
    "devices",
    "numa",
    "units",
    "any_of",
    "nodes",
    "forbidden_nodes",
    "apart_from",
    "unsupported",
    "arriving",
    "siblings",
    "started",
    "nominated",
    "stateful",
    "expected",
)
"""Fields that Kubernetes has no word for."""


def pod_object(pod: Pod, volumes: Volumes) -> dict[str, Any]:
    """A ``v1`` Pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": without_empty(
            {
                "name": pod.name,
                "namespace": pod.namespace,
                "labels": dict(pod.labels),
                "annotations": {PREFIX + name: _annotation(pod, name) for name in annotated_fields(pod, volumes)},
                "ownerReferences": _owner_references(pod.owner),
                "creationTimestamp": SOME_TIME,
                "deletionTimestamp": SOME_TIME if pod.terminating else None,
            }
        ),
        "spec": pod_spec(pod),
    }


def annotated_fields(pod: Pod, volumes: Volumes) -> list[str]:
    """Fields of which the native form is none, or does not say all."""
    names = [name for name in ONLY_ANNOTATED if getattr(pod, name) != POD_FIELDS[name]]
    if any(wish.weight < 0 for wish in pod.preferred_nodes):
        names.append("preferred_nodes")
    if any(
        one.weight < 0 < other.weight for one, other in zip(pod.preferred_pods, pod.preferred_pods[1:], strict=False)
    ):
        names.append("preferred_pods")
    if not all(pod.images):
        names.append("images")
    if pod.assumed != _assumed_when_read(pod):
        names.append("assumed")
    if not pod.scheduler_name:
        names.append("scheduler_name")
    if pod.owner and not _owner_references(pod.owner):
        names.append("owner")
    if any(disk.kind != "rbd" and (disk.pool or disk.monitors) for disk in pod.disks):
        names.append("disks")
    if pod.volumes and not volumes.are_native(pod.namespace, pod.volumes):
        names.append("volumes")
    return names


def pod_spec(pod: Pod) -> dict[str, Any]:
    """``spec``, as far as Kubernetes has fields."""
    return {
        **without_empty(
            {
                "nodeName": pod.node,
                "schedulerName": pod.scheduler_name if pod.scheduler_name != POD_FIELDS["scheduler_name"] else None,
                "nodeSelector": dict(pod.node_selector),
                "affinity": _affinity(pod),
                "tolerations": [_toleration(toleration) for toleration in pod.tolerations],
                "topologySpreadConstraints": [_spread(constraint) for constraint in pod.topology_spread],
                "schedulingGates": [{"name": name} for name in pod.scheduling_gates],
                "volumes": [
                    {"name": f"volume-{place}", "persistentVolumeClaim": {"claimName": volume.name}}
                    for place, volume in enumerate(pod.volumes)
                ]
                + [{"name": f"disk-{place}", **_disk(disk)} for place, disk in enumerate(pod.disks)],
            }
        ),
        "priority": pod.priority,
        "preemptionPolicy": pod.preemption_policy,
        "containers": _containers(pod),
    }


def _annotation(pod: Pod, name: str) -> str:
    value = getattr(pod, name)
    if name in ("assumed", "arriving"):
        return json_text(amounts_text(value))
    return str(value) if name in PLAIN_TEXT else json_text(value)


def _owner_references(owner: str) -> list[dict[str, Any]]:
    kind, _, name = owner.partition("/")
    if not kind or not name:
        return []
    return [{"apiVersion": _API_VERSIONS.get(kind, "v1"), "kind": kind, "name": name, "uid": "", "controller": True}]


_API_VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
}


def _containers(pod: Pod) -> list[dict[str, Any]]:
    """A container per image; the first asks for all that the pod needs."""
    containers = [without_empty({"name": f"c{place}", "image": image}) for place, image in enumerate(pod.images)]
    containers = containers or [{"name": "c0"}]
    if pod.requests:
        containers[0]["resources"] = {"requests": amounts_text(pod.requests)}
    if pod.host_ports:
        containers[0]["ports"] = [_port(port) for port in pod.host_ports]
    return containers


def _assumed_when_read(pod: Pod) -> FrozenDict:
    """What the written containers will be read to assume: all but the first ask for nothing."""
    others = max(len(pod.images) - 1, 0)
    scored = {name: (pod.requests.get(name) or amount) + others * amount for name, amount in ASSUMED.items()}
    return assumed_use(pod.requests, scored)


def _port(port: HostPort) -> dict[str, Any]:
    address = {} if port.host_ip == "0.0.0.0" else {"hostIP": port.host_ip}
    return {"containerPort": port.port, "hostPort": port.port, "protocol": port.protocol, **address}


def _disk(disk: Disk) -> dict[str, Any]:
    read_only = {"readOnly": True} if disk.read_only else {}
    if disk.kind == "gce":
        return {"gcePersistentDisk": {"pdName": disk.name, **read_only}}
    if disk.kind == "aws":
        return {"awsElasticBlockStore": {"volumeID": disk.name, **read_only}}
    if disk.kind == "iscsi":
        return {"iscsi": {"iqn": disk.name, **read_only}}
    return {"rbd": {"image": disk.name, "pool": disk.pool, "monitors": list(disk.monitors), **read_only}}


def _affinity(pod: Pod) -> dict[str, Any]:
    near = [wish for wish in pod.preferred_pods if wish.weight > 0]
    far = [wish for wish in pod.preferred_pods if wish.weight < 0]
    nodes = without_empty(
        {
            REQUIRED: {"nodeSelectorTerms": [node_term(term) for term in pod.node_affinity]}
            if pod.node_affinity
            else None,
            PREFERRED: [
                {"weight": wish.weight, "preference": node_term(wish.term)}
                for wish in pod.preferred_nodes
                if wish.weight > 0
            ],
        }
    )
    return without_empty(
        {
            "nodeAffinity": nodes,
            "podAffinity": _pod_affinity(pod.pod_affinity, near),
            "podAntiAffinity": _pod_affinity(pod.pod_anti_affinity, far),
        }
    )


def _pod_affinity(required: tuple[AffinityTerm, ...], wishes: list[PreferredPods]) -> dict[str, Any]:
    return without_empty(
        {
            REQUIRED: [_pod_term(term) for term in required],
            PREFERRED: [{"weight": abs(wish.weight), "podAffinityTerm": _pod_term(wish.term)} for wish in wishes],
        }
    )


def _pod_term(term: AffinityTerm) -> dict[str, Any]:
    fields = {
        "labelSelector": label_selector(term.selector),
        "namespaces": list(term.namespaces) or None,
        "namespaceSelector": label_selector(term.namespace_selector),
        "matchLabelKeys": list(term.match_label_keys) or None,
        "mismatchLabelKeys": list(term.mismatch_label_keys) or None,
        "topologyKey": term.topology_key,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _toleration(toleration: Toleration) -> dict[str, Any]:
    return without_empty(
        {
            "key": toleration.key,
            "operator": toleration.operator,
            "value": toleration.value,
            "effect": toleration.effect,
        }
    )


def _spread(constraint: SpreadConstraint) -> dict[str, Any]:
    fields = {
        "maxSkew": constraint.max_skew,
        "topologyKey": constraint.topology_key,
        "whenUnsatisfiable": constraint.when_unsatisfiable,
        "labelSelector": label_selector(constraint.selector),
        "minDomains": constraint.min_domains,
        "nodeAffinityPolicy": constraint.node_affinity_policy,
        "nodeTaintsPolicy": constraint.node_taints_policy,
        "matchLabelKeys": list(constraint.match_label_keys) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
