"""DomainLimit, DistinctDomains and DomainShares: how many pods of a group a domain takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from placer.checks.facts import Facts
from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.checks.tally import Answers, Tally
from placer.model.relation import DistinctDomains, DomainLimit, DomainShares
from placer.model.rule import Rule


def check_limits(scene: Scene) -> Iterator[Finding]:
    """At most ``at_most`` pods of the group in a domain, this pod counted as one more; without the key all is well."""
    tally = Tally(scene)
    asked: list[DomainLimit] = []
    for bundle in scene.bundles("domain_limits"):
        for rule in bundle.rules:
            members = scene.facts.identities.of_group(rule.selector, bundle.namespace, bundle.labels)
            tally.ask(rule.topology_key, bundle.events, members)
            asked.append(rule)
    found = tally.answers()
    most = np.array([rule.at_most for rule in asked], np.int64)[found.question]
    for place in np.flatnonzero((found.domain >= 0) & (found.count + 1 > most)).tolist():
        yield Finding(
            int(found.event[place]),
            Rule.DomainLimit.name,
            f"{_domain(scene.facts, asked[found.question[place]].topology_key, found, place)} would have "
            f"{found.count[place] + 1} of at most {most[place]}",
        )


def check_distinct(scene: Scene) -> Iterator[Finding]:
    """Until ``at_least`` domains hold a pod of the group, a pod goes only to one that holds none; the key is needed."""
    tally = Tally(scene)
    asked: list[DistinctDomains] = []
    for bundle in scene.bundles("distinct_domains"):
        for rule in bundle.rules:
            members = scene.facts.identities.of_group(rule.selector, bundle.namespace, bundle.labels)
            tally.ask(rule.topology_key, bundle.events, members)
            asked.append(rule)
    found = tally.answers()
    wanted = np.array([rule.at_least for rule in asked], np.int64)[found.question]
    for place in np.flatnonzero((found.domain < 0) | ((found.used < wanted) & (found.count > 0))).tolist():
        yield Finding(
            int(found.event[place]),
            Rule.DistinctDomains.name,
            f"{_domain(scene.facts, asked[found.question[place]].topology_key, found, place)} has "
            f"{found.count[place]}, {found.used[place]} domains in use of at least {wanted[place]}",
        )


def check_shares(scene: Scene) -> Iterator[Finding]:
    """A domain takes at most its share of the group; without the key, or a share, none."""
    tally = Tally(scene)
    asked: list[DomainShares] = []
    start_of: list[int] = []
    starts: dict[tuple[str, tuple[tuple[str, int], ...], int], int] = {}
    most_of = [0]
    for bundle in scene.bundles("domain_shares"):
        for rule in bundle.rules:
            if rule.hard:
                members = scene.facts.identities.of_group(rule.selector, bundle.namespace, bundle.labels)
                tally.ask(rule.topology_key, bundle.events, members)
                asked.append(rule)
                total = int(scene.facts.placeable[members].sum())
                mark = (rule.topology_key, tuple(sorted(rule.shares.items())), total)
                if mark not in starts:
                    starts[mark] = len(most_of)
                    most_of += allowed(scene.facts, rule, total)
                start_of.append(starts[mark])
    found = tally.answers()
    place_of = np.where(found.domain < 0, 0, np.array(start_of, np.int64)[found.question] + found.domain)
    most = np.array(most_of, np.int64)[place_of]
    for place in np.flatnonzero(found.count + 1 > most).tolist():
        yield Finding(
            int(found.event[place]),
            Rule.DomainShares.name,
            f"{_domain(scene.facts, asked[found.question[place]].topology_key, found, place)} would have "
            f"{found.count[place] + 1} of at most {most[place]}",
        )


def allowed(facts: Facts, rule: DomainShares, total: int) -> list[int]:
    """How many of ``total`` pods of the group each domain takes."""
    whole = sum(rule.shares.values())
    return [-(-total * rule.shares.get(name, 0) // whole) for name in facts.domains(rule.topology_key).names]


def _domain(facts: Facts, key: str, found: Answers, place: int) -> str:
    domain = found.domain[place]
    return f"{key}={facts.domains(key).names[domain]}" if domain >= 0 else f"the node without {key}"
