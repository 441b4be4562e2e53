"""Static rules: the pod against the node alone. Each is asked once per distinct pair of pods and nodes that meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.checks.distinct import distinct
from placer.checks.facts import tolerates_cordon, untolerated
from placer.checks.finding import Finding
from placer.checks.scene import Events, Scene
from placer.model.pod import Alternative
from placer.model.relation import HOSTNAME
from placer.model.rule import Rule, rule_of
from placer.model.selector import NodeSelectorTerm
from placer.model.taint import Taint, Toleration
from placer.model.volume import ZONE_KEYS, Volume

Codes = NDArray[Any]


def _ask(
    events: Events, columns: Sequence[Codes], rule: Rule, broken: Callable[[int], str | None]
) -> Iterator[Finding]:
    """
    Asks once for each combination of codes.

    Parameters
    ----------
    columns
        (events,) codes that the answer depends on.
    broken
        Says what is wrong with one event, or ``None``.
    """
    if not len(events):
        return
    codes, first = distinct(columns)
    details = [broken(event) for event in events[first].tolist()]
    wrong = np.array([detail is not None for detail in details], bool)
    for place in np.flatnonzero(wrong[codes]).tolist():
        yield Finding(int(events[place]), rule.name, details[codes[place]] or "")


def check_gates(scene: Scene) -> Iterator[Finding]:
    """SchedulingGates: while there are any, the pod is not placed."""
    events = scene.carriers("scheduling_gates")
    for event in events.tolist():
        gates = scene.facts.pods["scheduling_gates"][int(scene.timeline.pod[event])]
        yield Finding(event, Rule.SchedulingGates.name, f"the pod has gates {', '.join(gates)}, allowed are none")


def check_unsupported(scene: Scene) -> Iterator[Finding]:
    """Unsupported: placer does not place a pod whose rules it cannot hold; what stands was placed by others."""
    if not scene.timeline.ordered:
        return
    for event in scene.carriers("unsupported").tolist():
        texts = scene.facts.pods["unsupported"][int(scene.timeline.pod[event])]
        for rule in dict.fromkeys(map(rule_of, texts)):
            words = ", ".join(text for text in texts if rule_of(text) is rule)
            kept = "placer cannot hold " if rule is Rule.Unsupported else ""
            yield Finding(event, rule.name, f"{kept}{words}")


def check_cordon(scene: Scene) -> Iterator[Finding]:
    """NodeUnschedulable: a cordoned node takes only pods that tolerate it."""
    nodes, pods, timeline = scene.facts.nodes, scene.facts.pods, scene.timeline
    events = scene.checked[nodes.unschedulable[timeline.node[scene.checked]]]
    rows = timeline.pod[events]

    def broken(event: int) -> str | None:
        row = int(timeline.pod[event])
        if any(tolerates_cordon(each) for each in _tolerations(pods["tolerations"][row], pods["any_of"][row])):
            return None
        return "the node is cordoned and the pod does not tolerate it"

    columns = [pods["tolerations"].codes[rows], pods["any_of"].codes[rows]]
    yield from _ask(events, columns, Rule.NodeUnschedulable, broken)


def _tolerations(own: Sequence[Toleration], any_of: Sequence[Alternative]) -> list[Sequence[Toleration]]:
    """The pod's tolerations, or those with each alternative's added."""
    return [[*own, *alternative.tolerations] for alternative in any_of] or [own]


def check_names(scene: Scene) -> Iterator[Finding]:
    """NodeName and ForbiddenNodes: where ``nodes`` lists names, only those; never ``forbidden_nodes``."""
    nodes, pods, timeline = scene.facts.nodes, scene.facts.pods, scene.timeline
    for field, rule in (("nodes", Rule.NodeName), ("forbidden_nodes", Rule.ForbiddenNodes)):
        events = scene.carriers(field)
        if not len(events):
            continue
        column = pods[field]
        listed = [frozenset(nodes.index(name) for name in names) for names in column.values]
        codes, rows = column.codes[timeline.pod[events]].tolist(), timeline.node[events].tolist()
        for event, code, row in zip(events.tolist(), codes, rows, strict=True):
            if (row in listed[code]) == (rule is Rule.ForbiddenNodes):
                words = "is not among" if rule is Rule.NodeName else "is among"
                names = _some(column.values[code])
                yield Finding(event, rule.name, f"{nodes.names[row]} {words} the pod's {field} {names}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def check_taints(scene: Scene) -> Iterator[Finding]:
    """TaintToleration: each rejecting taint is tolerated, with alternatives by the pod and some one of them."""
    nodes, pods, timeline = scene.facts.nodes, scene.facts.pods, scene.timeline
    tainted = np.array([bool(untolerated(taints, ())) for taints in nodes.taints.values], bool)
    if not tainted.any():
        return
    events = scene.checked[tainted[nodes.taints.codes[timeline.node[scene.checked]]]]
    rows = timeline.pod[events]

    def broken(event: int) -> str | None:
        row, taints = int(timeline.pod[event]), nodes.taints[int(timeline.node[event])]
        ways = _tolerations(pods["tolerations"][row], pods["any_of"][row])
        left = [untolerated(taints, way) for way in ways]
        if not all(left):
            return None
        return f"the node has taints {_taints(min(left, key=len))}, tolerated are none of them"

    columns = [pods["tolerations"].codes[rows], pods["any_of"].codes[rows], nodes.taints.codes[timeline.node[events]]]
    yield from _ask(events, columns, Rule.TaintToleration, broken)


def _taints(taints: Sequence[Taint]) -> str:
    return ", ".join(f"{taint.key}={taint.value}:{taint.effect}" for taint in taints)


def check_affinity(scene: Scene) -> Iterator[Finding]:
    """NodeAffinity: the node has all labels of the selector, and a term of the affinity, if any, matches."""
    pods, timeline = scene.facts.pods, scene.timeline
    events = np.union1d(scene.carriers("node_selector"), scene.carriers("node_affinity"))

    def broken(event: int) -> str | None:
        row, node = int(timeline.pod[event]), int(timeline.node[event])
        return unmatched(scene, node, pods["node_selector"][row], pods["node_affinity"][row])

    alone = [*map(_names_in_selector, pods["node_selector"].values)], [*map(_names_nodes, pods["node_affinity"].values)]
    columns = [pods["node_selector"].codes[timeline.pod[events]], pods["node_affinity"].codes[timeline.pod[events]]]
    single = np.array(alone[0], bool)[columns[0]] | np.array(alone[1], bool)[columns[1]]
    yield from _ask(events, [*columns, _node_codes(scene, events, single)], Rule.NodeAffinity, broken)


def unmatched(scene: Scene, node: int, selector: Mapping[str, str], terms: Sequence[NodeSelectorTerm]) -> str | None:
    """What of a selector and of affinity terms a node does not match."""
    labels = scene.facts.cluster.node_labels(node)
    for key, value in selector.items():
        if labels.get(key) != value:
            return f"the node's {key} is {labels.get(key)!r}, the pod asks for {value!r}"
    if terms and not any(term.matches(labels, scene.facts.nodes.names[node]) for term in terms):
        return f"the node matches 0 of the {len(terms)} terms of the pod's node affinity, at least 1 is needed"
    return None


def _names_in_selector(selector: Mapping[str, str]) -> bool:
    return HOSTNAME in selector


def _names_nodes(terms: Sequence[NodeSelectorTerm]) -> bool:
    """Whether terms can tell nodes apart that have the same labels but for the hostname."""
    return any(term.match_fields or any(one.key == HOSTNAME for one in term.match_expressions) for term in terms)


def _node_codes(scene: Scene, events: Events, single: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(events,) what is seen of the node: its labels, or which node it is where rules name nodes."""
    nodes = scene.facts.nodes
    rows = scene.timeline.node[events]
    return np.where(single, len(nodes.labels.values) + rows, nodes.labels.codes[rows])


