"""A pod, or ``replicas`` equal ones, as users write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from placer.model.device import Amounts, DeviceNeed
from placer.model.relation import (
    AffinityTerm,
    DistinctDomains,
    DomainLimit,
    DomainShares,
    PreferredPods,
    SpreadConstraint,
    topology_key,
)
from placer.model.selector import LabelSelector, NodeSelectorTerm, PreferredNode
from placer.model.taint import Toleration
from placer.model.value import FrozenDict, Labels, Value
from placer.model.volume import Disk, HostPort, Volume

GPU = "nvidia.com/gpu"


class Alternative(Value):
    """One alternative of ``any_of``: static rules that hold together, on top of the pod's own."""

    node_selector: Labels = FrozenDict()
    node_affinity: tuple[NodeSelectorTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()


class Pod(Value):
    """
    Something to place, or placed already.

    Attributes
    ----------
    name, namespace
        With ``replicas`` above 1 the pods are ``name-0``, ``name-1``, …; ``replicas=1`` given on purpose makes
        ``name-0``, not given ``name``.
    requests
        Quantities by resource, in base units; ``cpu=``, ``memory=``, ``gpu=`` are short for it.
    priority
        Higher is placed first.
    node
        Where it stands; ``None`` is pending.
    node_affinity
        Alternatives, of which a node must match one; empty is no rule.
    preferred_nodes, preferred_pods
        Wishes; weights of either sign.
    disks
        Disks named without a claim.
    devices
        Needs in units of the node, each in different units.
    numa
        Whether cpu, memory and device needs come from one NUMA zone: ``require`` rejects nodes without a fit.
    units
        For a pod that stands: the places of the units it holds, by kind, as a binding's ``devices`` name them.
    any_of
        Alternatives between static rules: a node must satisfy one of them, with its tolerations added.
    nodes, forbidden_nodes
        Pinned to these names; never on those.
    apart_from
        Pods, as ``namespace/name``, that may not share its node.
    scheduling_gates
        While there are any, the pod is not placed.
    unsupported
        Rules that placer cannot hold; such a pod stays unplaced with them as its reasons.
    assumed
        cpu and memory that rankings count of it where it stands; where it is not given, the request, or 100m and 200Mi
        where there is none.
    arriving
        The same while it is placed, where that differs: kube-scheduler then leaves out what is asked for as a whole.
    siblings
        The pods of its services and controller, which a ranking spreads it from where it has no spread of its own.
    started
        When it started, in seconds since 1970; preemption spares those that run longest. 0 is just now.
    nominated
        The node on which room was made for it by an earlier preemption, or empty.
    stateful
        How dear a move is.
    expected
        Made from a controller's template; never written as a binding object.
    """

    name: str = Field(min_length=1)
    namespace: str = Field(default="default", min_length=1)
    labels: Labels = FrozenDict()
    requests: Amounts = FrozenDict()
    replicas: int | None = Field(default=None, ge=0)
    priority: int = Field(default=0, ge=-(2**31), lt=2**31)
    preemption_policy: Literal["PreemptLowerPriority", "Never"] = "PreemptLowerPriority"
    node: str | None = None
    tolerations: tuple[Toleration, ...] = ()
    node_selector: Labels = FrozenDict()
    node_affinity: tuple[NodeSelectorTerm, ...] = ()
    preferred_nodes: tuple[PreferredNode, ...] = ()
    pod_affinity: tuple[AffinityTerm, ...] = ()
    pod_anti_affinity: tuple[AffinityTerm, ...] = ()
    preferred_pods: tuple[PreferredPods, ...] = ()
    topology_spread: tuple[SpreadConstraint, ...] = ()
    domain_limits: tuple[DomainLimit, ...] = ()
    distinct_domains: tuple[DistinctDomains, ...] = ()
    domain_shares: tuple[DomainShares, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    volumes: tuple[Volume, ...] = ()
    disks: tuple[Disk, ...] = ()
    devices: tuple[DeviceNeed, ...] = ()
    numa: Literal["require", "prefer"] | None = None
    units: Annotated[Mapping[str, tuple[int, ...]], AfterValidator(FrozenDict)] = FrozenDict()
    any_of: tuple[Alternative, ...] = ()
    nodes: tuple[str, ...] = ()
    forbidden_nodes: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    scheduling_gates: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    owner: str = ""
    scheduler_name: str = "default-scheduler"
    images: tuple[str, ...] = ()
    assumed: Amounts = FrozenDict()
    arriving: Amounts = FrozenDict()
    siblings: LabelSelector | None = None
    started: int = Field(default=0, ge=0)
    nominated: str = ""
    stateful: int = Field(default=0, ge=0)
    terminating: bool = False
    expected: bool = False

    def __init__(self, name: str, /, **fields: Any) -> None:
        super().__init__(name=name, **fields)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        """
        Expands cpu, memory, gpu, ports, spread and apart into the full rules.

        ``spread="zone"`` is a hard spread of the pods with this pod's labels, ``apart="host"`` at most one of them per
        domain; a pod without labels gets ``app: <name>`` for that.
        """
        if not isinstance(data, Mapping):
            return data
        data = dict(data)
        short = {key: data.pop(key) for key in ("cpu", "memory") if data.get(key) is not None}
        if data.get("gpu") is not None:
            short[GPU] = data.pop("gpu")
        if short:
            data["requests"] = {**data.get("requests", {}), **short}
        if data.get("ports") is not None:
            ports = data.pop("ports")
            data["host_ports"] = (*data.get("host_ports", ()), *({"port": port} for port in ports))
        spread, apart = data.pop("spread", None), data.pop("apart", None)
        if (spread or apart) and not data.get("labels"):
            data["labels"] = {"app": data.get("name", "")}
        for key in _several(spread):
            rule = {"topology_key": topology_key(key), "selector": {"match_labels": data["labels"]}}
            data["topology_spread"] = (*data.get("topology_spread", ()), rule)
        for key in _several(apart):
            rule = {"topology_key": topology_key(key), "selector": {"match_labels": data["labels"]}}
            data["pod_anti_affinity"] = (*data.get("pod_anti_affinity", ()), rule)
        return data


def _several(keys: str | Sequence[str] | None) -> Sequence[str]:
    return () if keys is None else (keys,) if isinstance(keys, str) else keys
