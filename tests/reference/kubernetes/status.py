"""What a plugin answers: kubernetes/kube-scheduler, ``framework.Status``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Code = Literal["Unschedulable", "UnschedulableAndUnresolvable"]


@dataclass(frozen=True)
class Status:
    """
    Why a pod cannot stand on a node, or anywhere.

    Attributes
    ----------
    plugin
        The plugin that says so.
    code
        ``Unschedulable`` where evicting pods could help, else ``UnschedulableAndUnresolvable``.
    reasons
        In the plugin's order.
    """

    plugin: str
    code: Code
    reasons: tuple[str, ...]

    def recorded(self) -> dict[str, Any]:
        """The status as the recorded decisions have it."""
        return {"plugin": self.plugin, "reasons": list(self.reasons), "code": self.code}


def unschedulable(plugin: str, *reasons: str) -> Status:
    """A status that evictions could change."""
    return Status(plugin, "Unschedulable", reasons)


def unresolvable(plugin: str, *reasons: str) -> Status:
    """A status that evictions cannot change."""
    return Status(plugin, "UnschedulableAndUnresolvable", reasons)
