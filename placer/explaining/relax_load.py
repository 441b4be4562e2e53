"""The smallest changes to what a pod takes of a node: requests, ports, device needs, NUMA."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from placer.explaining.load import asked, clashing, need_text, port_text
from placer.explaining.others import Mask
from placer.explaining.problem import Problem, Relaxed, largest, least_raise, smallest_part, smallest_set
from placer.explaining.subject import amount_text
from placer.model.device import DeviceNeed
from placer.model.pod import Pod
from placer.model.rule import Rule
from placer.model.selector import Requirement
from placer.model.value import FrozenDict
from placer.model.volume import HostPort

ROOM = (Rule.NodeResourcesFit, Rule.Numa)
UNITS = (Rule.Devices, Rule.Numa)


def asking(pod: Pod, amounts: Mapping[str, int]) -> Pod:
    """The pod with other requests; what is 0 is not asked for."""
    merged = {**pod.requests, **amounts}
    return pod.model_copy(update={"requests": FrozenDict({name: amount for name, amount in merged.items() if amount})})


def less_text(pod: Pod, amounts: Mapping[str, int]) -> str:
    """``ask 200m less cpu (1800m)``."""
    parts = []
    for name, amount in amounts.items():
        less = amount_text(name, pod.requests[name] - amount)
        parts.append(f"{less} less {name} ({amount_text(name, amount) if amount else 'none'})")
    return "ask " + " and ".join(parts)


def resources(problem: Problem) -> Iterator[Relaxed]:
    """Per resource the smallest reduction, the others unchanged; of several together only where none does alone."""
    state, pod = problem.state, problem.asked.pod
    nodes = problem.open_but(ROOM)
    over = {
        name: np.maximum(amount - np.maximum(state.allocatable(name) - state.load(name), 0), 0)
        for name, amount in asked(problem.asked).items()
    }
    nodes &= over.pop("pods") == 0
    found = False
    for name in over:
        others = [amounts for other, amounts in over.items() if other != name]
        open_nodes = nodes & ~np.logical_or.reduce([amounts > 0 for amounts in others]) if others else nodes
        for relaxed in _one_resource(problem, name, open_nodes):
            found = True
            yield relaxed
    if found:
        return
    node = least_raise(list(over.values()), nodes)
    if node is not None:
        amounts = {name: pod.requests[name] - int(less[node]) for name, less in over.items() if less[node]}
        changed = asking(pod, amounts)
        if amounts and problem.fits(changed):
            yield Relaxed(less_text(pod, amounts), changed)


def _one_resource(problem: Problem, name: str, nodes: Mask) -> Iterator[Relaxed]:
    """The largest request of one resource below the present one that one of the nodes accepts."""
    state, pod = problem.state, problem.asked.pod
    rows = np.flatnonzero(nodes)
    if not len(rows):
        return
    values = {0, *np.unique(np.maximum(state.allocatable(name) - state.load(name), 0)[rows]).tolist()}
    if pod.numa == "require" and name in ("cpu", "memory"):
        given = {need.amounts.get(name, 0) for need in problem.asked.needs} | {0}
        for row in rows.tolist():
            units = state.units(row)
            values |= {max(units.left[zone].get(name, 0) - part, 0) for zone in units.zones() for part in given}
    below = sorted(value for value in values if value < pod.requests[name])
    most = largest(below, lambda value: problem.fits_on(asking(pod, {name: value}), nodes, ROOM))
    if most is not None:
        amounts = {name: most}
        yield Relaxed(less_text(pod, amounts), asking(pod, amounts))


def ports(problem: Problem) -> Iterator[Relaxed]:
    """The smallest set of host ports given up."""
    pod = problem.asked.pod
    if not pod.host_ports:
        return
    rows = np.flatnonzero(problem.open_but((Rule.NodePorts,)))
    if not len(rows):
        return
    own = list(dict.fromkeys(pod.host_ports))
    table = np.unique(np.stack([clashing(problem.state, port)[rows] for port in own]), axis=1)
    candidates = [
        frozenset(port for port, clashes in zip(own, column, strict=True) if clashes) for column in table.T.tolist()
    ]

    def changed(given_up: frozenset[HostPort]) -> Pod:
        return pod.model_copy(update={"host_ports": tuple(port for port in pod.host_ports if port not in given_up)})

    chosen = smallest_set(candidates, changed, problem)
    if chosen:
        yield Relaxed(f"give up host port {', '.join(sorted(map(port_text, chosen)))}", changed(chosen))


def needing(problem: Problem, place: int, need: DeviceNeed | None) -> Pod:
    """The pod with another need in one place, or without it; one that came from a request goes back there if it can."""
    pod, old = problem.asked.pod, problem.asked.needs[place]
    own = list(pod.devices)
    if place < len(own):
        own[place : place + 1] = [] if need is None else [need]
        return pod.model_copy(update={"devices": tuple(own)})
    plain = need is None or need == old.model_copy(update={"count": need.count})
    changed = asking(pod, {old.kind: need.count if need is not None and plain else 0})
    return changed if plain or need is None else changed.model_copy(update={"devices": (*own, need)})


def devices(problem: Problem) -> Iterator[Relaxed]:
    """Per need the largest smaller count, share or amount, or the fewest expressions dropped, that fits."""
    nodes = problem.open_but(UNITS)
    if not problem.asked.needs or not nodes.any():
        return
    found = False
    for place in range(len(problem.asked.needs)):
        for relaxed in (*_smaller_count(problem, place, nodes), *_smaller_unit(problem, place, nodes)):
            found = True
            yield relaxed
    if not found:
        yield from _fewer_needs(problem)


def _smaller_count(problem: Problem, place: int, nodes: Mask) -> Iterator[Relaxed]:
    need = problem.asked.needs[place]

    def changed(count: int) -> Pod:
        return needing(problem, place, need.model_copy(update={"count": count}) if count else None)

    most = largest(range(need.count), lambda count: problem.fits_on(changed(count), nodes, UNITS))
    if most is not None:
        left = f"{most or 'no'} unit" + ("s" if most != 1 else "")
        yield Relaxed(f"ask {left} of {need.kind} instead of {need_text(need)}", changed(most))


def _smaller_unit(problem: Problem, place: int, nodes: Mask) -> Iterator[Relaxed]:
    """Less of each unit: its share, an amount, or fewer expressions."""
    need = problem.asked.needs[place]

    def changed(**fields: object) -> Pod:
        return needing(problem, place, need.model_copy(update=fields))

    def fits(pod: Pod) -> bool:
        return problem.fits_on(pod, nodes, UNITS)

    lowest = 0 if need.amounts else 1
    share = largest(range(lowest, need.share_milli), lambda share: fits(changed(share_milli=share)))
    if share is not None:
        text = f"ask {share}/1000 of each unit of {need.kind} instead of {need.share_milli}/1000"
        yield Relaxed(text, changed(share_milli=share))
    for name, amount in need.amounts.items():

        def with_amount(value: int, name: str = name) -> Pod:
            amounts = {**need.amounts, name: value}
            return changed(amounts=FrozenDict({key: part for key, part in amounts.items() if part}))

        rows = np.flatnonzero(nodes).tolist()
        left = {max(left.get(name, 0), 0) for row in rows for left in problem.state.units(row).left}
        emptied = need.share_milli == 0 and len(need.amounts) == 1
        values = sorted(value for value in left | {0} if (1 if emptied else 0) <= value < amount)
        most = largest(values, lambda value, with_amount=with_amount: fits(with_amount(value)))  # type: ignore[misc]
        if most is not None:
            text = f"ask {amount_text(name, most)} {name} of each unit of {need.kind}"
            yield Relaxed(f"{text} instead of {amount_text(name, amount)}", with_amount(most))

    def without(dropped: frozenset[Requirement]) -> Pod:
        return changed(where=tuple(expression for expression in need.where if expression not in dropped))

    dropped = smallest_part(list(dict.fromkeys(need.where)), without, problem)
    if dropped:
        words = ", ".join(f"{r.key} {r.operator} {', '.join(r.values)}".strip() for r in need.where if r in dropped)
        yield Relaxed(f"drop {words} of the need for {need.kind}", without(dropped))


def _fewer_needs(problem: Problem) -> Iterator[Relaxed]:
    """The smallest set of needs given up."""
    pod, needs = problem.asked.pod, problem.asked.needs

    def changed(dropped: frozenset[int]) -> Pod:
        own = tuple(need for place, need in enumerate(pod.devices) if place not in dropped)
        asks = {needs[place].kind: 0 for place in dropped if place >= len(pod.devices)}
        return asking(pod, asks).model_copy(update={"devices": own})

    dropped = smallest_part(list(range(len(needs))), changed, problem)
    if dropped:
        text = ", ".join(f"{needs[place].kind} ({need_text(needs[place])})" for place in sorted(dropped))
        yield Relaxed(f"give up the need for {text}", changed(dropped))


def numa(problem: Problem) -> Iterator[Relaxed]:
    """One NUMA zone preferred, not required."""
    pod = problem.asked.pod
    changed = pod.model_copy(update={"numa": "prefer"})
    if pod.numa == "require" and problem.fits(changed):
        yield Relaxed("prefer one NUMA zone instead of requiring it", changed)