def check_alternatives(scene: Scene) -> Iterator[Finding]:
    """
    AnyOf: some one alternative matches the node and, with its tolerations added, bears its taints.

    Where alternatives match but none of all bears the taints, or the cordon, that rule is named and not this one.
    """
    nodes, pods, timeline = scene.facts.nodes, scene.facts.pods, scene.timeline
    events = scene.carriers("any_of")
    if not len(events):
        return
    column = pods["any_of"]

    def broken(event: int) -> str | None:
        row, node = int(timeline.pod[event]), int(timeline.node[event])
        ways = _tolerations(pods["tolerations"][row], column[row])
        match = [not unmatched(scene, node, one.node_selector, one.node_affinity) for one in column[row]]
        bear = [not untolerated(nodes.taints[node], way) for way in ways]
        enter = [not nodes.unschedulable[node] or tolerates_cordon(way) for way in ways]
        if any(map(all, zip(match, bear, enter, strict=True))):
            return None
        if any(match) and not (any(bear) and any(enter)):
            return None
        return (
            f"{sum(match)} of {len(match)} alternatives match the node, 0 of these also bear its taints, "
            "at least 1 is needed"
        )

    names = [
        any(_names_in_selector(one.node_selector) or _names_nodes(one.node_affinity) for one in alternatives)
        for alternatives in column.values
    ]
    rows, places = timeline.pod[events], timeline.node[events]
    codes = column.codes[rows]
    columns: list[Codes] = [codes, pods["tolerations"].codes[rows], nodes.taints.codes[places]]
    columns += [nodes.unschedulable[places], _node_codes(scene, events, np.array(names, bool)[codes])]
    yield from _ask(events, columns, Rule.AnyOf, broken)


