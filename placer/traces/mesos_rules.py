"""The rules of the full mesos-scale case, drawn app by app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.model.device import DeviceNeed
from placer.model.relation import HOSTNAME, ZONE, AffinityTerm, SpreadConstraint
from placer.model.selector import LabelSelector, NodeSelectorTerm, Requirement
from placer.model.table import Column
from placer.model.taint import Toleration
from placer.model.value import FrozenDict
from placer.model.volume import HostPort, Volume

Fields = dict[str, Column[Any]]
Mask = NDArray[np.bool_]
DRIVER = "csi.example.com"
ZONES = 3
SPREAD, APART, TOGETHER, SELECT, PORTS, STATEFUL, GPU = 0.20, 0.15, 0.03, 0.15, 0.01, 0.05, 0.05
BANDS = ((0, 0.6), (100, 0.3), (1000, 0.1))
PORT_POOL = 200
GPU_LOAD = 0.8
PART = 3
"""How many times its part of what GPU nodes have left an app may ask for."""
NEEDS = (
    ((DeviceNeed(kind="nvidia.com/gpu", share="0.25"),), 250, 0.35),
    ((DeviceNeed(kind="nvidia.com/gpu", share="0.5"),), 500, 0.25),
    ((DeviceNeed(kind="nvidia.com/gpu", count=1),), 1000, 0.25),
    ((DeviceNeed(kind="nvidia.com/gpu", count=2),), 2000, 0.08),
    ((DeviceNeed(kind="nvidia.com/gpu", count=4),), 4000, 0.05),
    ((DeviceNeed(kind="nvidia.com/gpu", count=8),), 8000, 0.02),
)
"""Needs, the thousandths they take, and how common each is."""


def add_rules(
    fields: Fields,
    size: NDArray[np.int64],
    request: NDArray[np.int64],
    of_pod: NDArray[np.int32],
    ordinal: NDArray[np.int32],
    capacity: NDArray[np.int64],
    gpu_nodes: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """
    Draws rules for apps and writes them into the pods' columns; returns (pods,) priorities.

    Draws are independent, but where rules would contradict: no zone affinity together with zone spread, zonal volumes
    or more than a zone's worth of pods; no host anti-affinity beyond a third of the nodes; GPUs without selectors,
    taints and stateful volumes.
    """
    apps = len(size)
    draw = rng.random((apps, 6))
    spread = draw[:, 0] < SPREAD
    apart = (draw[:, 1] < APART) & (size * 3 < len(capacity))
    fits_zone = (request * size[:, None] * 30 < capacity.sum(axis=0)).all(axis=1)
    stateful = draw[:, 5] < STATEFUL
    together = (draw[:, 2] < TOGETHER / (1 - SPREAD) / (1 - STATEFUL)) & ~spread & ~stateful & fits_zone
    select = draw[:, 3] < SELECT
    _per_app(fields, "topology_spread", spread, of_pod, lambda app: (_spread(app),))
    _per_app(fields, "pod_anti_affinity", apart, of_pod, lambda app: (_term(app, HOSTNAME),))
    _per_app(fields, "pod_affinity", together, of_pod, lambda app: (_term(app, ZONE),))
    _per_app(fields, "host_ports", draw[:, 4] < PORTS, of_pod, lambda app: (HostPort(port=20_000 + app % PORT_POOL),))
    ssd = select & (draw[:, 3] < SELECT / 2)
    batch = select & ~ssd
    pinned = batch & (rng.random(apps) < 0.2)
    selectors = (FrozenDict(), FrozenDict(disk="ssd"), FrozenDict(dedicated="batch"))
    fields["node_selector"] = Column(np.where(ssd, 1, np.where(pinned, 2, 0)).astype(np.int32)[of_pod], list(selectors))
    tolerations = [(), (Toleration(key="dedicated", value="batch", effect="NoSchedule"),)]
    fields["tolerations"] = Column(batch.astype(np.int32)[of_pod], tolerations)
    fields["stateful"] = Column(stateful.astype(np.int32)[of_pod], [0, 1])
    fields["volumes"] = _volumes(stateful, of_pod, ordinal)
    fields["devices"] = _gpus(~select & ~stateful, size, request, of_pod, gpu_nodes, rng)
    bands = rng.choice([band for band, _ in BANDS], apps, p=[share for _, share in BANDS])
    return bands.astype(np.int32)[of_pod]


def _selector(app: int) -> LabelSelector:
    return LabelSelector(match_labels={"app": f"app-{app}"})


def _spread(app: int) -> SpreadConstraint:
    return SpreadConstraint(topology_key=ZONE, selector=_selector(app))


def _term(app: int, key: str) -> AffinityTerm:
    return AffinityTerm(topology_key=key, selector=_selector(app))


def _per_app(fields: Fields, name: str, chosen: Mask, of_pod: NDArray[np.int32], make: Callable[[int], Any]) -> None:
    """A value of its own for each chosen app, nothing for the others."""
    rows = np.flatnonzero(chosen)
    code = np.zeros(len(chosen), np.int32)
    code[rows] = np.arange(1, len(rows) + 1)
    fields[name] = Column(code[of_pod], [(), *(make(app) for app in rows.tolist())])


def _volumes(stateful: Mask, of_pod: NDArray[np.int32], ordinal: NDArray[np.int32]) -> Column[Any]:
    """A volume of its own for each pod of a stateful app, in one zone, replicas round robin over zones."""
    zones = [
        (NodeSelectorTerm(match_expressions=(Requirement(key=ZONE, operator="In", values=(f"zone-{zone}",)),)),)
        for zone in range(ZONES)
    ]
    rows = np.flatnonzero(stateful[of_pod])
    code = np.zeros(len(of_pod), np.int32)
    code[rows] = np.arange(1, len(rows) + 1)
    values: list[tuple[Volume, ...]] = [()]
    for app, replica in zip(of_pod[rows].tolist(), ordinal[rows].tolist(), strict=True):
        topology = zones[(app + replica) % ZONES]
        values.append((Volume(name=f"data-app-{app}-{replica}", driver=DRIVER, topology=topology),))
    return Column(code, values)


def _gpus(
    may: Mask,
    size: NDArray[np.int64],
    request: NDArray[np.int64],
    of_pod: NDArray[np.int32],
    gpu_nodes: NDArray[np.int64],
    rng: np.random.Generator,
) -> Column[Any]:
    """
    Needs for 5 % of the apps, while they ask for at most 80 % of the GPUs and of the cpu and memory beside them.

    Apps are drawn in turn; one that asks for more than a few times its part of what is left is passed over.

    Parameters
    ----------
    may
        (apps,) that may have GPUs.
    gpu_nodes
        (3,) milli-CPU, MiB and GPU thousandths of all nodes that carry GPUs.
    """
    choice = rng.choice(len(NEEDS), len(size), p=[share for _, _, share in NEEDS])
    milli = np.array([amount for _, amount, _ in NEEDS])
    demand = size[:, None] * np.column_stack([request, milli[choice]])
    left, missing = GPU_LOAD * gpu_nodes, round(GPU * len(size))
    code = np.zeros(len(size), np.int64)
    for app in rng.permutation(np.flatnonzero(may)).tolist():
        if not missing:
            break
        if (demand[app] <= np.minimum(left, PART * left / missing)).all():
            code[app] = choice[app] + 1
            left -= demand[app]
            missing -= 1
    return Column(code.astype(np.int32)[of_pod], [(), *(need for need, _, _ in NEEDS)])
