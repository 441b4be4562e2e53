"""
replay(): the pods that stand, decided once more in the order in which they started.

Each is judged with those that started before it where they really stand, and those that started later taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.decisions import CONFLICT, Decisions
from placer.encode.bodies import starts
from placer.encode.ranking import COLUMNS
from placer.engine import stand
from placer.model.cluster import Cluster
from placer.model.profile import Profile
from placer.model.rule import Rule
from placer.model.table import PENDING, Column
from placer.profiles import choose
from placer.recording import Recorder

EQUAL, TIED, BELOW, ILLEGAL = "equal", "tied", "below", "illegal"
VERDICTS = (EQUAL, TIED, BELOW, ILLEGAL)
STATIC_POD = "Node/"
"""How the owner of a pod begins that the node itself started."""


class Replayed(NamedTuple):
    """
    A pod that stands where the profile would not have put it.

    Attributes
    ----------
    verdict
        ``below``: the node takes the pod and scores less than the best. ``illegal``: a filter rejects it.
    best
        The node that the profile chooses; empty where it finds none.
    score, best_score
        Totals of both nodes; ``None`` where there is none.
    plugins
        Below the best: by how much the node's points differ from those of the best, plugin by plugin, least first.
    plugin, reasons
        Illegal: the filter that rejects, in its words.
    """

    pod: str
    node: str
    verdict: str
    best: str
    score: int | None
    best_score: int | None
    plugins: Mapping[str, int]
    plugin: str
    reasons: Sequence[str]

    @property
    def below(self) -> int:
        """Points below the best; 0 where there is no score."""
        return 0 if self.score is None or self.best_score is None else self.best_score - self.score

    @property
    def message(self) -> str:
        """All of it in one line."""
        if self.verdict == ILLEGAL:
            otherwise = f"{self.best} would have been chosen" if self.best else "no node takes it"
            return f"{self.node} rejects it: {self.plugin}: {', '.join(self.reasons)}; {otherwise}"
        points = ", ".join(f"{plugin} {points:+}" for plugin, points in self.plugins.items())
        return f"{self.node} scores {self.score}, {self.best} would have scored {self.best_score}: {points}"


class Replay(NamedTuple):
    """
    What :func:`replay` returns.

    Attributes
    ----------
    counts
        Verdict → pods: ``equal`` stand on the node that the profile chooses, ``tied`` on one as good, ``below`` on one
        that scores less, ``illegal`` on one that a filter rejects.
    skipped
        Pods that are bound and not judged: the input does not have their node, the node itself started them, they name
        another scheduler, or ask for what placer does not support.
    differing
        The pods that are below or illegal, worst first.
    """

    counts: Mapping[str, int]
    skipped: int
    differing: Sequence[Replayed]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {
            "counts": dict(self.counts),
            "skipped": self.skipped,
            "differing": [
                {
                    **each._asdict(),
                    "plugins": dict(each.plugins),
                    "reasons": list(each.reasons),
                    "below": each.below,
                    "message": each.message,
                }
                for each in self.differing
            ],
        }


def replay(
    cluster: Cluster,
    profile: str | Profile | Sequence[Profile] = "kubernetes",
    scheduler_name: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Replay:
    """
    Decides the pods that stand once more, one by one in the order of their start, and compares.

    Parameters
    ----------
    profile, scheduler_name
        Who decides, and whose pods, as in :func:`placer.solve`; the others only stand.
    progress
        Told how many pods are done, of how many.

    Returns
    -------
    How many pods stand where the profile would have put them, and those that do not. Equal starts are taken in input
    order, pods without a start last.

    Raises
    ------
    UsageError
        As :func:`placer.solve`.

    Notes
    -----
    O(pods × nodes). The input does not tell what else was there then: pods that are gone, other labels, other nodes.

    Examples
    --------
    >>> import placer as pl
    >>> from placer.replay import replay
    >>> nodes = [pl.Node("n1", cpu=4), pl.Node("n2", cpu=4)]
    >>> pods = [pl.Pod("a", cpu=2, node="n1", started=1), pl.Pod("b", cpu=1, node="n1", started=2)]
    >>> found = replay(pl.Cluster(nodes, pods))
    >>> dict(found.counts)
    {'equal': 1, 'tied': 0, 'below': 1, 'illegal': 0}
    >>> found.differing[0].message
    'n1 scores 400, n2 would have scored 450: NodeResourcesFit -50'
    """
    order = in_order(cluster)
    emptied = without_standing(cluster)
    choice = choose(profile, scheduler_name)
    able, judged = judgeable(cluster), np.zeros(len(cluster.pod_table), bool)
    counts, differing = dict.fromkeys(VERDICTS, 0), list[tuple[int, Replayed]]()
    for turn, (each, rows) in enumerate(choice.shares(emptied)):
        mine = np.zeros(len(judged), bool)
        mine[rows] = able[rows]
        judged |= mine
        for place, (verdict, found) in enumerate(_Judge(cluster, emptied, each).decide_all(order, mine)):
            if verdict:
                counts[verdict] += 1
                differing += [(place, found)] if found else []
            if progress:
                progress(turn * len(order) + place + 1, len(choice.profiles) * len(order))
    differing.sort(key=lambda pair: (pair[1].verdict != ILLEGAL, -pair[1].below, pair[0]))
    bound = int((cluster.pod_table.node != PENDING).sum())
    return Replay(counts, bound - int(judged.sum()), [found for _, found in differing])


def in_order(cluster: Cluster) -> NDArray[np.int64]:
    """The rows of the pods that stand, earliest start first; those without one last; input order of equals."""
    standing = np.flatnonzero(cluster.pod_table.node >= 0)
    order: NDArray[np.int64] = standing[np.argsort(starts(cluster)[standing], kind="stable")]
    return order


def without_standing(cluster: Cluster) -> Cluster:
    """The cluster with the pods that stand pending, and nothing that would keep those from standing again."""
    pods = cluster.pod_table
    standing = pods.node >= 0
    fields = dict(pods.fields)
    for name in ("scheduling_gates", "unsupported"):
        column = fields[name]
        codes = np.where(standing, len(column.values), column.codes).astype(np.int32)
        fields[name] = Column(codes, [*column.values, ()])
    taken_off = replace(pods, node=np.where(standing, PENDING, pods.node).astype(np.int32), fields=fields)
    return Cluster.from_tables(cluster.node_table, taken_off, cluster.namespaces, (), cluster.budgets)


def judgeable(cluster: Cluster) -> NDArray[np.bool_]:
    """(pods,) that stand, that a scheduler has put there, and all of whose rules are known."""
    pods = cluster.pod_table
    known = pods["unsupported"].map(lambda rules: not rules)
    scheduled = pods["owner"].map(lambda owner: not owner.startswith(STATIC_POD))
    found: NDArray[np.bool_] = (pods.node >= 0) & known.astype(bool) & scheduled.astype(bool)
    return found


class _Judge:
    """
    Decides pods of an emptied cluster, and puts each back where it really stands.

    Parameters
    ----------
    cluster, emptied
        The same with the pods where they stand, and without.
    """

    def __init__(self, cluster: Cluster, emptied: Cluster, profile: Profile) -> None:
        self.cluster = cluster
        self.decisions = Decisions(emptied, profile, np.zeros(0, np.int32))
        self.recorder = Recorder(self.decisions)
        self.names = self.recorder.names
        self._feasible = np.zeros(len(self.names), bool)
        self._table = np.zeros((len(COLUMNS), len(self.names)), np.int64)

    def decide_all(
        self, order: NDArray[np.int64], mine: NDArray[np.bool_]
    ) -> Iterator[tuple[str | None, Replayed | None]]:
        """Verdicts on the pods that are ``mine``, in order; the others are only put back."""
        for pod in order.tolist():
            yield self.decide(pod) if mine[pod] else (None, None)
            self.put_back(pod)

    def put_back(self, pod: int) -> None:
        """Puts a pod on its node, whether or not it fits; claims of it that wait are then bound."""
        from placer.kernels.claims import settle_claims

        run, node = self.decisions.run, self.cluster.pod_table.node
        row = np.array([pod], np.int32)
        pod_class, place = int(run.encoded.class_of_pod[pod]), int(run.encoded.position[node[pod]])
        problem, _, state, work = self.decisions.packed
        settle_claims(problem, state, work, pod_class, place)
        stand(self.cluster, run.encoded._replace(standing=row, standing_node=node[row]), run.state, run.work)

    def decide(self, pod: int) -> tuple[str, Replayed | None]:
        """The verdict on a pod, in words where it stands on another node than one of the best. O(nodes)."""
        from placer.kernels.rank import explain_ranking

        encoded = self.decisions.run.encoded
        pod_class, node = int(encoded.class_of_pod[pod]), int(encoded.position[self.cluster.pod_table.node[pod]])
        best = int(explain_ranking(*self.decisions.packed, pod_class, self._feasible, self._table))
        if best == node:
            return EQUAL, None
        total = None if best < 0 else self._total(best)
        if not self._feasible[node]:
            plugin, reasons = self._rejection(pod_class, pod, node)
            return ILLEGAL, self._differing(pod, ILLEGAL, (node, best), (None, total), plugin=plugin, reasons=reasons)
        if self._total(node) == total:
            return TIED, None
        lead = self._table[:, node] - self._table[:, best]
        plugins = {COLUMNS[column]: int(lead[column]) for column in np.argsort(lead, kind="stable") if lead[column]}
        return BELOW, self._differing(pod, BELOW, (node, best), (self._total(node), total), plugins=plugins)

    def _total(self, node: int) -> int:
        return int(np.maximum(self._table[:, node], 0).sum())

    def _rejection(self, pod_class: int, pod: int, node: int) -> tuple[str, Sequence[str]]:
        """The filter that rejects a node first, and its words."""
        if self.decisions.conflict(pod):
            return Rule.NodeAffinity.name, [CONFLICT]
        rejections = self.decisions.rejections
        told = rejections.told(rejections.codes(pod_class, pod), pod_class)
        status = self.recorder.status(pod_class, told, self.decisions.left_out(pod), node)
        return status["plugin"], status["reasons"]

    def _differing(
        self,
        pod: int,
        verdict: str,
        nodes: tuple[int, int],
        scores: tuple[int | None, int | None],
        plugins: Mapping[str, int] | None = None,
        plugin: str = "",
        reasons: Sequence[str] = (),
    ) -> Replayed:
        """A verdict with names; ``nodes`` and ``scores`` are those where it stands and the best ones."""
        node, best = (self.names[each] if each >= 0 else "" for each in nodes)
        key = self.cluster.pod_table.key(pod)
        return Replayed(key, node, verdict, best, *scores, plugins or {}, plugin, reasons)
