"""
Profiles: which of kube-scheduler's plugins decide, with what weights and arguments.

The defaults are those of Kubernetes' ``KubeSchedulerConfiguration`` v1 (Kubernetes, "Scheduler Configuration").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from placer.model.relation import HOSTNAME, ZONE, SpreadConstraint
from placer.model.selector import NodeSelectorTerm, PreferredNode
from placer.model.value import FrozenDict, Value

FILTERS = (
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
)
"""The default filter plugins in the order in which they are asked."""
WEIGHTS = FrozenDict(
    {
        "TaintToleration": 3,
        "NodeAffinity": 2,
        "NodeResourcesFit": 1,
        "PodTopologySpread": 2,
        "InterPodAffinity": 2,
        "NodeResourcesBalancedAllocation": 1,
        "ImageLocality": 1,
    }
)
"""The default score plugins with their weights."""
CPU_AND_MEMORY = (("cpu", 1), ("memory", 1))


class Fit(Value):
    """
    Arguments of NodeResourcesFit.

    Attributes
    ----------
    ignored_resources, ignored_groups
        Extended resources, and prefixes before ``/``, that the filter does not look at.
    resources
        (resource, weight) pairs that are scored.
    shape
        (utilization 0 to 100, score 0 to 10) points of RequestedToCapacityRatio.
    """

    strategy: Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] = "LeastAllocated"
    resources: tuple[tuple[str, int], ...] = CPU_AND_MEMORY
    shape: tuple[tuple[int, int], ...] = ()
    ignored_resources: tuple[str, ...] = ()
    ignored_groups: tuple[str, ...] = ()


class AddedAffinity(Value):
    """Node affinity that NodeAffinity adds to every pod: alternatives required, and preferences."""

    required: tuple[NodeSelectorTerm, ...] = ()
    preferred: tuple[PreferredNode, ...] = ()


SYSTEM_SPREAD = (
    SpreadConstraint(topology_key=HOSTNAME, max_skew=3, when_unsatisfiable="ScheduleAnyway"),
    SpreadConstraint(topology_key=ZONE, max_skew=5, when_unsatisfiable="ScheduleAnyway"),
)
"""The constraints that PodTopologySpread gives pods without any, by default."""


class Profile(Value):
    """
    One profile of a scheduler.

    Attributes
    ----------
    scheduler_name
        Pods that name it are decided by this profile.
    filters
        Enabled filter plugins, in the order in which they are asked; the first that rejects a node is named.
    weights
        Enabled score plugins and their weights.
    gates
        Whether SchedulingGates keeps gated pods out.
    preempts
        Whether DefaultPreemption is enabled.
    balanced
        Resources that NodeResourcesBalancedAllocation looks at.
    default_spread
        Constraints for pods that have none; their selectors come from the pod's services and controllers.
    system_spread
        Whether those are the system's own, which do not ask that a node has all their keys.
    hard_affinity_weight
        What a required affinity term of a pod that stands is worth to pods that it matches, 0 to 100.
    ignores_preferred_terms
        Whether preferred terms of pods that stand are left out where the arriving pod has none.
    least_candidates_percent, least_candidates
        At least how many nodes preemption looks at, of those where it may help.
    """

    scheduler_name: str = Field(default="default-scheduler", min_length=1)
    filters: tuple[str, ...] = FILTERS
    weights: Mapping[str, int] = WEIGHTS
    gates: bool = True
    preempts: bool = True
    fit: Fit = Fit()
    balanced: tuple[tuple[str, int], ...] = CPU_AND_MEMORY
    added_affinity: AddedAffinity = AddedAffinity()
    default_spread: tuple[SpreadConstraint, ...] = SYSTEM_SPREAD
    system_spread: bool = True
    hard_affinity_weight: int = Field(default=1, ge=0, le=100)
    ignores_preferred_terms: bool = False
    least_candidates_percent: int = Field(default=10, ge=0, le=100)
    least_candidates: int = Field(default=100, ge=0)


KUBERNETES = Profile()
"""kube-scheduler's default profile."""
