"""The answer: bindings, what stays unplaced and why, objective, bound and statistics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError, StaleSolutionError
from placer.model.cluster import Cluster
from placer.model.pod import Pod
from placer.model.rule import Reason
from placer.model.table import PENDING

if TYPE_CHECKING:
    from placer.goals import Tier

VERSION = 1


class Binding(NamedTuple):
    """
    A pod and its node.

    Attributes
    ----------
    devices
        The places of the units it takes among the node's units, by kind.
    claims
        What its claims that waited are bound to, by claim: the name of a volume, or empty where one is made.
    """

    pod: str
    node: str
    devices: Mapping[str, Sequence[int]] = {}
    claims: Mapping[str, str] = {}


class Unplaced(NamedTuple):
    """A pod that fits nowhere, why, counted by node, and the same in one line."""

    pod: str
    reasons: Sequence[Reason]
    message: str


class Eviction(NamedTuple):
    """A bound pod that makes room for ``beneficiary``, just before that pod's binding."""

    pod: str
    node: str
    beneficiary: str


class Move(NamedTuple):
    """A bound pod that changes its node in a wave."""

    wave: int
    pod: str
    source: str
    target: str


class TermCost(NamedTuple):
    """
    What one term of the objective costs.

    Attributes
    ----------
    tier
        The objective's key; a tier's terms sum to its objective.
    goal, term
        Names; of ``unplaced`` both are that.
    before, after
        With the pods that stood already, and with those that were placed as well; weight included.
    weight
        Of the goal in its tier.
    """

    tier: str
    goal: str
    term: str
    before: float
    after: float
    weight: float


class Rows(NamedTuple):
    """
    Bindings as rows of a cluster's tables, in order.

    Attributes
    ----------
    pod, node
        (bindings,) int32; -1 where the name is not in the cluster.
    """

    pod: NDArray[np.int32]
    node: NDArray[np.int32]


