"""The columns of the tables of nodes, pods and namespaces: what each holds, in which unit, and what it means."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, NamedTuple

from placer.model.pod import GPU

Kind = Literal["name", "text", "json", "flag", "integer", "amount", "amounts", "price", "keys"]
RESOURCE_PREFIXES = ("hugepages-", "attachable-volumes-")
MILLI_CPU = "cpu_milli"


class ColumnKind(NamedTuple):
    """
    A column that a table may have.

    Attributes
    ----------
    kind
        How its cells are read: ``amount`` is a number or a quantity's text, ``amounts`` a JSON map of them, ``json``
        a JSON text or an Arrow map, struct or list, ``keys`` a topology key or a JSON list of them.
    unit
        Of a number in it, or empty.
    meaning
        What it says, in one sentence.
    """

    kind: Kind
    unit: str
    meaning: str


RESOURCES = {
    "cpu": ColumnKind("amount", "cores", "CPU; a fraction of a thousandth core is rounded up."),
    MILLI_CPU: ColumnKind("integer", "thousandths of a core", "CPU, in place of cpu."),
    "memory": ColumnKind("amount", "bytes", "Memory."),
    "ephemeral-storage": ColumnKind("amount", "bytes", "Local disk."),
    "pods": ColumnKind("amount", "pods", "How many pods; a node that does not name it takes any number."),
}
NODE_COLUMNS: dict[str, ColumnKind] = {
    "name": ColumnKind("name", "", "The node's name, unique in the table."),
    **RESOURCES,
    "resources": ColumnKind("amounts", "", "Further resources by name."),
    "labels": ColumnKind("json", "", "Node labels."),
    "taints": ColumnKind("json", "", "What keeps pods off."),
    "devices": ColumnKind("json", "", "Units that pods take whole or in part."),
    "unschedulable": ColumnKind("flag", "", "Cordoned."),
    "images": ColumnKind("json", "", "Container images on the node."),
    "volume_limits": ColumnKind("json", "", "How many volumes of a driver the node attaches."),
    "price": ColumnKind("price", "", "What the node costs when it is used; kept in millionths; 1 by default."),
    "hostname": ColumnKind("flag", "", "Whether the label kubernetes.io/hostname is the name; true by default."),
}
POD_COLUMNS: dict[str, ColumnKind] = {
    "name": ColumnKind("name", "", "The pod's name, unique in its namespace."),
    "namespace": ColumnKind("text", "", "Its namespace."),
    "replicas": ColumnKind("integer", "pods", "Makes that many equal pods, name-0 and so on; null is one pod, name."),
    "priority": ColumnKind("integer", "", "Higher is placed first."),
    "node": ColumnKind("text", "", "Where it stands; null or empty is pending."),
    **RESOURCES,
    "gpu": ColumnKind("amount", "units", f"In place of {GPU}."),
    "resources": ColumnKind("amounts", "", "Further requests by name."),
    "labels": ColumnKind("json", "", "Pod labels."),
    "preemption_policy": ColumnKind("text", "", "Whether it may evict pods of lower priority."),
    "tolerations": ColumnKind("json", "", "Taints that it stands."),
    "node_selector": ColumnKind("json", "", "Labels that its node must have."),
    "node_affinity": ColumnKind("json", "", "Node selector terms of which its node must match one."),
    "preferred_nodes": ColumnKind("json", "", "Weighted wishes for nodes."),
    "pod_affinity": ColumnKind("json", "", "Pods to stand with in one domain."),
    "pod_anti_affinity": ColumnKind("json", "", "Pods to stand apart from."),
    "preferred_pods": ColumnKind("json", "", "Weighted wishes for pods to stand with or apart from."),
    "topology_spread": ColumnKind("json", "", "No domain may be ahead of the emptiest by more than max_skew."),
    "domain_limits": ColumnKind("json", "", "At most so many pods of a group in a domain."),
    "distinct_domains": ColumnKind("json", "", "At least so many distinct domains for a group."),
    "domain_shares": ColumnKind("json", "", "Target shares of a group per domain."),
    "host_ports": ColumnKind("json", "", "Ports of the node that it takes."),
    "volumes": ColumnKind("json", "", "Volumes that it mounts."),
    "disks": ColumnKind("json", "", "Disks that it names without a claim."),
    "devices": ColumnKind("json", "", "What it takes of the node's units."),
    "numa": ColumnKind("text", "", "Whether all it takes must, or should, come from one NUMA zone."),
    "units": ColumnKind("json", "", "Of a pod that stands: the places of the units it holds, by kind."),
    "any_of": ColumnKind("json", "", "Alternatives between static rules, one of which its node must satisfy."),
    "nodes": ColumnKind("json", "", "Names of the only nodes allowed."),
    "forbidden_nodes": ColumnKind("json", "", "Names of nodes it never goes to."),
    "apart_from": ColumnKind("json", "", "Pods, as namespace/name, that may not share its node."),
    "scheduling_gates": ColumnKind("json", "", "While there are any, it is not placed."),
    "unsupported": ColumnKind("json", "", "Rules that placer cannot hold; with any, it stays unplaced."),
    "owner": ColumnKind("text", "", "Its controller."),
    "scheduler_name": ColumnKind("text", "", "The scheduler that it asks for."),
    "images": ColumnKind("json", "", "Container images that it runs."),
    "assumed": ColumnKind("json", "", "cpu and memory that rankings count in place of the requests."),
    "arriving": ColumnKind("json", "", "The same while it is placed, where that differs."),
    "siblings": ColumnKind("json", "", "The pods of its services and controller, from which rankings spread it."),
    "started": ColumnKind("integer", "seconds since 1970", "When it started; 0 is just now."),
    "nominated": ColumnKind("text", "", "The node on which room was made for it."),
    "stateful": ColumnKind("integer", "", "How dear a move is."),
    "terminating": ColumnKind("flag", "", "On its way out; spread constraints do not count it."),
    "expected": ColumnKind("flag", "", "Made from a controller's template."),
    "spread": ColumnKind("keys", "", "Short for a hard topology spread of pods with its labels over these keys."),
    "apart": ColumnKind("keys", "", "Short for at most one pod with its labels in a domain of these keys."),
}
NAMESPACE_COLUMNS: dict[str, ColumnKind] = {
    "name": ColumnKind("name", "", "The namespace's name, unique in the table."),
    "labels": ColumnKind("json", "", "Its labels, for namespace selectors."),
}


def is_resource(name: str) -> bool:
    """Whether a column of this name holds amounts of the resource of this name."""
    return "/" in name or name.startswith(RESOURCE_PREFIXES)


def unknown_column(name: str, known: dict[str, ColumnKind]) -> str:
    """What is wrong with a column that the table does not have, and which may be meant."""
    close = get_close_matches(name, known, n=1) or get_close_matches(name.lower().replace("-", "_"), known, n=1)
    if close:
        return f"there is no column {name!r}: did you mean {close[0]!r}?"
    extra = ", or a resource's name with a '/'" if known is not NAMESPACE_COLUMNS else ""
    return f"there is no column {name!r}: use one of {', '.join(known)}{extra}"