def check_volumes(scene: Scene) -> Iterator[Finding]:
    """VolumeBinding: for each volume with a topology, one of its terms matches the node."""

    def broken(volume: Volume, node: int) -> str | None:
        if not volume.topology or not unmatched(scene, node, {}, volume.topology):
            return None
        return f"volume {volume.name} is reached by {len(volume.topology)} terms, of which the node matches 0"

    yield from _ask_volumes(scene, Rule.VolumeBinding, broken)


def check_zones(scene: Scene) -> Iterator[Finding]:
    """VolumeZone: a node with any label of zone or region has those of each volume."""

    def broken(volume: Volume, node: int) -> str | None:
        labels = scene.facts.cluster.node_labels(node)
        if not any(key in labels for key in ZONE_KEYS):
            return None
        for key, values in volume.zones.items():
            own = labels.get(key, labels.get(ZONE_KEYS[key]))
            if own not in values:
                return f"volume {volume.name} lies in {key} {', '.join(values)}, the node in {own}"
        return None

    yield from _ask_volumes(scene, Rule.VolumeZone, broken)


def _ask_volumes(scene: Scene, rule: Rule, broken: Callable[[Volume, int], str | None]) -> Iterator[Finding]:
    """Asks a rule of each volume that lies somewhere, against the node."""
    timeline, column = scene.timeline, scene.facts.pods["volumes"]
    lies = np.array([any(volume.topology or volume.zones for volume in volumes) for volumes in column.values], bool)
    if not lies.any():
        return
    events = scene.checked[lies[column.codes[timeline.pod[scene.checked]]]]

    def first(event: int) -> str | None:
        node = int(timeline.node[event])
        said = (broken(volume, node) for volume in column[int(timeline.pod[event])])
        return next((text for text in said if text is not None), None)

    named = [any(_names_nodes(volume.topology) for volume in volumes) for volumes in column.values]
    codes = column.codes[timeline.pod[events]]
    columns = [codes, _node_codes(scene, events, np.array(named, bool)[codes])]
    yield from _ask(events, columns, rule, first)
