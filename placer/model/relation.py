"""
Rules between pods by way of domains: affinity, spread, limits, shares.

A domain is one value of a topology key, a node label; nodes without the label stand in no domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from placer.model.selector import LabelSelector
from placer.model.value import FrozenDict, Value

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"
RACK = "topology.kubernetes.io/rack"
SHORT_KEYS = {"host": HOSTNAME, "hostname": HOSTNAME, "node": HOSTNAME, "zone": ZONE, "region": REGION, "rack": RACK}


def topology_key(name: str) -> str:
    """The label key that a short name (host, zone, region, rack) stands for; other names stand for themselves."""
    return SHORT_KEYS.get(name, name)


TopologyKey = Annotated[str, AfterValidator(topology_key), Field(min_length=1)]


class AffinityTerm(Value):
    """
    Pods to stand with, or apart from, in one domain: Kubernetes, "Inter-pod affinity and anti-affinity".

    Attributes
    ----------
    topology_key
        The domains' label key; host, zone, region and rack are short for the well-known ones.
    selector
        The pods meant; ``None`` selects none.
    namespaces, namespace_selector
        Where they live; with neither, the pod's own namespace; an empty selector is all namespaces.
    match_label_keys, mismatch_label_keys
        Keys whose values on the pod itself are added to the selector, as equal or as different.
    """

    topology_key: TopologyKey
    selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


class PreferredPods(Value):
    """
    A wish to stand with (weight above 0) or apart from (below 0) other pods.

    Attributes
    ----------
    weight
        -100 to 100, not 0; earned once for each pod of the domain that matches.
    """

    weight: int
    term: AffinityTerm

    @model_validator(mode="after")
    def _weight_in_range(self) -> Self:
        if not 1 <= abs(self.weight) <= 100:
            raise ValueError(f"weight is {self.weight}: give 1 to 100, or -100 to -1 for anti-affinity")
        return self


class SpreadConstraint(Value):
    """
    No domain may be ahead of the emptiest by more than ``max_skew``: Kubernetes, "Pod Topology Spread Constraints".

    Attributes
    ----------
    selector
        The pods counted, of the pod's own namespace; ``None`` selects none, and an empty one, which no
        ``match_label_keys`` narrow, counts none, as kube-scheduler has it.
    when_unsatisfiable
        ``DoNotSchedule`` is hard, ``ScheduleAnyway`` a wish.
    min_domains
        With fewer domains than this the emptiest counts as 0.
    node_affinity_policy, node_taints_policy
        Whether nodes that the pod's selector or taints exclude take part in domains and counts.
    """

    topology_key: TopologyKey
    max_skew: int = Field(default=1, ge=1)
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = "DoNotSchedule"
    selector: LabelSelector | None = None
    min_domains: int | None = Field(default=None, ge=1)
    node_affinity_policy: Literal["Honor", "Ignore"] = "Honor"
    node_taints_policy: Literal["Honor", "Ignore"] = "Ignore"
    match_label_keys: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _min_domains_is_hard(self) -> Self:
        if self.min_domains is not None and self.when_unsatisfiable != "DoNotSchedule":
            raise ValueError("min_domains goes with when_unsatisfiable DoNotSchedule only")
        return self


class DomainLimit(Value):
    """At most ``at_most`` pods of the group in any one domain; nodes without the key are not limited."""

    topology_key: TopologyKey
    at_most: int = Field(ge=1)
    selector: LabelSelector | None = None
    """The pods counted, of the pod's own namespace; ``None`` is the pods with the same labels as this one."""


class DistinctDomains(Value):
    """
    At least ``at_least`` distinct domains: until so many hold a pod of the group, one goes only to one that holds none.

    Nodes without the key are rejected. A group smaller than ``at_least`` has each pod in a domain of its own.
    """

    topology_key: TopologyKey
    at_least: int = Field(ge=2)
    selector: LabelSelector | None = None
    """As in :class:`DomainLimit`."""


class DomainShares(Value):
    """
    Target shares of the group per domain, such as 70/30 over two zones.

    A domain takes at most ceil(share / sum of shares × pods of the group, bound and pending); domains that are not
    named, and nodes without the key, take none. Soft: each pod above that costs 1 in the goal ``preferences``.
    """

    topology_key: TopologyKey
    shares: Annotated[Mapping[str, Annotated[int, Field(ge=0)]], AfterValidator(FrozenDict)]
    hard: bool = True
    selector: LabelSelector | None = None
    """As in :class:`DomainLimit`."""

    @model_validator(mode="after")
    def _some_share(self) -> Self:
        if sum(self.shares.values()) <= 0:
            raise ValueError(f"shares are {dict(self.shares)!r}: give at least one domain a share above 0")
        return self
