"""What a pod asks for: Kubernetes, "Resource Management for Pods and Containers", "Sidecar Containers"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from .quantities import quantity, units

Amounts = dict[str, Fraction]

# What scoring takes for a container that names no request.
ASSUMED: Amounts = {"cpu": Fraction(1, 10), "memory": Fraction(200 * 1024 * 1024)}


def amounts(source: Mapping[str, str] | None) -> Amounts:
    """Reads a resource list."""
    return {name: quantity(str(value)) for name, value in (source or {}).items()}


def add(left: Amounts, right: Amounts) -> Amounts:
    """The sum of two resource lists."""
    return left | {name: left.get(name, Fraction(0)) + value for name, value in right.items()}


def greatest(left: Amounts, right: Amounts) -> Amounts:
    """The greater of each resource of two lists."""
    return left | {name: max(left.get(name, value), value) for name, value in right.items()}


def is_pod_level(resource: str) -> bool:
    """Whether ``spec.resources`` of a pod may name the resource."""
    return resource in ("cpu", "memory") or resource.startswith("hugepages-")


def pod_level(spec: Mapping[str, Any]) -> Amounts:
    """What ``spec.resources.requests`` asks for the pod as a whole: Kubernetes, "Pod-level resources"."""
    requests = amounts((spec.get("resources") or {}).get("requests"))
    return {name: value for name, value in requests.items() if is_pod_level(name)}


def container_amounts(spec: Mapping[str, Any], assumed: Amounts) -> Amounts:
    """
    The most that the containers need at a time.

    Containers and sidecars run together. An init container runs with the sidecars that start before it.

    Parameters
    ----------
    assumed
        Requests of a container that does not name them; a request of 0 is named.
    """

    def requests(container: Mapping[str, Any]) -> Amounts:
        return assumed | amounts((container.get("resources") or {}).get("requests"))

    running: Amounts = {}
    for container in spec.get("containers") or ():
        running = add(running, requests(container))
    sidecars: Amounts = {}
    starting: Amounts = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            running = add(running, requests(container))
            sidecars = add(sidecars, requests(container))
            starting = greatest(starting, sidecars)
        else:
            starting = greatest(starting, add(sidecars, requests(container)))
    return greatest(running, starting)


def pod_amounts(spec: Mapping[str, Any], assumed: Amounts) -> Amounts:
    """What the pod needs: pod-level requests stand in the place of what containers name; overhead comes on top."""
    return add(container_amounts(spec, assumed) | pod_level(spec), amounts(spec.get("overhead")))


def in_units(values: Amounts) -> dict[str, int]:
    """A resource list in the scheduler's base units."""
    return {name: units(name, value) for name, value in values.items()}


def requested(spec: Mapping[str, Any]) -> dict[str, int]:
    """What the pod asks for, in base units: what filters count."""
    return in_units(pod_amounts(spec, {}))


def assumed_of_running(spec: Mapping[str, Any]) -> dict[str, int]:
    """
    What scoring by NodeResourcesFit counts for a pod that stands.

    With pod-level requests, a resource that is named anywhere in the pod is not assumed for its containers.
    """
    named = pod_amounts(spec, {})
    whole = bool(pod_level(spec))
    return in_units(
        pod_amounts(spec, {name: value for name, value in ASSUMED.items() if not (whole and name in named)})
    )


def assumed_of_incoming(spec: Mapping[str, Any]) -> dict[str, int]:
    """What scoring by NodeResourcesFit counts for the pod to place: pod-level requests do not count."""
    return in_units(add(container_amounts(spec, ASSUMED), amounts(spec.get("overhead"))))


def total(lists: Iterable[Mapping[str, int]], resource: str) -> int:
    """The sum of one resource."""
    return sum(each.get(resource, 0) for each in lists)


def is_scalar(resource: str) -> bool:
    """Whether the scheduler counts a resource other than cpu, memory and ephemeral storage."""
    return "/" in resource or resource.startswith(("hugepages-", "attachable-volumes-"))
