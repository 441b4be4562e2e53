"""What terms of goals come to on a final state, pod by pod from their definitions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from placer.checks.facts import Facts
from placer.model.relation import topology_key
from placer.model.table import ABSENT
from placer.model.term import NODE, Load, Measure, Pairs, Preference, Room

Values = NDArray[np.float64]
Plain = Load | Pairs | Preference | Room
"""Terms that are stated in arrays."""
EACH: dict[str, Callable[[Values, Values, float], Values]] = {
    "any": lambda values, weights, _: np.where(values > 0, weights, 0.0),
    "linear": lambda values, weights, _: values * weights,
    "squares": lambda values, weights, _: np.square(values) * weights,
    "above": lambda values, weights, threshold: np.clip(values - threshold, 0.0, None) * weights,
}
"""Formulas that are sums over domains."""


def value(term: Plain, facts: Facts, where: NDArray[np.int64]) -> float:
    """
    What a term comes to.

    Parameters
    ----------
    where
        (pods,) row of each pod's node, -1 for none.
    """
    if isinstance(term, Preference):
        meant = np.flatnonzero((where >= 0) & (term.row >= 0))
        return term.factor * float(term.cost[term.row[meant], where[meant]].sum())
    if isinstance(term, Room):
        return term.factor * _missing(term, facts, where)
    domain = domains(facts, term.key)
    if isinstance(term, Pairs):
        first, second = (sums(measure, domain, where, np.ones(len(domain))) for measure in (term.first, term.second))
        return term.factor * float((first * second * _by_domain(term.weight, domain)).sum()) + term.constant
    total = np.sum([sums(measure, domain, where, measure.scale) for measure in term.measures], axis=0)
    weights = np.broadcast_to(_by_domain(term.weight, domain), total.shape)
    return term.factor * _formula(term, total, weights) + term.constant


def _formula(term: Load, values: Values, weights: Values) -> float:
    if term.formula == "max":
        return float(np.max(values * weights, initial=0.0))
    if term.formula == "variance":
        return float(np.var(values[weights > 0])) if (weights > 0).any() else 0.0
    return float(EACH[term.formula](values, weights, term.threshold).sum())


def domains(facts: Facts, key: str) -> NDArray[np.int64]:
    """(nodes,) the domain of each node, -1 for none; each node by itself for ``"node"``."""
    return np.arange(len(facts.nodes)) if key == NODE else facts.domains(topology_key(key)).codes


def sums(measure: Measure, domain: NDArray[np.int64], where: NDArray[np.int64], scale: Values) -> Values:
    """(groups, domains) what pods add up to, each times the scale of the node that it stands on."""
    group = np.zeros(len(where), np.int64) if measure.group is None else measure.group.astype(np.int64)
    many = int(domain.max(initial=-1)) + 1
    stands = np.flatnonzero((where >= 0) & (measure.amount > 0))
    stands = stands[domain[where[stands]] >= 0]
    place = group[stands] * many + domain[where[stands]]
    cells = (int(group.max(initial=0)) + 1) * many
    amounts = np.bincount(place, measure.amount[stands].astype(np.float64), minlength=cells)
    return amounts.reshape(int(group.max(initial=0)) + 1, many) * _by_domain(scale, domain)


def _by_domain(values: Values, domain: NDArray[np.int64]) -> Values:
    """(domains,) the value that a domain's nodes have."""
    found = np.zeros(int(domain.max(initial=-1)) + 1)
    found[domain[domain >= 0]] = values[domain >= 0]
    return found


def _missing(term: Room, facts: Facts, where: NDArray[np.int64]) -> float:
    """Copies for which no node has room."""
    return max(0.0, float(term.copies) - float(_copies(term, facts, where).sum()))


