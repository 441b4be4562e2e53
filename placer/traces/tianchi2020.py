"""
Tianchi 2020, static layout of containers: all replicas of all apps on the cheapest nodes.

First cloud-native programming contest, track 2, part "schedule". What a group may have on one node depends on its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.formats.files import read_bytes
from placer.model.cluster import Cluster
from placer.model.node import PRICE_UNIT
from placer.model.pod import GPU
from placer.model.relation import HOSTNAME, AffinityTerm, DomainLimit, PreferredPods
from placer.model.selector import LabelSelector
from placer.model.table import Column, Names
from placer.model.value import FrozenDict
from placer.orchestrators.kubernetes.errors import UNREADABLE, decoding_problem
from placer.traces.tables import node_table, pod_table
from placer.traces.text import need

T = TypeVar("T")

GIB = 2**30
DISK = "ephemeral-storage"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
APPS, NODES, RULE = ".schedule.app.json", ".schedule.node.json", ".rule.json"
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**20)]
Count = Annotated[int, msgspec.Meta(ge=1, le=2**20)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class App(msgspec.Struct, rename="camel"):
    """What one replica asks for (cores, GiB, GPUs), and how many there are."""

    app_name: Name
    group: Name
    replicas: Amount
    cpu: Amount
    ram: Amount
    disk: Amount
    gpu: Amount


class Thread(msgspec.Struct):
    """A CPU id, with its core and socket."""

    cpu: Amount
    core: Amount
    socket: Amount


class Machine(msgspec.Struct, rename="camel"):
    """A node; ``eni`` is the most pods that it holds."""

    sn: Name
    node_model_name: Name
    cpu: Amount
    ram: Amount
    disk: Amount
    gpu: Amount
    eni: Amount
    topologies: list[Thread] = []


class Limit(msgspec.Struct, rename="camel"):
    """Groups with at most (``le``) or at least (``ge``) so many replicas may have so many on a node."""

    replicas: Amount
    restrain: Literal["le", "ge"]
    max_instance_per_node: Count


class Weight(msgspec.Struct):
    """What a unit of a resource adds to the price of a node."""

    resource: Literal["CPU", "RAM", "GPU", "DISK"]
    weight: Amount


class Rule(msgspec.Struct, rename="camel"):
    """The rules of a set."""

    default_max_instance_per_node: Count
    replicas_max_instance_per_nodes: list[Limit]
    node_resource_weights: list[Weight]

    def most(self, replicas: int) -> int:
        """How many pods of a group of this size may stand on one node: the smallest limit that is meant for it."""
        meant = [
            limit.max_instance_per_node
            for limit in self.replicas_max_instance_per_nodes
            if (replicas <= limit.replicas if limit.restrain == "le" else replicas >= limit.replicas)
        ]
        return min(meant, default=self.default_max_instance_per_node)

    def price(self, machine: Machine) -> int:
        """What using a node costs."""
        amounts = {"CPU": machine.cpu, "RAM": machine.ram, "GPU": machine.gpu, "DISK": machine.disk}
        return sum(each.weight * amounts[each.resource] for each in self.node_resource_weights)


class Trace(NamedTuple):
    """The three files of one set."""

    apps: list[App]
    machines: list[Machine]
    rule: Rule


def detect(path: Path) -> bool:
    """Whether the path is a list of apps of this contest, or a folder with one."""
    if path.is_dir():
        return bool(_lists(path))
    return path.is_file() and APPS in path.name


def read(path: str | Path) -> Cluster:
    """
    The nodes, and all replicas of all apps, pending.

    Parameters
    ----------
    path
        A set's list of apps, ``<set>.schedule.app.json``, compressed or not, beside its nodes and its rule; or the
        folder of one set.

    Returns
    -------
    Pods have the labels ``app`` and ``group``, and their group's limit per node as a rule. Where two of a group may
    share a node, each that does wishes it were alone: half of the goal ``preferences`` is what the contest counts, one
    a pod beyond the first. ``eni`` is the node's limit of pods. CPU ids are not of the model.

    Raises
    ------
    InputError
        A file that is not there, or values that are wrong, with file, place and value.
    """
    return _cluster(parse(path))


def parse(path: str | Path) -> Trace:
    """The files of a set as they are; arguments and errors are those of :func:`read`."""
    apps = _chosen(Path(path))
    folder, name = apps.parent, apps.name.partition(APPS)[0]
    fix = f"it stands beside {apps.name}"
    machines, rule = (need(folder, f"{name}{part}", fix) for part in (NODES, RULE))
    trace = Trace(_decode(apps, list[App]), _decode(machines, list[Machine]), _decode(rule, Rule))
    problems = [
        *_twice(machines, "sn", [machine.sn for machine in trace.machines]),
        *_twice(apps, "appName and group", [(app.app_name, app.group) for app in trace.apps]),
    ]
    if problems:
        raise InputError(problems)
    return trace


def _lists(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{APPS}*") if path.is_file())


def _chosen(path: Path) -> Path:
    """The list of apps that a path means."""
    if not path.is_dir():
        return path
    found = _lists(path)
    if len(found) != 1:
        names = ", ".join(each.name for each in found)
        raise InputError(
            f"{path}: holds {names}: give one of these files"
            if found
            else f"{path}: has no file <set>{APPS}: give a set's folder, or its list of apps"
        )
    return found[0]


def _decode(path: Path, kind: type[T]) -> T:
    raw = read_bytes(path)
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE as error:
        raise InputError(f"{path}: {decoding_problem(error, raw)}") from None


def _twice(path: Path, field: str, values: Sequence[Any]) -> list[str]:
    """A problem for each value that stands a second time."""
    seen: set[Any] = set()
    problems = []
    for place, value in enumerate(values):
        if value in seen:
            problems.append(f"{path}: [{place}]: {field} is {value!r}, a duplicate: each may stand once")
        seen.add(value)
    return problems


def _cluster(trace: Trace) -> Cluster:
    machines, apps = trace.machines, trace.apps
    models = Column.of(machine.node_model_name for machine in machines)
    nodes = node_table(
        Names([machine.sn for machine in machines], checked=True),
        {**_requests(machines), "pods": np.array([machine.eni for machine in machines], np.int64)},
        price=np.array([trace.rule.price(machine) * PRICE_UNIT for machine in machines], np.int64),
        labels=Column(models.codes, [FrozenDict({INSTANCE_TYPE: model}) for model in models.values]),
    )
    replicas = np.array([app.replicas for app in apps], np.int64)
    of_pod = np.repeat(np.arange(len(apps), dtype=np.int32), replicas)
    ordinal = np.arange(len(of_pod)) - np.repeat(np.cumsum(replicas) - replicas, replicas)
    sizes: dict[str, int] = {}
    for app in apps:
        sizes[app.group] = sizes.get(app.group, 0) + app.replicas
    most = [trace.rule.most(sizes[app.group]) for app in apps]
    members = [LabelSelector(match_labels={"group": app.group}) for app in apps]
    pods = pod_table(
        Names([f"{app.app_name}.{app.group}" for app in apps], of_pod, ordinal.astype(np.int32)),
        {name: amounts[of_pod] for name, amounts in _requests(apps).items()},
        labels=Column(of_pod, [FrozenDict(app=app.app_name, group=app.group) for app in apps]),
        domain_limits=Column(
            of_pod,
            [
                (DomainLimit(topology_key=HOSTNAME, at_most=limit, selector=group),)
                for limit, group in zip(most, members, strict=True)
            ],
        ),
        preferred_pods=Column(
            of_pod, [_alone(group) if limit > 1 else () for limit, group in zip(most, members, strict=True)]
        ),
    )
    return Cluster.from_tables(nodes, pods)


def _alone(group: LabelSelector) -> tuple[PreferredPods, ...]:
    return (PreferredPods(weight=-1, term=AffinityTerm(topology_key=HOSTNAME, selector=group)),)


def _requests(rows: Sequence[App] | Sequence[Machine]) -> dict[str, NDArray[np.int64]]:
    """Amounts by resource, in base units; GPUs only where there are any."""
    table = np.array([(row.cpu, row.ram, row.disk, row.gpu) for row in rows], np.int64).reshape(-1, 4)
    amounts = table * np.array([1000, GIB, GIB, 1])
    return dict(zip(("cpu", "memory", DISK, GPU), amounts.T, strict=True))
