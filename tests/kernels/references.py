"""
A slow, obvious reading of each kernel's rule; the same arguments, as named tuples, and the same answer.

What stands is read from the table of counts by looking through all of it. Kernels that change a state have references
that change one as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, product
from typing import Any

import numpy as np

from placer.encode.problem import Goals, Nodes, Problem, State, Work

AT_MOST, AT_MOST_BY_DOMAIN, AFFINITY, SKEW, DISTINCT = range(5)
SOFT_COUNT, SOFT_ABSENT, SOFT_SKEW, SOFT_BY_DOMAIN = range(5, 9)
BLOCK, SPAN = 64, 32


def counts(state: State, counter: int) -> dict[int, int]:
    """Domain → pods of a counter, zeros among them."""
    pairs = zip(state.slot_key.tolist(), state.slot_entry.tolist(), strict=True)
    return {key & 0xFFFFFFFF: int(state.entry_count[at]) for key, at in pairs if key != -1 and key >> 32 == counter}


def find_entry(state: State, counter: int, domain: int) -> int:
    keys = state.slot_key.tolist()
    wanted = counter * 2**32 + domain
    return int(state.slot_entry[keys.index(wanted)]) if wanted in keys else -1


def add_entry(state: State, counter: int, domain: int) -> int:
    used = state.slot_entry[state.slot_key != -1].tolist()
    entry = next(number for number in range(len(state.entry_count)) if number not in used)
    slot = state.slot_key.tolist().index(-1)
    state.slot_key[slot], state.slot_entry[slot] = counter * 2**32 + domain, entry
    state.entry_domain[entry], state.entry_count[entry] = domain, 0
    state.entry_next[entry], state.head[counter] = state.head[counter], entry
    return entry


def count_at(nodes: Nodes, counters: Any, state: State, counter: int, node: int) -> int:
    return counts(state, counter).get(int(nodes.domain[counters.key[counter], node]), 0)


def counts_there(nodes: Nodes, counters: Any, counter: int, node: int) -> bool:
    """Whether pods on a node count for a counter."""
    chosen = counters.eligible[counter]
    return nodes.domain[counters.key[counter], node] >= 0 and (
        chosen == -1 or bool(counters.eligible_segment[chosen, nodes.segment[node]])
    )


def count_pod(nodes: Nodes, counters: Any, state: State, counter: int, node: int, change: int) -> None:
    if counts_there(nodes, counters, counter, node):
        domain = int(nodes.domain[counters.key[counter], node])
        entry = find_entry(state, counter, domain)
        entry = add_entry(state, counter, domain) if entry < 0 else entry
        state.entry_count[entry] += change
        found = counts(state, counter).values()
        state.total[counter], state.nonzero[counter] = sum(found), sum(count > 0 for count in found)


def least_count(counters: Any, state: State, counter: int, fewest_domains: int) -> int:
    domains = int(counters.domains[counter])
    if domains == 0 or domains < fewest_domains:
        return 0
    known = list(counts(state, counter).values())
    return min(known + [0] * (domains - len(known)))


def unit_matches(problem: Problem, need: int, unit: int) -> bool:
    return bool(problem.classes.unit_match[problem.classes.unit_where[need]][problem.units.attributes[unit]])


def unit_serves(problem: Problem, state: State, need: int, unit: int, zone: int) -> bool:
    units, classes = problem.units, problem.classes
    amount, free, capacity = classes.unit_amount[need], state.unit_free[unit], units.capacity[unit]
    if amount[0] == 1000:
        room = (free == capacity).all() and (capacity >= amount).all()
    else:
        room = all(f >= a for f, a in zip(free, amount, strict=True) if a > 0)
    there = zone == -1 or units.zone[unit] in (-1, zone)
    return bool(units.kind[unit] == classes.unit_kind[need] and there and room and unit_matches(problem, need, unit))


def ways(problem: Problem, state: State, needs: list[int], node: int, zone: int, used: frozenset[int]) -> Iterator[Any]:
    """Every way to give the needs different units."""
    if not needs:
        yield used
        return
    here = range(problem.units.start[node], problem.units.start[node + 1])
    able = [unit for unit in here if unit not in used and unit_serves(problem, state, needs[0], unit, zone)]
    for chosen in combinations(able, problem.classes.unit_count[needs[0]]):
        yield from ways(problem, state, needs[1:], node, zone, used | set(chosen))


def _needs(problem: Problem, pod_class: int) -> list[int]:
    return list(range(problem.classes.unit_start[pod_class], problem.classes.unit_start[pod_class + 1]))


def zone_has_room(problem: Problem, state: State, pod_class: int, zone: int) -> bool:
    """Whether a NUMA zone's unit has the cpu and memory that a pod asks for."""
    wanted = problem.classes.numa_amount[pod_class]
    free = state.unit_free[zone][problem.units.numa_kind[1:]]
    return all(f >= w for f, w in zip(free, wanted, strict=True) if w > 0)


