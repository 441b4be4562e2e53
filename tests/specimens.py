"""Short words for the smallest clusters that show a rule, and for what the reference says of them."""

from __future__ import annotations

from typing import Any

from reference import State, fits, rejects

import placer as pl

GPU = "nvidia.com/gpu"
ZONE = "topology.kubernetes.io/zone"
RACK = "topology.kubernetes.io/rack"
CORDON = "node.kubernetes.io/unschedulable"
WEB = {"match_labels": {"app": "web"}}
DB = {"match_labels": {"app": "db"}}


def node(name: str, zone: str | None = None, **fields: Any) -> pl.Node:
    labels = {**({ZONE: zone} if zone is not None else {}), **fields.pop("labels", {})}
    return pl.Node(name, labels=labels, **{"cpu": 8, "memory": 80, **fields})


def pod(name: str = "pod", app: str = "", **fields: Any) -> pl.Pod:
    labels = fields.pop("labels", {"app": app} if app else {})
    return pl.Pod(name, labels=labels, **fields)


def state(nodes: list[pl.Node], *pods: pl.Pod, namespaces: dict[str, dict[str, str]] | None = None) -> State:
    return State(pl.Cluster(nodes, pods, namespaces))


def row(here: State, name: str) -> int:
    return [each.name for each in here.pods].index(name)


def verdicts(here: State, name: str = "pod") -> dict[str, str | None]:
    """The first rule that rejects the pod, node by node."""
    found = {}
    for place, each in enumerate(here.nodes):
        rule = rejects(here, row(here, name), place)
        found[each.name] = None if rule is None else rule.name
    return found


def allowed(here: State, name: str = "pod") -> list[str]:
    return [here.nodes[place].name for place in fits(here, row(here, name))]


def bind(here: State, name: str, where: str, devices: dict[str, list[int]] | None = None) -> None:
    here.bind(row(here, name), [each.name for each in here.nodes].index(where), devices)


def given(here: State, where: str, devices: dict[str, list[int]]) -> str | None:
    """The first rule that a binding of the pod with these units breaks."""
    rule = rejects(here, row(here, "pod"), [each.name for each in here.nodes].index(where), devices)
    return None if rule is None else rule.name


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


def term(*expressions: dict[str, Any]) -> dict[str, Any]:
    return {"match_expressions": list(expressions)}


def near(selector: dict[str, Any] | None, key: str = "zone", **fields: Any) -> dict[str, Any]:
    return {"topology_key": key, "selector": selector, **fields}


ZONES = [node("a1", "a"), node("a2", "a"), node("b1", "b"), node("free")]


def gpus(*lines: dict[str, Any], **fields: Any) -> pl.Node:
    return node("n1", devices=[{"kind": GPU, **line} for line in lines], **fields)


def need(**fields: Any) -> dict[str, Any]:
    return {"kind": GPU, **fields}


def zones(*lines: dict[str, Any]) -> pl.Node:
    two = [{"kind": "numa", "capacity": {"cpu": cpu, "memory": 10}} for cpu in (2, 4)]
    return node("n1", devices=[*two, *lines])


def spread(selector: dict[str, Any] | None = WEB, key: str = "zone", **fields: Any) -> list[dict[str, Any]]:
    return [{"topology_key": key, "selector": selector, **fields}]
