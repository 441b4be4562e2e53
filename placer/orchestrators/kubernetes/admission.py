"""
What the API server adds to a pod on its way in, for pods that have not passed it.

A pod that has is told by what only the API server gives: ``uid``, ``resourceVersion`` or ``creationTimestamp``.
Kubernetes, "Admission Controllers": LimitRanger, RuntimeClass, DefaultTolerationSeconds. All fill what is missing, and
change nothing that is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from placer.model.quantity import format_quantity
from placer.model.taint import Toleration
from placer.model.value import FrozenDict
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.faults import forbidden
from placer.orchestrators.kubernetes.objects import EMPTY, Metadata, is_absent
from placer.orchestrators.kubernetes.rules import read_tolerations
from placer.orchestrators.kubernetes.subject import NOTHING, Subject

WAITED_OUT = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Taints of nodes in trouble, which pods tolerate for five minutes by default."""
DEFAULT_TOLERATIONS = tuple(Toleration(key=key, operator="Exists", effect="NoExecute") for key in WAITED_OUT)

_limit_ranges = msgspec.json.Decoder(objects.LimitRangeObject)
_runtime_classes = msgspec.json.Decoder(objects.RuntimeClassObject)


class Limits(NamedTuple):
    """
    What a LimitRange says of containers.

    Attributes
    ----------
    where
        How warnings name it.
    limits, requests
        What a container gets that does not say.
    least, most
        What a request may be.
    """

    where: str
    limits: FrozenDict
    requests: FrozenDict
    least: FrozenDict
    most: FrozenDict


class Runtime(NamedTuple):
    """
    What a RuntimeClass asks of its pods.

    Attributes
    ----------
    overhead
        ``podFixed``, as JSON.
    selector, tolerations
        Added to the pod's own.
    unsupported
        What of the tolerations is not supported.
    """

    name: str = ""
    overhead: bytes = b""
    selector: FrozenDict = NOTHING
    tolerations: tuple[Toleration, ...] = ()
    unsupported: tuple[str, ...] = ()


class Admission:
    """
    The LimitRanges and RuntimeClasses of an input.

    Attributes
    ----------
    limits
        By namespace, what its LimitRanges say of containers, in input order.
    runtimes
        RuntimeClasses by name; the empty name is none.
    """

    def __init__(self, inventory: Inventory) -> None:
        self.limits: defaultdict[str, tuple[Limits, ...]] = defaultdict(tuple)
        for named, ranges in read_objects_of(inventory, "LimitRange", _limit_ranges, namespaced=True):
            subject = Subject(inventory.problems, named.where)
            items = ranges.spec.limits if ranges.spec else None
            where = f"LimitRange {named.namespace}/{named.name}"
            self.limits[named.namespace] += (_read_limits(subject, items or [], where),)
        self.runtimes = {"": Runtime()}
        for named, runtime in read_objects_of(inventory, "RuntimeClass", _runtime_classes, namespaced=False):
            subject = Subject(inventory.problems, named.where)
            self.runtimes[named.name] = _read_runtime(subject, named.name, runtime)
        self._missing: set[str] = set()

    def runtime_of(self, subject: Subject, name: str | None) -> str:
        """The pod's RuntimeClass, or empty; one that is missing is noted with the first pod that names it."""
        if not name or name in self.runtimes:
            return name or ""
        if name not in self._missing:
            self._missing.add(name)
            detail = f'pod rejected: RuntimeClass "{name}" not found: add it to the input, or drop the field'
            subject.add(forbidden("spec.runtimeClassName", detail))
        return ""


def has_passed(metadata: Metadata) -> bool:
    """Whether the API server has seen this object."""
    return bool(metadata.uid or metadata.resource_version or metadata.creation_timestamp)


def overhead_of(subject: Subject, own: bytes, runtime: Runtime) -> bytes:
    """The pod's overhead as JSON; one of its own must be that of its RuntimeClass."""
    if is_absent(own) or not runtime.name:
        return own if is_absent(runtime.overhead) else runtime.overhead
    if is_absent(runtime.overhead):
        detail = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead: drop it"
        subject.add(forbidden("spec.overhead", detail))
    elif subject.amounts(own, "spec.overhead") != subject.amounts(runtime.overhead, "spec.overhead"):
        detail = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead: drop it"
        subject.add(forbidden("spec.overhead", detail))
    return own


