"""What a pod's containers ask for together: requests by the Kubernetes rule, host ports, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from pydantic import TypeAdapter

from placer.model.quantity import INT64_MAX
from placer.model.value import FrozenDict
from placer.model.volume import HostPort
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.admission import Limits, limit_warnings, with_limits
from placer.orchestrators.kubernetes.objects import Container, PodSpec, is_absent
from placer.orchestrators.kubernetes.subject import Subject

OVERCOMMITTED = ("cpu", "memory")
ASSUMED = {"cpu": 100, "memory": 200 * 2**20}
"""What kube-scheduler's scores count for a container that does not ask: Kubernetes, ``GetNonzeroRequests``."""

_resources = msgspec.json.Decoder(objects.Resources)
_ports = msgspec.json.Decoder(list[objects.ContainerPort])
_host_ports: TypeAdapter[tuple[HostPort, ...]] = TypeAdapter(tuple[HostPort, ...])


class ContainerKey(NamedTuple):
    """A container as far as placement goes, hashable."""

    image: str | None
    resources: bytes
    ports: bytes
    sidecar: bool


class ContainersKey(NamedTuple):
    """
    All that requests, host ports and images of a pod come from.

    Attributes
    ----------
    ranges
        The namespace whose LimitRanges its containers have to mind, or empty.
    """

    containers: tuple[ContainerKey, ...]
    init_containers: tuple[ContainerKey, ...]
    overhead: bytes
    resources: bytes
    host_network: bool
    ranges: str = ""


class ContainersValue(NamedTuple):
    """What the containers ask for, by the names of the pod's fields."""

    requests: FrozenDict
    host_ports: tuple[HostPort, ...]
    images: tuple[str, ...]
    assumed: FrozenDict
    arriving: FrozenDict


def containers_key(spec: PodSpec, overhead: bytes, ranges: str) -> ContainersKey:
    """The part of a spec that :func:`read_containers` reads."""
    init = spec.init_containers
    return ContainersKey(
        tuple([_container_key(container) for container in spec.containers or ()]),
        tuple([_container_key(container) for container in init]) if init else (),
        overhead,
        bytes(spec.resources),
        spec.host_network is True,
        ranges,
    )


def read_containers(
    subject: Subject, key: ContainersKey, ranges: tuple[Limits, ...], warnings: list[str]
) -> ContainersValue:
    """
    Requests, host ports and images of a pod.

    Parameters
    ----------
    ranges
        What the LimitRanges of ``key.ranges`` say.
    warnings
        Gets what they do not allow.
    """

    def read(kind: str, place: int, container: ContainerKey) -> dict[str, int]:
        path = f"spec.{kind}[{place}].resources"
        requests = _requests_of(subject, container.resources, path, ranges)
        warnings.extend(f"{subject.where}: {text}" for text in limit_warnings(requests, ranges, path))
        return requests

    main = [read("containers", place, container) for place, container in enumerate(key.containers)]
    init = [
        (read("initContainers", place, container), container.sidecar)
        for place, container in enumerate(key.init_containers)
    ]
    overhead = subject.amounts(key.overhead, "spec.overhead")
    requests = effective_requests(main, init)
    _apply_pod_level(subject, key.resources, requests)
    _add(requests, overhead)
    scored = _scored(main, init, ASSUMED)
    standing = dict(scored)
    if not is_absent(key.resources):
        standing = _scored(main, init, _assumed_of_whole(subject, key.resources, requests))
        _apply_pod_level(subject, key.resources, standing)
    for amounts in (scored, standing):
        _add(amounts, overhead)
    for name, amount in requests.items():
        if amount > INT64_MAX:
            subject.problem("spec.containers", f"ask for {amount} of {name} together, which is beyond int64")
    ports = tuple(
        port
        for kind, containers in (("containers", key.containers), ("initContainers", key.init_containers))
        for place, container in enumerate(containers)
        if kind == "containers" or container.sidecar
        for port in _ports_of(subject, container.ports, key.host_network, f"spec.{kind}[{place}].ports")
    )
    images = tuple(container.image for container in (*key.init_containers, *key.containers) if container.image)
    asked = {name: amount for name, amount in requests.items() if 0 < amount <= INT64_MAX}
    return ContainersValue(FrozenDict(asked), ports, images, *_assumed(asked, scored, standing))


