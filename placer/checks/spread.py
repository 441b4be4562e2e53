"""PodTopologySpread: no domain may be ahead of the emptiest by more than ``max_skew``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from placer.checks.facts import Facts, Mask
from placer.checks.finding import Finding
from placer.checks.identities import own_values
from placer.checks.scene import Bundle, Scene
from placer.checks.tally import Tally
from placer.model.relation import SpreadConstraint
from placer.model.rule import Rule

RULE = Rule.PodTopologySpread.name
SEES = ("node_selector", "node_affinity", "tolerations")
"""Fields that say on which nodes a constraint counts."""


def check(scene: Scene) -> Iterator[Finding]:
    """Hard constraints: the node has all their keys, and none is skewed by more than it allows."""
    tally = Tally(scene, least=True)
    masks: dict[Any, Mask] = {}
    asked: list[SpreadConstraint] = []
    own: list[bool] = []
    for bundle in scene.bundles("topology_spread", SEES):
        hard = [one for one in bundle.rules if one.when_unsatisfiable == "DoNotSchedule"]
        keys = tuple(dict.fromkeys(one.topology_key for one in hard))
        yield from _missing_keys(scene, bundle, keys)
        for one in hard:
            own.append(ask(scene, tally, masks, bundle, one, keys))
            asked.append(one)
    found = tally.answers()
    most = np.array([one.max_skew for one in asked], np.int64)[found.question]
    wanted = np.array([one.min_domains or 0 for one in asked], np.int64)[found.question]
    least = np.where(found.domains < wanted, 0, found.least)
    skew = found.count + np.array(own, np.int64)[found.question] - least
    for place in np.flatnonzero((found.domain >= 0) & (skew > most)).tolist():
        one = asked[found.question[place]]
        name = scene.facts.domains(one.topology_key).names[found.domain[place]]
        yield Finding(
            int(found.event[place]),
            RULE,
            f"{one.topology_key}={name} has {found.count[place]}, the emptiest {least[place]}: "
            f"skew {skew[place]} of at most {most[place]}",
        )


def _missing_keys(scene: Scene, bundle: Bundle, keys: tuple[str, ...]) -> Iterator[Finding]:
    nodes = scene.timeline.node[bundle.events]
    for key in keys:
        for place in np.flatnonzero(scene.facts.domains(key).codes[nodes] < 0).tolist():
            yield Finding(int(bundle.events[place]), RULE, f"the node has no label {key}")


def ask(
    scene: Scene,
    tally: Tally,
    masks: dict[Any, Mask],
    bundle: Bundle,
    constraint: SpreadConstraint,
    keys: tuple[str, ...],
) -> bool:
    """Puts a constraint's question to the tally; returns whether the pod matches its own selector."""
    added = own_values(bundle.labels, constraint.match_label_keys, "In")
    pods = scene.facts.pods
    codes = tuple(int(pods[field].codes[bundle.pod]) for field in SEES)
    mark = (codes, keys, constraint.node_affinity_policy, constraint.node_taints_policy)
    if mark not in masks:
        masks[mark] = _eligible(scene.facts, bundle.pod, constraint, keys)
    members = scene.facts.identities.of_spread(constraint.selector, bundle.namespace, added)
    tally.ask(constraint.topology_key, bundle.events, members, eligible=masks[mark])
    return constraint.selector is not None and constraint.selector.matches(bundle.labels)


def _eligible(facts: Facts, pod: int, constraint: SpreadConstraint, keys: tuple[str, ...]) -> Mask:
    """(nodes,) on which a constraint counts."""
    mask: Mask = np.ones(len(facts.nodes), bool)
    for key in keys:
        mask &= facts.domains(key).codes >= 0
    if constraint.node_affinity_policy == "Honor":
        mask &= facts.affinity(facts.pods["node_selector"][pod], facts.pods["node_affinity"][pod])
    if constraint.node_taints_policy == "Honor":
        mask &= facts.untainted(facts.pods["tolerations"][pod])
    return mask