class Bindings(Sequence[Binding]):
    """
    Bindings in an order in which each is legal when applied; objects are made on demand.

    Parameters
    ----------
    cluster
        Whose rows are meant.
    rows
        Pods and nodes in order.
    devices
        Place in the order → units, for bindings that take any.
    claims
        Place in the order → what claims are bound to, for pods that have some that waited.
    """

    def __init__(
        self,
        cluster: Cluster,
        rows: Rows,
        devices: Mapping[int, Mapping[str, Sequence[int]]],
        claims: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        self.cluster, self.rows, self.devices, self.claims = cluster, rows, devices, claims or {}

    def __len__(self) -> int:
        return len(self.rows.pod)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        pod, node = int(self.rows.pod[index]), int(self.rows.node[index])
        return Binding(
            self.cluster.pod_table.key(pod),
            self.cluster.node_table.names[node],
            self.devices.get(index, {}),
            self.claims.get(index, {}),
        )

    def __iter__(self) -> Iterator[Binding]:
        keys, names = self.cluster.pod_table.keys(), self.cluster.node_table.names.tolist()
        none: Mapping[str, Any] = {}
        for index, (pod, node) in enumerate(zip(self.rows.pod.tolist(), self.rows.node.tolist(), strict=True)):
            yield Binding(keys[pod], names[node], self.devices.get(index, none), self.claims.get(index, none))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(eq=False)
class Solution:
    """
    What :func:`placer.solve` returns.

    Attributes
    ----------
    bindings
        Each legal when applied in this order.
    unplaced
        Pending pods without a node, each with its reasons.
    status
        ``optimal`` (proven) or ``feasible``.
    stopped
        ``done``, ``gap_limit``, ``time_limit``, ``step_limit`` or ``interrupted``.
    objective, bound
        Per tier, minimised; a bound is ``None`` where none was asked for.
    gap
        (objective - bound) / max(1, |objective|) of the first tier that is not closed, or ``None``.
    input
        Digest of the cluster it was made for.
    schedulers
        Whose pods were decided; those that name other schedulers were left alone. ``None`` is all.
    terms
        What each term of the objective costs, before and after.
    tiers
        The goals behind the keys of ``objective``; not written to files, where keys are read as they are written.
    reserve
        The label whose domains may fail one at a time, what stands in them having a place elsewhere; ``None`` for none.
    failover
        Where each of these pods would go if the domain that it stands in failed; of one domain, in order of arrival.
    buffers
        Pods that never come, for which room stays free.
    room
        Where they would go, in order of arrival.
    unmet
        Pods of the buffers for which there is no room.
    """

    input: str
    bindings: Sequence[Binding]
    unplaced: Sequence[Unplaced]
    objective: Mapping[str, float]
    goals: Sequence[str] = ()
    status: str = "feasible"
    stopped: str = "done"
    bound: Mapping[str, float] | None = None
    gap: float | None = None
    unplaced_by_priority: Mapping[int, int] = field(default_factory=dict)
    evictions: Sequence[Eviction] = ()
    moves: Sequence[Move] = ()
    seed: int = 0
    limits: Mapping[str, Any] = field(default_factory=dict)
    now: str | None = None
    schedulers: Sequence[str] | None = None
    reserve: str | None = None
    failover: Sequence[Binding] = ()
    buffers: Sequence[Pod] = ()
    room: Sequence[Binding] = ()
    unmet: Sequence[Unplaced] = ()
    statistics: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION
    terms: Sequence[TermCost] = ()
    tiers: Sequence[Tier] = field(default=(), repr=False)

    def rows(self, cluster: Cluster) -> Rows:
        """
        The bindings as rows of the cluster's tables.

        Raises
        ------
        StaleSolutionError
            The solution was made for another input.
        """
        own = isinstance(self.bindings, Bindings) and self.bindings.cluster is cluster
        if not own and self.input != cluster.digest:
            raise StaleSolutionError(
                f"the solution's input is {self.input!r}, the cluster's is {cluster.digest!r}: "
                "it was made for another input; solve again, or give the input that it was made for"
            )
        return rows_of(cluster, self.bindings)

    def units(self) -> Mapping[int, Mapping[str, Sequence[int]]]:
        """Place in the order → units taken, for bindings that take any."""
        return units_of(self.bindings)

    def claims(self) -> Mapping[int, Mapping[str, str]]:
        """Place in the order → what claims are bound to, for pods that have some that waited."""
        if isinstance(self.bindings, Bindings):
            return self.bindings.claims
        return {index: binding.claims for index, binding in enumerate(self.bindings) if binding.claims}

    def to_dict(self) -> dict[str, Any]:
        """The solution as JSON types: the layout of ``--json`` and of solution files."""
        return {
            "version": self.version,
            "input": self.input,
            "seed": self.seed,
            "goals": list(self.goals),
            "limits": dict(self.limits),
            "now": self.now,
            "schedulers": None if self.schedulers is None else list(self.schedulers),
            "status": self.status,
            "stopped": self.stopped,
            "objective": dict(self.objective),
            "bound": None if self.bound is None else dict(self.bound),
            "gap": self.gap,
            "terms": [term._asdict() for term in self.terms],
            "unplaced_by_priority": {str(key): count for key, count in self.unplaced_by_priority.items()},
            "bindings": [*map(_written, self.bindings)],
            "unplaced": [*map(_explained, self.unplaced)],
            "reserve": self.reserve,
            "failover": [*map(_written, self.failover)],
            "buffers": [pod.model_dump(mode="json", exclude_defaults=True) for pod in self.buffers],
            "room": [*map(_written, self.room)],
            "unmet": [*map(_explained, self.unmet)],
            "evictions": [eviction._asdict() for eviction in self.evictions],
            "moves": [move._asdict() for move in self.moves],
            "statistics": self.statistics,
        }

    def to_json(self) -> bytes:
        """The solution as one JSON document."""
        import msgspec

        return msgspec.json.encode(self.to_dict())

    def write(self, path: str | Path) -> None:
        """Writes the solution as JSON; the file is replaced whole or not at all."""
        from placer.formats.files import replace_file

        replace_file(Path(path), self.to_json() + b"\n")

    def to_frame(self) -> Any:
        """The bindings as an Arrow table: pod, node, devices (JSON)."""
        from placer.formats.frames import bindings_frame

        return bindings_frame(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "solution") -> Solution:
        """
        A solution from its JSON form.

        Raises
        ------
        InputError
            A newer version, or a field that is missing or of the wrong type.
        """
        version = data.get("version")
        if not isinstance(version, int) or version < 1:
            raise InputError(f"{where}: version is {version!r}: this is no solution file of placer")
        if version > VERSION:
            raise InputError(f"{where}: version is {version}, newer than {VERSION}: read it with a newer placer")
        try:
            return cls(
                input=_expect(data, "input", str),
                bindings=[*map(_read_binding, _expect(data, "bindings", list))],
                unplaced=[*map(_read_unplaced, data.get("unplaced", []))],
                objective=_numbers("objective", data.get("objective") or {}),
                goals=list(data.get("goals", [])),
                status=data.get("status", "feasible"),
                stopped=data.get("stopped", "done"),
                bound=None if data.get("bound") is None else _numbers("bound", data["bound"]),
                gap=None if data.get("gap") is None else _numbers("gap", {"": data["gap"]})[""],
                unplaced_by_priority={int(k): v for k, v in data.get("unplaced_by_priority", {}).items()},
                evictions=[Eviction(e["pod"], e["node"], e["beneficiary"]) for e in data.get("evictions", [])],
                moves=[Move(m["wave"], m["pod"], m["source"], m["target"]) for m in data.get("moves", [])],
                seed=data.get("seed", 0),
                limits=dict(data.get("limits") or {}),
                now=data.get("now"),
                schedulers=None if data.get("schedulers") is None else [str(name) for name in data["schedulers"]],
                reserve=data.get("reserve"),
                failover=[*map(_read_binding, data.get("failover", []))],
                buffers=[*map(_read_buffer, data.get("buffers", []))],
                room=[*map(_read_binding, data.get("room", []))],
                unmet=[*map(_read_unplaced, data.get("unmet", []))],
                statistics=dict(data.get("statistics") or {}),
                version=version,
                terms=[TermCost(**term) for term in data.get("terms", [])],
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{where}: {error}: this is no solution file of placer") from None

    @classmethod
    def read(cls, path: str | Path) -> Solution:
        """Reads a solution file."""
        from placer.formats.files import read_bytes

        text = read_bytes(Path(path))
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: {error}: this is no JSON document; give a solution file of placer") from None
        if not isinstance(data, Mapping):
            raise InputError(f"{path}: the document is a {type(data).__name__}: give a solution file of placer")
        return cls.from_dict(data, str(path))


def rows_of(cluster: Cluster, bindings: Sequence[Binding]) -> Rows:
    """Bindings as rows of a cluster's tables."""
    if isinstance(bindings, Bindings) and bindings.cluster is cluster:
        return bindings.rows
    pods = [cluster.pod_table.index(binding.pod) for binding in bindings]
    nodes = [cluster.node_table.index(binding.node) for binding in bindings]
    return Rows(np.array(pods, np.int32), np.array(nodes, np.int32))


def units_of(bindings: Sequence[Binding]) -> Mapping[int, Mapping[str, Sequence[int]]]:
    """Place in the order → units taken, for bindings that take any."""
    if isinstance(bindings, Bindings):
        return bindings.devices
    return {index: binding.devices for index, binding in enumerate(bindings) if binding.devices}


def priorities_of(*solutions: Solution) -> list[int]:
    """Priorities of the pods that any of these answers leaves out, highest first."""
    return sorted({priority for each in solutions for priority in each.unplaced_by_priority}, reverse=True)


def compared(solution: Solution, priorities: Sequence[int]) -> list[float]:
    """What an answer is compared by: pods left out, priority by priority, then the tiers."""
    left = [float(solution.unplaced_by_priority.get(priority, 0)) for priority in priorities]
    return [*left, *(value for tier, value in solution.objective.items() if tier != "unplaced")]


def by_priority(cluster: Cluster, pods: NDArray[np.integer[Any]]) -> dict[int, int]:
    """How many of these rows of pods have each priority, highest first."""
    priorities, counts = np.unique(cluster.pod_table.priority[pods], return_counts=True)
    return dict(zip(priorities[::-1].tolist(), counts[::-1].tolist(), strict=True))


def decided(cluster: Cluster, schedulers: Sequence[str] | None) -> NDArray[np.bool_]:
    """(pods,) pending and, where ``schedulers`` are named, of one of them."""
    pending: NDArray[np.bool_] = cluster.pod_table.node == PENDING
    if schedulers is None:
        return pending
    asked: NDArray[np.bool_] = cluster.pod_table["scheduler_name"].map(lambda name: name in schedulers)
    return np.logical_and(pending, asked)


def _numbers(name: str, values: Any) -> dict[str, float]:
    found = dict(values)
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} {key}".strip() + f" is {value!r}")
    return found


def _written(binding: Binding) -> dict[str, Any]:
    """A binding as JSON types."""
    pod, node, devices, claims = binding
    return {
        "pod": pod,
        "node": node,
        **({"devices": {kind: list(places) for kind, places in devices.items()}} if devices else {}),
        **({"claims": dict(claims)} if claims else {}),
    }


def _explained(unplaced: Unplaced) -> dict[str, Any]:
    """An unplaced pod as JSON types."""
    pod, reasons, message = unplaced
    return {"pod": pod, "message": message, "reasons": [reason._asdict() for reason in reasons]}


def _read_binding(row: Mapping[str, Any]) -> Binding:
    devices, claims = dict(row.get("devices") or {}), dict(row.get("claims") or {})
    return Binding(_expect(row, "pod", str), _expect(row, "node", str), devices, claims)


def _read_unplaced(row: Mapping[str, Any]) -> Unplaced:
    reasons = [Reason(one["rule"], one["reason"], one["nodes"]) for one in row.get("reasons", [])]
    return Unplaced(_expect(row, "pod", str), reasons, row.get("message", ""))


def _read_buffer(row: Mapping[str, Any]) -> Pod:
    fields = dict(row)
    return Pod(fields.pop("name"), **fields)


def _expect(data: Mapping[str, Any], name: str, kind: type) -> Any:
    value = data[name]
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}")
    return value
