"""Priorities by class: Kubernetes, "Pod Priority and Preemption"."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from placer.orchestrators.kubernetes.admission import has_passed
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.faults import forbidden, invalid
from placer.orchestrators.kubernetes.objects import PodSpec, PriorityClassObject
from placer.orchestrators.kubernetes.subject import Subject

HIGHEST = 1_000_000_000
"""What users may give; above are the classes that every cluster has."""
POLICIES = ("PreemptLowerPriority", "Never")

_classes = msgspec.json.Decoder(PriorityClassObject)


class Priority(NamedTuple):
    """A pod's priority, and whether it may evict others."""

    value: int = 0
    policy: str = POLICIES[0]


class PriorityClasses:
    """The PriorityClasses of an input, and those that every Kubernetes cluster has."""

    def __init__(self, inventory: Inventory) -> None:
        self._classes = {
            "system-cluster-critical": Priority(2_000_000_000),
            "system-node-critical": Priority(2_000_001_000),
        }
        self._default = Priority()
        defaults = []
        self.unknown: dict[str, str] = {}
        for named, found in read_objects_of(inventory, "PriorityClass", _classes, namespaced=False):
            subject = Subject(inventory.problems, named.where)
            priority = Priority(
                found.value, _policy(subject, found.preemption_policy, "preemptionPolicy") or POLICIES[0]
            )
            if found.value > HIGHEST and not named.name.startswith("system-") and not has_passed(named.metadata):
                detail = f"maximum allowed value of a user defined priority is {HIGHEST}"
                subject.add(invalid("value", found.value, detail))
            self._classes[named.name] = priority
            if found.global_default:
                defaults.append(priority)
        if defaults:
            # Where there are several, by a race, the API server takes the lowest.
            self._default = min(defaults)

    def of(self, subject: Subject, spec: PodSpec, passed: bool) -> Priority:
        """
        The priority of a pod; an unknown class is noted in ``unknown`` with the first pod that names it.

        Parameters
        ----------
        passed
            The API server has seen the pod: a class that says something else has been changed since.
        """
        chosen = self._default
        if spec.priority_class_name:
            known = self._classes.get(spec.priority_class_name)
            if known is not None:
                chosen = known
                if not passed:
                    _refuse_others(subject, spec, known)
            elif spec.priority is None:
                self.unknown.setdefault(spec.priority_class_name, subject.where)
        value = chosen.value if spec.priority is None else spec.priority
        return Priority(value, _policy(subject, spec.preemption_policy, "spec.preemptionPolicy") or chosen.policy)

    def warnings(self) -> list[str]:
        """One line per class that pods name and the input does not have."""
        return [
            f"{where}: spec.priorityClassName {name!r} is no PriorityClass of the input: taken as the default priority "
            f"{self._default.value}; add the PriorityClass"
            for name, where in self.unknown.items()
        ]


def _refuse_others(subject: Subject, spec: PodSpec, known: Priority) -> None:
    """A pod that names a class may say what the class says, and nothing else."""
    for path, noun, given, computed in (
        ("spec.priority", "integer value of priority", spec.priority, known.value),
        ("spec.preemptionPolicy", "string value of PreemptionPolicy", spec.preemption_policy or None, known.policy),
    ):
        if given is not None and given != computed:
            detail = (
                f"the {noun} ({given}) must not be provided in pod spec; priority admission controller computed "
                f"{computed} from the given PriorityClass name: drop it"
            )
            subject.add(forbidden(path, detail))


def _policy(subject: Subject, given: str | None, path: str) -> str:
    if given and given not in POLICIES:
        subject.problem(path, f"is {given!r}: give {' or '.join(map(repr, POLICIES))}")
        return ""
    return given or ""
