"""
A pod's siblings: the pods that its Services and its controller select.

kube-scheduler spreads pods without constraints of their own from these: Kubernetes, "Pod Topology Spread Constraints",
"Cluster-level default constraints".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from placer.model.selector import LabelSelector, Requirement
from placer.model.table import Column
from placer.orchestrators.kubernetes import objects
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.objects import is_absent, plain
from placer.orchestrators.kubernetes.subject import Subject

SELECTING = ("ReplicationController", "ReplicaSet", "StatefulSet")

_services = msgspec.json.Decoder(objects.ServiceObject)
_controllers = msgspec.json.Decoder(objects.ControllerObject)
_labels = msgspec.json.Decoder(dict[str, str])
_selector = msgspec.json.Decoder(objects.Selector)
_adapter: TypeAdapter[LabelSelector] = TypeAdapter(LabelSelector)


class Siblings:
    """Selectors of an input's Services and controllers."""

    def __init__(self, inventory: Inventory) -> None:
        self._services: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
        self._owners: dict[tuple[str, str], LabelSelector] = {}
        """A ReplicationController's labels take the place of a Service's; what the others ask for holds beside it."""
        for named, service in read_objects_of(inventory, "Service", _services, namespaced=True):
            if service.spec and service.spec.selector:
                self._services[named.namespace].append(service.spec.selector)
        for kind in SELECTING:
            for named, found in read_objects_of(inventory, kind, _controllers, namespaced=True):
                raw = bytes(found.spec.selector) if found.spec else b""
                if not is_absent(raw):
                    subject = Subject(inventory.problems, named.where)
                    self._owners[named.namespace, f"{kind}/{named.name}"] = _read(subject, kind, raw)

    def __bool__(self) -> bool:
        return bool(self._services or self._owners)

    def of(self, namespace: str, labels: Mapping[str, str], owner: str) -> LabelSelector | None:
        """The siblings of a pod, ``None`` where nothing selects it."""
        merged: dict[str, str] = {}
        for selector in self._services.get(namespace, ()):
            if all(labels.get(key) == value for key, value in selector.items()):
                merged.update(selector)
        expressions: tuple[Any, ...] = ()
        own = self._owners.get((namespace, owner))
        if own is not None:
            kept = {} if owner.startswith("ReplicationController/") else dict(merged)
            merged.update(own.match_labels)
            clashing = {key: value for key, value in kept.items() if merged[key] != value}
            expressions = (
                *own.match_expressions,
                *(Requirement(key=key, operator="In", values=(value,)) for key, value in clashing.items()),
            )
        return LabelSelector(match_labels=merged, match_expressions=expressions) if merged or expressions else None

    def column(self, namespace: Column[str], labels: Column[Any], owner: Column[str]) -> Column[LabelSelector | None]:
        """The siblings of all pods; asked once per distinct namespace, labels and owner."""
        codes: NDArray[np.int32] = np.stack([namespace.codes, labels.codes, owner.codes])
        distinct, inverse = np.unique(codes, axis=1, return_inverse=True)
        found = Column.of(
            self.of(namespace.values[a], labels.values[b], owner.values[c]) for a, b, c in distinct.T.tolist()
        )
        return found.take(inverse.reshape(-1))


def _read(subject: Subject, kind: str, raw: bytes) -> LabelSelector:
    if kind == "ReplicationController":
        return LabelSelector(match_labels=subject.decode(_labels, raw, "spec.selector") or {})
    given = subject.decode(_selector, raw, "spec.selector")
    found: LabelSelector = subject.model(_adapter, plain(given) if given else {}, "spec.selector", LabelSelector())
    return found
