"""Claims that wait for their first pod, as constraints: which volume each is bound to, or where one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from placer.packing.case import Case
from placer.packing.variables import Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model


class Claims:
    """
    Adds the choice of volumes to a model.

    Any volume offered may be chosen here; that each claim takes the first one left is up to the order of arrival.
    """

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables) -> None:
        self.model, self.case, self.variables = model, case, variables
        self._bound: dict[int, dict[int, Any]] = {}
        self._made: dict[int, dict[int, Any]] = {}

    def add(self) -> None:
        """All of it."""
        self.choices()
        self.reached()
        self.once()

    def choices(self) -> None:
        """A claim may be bound to what it is offered, or to a volume made on a node; the input decides none."""
        claims, segment = self.case.problem.claims, self.case.problem.nodes.segment
        for index, node in self.variables.x:
            for wait in self._waits(index):
                claim, offered, made = (int(part[wait]) for part in (claims.claim, claims.offered, claims.made))
                for volume in claims.offer[claims.offer_start[offered] : claims.offer_start[offered + 1]].tolist():
                    self._choice(self._bound, claim, volume)
                if made >= 0 and claims.reach[made, segment[node]]:
                    self._choice(self._made, claim, node)

    def reached(self) -> None:
        """A pod's claims are bound to volumes that reach its node, or made there."""
        claims, segment = self.case.problem.claims, self.case.problem.nodes.segment
        for (index, node), variable in self.variables.x.items():
            for wait in self._waits(index):
                claim = int(claims.claim[wait])
                bound = self._bound.get(claim, {}).items()
                able = [taken for volume, taken in bound if claims.reach[claims.reached[volume], segment[node]]]
                able += [taken for where, taken in self._made.get(claim, {}).items() if where == node]
                self.model.add_bool_or(able).only_enforce_if(self.variables.cover([variable]))

    def once(self) -> None:
        """A claim is bound once, and a volume to one claim."""
        names: dict[int, list[Any]] = {}
        for claim in self._bound.keys() | self._made.keys():
            bound = self._bound.get(claim, {})
            self.model.add_at_most_one([*bound.values(), *self._made.get(claim, {}).values()])
            for volume, taken in bound.items():
                names.setdefault(int(self.case.problem.claims.name[volume]), []).append(taken)
        for taken in names.values():
            self.model.add_at_most_one(taken)

    def _waits(self, index: int) -> range:
        start, pod_class = self.case.problem.claims.start, self.case.items[index].pod_class
        return range(int(start[pod_class]), int(start[pod_class + 1]))

    def _choice(self, found: dict[int, dict[int, Any]], claim: int, what: int) -> None:
        known = found.setdefault(claim, {})
        if what not in known:
            known[what] = self.model.new_bool_var("")
