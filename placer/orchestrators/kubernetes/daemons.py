"""The pods that a DaemonSet lacks: one for each eligible node that has none of it."""

from __future__ import annotations

from collections.abc import Mapping

from placer.model.relation import HOSTNAME
from placer.model.selector import NodeSelectorTerm, Requirement
from placer.model.table import PENDING, NodeTable
from placer.model.taint import UNSCHEDULABLE_TAINT, Toleration
from placer.orchestrators.kubernetes.objects import PodSpec
from placer.orchestrators.kubernetes.rules import read_affinity, read_tolerations
from placer.orchestrators.kubernetes.subject import NOTHING, Subject
from placer.orchestrators.kubernetes.templates import Maker

NODE_TAINT = "node.kubernetes.io/"
TOLERATED = {
    f"{NODE_TAINT}not-ready": "NoExecute",
    f"{NODE_TAINT}unreachable": "NoExecute",
    f"{NODE_TAINT}disk-pressure": "NoSchedule",
    f"{NODE_TAINT}memory-pressure": "NoSchedule",
    f"{NODE_TAINT}pid-pressure": "NoSchedule",
    UNSCHEDULABLE_TAINT: "NoSchedule",
}
"""Taints that Kubernetes lets all pods of DaemonSets stand."""
NETWORK_UNAVAILABLE = f"{NODE_TAINT}network-unavailable"
NAME_FIELD = "metadata.name"


def add_daemon_pods(maker: Maker) -> None:
    """Appends a pod per eligible node without one; each may only go to that node."""
    spec = maker.spec
    if spec is None:
        return
    nodes = maker.pods.nodes
    subject = Subject(maker.pods.inventory.problems, maker.named.where, "spec.template.")
    tolerations = _tolerations(subject, spec)
    served = _served(maker)
    for row in _eligible(subject, spec, tolerations, nodes):
        name = nodes.names[row]
        if name in served:
            continue
        pod = maker.add(maker.free_name())
        if pod is None:
            return
        field = Requirement(key=NAME_FIELD, operator="In", values=(name,))
        maker.pods.set_field("node_affinity", pod, (NodeSelectorTerm(match_fields=(field,)),))
        own: tuple[Toleration, ...] = maker.pods.value_of("tolerations", pod)[0]
        more = tuple(toleration for toleration in own if toleration not in tolerations)
        maker.pods.set_field("tolerations", pod, tolerations + more)


def _tolerations(subject: Subject, spec: PodSpec) -> tuple[Toleration, ...]:
    given, _ = read_tolerations(subject, bytes(spec.tolerations))
    tolerated = {**TOLERATED, **({NETWORK_UNAVAILABLE: "NoSchedule"} if spec.host_network else {})}
    added = [Toleration(key=key, operator="Exists", effect=effect) for key, effect in tolerated.items()]
    return (*given, *(toleration for toleration in added if toleration not in given))


def _served(maker: Maker) -> set[str]:
    """Nodes that have a pod of the DaemonSet, or to which one is on its way."""
    pods, served = maker.pods, set()
    for row in pods.owned.get((maker.named.namespace, maker.owner), ()):
        node = pods.node_of(row)
        if node >= 0:
            served.add(pods.nodes.names[node])
        elif node == PENDING:
            terms: tuple[NodeSelectorTerm, ...] = pods.value_of("affinity", row)[0]
            fields = (field for term in terms for field in term.match_fields)
            served.update(field.values[0] for field in fields if field.operator == "In")
    return served


def _eligible(subject: Subject, spec: PodSpec, tolerations: tuple[Toleration, ...], nodes: NodeTable) -> list[int]:
    """Rows of nodes that selector, affinity, node name and taints allow."""
    selector = subject.labels(bytes(spec.node_selector), "spec.nodeSelector") or NOTHING
    terms = read_affinity(subject, bytes(spec.affinity)).node_affinity
    barred = [
        any(
            taint.effect != "PreferNoSchedule" and not any(one.tolerates(taint) for one in tolerations)
            for taint in taints
        )
        for taints in nodes.taints.values
    ]
    return [
        row
        for row, name in enumerate(nodes.names)
        if not barred[nodes.taints.codes[row]]
        and spec.node_name in (None, "", name)
        and _matches(selector, terms, _labels(nodes, row), name)
    ]


def _labels(nodes: NodeTable, row: int) -> Mapping[str, str]:
    labels = nodes.labels[row]
    return {HOSTNAME: nodes.names[row], **labels} if nodes.named[row] else labels


def _matches(
    selector: Mapping[str, str], terms: tuple[NodeSelectorTerm, ...], labels: Mapping[str, str], name: str
) -> bool:
    if not all(labels.get(key) == value for key, value in selector.items()):
        return False
    return not terms or any(term.matches(labels, name) for term in terms)