def with_selector(subject: Subject, own: FrozenDict, runtime: Runtime) -> FrozenDict:
    """The node selector with that of the RuntimeClass."""
    for key, value in runtime.selector.items():
        if own.get(key, value) != value:
            detail = (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {own[key]}: drop the pod's"
            )
            subject.add(forbidden("spec.nodeSelector", detail))
    return FrozenDict({**own, **runtime.selector}) if runtime.selector else own


def with_tolerations(own: tuple[Toleration, ...], runtime: Runtime, waits: bool) -> tuple[Toleration, ...]:
    """
    The tolerations with those of the RuntimeClass, and those for nodes in trouble.

    Parameters
    ----------
    waits
        Whether the default ones are added, where no toleration covers their key without an effect or with NoExecute.
    """
    tolerations = (*own, *(one for one in runtime.tolerations if one not in own))
    if not waits:
        return tolerations
    covered = {one.key for one in tolerations if one.effect in (None, "NoExecute")}
    return (*tolerations, *(one for one in DEFAULT_TOLERATIONS if not covered & {one.key, ""}))


def with_limits(
    limits: dict[str, int], requests: dict[str, int], ranges: tuple[Limits, ...]
) -> tuple[dict[str, int], dict[str, int]]:
    """A container's limits and requests with what is missing: requests from limits first, then from LimitRanges."""
    limits, requests = dict(limits), {**limits, **requests}
    for one in ranges:
        limits = {**one.limits, **limits}
        requests = {**one.requests, **requests}
    return limits, requests


def limit_warnings(requests: Mapping[str, int], ranges: tuple[Limits, ...], path: str) -> Iterator[str]:
    """Requests of a container that a LimitRange does not allow."""
    for one in ranges:
        for name, amount in requests.items():
            least, most = one.least.get(name, 0), one.most.get(name, amount)
            if not least <= amount <= most:
                word, bound = ("below the minimum", least) if amount < least else ("above the maximum", most)
                yield (
                    f"{path}.requests.{name} is {_text(name, amount)}, {word} of {_text(name, bound)} in {one.where}: "
                    "the API server would refuse the pod"
                )


def _text(name: str, amount: int) -> str:
    return format_quantity(amount, milli=name == "cpu")


def _read_limits(subject: Subject, items: list[objects.LimitItem], where: str) -> Limits:
    """All items for containers together, the last word counting, each with the API server's own defaults."""
    limits: dict[str, int] = {}
    requests: dict[str, int] = {}
    least: dict[str, int] = {}
    most: dict[str, int] = {}
    for place, item in enumerate(items):
        if item.type != "Container":
            continue
        path = f"spec.limits[{place}]"
        highest, lowest = (
            subject.amounts(bytes(item.max), f"{path}.max"),
            subject.amounts(bytes(item.min), f"{path}.min"),
        )
        default = {**highest, **subject.amounts(bytes(item.default), f"{path}.default")}
        request = subject.amounts(bytes(item.default_request), f"{path}.defaultRequest")
        limits |= default
        requests |= {**lowest, **default, **request}
        least |= {name: max(amount, least.get(name, amount)) for name, amount in lowest.items()}
        most |= {name: min(amount, most.get(name, amount)) for name, amount in highest.items()}
    return Limits(where, FrozenDict(limits), FrozenDict(requests), FrozenDict(least), FrozenDict(most))


def _read_runtime(subject: Subject, name: str, given: objects.RuntimeClassObject) -> Runtime:
    overhead = given.overhead.pod_fixed if given.overhead else EMPTY
    subject.amounts(bytes(overhead), "overhead.podFixed")
    if given.scheduling is None:
        return Runtime(name, bytes(overhead))
    selector = subject.checked_labels(bytes(given.scheduling.node_selector), "scheduling.nodeSelector")
    tolerations, reasons = read_tolerations(subject, bytes(given.scheduling.tolerations), "scheduling.tolerations")
    return Runtime(name, bytes(overhead), selector, tolerations, tuple(f"{name}: {reason}" for reason in reasons))
