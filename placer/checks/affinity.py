"""InterPodAffinity: pods to stand with, and pods to stand apart from, in one domain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from placer.checks.finding import Finding
from placer.checks.scene import Events, Scene
from placer.checks.tally import Integers, Tally
from placer.model.rule import Rule

RULE = Rule.InterPodAffinity.name
MOST_QUERIES = 4_000_000


def check(scene: Scene) -> Iterator[Finding]:
    """Required affinity, then anti-affinity both ways; one finding an arrival and way."""
    yield from check_affinity(scene)
    yield from check_anti_affinity(scene)


def check_affinity(scene: Scene) -> Iterator[Finding]:
    """
    All terms hold at once, by pods that match all of them.

    Where no such pod stands in a domain of any term, a pod that matches its own terms is the first of its group and
    only needs the keys.
    """
    tally = Tally(scene)
    keys: list[str] = []
    itself: list[bool] = []
    for bundle in scene.bundles("pod_affinity"):
        identities = scene.facts.identities
        groups = [identities.of_term(term, bundle.namespace, bundle.labels) for term in bundle.rules]
        members = groups[0]
        for group in groups[1:]:
            members = np.intersect1d(members, group)
        own = all(identities.meant_by(term, bundle.namespace, bundle.labels) for term in bundle.rules)
        for term in bundle.rules:
            tally.ask(term.topology_key, bundle.events, members)
            keys.append(term.topology_key)
            itself.append(own)
    found = tally.answers()
    some_stand = np.zeros(len(scene.timeline), bool)
    some_stand[found.event[found.total > 0]] = True
    first = np.array(itself, bool)[found.question] & ~some_stand[found.event]
    broken = (found.domain < 0) | ((found.count == 0) & ~first)
    for place in _one_each(found.event, broken):
        key = keys[found.question[place]]
        if found.domain[place] < 0:
            yield Finding(int(found.event[place]), RULE, f"the node has no label {key}")
            continue
        name = scene.facts.domains(key).names[found.domain[place]]
        elsewhere = found.total[place]
        yield Finding(
            int(found.event[place]),
            RULE,
            f"{key}={name} has 0 of at least 1 pod that its affinity asks for, {elsewhere} stand elsewhere",
        )


def check_anti_affinity(scene: Scene) -> Iterator[Finding]:
    """No pod of the domain matches a term of the pod, and none has a term that the pod matches."""
    tally = Tally(scene)
    labels: list[tuple[str, bool]] = []
    for (key, _), (members, carriers) in _terms(scene).items():
        carrying = np.sort(np.concatenate(carriers))
        arriving = carrying[scene.timeline.checked[carrying]]
        meant = scene.events_of(members)
        tally.ask(key, arriving, members)
        tally.ask(key, meant[scene.timeline.checked[meant]], carrying, by_identity=False)
        labels += [(key, True), (key, False)]
        if tally.queries > MOST_QUERIES:
            yield from _judge(scene, tally, labels)
            tally, labels = Tally(scene), []
    yield from _judge(scene, tally, labels)


def _terms(scene: Scene) -> dict[tuple[str, bytes], tuple[Integers, list[Events]]]:
    """Distinct terms by key and pods meant, with those and the events of the pods that carry them."""
    terms: dict[tuple[str, bytes], tuple[Integers, list[Events]]] = {}
    for bundle in scene.bundles("pod_anti_affinity", checked=False):
        for mark, members in {
            (term.topology_key, members.tobytes()): members
            for term in bundle.rules
            if len(members := scene.facts.identities.of_term(term, bundle.namespace, bundle.labels))
        }.items():
            terms.setdefault(mark, (members, []))[1].append(bundle.events)
    return terms


def _judge(scene: Scene, tally: Tally, labels: list[tuple[str, bool]]) -> Iterator[Finding]:
    found = tally.answers()
    for place in _one_each(found.event, (found.domain >= 0) & (found.count > 0)):
        key, own = labels[found.question[place]]
        name = scene.facts.domains(key).names[found.domain[place]]
        who = "that its anti-affinity keeps away" if own else "whose anti-affinity keeps it away"
        yield Finding(int(found.event[place]), RULE, f"{key}={name} has {found.count[place]} of at most 0 pods {who}")


def _one_each(event: Events, broken: NDArray[np.bool_]) -> list[int]:
    """The first broken row of each event."""
    rows = np.flatnonzero(broken)
    return [int(row) for row in rows[np.unique(event[rows], return_index=True)[1]]]
