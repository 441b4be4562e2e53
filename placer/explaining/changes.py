"""What would have to change for a pod that fits nowhere: the smallest change of each kind, or of several together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from placer.explaining import relax_group, relax_load, relax_static
from placer.explaining.edit import changed_cluster
from placer.explaining.grow import first_that_fits, growths
from placer.explaining.others import Mask
from placer.explaining.problem import Problem, Relaxed
from placer.explaining.rejections import accepting, rejections
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.cluster import Cluster
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.rule import Rule

BLOCKING = frozenset({Rule.SchedulingGates, Rule.Unsupported})
TARGETS = 32
"""Nodes tried for a change of several kinds, those that fewest rules reject first."""


@dataclass(frozen=True)
class Change:
    """
    A change after which some node accepts the pod.

    Attributes
    ----------
    kind
        Of :data:`KINDS`, ``domain``, ``node``, ``gates`` or ``unsupported``; several joined by `` + ``.
    text
        The change in words: ``ask 200m less cpu (3800m)``.
    pod
        The changed pod, ``None`` where it stays.
    nodes
        Nodes that are added.
    """

    kind: str
    text: str
    pod: Pod | None
    nodes: tuple[Node, ...] = ()

    def apply(self, cluster: Cluster) -> Cluster:
        """The cluster with the change made; what stands stays."""
        return changed_cluster(cluster, self.pod, self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """The change as JSON types."""
        return {
            "kind": self.kind,
            "text": self.text,
            "pod": None if self.pod is None else self.pod.model_dump(mode="json", exclude_defaults=True),
            "nodes": [node.model_dump(mode="json", exclude_defaults=True) for node in self.nodes],
        }


KINDS: dict[str, tuple[frozenset[Rule], Callable[[Problem], Iterator[Relaxed]]]] = {
    "gates": (frozenset({Rule.SchedulingGates}), relax_static.gates),
    "unsupported": (frozenset({Rule.Unsupported}), relax_static.unsupported),
    "any_of": (frozenset({Rule.AnyOf}), relax_static.any_of),
    "selector": (frozenset({Rule.NodeAffinity}), relax_static.selector),
    "toleration": (frozenset({Rule.NodeUnschedulable, Rule.TaintToleration}), relax_static.tolerations),
    "pin": (frozenset({Rule.NodeName}), relax_static.pin),
    "forbidden": (frozenset({Rule.ForbiddenNodes}), relax_static.forbidden),
    "volume": (
        frozenset({Rule.VolumeRestrictions, Rule.NodeVolumeLimits, Rule.VolumeBinding, Rule.VolumeZone}),
        relax_static.volumes,
    ),
    "port": (frozenset({Rule.NodePorts}), relax_load.ports),
    "resource": (frozenset({Rule.NodeResourcesFit}), relax_load.resources),
    "device": (frozenset({Rule.Devices}), relax_load.devices),
    "numa": (frozenset({Rule.Numa}), relax_load.numa),
    "max_skew": (frozenset({Rule.PodTopologySpread}), relax_group.spread),
    "affinity": (frozenset({Rule.InterPodAffinity}), relax_group.affinity),
    "anti_affinity": (frozenset({Rule.InterPodAffinity}), relax_group.anti_affinity),
    "apart": (frozenset({Rule.ApartFrom}), relax_group.apart),
    "at_most": (frozenset({Rule.DomainLimit}), relax_group.limits),
    "at_least": (frozenset({Rule.DistinctDomains}), relax_group.distinct),
    "shares": (frozenset({Rule.DomainShares}), relax_group.shares),
}
"""Kinds of change to a pod: the rules that they are for, and what proposes the smallest. Combined in this order."""


def changes(state: State, asked: Subject) -> list[Change]:
    """
    The smallest change of each kind that alone makes some node accept a pod that fits nowhere.

    Where none does alone, one change of the fewest kinds together: at the node, or the new node, where fewest rules
    reject the pod. A gated or unsupported pod has its gates lifted first, as a part of every change.
    """
    everywhere = np.ones(state.count, bool)
    lifted, parts = asked.pod, list[tuple[str, str]]()
    if asked.pod.scheduling_gates or asked.pod.unsupported:
        for kind in ("gates", "unsupported"):
            for relaxed in KINDS[kind][1](Problem(state, Subject(lifted, asked.requests, asked.needs), everywhere)):
                lifted = relaxed.pod
                parts.append((kind, relaxed.text))
    pod = Subject(lifted, asked.requests, asked.needs)
    if parts and accepting(state, pod, everywhere).any():
        return [_joined(parts, lifted)]
    alone = [*_alone(state, pod, everywhere, parts), *_with_node(state, pod, parts)]
    return alone or _together(state, pod, parts)


def _joined(parts: Sequence[tuple[str, str]], pod: Pod | None, nodes: tuple[Node, ...] = ()) -> Change:
    kinds = " + ".join(dict.fromkeys(kind for kind, _ in parts))
    return Change(kinds, " and ".join(text for _, text in parts), pod, nodes)


def _alone(state: State, pod: Subject, nodes: Mask, parts: list[tuple[str, str]]) -> list[Change]:
    """Each kind's own."""
    problem = Problem(state, pod, nodes)
    found = []
    for kind, (_, propose) in KINDS.items():
        if kind not in ("gates", "unsupported"):
            found += [_joined([*parts, (kind, relaxed.text)], relaxed.pod) for relaxed in propose(problem)]
    return found


def _with_node(state: State, pod: Subject, parts: list[tuple[str, str]]) -> list[Change]:
    """A node more, the pod as it is but for lifted gates."""
    changed = pod.pod if parts else None
    return [
        _joined([*parts, (growth.kind, growth.text)], changed, (growth.node,)) for growth in first_that_fits(state, pod)
    ]


def _together(state: State, pod: Subject, parts: list[tuple[str, str]]) -> list[Change]:
    """Changes of several kinds at one node: of the fewest kinds, at an existing node if that needs no more."""
    rejected = np.zeros(state.count, np.int64)
    for said in rejections(state, pod):
        rejected += said.rejects
    best: Change | None = None
    fewest = len(KINDS) + 2
    for node in np.argsort(rejected, kind="stable")[:TARGETS].tolist():
        target = np.zeros(state.count, bool)
        target[node] = True
        found = _at(state, pod, target)
        if found is not None and len(found[0]) < fewest:
            best, fewest = _joined([*parts, *found[0]], found[1]), len(found[0])
    for growth in growths(state, pod, ~state.everywhere):
        found = _at(growth.state, pod, growth.nodes)
        if found is not None and len(found[0]) + 1 < fewest:
            listed = [*parts, (growth.kind, growth.text), *found[0]]
            best, fewest = _joined(listed, found[1], (growth.node,)), len(found[0]) + 1
    return [best] if best is not None else []


def _at(state: State, pod: Subject, target: Mask) -> tuple[list[tuple[str, str]], Pod] | None:
    """Changes, one kind after the other, after which one node accepts the pod; ``None`` where it never does."""
    parts = []
    for kind, (rules, propose) in KINDS.items():
        if accepting(state, pod, target, rules).any():
            continue
        problem = Problem(state, pod, target, rules)
        relaxed = next(iter(propose(problem)), None)
        if relaxed is not None:
            parts.append((kind, relaxed.text))
            pod = problem.subject(relaxed.pod)
    return (parts, pod.pod) if accepting(state, pod, target).any() else None
