"""Defaults of the API server that decide where a pod can stand: Kubernetes API, ``Pod``."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from . import requests


def with_defaults(source: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the pod as the API server would store it."""
    pod = deepcopy(dict(source))
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    for container in containers:
        resources = container.get("resources") or {}
        if resources.get("limits"):
            resources["requests"] = resources["limits"] | (resources.get("requests") or {})
        for port in container.get("ports") or () if spec.get("hostNetwork") else ():
            port["hostPort"] = port.get("hostPort") or port["containerPort"]
    whole = spec.get("resources") or {}
    if whole.get("limits"):
        whole["requests"] = pod_level_requests(spec)
    return pod


def pod_level_requests(spec: dict[str, Any]) -> dict[str, str]:
    """
    Pod-level requests where pod-level limits are set: Kubernetes, "Pod-level resources".

    A resource without a request takes what the containers need together, else the limit; huge pages the limit.
    """
    needed = {
        name: f"{value.numerator * 10**9 // value.denominator}n"
        for name, value in requests.container_amounts(spec, {}).items()
        if name in ("cpu", "memory")
    }
    limits = {name: value for name, value in spec["resources"]["limits"].items() if requests.is_pod_level(name)}
    given: dict[str, str] = limits | needed | (spec["resources"].get("requests") or {})
    return given
