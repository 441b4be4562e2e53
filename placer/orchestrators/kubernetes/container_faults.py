"""What the API server finds wrong with a pod's containers: names, ports, resources; and with its volumes' names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from placer.model.quantity import format_quantity, parse_quantity
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.faults import duplicate, forbidden, invalid, required, unsupported
from placer.orchestrators.kubernetes.syntax import dns_label_fault

PROTOCOLS = ("SCTP", "TCP", "UDP")
HUGE_PAGES = "hugepages-"
NATIVE = "kubernetes.io/"
MOST_PORT = 65535


def name_faults(names: Sequence[str | None], path: str, taken: set[str]) -> Iterator[str]:
    """
    Of names that are required and unique.

    Parameters
    ----------
    taken
        Names that others have; grows.
    """
    for place, name in enumerate(names):
        at = f"{path}[{place}].name"
        if not name:
            yield required(at, "give it a name")
            continue
        if fault := dns_label_fault(name):
            yield invalid(at, name, fault)
        if name in taken:
            yield duplicate(at, name)
        taken.add(name)


def port_faults(ports: Sequence[objects.ContainerPort], path: str, host_network: bool) -> Iterator[str]:
    """Of a container's ports, each by itself."""
    for place, port in enumerate(ports):
        at = f"{path}[{place}]"
        if not port.container_port:
            yield required(f"{at}.containerPort", f"give 1 to {MOST_PORT}")
        else:
            yield from _number_faults(port.container_port, f"{at}.containerPort")
        if port.host_port:
            yield from _number_faults(port.host_port, f"{at}.hostPort")
            if host_network and port.host_port != port.container_port:
                detail = "must match `containerPort` when `hostNetwork` is true"
                yield invalid(f"{at}.hostPort", port.host_port, detail, f"give {port.container_port or 0}, or drop it")
        if port.protocol and port.protocol not in PROTOCOLS:
            yield unsupported(f"{at}.protocol", port.protocol, PROTOCOLS)


def repeated_port_faults(
    ports: Sequence[objects.ContainerPort], path: str, taken: set[tuple[Any, ...]]
) -> Iterator[str]:
    """
    Of host ports that stand twice.

    Parameters
    ----------
    taken
        Host ports that other containers have; grows.
    """
    for place, port in enumerate(ports):
        if port.host_port:
            held = (port.protocol or "TCP", port.host_ip or "", port.host_port)
            if held in taken:
                yield duplicate(f"{path}[{place}].hostPort", "/".join(map(str, held)))
            taken.add(held)


def resource_faults(limits: Mapping[str, int], requests: Mapping[str, int], path: str) -> Iterator[str]:
    """
    Of requests beside limits.

    Parameters
    ----------
    limits, requests
        Base units, with the defaults that the API server adds.
    """
    for name, request in requests.items():
        limit = limits.get(name)
        if limit is None:
            continue
        if request != limit and not may_overcommit(name):
            detail = f"must be equal to {name} limit of {_text(name, limit)}"
            yield invalid(f"{path}.requests", _text(name, request), detail)
        elif request > limit:
            detail = f"must be less than or equal to {name} limit of {_text(name, limit)}"
            yield invalid(f"{path}.requests", _text(name, request), detail)
    both = {**requests, **limits}
    if any(name.startswith(HUGE_PAGES) for name in both) and not both.keys() & {"cpu", "memory"}:
        yield forbidden(path, "HugePages require cpu or memory: give one of them")


def missing_limit_faults(limits: Mapping[str, int], requests: Mapping[str, int], path: str) -> Iterator[str]:
    """Of requests that need a limit of the same amount."""
    for name in requests:
        if name not in limits and not may_overcommit(name):
            detail = f"Limit must be set for non overcommitable resources: give limits.{name} as well"
            yield required(f"{path}.limits", detail)


def quantity_faults(quantities: Mapping[str, Any], path: str) -> Iterator[str]:
    """Of quantities that count whole things; what is no quantity at all is told elsewhere."""
    for name, quantity in quantities.items():
        if is_extended(name) and _parts(quantity) % 1000:
            yield invalid(f"{path}.{name}", quantity, "must be an integer")
        elif name.startswith(HUGE_PAGES):
            size = _parts(name.removeprefix(HUGE_PAGES))
            if size and _parts(quantity) % size:
                text = name.removeprefix(HUGE_PAGES)
                yield invalid(f"{path}.{name}", quantity, f"must be a multiple of the page size {text}")


def pod_level_faults(requests: Mapping[str, int], asked: Mapping[str, int], path: str) -> Iterator[str]:
    """
    Of the requests of ``spec.resources`` beside those of the containers.

    Parameters
    ----------
    asked
        What the containers ask for together.
    """
    for name, amount in requests.items():
        if asked.get(name, 0) > amount:
            detail = f"must be greater than or equal to aggregate container requests of {_text(name, asked[name])}"
            yield invalid(f"{path}.requests.{name}", _text(name, amount), detail)


def pod_limit_faults(limits: Mapping[str, int], of_pod: Mapping[str, int], path: str) -> Iterator[str]:
    """Of a container's limits beside the pod's."""
    for name, limit in limits.items():
        if limit > of_pod.get(name, limit):
            detail = f"must be less than or equal to pod limits of {_text(name, of_pod[name])}"
            yield invalid(f"{path}.limits.{name}", _text(name, limit), detail)


def is_extended(name: str) -> bool:
    """Whether a resource is counted whole: Kubernetes, "Extended resources"."""
    return "/" in name and NATIVE not in name


def may_overcommit(name: str) -> bool:
    """Whether a container may use more of the resource than it asks for."""
    return not is_extended(name) and not name.startswith(HUGE_PAGES)


def _number_faults(number: int, path: str) -> Iterator[str]:
    if not 1 <= number <= MOST_PORT:
        yield invalid(path, number, f"must be between 1 and {MOST_PORT}, inclusive")


def _parts(quantity: Any) -> int:
    """Thousandths, or 0 where there is no telling."""
    try:
        return parse_quantity(quantity, milli=True)
    except ValueError:
        return 0


def _text(name: str, amount: int) -> str:
    return format_quantity(amount, milli=name == "cpu")
