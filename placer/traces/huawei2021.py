"""Huawei CodeCraft 2021: virtual machines on servers with two NUMA nodes, at the end of one day of 800."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.model.device import NUMA, Device, DeviceNeed
from placer.model.node import PRICE_UNIT
from placer.model.table import Column, Names
from placer.model.value import FrozenDict
from placer.traces.tables import node_table, pod_table
from placer.traces.text import first_lines, read_text

GIB = 2**30
SPARE = 1.25
"""Room of the fleet that is chosen where none is given, over what the machines ask for."""
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
SERVER = re.compile(r"\((\w+), (\d{1,6}), (\d{1,6}), (\d{1,6}), (\d{1,6})\)")
MACHINE = re.compile(r"\((\w+), (\d{1,6}), (\d{1,6}), ([01])\)")
REQUEST = re.compile(r"\((?:add, (\w+), (\d+)(?:, \d+, \d+)?|del, (\d+))\)")
COUNT, DAYS = re.compile(r"(\d{1,6})"), re.compile(r"(\d{1,6})(?: \d{1,6})?")
ADDED, DELETED = "(add, vm38TGB, 5)", "(del, 5)"


class Server(NamedTuple):
    """A type of server: cores, GiB, what one costs, and its energy a day."""

    cpu: int
    memory: int
    price: int
    energy: int


class Machine(NamedTuple):
    """A type of virtual machine: cores, GiB, and whether it takes half from each NUMA node."""

    cpu: int
    memory: int
    dual: bool


class Trace(NamedTuple):
    """
    What a file says up to some day.

    Attributes
    ----------
    servers, machines
        By the names of their types.
    alive
        Type of each virtual machine that runs at the end of that day, by its id, in order of arrival.
    """

    servers: dict[str, Server]
    machines: dict[str, Machine]
    alive: dict[str, str]


def detect(path: Path) -> bool:
    """Whether the file begins with a number and a type of server."""
    lines = first_lines(path)
    return (
        len(lines) > 1
        and COUNT.fullmatch(lines[0].strip()) is not None
        and SERVER.fullmatch(lines[1].strip()) is not None
    )


def read(path: str | Path, day: int | None = None, fleet: Mapping[str, int] | None = None) -> Cluster:
    """
    The virtual machines that run at the end of a day, all pending, and a fleet of servers.

    Parameters
    ----------
    path
        One file of the contest.
    day
        From 1; the last where not given.
    fleet
        How many servers of each type. Where not given: of the one type that covers the machines' demand for the least
        money, a quarter more than the demand takes.

    Returns
    -------
    Servers cost their purchase price and have two units of kind ``numa``, each with half of their cpu (cores) and
    memory (taken as GiB). A machine with ``dual = 1`` takes half from each; one with ``dual = 0`` requires one.

    Raises
    ------
    InputError
        What is wrong in the file, with line and value; a day or a type that it does not have.
    """
    trace = parse(Path(path), day)
    chosen = _cheapest(trace) if fleet is None else dict(fleet)
    wrong = [
        f"{path}: the fleet has {count!r} of server type {name!r}: " + "give a number of 0 or more"
        if name in trace.servers
        else f"{path}: there is no server type {name!r}: choose among its {len(trace.servers)}"
        for name, count in chosen.items()
        if name not in trace.servers or not isinstance(count, int) or count < 0
    ]
    if wrong:
        raise InputError(wrong)
    return _cluster(trace, chosen)


def parse(path: Path, day: int | None = None) -> Trace:
    """Reads a file up to the end of a day."""
    lines = _Lines(path)
    servers = {match[1]: Server(*map(int, match.groups()[1:])) for match in lines.block(COUNT, SERVER, "server")}
    machines = {
        match[1]: Machine(int(match[2]), int(match[3]), match[4] == "1")
        for match in lines.block(COUNT, MACHINE, "machine")
    }
    days = int(lines.take(DAYS, "the number of days")[1])
    last = days if day is None else day
    if not 1 <= last <= days:
        raise InputError(f"{path}: day {last} is not among its {days}: give 1 to {days}")
    alive: dict[str, str] = {}
    for _ in range(last):
        for _ in range(int(lines.take(COUNT, "the day's number of requests")[1])):
            match = lines.take(REQUEST, f"{ADDED} or {DELETED}")
            kind, added, deleted = match.groups()
            if deleted is not None:
                if alive.pop(deleted, None) is None:
                    lines.note(f"deletes {deleted}, which does not run: add it before")
            elif kind not in machines:
                lines.note(f"adds machine type {kind!r}, which is not among the {len(machines)} types: list it")
            elif added in alive:
                lines.note(f"adds {added}, a duplicate: it runs already")
            else:
                alive[added] = kind
    lines.refuse()
    return Trace(servers, machines, alive)


class _Lines:
    """The lines of a file, taken one by one; what is wrong but does not hide the rest is noted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = read_text(path).splitlines()
        self._taken = 0
        self._problems: list[str] = []

    def take(self, form: re.Pattern[str], meaning: str) -> re.Match[str]:
        text = self._lines[self._taken].strip() if self._taken < len(self._lines) else None
        self._taken += 1
        match = None if text is None else form.fullmatch(text)
        if match is None:
            self.note("is missing" if text is None else f"is {text[:80]!r}", f": write {meaning}")
            raise InputError(self._problems)
        return match

    def block(self, count: re.Pattern[str], form: re.Pattern[str], kind: str) -> list[re.Match[str]]:
        """A number and as many lines, whose names differ."""
        example = "(host0Y6DP, 300, 830, 141730, 176)" if kind == "server" else "(vm38TGB, 124, 2, 1)"
        seen: set[str] = set()
        matches = []
        for _ in range(int(self.take(count, f"the number of {kind} types")[1])):
            match = self.take(form, f"a {kind} type, as {example}")
            if match[1] in seen:
                self.note(f"has {kind} type {match[1]!r}, a duplicate: each type may stand once")
            seen.add(match[1])
            matches.append(match)
        return matches

    def note(self, words: str, fix: str = "") -> None:
        self._problems.append(f"{self._path}: line {self._taken} {words}{fix}")

    def refuse(self) -> None:
        if self._problems:
            raise InputError(self._problems)


