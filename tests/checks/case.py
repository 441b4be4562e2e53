"""Hand-made solutions: a cluster, bindings that break one rule, and bindings that keep it."""

from __future__ import annotations

from typing import Any, NamedTuple

import placer as pl
from placer.solution import Binding, Solution, Unplaced

ZONE = "topology.kubernetes.io/zone"
GPU = "nvidia.com/gpu"
WEB = {"match_labels": {"app": "web"}}
DB = {"match_labels": {"app": "db"}}
BIG = {"cpu": 8, "memory": "8Gi"}


def node(name: str, zone: str | None = None, **fields: Any) -> pl.Node:
    labels = {**({ZONE: zone} if zone else {}), **fields.pop("labels", {})}
    return pl.Node(name, labels=labels, **{**BIG, **fields})


def pod(name: str, app: str = "", **fields: Any) -> pl.Pod:
    return pl.Pod(name, labels={"app": app} if app else {}, **fields)


def solution(cluster: pl.Cluster, *bindings: tuple[Any, ...], **fields: Any) -> Solution:
    """A solution of hand-written bindings ("a", "n1") or ("a", "n1", units); what is pending else is unplaced."""
    bound = [Binding(f"default/{name}", where, *units) for name, where, *units in bindings]
    taken = {binding.pod for binding in bound}
    left = [f"{one.namespace}/{one.name}" for one in cluster.pods if one.node is None]
    fields.setdefault("unplaced", [Unplaced(key, [], "") for key in left if key not in taken])
    fields.setdefault("objective", {"unplaced": len([key for key in left if key not in taken])})
    return Solution(input=cluster.digest, bindings=bound, **fields)


class Case(NamedTuple):
    """Bindings that break a rule of a cluster, and bindings of the same pods that keep it."""

    name: str
    rule: str
    nodes: list[pl.Node]
    pods: list[pl.Pod]
    broken: list[tuple[Any, ...]]
    legal: list[tuple[Any, ...]]


def near(app: str, key: str = "zone", **fields: Any) -> dict[str, Any]:
    return {"topology_key": key, "selector": {"match_labels": {"app": app}}, **fields}


def terms(operator: str, *values: str, key: str = ZONE) -> list[dict[str, Any]]:
    return [{"match_expressions": [{"key": key, "operator": operator, "values": values}]}]


ZONES = [node("a1", "a"), node("a2", "a"), node("b1", "b"), node("free")]
GPUS = [{"kind": GPU, "count": 2, "attributes": {"model": "A"}}, {"kind": GPU, "attributes": {"model": "B"}}]
NUMA = [
    {"kind": "numa", "capacity": {"cpu": 2, "memory": "4Gi"}},
    {"kind": "numa", "capacity": {"cpu": 4, "memory": "4Gi"}},
    {"kind": GPU, "zone": 0},
    {"kind": GPU, "zone": 1},
]
TAINTED = {"taints": [{"key": "gpu", "value": "true"}]}
EVERYWHERE = {"operator": "Exists"}


def broken_rules(case: Case, bindings: list[tuple[Any, ...]]) -> set[str]:
    """The rules that verify names."""
    cluster = pl.Cluster(case.nodes, case.pods)
    return {violation.rule for violation in pl.verify(cluster, solution(cluster, *bindings))}
