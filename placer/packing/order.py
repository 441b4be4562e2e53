"""
Who comes before whom: the rules between pods as they bind, on arrival.

Exact, and dear: for the classes only for which the rules of the final state were found not to be enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from placer.kernels.terms import AFFINITY, DISTINCT, SKEW
from placer.packing.case import Case, Rule
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


class Order:
    """
    Adds the order of arrival to a model, for the classes that the case names.

    Attributes
    ----------
    time
        Item → when its pod arrives.
    """

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables) -> None:
        self.model, self.case, self.variables = model, case, variables
        self.time: dict[int, Any] = {}
        self._before: dict[tuple[int, int], Any] = {}
        self._inside: dict[tuple[int, tuple[int, ...]], Any] = {}
        self._came: dict[tuple[int, int, tuple[int, ...]], Any] = {}

    def add(self) -> None:
        """All rules of these classes."""
        for index, item in enumerate(self.case.items):
            if item.pod_class in self.case.exact and self.variables.of(index):
                for rule in self.case.rules[item.pod_class]:
                    if rule.kind != AFFINITY:
                        self.arrives(index, rule)
                self.follows(index, [rule for rule in self.case.rules[item.pod_class] if rule.kind == AFFINITY])
        for index in range(len(self.case.items) - 1):
            alike = self.case.items[index].pod_class == self.case.items[index + 1].pod_class
            if alike and index in self.time and index + 1 in self.time:
                self.model.add(self.before(index, index + 1) == 1)

    def arrives(self, index: int, rule: Rule) -> None:
        """When the pod arrives, its domain holds at most so many of the group; or, for distinct domains, none yet."""
        standing = self.case.standing[rule.counter]
        least = self.least(index, rule) if rule.kind == SKEW else 0
        enough = self.enough(index, rule) if rule.kind == DISTINCT else None
        for domain, here in self.domains(index, rule.counter):
            came = sum(self.came(index, rule.counter, domain))
            if enough is not None:
                self.model.add(came + int(standing[domain]) <= 0).only_enforce_if(here, ~enough)
            else:
                most = int(rule.limit[domain] - standing[domain])
                self.model.add(came <= most + least).only_enforce_if(here)

    def least(self, index: int, rule: Rule) -> Any:
        """The least count over the domains that count when the pod arrives, or less."""
        if int(self.case.problem.counters.domains[rule.counter]) < max(rule.fewest, 1):
            return 0
        standing = self.case.standing[rule.counter]
        least = self.model.new_int_var(0, len(self.case.items) + int(standing.max()), "")
        domains = self.case.domain(rule.counter)[self.case.counts_on[rule.counter]]
        for domain in np.unique(domains).tolist():
            self.model.add(least <= int(standing[domain]) + sum(self.came(index, rule.counter, domain)))
        return least

    def enough(self, index: int, rule: Rule) -> Any:
        """A literal that so many domains hold a pod of the group when the pod arrives."""
        standing = self.case.standing[rule.counter]
        held = []
        for domain in np.flatnonzero(standing == 0).tolist():
            came = self.came(index, rule.counter, domain)
            if came:
                held.append(self.model.new_bool_var(""))
                self.model.add_bool_or(came).only_enforce_if(held[-1])
        enough = self.model.new_bool_var("")
        self.model.add(sum(held) + int((standing > 0).sum()) >= rule.fewest).only_enforce_if(enough)
        return enough

    def follows(self, index: int, rules: Sequence[Rule]) -> None:
        """When the pod arrives, its domains hold a pod of the group, or none stands anywhere and it is of the group."""
        first = self.model.new_bool_var("")
        standing = [self.case.standing[rule.counter] for rule in rules]
        if (
            any(counts.any() for counts in standing)
            or not self.case.problem.classes.self_affine[self.case.items[index].pod_class]
        ):
            self.model.add(first == 0)
        for rule, counts in zip(rules, standing, strict=True):
            for domain, here in self.domains(index, rule.counter):
                if not counts[domain]:
                    self.model.add_bool_or([first, *self.came(index, rule.counter, domain)]).only_enforce_if(here)
            nodes = tuple(np.flatnonzero(self.case.counts_on[rule.counter]).tolist())
            for other in self.others(index, rule.counter):
                if (inside := self.inside(other, nodes)) is not None:
                    self.model.add_bool_or([~first, ~inside, self.before(index, other)])

    def domains(self, index: int, counter: int) -> Iterator[tuple[int, Any]]:
        """Domains in which an item's pod may be, each with the literal that it is there."""
        domain_of = self.case.domain(counter)
        for domain in np.unique(domain_of[domain_of >= 0]).tolist():
            here = self.inside(index, tuple(np.flatnonzero(domain_of == domain).tolist()))
            if here is not None:
                yield domain, here

    def others(self, index: int, counter: int) -> list[int]:
        """Items other than this one that a counter counts."""
        members = self.case.members[counter]
        return [other for other, item in enumerate(self.case.items) if other != index and members[item.pod_class]]

    def came(self, index: int, counter: int, domain: int) -> list[Any]:
        """Of each pod of the group that may be in the domain: that it is, and came before this one."""
        nodes = np.flatnonzero((self.case.domain(counter) == domain) & self.case.counts_on[counter])
        chosen = tuple(nodes.tolist())
        found = []
        for other in self.others(index, counter):
            inside = self.inside(other, chosen)
            if inside is None:
                continue
            mark = other, index, chosen
            if mark not in self._came:
                both, before = self.model.new_bool_var(""), self.before(other, index)
                self.model.add_implication(both, inside)
                self.model.add_implication(both, before)
                self.model.add_bool_or([both, ~inside, ~before])
                self._came[mark] = both
            found.append(self._came[mark])
        return found

    def inside(self, index: int, nodes: tuple[int, ...]) -> Any:
        """A literal that the item's pod is on one of the nodes; ``None`` where it cannot."""
        listed = [self.variables.x[index, node] for node in nodes if (index, node) in self.variables.x]
        if len(listed) <= 1:
            return listed[0] if listed else None
        mark = index, nodes
        if mark not in self._inside:
            self._inside[mark] = self.model.new_bool_var("")
            self.model.add(sum(listed) == self._inside[mark])
        return self._inside[mark]

    def before(self, first: int, second: int) -> Any:
        """A literal that one item's pod comes before another's."""
        if first > second:
            return ~self.before(second, first)
        if (first, second) not in self._before:
            literal = self.model.new_bool_var("")
            self.model.add(self.when(first) + 1 <= self.when(second)).only_enforce_if(literal)
            self.model.add(self.when(second) + 1 <= self.when(first)).only_enforce_if(~literal)
            self._before[first, second] = literal
        return self._before[first, second]

    def when(self, index: int) -> Any:
        """When an item's pod arrives."""
        if index not in self.time:
            self.time[index] = self.model.new_int_var(0, len(self.case.items) - 1, "")
        return self.time[index]
