"""A conflict in words and numbers: "default/web needs 5 zones, 3 exist"."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.explaining.others import Mask, Others, extended
from placer.explaining.rejections import accepting
from placer.explaining.state import State, untolerated
from placer.explaining.static import taint_text
from placer.explaining.subject import Subject, amount_text, subject
from placer.infeasible.check import Clock, has_helpers
from placer.infeasible.groups import Group, part_of
from placer.infeasible.parts import LISTED, Part, part_text, short
from placer.infeasible.shrink import Core, Shrink
from placer.model.cluster import Cluster
from placer.model.pod import Pod
from placer.model.relation import AffinityTerm, DistinctDomains, DomainLimit
from placer.model.rule import Rule
from placer.model.taint import UNSCHEDULABLE_TAINT, Taint
from placer.model.units import units

STATIC = frozenset({"any_of", "forbidden", "pin", "selector", "toleration"})
BLOCKED = frozenset({"gates", "unsupported"})
ALONE = frozenset(
    {
        Rule.NodeUnschedulable, Rule.NodeName, Rule.ForbiddenNodes, Rule.TaintToleration, Rule.NodeAffinity, Rule.AnyOf,
        Rule.NodeResourcesFit,
    }
)  # fmt: skip
"""Rules of a node alone: what stands elsewhere does not matter."""
MOST_NAMES = 5
"""Names in a sentence."""
SECONDS, LEAST = 2.0, 0.1
"""What it may take to count how many can be placed."""


class Headline(NamedTuple):
    """
    What a conflict comes to.

    Attributes
    ----------
    words
        Without the pods that they are said of.
    said
        The parts that need no more words.
    """

    words: str
    numbers: dict[str, Any]
    said: frozenset[Part]


def rule_texts(shrink: Shrink, core: Core) -> list[tuple[int, Part, str]]:
    """(group, part, words) of the rules of a conflict."""
    rules = sorted((each.group, each.part) for each in core.members if each.part is not None)
    return [(group, part, _part_text(shrink, group, part)) for group, part in rules]


def _part_text(shrink: Shrink, group: int, part: Part) -> str:
    pod = shrink.groups[group].pod
    return part_text(pod, part, shrink.kinds, _taints(shrink.cluster, pod) if part.kind == "toleration" else ())


def _taints(cluster: Cluster, pod: Pod) -> list[str]:
    """What keeps the pod off some node, the cordon as the taint that it is."""
    listed = cluster.node_table.taints.values
    missing = {taint_text(taint): None for taints in listed for taint in untolerated(taints, pod.tolerations)}
    if cluster.node_table.unschedulable.any():
        missing[taint_text(Taint(key=UNSCHEDULABLE_TAINT, effect="NoSchedule"))] = None
    return list(missing)


def headline(shrink: Shrink, core: Core) -> Headline:
    """The first of the ways to say it that fits."""
    required = sorted(each.group for each in core.members if each.part is None)
    parts = {part for _, part, _ in rule_texts(shrink, core)}
    kinds = {part.kind for part in parts}
    groups = [shrink.groups[place] for place in required]
    alone = len(groups) == 1 and all(each.group in required for each in core.members)
    if kinds and kinds <= BLOCKED:
        return Headline("cannot be placed", {}, frozenset())
    cluster = shrink.changed(core.members)
    found = None
    if kinds <= STATIC | {"resource"}:
        found = _amounts(cluster, groups, [part for part in parts if part.kind == "resource"], shrink.kinds)
    elif alone:
        found = _domains(cluster, groups[0], parts, shrink.kinds)
    return found or _counted(cluster, groups, kinds, shrink.clock)


def _amounts(cluster: Cluster, groups: Sequence[Group], parts: Sequence[Part], kinds: Sequence[str]) -> Headline | None:
    """That no node is left, or how much of a resource is asked for and free."""
    views = [_View(cluster, group, kinds) for group in groups]
    if len(groups) == 1 and not views[0].open(ALONE - {Rule.NodeResourcesFit}).any():
        return Headline(f"has none of {len(cluster.node_table)} nodes left", {"nodes": 0}, frozenset())
    for part in parts:
        found = _amount(views, part)
        if found is not None and len(parts) == 1:
            return found
    return None


def _amount(views: Sequence[_View], part: Part) -> Headline | None:
    name = part.which
    where: Mask = np.logical_or.reduce([view.open(ALONE - {Rule.NodeResourcesFit}) for view in views])
    free = views[0].free(name)[where]
    each = [view.group.pod.requests.get(name, 0) for view in views]
    pods = [len(view.group.rows) for view in views]
    largest, asked = int(free.max(initial=0)), sum(a * b for a, b in zip(each, pods, strict=True))
    total = int(free.sum(dtype=object))
    numbers: dict[str, Any] = {"resource": name, "asked": asked, "free": total, "nodes": len(free)}
    if len(views) == 1 and each[0] > largest:
        words = f"asks {amount_text(name, each[0])} {name}{' each' if pods[0] > 1 else ''}"
        nodes = "the only node has" if len(free) == 1 else f"none of {len(free)} nodes has"
        most = f"{'' if len(free) == 1 else 'more than '}{amount_text(name, largest)}" if largest else "any"
        return Headline(f"{words}, {nodes} {most} free", {**numbers, "largest": largest}, frozenset([part]))
    if asked > total:
        ask = "asks" if len(views) == 1 else "ask"
        together = amount_text(name, asked), amount_text(name, total) if total else "none"
        return Headline(f"{ask} {together[0]} {name} together, {together[1]} are free", numbers, frozenset([part]))
    if len(views) == 1:
        room = int((free // each[0]).sum())
        if room < pods[0]:
            words = (
                f"asks {amount_text(name, each[0])} {name} each, {len(free)} nodes have room for {room} of {pods[0]}"
            )
            return Headline(words, {**numbers, "pods": pods[0], "room": room}, frozenset([part]))
    return None


def _domains(cluster: Cluster, group: Group, parts: set[Part], kinds: Sequence[str]) -> Headline | None:
    """How many domains are needed, and how many there are."""
    limits = [part for part in parts if part.kind in ("anti_affinity", "at_most", "at_least")]
    others = {part.kind for part in parts} - {limits[0].kind} if limits else set()
    if len(limits) != 1 or not others <= STATIC | {"resource"}:
        return None
    view, pods = _View(cluster, group, kinds), len(group.rows)
    rule = getattr(group.pod, LISTED[limits[0].kind])[int(limits[0].which)]
    if not _own(group.pod, rule):
        return None
    each = rule.at_most if limits[0].kind == "at_most" else 1
    needed = min(rule.at_least, pods) if limits[0].kind == "at_least" else ceil(pods / each)
    there, left = view.count(rule.topology_key, ALONE), view.count(rule.topology_key, frozenset(Rule))
    key = short(rule.topology_key)
    if needed <= left:
        return None
    numbers = {"key": rule.topology_key, "needed": needed, "exist": there, "left": left, "pods": pods, "each": each}
    exist = f"{there} exist{'s' if there == 1 else ''}" if there else "none exists"
    taken = f", {there - left} of them taken" if there > left else ""
    words = f"needs {needed} {key}{'s' if needed > 1 else ''}, {exist}{taken}"
    return Headline(words, numbers, frozenset(limits) if each == 1 else frozenset())


def _own(pod: Pod, rule: AffinityTerm | DomainLimit | DistinctDomains) -> bool:
    """Whether a rule counts the pod itself, and so the others of its group."""
    if isinstance(rule, AffinityTerm):
        term = extended(rule.selector, pod.labels, rule.match_label_keys, rule.mismatch_label_keys)
        spoken = (not rule.namespaces and rule.namespace_selector is None) or pod.namespace in rule.namespaces
        return spoken and term is not None and term.matches(pod.labels)
    return rule.selector is None or rule.selector.matches(pod.labels)


def _counted(cluster: Cluster, groups: Sequence[Group], kinds: set[str], clock: Clock) -> Headline:
    """How many of the pods can be placed, where that is proven."""
    from placer.solve import solve

    pods = sum(len(group.rows) for group in groups)
    words = "cannot be placed" if pods == 1 else "cannot all be placed" if len(groups) == 1 else "cannot go together"
    unproven = Headline(words, {"pods": pods}, frozenset())
    if (
        pods == 1
        or "shares" in kinds
        or clock.left(SECONDS) <= 0
        or has_helpers(cluster, [group.rows for group in groups])
    ):
        return unproven
    chosen = cluster.pod_table.node >= 0
    chosen[np.concatenate([group.rows for group in groups])] = True
    solution = solve(part_of(cluster, chosen), prove=True, time_limit=max(clock.left(SECONDS), LEAST))
    if solution.bound is None or solution.bound["unplaced"] < solution.objective["unplaced"]:
        return unproven
    room = pods - int(solution.objective["unplaced"])
    some = f"{room} of these {pods} pods can" if room else f"none of these {pods} pods can"
    return Headline(f"{words}, {some}", {"pods": pods, "room": room}, frozenset())


class _View:
    """Nodes as one pod of a group sees them in the present state."""

    def __init__(self, cluster: Cluster, group: Group, kinds: Sequence[str]) -> None:
        read = units(cluster)
        row = int(group.rows[0])
        self.group = group
        self.state = State(Others(cluster, read, row, cluster.pod_table.node), cluster.node_table, read.devices, {}, {})
        self.subject: Subject = subject(cluster.pod(row), kinds)

    def open(self, rules: frozenset[Rule]) -> Mask:
        """(nodes,) that these rules accept."""
        return accepting(self.state, self.subject, ~self.state.everywhere, rules)

    def free(self, resource: str) -> NDArray[np.int64]:
        """(nodes,) what is left of a resource."""
        left: NDArray[np.int64] = np.maximum(self.state.allocatable(resource) - self.state.load(resource), 0)
        return left

    def count(self, key: str, rules: frozenset[Rule]) -> int:
        """Domains with a node that these rules accept."""
        codes = self.state.domains(key).codes[self.open(rules)]
        return len(np.unique(codes[codes >= 0]))


def sentence(shrink: Shrink, core: Core, found: Headline) -> str:
    """The conflict in one sentence: what it comes to, and the rules that this does not say, group by group."""
    required = sorted(each.group for each in core.members if each.part is None)
    names = [_name(shrink.groups[place], len(required) > 1) for place in required]
    words = f"{_listed(names)} {found.words}"
    rules: dict[int, list[str]] = {}
    for group, part, text in rule_texts(shrink, core):
        if part not in found.said and len(required) <= MOST_NAMES:
            rules.setdefault(group, []).append(text)
    own = [
        ", ".join(texts) if [group] == required else f"{shrink.groups[group].name} {', '.join(texts)}"
        for group, texts in rules.items()
    ]
    return f"{words}{'; ' if ',' in found.words else ': '}{'; '.join(own)}" if own else words


def _name(group: Group, counted: bool) -> str:
    return f"{group.name} ({len(group.rows)} pods)" if counted and len(group.rows) > 1 else group.name


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1:,} more groups"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
