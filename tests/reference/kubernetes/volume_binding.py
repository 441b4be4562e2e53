"""Claims and volumes: Kubernetes, "Persistent Volumes", and "Volume Binding Mode" of "Storage Classes"."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from .cluster import Cluster, Node, Object, Pod
from .plugin import Plugin
from .quantities import quantity
from .selectors import Requirement, label_selector
from .status import Status, unresolvable
from .volumes import (
    BOUND,
    CHOSEN_NODE,
    NO_PROVISIONER,
    annotations_of,
    claim_of,
    class_name,
    not_found,
    volume_allows,
    waits,
)


def is_bound(claim: Object) -> bool:
    """Whether claim and volume are bound, and the controller is done with it."""
    return bool(claim["spec"].get("volumeName")) and BOUND in annotations_of(claim)


def asked_size(claim: Object) -> Any:
    """The storage that a claim asks for."""
    return quantity(str(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0")))


def held_for(volume: Object, claim: Object) -> bool:
    """Whether the volume is for this claim."""
    holder, metadata = volume["spec"].get("claimRef"), claim["metadata"]
    if not holder or (holder.get("namespace"), holder.get("name")) != (metadata.get("namespace"), metadata["name"]):
        return False
    return not holder.get("uid") or holder["uid"] == metadata.get("uid")


def could_hold(volume: Object, claim: Object) -> bool:
    """Whether the volume is big enough, of the claim's mode, and nobody else's."""
    modes = {each["spec"].get("volumeMode") or "Filesystem" for each in (volume, claim)}
    free = not volume["spec"].get("claimRef") or held_for(volume, claim)
    big = quantity(str(volume["spec"]["capacity"]["storage"])) >= asked_size(claim)
    return free and big and len(modes) == 1 and not volume["metadata"].get("deletionTimestamp")


def matches(volume: Object, claim: Object) -> bool:
    """Whether an available volume is what the claim asks for."""
    selector = claim["spec"].get("selector")
    if (volume.get("status") or {}).get("phase") != "Available" or class_name(volume) != class_name(claim):
        return False
    if selector is not None and not label_selector(selector).matches(volume["metadata"].get("labels") or {}):
        return False
    return set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ())


def topology_allows(terms: list[Object], node: Node) -> bool:
    """Whether a storage class provisions for the node: no terms are all nodes, an empty term is none."""

    def allows(term: Object) -> bool:
        expressions = term.get("matchLabelExpressions") or ()
        conditions = [Requirement(each["key"], "In", tuple(each["values"])) for each in expressions]
        return bool(conditions) and all(each.matches(node.labels) for each in conditions)

    return not terms or any(allows(term) for term in terms)


class VolumeBinding(Plugin):
    """Bound volumes can be used on the node; each claim that waits finds a volume there, or can be provisioned."""

    name = "VolumeBinding"

    def __init__(self, cluster: Cluster, pod: Pod) -> None:
        super().__init__(cluster, pod)
        claims = [claim_of(cluster, pod, name) for name in pod.claims]
        self.bound = [claim for claim in claims if claim and is_bound(claim)]
        self.unbound = [claim for claim in claims if claim and not is_bound(claim)]

    def pre_filter(self) -> Status | None:
        ephemeral = {f"{self.pod.name}-{each['name']}" for each in self.pod.volumes if each.get("ephemeral")}
        for name in self.pod.claims:
            claim = claim_of(self.cluster, self.pod, name)
            if claim is None:
                waiting = f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
                return unresolvable(
                    self.name, waiting if name in ephemeral else not_found("persistentvolumeclaim", name)
                )
            if (claim.get("status") or {}).get("phase") == "Lost":
                volume = claim["spec"].get("volumeName") or ""
                lost = f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
                return unresolvable(self.name, lost)
            if claim["metadata"].get("deletionTimestamp"):
                return unresolvable(self.name, f'persistentvolumeclaim "{name}" is being deleted')
        if any(claim["spec"].get("volumeName") or not waits(self.cluster, claim) for claim in self.unbound):
            return unresolvable(self.name, "pod has unbound immediate PersistentVolumeClaims")
        return None

    def filter(self, node: Node) -> Status | None:
        """The reasons in the scheduler's order: affinity of bound volumes, claims to bind, volumes that are gone."""
        volumes = [self.cluster.volumes.get(claim["spec"]["volumeName"]) for claim in self.bound]
        reasons = []
        for volume in volumes:
            if volume is None or not volume_allows(volume, node):
                break
        else:
            volume = {}
        if volume:
            reasons.append("node(s) didn't match PersistentVolume's node affinity")
        if self.plan(node) is None:
            reasons.append("node(s) didn't find available persistent volumes to bind")
        if volume is None:
            reasons.append("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
        return unresolvable(self.name, *reasons) if reasons else None

    def plan(self, node: Node) -> tuple[list[tuple[Object, Object]], list[Object]] | None:
        """Claims with the volumes that they would get on the node, and claims to provision, if both can be."""
        chosen = [claim for claim in self.unbound if CHOSEN_NODE in annotations_of(claim)]
        if any(annotations_of(claim)[CHOSEN_NODE] != node.name for claim in chosen):
            return None
        pairs: list[tuple[Object, Object]] = []
        provisioned = list(chosen)
        for claim in sorted((each for each in self.unbound if each not in chosen), key=asked_size):
            volume = self.volume_for(claim, node, [taken for _, taken in pairs])
            if volume is None:
                provisioned.append(claim)
            else:
                pairs.append((claim, volume))
        return (pairs, provisioned) if all(self.provisions(claim, node) for claim in provisioned) else None

    def volume_for(self, claim: Object, node: Node, taken: list[Object]) -> Object | None:
        """The volume held for the claim, if it can be used on the node; else the smallest that matches."""
        volumes = [each for each in self.cluster.volumes.values() if class_name(each) == class_name(claim)]
        candidates = [each for each in volumes if each not in taken and could_hold(each, claim)]
        for volume in candidates:
            if held_for(volume, claim):
                return volume if volume_allows(volume, node) else None
        fitting = [each for each in candidates if matches(each, claim) and volume_allows(each, node)]
        return min(fitting, key=lambda each: quantity(str(each["spec"]["capacity"]["storage"])), default=None)

    def provisions(self, claim: Object, node: Node) -> bool:
        """Whether the claim's class makes volumes for the node."""
        found = self.cluster.classes[class_name(claim)]
        if found["provisioner"] in ("", NO_PROVISIONER):
            return False
        return topology_allows(found.get("allowedTopologies") or [], node)

    def reserve(self, node: Node) -> None:
        """Keeps what the pod takes: volumes are held for their claims, claims to provision know the node."""
        plan = self.plan(node)
        if plan is None:
            return
        for claim, volume in plan[0]:
            metadata = claim["metadata"]
            held = deepcopy(dict(volume))
            fields = {key: metadata[key] for key in ("namespace", "name", "uid") if key in metadata}
            held["spec"]["claimRef"] = {"kind": "PersistentVolumeClaim", **fields}
            self.cluster.volumes[volume["metadata"]["name"]] = held
        for claim in plan[1]:
            metadata = claim["metadata"]
            chosen = deepcopy(dict(claim))
            chosen["metadata"]["annotations"] = {**annotations_of(claim), CHOSEN_NODE: node.name}
            self.cluster.claims[f"{metadata.get('namespace') or 'default'}/{metadata['name']}"] = chosen