def _cheapest(trace: Trace) -> dict[str, int]:
    """Enough servers of the one type that costs least; each with room for the largest machine of its kind."""
    alive = [trace.machines[kind] for kind in trace.alive.values()]
    cpu, memory = sum(machine.cpu for machine in alive), sum(machine.memory for machine in alive)
    largest_cpu = max((machine.cpu if machine.dual else 2 * machine.cpu for machine in alive), default=0)
    largest_memory = max((machine.memory if machine.dual else 2 * machine.memory for machine in alive), default=0)
    counts = {
        name: int(np.ceil(SPARE * max(cpu / server.cpu, memory / server.memory)))
        for name, server in trace.servers.items()
        if server.cpu >= max(largest_cpu, 1) and server.memory >= max(largest_memory, 1)
    }
    if not counts:
        return {}
    name = min(counts, key=lambda name: (counts[name] * trace.servers[name].price, name))
    return {name: counts[name]}


def _cluster(trace: Trace, fleet: Mapping[str, int]) -> Cluster:
    kinds = Column(
        np.repeat(np.arange(len(fleet), dtype=np.int32), list(fleet.values())) if fleet else np.zeros(0, np.int32),
        [(name, trace.servers[name]) for name in fleet],
    )
    owned = np.array([server for _, server in kinds.values], np.int64).reshape(-1, 4)[kinds.codes]
    nodes = node_table(
        Names([f"server-{row}" for row in range(len(kinds))], checked=True),
        {"cpu": owned[:, 0] * 1000, "memory": owned[:, 1] * GIB},
        price=owned[:, 2] * PRICE_UNIT,
        labels=Column(
            kinds.codes, [FrozenDict({INSTANCE_TYPE: name, "energy": str(s.energy)}) for name, s in kinds.values]
        ),
        devices=Column(kinds.codes, [(_zones(server),) for _, server in kinds.values]),
    )
    wanted = Column.of(trace.alive.values())
    machines = [trace.machines[name] for name in wanted.values]
    asked = np.array(machines, np.int64).reshape(-1, 3)[wanted.codes]
    pods = pod_table(
        Names([f"vm-{name}" for name in trace.alive], checked=True),
        {"cpu": asked[:, 0] * 1000, "memory": asked[:, 1] * GIB},
        labels=Column(wanted.codes, [FrozenDict(type=name) for name in wanted.values]),
        devices=Column(wanted.codes, [_halves(machine) for machine in machines]),
        numa=Column(wanted.codes, [None if machine.dual else "require" for machine in machines]),
    )
    return Cluster.from_tables(nodes, pods)


def _zones(server: Server) -> Device:
    return Device(kind=NUMA, count=2, capacity={"cpu": f"{server.cpu * 500}m", "memory": server.memory * GIB // 2})


def _halves(machine: Machine) -> tuple[DeviceNeed, ...]:
    half = {"cpu": f"{machine.cpu * 500}m", "memory": machine.memory * GIB // 2}
    return (DeviceNeed(kind=NUMA, count=2, amounts=half),) if machine.dual else ()
