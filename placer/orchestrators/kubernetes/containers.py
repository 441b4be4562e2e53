"""What a pod's containers ask for together: requests by the Kubernetes rule, host ports, images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from pydantic import TypeAdapter

from placer.model.quantity import INT64_MAX
from placer.model.value import FrozenDict
from placer.model.volume import HostPort
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.admission import Limits, limit_warnings, with_limits
from placer.orchestrators.kubernetes.container_faults import (
    missing_limit_faults,
    name_faults,
    pod_level_faults,
    pod_limit_faults,
    port_faults,
    quantity_faults,
    repeated_port_faults,
    resource_faults,
)
from placer.orchestrators.kubernetes.faults import required
from placer.orchestrators.kubernetes.objects import Container, PodSpec, is_absent
from placer.orchestrators.kubernetes.subject import Subject

OVERCOMMITTED = ("cpu", "memory")
POD_LEVEL = "spec.resources"
ASSUMED = {"cpu": 100, "memory": 200 * 2**20}
"""What kube-scheduler's scores count for a container that does not ask: Kubernetes, ``GetNonzeroRequests``."""

_resources = msgspec.json.Decoder(objects.Resources)
_ports = msgspec.json.Decoder(list[objects.ContainerPort])
_host_ports: TypeAdapter[tuple[HostPort, ...]] = TypeAdapter(tuple[HostPort, ...])


class Checks:
    """
    Which of the API server's checks a pod gets; plain integers, since each pod's key holds one.

    Attributes
    ----------
    WHAT_MATTERS
        Of objects: what placing can do with is warned of.
    """

    NONE, WHAT_MATTERS, ALL = 0, 1, 2


class ContainerKey(NamedTuple):
    """A container as far as placement goes, hashable."""

    name: str | None
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
    checks
        What of it the API server has yet to check.
    """

    containers: tuple[ContainerKey, ...]
    init_containers: tuple[ContainerKey, ...]
    overhead: bytes
    resources: bytes
    host_network: bool
    ranges: str = ""
    checks: int = Checks.NONE


class ContainersValue(NamedTuple):
    """What the containers ask for, by the names of the pod's fields."""

    requests: FrozenDict
    host_ports: tuple[HostPort, ...]
    images: tuple[str, ...]
    assumed: FrozenDict
    arriving: FrozenDict