def choose_units(problem: Problem, state: State, pod_class: int, node: int, work: Work) -> int:
    """Looks at every zone and every assignment; what is chosen is left to the test, which holds it to the rule."""
    units, needs, policy = problem.units, _needs(problem, pod_class), problem.classes.numa[pod_class]
    wanted = int(sum(problem.classes.unit_count[need] for need in needs))
    here = range(units.start[node], units.start[node + 1])
    zones = [unit for unit in here if units.kind[unit] == units.numa_kind[0]] if policy else []
    for zone in zones:
        if zone_has_room(problem, state, pod_class, zone):
            after = state._replace(unit_free=state.unit_free.copy())
            hold_unit(problem, after, pod_class, -1, zone, 1)
            if next(ways(problem, after, needs, node, int(units.place[zone]), frozenset()), None) is not None:
                return wanted + 1
    if next(ways(problem, state, needs, node, -1, frozenset()), None) is None:
        return -1
    return -2 if policy == 1 and zones else wanted


def hold_unit(problem: Problem, state: State, pod_class: int, need: int, unit: int, sign: int) -> None:
    taken = np.zeros_like(problem.units.capacity[unit])
    if need == -1:
        taken[problem.units.numa_kind[1:]] = problem.classes.numa_amount[pod_class]
    elif problem.classes.unit_amount[need, 0] == 1000:
        taken = problem.units.capacity[unit]
    else:
        taken = problem.classes.unit_amount[need]
    state.unit_free[unit] -= sign * taken


def shared_volumes(problem: Problem, pod_class: int) -> list[tuple[int, int]]:
    """(counter, attach limit) of the volumes that a pod shares."""
    classes = problem.classes
    part = slice(classes.volume_start[pod_class], classes.volume_start[pod_class + 1])
    return list(zip(classes.volume_counter[part].tolist(), classes.volume_resource[part].tolist(), strict=True))


def put(problem: Problem, state: State, pod_class: int, node: int, sign: int) -> None:
    classes, nodes, counters = problem.classes, problem.nodes, problem.counters
    volumes = shared_volumes(problem, pod_class)
    before = [count_at(nodes, counters, state, counter, node) > 0 for counter, _ in volumes]
    state.free[:, node] -= sign * classes.need[pod_class]
    state.pods[node] += sign
    for counter in classes.adds[classes.adds_start[pod_class] : classes.adds_start[pod_class + 1]].tolist():
        count_pod(nodes, counters, state, counter, node, sign)
    after = [count_at(nodes, counters, state, counter, node) > 0 for counter, _ in volumes]
    for (_, resource), was, now in zip(volumes, before, after, strict=True):
        state.free[resource, node] += int(was) - int(now)


