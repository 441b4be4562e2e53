"""Why pods stay unplaced, counted by node, in kube-scheduler's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.encode.statics import affinity_mask
from placer.engine import Run
from placer.model.cluster import Cluster
from placer.model.pod import Alternative
from placer.model.rule import ANTI_AFFINITY, MISSING_LABEL, WORDS, Reason, Rule, insufficient, message
from placer.model.table import PENDING
from placer.solution import Unplaced


def unplaced(cluster: Cluster, run: Run, stopped: str = "done") -> list[Unplaced]:
    """
    The pending pods that have no node, in input order, with their reasons in the state that the run ended in.

    O(nodes) for each distinct class of them. Where a limit stopped the run, ``stopped`` is the reason of all that it
    did not come to, and no node is asked.
    """
    from placer.kernels.structs import pack

    encoded = run.encoded
    left = np.zeros(len(cluster.pod_table), bool)
    left[run.pod_of_slot[run.log.line_of_slot < 0]] = True
    blocked = np.flatnonzero((encoded.class_of_pod < 0) & (cluster.pod_table.node == PENDING))
    left[blocked] = True
    packed = pack(encoded.problem), pack(run.state), pack(run.work)
    rule_of_resource = np.array([_rule_of(name) for name in encoded.resources], np.int8)
    known: dict[int, tuple[list[Reason], str]] = {}
    static: dict[int, list[Reason]] = {}
    found = []
    for pod in np.flatnonzero(left).tolist():
        pod_class = int(encoded.class_of_pod[pod])
        if pod_class < 0:
            reasons = list(_gates(cluster, pod))
            found.append(Unplaced(cluster.pod_table.key(pod), reasons, message(reasons, len(cluster.node_table))))
            continue
        if stopped != "done":
            words = f"not looked at before the run was stopped ({stopped})"
            found.append(Unplaced(cluster.pod_table.key(pod), [Reason("Limit", words, 0)], words))
            continue
        if pod_class not in known:
            signature = int(encoded.problem.classes.eligible[pod_class])
            if signature not in static:
                static[signature] = list(_static_reasons(cluster, run, pod))
            reasons = _merged(static[signature] + _reasons(run, packed, rule_of_resource, pod_class))
            known[pod_class] = reasons, message(reasons, len(cluster.node_table))
        found.append(Unplaced(cluster.pod_table.key(pod), *known[pod_class]))
    return found


def _rule_of(resource: str) -> int:
    if resource.startswith("device:"):
        return Rule.Devices
    return Rule.NodeVolumeLimits if resource.startswith("attach:") else Rule.NodeResourcesFit


def _gates(cluster: Cluster, pod: int) -> Iterator[Reason]:
    nodes = len(cluster.node_table)
    if cluster.pod_table["scheduling_gates"][pod]:
        gates = ", ".join(cluster.pod_table["scheduling_gates"][pod])
        yield Reason(Rule.SchedulingGates.name, f"{WORDS[Rule.SchedulingGates]}: {gates}", nodes)
    for text in cluster.pod_table["unsupported"][pod]:
        yield Reason(Rule.Unsupported.name, text, nodes)


def _reasons(
    run: Run, packed: tuple[Any, Any, Any], rule_of_resource: NDArray[np.int8], pod_class: int
) -> list[Reason]:
    """Which rules, static ones apart, reject the nodes that the class may stand on."""
    from placer.kernels.reject import OTHER_WORDS, rejections

    problem = run.encoded.problem
    rules = np.zeros(len(problem.nodes.row), np.int8)
    rejections(*packed, pod_class, rule_of_resource, rules)
    reasons: list[Reason] = []
    for code in np.unique(rules[rules > 0]).tolist():
        there = rules == code
        count = int(there.sum())
        rule = Rule(code % OTHER_WORDS)
        if rule in (Rule.NodeResourcesFit, Rule.Devices):
            reasons += _short(run, pod_class, there, rule, rule_of_resource)
        elif code > OTHER_WORDS:
            words = MISSING_LABEL if rule == Rule.PodTopologySpread else ANTI_AFFINITY
            reasons.append(Reason(rule.name, words, count))
        else:
            reasons.append(Reason(rule.name, WORDS[rule], count))
    return reasons


def _short(
    run: Run, pod_class: int, there: NDArray[np.bool_], rule: Rule, rule_of_resource: NDArray[np.int8]
) -> Iterator[Reason]:
    """One reason per resource that is short, counted by node."""
    need = run.encoded.problem.classes.need[pod_class]
    explained = np.zeros(int(there.sum()), bool)
    for resource in np.flatnonzero((need > 0) & (rule_of_resource == rule)).tolist():
        short = run.state.free[resource][there] < need[resource]
        explained |= short
        name = run.encoded.resources[resource]
        if short.any():
            words = WORDS[rule].format(name.removeprefix("device:")) if rule == Rule.Devices else insufficient(name)
            yield Reason(rule.name, words, int(short.sum()))
    if not explained.all():
        first = int(run.encoded.problem.classes.unit_start[pod_class])
        kind = run.encoded.kinds[int(run.encoded.problem.classes.unit_kind[first])]
        yield Reason(rule.name, WORDS[rule].format(kind), int((~explained).sum()))


def _merged(reasons: list[Reason]) -> list[Reason]:
    """Equal rule and words once, nodes added."""
    nodes: dict[tuple[str, str], int] = {}
    for rule, words, count in reasons:
        nodes[rule, words] = nodes.get((rule, words), 0) + count
    return [Reason(rule, words, count) for (rule, words), count in nodes.items()]


def _static_reasons(cluster: Cluster, run: Run, pod: int) -> Iterator[Reason]:
    """The first static rule that rejects each node, counted; every rule is asked once per kind of node."""
    statics, fields = run.encoded.statics, cluster.pod_table.fields
    sizes = np.bincount(statics.kind, minlength=len(statics))
    own = fields["tolerations"][pod]
    alternatives = fields["any_of"][pod] or (Alternative(),)
    wider = [(*own, *alternative.tolerations) for alternative in alternatives]
    every = np.ones(len(statics), bool)
    some = ~every
    named = fields["nodes"][pod]
    holds = [
        statics.selector(each.node_selector)
        & statics.any_term(each.node_affinity)
        & statics.open_to(tolerations)
        & statics.tolerated(tolerations)
        for each, tolerations in zip(alternatives, wider, strict=True)
    ]
    passes = {
        Rule.NodeUnschedulable: np.logical_or.reduce([statics.open_to(each) for each in wider]),
        Rule.NodeName: np.logical_or.reduce([statics.name(name) for name in named]) if named else every,
        Rule.ForbiddenNodes: ~np.logical_or.reduce([some, *map(statics.name, fields["forbidden_nodes"][pod])]),
        Rule.TaintToleration: np.logical_or.reduce([statics.tolerated(each) for each in wider]),
        Rule.NodeAffinity: affinity_mask(statics, fields, pod),
        Rule.AnyOf: np.logical_or.reduce(holds),
        Rule.VolumeBinding: np.logical_and.reduce(
            [every, *(statics.any_term(volume.topology) for volume in fields["volumes"][pod])]
        ),
    }
    left = np.ones(len(statics), bool)
    for rule in sorted(passes):
        rejected = left & ~passes[rule]
        if rejected.any():
            yield Reason(rule.name, WORDS[rule], int(sizes[rejected].sum()))
        left &= passes[rule]
