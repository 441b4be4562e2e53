"""
The pods that controllers lack: what ``spec.replicas`` asks for, minus those that live.

A CronJob has no pods between its runs and lacks none; the Jobs of its runs do, as any Job.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from placer.orchestrators.kubernetes.daemons import add_daemon_pods
from placer.orchestrators.kubernetes.documents import Inventory, Named, read_objects_of
from placer.orchestrators.kubernetes.errors import Problems
from placer.orchestrators.kubernetes.objects import (
    ClaimSpec,
    ControllerObject,
    ControllerSpec,
    ControllerStatus,
    Metadata,
    Template,
)
from placer.orchestrators.kubernetes.pods import PodRows, owner_of
from placer.orchestrators.kubernetes.subject import Subject
from placer.orchestrators.kubernetes.templates import MOST_PODS, Maker

TEMPLATE_HASH = "pod-template-hash"
POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"
OVER = ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget")
"""Conditions of a Job that makes no more pods."""
KINDS = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job")

_controllers = msgspec.json.Decoder(ControllerObject)


class Controller(NamedTuple):
    """A controller with its names."""

    named: Named
    spec: ControllerSpec
    status: ControllerStatus

    @property
    def owner(self) -> str:
        """Its own controller, as ``Kind/name``, or empty."""
        return owner_of(self.named.metadata.owner_references)

    @property
    def template(self) -> Template:
        """Of its pods."""
        return self.spec.template or Template()

    @property
    def wanted(self) -> int:
        """Pods asked for; 1 where nothing is said."""
        return 1 if self.spec.replicas is None else self.spec.replicas


def add_lacking(inventory: Inventory, pods: PodRows) -> None:
    """Appends the pods that the input's controllers lack, marked ``expected``."""
    found = {kind: _read(inventory, kind) for kind in KINDS}
    children = _children(found["Deployment"], found["ReplicaSet"], pods)
    terminating = set(pods.terminating)

    def lacks(controller: Controller, owners: list[str]) -> int:
        rows = (row for owner in owners for row in pods.owned.get((controller.named.namespace, owner), ()))
        return controller.wanted - sum(row not in terminating for row in rows)

    for kind, controllers in found.items():
        for controller in controllers:
            if controller.named.metadata.deletion_timestamp is not None:
                continue
            maker = Maker(pods, kind, controller.named, controller.template)
            match kind:
                case "Deployment":
                    family = children[controller.named.namespace, maker.owner]
                    hash_label = _hash_label(inventory.problems, family, controller)
                    maker.make(lacks(controller, [maker.owner, *family.owners]), hash_label)
                case "ReplicaSet" if (controller.named.namespace, controller.owner) in children:
                    pass  # its Deployment counts its pods
                case "ReplicaSet" | "ReplicationController":
                    maker.make(lacks(controller, [maker.owner]))
                case "StatefulSet":
                    _complete_stateful_set(maker, controller)
                case "DaemonSet":
                    add_daemon_pods(maker)
                case "Job":
                    active = controller.wanted - lacks(controller, [maker.owner])
                    maker.make(_lacking_of_job(controller, active))


class _Family(NamedTuple):
    """A Deployment's ReplicaSets: as owners of pods, and those of the input."""

    owners: list[str]
    sets: list[Controller]


def _read(inventory: Inventory, kind: str) -> list[Controller]:
    return [
        Controller(named, found.spec or ControllerSpec(), found.status or ControllerStatus())
        for named, found in read_objects_of(inventory, kind, _controllers, namespaced=True)
    ]


def _children(deployments: list[Controller], sets: list[Controller], pods: PodRows) -> dict[tuple[str, str], _Family]:
    """
    (namespace, ``Deployment/name``) → its ReplicaSets.

    One that is not in the input is told by its name, which is the Deployment's with a hash.
    """
    families = {
        (deployment.named.namespace, f"Deployment/{deployment.named.name}"): _Family([], [])
        for deployment in deployments
    }
    known = set()
    for one in sets:
        owner = f"ReplicaSet/{one.named.name}"
        known.add((one.named.namespace, owner))
        family = families.get((one.named.namespace, one.owner))
        if family is not None:
            family.owners.append(owner)
            family.sets.append(one)
    for namespace, owner in pods.owned:
        kind, _, name = owner.partition("/")
        family = families.get((namespace, f"Deployment/{name.rpartition('-')[0]}"))
        if kind == "ReplicaSet" and family is not None and (namespace, owner) not in known:
            family.owners.append(owner)
    return families


def _hash_label(problems: Problems, family: _Family, deployment: Controller) -> dict[str, str]:
    """The label that the pods of the Deployment's present template have, where a ReplicaSet of the input tells it."""
    for one in family.sets:
        if bytes(one.template.spec) == bytes(deployment.template.spec):
            subject = Subject(problems, one.named.where)
            labels = subject.labels(
                bytes((one.template.metadata or Metadata()).labels), "spec.template.metadata.labels"
            )
            return {TEMPLATE_HASH: labels[TEMPLATE_HASH]} if TEMPLATE_HASH in labels else {}
    return {}


def _complete_stateful_set(maker: Maker, controller: Controller) -> None:
    spec = controller.spec
    start = (spec.ordinals.start if spec.ordinals else None) or 0
    templates = {
        claim.metadata.name: claim.spec or ClaimSpec()
        for claim in spec.volume_claim_templates or ()
        if claim.metadata is not None and claim.metadata.name
    }
    if controller.wanted > MOST_PODS:
        maker.make(controller.wanted)
        return
    living = maker.pods.names[controller.named.namespace]
    for ordinal in range(start, start + controller.wanted):
        name = f"{controller.named.name}-{ordinal}"
        if not living.get(name):
            maker.add(name, {POD_NAME: name, POD_INDEX: str(ordinal)}, templates)


def _lacking_of_job(controller: Controller, active: int) -> int:
    spec, status = controller.spec, controller.status
    over = any(condition.type in OVER and condition.status == "True" for condition in status.conditions or ())
    if over or spec.suspend:
        return 0
    parallelism = 1 if spec.parallelism is None else spec.parallelism
    succeeded = status.succeeded or 0
    if spec.completions is None:
        return 0 if succeeded else parallelism - active
    return min(parallelism, spec.completions - succeeded) - active
