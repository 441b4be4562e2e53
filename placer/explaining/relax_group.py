"""The smallest changes to a pod's rules on groups and domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from placer.explaining.group import group, hard_constraints, measure, with_the_pod
from placer.explaining.problem import Problem, Relaxed, least_raise, smallest_part
from placer.model.pod import Pod
from placer.model.rule import Rule


def _replaced(rules: tuple[Any, ...], changes: dict[int, Any]) -> tuple[Any, ...]:
    """The rules with some replaced, or left out where ``None``."""
    return tuple(new for place, rule in enumerate(rules) if (new := changes.get(place, rule)) is not None)


def _places(items: tuple[Any, ...]) -> list[int]:
    return list(range(len(items)))


def spread(problem: Problem) -> Iterator[Relaxed]:
    """The smallest max_skew that fits; where only the label is missing, the fewest constraints dropped."""
    state, pod = problem.state, problem.asked.pod
    rules, hard = pod.topology_spread, hard_constraints(pod)
    nodes = problem.open_but((Rule.PodTopologySpread,)).copy() if hard else state.everywhere
    if not nodes.any():
        return
    keys = [rule.topology_key for rule in hard]
    keyed = np.logical_and.reduce([state.domains(key).codes >= 0 for key in keys])
    raises = [np.maximum(measure(state, pod, rule, keys).skew - rule.max_skew, 0) for rule in hard]
    node = least_raise(raises, nodes & keyed)
    places = [place for place, rule in enumerate(rules) if rule.when_unsatisfiable == "DoNotSchedule"]
    if node is not None:
        changes = {
            place: rules[place].model_copy(update={"max_skew": rules[place].max_skew + int(amounts[node])})
            for place, amounts in zip(places, raises, strict=True)
            if amounts[node]
        }
        changed = pod.model_copy(update={"topology_spread": _replaced(rules, changes)})
        text = ", ".join(f"{rule.topology_key} to {rule.max_skew}" for rule in changes.values())
        if changes and problem.fits(changed):
            yield Relaxed(f"raise max_skew of the spread over {text}", changed)
            return

    def dropping(dropped: frozenset[int]) -> Pod:
        return pod.model_copy(update={"topology_spread": _replaced(rules, dict.fromkeys(dropped))})

    chosen = smallest_part(places, dropping, problem)
    if chosen:
        text = ", ".join(rules[place].topology_key for place in sorted(chosen))
        yield Relaxed(f"drop the spread over {text}", dropping(chosen))


def _drop_terms(problem: Problem, name: str, words: str, rule: Rule) -> Iterator[Relaxed]:
    """The fewest terms of one field dropped."""
    pod = problem.asked.pod
    terms = getattr(pod, name)
    if not terms or not problem.open_but((rule,)).any():
        return

    def dropping(dropped: frozenset[int]) -> Pod:
        return pod.model_copy(update={name: _replaced(terms, dict.fromkeys(dropped))})

    chosen = smallest_part(_places(terms), dropping, problem)
    if chosen:
        text = ", ".join(str(getattr(terms[place], "topology_key", terms[place])) for place in sorted(chosen))
        yield Relaxed(f"drop {words} {text}", dropping(chosen))


def affinity(problem: Problem) -> Iterator[Relaxed]:
    """The fewest affinity terms dropped."""
    return _drop_terms(problem, "pod_affinity", "the pod affinity over", Rule.InterPodAffinity)


def anti_affinity(problem: Problem) -> Iterator[Relaxed]:
    """The fewest anti-affinity terms dropped."""
    return _drop_terms(problem, "pod_anti_affinity", "the pod anti-affinity over", Rule.InterPodAffinity)


def apart(problem: Problem) -> Iterator[Relaxed]:
    """The fewest pods no longer kept apart from."""
    return _drop_terms(problem, "apart_from", "apart_from", Rule.ApartFrom)


def limits(problem: Problem) -> Iterator[Relaxed]:
    """The smallest at_most that fits."""
    pod = problem.asked.pod
    rules = pod.domain_limits
    nodes = problem.open_but((Rule.DomainLimit,)) if rules else problem.state.everywhere
    counts = [with_the_pod(problem.state, pod, rule.selector, rule.topology_key) for rule in rules]
    raises = [np.maximum(count - rule.at_most, 0) for rule, count in zip(rules, counts, strict=True)]
    node = least_raise(raises, nodes)
    if node is None:
        return
    changes = {
        place: rules[place].model_copy(update={"at_most": int(counts[place][node])})
        for place in _places(rules)
        if raises[place][node]
    }
    changed = pod.model_copy(update={"domain_limits": _replaced(rules, changes)})
    if changes and problem.fits(changed):
        text = ", ".join(f"{rule.at_most} a {rule.topology_key}" for rule in changes.values())
        yield Relaxed(f"allow {text}", changed)


def distinct(problem: Problem) -> Iterator[Relaxed]:
    """The largest at_least that fits; a rule that would need less than two domains is dropped."""
    state, pod = problem.state, problem.asked.pod
    rules = pod.distinct_domains
    if not rules or not problem.open_but((Rule.DistinctDomains,)).any():
        return
    used = [int((state.counts(group(state.others, pod, rule.selector), rule.topology_key) > 0).sum()) for rule in rules]
    lowered = {
        place: rule.model_copy(update={"at_least": most}) if most >= 2 else None
        for place, (rule, most) in enumerate(zip(rules, used, strict=True))
        if most < rule.at_least
    }

    def lowering(chosen: frozenset[int]) -> Pod:
        changes = {place: lowered[place] for place in chosen}
        return pod.model_copy(update={"distinct_domains": _replaced(rules, changes)})

    def dropping(chosen: frozenset[int]) -> Pod:
        return pod.model_copy(update={"distinct_domains": _replaced(rules, dict.fromkeys(chosen))})

    chosen = smallest_part(list(lowered), lowering, problem)
    if chosen:
        parts = (
            f"ask for {new.at_least} distinct {rules[place].topology_key}"
            if (new := lowered[place]) is not None
            else f"drop distinct {rules[place].topology_key}"
            for place in sorted(chosen)
        )
        yield Relaxed(", ".join(parts), lowering(chosen))
        return
    chosen = smallest_part(_places(rules), dropping, problem)
    if chosen:
        text = ", ".join(rules[place].topology_key for place in sorted(chosen))
        yield Relaxed(f"drop distinct {text}", dropping(chosen))


def shares(problem: Problem) -> Iterator[Relaxed]:
    """The fewest hard shares made soft."""
    pod = problem.asked.pod
    rules = pod.domain_shares
    places = [place for place, rule in enumerate(rules) if rule.hard]
    if not places or not problem.open_but((Rule.DomainShares,)).any():
        return

    def softening(chosen: frozenset[int]) -> Pod:
        changes = {place: rules[place].model_copy(update={"hard": False}) for place in chosen}
        return pod.model_copy(update={"domain_shares": _replaced(rules, changes)})

    chosen = smallest_part(places, softening, problem)
    if chosen:
        text = ", ".join(rules[place].topology_key for place in sorted(chosen))
        yield Relaxed(f"make the shares over {text} soft", softening(chosen))
