"""
The contest's own rules and cost of Tianchi 2020, part "schedule": plain Python from the files, shared with nothing.

Rules and cost are those of the data set's README, which has them from the organisers' scoring code.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

AMOUNTS = ("cpu", "ram", "disk", "gpu")


class Given(NamedTuple):
    """The three files of a set, as they are written."""

    apps: list[dict[str, Any]]
    nodes: list[dict[str, Any]]
    rule: dict[str, Any]


class Put(NamedTuple):
    """A replica on a node, with its CPU ids where the node has a topology."""

    app: str
    group: str
    node: str
    cpus: tuple[int, ...] = ()


def read(folder: Path, name: str) -> Given:
    """A set's files, compressed as they are passed on."""
    parts = ("schedule.app", "schedule.node", "rule")
    return Given(*(json.loads(lzma.decompress((folder / f"{name}.{part}.json.xz").read_bytes())) for part in parts))


def violations(given: Given, answer: list[Put]) -> list[str]:
    """What is broken of rules 1 to 4, in words."""
    problems = []
    asked = {(app["appName"], app["group"]): app for app in given.apps}
    placed = Counter((put.app, put.group) for put in answer)
    for key, app in asked.items():
        if placed[key] != app["replicas"]:
            problems.append(f"{key} has {placed[key]} pods, not {app['replicas']}")
    problems += [f"{key} is no app" for key in placed if key not in asked]
    nodes = {node["sn"]: node for node in given.nodes}
    problems += [f"{put.node} is no node" for put in answer if put.node not in nodes]
    for name, here in by_node(answer).items():
        if name in nodes:
            problems += [f"{name}: {text}" for text in _on_node(given, nodes[name], here, asked)]
    return problems


def _on_node(given: Given, node: dict[str, Any], here: list[Put], asked: dict[Any, dict[str, Any]]) -> list[str]:
    apps = [asked[put.app, put.group] for put in here if (put.app, put.group) in asked]
    problems = [
        f"{amount} of its pods is {sum(app[amount] for app in apps)}, above {node[amount]}"
        for amount in AMOUNTS
        if sum(app[amount] for app in apps) > node[amount]
    ]
    if len(here) > node["eni"]:
        problems.append(f"has {len(here)} pods, above {node['eni']}")
    for group, pods in Counter(put.group for put in here).items():
        if pods > most(given, group):
            problems.append(f"has {pods} pods of {group}, above {most(given, group)}")
    if node["topologies"]:
        ids = [cpu for put in here for cpu in put.cpus]
        known = {thread["cpu"] for thread in node["topologies"]}
        problems += [f"has no CPU id {cpu}" for cpu in set(ids) - known]
        problems += [f"gives CPU id {cpu} to {times}" for cpu, times in Counter(ids).items() if times > 1]
        for put in here:
            if (put.app, put.group) in asked and len(put.cpus) != asked[put.app, put.group]["cpu"]:
                problems.append(f"gives {put.app} of {put.group} {len(put.cpus)} CPU ids")
    return problems


def most(given: Given, group: str) -> int:
    """How many pods of a group may stand on one node."""
    replicas = sum(app["replicas"] for app in given.apps if app["group"] == group)
    limits = []
    for each in given.rule["replicasMaxInstancePerNodes"]:
        meant = replicas <= each["replicas"] if each["restrain"] == "le" else replicas >= each["replicas"]
        if meant:
            limits.append(each["maxInstancePerNode"])
    return min(limits) if limits else int(given.rule["defaultMaxInstancePerNode"])


def cost(given: Given, answer: list[Put]) -> dict[str, int]:
    """The parts of the cost, to be summed: price of nodes, of pods beyond the first, of CPU ids across and together."""
    nodes = {node["sn"]: node for node in given.nodes}
    parts = {"price": 0, "beyond": 0, "across": 0, "together": 0}
    for name, here in by_node(answer).items():
        node = nodes[name]
        parts["price"] += 10 * node["gpu"] + 2 * node["cpu"] + node["ram"]
        parts["beyond"] += sum(pods - 1 for pods in Counter(put.group for put in here).values())
        socket = {thread["cpu"]: thread["socket"] for thread in node["topologies"]}
        core = {thread["cpu"]: (thread["socket"], thread["core"]) for thread in node["topologies"]}
        for put in here:
            if put.cpus:
                parts["across"] += len(put.cpus) - max(Counter(socket[cpu] for cpu in put.cpus).values())
                parts["together"] += len(put.cpus) - len({core[cpu] for cpu in put.cpus})
    return parts


def by_node(answer: list[Put]) -> dict[str, list[Put]]:
    """The pods of each used node."""
    found: dict[str, list[Put]] = {}
    for put in answer:
        found.setdefault(put.node, []).append(put)
    return found
