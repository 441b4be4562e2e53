"""The smallest changes to a pod's static rules: tolerations, selector, alternatives, names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placer.explaining.others import Mask
from placer.explaining.problem import Problem, Relaxed, smallest_part, smallest_set
from placer.explaining.state import CORDON, untolerated
from placer.explaining.static import holds, taint_text
from placer.model.pod import Pod
from placer.model.rule import Rule
from placer.model.selector import Requirement
from placer.model.taint import Taint, Toleration
from placer.model.value import FrozenDict
from placer.model.volume import Disk

Item = tuple[str, str | int, int]
TAINTS = (Rule.NodeUnschedulable, Rule.TaintToleration, Rule.AnyOf)
"""Rules that a toleration may satisfy; of alternatives, those that match."""


def gates(problem: Problem) -> Iterator[Relaxed]:
    """All gates lifted; one that stays blocks alone."""
    pod = problem.asked.pod
    if pod.scheduling_gates:
        text = f"lift the scheduling gates {', '.join(pod.scheduling_gates)}"
        yield Relaxed(text, pod.model_copy(update={"scheduling_gates": ()}))


def unsupported(problem: Problem) -> Iterator[Relaxed]:
    """The rules that cannot be held dropped."""
    pod = problem.asked.pod
    if pod.unsupported:
        yield Relaxed(
            f"drop what is not supported: {', '.join(pod.unsupported)}", pod.model_copy(update={"unsupported": ()})
        )


def tolerating(pod: Pod, taints: frozenset[Taint]) -> Pod:
    """The pod with one exact toleration a taint."""
    added = (
        Toleration(key=taint.key, value=taint.value, effect=taint.effect) for taint in sorted(taints, key=taint_text)
    )
    return pod.model_copy(update={"tolerations": (*pod.tolerations, *added)})


def tolerations(problem: Problem) -> Iterator[Relaxed]:
    """The smallest set of tolerations."""
    state, pod = problem.state, problem.asked.pod
    honoured = any(rule.node_taints_policy == "Honor" for rule in pod.topology_spread)
    nodes = problem.open_but((*TAINTS, Rule.PodTopologySpread) if honoured else TAINTS)
    options = [(nodes & holds(state, option), option.tolerations) for option in pod.any_of] or [(nodes, ())]
    candidates: dict[frozenset[Taint], None] = {}
    for where, given in options:
        rows = np.flatnonzero(where)
        kinds = np.unique(np.stack([state.nodes.taints.codes[rows], state.nodes.unschedulable[rows]]), axis=1)
        for code, cordoned in kinds.T.tolist():
            missing = untolerated(state.nodes.taints.values[code], (*pod.tolerations, *given))
            if cordoned and not any(own.tolerates(CORDON) for own in (*pod.tolerations, *given)):
                missing = [*missing, CORDON]
            candidates[frozenset(missing)] = None
    chosen = smallest_set(candidates, lambda taints: tolerating(pod, taints), problem)
    if chosen:
        text = ", ".join(sorted(map(taint_text, chosen)))
        yield Relaxed(f"tolerate {text}", tolerating(pod, chosen))


def without(pod: Pod, items: frozenset[Item]) -> Pod:
    """
    The pod without some requirements of its selector and affinity.

    An item is ``("selector", key, 0)`` or ``("term", term, expression)``; a term that loses all its expressions would
    hold everywhere, so the affinity goes with it.
    """
    selector = {key: value for key, value in pod.node_selector.items() if ("selector", key, 0) not in items}
    terms, kept = [], True
    for place, term in enumerate(pod.node_affinity):
        count = len(term.match_expressions)
        expressions = tuple(e for i, e in enumerate(term.match_expressions) if ("term", place, i) not in items)
        fields = tuple(f for i, f in enumerate(term.match_fields) if ("term", place, count + i) not in items)
        changed = any(item[:2] == ("term", place) for item in items)
        kept &= not changed or bool(expressions or fields)
        terms.append(term.model_copy(update={"match_expressions": expressions, "match_fields": fields}))
    return pod.model_copy(update={"node_selector": FrozenDict(selector), "node_affinity": tuple(terms) if kept else ()})


def _requirements(problem: Problem) -> dict[Item, tuple[str, Mask]]:
    """Item → its words and (nodes,) where it holds."""
    state, pod = problem.state, problem.asked.pod
    found: dict[Item, tuple[str, Mask]] = {}
    for key, value in pod.node_selector.items():
        found["selector", key, 0] = (
            f"{key}={value}",
            state.requirement(Requirement(key=key, operator="In", values=(value,))),
        )
    for place, term in enumerate(pod.node_affinity):
        both = [*term.match_expressions, *term.match_fields]
        for index, requirement in enumerate(both):
            field = index >= len(term.match_expressions)
            words = f"{requirement.key} {requirement.operator} {', '.join(requirement.values)}".strip()
            found["term", place, index] = words, (state.field if field else state.requirement)(requirement)
        if not both:
            found["term", place, 0] = "the empty affinity term", state.everywhere
    return found


def selector(problem: Problem) -> Iterator[Relaxed]:
    """The smallest set of requirements of selector and affinity to drop."""
    pod = problem.asked.pod
    if not pod.node_selector and not pod.node_affinity:
        return
    honoured = any(rule.node_affinity_policy == "Honor" for rule in pod.topology_spread)
    rules = (Rule.NodeAffinity, Rule.PodTopologySpread) if honoured else (Rule.NodeAffinity,)
    rows = np.flatnonzero(problem.open_but(rules))
    items = _requirements(problem)
    if not len(rows):
        return
    table = np.unique(np.stack([~mask[rows] for _, mask in items.values()]), axis=1)
    candidates: dict[frozenset[Item], None] = {}
    for column in table.T.tolist():
        failing = [item for item, fails in zip(items, column, strict=True) if fails]
        fixed = [item for item in failing if item[0] == "selector"]
        terms = [[item for item in failing if item[:2] == ("term", place)] for place in range(len(pod.node_affinity))]
        for term in terms or [[]]:
            candidates[frozenset([*fixed, *term])] = None
    chosen = smallest_set(candidates, lambda dropped: without(pod, dropped), problem)
    if chosen:
        words = ", ".join(items[item][0] for item in items if item in chosen)
        yield Relaxed(f"drop {words} of the node selector and affinity", without(pod, chosen))


def any_of(problem: Problem) -> Iterator[Relaxed]:
    """The alternatives dropped."""
    pod = problem.asked.pod
    changed = pod.model_copy(update={"any_of": ()})
    if pod.any_of and problem.fits(changed):
        yield Relaxed("drop the alternatives (any_of)", changed)


def pin(problem: Problem) -> Iterator[Relaxed]:
    """The pin lifted."""
    pod = problem.asked.pod
    changed = pod.model_copy(update={"nodes": ()})
    if pod.nodes and problem.fits(changed):
        yield Relaxed(f"lift the pin to {', '.join(pod.nodes)}", changed)


def forbidden(problem: Problem) -> Iterator[Relaxed]:
    """One forbidden node allowed: the first that takes the pod."""
    pod = problem.asked.pod
    if not pod.forbidden_nodes:
        return
    rows = np.flatnonzero(problem.open_but((Rule.ForbiddenNodes,)))
    if len(rows):
        name = problem.state.nodes.names[rows[0]]
        left = tuple(other for other in pod.forbidden_nodes if other != name)
        yield Relaxed(f"allow the forbidden node {name}", pod.model_copy(update={"forbidden_nodes": left}))


def volumes(problem: Problem) -> Iterator[Relaxed]:
    """The smallest set of volumes and disks given up."""
    pod = problem.asked.pod
    rules = (Rule.VolumeRestrictions, Rule.NodeVolumeLimits, Rule.VolumeBinding, Rule.VolumeZone)
    if not (pod.volumes or pod.disks) or not problem.open_but(rules).any():
        return
    own: list[str | Disk] = list(dict.fromkeys([*(volume.name for volume in pod.volumes), *pod.disks]))

    def changed(given_up: frozenset[str | Disk]) -> Pod:
        left = tuple(volume for volume in pod.volumes if volume.name not in given_up)
        disks = tuple(disk for disk in pod.disks if disk not in given_up)
        return pod.model_copy(update={"volumes": left, "disks": disks})

    chosen = smallest_part(own, changed, problem)
    if chosen:
        words = sorted(f"volume {one}" if isinstance(one, str) else f"disk {one.name}" for one in chosen)
        yield Relaxed(f"give up {', '.join(words)}", changed(chosen))
