"""Wishes as parts of a level: what they lose on the final state, one method a kind, its docstring the rule in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from placer.kernels.terms import SOFT_ABSENT, SOFT_BY_DOMAIN, SOFT_COUNT, SOFT_SKEW
from placer.packing.case import Case
from placer.packing.constraints import least_of
from placer.packing.sums import Sum
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

PREFER = 2


class Wish(NamedTuple):
    """A soft term of a class."""

    pod_class: int
    kind: int
    counter: int
    bound: int
    offset: int
    member: int


class Count(NamedTuple):
    """Pods in one domain: those that stand, plus an expression of at most so many."""

    value: Any
    most: int

    def plus(self, pods: Any, most: int, times: int = 1) -> Count:
        """With more of them, each counted so many times."""
        return Count(self.value + times * pods, self.most + times * most)


NONE = Count(0, 0)


class Wishes:
    """Writes the wishes of all pods, those that stand and those to place, into a sum; the factor is 0 or above."""

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables, total: Sum, factor: float) -> None:
        self.model, self.case, self.variables, self.total, self.factor = model, case, variables, total, factor
        self.there: dict[tuple[int, int], Count] = {}
        """(class, node) → its pods there."""
        stood = case.stood
        for pod_class, node, pods in zip(*(part.tolist() for part in stood[:3]), strict=True):
            self.there[pod_class, node] = self.there.get((pod_class, node), NONE).plus(pods, pods)
        for (index, node), variable in variables.x.items():
            mark = case.items[index].pod_class, node
            self.there[mark] = self.there.get(mark, NONE).plus(variable, variables.most(variable))

    def add(self) -> None:
        """All of them."""
        self.static()
        self.zones()
        listed = list(self._listed())
        self.apart([wish for wish in listed if wish.kind == SOFT_COUNT])
        self.near([wish for wish in listed if wish.kind == SOFT_ABSENT])
        self.spread([wish for wish in listed if wish.kind == SOFT_SKEW])
        self.shares([wish for wish in listed if wish.kind == SOFT_BY_DOMAIN])

    def _listed(self) -> Iterator[Wish]:
        terms, start = self.case.problem.terms, self.case.problem.classes.term_start
        for pod_class in sorted({pod_class for pod_class, _ in self.there}):
            for term in range(int(start[pod_class]), int(start[pod_class + 1])):
                kind, counter = int(terms.kind[term]), int(terms.counter[term])
                if kind >= SOFT_COUNT:
                    bound, offset, member = int(terms.bound[term]), int(terms.offset[term]), int(terms.member[term])
                    yield Wish(pod_class, kind, counter, bound, offset, member)

    def static(self) -> None:
        """Preferred nodes and soft taints: so much for each pod on a node."""
        classes, segment = self.case.problem.classes, self.case.problem.nodes.segment
        for (pod_class, node), count in self.there.items():
            cost = int(classes.wish_cost[classes.wish[pod_class], segment[node]])
            self._line(cost, count)

    def zones(self) -> None:
        """One for each pod that would like one NUMA zone, and has none on a node that has some."""
        self.total.constant += self.factor * self.case.stood.zoneless
        numa, zones = self.case.problem.classes.numa, self.case.problem.units.zones
        for (index, node), variable in self.variables.x.items():
            if numa[self.case.items[index].pod_class] == PREFER and zones[node] > 0:
                taken = [each.taken for each in self.variables.units.get((index, node), ()) if each.need < 0]
                self.total.add(self.factor, variable - sum(taken), 1)

    def apart(self, wishes: list[Wish]) -> None:
        """The weight for each other pod of the group in the domain."""
        for counter, group in _by(wishes, lambda wish: (wish.counter,)):
            for domain, carried in self._carried(group).items():
                near = self._near(counter[0], domain)
                weighted, own = NONE, NONE
                for wish, count in carried:
                    weighted = weighted.plus(count.value, count.most, wish.bound)
                    if self.case.members[counter[0], wish.pod_class]:
                        own = own.plus(count.value, count.most, wish.bound)
                self._times(weighted, near, own)

    def _times(self, weighted: Count, near: Count, own: Count) -> None:
        """The product of two counts, less what pods count of themselves."""
        if isinstance(weighted.value, int) or isinstance(near.value, int):
            constant, line = (weighted, near) if isinstance(weighted.value, int) else (near, weighted)
            product: Any = line.value * constant.value
        else:
            product = self.model.new_int_var(0, weighted.most * near.most, "")
            parts = [self._variable(weighted), self._variable(near)]
            self.model.add_multiplication_equality(product, parts)
        self.total.add(self.factor, product - own.value, weighted.most * near.most)

    def near(self, wishes: list[Wish]) -> None:
        """The weight where no other pod of the group is in the domain, or there is no domain."""
        self._keyless(wishes, lambda wish: wish.bound)
        members = self.case.members
        for mark, group in _by(wishes, lambda wish: (wish.counter, int(members[wish.counter, wish.pod_class]))):
            counter, own = mark
            for domain, carried in self._carried(group).items():
                near, weighted = self._near(counter, domain), NONE
                for wish, count in carried:
                    weighted = weighted.plus(count.value, count.most, wish.bound)
                if int(self.case.standing[counter][domain]) > own:
                    continue
                if near.most <= own:
                    self.total.add(self.factor, weighted.value, weighted.most)
                    continue
                some = self.model.new_bool_var("")
                self.model.add(near.value >= own + 1).only_enforce_if(some)
                # Where it is a pod of the group itself that is alone, it is the only one that wishes.
                lost = self.model.new_int_var(0, weighted.most, "")
                self.model.add(lost >= weighted.value).only_enforce_if(~some)
                self.total.add(self.factor, lost, weighted.most)

    def spread(self, wishes: list[Wish]) -> None:
        """One for each unit of skew above what is allowed, for each pod that wishes it."""
        for (counter, bound, more), group in self._skewed(wishes).items():
            least = least_of(self.model, self.case, self.variables, counter, 0)
            for domain, count in group.items():
                near = self._near(counter, domain)
                most = near.most + more - bound
                if most <= 0:
                    continue
                above = self.model.new_int_var(0, most, "")
                self.model.add(above >= near.value + more - bound - least)
                self._times(count, Count(above, most), NONE)

    def _skewed(self, wishes: list[Wish]) -> dict[tuple[int, int, int], dict[int, Count]]:
        """(counter, bound, what one pod adds to the others) → domain → pods that wish it."""
        found: dict[tuple[int, int, int], dict[int, Count]] = {}
        for wish in wishes:
            domain_of = self.case.domain(wish.counter)
            for node, count in self._of(wish.pod_class):
                counted = self.case.members[wish.counter, wish.pod_class] and self.case.counts_on[wish.counter, node]
                if domain_of[node] >= 0:
                    mark = wish.counter, wish.bound, wish.member - int(counted)
                    here = found.setdefault(mark, {})
                    here[int(domain_of[node])] = here.get(int(domain_of[node]), NONE).plus(*count)
        return found

    def shares(self, wishes: list[Wish]) -> None:
        """In each domain as many as the group is above its share, at most those that wish it; without a domain all."""
        self._keyless(wishes, lambda _: 1)
        limits = self.case.problem.terms.domain_bound
        for (counter, offset), group in _by(wishes, lambda wish: (wish.counter, wish.offset)):
            for domain, carried in self._carried(group).items():
                wished, others = NONE, self._near(counter, domain)
                for wish, count in carried:
                    wished = wished.plus(*count)
                    if self.case.members[counter, wish.pod_class]:
                        others = Count(others.value - count.value, others.most)
                lost = self.model.new_int_var(0, wished.most, "")
                all_of_them = self.model.new_bool_var("")
                above = wished.value + others.value - int(limits[offset + domain]) - 1
                self.model.add(lost >= wished.value).only_enforce_if(all_of_them)
                self.model.add(lost >= above).only_enforce_if(~all_of_them)
                self.total.add(self.factor, lost, wished.most)

    def _keyless(self, wishes: list[Wish], cost: Any) -> None:
        """What each pod loses on nodes that have no domain."""
        for wish in wishes:
            domain_of = self.case.domain(wish.counter)
            for node, count in self._of(wish.pod_class):
                if domain_of[node] < 0:
                    self._line(cost(wish), count)

    def _line(self, cost: int, count: Count) -> None:
        """So much for each pod."""
        if cost:
            self.total.add(self.factor * cost, count.value, count.most)

    def _of(self, pod_class: int) -> Iterator[tuple[int, Count]]:
        """The nodes where pods of a class are or may be."""
        for (other, node), count in self.there.items():
            if other == pod_class:
                yield node, count

    def _carried(self, wishes: list[Wish]) -> dict[int, list[tuple[Wish, Count]]]:
        """Domain → wishes of pods that are or may be there, and how many such pods."""
        found: dict[int, dict[int, tuple[Wish, Count]]] = {}
        for place, wish in enumerate(wishes):
            domain_of = self.case.domain(wish.counter)
            for node, count in self._of(wish.pod_class):
                if domain_of[node] >= 0:
                    here = found.setdefault(int(domain_of[node]), {})
                    here[place] = wish, here.get(place, (wish, NONE))[1].plus(*count)
        return {domain: list(listed.values()) for domain, listed in found.items()}

    def _near(self, counter: int, domain: int) -> Count:
        """Pods of a counter in a domain."""
        standing = int(self.case.standing[counter][domain])
        found = Count(standing, standing)
        for (index, node), variable in self.variables.x.items():
            counted = self.case.counts_on[counter, node] and self.case.domain(counter)[node] == domain
            if counted and self.case.members[counter, self.case.items[index].pod_class]:
                found = found.plus(variable, self.variables.most(variable))
        return found

    def _variable(self, count: Count) -> Any:
        variable = self.model.new_int_var(0, count.most, "")
        self.model.add(variable == count.value)
        return variable


def _by(wishes: list[Wish], key: Any) -> list[tuple[tuple[int, ...], list[Wish]]]:
    """Wishes by something they have in common, in order."""
    found: dict[tuple[int, ...], list[Wish]] = {}
    for wish in wishes:
        found.setdefault(key(wish), []).append(wish)
    return sorted(found.items())
