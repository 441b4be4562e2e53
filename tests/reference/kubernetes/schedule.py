"""One scheduling cycle after the other: Kubernetes, "Scheduling Framework"."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .cluster import Cluster, Node, Object, Pod
from .defaults import with_defaults
from .image_locality import ImageLocality
from .inter_pod_affinity import InterPodAffinity
from .messages import fit_error, rejected
from .node_ports import NodePorts
from .node_resources import NodeResourcesBalancedAllocation, NodeResourcesFit
from .node_volume_limits import NodeVolumeLimits
from .nodes import NodeAffinity, NodeName, NodeUnschedulable, TaintToleration
from .plugin import Plugin
from .preemption import first_failure, preempt
from .status import Status, unresolvable
from .topology_spread import PodTopologySpread
from .volume_binding import VolumeBinding
from .volume_restrictions import VolumeRestrictions
from .volume_zone import VolumeZone

# The default profile, in its order: a node's reason is that of the first plugin that rejects it.
PROFILE: tuple[type[Plugin], ...] = (
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    NodeVolumeLimits,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
    NodeResourcesBalancedAllocation,
    ImageLocality,
)
Decision = dict[str, Any]


def decide_all(case: Mapping[str, Any]) -> list[Decision]:
    """Decides on the pending pods of a case in order; each decision is applied before the next."""
    cluster = Cluster(case["cluster"])
    return [decide(cluster, Pod(with_defaults(pod))) for pod in case["cluster"]["pending"]]


def decide(cluster: Cluster, pod: Pod) -> Decision:
    """Decides on one pod, and applies the decision to the cluster."""
    if pod.spec.get("schedulingGates"):
        return {"pod": pod.key, "outcome": "gated"}
    plugins = [plugin(cluster, pod) for plugin in PROFILE]
    size = len(cluster.nodes)
    everywhere = next((status for plugin in plugins if (status := plugin.pre_filter())), None)
    decision: Decision = {"pod": pod.key}
    if everywhere:
        failures = dict.fromkeys((node.name for node in cluster.nodes), everywhere)
        decision["prefilter"] = everywhere.recorded()
        message = rejected(size, everywhere)
    else:
        failures = failures_of(cluster, plugins)
        decision |= {"filters": {name: each.recorded() for name, each in failures.items()}} if failures else {}
        message = fit_error(size, failures.values())
    feasible = [node for node in cluster.nodes if node.name not in failures]
    if feasible:
        decision |= {"outcome": "bound"} | choose(plugins, feasible)
        bind(cluster, plugins, pod, decision["node"])
        return decision
    candidates, answer = preempt(cluster, pod, plugins, failures)
    if not candidates:
        return decision | {"outcome": "unschedulable", "message": f"{message} {answer}"}
    chosen = candidates[0]
    node = cluster.node(chosen.node.name)
    node.pods = [each for each in node.pods if each not in chosen.victims]
    bind(cluster, plugins, pod, node.name)
    outcomes = [
        {"node": each.node.name, "victims": sorted(victim.key for victim in each.victims)} for each in candidates
    ]
    return decision | {"outcome": "preempted", "node": node.name, "message": message, "preemption": outcomes}


def failures_of(cluster: Cluster, plugins: list[Plugin]) -> dict[str, Status]:
    """Why each node is rejected; nodes that a PreFilter plugin leaves out are not looked at."""
    named = [(plugin.name, names) for plugin in plugins if (names := plugin.narrowed()) is not None]
    failures: dict[str, Status] = {}
    for node in cluster.nodes:
        by = sorted(name for name, names in named if node.name not in names)
        status = first_failure(plugins, node) if not by else None
        if by:
            status = unresolvable("PreFilterResult", f"node(s) didn't satisfy plugin(s) [{' '.join(by)}]")
        if status:
            failures[node.name] = status
    return failures


def choose(plugins: list[Plugin], nodes: list[Node]) -> Decision:
    """The node with the best total, the first of equals; one node alone is not scored."""
    if len(nodes) == 1:
        return {"node": nodes[0].name, "ties": [nodes[0].name]}
    scores: dict[str, dict[str, int]] = {node.name: {} for node in nodes}
    for plugin in plugins:
        if plugin.pre_score(nodes):
            normal = plugin.normalize(nodes, [plugin.score(node) for node in nodes])
            for node, score in zip(nodes, normal, strict=True):
                scores[node.name][plugin.name] = score * plugin.weight
    for each in scores.values():
        each["total"] = sum(each.values())
    best = max(each["total"] for each in scores.values())
    ties = [node.name for node in nodes if scores[node.name]["total"] == best]
    return {"node": ties[0], "ties": ties, "scores": scores}


def bind(cluster: Cluster, plugins: list[Plugin], pod: Pod, name: str) -> None:
    """The pod stands on the node from now on."""
    for plugin in plugins:
        if isinstance(plugin, VolumeBinding):
            plugin.reserve(cluster.node(name))
    source: Object = deepcopy(dict(pod.source))
    source["spec"]["nodeName"] = name
    cluster.node(name).pods.append(Pod(source))
