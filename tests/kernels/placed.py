"""A small problem in which placing has ended: what repair and refill begin with."""

from __future__ import annotations

from typing import Any

import numpy as np
from reference.rules import rejects

from kernels.world import World, named, seen
from placer.engine import new_repair
from placer.kernels import place, repair
from placer.kernels.structs import pack

PLACING = ("problem", "goals", "state", "work", "log", "plan")


class Placed:
    """A world in which place_families has placed what it could, and what repair keeps of it."""

    def __init__(self, made: World) -> None:
        self.made, self.log = made, made.run.log
        place.place_families(*made.structs(*PLACING), 0, len(made.run.plan.scan_key))
        made.work.scan_key[0] = -1
        self.repair = new_repair(made.run)
        self.kernel = pack(self.repair)
        repair.link_lines(made.packed["log"], self.kernel)

    def parts(self, *names: str) -> list[Any]:
        return [*self.made.structs(*names, "log"), self.kernel]

    def on(self, node: int) -> list[int]:
        """Lines listed with a node."""
        found, line = [], int(self.repair.head[node])
        while line >= 0:
            found.append(line)
            line = int(self.repair.next[line])
        return found

    def lines(self) -> list[int]:
        """Lines that count."""
        return [line for line in range(int(self.log.lines[0])) if self.log.line_of_slot[self.log.slot[line]] == line]

    def left(self) -> list[int]:
        """Pods without a line."""
        return np.flatnonzero(self.log.line_of_slot < 0).tolist()

    def seen(self) -> tuple[Any, ...]:
        """All that must be as before when an attempt fails; the order of a node's list does not matter."""
        lists = [sorted(self.on(node)) for node in range(self.made.nodes)]
        lines = int(self.log.lines[0])
        units = self.log.unit[: self.log.unit_start[lines]].tolist()
        logged = self.log.slot[:lines].tolist(), self.log.node[:lines].tolist(), units
        return seen(self.made.state), lists, logged, self.log.line_of_slot.tolist()


def check_legal(placed: Placed) -> None:
    """Binds by the log, in the order of the lines that count, with the reference's rules asked before each."""
    made, log = placed.made, placed.log
    for line in placed.lines():
        pod, node = int(made.run.pod_of_slot[log.slot[line]]), made.row(int(log.node[line]))
        held = named(made, log.unit[log.unit_start[line] : log.unit_start[line + 1]])
        assert rejects(made.slow, pod, node, held) is None
        made.slow.bind(pod, node, held)
    assert made.state.pods.tolist() == [len(made.slow.on(made.row(node))) for node in range(made.nodes)]
