"""
verify(): a solution, or the present placement, checked rule by rule.

The judge shares nothing with the engines but the model: every rule is plain numpy and Python here, written from
``docs/semantics.md``. ``placer/checks`` has one module a rule or family of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from placer.checks import (
    affinity,
    apart,
    arguments,
    capacity,
    claims,
    clashes,
    domains,
    reserve,
    room,
    spread,
    statement,
    static,
    structure,
    volumes,
)
from placer.checks.devices import Replay, replay
from placer.checks.facts import Facts
from placer.checks.finding import Finding
from placer.checks.objective import Final
from placer.checks.scene import Scene
from placer.checks.timeline import BINDING, MOVE, final_places, solution_timeline, standing_timeline
from placer.errors import StaleSolutionError
from placer.model.cluster import Cluster
from placer.solution import Solution

Check = Callable[[Scene], Iterable[Finding]]
OF_THE_NODE: tuple[Check, ...] = (capacity.check, clashes.check_ports, clashes.check_disks, volumes.check_limits)
"""Rules on what a node carries: a pod that moves is carried by both nodes until its wave ends."""
OTHERS: tuple[Check, ...] = (
    static.check_gates,
    static.check_unsupported,
    static.check_cordon,
    static.check_names,
    static.check_taints,
    static.check_affinity,
    static.check_alternatives,
    static.check_volumes,
    static.check_zones,
    claims.check,
    volumes.check_single_holders,
    spread.check,
    affinity.check,
    apart.check,
    domains.check_limits,
    domains.check_distinct,
    domains.check_shares,
)


class Violation(NamedTuple):
    """
    One thing that is wrong.

    Attributes
    ----------
    rule
        A name of :class:`placer.model.rule.Rule`; or of the solution's frame: ``UnknownPod``, ``UnknownNode``,
        ``BoundTwice``, ``AlreadyBound``, ``NotAccountedFor``, ``UnplacedTwice``, ``BoundAndUnplaced``, ``Eviction``,
        ``Move``, ``Objective``, ``Bound``, ``Reserve``, ``Buffer``.
    pod, node
        Who and where; empty where no single one is meant.
    message
        All of it in one line, with what there is and what is allowed.
    """

    rule: str
    pod: str
    node: str
    message: str


def verify(cluster: Cluster, solution: Solution | None = None) -> list[Violation]:
    """
    Checks every hard rule on the final state and along the order of application, and what the solution states.

    Parameters
    ----------
    cluster
        What the solution was made for.
    solution
        Evictions are applied just before the binding they make room for, moves after all bindings, wave by wave.
        ``None`` checks the present placement: each pod that stands against the others, loads in input order.

    Returns
    -------
    What is wrong, first what the frame of the solution gets wrong, then in the order of application; empty when all is
    well. What the input itself breaks is not held against a solution.

    Raises
    ------
    StaleSolutionError
        The solution was made for another input.
    InputError
        A value of a wrong type.

    Notes
    -----
    Time is that of sorting the pods, plus a step per counted pod and rule; memory is linear in pods and nodes.

    Examples
    --------
    >>> import placer as pl
    >>> cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("a", cpu=2, node="n1")])
    >>> [(violation.rule, violation.message) for violation in pl.verify(cluster)]
    [('NodeResourcesFit', 'default/a on n1: NodeResourcesFit: cpu would be 2000 of 1000')]
    """
    arguments.check(cluster, solution)
    facts = Facts(cluster)
    if solution is None:
        scene = Scene(facts, standing_timeline(cluster), {})
        return _violations([*_findings(scene, OTHERS + OF_THE_NODE), *_of(scene, replay(scene).findings)])
    if solution.input != cluster.digest:
        raise StaleSolutionError(
            f"the solution's input is {solution.input!r}, the cluster's is {cluster.digest!r}: "
            "it was made for another input; solve again, or give the input that it was made for"
        )
    plan, flaws = structure.read(cluster, solution)
    units = solution.units()
    bound = solution.claims()
    scene = Scene(facts, solution_timeline(cluster, plan, held=False), units, bound)
    loads = Scene(facts, solution_timeline(cluster, plan, held=True), units, bound) if plan.moved else scene
    replayed: Callable[[], Replay] = cache(lambda: replay(loads))
    flaws += statement.check(Final(facts, final_places(cluster, plan), replayed, solution.schedulers), solution)
    flaws += reserve.check(facts, plan, solution, _all_rules)
    if solution.buffers or solution.room:
        flaws += room.check(cluster, plan, solution, _all_rules)
    return [
        *(_violation(*flaw) for flaw in flaws),
        *_violations([*_findings(scene, OTHERS), *_findings(loads, OF_THE_NODE), *_of(loads, replayed().findings)]),
    ]


def _all_rules(passing: Scene, carrying: Scene) -> list[tuple[Scene, Finding]]:
    """What every hard rule finds: of pods that come and go, and of what nodes carry."""
    loads = [*_findings(carrying, OF_THE_NODE), *_of(carrying, replay(carrying).findings)]
    return [*_findings(passing, OTHERS), *loads]


def _of(scene: Scene, findings: Iterable[Finding]) -> list[tuple[Scene, Finding]]:
    return [(scene, finding) for finding in findings]


def _findings(scene: Scene, checks: Iterable[Check]) -> list[tuple[Scene, Finding]]:
    return [pair for check in checks for pair in _of(scene, check(scene))]


def _violation(rule: str, pod: str, node: str, detail: str) -> Violation:
    where = f"{pod} on {node}: " if pod and node else f"{pod}: " if pod else ""
    return Violation(rule, pod, node, f"{where}{rule}: {detail}")


def _place(pair: tuple[Scene, Finding]) -> tuple[bool, int]:
    """Where a finding belongs in the order of application, in which moves are last."""
    (scene, finding) = pair
    moves = bool(scene.timeline.source[finding.event] == MOVE)
    return moves, int(scene.timeline.line[finding.event]) if moves else finding.event


def _violations(findings: Iterable[tuple[Scene, Finding]]) -> list[Violation]:
    """Findings in order, with names."""
    lists = {BINDING: "bindings", MOVE: "moves"}
    found = []
    for scene, (event, rule, detail) in sorted(findings, key=_place):
        timeline, facts = scene.timeline, scene.facts
        pod, node = facts.pods.key(int(timeline.pod[event])), str(facts.nodes.names[int(timeline.node[event])])
        source = int(timeline.source[event])
        line = f" ({lists[source]}[{timeline.line[event]}])" if source in lists else ""
        found.append(Violation(rule, pod, node, f"{pod} on {node}{line}: {rule}: {detail}"))
    return found
