"""Small problems with something standing in them: as arrays, as the structs kernels take, and as the slow reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from reference.rules import fits
from reference.state import State as Slow
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.encode.encode import Encoded, encode
from placer.encode.goals import encode_goals
from placer.encode.problem import Goals, Problem, State, Work
from placer.engine import Run, pods_per_class, prepare
from placer.kernels.arrive import fits_now
from placer.kernels.bind import hold_units, put
from placer.kernels.claims import settle_claims
from placer.kernels.devices import choose_units
from placer.kernels.structs import pack

GOALS = (
    (("pack", 1.0),),
    (("balance", 1.0), ("headroom", 2.0)),
    (("fragmentation", 1.0), ("pack", 0.5)),
    (("preferences", 1.0), ("balance", 0.1)),
    (("headroom", 1.0),),
)


class World(NamedTuple):
    """
    A cluster in every form.

    Attributes
    ----------
    slow
        The reference's state, in which the same pods stand.
    stands
        Class → internal node → pods, of all that stand.
    packed
        The structs that kernels take, by name; they share their arrays with the named tuples.
    """

    cluster: pl.Cluster
    encoded: Encoded
    run: Run
    slow: Slow
    stands: Counter[tuple[int, int]]
    packed: dict[str, Any]

    @property
    def problem(self) -> Problem:
        return self.encoded.problem

    @property
    def goals(self) -> Goals:
        return self.run.goals

    @property
    def state(self) -> State:
        return self.run.state

    @property
    def work(self) -> Work:
        return self.run.work

    @property
    def nodes(self) -> int:
        return len(self.problem.nodes.row)

    @property
    def classes(self) -> int:
        return len(self.problem.classes.priority)

    def structs(self, *names: str) -> list[Any]:
        """Some of the packed parts."""
        return [self.packed[name] for name in names]

    def pairs(self) -> list[tuple[int, int]]:
        """(class, internal node) of every class that has a pending pod, with every node."""
        return [(one, node) for one in self.waiting() for node in range(self.nodes)]

    def waiting(self) -> dict[int, int]:
        """Class → a pod of it that does not stand."""
        pods = [pod for pod in self.encoded.pending.tolist() if pod not in self.slow.standing]
        return {int(self.encoded.class_of_pod[pod]): pod for pod in reversed(pods)}

    def row(self, node: int) -> int:
        """The table row of an internal node."""
        return int(self.problem.nodes.row[node])

    def eligible(self, pod_class: int) -> list[int]:
        """The internal nodes that static rules allow a class."""
        classes, nodes = self.problem.classes, self.problem.nodes
        signature = classes.eligible[pod_class]
        segments = classes.eligible_segments[classes.eligible_start[signature] : classes.eligible_start[signature + 1]]
        return [node for node in range(self.nodes) if nodes.segment[node] in segments]


def world(
    seed: int,
    nodes: int,
    pods: int,
    rules: Collection[str] = ALL_RULES,
    goals: Sequence[tuple[str, float]] = GOALS[0],
    bind: bool = True,
) -> World:
    """A random cluster of which some pending pods were bound, most of them legally, and the rest wherever units are."""
    return world_of(random_cluster(seed, nodes, pods, rules), goals, seed if bind else None)


def gpu_world(seed: int, nodes: int, pods: int, bind: bool = True) -> World:
    """GPUs of two models, and pods that take shares of one or several whole ones, of either or of one model."""
    random = Random(seed)
    listed = [
        pl.Node(
            f"n{row}",
            cpu=random.choice([4, 8]),
            memory=random.choice([8, 16]),
            devices=[
                pl.Device(kind="nvidia.com/gpu", count=random.choice([1, 2]), attributes={"model": model})
                for model in random.choice(["", "A", "B", "AB"])
            ],
        )
        for row in range(nodes)
    ]
    wanted = []
    for row in range(pods):
        where = [{"key": "model", "operator": "In", "values": [random.choice("AB")]}] if random.random() < 0.3 else []
        count, share = random.choice([(1, 1000), (2, 1000), (1, 250), (1, 500), (1, 700), (2, 500)])
        need = pl.DeviceNeed(kind="nvidia.com/gpu", count=count, share_milli=share, where=where)
        needs = [need] if random.random() < 0.8 else []
        wanted.append(pl.Pod(f"p{row}", cpu=random.choice([0, 1, 2]), memory=random.choice([0, 1]), devices=needs))
    return world_of(pl.Cluster(listed, wanted), GOALS[2], seed if bind else None)


def world_of(cluster: pl.Cluster, goals: Sequence[tuple[str, float]], seed: int | None) -> World:
    """A cluster in every form; pods are bound by the seed, if any."""
    encoded = encode(cluster, preferences=any(name == "preferences" for name, _ in goals))
    run = prepare(cluster, encoded, encode_goals(encoded, [goals], pods_per_class(encoded)))
    parts = [encoded.problem, encoded.problem.nodes, encoded.problem.counters, *run[1:6]]
    packed = {type(part).__name__.lower(): pack(part) for part in parts}
    stands = Counter(
        (int(encoded.class_of_pod[pod]), int(encoded.position[node]))
        for pod, node in zip(encoded.standing.tolist(), encoded.standing_node.tolist(), strict=True)
    )
    made = World(cluster, encoded, run, Slow(cluster), stands, packed)
    if seed is not None and made.nodes:
        _bind_some(made, Random(seed))
    return made


def _bind_some(made: World, random: Random) -> None:
    for pod in made.encoded.pending.tolist():
        rows = fits(made.slow, pod) if random.random() < 0.85 else list(range(len(made.slow.nodes)))
        if rows and random.random() < 0.6:
            bind_pod(made, pod, int(made.encoded.position[random.choice(rows)]))


def bind_pod(made: World, pod: int, node: int) -> bool:
    """Binds a pod in the arrays and in the reference, with the same units; not where there are no units for it."""
    pod_class = int(made.encoded.class_of_pod[pod])
    slots = choose_units(*made.structs("problem", "state"), pod_class, node, made.packed["work"])
    if slots < 0:
        return False
    made.slow.bind(pod, made.row(node), named(made, made.work.chosen[:slots]))
    problem, state = made.structs("problem", "state")
    settle_claims(problem, state, made.packed["work"], pod_class, node)
    hold_units(problem, state, pod_class, made.work.chosen, made.work.slot_need, slots, 1)
    put(problem, state, pod_class, node, 1)
    made.stands[pod_class, node] += 1
    return True


def named(made: World, units: NDArray[np.int32]) -> dict[str, list[int]]:
    """Units as a binding names them."""
    held: dict[str, list[int]] = {}
    for unit in units.tolist():
        kind = made.encoded.kinds[made.problem.units.kind[unit]]
        held.setdefault(kind, []).append(int(made.problem.units.place[unit]))
    return held


def can_stand(made: World, pod_class: int, node: int) -> bool:
    """What the kernels say of one pod and node, static rules included."""
    problem, state, work = made.structs("problem", "state", "work")
    return node in made.eligible(pod_class) and bool(fits_now(problem, state, work, pod_class, node))


def seen(state: State) -> dict[str, Any]:
    """All that a state says; where the sparse table keeps a count, and that it keeps one of 0, does not matter."""
    table = {}
    for key, entry in zip(state.slot_key.tolist(), state.slot_entry.tolist(), strict=True):
        if key != -1 and state.entry_count[entry]:
            table[key >> 32, key & 0xFFFFFFFF] = int(state.entry_count[entry])
    return {
        "free": state.free.tolist(),
        "pods": state.pods.tolist(),
        "unit_free": state.unit_free.tolist(),
        "table": table,
        "total": state.total.tolist(),
        "nonzero": state.nonzero.tolist(),
        "claims": [each.tolist() for each in (state.claim_volume, state.claim_node, state.claim_pods, state.held_by)],
    }


def listed(state: State) -> dict[tuple[int, int], int]:
    """(counter, domain) → count by the lists of entries, which must say what the slots say."""
    found = {}
    for counter in range(len(state.head)):
        entry = int(state.head[counter])
        while entry >= 0:
            if state.entry_count[entry]:
                found[counter, int(state.entry_domain[entry])] = int(state.entry_count[entry])
            entry = int(state.entry_next[entry])
    return found


def copied(state: State) -> State:
    """A state of its own, to be changed."""
    return State(*(array.copy() for array in state))
