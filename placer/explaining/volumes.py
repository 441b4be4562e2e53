"""Rules on where volumes are: whether the node reaches them, and lies in their zones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placer.explaining.others import Mask
from placer.explaining.rejection import Rejection
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.rule import WORDS, Rule
from placer.model.selector import Requirement
from placer.model.volume import ZONE_KEYS, Volume


def topology(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """For each volume with a topology, one of its terms matches the node."""
    return _each(pod, Rule.VolumeBinding, lambda v: state.affinity({}, v.topology) if v.topology else None)


def zones(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """A node with any label of zone or region has those of each volume."""

    def here(volume: Volume) -> Mask | None:
        if not volume.zones:
            return None
        labelled = {key: state.requirement(Requirement(key=key, operator="Exists")) for key in ZONE_KEYS}
        inside = np.ones(state.count, bool)
        for key, values in volume.zones.items():
            own, today = (
                state.requirement(Requirement(key=name, operator="In", values=values)) for name in (key, ZONE_KEYS[key])
            )
            inside &= own | (~labelled[key] & today)
        told: Mask = np.logical_or.reduce(list(labelled.values()))
        return inside | ~told

    return _each(pod, Rule.VolumeZone, here)


def _each(pod: Subject, rule: Rule, passes: Callable[[Volume], Mask | None]) -> Rejection | None:
    """What a rule says of each of the pod's volumes that it is about."""
    masks = {volume.name: mask for volume in pod.pod.volumes if (mask := passes(volume)) is not None}
    if not masks:
        return None

    def detail(node: int) -> str:
        return f"{WORDS[rule]}: {', '.join(name for name, mask in masks.items() if not mask[node])}"

    return Rejection(rule, {WORDS[rule]: ~np.logical_and.reduce(list(masks.values()))}, detail)


RULES = {topology: Rule.VolumeBinding, zones: Rule.VolumeZone}
