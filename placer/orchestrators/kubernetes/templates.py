"""Pods made from a controller's template."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from placer.orchestrators.kubernetes.documents import Named
from placer.orchestrators.kubernetes.objects import ClaimSpec, Metadata, PodSpec, Template, is_absent
from placer.orchestrators.kubernetes.pods import Identity, PodRows

MOST_PODS = 5_000_000
"""More than this many of one controller are refused, not made."""

_spec = msgspec.json.Decoder(PodSpec)


class Maker:
    """
    Makes the pods that one controller lacks.

    Attributes
    ----------
    owner
        ``Kind/name``.
    """

    def __init__(self, pods: PodRows, kind: str, named: Named, template: Template | None) -> None:
        self.pods, self.named = pods, named
        self.owner = f"{kind}/{named.name}"
        self.template = template or Template()
        self._next = 0

    @cached_property
    def spec(self) -> PodSpec | None:
        """The template's spec; ``None`` where it is missing, with a warning, or wrong, which is noted."""
        self._enter("")
        raw = bytes(self.template.spec)
        if is_absent(raw):
            self.pods.warnings.append(
                f"{self.named.where}: spec.template.spec is missing: the pods it lacks are left out"
            )
        return self.pods.subject.decode(_spec, raw, "spec.template.spec")

    def make(self, count: int, labels: Mapping[str, str] | None = None) -> None:
        """Appends so many pods, each with the lowest index that is free in the namespace."""
        if count > MOST_PODS:
            self._enter("")
            self.pods.subject.problem("spec", f"asks for {count} more pods: placer makes at most {MOST_PODS}")
            return
        for _ in range(count):
            if self.add(self.free_name(), labels) is None:
                return

    def add(
        self, name: str, labels: Mapping[str, str] | None = None, templates: dict[str, ClaimSpec] | None = None
    ) -> int | None:
        """Appends a pod and gives its row; ``None`` where the template is wrong."""
        spec = self.spec
        if spec is None:
            return None
        metadata = self.template.metadata or Metadata()
        self._enter("spec.template.")
        identity = Identity(
            self.named.namespace,
            name,
            self.owner,
            self._labels(bytes(metadata.labels), labels),
            bytes(metadata.annotations),
            expected=True,
        )
        self.pods.names[self.named.namespace][name] = True
        return self.pods.add(identity, spec, templates)

    def free_name(self) -> str:
        """``<controller>-<index>`` with the lowest index that is free."""
        taken = self.pods.names[self.named.namespace]
        while (name := f"{self.named.name}-{self._next}") in taken:
            self._next += 1
        return name

    def _labels(self, raw: bytes, more: Mapping[str, str] | None) -> bytes:
        if not more:
            return raw
        return msgspec.json.encode({**self.pods.subject.labels(raw, "metadata.labels"), **more})

    def _enter(self, prefix: str) -> None:
        self.pods.subject.where = self.named.where
        self.pods.subject.prefix = prefix
