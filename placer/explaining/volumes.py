"""Rules on where volumes are: whether the node reaches them, and lies in their zones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from placer.explaining.others import Mask
from placer.explaining.rejection import Rejection
from placer.explaining.state import State
from placer.explaining.subject import Subject
from placer.model.rule import OTHER_WORDS, WORDS, Rule
from placer.model.selector import Requirement
from placer.model.volume import ZONE_KEYS


def binding(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """Each volume's topology matches the node, and claims that wait find a volume, or one is made."""
    reached = {volume.name: volume.topology for volume in pod.pod.volumes if volume.topology}
    out = {name: ~state.affinity({}, terms) for name, terms in reached.items()}
    none = not_found(state, pod)
    if not out and not none:
        return None
    words, other = WORDS[Rule.VolumeBinding], OTHER_WORDS[Rule.VolumeBinding]
    pairs = ((words, out), (other, none))
    parts = {text: np.logical_or.reduce([state.everywhere, *masks.values()]) for text, masks in pairs}

    def detail(node: int) -> str:
        said = []
        for text, masks in pairs:
            names = ", ".join(name for name, mask in masks.items() if mask[node])
            said += [f"{text}: {names}"] if names else []
        return "; ".join(said)

    return Rejection(Rule.VolumeBinding, parts, detail)


def not_found(state: State, pod: Subject) -> dict[str, Mask]:
    """Claim → (nodes,) where it has no volume, finds none and none is made; several choose one after the other."""
    held = {volume for volume, _ in state.claims.values() if volume}
    picked: dict[str, Mask] = {}
    found = {}
    for name, waiting in {volume.name: volume.waiting for volume in pod.pod.volumes if volume.waiting}.items():
        served = state.everywhere.copy()
        if (pod.pod.namespace, name) in state.claims:
            volume, node = state.claims[pod.pod.namespace, name]
            bound = [offer for offer in waiting.offers if offer.name == volume]
            served[node] = True
            found[name] = ~(state.affinity({}, bound[0].topology) if bound else served)
            continue
        for offer in waiting.offers:
            if offer.name not in held:
                taken = picked.setdefault(offer.name, state.everywhere.copy())
                here = state.affinity({}, offer.topology) & ~taken & ~served
                taken |= here
                served |= here
        if waiting.provisions:
            served |= state.affinity({}, waiting.topology)
        found[name] = ~served
    return found


def zones(state: State, pod: Subject, nodes: Mask) -> Rejection | None:
    """A node with any label of zone or region has those of each volume."""
    lies = {volume.name: volume.zones for volume in pod.pod.volumes}
    masks = {name: _inside(state, where) for name, where in lies.items() if where}
    if not masks:
        return None
    words = WORDS[Rule.VolumeZone]

    def detail(node: int) -> str:
        return f"{words}: {', '.join(name for name, mask in masks.items() if not mask[node])}"

    return Rejection(Rule.VolumeZone, {words: ~np.logical_and.reduce(list(masks.values()))}, detail)


def _inside(state: State, zones: Mapping[str, tuple[str, ...]]) -> Mask:
    """(nodes,) in the zones and regions, or without any label of them."""
    labelled = {key: state.requirement(Requirement(key=key, operator="Exists")) for key in ZONE_KEYS}
    inside = np.ones(state.count, bool)
    for key, values in zones.items():
        own, today = (
            state.requirement(Requirement(key=name, operator="In", values=values)) for name in (key, ZONE_KEYS[key])
        )
        inside &= own | (~labelled[key] & today)
    told: Mask = np.logical_or.reduce(list(labelled.values()))
    return inside | ~told


RULES = {binding: Rule.VolumeBinding, zones: Rule.VolumeZone}