def containers_key(spec: PodSpec, overhead: bytes, ranges: str, checks: int) -> ContainersKey:
    """The part of a spec that :func:`read_containers` reads."""
    init = spec.init_containers
    return ContainersKey(
        tuple([_container_key(container) for container in spec.containers or ()]),
        tuple([_container_key(container) for container in init]) if init else (),
        overhead,
        bytes(spec.resources),
        spec.host_network is True,
        ranges,
        checks,
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
        Gets what is odd, and can be read as it is meant.
    """
    return _Reading(subject, key, ranges, warnings).value()


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
        container.name,
        container.image,
        bytes(container.resources),
        bytes(container.ports),
        container.restart_policy == "Always",
    )


class _Resources(NamedTuple):
    """``resources``, with what is missing."""

    limits: dict[str, int]
    requests: dict[str, int]


class _Reading(NamedTuple):
    """Reads the containers of a pod: see :func:`read_containers`."""

    subject: Subject
    key: ContainersKey
    ranges: tuple[Limits, ...]
    warnings: list[str]

    def value(self) -> ContainersValue:
        """What they ask for."""
        key, subject = self.key, self.subject
        level = self._resources(key.resources, POD_LEVEL, ())
        main, init = self._container_requests(level)
        requests = effective_requests(main, init)
        self.refuse_manifest(pod_level_faults(level.requests, requests, POD_LEVEL))
        self.refuse(resource_faults(level.limits, level.requests, POD_LEVEL))
        overhead = subject.amounts(key.overhead, "spec.overhead")
        _apply_pod_level(level, requests)
        _add(requests, overhead)
        scored = _scored(main, init, ASSUMED)
        standing = dict(scored)
        if not is_absent(key.resources):
            standing = _scored(main, init, _assumed_of_whole(subject, key.resources, requests))
            _apply_pod_level(level, standing)
        for amounts in (scored, standing):
            _add(amounts, overhead)
        for name, amount in requests.items():
            if amount > INT64_MAX:
                subject.problem("spec.containers", f"ask for {amount} of {name} together, which is beyond int64")
        self.refuse(self._name_faults())
        if not key.containers and key.checks != Checks.NONE:
            self.warn([required("spec.containers", "it asks for nothing")])
        images = tuple(container.image for container in (*key.init_containers, *key.containers) if container.image)
        asked = {name: amount for name, amount in requests.items() if 0 < amount <= INT64_MAX}
        return ContainersValue(FrozenDict(asked), self._ports(), images, *_assumed(asked, scored, standing))

    @property
    def kinds(self) -> tuple[tuple[str, tuple[ContainerKey, ...]], ...]:
        """Containers by the field that has them."""
        return ("containers", self.key.containers), ("initContainers", self.key.init_containers)

    def refuse(self, texts: Iterable[str]) -> bool:
        """Notes what the API server refuses, unless it has let it pass."""
        return self.key.checks != Checks.NONE and self.subject.faults(texts)

    def refuse_manifest(self, texts: Iterable[str]) -> bool:
        """Notes what the API server refuses for reasons that placing does not have."""
        if self.key.checks == Checks.ALL:
            return self.subject.faults(texts)
        if self.key.checks == Checks.WHAT_MATTERS:
            self.warn(texts)
        return False

    def warn(self, texts: Iterable[str]) -> None:
        """Notes what is odd."""
        self.warnings.extend(f"{self.subject.where}: {self.subject.prefix}{text}" for text in texts)

    def _container_requests(self, level: _Resources) -> tuple[list[dict[str, int]], list[tuple[dict[str, int], bool]]]:
        """Requests of each container, and of each init container with whether it is a sidecar."""
        main, init = [
            [
                self._requests_of(container, f"spec.{kind}[{place}].resources", level)
                for place, container in enumerate(containers)
            ]
            for kind, containers in self.kinds
        ]
        return main, list(zip(init, (container.sidecar for container in self.key.init_containers), strict=True))

    def _requests_of(self, container: ContainerKey, path: str, level: _Resources) -> dict[str, int]:
        limits, requests = self._resources(container.resources, path, self.ranges)
        self.refuse(resource_faults(limits, requests, path))
        self.refuse(pod_limit_faults(limits, level.limits, path))
        self.warn(limit_warnings(requests, self.ranges, path))
        if self.key.checks != Checks.NONE:
            self.warn(missing_limit_faults(limits, requests, path))
        return requests

    def _resources(self, raw: bytes, path: str, ranges: tuple[Limits, ...]) -> _Resources:
        given = self.subject.decode(_resources, raw, path) or objects.Resources()
        limits = self._amounts(bytes(given.limits), f"{path}.limits")
        requests = self._amounts(bytes(given.requests), f"{path}.requests")
        return _Resources(limits, requests) if path == POD_LEVEL else _Resources(*with_limits(limits, requests, ranges))

    def _amounts(self, raw: bytes, path: str) -> dict[str, int]:
        given = self.subject.map_of(raw, path)
        amounts = self.subject.parse_amounts(given, path)
        self.refuse(quantity_faults({name: given[name] for name in amounts}, path))
        return amounts

    def _name_faults(self) -> Iterator[str]:
        taken: set[str] = set()
        for kind, containers in self.kinds:
            yield from name_faults([container.name for container in containers], f"spec.{kind}", taken)

    def _ports(self) -> tuple[HostPort, ...]:
        """Host ports of containers and sidecars; those of init containers that end are free again."""
        found: list[HostPort] = []
        taken: set[tuple[Any, ...]] = set()
        for kind, containers in self.kinds:
            for place, container in enumerate(containers):
                path, main = f"spec.{kind}[{place}].ports", kind == "containers"
                given = self.subject.decode(_ports, container.ports, path) or []
                words = port_faults(given, path, self.key.host_network and main)
                wrong = self.refuse(words)
                wrong = self.refuse_manifest(repeated_port_faults(given, path, taken if main else set())) or wrong
                if not wrong and (main or container.sidecar):
                    asked = _host_ports_of(given, self.key.host_network)
                    read: tuple[HostPort, ...] = self.subject.model(_host_ports, asked, path, (), words=words)
                    found += read
        return tuple(found)


def _apply_pod_level(level: _Resources, requests: dict[str, int]) -> None:
    """``spec.resources`` in place of the containers' sum, for the resources that it may name."""
    asked = dict(level.requests)
    for name, amount in level.limits.items():
        if name not in asked and not (name in OVERCOMMITTED and name in requests):
            asked[name] = amount
    requests.update(
        {name: amount for name, amount in asked.items() if name in OVERCOMMITTED or name.startswith("hugepages-")}
    )


def _host_ports_of(ports: Sequence[objects.ContainerPort], host_network: bool) -> list[dict[str, Any]]:
    return [
        {"port": number, "protocol": port.protocol or "TCP", "host_ip": port.host_ip or "0.0.0.0"}
        for port in ports
        if (number := port.host_port or (port.container_port if host_network else 0))
    ]


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise_to(total: dict[str, int], least: Mapping[str, int]) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)
