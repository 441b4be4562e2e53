"""
A part of a placement as a problem of its own: a few nodes, and pods that stand on them or have no node.

All else stays where it is. A pod that stands keeps its place in the order of arrival, and every count that a rule looks
at over time stays as it was: where affinity, spread or distinct rules look at a counter, pods that it counts, and pods
that ask for it, move within one domain only. Rules of at most so many hold in the final state, so that they hold in any
order. What is not exact here costs an attempt at most: who applies a result asks all rules again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.encode.cells import cell_values, cells, missing
from placer.encode.combine import ragged
from placer.encode.eligible import segments_of
from placer.encode.problem import BOOL, I32, I64, Costs, Problem, State
from placer.kernels import costs as kinds
from placer.kernels.terms import AFFINITY, AT_MOST, AT_MOST_BY_DOMAIN, DISTINCT, SKEW, SOFT_COUNT
from placer.packing.case import Case, Item, Outside, Rule
from placer.packing.goals import Level
from placer.packing.model import Model, Placed, Search, Stopped

OVER_TIME = (AFFINITY, SKEW, DISTINCT)
MOST_DOMAINS = 64
"""Domains of a key up to which all are written, those without a chosen node as constants."""


class Pod(NamedTuple):
    """A pod that may move: its slot and class, its node (-1 for none), and the (unit, need) pairs that it holds."""

    slot: int
    pod_class: int
    node: int
    units: tuple[tuple[int, int], ...] = ()


class Rules(NamedTuple):
    """
    What of a problem's rules says how pods may move; the same for all parts of it.

    Attributes
    ----------
    over_time
        (counters,) whether a rule looks at them over time.
    limited_start, limited
        Counter → terms that say at most how many of it a domain holds.
    owner
        (terms,) the class that has each.
    """

    over_time: BOOL
    limited_start: I64
    limited: I64
    owner: I64


class Part(NamedTuple):
    """
    A part of a problem.

    Attributes
    ----------
    nodes
        (part's nodes,) their numbers in the whole.
    groups
        Per class of the part, the pods that it stands for.
    start
        The placement as it is.
    """

    case: Case
    nodes: I32
    groups: Sequence[Sequence[Pod]]
    start: Sequence[Placed]


class Outcome(NamedTuple):
    """
    What CP-SAT came to.

    Attributes
    ----------
    pods
        Those that change, each with its new node and units.
    finished
        Whether nothing better is possible on these nodes, beyond the gap that the search may leave.
    """

    pods: Sequence[Pod]
    finished: bool


def rules_of(problem: Problem) -> Rules:
    """The rules of a problem, read once."""
    terms, counters = problem.terms, len(problem.counters.key)
    over_time = np.zeros(counters, bool)
    over_time[terms.counter[np.isin(terms.kind, OVER_TIME)]] = True
    limiting = np.flatnonzero(np.isin(terms.kind, (AT_MOST, AT_MOST_BY_DOMAIN)))
    order = limiting[np.argsort(terms.counter[limiting], kind="stable")]
    owner = np.repeat(np.arange(len(problem.classes.priority)), np.diff(problem.classes.term_start))
    start = np.searchsorted(terms.counter[order], np.arange(counters + 1))
    return Rules(over_time, start.astype(np.int64), order.astype(np.int64), owner.astype(np.int64))


def movable(problem: Problem, rules: Rules, pod_class: int) -> bool:
    """
    Whether pods of a class may move at all.

    Not where claims wait; nor where others say how many of its group a domain holds, and it does not say so itself:
    those that came later would have to be asked again.
    """
    if problem.claims.start[pod_class + 1] > problem.claims.start[pod_class]:
        return False
    terms, classes = problem.terms, problem.classes
    own = range(int(classes.term_start[pod_class]), int(classes.term_start[pod_class + 1]))
    mine = {int(terms.counter[term]): int(terms.bound[term]) for term in own if terms.kind[term] == AT_MOST}
    for counter in classes.adds[classes.adds_start[pod_class] : classes.adds_start[pod_class + 1]].tolist():
        for term in rules.limited[rules.limited_start[counter] : rules.limited_start[counter + 1]].tolist():
            other = int(rules.owner[term])
            if other == pod_class or mine.get(counter, np.inf) <= int(terms.bound[term]):
                continue
            theirs = classes.adds[classes.adds_start[other] : classes.adds_start[other + 1]].tolist()
            if not any(mine.get(each, 1) <= 0 for each in theirs):
                return False
    return True


def signature(problem: Problem, rules: Rules, pod_class: int, nodes: NDArray[np.integer]) -> I64:
    """(counters looked at over time, nodes) in which domain of each a node is, and whether it counts there."""
    classes, terms, counters = problem.classes, problem.terms, problem.counters
    adds = classes.adds[classes.adds_start[pod_class] : classes.adds_start[pod_class + 1]]
    own = np.arange(classes.term_start[pod_class], classes.term_start[pod_class + 1])
    asked = terms.counter[own[np.isin(terms.kind[own], OVER_TIME)]]
    chosen = np.unique(np.concatenate([adds[rules.over_time[adds]], asked])).astype(np.int64)
    domain = problem.nodes.domain[counters.key[chosen]][:, nodes].astype(np.int64)
    counted = counts_on(problem, chosen, nodes)
    return domain * 2 + counted


def counts_on(problem: Problem, chosen: I64, nodes: NDArray[np.integer]) -> BOOL:
    """(counters, nodes) whether pods on a node count."""
    counters, found = problem.counters, np.ones((len(chosen), len(nodes)), bool)
    for row, counter in enumerate(chosen.tolist()):
        if counters.eligible[counter] >= 0:
            found[row] = counters.eligible_segment[counters.eligible[counter]][problem.nodes.segment[nodes]]
        found[row] &= problem.nodes.domain[counters.key[counter]][nodes] >= 0
    return found


def part_of(problem: Problem, rules: Rules, state: State, nodes: I32, pods: Sequence[Pod]) -> Part:
    """
    A part of a placement.

    Parameters
    ----------
    state
        Without these pods.
    nodes
        Chosen nodes; those in use first, so that of equal ones the first are used.
    pods
        All that stand on these nodes and may move, and some that have no node.
    """
    groups: dict[tuple[int, bytes], list[Pod]] = {}
    allowed: dict[tuple[int, bytes], BOOL] = {}
    place = {node: index for index, node in enumerate(nodes.tolist())}
    marks: dict[int, I64] = {}
    for pod in sorted(pods, key=lambda each: (each.pod_class, each.node < 0, each.node)):
        if pod.pod_class not in marks:
            marks[pod.pod_class] = signature(problem, rules, pod.pod_class, nodes)
        here = marks[pod.pod_class]
        own = here[:, place[pod.node]] if pod.node >= 0 else np.zeros(0, np.int64)
        mark = pod.pod_class, own.tobytes()
        if mark not in groups:
            same = (here == own[:, None]).all(axis=0) if pod.node >= 0 else np.ones(len(nodes), bool)
            allowed[mark] = same & eligible(problem, pod.pod_class, nodes)
        groups.setdefault(mark, []).append(pod)
    listed = list(groups.values())
    classes = np.array([pods_of[0].pod_class for pods_of in listed], np.int64)
    case = _case(problem, state, nodes, classes, listed, np.array(list(allowed.values())).reshape(-1, len(nodes)))
    return Part(case, nodes, listed, _start(problem, case, listed, place, nodes))


def eligible(problem: Problem, pod_class: int, nodes: NDArray[np.integer]) -> BOOL:
    """(nodes,) what static rules allow a class."""
    allowed = segments_of(problem.classes, int(problem.classes.eligible[pod_class]))
    return np.isin(problem.nodes.segment[nodes], allowed)


def _case(
    problem: Problem, state: State, nodes: I32, classes: I64, groups: Sequence[Sequence[Pod]], allowed: BOOL
) -> Case:
    """The part as models read it: nodes and classes numbered anew, and only the counters that matter."""
    counters, limits = _limits(problem, classes)
    domains = [np.unique(row[row >= 0]) for row in problem.nodes.domain[:, nodes]]
    sliced = _sliced(problem, state, nodes, classes, counters, domains)
    numbers = {counter: row for row, counter in enumerate(counters.tolist())}
    keys = problem.counters.key[counters]
    rules = [
        [_rule(problem, term, numbers, domains[int(problem.counters.key[problem.terms.counter[term]])]) for term in own]
        for own in limits
    ]
    members = np.zeros((len(counters), len(classes)), bool)
    for column, pod_class in enumerate(classes.tolist()):
        adds = problem.classes.adds[problem.classes.adds_start[pod_class] : problem.classes.adds_start[pod_class + 1]]
        members[[numbers[each] for each in adds.tolist() if each in numbers], column] = True
    apart = (np.diff(sliced.classes.unit_start) > 0) | (sliced.classes.numa > 0)
    items: list[Item] = []
    for column, pods in enumerate(groups):
        items += [Item(column, 1)] * len(pods) if apart[column] else [Item(column, len(pods))]
    case = Case(
        problem=sliced,
        state=_sliced_state(problem, state, nodes),
        items=items,
        rules=rules,
        members=members,
        standing=[
            counts(state, np.full(len(domains[key]), counter), domains[key])
            for counter, key in zip(counters.tolist(), keys.tolist(), strict=True)
        ],
        counts_on=counts_on(problem, counters, nodes),
        allowed=allowed,
        exact=frozenset(),
        outside=_outside(problem.costs, state, nodes),
    )
    _forbid(case)
    return case


def _limits(problem: Problem, classes: I64) -> tuple[I64, list[list[int]]]:
    """The counters that rules or shared volumes of some classes look at, and per class its rules of at most so many."""
    terms, starts, found = problem.terms, problem.classes.term_start, []
    for pod_class in classes.tolist():
        own = range(int(starts[pod_class]), int(starts[pod_class + 1]))
        hard = [term for term in own if terms.kind[term] < SOFT_COUNT]
        found.append([term for term in hard if terms.kind[term] in (AT_MOST, AT_MOST_BY_DOMAIN)])
    volumes: list[NDArray[np.int32]] = [
        problem.classes.volume_counter[problem.classes.volume_start[each] : problem.classes.volume_start[each + 1]]
        for each in classes.tolist()
    ]
    looked: list[NDArray[np.int32]] = [terms.counter[[term for own in found for term in own]], *volumes]
    return np.unique(np.concatenate(looked)).astype(np.int64), found


def _rule(problem: Problem, term: int, numbers: dict[int, int], domains: NDArray[np.integer]) -> Rule:
    terms, kind = problem.terms, int(problem.terms.kind[term])
    if kind == AT_MOST:
        limit = np.full(len(domains), int(terms.bound[term]), np.int64)
    else:
        limit = terms.domain_bound[int(terms.offset[term]) + domains].astype(np.int64)
    return Rule(kind, numbers[int(terms.counter[term])], limit, 0, bool(terms.needs_key[term]))


def _forbid(case: Case) -> None:
    """Takes out where a class does not fit from the beginning: amounts, keys, and counts that only grow."""
    need, free = case.problem.classes.need, case.state.free
    for row, rules in enumerate(case.rules):
        allowed, asked = case.allowed[row], need[row] > 0
        allowed &= (free[asked] >= need[row][asked, None]).all(axis=0)
        for rule in rules:
            domain = case.domain(rule.counter)
            if rule.needs_key:
                allowed &= domain >= 0
            if len(rule.limit):
                allowed &= (domain < 0) | ~(case.standing[rule.counter] > rule.limit)[domain]


def _renumbered(row: NDArray[np.integer], domains: NDArray[np.integer]) -> I32:
    """Domains by their place among those listed; -1 for none."""
    return np.where(row >= 0, np.searchsorted(domains, row), -1).astype(np.int32)


def _taken(start: NDArray[np.integer], rows: NDArray[np.integer]) -> tuple[I32, I64]:
    """Rows of a ragged list: their starts, and the places of their entries in the whole."""
    begin, entries = ragged([list(range(int(start[row]), int(start[row + 1]))) for row in rows.tolist()])
    return begin, entries.astype(np.int64)


def _sliced(
    problem: Problem, state: State, nodes: I32, classes: I64, counters: I64, domains: Sequence[NDArray[np.integer]]
) -> Problem:
    """Nodes, units and classes of a part; what models do not read is left as it is."""
    all_nodes, all_units, all_classes = problem.nodes, problem.units, problem.classes
    unit_start, units = _taken(all_units.start, nodes)
    need_start, needs = _taken(all_classes.unit_start, classes)
    volume_start, volumes = _taken(all_classes.volume_start, classes)
    domain = [_renumbered(row[nodes], known) for row, known in zip(all_nodes.domain, domains, strict=True)]
    return problem._replace(
        nodes=all_nodes._replace(
            row=all_nodes.row[nodes],
            capacity=all_nodes.capacity[:, nodes],
            scale=all_nodes.scale[:, nodes],
            price=all_nodes.price[nodes],
            segment=all_nodes.segment[nodes],
            domain=np.array(domain, np.int32).reshape(-1, len(nodes)),
            domains=np.array([len(known) for known in domains], np.int32),
        ),
        units=all_units._replace(
            start=unit_start,
            kind=all_units.kind[units],
            place=all_units.place[units],
            capacity=all_units.capacity[units],
            attributes=all_units.attributes[units],
            zone=all_units.zone[units],
            zones=all_units.zones[nodes],
        ),
        classes=all_classes._replace(
            need=all_classes.need[classes],
            priority=all_classes.priority[classes],
            self_affine=all_classes.self_affine[classes],
            unit_start=need_start,
            unit_kind=all_classes.unit_kind[needs],
            unit_count=all_classes.unit_count[needs],
            unit_amount=all_classes.unit_amount[needs],
            unit_where=all_classes.unit_where[needs],
            numa=all_classes.numa[classes],
            numa_amount=all_classes.numa_amount[classes],
            volume_start=volume_start,
            volume_counter=np.searchsorted(counters, all_classes.volume_counter[volumes]).astype(np.int32),
            volume_resource=all_classes.volume_resource[volumes],
        ),
        counters=problem.counters._replace(
            key=problem.counters.key[counters],
            eligible=problem.counters.eligible[counters],
            domains=problem.counters.domains[counters],
        ),
        claims=problem.claims._replace(start=np.zeros(len(classes) + 1, np.int32)),
        costs=_sliced_costs(problem.costs, nodes, classes)._replace(threshold=_room_here(problem, state, nodes)),
    )


def kept_domains(costs: Costs, key: int, nodes: I32) -> NDArray[np.integer]:
    """The domains of a key of the terms that are written in a part: all where they are few, else those of its nodes."""
    row = costs.domain[key]
    many = int(row.max(initial=-1)) + 1
    if key > 0 and many <= MOST_DOMAINS:
        return np.arange(many)
    return np.unique(row[nodes][row[nodes] >= 0]) if key > 0 else nodes.astype(np.int64)


def _sliced_costs(costs: Costs, nodes: I32, classes: I64) -> Costs:
    """Terms over the nodes of a part; a table by domain has a column a domain that is written."""
    kept = [kept_domains(costs, key, nodes) for key in range(len(costs.domain))]
    width = max([len(nodes), *map(len, kept)])
    domain = [np.arange(len(nodes), dtype=np.int32)]
    domain += [_renumbered(costs.domain[key][nodes], kept[key]) for key in range(1, len(kept))]

    def columns(table: NDArray[np.float64], keys: Sequence[int]) -> NDArray[np.float64]:
        found = np.zeros((len(table), width))
        for row, key in enumerate(keys):
            found[row, : len(kept[key])] = table[row][kept[key]]
        return found

    firsts = costs.first[:-1]
    of_terms = [
        int(costs.key[costs.of[at]]) if at < end else 0 for at, end in zip(firsts, costs.first[1:], strict=True)
    ]
    domains = np.array([len(kept[key]) for key in costs.key.tolist()], np.int32)
    groups = np.diff(costs.start) // np.maximum(costs.domains, 1)
    return costs._replace(
        domain=np.array(domain, np.int32),
        domains=domains,
        start=np.concatenate([[0], np.cumsum(groups * domains)]).astype(np.int64),
        amount=costs.amount[:, classes],
        group=costs.group[:, classes],
        scale=columns(costs.scale, costs.key.tolist()),
        weight=columns(costs.weight, of_terms),
        wish_row=costs.wish_row[:, classes],
        wish_cost=costs.wish_cost[:, nodes],
    )


def _outside(costs: Costs, state: State, nodes: I32) -> dict[int, Outside]:
    """Per term of the largest cell or the variance, what the cells come to that are not written in the part."""
    found = {}
    for term in np.flatnonzero(np.isin(costs.kind, (kinds.MAX, kinds.VARIANCE))).tolist():
        value, weight = cell_values(costs, state, term)
        left = np.setdiff1d(
            np.arange(value.shape[1]), kept_domains(costs, int(costs.key[costs.of[costs.first[term]]]), nodes)
        )
        counted = value[:, left][:, weight[left] > 0]
        most = float((value[:, left] * weight[left]).max(initial=0.0))
        found[term] = Outside(counted.size, float(counted.sum()), most)
    return found


def _room_here(problem: Problem, state: State, nodes: I32) -> NDArray[np.float64]:
    """(terms,) thresholds; of copies those that find no place on other nodes."""
    costs, found = problem.costs, problem.costs.threshold.copy()
    elsewhere = np.ones(len(problem.nodes.row), bool)
    elsewhere[nodes] = False
    for term in np.flatnonzero(costs.kind == kinds.ROOM).tolist():
        found[term] = missing(problem, state, term, float(found[term]), elsewhere)
    return found


def _sliced_state(problem: Problem, state: State, nodes: I32) -> State:
    """What models read of the state."""
    units = _taken(problem.units.start, nodes)[1]
    costs, kept = problem.costs, [np.zeros(0, np.int64)]
    for measured, key in enumerate(costs.key.tolist()):
        kept.append(cells(costs, state, measured)[:, kept_domains(costs, key, nodes)].reshape(-1))
    return state._replace(
        free=state.free[:, nodes],
        pods=state.pods[nodes],
        unit_free=state.unit_free[units],
        cost_value=np.concatenate(kept),
    )


def counts(state: State, counter: NDArray[np.integer], domain: NDArray[np.integer]) -> I64:
    """Pods that counters have in domains, out of the sparse table: see ``kernels.counters``."""
    mask = np.int64(len(state.slot_key) - 1)
    key = (counter.astype(np.int64) << 32) | domain.astype(np.int64)
    slot = ((key * np.int64(0x9E3779B97F4A7C1)) >> 17) & mask
    found = np.zeros(len(key), np.int64)
    open_ = np.arange(len(key))
    while len(open_):
        there = state.slot_key[slot[open_]]
        hit = there == key[open_]
        found[open_[hit]] = state.entry_count[state.slot_entry[slot[open_[hit]]]]
        open_ = open_[~hit & (there != -1)]
        slot[open_] = (slot[open_] + 1) & mask
    return found


def _start(
    problem: Problem, case: Case, groups: Sequence[Sequence[Pod]], place: dict[int, int], nodes: I32
) -> list[Placed]:
    """The placement as it is, in the part's numbers."""
    first = _first_units(problem, nodes)
    found, item = list[Placed](), 0
    for row, pods in enumerate(groups):
        single = case.items[item].pods == 1
        for number, pod in enumerate(pods):
            if pod.node < 0:
                continue
            shift = int(case.problem.classes.unit_start[row] - problem.classes.unit_start[pod.pod_class])
            here = place[pod.node]
            units = [(unit - first[here], need + shift if need >= 0 else -1) for unit, need in pod.units]
            found.append(Placed(item + number if single else item, here, units))
        item += len(pods) if single else 1
    return found


def _first_units(problem: Problem, nodes: I32) -> I64:
    """(nodes,) what a unit's number in the whole is beyond its number in the part."""
    start = problem.units.start
    inside = np.concatenate([[0], np.cumsum(start[nodes + 1] - start[nodes])])[:-1]
    shift: I64 = (start[nodes] - inside).astype(np.int64)
    return shift


def solve_part(
    problem: Problem, part: Part, asked: Sequence[Level], search: Search, fixed: Callable[[int], bool]
) -> Outcome:
    """
    The best placement on the part's nodes, as far as the limits of the search reach.

    Parameters
    ----------
    fixed
        Whether pods of a class, of the whole, must keep some node: others count on them.
    """
    found: Sequence[Placed] | None = None
    finished, waiting = False, any(pods[-1].node < 0 for pods in part.groups)
    # Where no pod waits for a node, all keep one.
    asked = [level for level in asked if waiting or level.priority is None]
    with suppress(Stopped):
        model = Model(part.case, search.stop)
        _keep_placed(model, part, lambda pod_class: not waiting or fixed(pod_class))
        model.hint(part.start)
        for stage in model.stages(asked, together=True):
            exact = len(stage) > 1 or stage[0].priority is not None or stage[0].prices
            solved = model.solve(stage, search._replace(gap=0.0) if exact else search)
            found, finished = solved.placed if solved.placed is not None else found, solved.ended
            if not solved.closed or search.stop():
                break
            if found is not None:
                model.hint(found)
    return Outcome(changed(problem, part, found) if found is not None else (), finished)


def _keep_placed(model: Model, part: Part, fixed: Callable[[int], bool]) -> None:
    """As many pods have a node as had one, where they must."""
    placed: list[list[Any]] = [[] for _ in part.groups]
    for index, item in enumerate(part.case.items):
        placed[item.pod_class] += model.variables.of(index)
    for pods, variables in zip(part.groups, placed, strict=True):
        stood = sum(pod.node >= 0 for pod in pods)
        if stood and fixed(pods[0].pod_class):
            model.model.add(sum(variables) >= stood)


def changed(problem: Problem, part: Part, placed: Sequence[Placed]) -> list[Pod]:
    """The pods that a placement puts elsewhere, or on other units, or leaves out; as few as it can be read with."""
    by_group: list[list[Placed]] = [[] for _ in part.groups]
    for each in placed:
        by_group[part.case.items[each.item].pod_class].append(each)
    first, found = _first_units(problem, part.nodes), list[Pod]()
    for row, (pods, listed) in enumerate(zip(part.groups, by_group, strict=True)):
        shift = int(part.case.problem.classes.unit_start[row] - problem.classes.unit_start[pods[0].pod_class])
        targets = []
        for each in listed:
            pairs = [(int(unit + first[each.node]), need - shift if need >= 0 else -1) for unit, need in each.units]
            pairs.sort(key=lambda pair: (pair[1] < 0, pair[1], pair[0]))
            targets.append((int(part.nodes[each.node]), tuple(pairs)))
        moving = []
        for pod in pods:
            mark = pod.node, tuple(sorted(pod.units, key=lambda pair: (pair[1] < 0, pair[1], pair[0])))
            if mark in targets:
                targets.remove(mark)
            else:
                moving.append(pod)
        moving.sort(key=lambda pod: pod.node < 0)
        for number, pod in enumerate(moving):
            node, units = targets[number] if number < len(targets) else (-1, ())
            if (node, units) != (pod.node, pod.units):
                found.append(pod._replace(node=node, units=units))
    return found
