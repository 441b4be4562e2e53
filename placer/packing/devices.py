"""Devices as constraints: which units each pod takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from placer.kernels.devices import WHOLE
from placer.packing.case import Case
from placer.packing.variables import Taking, Variables

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

REQUIRE = 1


class Devices:
    """Adds the choice of units to a model; items that take units are single pods."""

    def __init__(self, model: cp_model.CpModel, case: Case, variables: Variables) -> None:
        self.model, self.case, self.variables = model, case, variables

    def add(self) -> None:
        """All of it."""
        for (index, node), placed in self.variables.x.items():
            pod_class = self.case.items[index].pod_class
            classes = self.case.problem.classes
            needs = range(int(classes.unit_start[pod_class]), int(classes.unit_start[pod_class + 1]))
            zoned = classes.numa[pod_class] and self.case.problem.units.zones[node]
            if needs or zoned:
                zones = self.zone(pod_class, node, placed) if zoned else []
                self.variables.units[index, node] = self.needs(needs, node, placed, zones) + zones
        self.amounts()

    def zone(self, pod_class: int, node: int, placed: Any) -> list[Taking]:
        """A pod that requires one NUMA zone takes one; a pod that prefers it may."""
        units = self.case.problem.units
        zones = [
            Taking(-1, unit, self.model.new_bool_var(""))
            for unit in range(int(units.start[node]), int(units.start[node + 1]))
            if units.kind[unit] == units.numa_kind[0]
        ]
        taken = sum(zone.taken for zone in zones)
        required = self.case.problem.classes.numa[pod_class] == REQUIRE
        self.model.add(taken == placed if required else taken <= placed)
        return zones

    def needs(self, needs: range, node: int, placed: Any, zones: list[Taking]) -> list[Taking]:
        """A pod takes different units for all its needs, as many as each asks for, of its zone or of none."""
        classes, units = self.case.problem.classes, self.case.problem.units
        found = [
            Taking(need, unit, self.model.new_bool_var(""))
            for need in needs
            for unit in range(int(units.start[node]), int(units.start[node + 1]))
            if self.serves(need, unit)
        ]
        for need in needs:
            count = int(classes.unit_count[need])
            self.model.add(sum(each.taken for each in found if each.need == need) == count * placed)
        for unit in {each.unit for each in found}:
            literals = [each.taken for each in found if each.unit == unit]
            elsewhere = [
                zone.taken for zone in zones if units.zone[unit] >= 0 and units.place[zone.unit] != units.zone[unit]
            ]
            self.model.add_at_most_one(literals + elsewhere)
        return found

    def serves(self, need: int, unit: int) -> bool:
        """Whether a unit, with what standing pods hold of it, can serve a need."""
        classes, units, free = self.case.problem.classes, self.case.problem.units, self.case.state.unit_free[unit]
        if units.kind[unit] != classes.unit_kind[need]:
            return False
        if not classes.unit_match[classes.unit_where[need], units.attributes[unit]]:
            return False
        amount, capacity = classes.unit_amount[need], units.capacity[unit]
        if amount[0] == WHOLE:
            return bool((free == capacity).all() and (capacity >= amount).all())
        return bool(((amount == 0) | (free >= amount)).all())

    def amounts(self) -> None:
        """What is taken of a unit is at most what it has free; a whole need takes all that the unit has."""
        classes, units, free = self.case.problem.classes, self.case.problem.units, self.case.state.unit_free
        by_unit: dict[int, list[tuple[np.ndarray[Any, Any], Any]]] = {}
        for (index, _), takings in self.variables.units.items():
            for need, unit, taken in takings:
                amount = self._of_zone(index) if need < 0 else classes.unit_amount[need]
                if need >= 0 and amount[0] == WHOLE:
                    amount = units.capacity[unit]
                by_unit.setdefault(unit, []).append((amount, taken))
        for unit, listed in by_unit.items():
            for dimension in range(free.shape[1]):
                parts = [int(amount[dimension]) * taken for amount, taken in listed if amount[dimension]]
                most = sum(int(amount[dimension]) for amount, _ in listed)
                if most > free[unit, dimension]:
                    self.model.add(sum(parts) <= max(0, int(free[unit, dimension])))

    def _of_zone(self, index: int) -> np.ndarray[Any, Any]:
        """(dimensions,) what a pod takes of its NUMA zone."""
        units = self.case.problem.units
        amount = np.zeros(units.capacity.shape[1], np.int64)
        amount[units.numa_kind[1:]] = self.case.problem.classes.numa_amount[self.case.items[index].pod_class]
        return amount