def _copies(term: Room, facts: Facts, where: NDArray[np.int64], more: int | None = None) -> Values:
    """(nodes,) how many copies each node has room for; with a pod ``more`` on it."""
    stands = np.flatnonzero(where >= 0)
    many = len(facts.nodes)
    fits = np.full(many, float(term.copies))
    for resource, amount in term.requests.items():
        if amount:
            asked = _asked(facts, resource)
            left = _have(facts, resource) - np.bincount(where[stands], asked[stands], minlength=many)
            left -= 0.0 if more is None else asked[more]
            fits = np.minimum(fits, np.maximum(left, 0) // amount)
    most = facts.units.allocatable.column("pods", ABSENT)
    crowd = np.bincount(where[stands], minlength=many) + (more is not None)
    fits = np.where(most == ABSENT, fits, np.minimum(fits, np.maximum(most - crowd, 0)))
    return np.where(term.nodes, fits, 0.0)


def _have(facts: Facts, resource: str) -> NDArray[np.float64]:
    """(nodes,) what there is of a resource; of devices, thousandths."""
    listed = facts.units.devices
    counts = [sum(device.count for device in devices if device.kind == resource) for devices in listed.values]
    if any(counts):
        return 1000.0 * np.array(counts, np.float64)[listed.codes]
    return np.maximum(facts.units.allocatable.column(resource, 0), 0).astype(np.float64)


def _asked(facts: Facts, resource: str) -> NDArray[np.float64]:
    """(pods,) what pods ask for of a resource; of devices, thousandths."""
    needs = facts.units.needs
    taken = [sum(need.count * need.share_milli for need in listed if need.kind == resource) for listed in needs.values]
    if any(taken):
        return np.array(taken, np.float64)[needs.codes]
    return facts.units.requests.column(resource).astype(np.float64)


def added(term: Plain, facts: Facts, where: NDArray[np.int64], pod: int) -> Values:
    """
    (nodes,) what a term grows by if one more pod stands on each node.

    Parameters
    ----------
    where
        (pods,) row of each pod's node, -1 for none; the pod itself stands nowhere.
    """
    if isinstance(term, Preference):
        row = int(term.row[pod])
        return term.factor * term.cost[row] if row >= 0 else np.zeros(len(facts.nodes))
    if isinstance(term, Room):
        return _room_lost(term, facts, where, pod)
    domain = domains(facts, term.key)
    weights = _by_domain(term.weight, domain)
    if isinstance(term, Pairs):
        one = np.ones(len(domain))
        (first, more), (second, too) = (_grown(each, domain, where, one, pod) for each in (term.first, term.second))
        grown = ((first + more) * (second + too) - first * second) * weights
    else:
        parts = [_grown(measure, domain, where, measure.scale, pod) for measure in term.measures]
        before, more = (np.sum([part[place] for part in parts], axis=0) for place in (0, 1))
        grown = _formula_grown(term, before, before + more, weights, _rest(term, domain, where, pod))
    return term.factor * np.where(domain >= 0, np.append(grown, 0.0)[domain], 0.0)


def _grown(
    measure: Measure, domain: NDArray[np.int64], where: NDArray[np.int64], scale: Values, pod: int
) -> tuple[Values, Values]:
    """(domains,) what the pod's group has, and what the pod adds."""
    group = 0 if measure.group is None else int(measure.group[pod])
    return sums(measure, domain, where, scale)[group], float(measure.amount[pod]) * _by_domain(scale, domain)


def _rest(term: Load, domain: NDArray[np.int64], where: NDArray[np.int64], pod: int) -> Values:
    """(other groups × domains,) what the groups of other pods have."""
    total = np.sum([sums(measure, domain, where, measure.scale) for measure in term.measures], axis=0)
    group = term.measures[0].group
    return np.delete(total, 0 if group is None else int(group[pod]), axis=0)


def _formula_grown(term: Load, before: Values, after: Values, weights: Values, rest: Values) -> Values:
    """(domains,) what the formula grows by where one domain goes from before to after and the others stay."""
    none = np.zeros(len(before))
    if term.formula == "max":
        most = np.max(np.append(rest * weights, 0.0))
        largest = np.sort(np.append(before * weights, [0.0, 0.0]))[::-1]
        others = np.where(before * weights == largest[0], largest[1], largest[0])
        grown: Values = np.maximum(np.maximum(after * weights, others), most) - max(float(largest[0]), float(most))
        return grown
    if term.formula == "variance":
        counted = weights > 0
        everyone = np.append(before[counted], rest[:, counted])
        if not len(everyone):
            return none
        many, mean, squares = len(everyone), everyone.mean(), np.square(everyone).mean()
        moved = squares + (np.square(after) - np.square(before)) / many - np.square(mean + (after - before) / many)
        return np.where(counted, moved - (squares - mean**2), 0.0)
    each = EACH[term.formula]
    return np.subtract(each(after, weights, term.threshold), each(before, weights, term.threshold))


def _room_lost(term: Room, facts: Facts, where: NDArray[np.int64], pod: int) -> Values:
    """(nodes,) copies that find no place any more."""
    before, after = _copies(term, facts, where), _copies(term, facts, where, pod)
    total = float(before.sum())
    left = np.maximum(0.0, term.copies - (total - before + after)) - max(0.0, term.copies - total)
    return term.factor * np.where(term.nodes, left, 0.0)
