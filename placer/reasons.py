"""Why pods stay unplaced, counted by node, in kube-scheduler's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.encode.statics import static_verdicts
from placer.engine import Run
from placer.model.cluster import Cluster
from placer.model.rule import OTHER_WORDS as SECOND
from placer.model.rule import WORDS, Reason, Rule, insufficient, message, rule_of
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
    static: dict[int, tuple[NDArray[np.int8], NDArray[np.int8]]] = {}
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
                static[signature] = _static_rules(cluster, run, pod)
            reasons = _reasons(run, packed, (rule_of_resource, *static[signature]), pod_class)
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
        yield Reason(rule_of(text).name, text, nodes)


def _reasons(
    run: Run,
    packed: tuple[Any, Any, Any],
    known: tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]],
    pod_class: int,
) -> list[Reason]:
    """
    The first rule that rejects each node, counted.

    Parameters
    ----------
    known
        The rule of each resource; and what static rules say of each segment, early and late.
    """
    from placer.kernels.reject import OTHER_WORDS, rejections

    problem = run.encoded.problem
    rules = np.zeros(len(problem.nodes.row), np.int8)
    rejections(*packed, pod_class, *known, rules)
    reasons: list[Reason] = []
    for code in np.unique(rules[rules > 0]).tolist():
        there = rules == code
        count = int(there.sum())
        rule, wording = Rule(code % OTHER_WORDS), code // OTHER_WORDS
        if rule in (Rule.NodeResourcesFit, Rule.Devices):
            reasons += _short(run, pod_class, there, rule, known[0])
        else:
            said = [WORDS[rule], SECOND.get(rule, "")] if wording > 1 else [SECOND[rule] if wording else WORDS[rule]]
            reasons += [Reason(rule.name, words, count) for words in said]
    return _merged(reasons)


def _merged(reasons: list[Reason]) -> list[Reason]:
    """Equal rule and words once, nodes added."""
    nodes: dict[tuple[str, str], int] = {}
    for rule, words, count in reasons:
        nodes[rule, words] = nodes.get((rule, words), 0) + count
    return [Reason(rule, words, count) for (rule, words), count in nodes.items()]


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


def _static_rules(cluster: Cluster, run: Run, pod: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """(segments,) what the static rules of a pod say of each, early and late."""
    statics, nodes = run.encoded.statics, run.encoded.problem.nodes
    kinds = statics.kind[nodes.row[nodes.segment_start[:-1]]]
    early, late = static_verdicts(statics, cluster.pod_table.fields, pod)
    return early[kinds], late[kinds]
