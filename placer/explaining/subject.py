"""The pod that is explained, its device requests read as needs; and amounts as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from placer.model.device import DeviceNeed
from placer.model.pod import Pod
from placer.model.table import NodeTable

BINARY = ((2**40, "Ti"), (2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki"))


class Subject(NamedTuple):
    """
    A pod as the rules see it.

    Attributes
    ----------
    pod
        As the user wrote it.
    requests
        Base units by resource, above 0, without what counts as devices.
    needs
        Needs in units, those made from requests last.
    """

    pod: Pod
    requests: Mapping[str, int]
    needs: tuple[DeviceNeed, ...]


def device_kinds(nodes: NodeTable) -> list[str]:
    """Kinds that some node lists as devices, sorted."""
    return sorted({device.kind for devices in nodes.devices.values for device in devices})


def subject(pod: Pod, kinds: Sequence[str]) -> Subject:
    """The pod, with requests for device kinds turned into needs for whole units."""
    asked = {kind: pod.requests[kind] for kind in kinds if pod.requests.get(kind, 0) > 0}
    needs = (*pod.devices, *(DeviceNeed(kind=kind, count=count) for kind, count in asked.items()))
    requests = {name: amount for name, amount in pod.requests.items() if amount > 0 and name not in kinds}
    return Subject(pod, requests, needs)


def amount_text(resource: str, amount: int) -> str:
    """``4000m`` of cpu, ``2Gi`` where it is exact, a plain count otherwise."""
    if resource == "cpu":
        return f"{amount}m"
    if resource == "memory" or resource.startswith(("ephemeral-storage", "hugepages-")):
        for size, suffix in BINARY:
            if amount and amount % size == 0:
                return f"{amount // size}{suffix}"
    return str(amount)