def volumes_fit(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    volumes = shared_volumes(problem, pod_class)
    fresh = [limit for at, limit in volumes if count_at(problem.nodes, problem.counters, state, at, node) == 0]
    return all(
        fresh.count(limit) + problem.classes.need[pod_class, limit] <= state.free[limit, node] for limit in set(fresh)
    )


def _terms(problem: Problem, pod_class: int) -> list[int]:
    return list(range(problem.classes.term_start[pod_class], problem.classes.term_start[pod_class + 1]))


def bootstraps(problem: Problem, state: State, pod_class: int) -> bool:
    terms = problem.terms
    groups = [terms.counter[term] for term in _terms(problem, pod_class) if terms.kind[term] == AFFINITY]
    return bool(problem.classes.self_affine[pod_class]) and not any(sum(counts(state, at).values()) for at in groups)


def most_before(problem: Problem, state: State, term: int) -> int:
    terms = problem.terms
    counter, bound = int(terms.counter[term]), int(terms.bound[term])
    if terms.kind[term] == SKEW:
        return bound + least_count(problem.counters, state, counter, int(terms.offset[term])) - int(terms.member[term])
    if terms.kind[term] == DISTINCT:
        held = sum(count > 0 for count in counts(state, counter).values())
        return 2**40 if held >= bound else 0
    return bound


def term_allows(problem: Problem, state: State, term: int, node: int, most: int, first: bool) -> bool:
    terms, counter = problem.terms, int(problem.terms.counter[term])
    domain = int(problem.nodes.domain[problem.counters.key[counter], node])
    if domain < 0:
        return not terms.needs_key[term]
    there = counts(state, counter).get(domain, 0)
    if terms.kind[term] == AFFINITY:
        return first or there > 0
    if terms.kind[term] == AT_MOST_BY_DOMAIN:
        most = int(terms.domain_bound[terms.offset[term] + domain])
    return there <= most


def terms_allow(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    first = bootstraps(problem, state, pod_class)
    hard = [term for term in _terms(problem, pod_class) if problem.terms.kind[term] < SOFT_COUNT]
    return all(term_allows(problem, state, one, node, most_before(problem, state, one), first) for one in hard)


def soft_cost(problem: Problem, state: State, pod_class: int, node: int) -> int:
    terms, counters = problem.terms, problem.counters
    cost = 0
    for term in _terms(problem, pod_class):
        counter, weight = int(terms.counter[term]), int(terms.bound[term])
        domain = int(problem.nodes.domain[counters.key[counter], node])
        others = counts(state, counter).get(domain, 0)
        if terms.kind[term] == SOFT_COUNT:
            cost += weight * others
        elif terms.kind[term] == SOFT_ABSENT and others == 0:
            cost += weight
        elif terms.kind[term] == SOFT_SKEW and domain >= 0:
            cost += max(0, others + int(terms.member[term]) - least_count(counters, state, counter, 0) - weight)
        elif terms.kind[term] == SOFT_BY_DOMAIN:
            cost += domain < 0 or others > terms.domain_bound[terms.offset[term] + domain]
    return int(cost)


def score_fit(free: Any, need: Any, asked: Any, low: int, high: int, score: Any) -> None:
    wanted = asked[asked >= 0]
    fits = (free[wanted, low:high] >= need[wanted, None]).all(axis=0)
    score[low:high] = np.where(fits, 0.0, np.inf)


def add_pack(nodes: Nodes, goals: Goals, state: State, need: Any, low: int, high: int, score: Any) -> None:
    for node in range(low, high):
        loads = [resource for resource in goals.load if nodes.scale[resource, node] > 0]
        left = {at: (state.free[at, node] - need[at]) * nodes.scale[at, node] for at in loads}
        span = max(left.values()) - min(left.values()) if len(loads) > 1 else 0.0
        shape = span / max(sum(left.values()) + 1e-3, 1e-3)
        devices = [at for at in loads if at in goals.load[len(goals.squared) :] and need[at] == 0]
        spoiled = goals.device_factor[2] * sum(left[at] for at in devices)
        opened = goals.opening[node] if state.pods[node] == 0 else 0.0
        score[node] += goals.weight[0] * (opened + shape + spoiled)


def add_spread_load(nodes: Nodes, goals: Goals, state: State, need: Any, low: int, high: int, score: Any) -> None:
    for node in range(low, high):
        for resource in goals.squared:
            have = nodes.capacity[resource, node]
            if nodes.scale[resource, node] > 0:
                used = have - state.free[resource, node]
                before, after = used / have, (used + need[resource]) / have
                score[node] += goals.weight[1] * (after**2 - before**2)
                score[node] += goals.weight[2] * (max(0.0, after - 0.8) - max(0.0, before - 0.8))


def add_wishes(problem: Problem, goals: Goals, state: State, pod_class: int, low: int, high: int, score: Any) -> None:
    classes = problem.classes
    for node in range(low, high):
        fixed = classes.wish_cost[classes.wish[pod_class], problem.nodes.segment[node]]
        score[node] += goals.weight[4] * (fixed + soft_cost(problem, state, pod_class, node))


def node_fragmentation(problem: Problem, goals: Goals, state: State, node: int) -> float:
    units, classes = problem.units, problem.classes
    here = range(units.start[node], units.start[node + 1])
    gpus = [unit for unit in here if units.kind[unit] == goals.gpu_kind[0]]
    free = {unit: int(state.unit_free[unit, 0]) for unit in gpus}
    expected = 0.0
    for typical, share in zip(goals.typical_class.tolist(), goals.typical_share.tolist(), strict=True):
        needs = _needs(problem, typical)
        wanted = [need for need in needs if classes.unit_kind[need] == goals.gpu_kind[0]]
        need = classes.need[typical]
        room = all(state.free[at, node] >= need[at] for at in np.flatnonzero(need))
        runs = room and next(ways(problem, state, needs, node, -1, frozenset()), None) is not None
        if not wanted or not runs:
            expected += share * sum(free.values())
        else:
            useless = [u for u in gpus if not any(unit_serves(problem, state, need, u, -1) for need in wanted)]
            expected += share * sum(free[unit] for unit in useless)
    return expected


def refresh_block(nodes: Nodes, work: Work, segment: int, block: int) -> None:
    low = nodes.segment_start[segment] + (block - nodes.block_start[segment]) * BLOCK
    members = [node for node in range(low, low + BLOCK) if node < nodes.segment_start[segment + 1]]
    work.block_best[block] = min(work.score[members])


def refresh_span(nodes: Nodes, work: Work, segment: int, span: int) -> None:
    low = nodes.block_start[segment] + (span - nodes.span_start[segment]) * SPAN
    members = [block for block in range(low, low + SPAN) if block < nodes.block_start[segment + 1]]
    work.span_best[span] = min(work.block_best[members])


def refresh_segment(nodes: Nodes, work: Work, segment: int) -> None:
    work.segment_best[segment] = min(work.score[nodes.segment_start[segment] : nodes.segment_start[segment + 1]])


def set_score(nodes: Nodes, work: Work, node: int, score: float) -> None:
    work.score[node] = score
    for segment in range(len(nodes.segment_start) - 1):
        for block in range(nodes.block_start[segment], nodes.block_start[segment + 1]):
            refresh_block(nodes, work, segment, block)
        for span in range(nodes.span_start[segment], nodes.span_start[segment + 1]):
            refresh_span(nodes, work, segment, span)
        refresh_segment(nodes, work, segment)


def best_node(problem: Problem, work: Work, pod_class: int) -> int:
    classes, nodes = problem.classes, problem.nodes
    signature = classes.eligible[pod_class]
    segments = classes.eligible_segments[classes.eligible_start[signature] : classes.eligible_start[signature + 1]]
    ranked = [
        (float(work.score[node]), node)
        for node in range(len(nodes.row))
        if nodes.segment[node] in segments and work.segment_open[nodes.segment[node]] and work.score[node] < np.inf
    ]
    return min(ranked)[1] if ranked else -1


def shortage(problem: Problem, state: State, pod_class: int, node: int, given: Any, size: Any) -> float:
    need = problem.classes.need[pod_class]
    short = np.maximum(need - state.free[:, node] - given, 0)
    return float((short * size)[need > 0].sum())


def may_stand(problem: Problem, pod_class: int, node: int) -> bool:
    classes = problem.classes
    signature = classes.eligible[pod_class]
    segments = classes.eligible_segments[classes.eligible_start[signature] : classes.eligible_start[signature + 1]]
    return bool(problem.nodes.segment[node] in segments)


def share_of(problem: Problem, pod_class: int) -> int:
    slots = [need for need in _needs(problem, pod_class) for _ in range(problem.classes.unit_count[need])]
    alone = len(slots) == 1 and not problem.classes.numa[pod_class]
    return int(problem.classes.unit_amount[slots[0], 0]) if alone else 0


def resources_fit(problem: Problem, state: State, pod_class: int, node: int) -> bool:
    need = problem.classes.need[pod_class]
    return all(state.free[at, node] >= need[at] for at in np.flatnonzero(need))


def share_fits(problem: Problem, state: State, pod_class: int, node: int, unit: int) -> bool:
    return (
        resources_fit(problem, state, pod_class, node)
        and unit_serves(problem, state, _needs(problem, pod_class)[0], unit, -1)
        and volumes_fit(problem, state, pod_class, node)
        and terms_allow(problem, state, pod_class, node)
    )


def best_filling(
    problem: Problem, state: State, able: Any, waiting: Any, node: int, unit: int, least: int, best: Any
) -> tuple[int, int]:
    """Looks at every number of pods of every class; exact where shares differ and no rule counts pods."""
    found = (0, 0)
    for numbers in product(*(range(min(waiting[one], 10) + 1) for one in able.tolist())):
        after = state._replace(free=state.free.copy(), unit_free=state.unit_free.copy(), pods=state.pods.copy())
        chosen = [one for one, number in zip(able.tolist(), numbers, strict=True) for _ in range(number)]
        for pod_class in chosen:
            if not share_fits(problem, after, pod_class, node, unit):
                break
            hold_unit(problem, after, pod_class, _needs(problem, pod_class)[0], unit, 1)
            put(problem, after, pod_class, node, 1)
        else:
            taken = sum(share_of(problem, pod_class) for pod_class in chosen)
            if len(chosen) >= max(least, 1) and (taken, len(chosen)) > found[::-1]:
                found = (len(chosen), taken)
                best[: len(chosen)] = chosen
    return found


REFERENCES: dict[str, Callable[..., Any]] = {
    reference.__name__: reference
    for reference in (
        find_entry,
        add_entry,
        count_at,
        count_pod,
        least_count,
        unit_matches,
        unit_serves,
        choose_units,
        hold_unit,
        put,
        volumes_fit,
        bootstraps,
        most_before,
        term_allows,
        terms_allow,
        soft_cost,
        score_fit,
        add_pack,
        add_spread_load,
        add_wishes,
        node_fragmentation,
        refresh_block,
        refresh_span,
        refresh_segment,
        set_score,
        best_node,
        shortage,
        may_stand,
        resources_fit,
        share_of,
        share_fits,
        best_filling,
    )
}
"""Kernel → its reference."""
