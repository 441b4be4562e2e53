"""
Reserves: what stands in any one domain has a place elsewhere if that domain fails.

Each domain is taken away in turn, what stood there arrives where the answer says it would go, and every hard rule is
asked of each arrival. All that is one long timeline, so that the cost is that of checking the pods a few times over,
however many domains there are. Pods for which the answer names no place are given one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.checks.facts import Facts
from placer.checks.finding import Finding
from placer.checks.places import Free, Places
from placer.checks.scene import Failing, Scene
from placer.checks.structure import Flaw
from placer.checks.timeline import BINDING, EVICTION, MOVE, Plan, Timeline, final_places, solution_timeline
from placer.solution import Solution, rows_of, units_of

Rules = Callable[[Scene, Scene], Iterable[tuple[Scene, Finding]]]
ROUNDS = 12
"""Times that pods without a named place, for which the rules refuse the one found here, are given another."""
SHOWN = 3


class Arrivals(NamedTuple):
    """
    Pods that lost their node, where each goes, in order.

    Attributes
    ----------
    pod, node
        (arrivals,) rows.
    domain
        (arrivals,) the domain that failed.
    line
        (arrivals,) place among the answer's ``failover``; -1 for a place found here.
    """

    pod: NDArray[np.int64]
    node: NDArray[np.int64]
    domain: NDArray[np.int64]
    line: NDArray[np.int64]


def check(facts: Facts, plan: Plan, solution: Solution, rules: Rules) -> Iterator[Flaw]:
    """
    One flaw for each domain of which something would find no place.

    Parameters
    ----------
    rules
        Asks every hard rule: of what stands where time passes, and of what nodes carry.
    """
    if solution.reserve is None:
        return
    case = _Case(facts, plan, solution)
    yield from case.flaws
    wrong = {domain: list(texts) for domain, texts in case.unfit.items()}
    arrivals = case.named
    refused: dict[int, set[int]] = {}
    for _ in range(ROUNDS):
        own = case.find(refused)
        arrivals = _joined(case.named, own)
        broken = _broken(case, arrivals, rules)
        again = [(place, text) for place, text in broken.items() if arrivals.line[place] < 0]
        if not again:
            break
        for place, _ in again:
            refused.setdefault(int(arrivals.pod[place]), set()).add(int(arrivals.node[place]))
    for place, text in broken.items():
        wrong.setdefault(int(arrivals.domain[place]), []).append(f"{facts.pods.key(int(arrivals.pod[place]))}: {text}")
    for row in case.nowhere:
        wrong.setdefault(int(case.domain[row]), []).append(f"{facts.pods.key(row)}: no node has room for it")
    for domain in sorted(wrong):
        yield _flaw(case, domain, wrong[domain])


def _flaw(case: _Case, domain: int, texts: Sequence[str]) -> Flaw:
    shown = "; ".join(texts[:SHOWN]) + (f"; and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else "")
    pod = texts[0].split(":")[0]
    there = int((case.domain == domain).sum())
    name = f"{case.key}={case.names[domain]}"
    return Flaw(
        "Reserve", pod, "", f"if {name} failed, {len(texts):,} of {there:,} pods would not fit elsewhere: {shown}"
    )


class _Case:
    """What stands in which domain, and what the answer says of it."""

    def __init__(self, facts: Facts, plan: Plan, solution: Solution) -> None:
        self.facts, self.plan, self.solution, self.key = facts, plan, solution, str(solution.reserve)
        codes, self.names = facts.domains(self.key)
        self.of_node = codes
        self.where = final_places(facts.cluster, plan)
        self.domain = np.where(self.where >= 0, codes[self.where], -1) if len(codes) else np.full(len(self.where), -1)
        self.flaws: list[Flaw] = []
        self.unfit: dict[int, list[str]] = {}
        self.nowhere: list[int] = []
        self._places = Places(facts)
        self.stays = self._stays()
        self.named = self._named()
        listed = np.zeros(len(self.where), bool)
        listed[self.named.pod] = True
        left = np.flatnonzero((self.domain >= 0) & ~self.stays & ~listed)
        self._open = [int(row) for row in left.tolist() if not self._bound(int(row))]
        self._free = Free(facts, self.where) if self._open else None

    def _stays(self) -> NDArray[np.bool_]:
        """(pods,) that need no place: leaving anyway, or tied to a volume that is made or chosen where they stand."""
        pods = self.facts.pods
        stays = np.zeros(len(pods), bool)
        for field in ("terminating", "scheduling_gates", "unsupported"):
            some = self.facts.truthy(field)
            stays |= False if some is None else some
        if len(pods):
            stays |= pods["volumes"].map(lambda volumes: any(volume.waiting for volume in volumes)).astype(bool)
        return stays

    def _bound(self, row: int) -> bool:
        """Whether static rules leave a pod no node outside its domain."""
        return not (self._places.of(row) & (self.of_node != self.domain[row])).any()

    def _named(self) -> Arrivals:
        """The places that the answer names, as far as they make sense."""
        pods, nodes = (rows.astype(np.int64) for rows in rows_of(self.facts.cluster, self.solution.failover))
        keep = np.ones(len(pods), bool)
        seen: set[int] = set()
        for line, (pod, node) in enumerate(zip(pods.tolist(), nodes.tolist(), strict=True)):
            problem = self._problem(pod, node, pod in seen)
            seen.add(pod)
            if problem:
                name, where, *_ = self.solution.failover[line]
                self.flaws.append(Flaw("Reserve", name, where, f"failover[{line}] {problem}"))
            keep[line] = not problem and not self.stays[pod]
        lines = np.flatnonzero(keep)
        return Arrivals(pods[lines], nodes[lines], self.domain[pods[lines]], lines)

    def _problem(self, pod: int, node: int, again: bool) -> str | None:
        if pod < 0 or node < 0:
            return "names what the input does not have"
        if again:
            return "names a pod that is named before"
        if self.domain[pod] < 0:
            return "names a pod that stands in no domain"
        if self.of_node[node] == self.domain[pod]:
            return "leaves a pod in the domain that fails"
        return None

    def find(self, refused: dict[int, set[int]]) -> Arrivals:
        """Places for pods for which none is named: the largest first, each on the node that it fills most."""
        self.nowhere = []
        found: list[tuple[int, int, int]] = []
        if self._free is None:
            return Arrivals(*(np.zeros(0, np.int64) for _ in range(4)))
        free = self._free
        size = {row: free.size(row) for row in self._open}
        priority = self.facts.pods.priority
        named = _by_domain(self.named)
        for domain, rows in _listed(self._open, self.domain).items():
            taken = list(named.get(domain, []))
            for row, node in taken:
                free.take(row, node)
            for row in sorted(rows, key=lambda row: (-int(priority[row]), -size[row], row)):
                mask = self._places.of(row) & (self.of_node != domain)
                mask[list(refused.get(row, ()))] = False
                node = free.best(row, mask)
                if node < 0:
                    self.nowhere.append(row)
                    continue
                free.take(row, node)
                taken.append((row, node))
                found.append((row, node, domain))
            for row, node in taken:
                free.take(row, node, -1)
        pod, node_rows, domains = np.array(found, np.int64).reshape(-1, 3).T
        return Arrivals(pod, node_rows, domains, np.full(len(pod), -1, np.int64))


def _by_domain(arrivals: Arrivals) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for pod, node, domain in zip(arrivals.pod.tolist(), arrivals.node.tolist(), arrivals.domain.tolist(), strict=True):
        found.setdefault(domain, []).append((pod, node))
    return found


def _listed(rows: Sequence[int], domain: NDArray[np.int64]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(int(domain[row]), []).append(row)
    return found


def _joined(named: Arrivals, own: Arrivals) -> Arrivals:
    """By domain; named places come first, in their order."""
    parts = [np.concatenate(pair) for pair in zip(named, own, strict=True)]
    order = np.argsort(parts[2], kind="stable")
    return Arrivals(*(part[order] for part in parts))


def _broken(case: _Case, arrivals: Arrivals, rules: Rules) -> dict[int, str]:
    """Place among the arrivals → what rules have against it."""
    base = solution_timeline(case.facts.cluster, case.plan, held=False)
    total = len(case.solution.bindings)
    units = dict(units_of(case.solution.bindings))
    lines = units_of(case.solution.failover)
    units |= {total + line: lines[line] for line in arrivals.line.tolist() if line in lines}
    found: dict[int, str] = {}
    scenes = []
    for leaves in (True, False):
        timeline, place, failed = _timeline(case, base, arrivals, total, leaves)
        scenes.append(
            (Scene(case.facts, timeline, units, failing=Failing(case.of_node, failed, len(case.names))), place)
        )
    (passing, place), (carrying, _) = scenes
    places = {id(scene): place for scene, place in scenes}
    for scene, finding in rules(passing, carrying):
        at = int(places[id(scene)][finding.event])
        found.setdefault(at, f"on {case.facts.nodes.names[int(arrivals.node[at])]}: {finding.rule}: {finding.detail}")
    return dict(sorted(found.items()))


def _timeline(
    case: _Case, base: Timeline, arrivals: Arrivals, total: int, leaves: bool
) -> tuple[Timeline, NDArray[np.int64], NDArray[np.int64]]:
    """
    What stands, then for each domain: its pods leave, arrive elsewhere, leave again and return.

    Parameters
    ----------
    leaves
        Whether they leave at all: for what nodes carry it makes no difference, since none arrives in the domain.

    Returns
    -------
    The timeline; (events,) place among the arrivals, -1 for other events; and (events,) the domain that has failed.
    """
    count = len(arrivals.pod)
    source = np.where(arrivals.line >= 0, BINDING, MOVE)
    line = np.where(arrivals.line >= 0, total + arrivals.line, 0)
    come = [arrivals.pod, arrivals.node, np.ones(count, np.int64), np.ones(count, bool), source, line]
    go = [arrivals.pod, arrivals.node, -np.ones(count, np.int64), np.zeros(count, bool), np.full(count, EVICTION), line]
    parts = [(1, arrivals.domain, np.arange(count), come), (2, arrivals.domain, np.full(count, -1), go)]
    if leaves:
        events = _standing_events(case, base)
        rows = base.pod[events]
        domain, nobody = case.domain[rows], np.full(len(rows), -1)
        zeros = np.zeros(len(rows), np.int64)
        leave = [rows, case.where[rows], zeros - 1, zeros > 0, np.full(len(rows), EVICTION), zeros]
        back_source = base.source[events].astype(np.int64)
        back_line = np.maximum(base.line[events], 0)
        back = [rows, case.where[rows], zeros + 1, zeros > 0, back_source, back_line]
        parts += [(0, domain, nobody, leave), (3, domain, nobody, back)]
    phase = np.concatenate([np.full(len(domain), number) for number, domain, _, _ in parts])
    failed = np.concatenate([domain for _, domain, _, _ in parts])
    order = np.lexsort((phase, failed))
    place = np.concatenate([place for _, _, place, _ in parts])[order]
    more = [np.concatenate(columns)[order] for columns in zip(*(part for *_, part in parts), strict=True)]
    pod, node, sign, checked, source, line = more
    timeline = Timeline(
        pod=np.concatenate([base.pod, pod]),
        node=np.concatenate([base.node, node]),
        sign=np.concatenate([base.sign, sign]),
        checked=np.concatenate([np.zeros(len(base), bool), checked]),
        source=np.concatenate([base.source, source.astype(np.int8)]),
        line=np.concatenate([base.line, line]),
        ordered=True,
    )
    before = np.full(len(base), -1, np.int64)
    return timeline, np.concatenate([before, place]), np.concatenate([before, failed[order]])


def _standing_events(case: _Case, base: Timeline) -> NDArray[np.int64]:
    """The last arrival of each pod that stands in a domain, in order."""
    last = np.full(len(case.where), -1, np.int64)
    arrive = np.flatnonzero(base.sign > 0)
    last[base.pod[arrive]] = arrive
    rows = np.flatnonzero(case.domain >= 0)
    events: NDArray[np.int64] = np.sort(last[rows])
    return events
