"""
The hard rules as constraints: one method a rule, its docstring the rule in words.

Rules between pods bind when a pod arrives. What is written here holds of the final state for every order in which all
bindings are legal; :mod:`placer.packing.arrange` then looks for such an order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from placer.kernels.terms import AFFINITY, AT_MOST, AT_MOST_BY_DOMAIN, DISTINCT, SKEW
from placer.packing.case import Case, Rule
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


class Carried(NamedTuple):
    """A variable of a class that carries a rule, on a node of the domain looked at; whether its pods count there."""

    pod_class: int
    variable: Any
    rule: Rule
    counted: bool


class Constraints:
    """Adds the rules of a case to a model."""

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables) -> None:
        self.model, self.case, self.variables = model, case, variables
        self._least: dict[tuple[int, int], Any] = {}

    def add(self) -> None:
        """All of them."""
        self.placed_once()
        self.used()
        self.amounts()
        self.shared_volumes()
        self.growing_counts()
        self.apart()
        self.affinity()
        self.distinct_domains()

    def placed_once(self) -> None:
        """No more pods of an item are placed than there are."""
        for index, item in enumerate(self.case.items):
            listed = self.variables.of(index)
            if item.pods == 1:
                self.model.add_at_most_one(listed)
            elif listed:
                self.model.add(sum(listed) <= item.pods)

    def used(self) -> None:
        """A node that holds a pod is used."""
        for node, items in enumerate(self.variables.at):
            if not isinstance(self.variables.used[node], int):
                for index in items:
                    self.variables.bind(self.variables.x[index, node], self.variables.used[node])

    def amounts(self) -> None:
        """What the pods of a node ask for is at most what the node has free; of a node not used, nothing."""
        need, free = self.case.problem.classes.need, self.case.state.free
        for node, items in enumerate(self.variables.at):
            for resource in range(len(free)):
                asking = [(index, int(need[self.case.items[index].pod_class, resource])) for index in items]
                parts = [amount * self.variables.x[index, node] for index, amount in asking if amount]
                most = sum(amount * self.variables.most(self.variables.x[index, node]) for index, amount in asking)
                if parts and most > free[resource, node]:
                    self.model.add(sum(parts) <= int(free[resource, node]) * self.variables.used[node])

    def shared_volumes(self) -> None:
        """A volume that several pods share is attached once to a node; all attached are at most the limit."""
        free = self.case.state.free
        for node, items in enumerate(self.variables.at):
            fresh: dict[int, dict[int, list[Any]]] = {}
            volumes: Counter[tuple[int, int]] = Counter()
            for index in items:
                for (resource, counter), count in self._brings(index, node).items():
                    fresh.setdefault(resource, {}).setdefault(counter, []).append(self.variables.x[index, node])
                    volumes[resource, counter] = count
            for resource, holders in fresh.items():
                private = [
                    int(self.case.problem.classes.need[self.case.items[index].pod_class, resource])
                    * self.variables.x[index, node]
                    for index in items
                ]
                shared = [volumes[resource, each] * self.variables.cover(listed) for each, listed in holders.items()]
                self.model.add(sum(private) + sum(shared) <= max(0, int(free[resource, node])))

    def _brings(self, index: int, node: int) -> Counter[tuple[int, int]]:
        """How many volumes an item shares with each group of holders that none of the node's standing pods has."""
        classes, pod_class = self.case.problem.classes, self.case.items[index].pod_class
        rows = slice(classes.volume_start[pod_class], classes.volume_start[pod_class + 1])
        pairs = zip(classes.volume_resource[rows].tolist(), classes.volume_counter[rows].tolist(), strict=True)
        return Counter(pair for pair in pairs if not self.case.standing[pair[1]][self.case.domain(pair[1])[node]])

    def growing_counts(self) -> None:
        """
        Before one more pod, the domain holds at most so many of the group; for skew, beside the least of all domains.

        The pod that arrives last of those whose limit is at most b, and that count themselves, meets all the others.
        """
        groups: dict[tuple[int, int], dict[int, Rule]] = {}
        for pod_class in {item.pod_class for item in self.case.items}:
            for rule in self.case.rules[pod_class]:
                if rule.kind in (AT_MOST, AT_MOST_BY_DOMAIN, SKEW):
                    mark = rule.counter, rule.fewest if rule.kind == SKEW else -1
                    known = groups.setdefault(mark, {}).get(pod_class)
                    tighter = rule if known is None else known._replace(limit=np.minimum(known.limit, rule.limit))
                    groups[mark][pod_class] = tighter
        for (counter, fewest), rules in groups.items():
            least = 0 if fewest < 0 else self.least(counter, fewest)
            for domain, carried in self._by_domain(counter, rules):
                self._grows(int(self.case.standing[counter][domain]), domain, carried, least)

    def _by_domain(self, counter: int, rules: dict[int, Rule]) -> Iterator[tuple[int, list[Carried]]]:
        """Domain by domain, the variables of the classes that carry these rules."""
        domain_of = self.case.domain(counter)
        found: dict[int, list[Carried]] = {}
        for (index, node), variable in self.variables.x.items():
            pod_class = self.case.items[index].pod_class
            if pod_class in rules and domain_of[node] >= 0:
                counted = bool(self.case.members[counter, pod_class] and self.case.counts_on[counter, node])
                carried = Carried(pod_class, variable, rules[pod_class], counted)
                found.setdefault(int(domain_of[node]), []).append(carried)
        yield from found.items()

    def _grows(self, standing: int, domain: int, carried: list[Carried], least: Any) -> None:
        for bound in sorted({int(each.rule.limit[domain]) for each in carried}):
            mine = [each.variable for each in carried if int(each.rule.limit[domain]) == bound]
            if standing > bound:
                self.model.add(least >= standing - bound).only_enforce_if(self.variables.cover(mine))
            counted = [each.variable for each in carried if each.counted and int(each.rule.limit[domain]) <= bound]
            most = sum(self.variables.most(variable) for variable in counted)
            if not counted or most <= bound + 1 - standing:
                continue
            limit = self.model.add(sum(counted) <= bound + 1 - standing + least)
            if bound + 1 < standing:
                limit.only_enforce_if(self.variables.cover(counted))

    def least(self, counter: int, fewest: int) -> Any:
        """The least count over the domains that count, or less; 0 where they are fewer than ``fewest``."""
        if (counter, fewest) not in self._least:
            self._least[counter, fewest] = least_of(self.model, self.case, self.variables, counter, fewest)
        return self._least[counter, fewest]

    def apart(self) -> None:
        """Two classes of which each keeps the other out of its domain, whoever comes first, share none."""
        for key in {self.case.key(counter) for counter in range(len(self.case.members))}:
            domain_of = self.case.problem.nodes.domain[key]
            for domain in np.unique(domain_of[domain_of >= 0]).tolist():
                here: dict[int, list[Any]] = {}
                for node in np.flatnonzero(domain_of == domain).tolist():
                    for index in self.variables.at[node]:
                        here.setdefault(self.case.items[index].pod_class, []).append(self.variables.x[index, node])
                self._exclude(here, self._mutual(key, domain, sorted(here)))

    def _mutual(self, key: int, domain: int, classes: list[int]) -> dict[int, set[int]]:
        """Per class those that it cannot share the domain with."""
        blocks: dict[int, set[int]] = {}
        for pod_class in classes:
            for rule in self.case.rules[pod_class]:
                if rule.kind not in (AT_MOST, AT_MOST_BY_DOMAIN) or self.case.key(rule.counter) != key:
                    continue
                if self.case.standing[rule.counter][domain] >= rule.limit[domain]:
                    others = np.flatnonzero(self.case.members[rule.counter])
                    blocks.setdefault(pod_class, set()).update(others.tolist())
        return {
            pod_class: {other for other in others if other != pod_class and pod_class in blocks.get(other, ())}
            for pod_class, others in blocks.items()
        }

    def _exclude(self, here: dict[int, list[Any]], mutual: dict[int, set[int]]) -> None:
        """Of each clique of classes that exclude one another, one has pods in the domain."""
        left = {(a, b) for a, others in mutual.items() for b in others if a < b and a in here and b in here}
        while left:
            clique = list(min(left))
            for other in sorted(here):
                if other not in clique and all(other in mutual.get(each, ()) for each in clique):
                    clique.append(other)
            left -= {(a, b) for a in clique for b in clique}
            self.model.add_at_most_one(self.variables.cover(here[pod_class]) for pod_class in clique)

    def affinity(self) -> None:
        """
        The first pod of a group in a domain is one that does not ask for the group, or the first of the group at all.

        The latter only where none of the group stands anywhere, and by a pod of the group itself.
        """
        carriers: dict[int, dict[int, Rule]] = {}
        for pod_class in {item.pod_class for item in self.case.items}:
            for rule in self.case.rules[pod_class]:
                if rule.kind == AFFINITY:
                    carriers.setdefault(rule.counter, {})[pod_class] = rule
        for counter, rules in carriers.items():
            first = []
            for domain, carried in self._by_domain(counter, rules):
                if not self.case.standing[counter][domain]:
                    first += self._follows(counter, domain, carried)
            self.model.add_at_most_one(first)

    def _follows(self, counter: int, domain: int, carried: list[Carried]) -> list[Any]:
        """Whoever is carried needs a pod there that does not; the literal that one of them is the first of all."""
        asks = {each.pod_class for each in carried}
        seeds = [
            variable
            for (index, node), variable in self.variables.x.items()
            if self.case.domain(counter)[node] == domain
            and self.case.counts_on[counter, node]
            and self.case.members[counter, self.case.items[index].pod_class]
            and self.case.items[index].pod_class not in asks
        ]
        starters = [each.variable for each in carried if each.counted and self._may_start(each.pod_class)]
        first = [self.model.new_bool_var("")] if starters else []
        for literal in first:
            self.model.add(sum(starters) >= 1).only_enforce_if(literal)
        self.model.add(sum(seeds) + sum(first) >= 1).only_enforce_if(
            self.variables.cover([each.variable for each in carried])
        )
        return first

    def _may_start(self, pod_class: int) -> bool:
        """Whether the first pod of its group may be of the class, wherever it wants."""
        stands = (
            self.case.standing[rule.counter].sum() for rule in self.case.rules[pod_class] if rule.kind == AFFINITY
        )
        return bool(self.case.problem.classes.self_affine[pod_class]) and not any(stands)

    def distinct_domains(self) -> None:
        """Until so many domains hold a pod of the group, a pod that asks for it is the first of its domain."""
        carriers: dict[tuple[int, int], dict[int, Rule]] = {}
        for pod_class in {item.pod_class for item in self.case.items}:
            for rule in self.case.rules[pod_class]:
                if rule.kind == DISTINCT:
                    carriers.setdefault((rule.counter, rule.fewest), {})[pod_class] = rule
        for (counter, fewest), rules in carriers.items():
            enough = self.model.new_bool_var("")
            self._holds(counter, fewest, enough)
            for domain, carried in self._by_domain(counter, rules):
                counted = [each.variable for each in carried if each.counted]
                if self.case.standing[counter][domain]:
                    self.variables.bind_all([each.variable for each in carried], enough)
                elif counted:
                    self.model.add(sum(counted) <= 1).only_enforce_if(~enough)

    def _holds(self, counter: int, fewest: int, enough: Any) -> None:
        """Where ``enough``, so many domains hold a pod of the group."""
        domain_of = self.case.domain(counter)
        here: dict[int, list[Any]] = {}
        for (index, node), variable in self.variables.x.items():
            if self.case.counts_on[counter, node] and self.case.members[counter, self.case.items[index].pod_class]:
                here.setdefault(int(domain_of[node]), []).append(variable)
        standing = self.case.standing[counter]
        held = []
        for domain, listed in here.items():
            if not standing[domain]:
                literal = self.model.new_bool_var("")
                self.model.add(sum(listed) >= 1).only_enforce_if(literal)
                held.append(literal)
        self.model.add(sum(held) + int((standing > 0).sum()) >= fewest).only_enforce_if(enough)


def least_of(model: cp_model.CpModel, case: Case, variables: Variables, counter: int, fewest: int) -> Any:
    """The least count of a counter over the domains that count, or less; 0 where they are fewer than ``fewest``."""
    if int(case.problem.counters.domains[counter]) < max(fewest, 1):
        return 0
    domain_of, counts_on = case.domain(counter), case.counts_on[counter]
    sums: dict[int, list[Any]] = {int(d): [] for d in np.unique(domain_of[counts_on])}
    for (index, node), variable in variables.x.items():
        if counts_on[node] and case.members[counter, case.items[index].pod_class]:
            sums[int(domain_of[node])].append(variable)
    pods = sum(item.pods for item in case.items)
    least = model.new_int_var(0, pods + int(case.standing[counter][[*sums]].min()), "")
    for domain, listed in sums.items():
        model.add(least <= int(case.standing[counter][domain]) + sum(listed))
    return least
