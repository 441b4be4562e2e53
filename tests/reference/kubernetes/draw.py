"""
Draws small clusters in the schema of the recorded cases, around the edges of each rule.

A case has no ``expected``: ``decide_all`` says what Kubernetes would.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from . import draw_objects as objects
from . import draw_pods as parts
from .draw_pods import Parts, maybe

Decorate = Callable[[Random, Parts], None]


def affinity_of(*kinds: str) -> Decorate:
    """Decorates pods with one kind of terms, or both."""
    return lambda random, pod: parts.pod_affinity(random, pod, kinds or ("podAffinity", "podAntiAffinity"))


def seldom(decorate: Decorate) -> Decorate:
    """Decorates one pod of four."""
    return lambda random, pod: decorate(random, pod) if maybe(random, 0.25) else None


def node_terms(fields: float) -> Decorate:
    """Decorates pods with node affinity; ``fields`` is the chance of ``metadata.name`` terms."""
    return lambda random, pod: parts.node_affinity(random, pod, 8, fields)


# What each family adds to its pods and nodes; what it adds to the cluster, see ``add_objects``.
PODS: dict[str, tuple[Decorate, ...]] = {
    "resources": (),
    "requests": (parts.init_containers,),
    "taints": (parts.tolerations,),
    "nodeaffinity": (node_terms(0.2),),
    "ports": (parts.init_containers, parts.ports),
    "images": (parts.init_containers,),
    "podaffinity": (affinity_of("podAffinity"),),
    "antiaffinity": (affinity_of("podAntiAffinity"),),
    "interpod": (affinity_of(),),
    "spread": (parts.spread, seldom(node_terms(0.0)), parts.tolerations),
    "defaultspread": (),
    "owners": (),
    "terminating": (seldom(affinity_of()), parts.spread),
    "volumes": (),
    "inline-volumes": (parts.inline_volumes,),
    "gates": (parts.gates, parts.tolerations, node_terms(0.9)),
    "preemption": (parts.priority,),
    "preemption-deep": (parts.priority,),
    "preemption-pdb": (parts.priority,),
    "edge": tuple(map(seldom, (node_terms(0.3), affinity_of(), parts.spread, parts.tolerations))),
}
NODES: dict[str, tuple[Decorate, ...]] = {
    "taints": (objects.taint, objects.cordon),
    "spread": (objects.taint,),
    "images": (objects.images,),
    "gates": (objects.taint, objects.cordon),
    "edge": (objects.taint, objects.cordon, objects.images),
}
FAMILIES = (*PODS, "mixed")
EXTRAS: tuple[Decorate, ...] = (
    parts.ports,
    parts.spread,
    parts.tolerations,
    parts.inline_volumes,
    affinity_of(),
    affinity_of("podAntiAffinity"),
    node_terms(0.1),
)


def draw_case(seed: int, family: str) -> dict[str, Any]:
    """
    Draws a case; the same seed and family give the same case.

    ``mixed`` joins two families and ``preemption``; preemption meets volumes and terminating pods at times.
    """
    random = Random(f"{family}-{seed}")
    if family == "mixed":
        families = [*random.sample([each for each in PODS if not each.startswith("preemption")], 2), "preemption"]
    elif family.startswith("preemption"):
        families = [family, *(each for each in ("volumes", "terminating") if maybe(random, 0.2))]
    else:
        families = [family]
    cluster = draw_cluster(random, families)
    return {"name": f"{family}-{seed}", "family": family, "kubernetes_version": "v1.36.2", "cluster": cluster}


def draw_cluster(random: Random, families: list[str]) -> dict[str, list[Parts]]:
    """Nodes, pods that stand and pods that wait, with what the families add."""
    deep = "preemption-deep" in families
    preempts = any(each.startswith("preemption") for each in families)
    nodes = [objects.node(random, index) for index in range(random.randint(1, 6 if preempts else 12))]
    standing = len(nodes) * random.randint(12, 25) if deep else random.randint(0, (6 if preempts else 3) * len(nodes))
    heavy = preempts or bool({"resources", "requests"} & set(families))
    decorations = [each for family in families for each in PODS[family]]
    if preempts:
        decorations += map(seldom, random.sample(EXTRAS, random.choice((0, 0, 1, 2))))
    for node in nodes:
        for decorate in [each for family in families for each in NODES.get(family, ())]:
            decorate(random, node)
        if deep:
            node["status"]["allocatable"] |= {"pods": "110", "cpu": "16", "memory": "32Gi"}
    spaces = parts.NAMESPACES[: random.choice((1, 2, 3))]
    names = [f"r{index}" for index in range(standing)] + [f"p{index}" for index in range(random.randint(2, 12))]
    drawn = [parts.base(random, name, random.choice(spaces), heavy=heavy) for name in names]
    for pod in drawn:
        for decorate in decorations:
            decorate(random, pod)
    cluster: dict[str, list[Parts]] = {"nodes": nodes, "pods": drawn[:standing], "pending": drawn[standing:]}
    add_objects(random, cluster, families)
    hours = random.sample(range(28 * 24), standing)
    for pod, hour in zip(cluster["pods"], hours, strict=True):
        stand(random, pod, nodes, hour)
        if "terminating" in families and maybe(random, 0.4):
            pod["metadata"] |= {"deletionTimestamp": "2026-02-01T00:00:00Z", "deletionGracePeriodSeconds": 30}
    return cluster


def add_objects(random: Random, cluster: dict[str, list[Parts]], families: list[str]) -> None:
    """Namespaces, and the objects that the families read."""
    pods = [*cluster["pods"], *cluster["pending"]]
    cluster["namespaces"] = objects.namespaces(random)
    if {"defaultspread", "owners"} & set(families):
        cluster["services"] = objects.services(random)
    if "owners" in families:
        objects.owners(random, cluster, pods)
    if "volumes" in families:
        objects.storage(random, cluster, pods)
    if "inline-volumes" in families:
        cluster["csiNodes"] = [objects.csi_node(random, each["metadata"]["name"]) for each in cluster["nodes"]]
    if "preemption-pdb" in families or ("preemption" in families and maybe(random, 0.3)):
        cluster["podDisruptionBudgets"] = objects.budgets(random)


def stand(random: Random, pod: Parts, nodes: list[Parts], hour: int) -> None:
    """Puts a pod on any node, fitting or not; each starts in an hour of its own, so that no two are equal."""
    pod["spec"]["nodeName"] = random.choice(nodes)["metadata"]["name"]
    pod["spec"].pop("schedulingGates", None)
    start = f"2026-01-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z"
    pod["status"] = {"phase": "Running", "startTime": start}
