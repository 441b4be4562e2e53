"""Which rules reject a pod, node by node: the list of the rules, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from placer.explaining import group, load, static, volumes
from placer.explaining.others import Mask
from placer.explaining.rejection import Rejection
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.rule import Reason, Rule

RULES = {**static.RULES, **load.RULES, **volumes.RULES, **group.RULES}
"""Each rule and its name, in the order in which they are asked."""


def rejections(state: State, pod: Subject, nodes: Mask | None = None) -> list[Rejection]:
    """
    All rules that reject some node, in the order of :class:`Rule`.

    Parameters
    ----------
    nodes
        The only nodes of interest, where the caller knows them: units are looked at there only.
    """
    looked_at = np.ones(state.count, bool) if nodes is None else nodes
    found = [said for rule in RULES if (said := rule(state, pod, looked_at)) is not None]
    return [said for said in found if said.rejects.any()]


def accepting(state: State, pod: Subject, nodes: Mask, only: Collection[Rule] | None = None) -> Mask:
    """
    (nodes,) those that no rule rejects, among the nodes of interest.

    Parameters
    ----------
    only
        The only rules asked; all by default.
    """
    accepted = nodes.copy()
    for rule, names in RULES.items():
        if accepted.any() and (only is None or names in only):
            said = rule(state, pod, accepted)
            if said is not None:
                accepted &= ~said.rejects
    return accepted


def first_rules(found: list[Rejection], count: int) -> np.ndarray:
    """(nodes,) place in ``found`` of the first rule that rejects a node, -1 for none."""
    first = np.full(count, -1, np.int32)
    for place in range(len(found) - 1, -1, -1):
        first[found[place].rejects] = place
    return first


def summarise(found: list[Rejection], count: int) -> list[Reason]:
    """Reasons counted by node; each node counts for the first rule that rejects it, once for each of its words."""
    first = first_rules(found, count)
    reasons = []
    for place, said in enumerate(found):
        for words, mask in said.parts.items():
            nodes = int((mask & (first == place)).sum())
            if nodes:
                reasons.append(Reason(said.rule.name, words, nodes))
    return reasons
