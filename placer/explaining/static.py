"""Rules of a pod against a node alone: gates, cordon, names, taints, affinity, alternatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from placer.explaining.others import Mask
from placer.explaining.rejection import Rejection
from placer.explaining.state import State, untolerated
from placer.explaining.subject import Subject
from placer.model.pod import Alternative, Pod
from placer.model.relation import HOSTNAME
from placer.model.rule import WORDS, Rule, rule_of
from placer.model.taint import Taint, Toleration


def taint_text(taint: Taint) -> str:
    """``gpu=true:NoSchedule``."""
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"


def _said(rule: Rule, rejects: Mask, detail: Callable[[int], str]) -> Rejection:
    return Rejection(rule, {WORDS[rule]: rejects}, lambda node: f"{WORDS[rule]}: {detail(node)}")


def _blocked(state: State, rule: Rule, texts: Sequence[str]) -> Rejection:
    return Rejection(rule, dict.fromkeys(texts, ~state.everywhere), lambda _: "; ".join(texts))


def gates(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """While there are gates the pod is not placed."""
    names = pod.pod.scheduling_gates
    words = f"{WORDS[Rule.SchedulingGates]}: {', '.join(names)}"
    return _blocked(state, Rule.SchedulingGates, [words]) if names else None


def unsupported(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """A pod with rules that placer cannot hold is not placed."""
    names = pod.pod.unsupported
    return _blocked(state, rule_of(names[0]), names) if names else None


def ways(pod: Pod) -> list[tuple[Toleration, ...]]:
    """The pod's tolerations, or those with each alternative's added."""
    return [(*pod.tolerations, *alternative.tolerations) for alternative in pod.any_of] or [pod.tolerations]


def unschedulable(state: State, pod: Subject, nodes: Mask) -> Rejection:
    """A cordoned node takes only pods that tolerate it, with alternatives by the tolerations of any of them."""
    cordoned = np.logical_and.reduce([state.cordoned(own) for own in ways(pod.pod)])
    return Rejection(
        Rule.NodeUnschedulable,
        {WORDS[Rule.NodeUnschedulable]: cordoned},
        lambda _: WORDS[Rule.NodeUnschedulable],
    )


def _named(state: State, names: Sequence[str]) -> Mask:
    mask = state.everywhere.copy()
    rows = [row for name in names if (row := state.nodes.index(name)) >= 0]
    mask[rows] = True
    return mask


def node_name(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """``nodes`` lists the only names allowed."""
    names = pod.pod.nodes
    return _said(Rule.NodeName, ~_named(state, names), lambda _: f"asks for {', '.join(names)}") if names else None


def forbidden(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """``forbidden_nodes`` are not allowed."""
    names = pod.pod.forbidden_nodes
    if not names:
        return None
    return Rejection(
        Rule.ForbiddenNodes, {WORDS[Rule.ForbiddenNodes]: _named(state, names)}, lambda _: WORDS[Rule.ForbiddenNodes]
    )


def holds(state: State, alternative: Alternative) -> Mask:
    """(nodes,) where an alternative's selector and affinity match."""
    return state.affinity(alternative.node_selector, alternative.node_affinity)


def taints(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """Each rejecting taint is tolerated, with alternatives by the pod's tolerations and those of any of them."""
    rejects = np.logical_and.reduce([state.tainted(own) for own in ways(pod.pod)])

    def detail(node: int) -> str:
        return ", ".join(taint_text(taint) for taint in untolerated(state.nodes.taints[node], pod.pod.tolerations))

    return _said(Rule.TaintToleration, rejects, detail) if rejects.any() else None


def node_affinity(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """The selector is among the node's labels and a term of the affinity, if any, matches."""
    selector, terms = pod.pod.node_selector, pod.pod.node_affinity
    if not selector and not terms:
        return None

    def detail(node: int) -> str:
        labels = node_labels(state, node)
        missing = [f"{key}={value}" for key, value in selector.items() if labels.get(key) != value]
        matched = not terms or any(term.matches(labels, state.nodes.names[node]) for term in terms)
        return ", ".join([*missing, *([] if matched else ["no term of the affinity"])]) + " not matched"

    return _said(Rule.NodeAffinity, ~state.affinity(selector, terms), detail)


def node_labels(state: State, node: int) -> dict[str, str]:
    """All labels of a node."""
    labels = state.nodes.labels[node]
    return {HOSTNAME: state.nodes.names[node], **labels} if state.nodes.named[node] else dict(labels)


def any_of(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """One alternative's selector and affinity match, and its tolerations let the pod in."""
    if not pod.pod.any_of:
        return None
    passes = [
        holds(state, alternative) & ~state.tainted(own) & ~state.cordoned(own)
        for alternative, own in zip(pod.pod.any_of, ways(pod.pod), strict=True)
    ]
    return Rejection(Rule.AnyOf, {WORDS[Rule.AnyOf]: ~np.logical_or.reduce(passes)}, lambda _: WORDS[Rule.AnyOf])


RULES = {
    gates: Rule.SchedulingGates,
    unsupported: Rule.Unsupported,
    unschedulable: Rule.NodeUnschedulable,
    node_name: Rule.NodeName,
    forbidden: Rule.ForbiddenNodes,
    taints: Rule.TaintToleration,
    node_affinity: Rule.NodeAffinity,
    any_of: Rule.AnyOf,
}
