"""Claims that wait: what each is bound to with the first pod that is placed, and what that has against later pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.checks.timeline import BINDING
from placer.model.rule import Rule
from placer.model.selector import NodeSelectorTerm
from placer.model.volume import Offer, Volume

Key = tuple[str, str]


class Decided(NamedTuple):
    """What a claim is bound to: a volume, or ``None`` for one that is made on the node."""

    volume: Offer | None
    node: int


def check(scene: Scene) -> Iterator[Finding]:
    """VolumeBinding of volumes that wait, binding by binding; pods that stand in the input decide nothing."""
    timeline, pods = scene.timeline, scene.facts.pods
    if not timeline.ordered or not any(v.waiting for volumes in pods["volumes"].values for v in volumes):
        return
    decided: dict[Key, Decided] = {}
    for event in scene.carriers("volumes").tolist():
        row, node = int(timeline.pod[event]), int(timeline.node[event])
        mine = {(pods["namespace"][row], volume.name): volume for volume in pods["volumes"][row] if volume.waiting}
        yield from _against(scene, event, {key: decided[key] for key in mine if key in decided})
        if timeline.source[event] == BINDING:
            yield from _decide(scene, event, node, mine, decided)


def _against(scene: Scene, event: int, known: Mapping[Key, Decided]) -> Iterator[Finding]:
    """What decided claims have against the node."""
    node, names = int(scene.timeline.node[event]), scene.facts.nodes.names
    for (_, name), (volume, where) in known.items():
        text = ""
        if volume is None and where != node:
            text = f"volume {name} is made on {names[where]}, and reached from 0 other nodes"
        if volume is not None and not _reaches(scene, volume.topology, node):
            text = f"volume {name} is bound to {volume.name}, of whose {len(volume.topology)} terms the node matches 0"
        if text:
            yield Finding(event, Rule.VolumeBinding.name, text)


def _reaches(scene: Scene, terms: Sequence[NodeSelectorTerm], node: int) -> bool:
    labels, name = scene.facts.cluster.node_labels(node), scene.facts.nodes.names[node]
    return not terms or any(term.matches(labels, name) for term in terms)


def _decide(
    scene: Scene, event: int, node: int, mine: Mapping[Key, Volume], decided: dict[Key, Decided]
) -> Iterator[Finding]:
    """Binds the claims that are not bound yet, in their order; and holds the binding to it, where it says."""
    said = scene.claims.get(int(scene.timeline.line[event]), {})
    for key, volume in mine.items():
        if key not in decided:
            taken = {one.volume.name for one in decided.values() if one.volume}
            offers = volume.waiting.offers if volume.waiting else ()
            free = (offer for offer in offers if offer.name not in taken and _reaches(scene, offer.topology, node))
            found = next(free, None)
            if found is None and not _makes(scene, volume, node):
                text = f"volume {volume.name} has {len(offers)} offers, of which 0 will do, and none is made there"
                yield Finding(event, Rule.VolumeBinding.name, text)
                continue
            decided[key] = Decided(found, node)
        bound = decided[key].volume
        name = bound.name if bound else ""
        if said and said.get(volume.name) != name:
            text = f"volume {volume.name} would be bound to {name or 'one that is made'}, not {said.get(volume.name)!r}"
            yield Finding(event, Rule.VolumeBinding.name, text)


def _makes(scene: Scene, volume: Volume, node: int) -> bool:
    """Whether a volume can be made for a claim on a node."""
    return volume.waiting is not None and volume.waiting.provisions and _reaches(scene, volume.waiting.topology, node)