def _scored(
    main: Sequence[Mapping[str, int]], init: Sequence[tuple[Mapping[str, int], bool]], assumed: Mapping[str, int]
) -> dict[str, int]:
    """What containers ask for, with what is assumed of those that do not ask."""
    return effective_requests(
        [{**assumed, **asked} for asked in main], [({**assumed, **asked}, sidecar) for asked, sidecar in init]
    )


def _assumed_of_whole(subject: Subject, raw: bytes, requests: Mapping[str, int]) -> dict[str, int]:
    """What is assumed of the containers of a pod that asks as a whole: nothing that it names anywhere."""
    given = subject.decode(_resources, raw, "spec.resources")
    asks = given is not None and not is_absent(bytes(given.requests))
    return {name: amount for name, amount in ASSUMED.items() if not (asks and name in requests)}


def _assumed(
    requests: Mapping[str, int], scored: Mapping[str, int], standing: Mapping[str, int]
) -> tuple[FrozenDict, FrozenDict]:
    """What scores count of the pod where it stands and, where that differs, while it is placed."""
    differ = {name: scored[name] for name in ASSUMED if scored.get(name, 0) != standing.get(name, 0)}
    return assumed_use(requests, standing), FrozenDict(differ)


def assumed_use(requests: Mapping[str, int], scored: Mapping[str, int]) -> FrozenDict:
    """What is scored, where that is neither the request nor what is assumed of any pod that does not ask."""
    found = {name: scored.get(name, 0) for name in ASSUMED}
    usual = {name: requests.get(name) or amount for name, amount in ASSUMED.items()}
    return FrozenDict({name: amount for name, amount in found.items() if amount != usual[name]})


def effective_requests(
    containers: Sequence[Mapping[str, int]], init: Sequence[tuple[Mapping[str, int], bool]]
) -> dict[str, int]:
    """
    What a pod needs at the worst moment of its life: Kubernetes, "Init containers", "Sidecar containers".

    Parameters
    ----------
    containers
        Requests of each.
    init
        Requests of each init container in order, and whether it is a sidecar, which keeps running.
    """
    total: dict[str, int] = {}
    sidecars: dict[str, int] = {}
    start: dict[str, int] = {}
    for requests in containers:
        _add(total, requests)
    for requests, sidecar in init:
        moment = dict(sidecars)
        _add(moment, requests)
        if sidecar:
            _add(total, requests)
            sidecars = moment
        _raise_to(start, moment)
    _raise_to(total, start)
    return total


def _container_key(container: Container) -> ContainerKey:
    return ContainerKey(
        container.image, bytes(container.resources), bytes(container.ports), container.restart_policy == "Always"
    )


def _requests_of(subject: Subject, raw: bytes, path: str, ranges: tuple[Limits, ...]) -> dict[str, int]:
    """Requests; where only a limit is given it is the request, as the API server has it."""
    given = subject.decode(_resources, raw, path) or objects.Resources()
    limits = subject.amounts(bytes(given.limits), f"{path}.limits")
    requests = subject.amounts(bytes(given.requests), f"{path}.requests")
    limits, requests = with_limits(limits, requests, ranges)
    return requests


def _apply_pod_level(subject: Subject, raw: bytes, requests: dict[str, int]) -> None:
    """``spec.resources`` in place of the containers' sum, for the resources that it may name."""
    given = subject.decode(_resources, raw, "spec.resources")
    if given is None:
        return
    asked = subject.amounts(bytes(given.requests), "spec.resources.requests")
    limits = subject.amounts(bytes(given.limits), "spec.resources.limits")
    for name, amount in limits.items():
        if name not in asked and not (name in OVERCOMMITTED and name in requests):
            asked[name] = amount
    requests.update(
        {name: amount for name, amount in asked.items() if name in OVERCOMMITTED or name.startswith("hugepages-")}
    )


def _ports_of(subject: Subject, raw: bytes, host_network: bool, path: str) -> tuple[HostPort, ...]:
    given = subject.decode(_ports, raw, path) or []
    ports: list[dict[str, Any]] = []
    for port in given:
        number = port.host_port or (port.container_port if host_network else 0)
        if number:
            address = port.host_ip or "0.0.0.0"
            ports.append({"port": number, "protocol": port.protocol or "TCP", "host_ip": address})
    return subject.model(_host_ports, ports, path, ()) if ports else ()


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise_to(total: dict[str, int], least: Mapping[str, int]) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)
