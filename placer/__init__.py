"""
placer: who goes where, why the rest does not fit, and how far that is from the best possible.

The names below are the public interface; they are imported when first used, so that ``import placer`` stays light.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Cluster": "placer.model.cluster",
    "Node": "placer.model.node",
    "Pod": "placer.model.pod",
    "Device": "placer.model.device",
    "DeviceNeed": "placer.model.device",
    "Taint": "placer.model.taint",
    "Toleration": "placer.model.taint",
    "Requirement": "placer.model.selector",
    "LabelSelector": "placer.model.selector",
    "NodeSelectorTerm": "placer.model.selector",
    "PreferredNode": "placer.model.selector",
    "AffinityTerm": "placer.model.relation",
    "PreferredPods": "placer.model.relation",
    "SpreadConstraint": "placer.model.relation",
    "DomainLimit": "placer.model.relation",
    "DistinctDomains": "placer.model.relation",
    "DomainShares": "placer.model.relation",
    "Alternative": "placer.model.pod",
    "Volume": "placer.model.volume",
    "Disk": "placer.model.volume",
    "HostPort": "placer.model.volume",
    "Load": "placer.model.term",
    "Measure": "placer.model.term",
    "Pairs": "placer.model.term",
    "Preference": "placer.model.term",
    "Room": "placer.model.term",
    "Solution": "placer.solution",
    "allocatable": "placer.goals.quantities",
    "domains": "placer.goals.quantities",
    "goal": "placer.goals.goal",
    "requested": "placer.goals.quantities",
    "share": "placer.goals.quantities",
    "load": "placer.formats",
    "solve": "placer.solve",
    "verify": "placer.verify",
    "explain": "placer.explain",
    "conflicts": "placer.conflicts",
    "diff": "placer.diff",
    "relax": "placer.relax",
    "PlacerError": "placer.errors",
    "InputError": "placer.errors",
    "InfeasibleError": "placer.errors",
}

__all__ = [
    "AffinityTerm",
    "Alternative",
    "Cluster",
    "Device",
    "DeviceNeed",
    "Disk",
    "DistinctDomains",
    "DomainLimit",
    "DomainShares",
    "HostPort",
    "InfeasibleError",
    "InputError",
    "LabelSelector",
    "Load",
    "Measure",
    "Node",
    "NodeSelectorTerm",
    "Pairs",
    "PlacerError",
    "Pod",
    "Preference",
    "PreferredNode",
    "PreferredPods",
    "Requirement",
    "Room",
    "Solution",
    "SpreadConstraint",
    "Taint",
    "Toleration",
    "Volume",
    "allocatable",
    "conflicts",
    "diff",
    "domains",
    "explain",
    "goal",
    "load",
    "relax",
    "requested",
    "share",
    "solve",
    "verify",
]

if TYPE_CHECKING:
    from placer.conflicts import conflicts
    from placer.diff import diff
    from placer.errors import InfeasibleError, InputError, PlacerError
    from placer.explain import explain
    from placer.formats import load
    from placer.goals.goal import goal
    from placer.goals.quantities import allocatable, domains, requested, share
    from placer.model.cluster import Cluster
    from placer.model.device import Device, DeviceNeed
    from placer.model.node import Node
    from placer.model.pod import Alternative, Pod
    from placer.model.relation import (
        AffinityTerm,
        DistinctDomains,
        DomainLimit,
        DomainShares,
        PreferredPods,
        SpreadConstraint,
    )
    from placer.model.selector import LabelSelector, NodeSelectorTerm, PreferredNode, Requirement
    from placer.model.taint import Taint, Toleration
    from placer.model.term import Load, Measure, Pairs, Preference, Room
    from placer.model.volume import Disk, HostPort, Volume
    from placer.relax import relax
    from placer.solution import Solution
    from placer.solve import solve
    from placer.verify import verify


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'placer' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


class _Package(ModuleType):
    """Keeps ``placer.solve``, ``verify`` and ``explain`` the functions, also when their modules are imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in _HOME:
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
