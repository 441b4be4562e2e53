"""Preferences: what the wishes of the pods that stand lose, on the final state."""

from __future__ import annotations

from typing import Any

import numpy as np

from placer.checks.distinct import distinct
from placer.checks.domains import allowed
from placer.checks.facts import Mask, untolerated
from placer.checks.identities import Members
from placer.checks.scene import Events, Scene
from placer.checks.spread import SEES, ask
from placer.checks.tally import Tally
from placer.model.relation import DomainShares
from placer.model.selector import PreferredNode


def measure(scene: Scene, zoneless: int) -> float:
    """
    Sums all that wishes lose.

    Parameters
    ----------
    scene
        The final placement, without an order: each pod that stands is judged against the others.
    zoneless
        Pods that prefer one NUMA zone and have none.
    """
    lost = _nodes(scene) + _taints(scene) + _pods(scene) + _spread(scene) + _shares(scene) + zoneless
    return float(lost)


def _nodes(scene: Scene) -> int:
    """Weights of preferred nodes that do not match, and of repelled ones that do; an empty term means all."""
    events = scene.carriers("preferred_nodes")
    if not len(events):
        return 0
    facts, timeline = scene.facts, scene.timeline
    column = facts.pods["preferred_nodes"]
    codes = column.codes[timeline.pod[events]]
    lost = 0
    for code in np.unique(codes).tolist():
        nodes = timeline.node[events[codes == code]]
        for wish in column.values[code]:
            lost += abs(wish.weight) * int((_preferred(scene, wish)[nodes] == (wish.weight < 0)).sum())
    return lost


def _preferred(scene: Scene, wish: PreferredNode) -> Mask:
    if not wish.term.match_expressions and not wish.term.match_fields:
        return np.ones(len(scene.facts.nodes), bool)
    return scene.facts.term(wish.term)


def _taints(scene: Scene) -> int:
    """One for each PreferNoSchedule taint that is not tolerated."""
    taints, tolerations = scene.facts.nodes.taints, scene.facts.pods["tolerations"]
    soft = np.array([bool(untolerated(listed, (), soft=True)) for listed in taints.values], bool)
    if not soft.any():
        return 0
    timeline = scene.timeline
    events = scene.checked[soft[taints.codes[timeline.node[scene.checked]]]]
    if not len(events):
        return 0
    rows, nodes = timeline.pod[events], timeline.node[events]
    codes, first = distinct([taints.codes[nodes], tolerations.codes[rows]])
    counts = np.bincount(codes)
    return sum(
        count * len(untolerated(taints[int(nodes[place])], tolerations[int(rows[place])], soft=True))
        for count, place in zip(counts.tolist(), first.tolist(), strict=True)
    )


def _pods(scene: Scene) -> int:
    """The weight where no other pod of the domain matches; or the weight for each that matches and should not."""
    tally = Tally(scene)
    weights: list[int] = []
    for bundle in scene.bundles("preferred_pods"):
        for wish in bundle.rules:
            members = scene.facts.identities.of_term(wish.term, bundle.namespace, bundle.labels)
            tally.ask(wish.term.topology_key, bundle.events, members)
            weights.append(wish.weight)
    found = tally.answers()
    weight = np.array(weights, np.int64)[found.question]
    return int(np.where(weight > 0, weight * (found.count == 0), -weight * found.count).sum())


def _spread(scene: Scene) -> int:
    """One for each unit of skew above ``max_skew``; a node without the key has none."""
    tally = Tally(scene, least=True)
    masks: dict[Any, Mask] = {}
    most: list[int] = []
    own: list[bool] = []
    for bundle in scene.bundles("topology_spread", SEES):
        for one in bundle.rules:
            if one.when_unsatisfiable == "ScheduleAnyway":
                own.append(ask(scene, tally, masks, bundle, one, (one.topology_key,)))
                most.append(one.max_skew)
    found = tally.answers()
    skew = found.count + np.array(own, np.int64)[found.question] - found.least
    above = np.maximum(skew - np.array(most, np.int64)[found.question], 0)
    return int(above[found.domain >= 0].sum())


def _shares(scene: Scene) -> int:
    """
    Pods above a soft share: in each domain as many as the group's pods, and those that wish it, are beyond the share.

    At most those that wish it; nodes without the key take none.
    """
    facts, nodes = scene.facts, scene.timeline.node
    wishing: dict[tuple[DomainShares, bytes], tuple[Members, list[Events]]] = {}
    for bundle in scene.bundles("domain_shares"):
        for rule in bundle.rules:
            if not rule.hard:
                members = facts.identities.of_group(rule.selector, bundle.namespace, bundle.labels)
                mark = rule.model_copy(update={"selector": None}), members.tobytes()
                wishing.setdefault(mark, (members, []))[1].append(bundle.events)
    lost = 0
    for (rule, _), (members, parts) in wishing.items():
        codes = facts.domains(rule.topology_key).codes + 1
        most = np.array([0, *allowed(facts, rule, int(facts.placeable[members].sum()))], np.int64)
        carrying = np.concatenate(parts)
        group = np.union1d(scene.events_of(members), carrying)
        there = np.bincount(codes[nodes[group]], minlength=len(most))
        wished = np.bincount(codes[nodes[carrying]], minlength=len(most))
        lost += int(np.minimum(np.maximum(there - most, 0), wished).sum())
    return lost
