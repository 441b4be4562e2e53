"""Which nodes and pods are meant: selectors, and terms narrowed to what they select."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.model.relation import HOSTNAME
from placer.model.selector import Requirement
from placer.model.term import NODE, Fragmentation, Load, Measure, Preference, Room, Term, Wishes

Mask = NDArray[np.bool_]


def requirements(option: str, selector: Any) -> list[Requirement]:
    """
    A selector as expressions that must all hold.

    Parameters
    ----------
    option
        Whose value it is, for errors.
    selector
        Labels as a mapping, or text in the form of ``kubectl -l``: ``a=b,c!=d,e,!f``.
    """
    if isinstance(selector, Mapping):
        return [Requirement(key=str(key), operator="In", values=(str(value),)) for key, value in selector.items()]
    found = []
    for part in str(selector).split(","):
        key, sign, value = part.partition("!=") if "!=" in part else part.replace("==", "=").partition("=")
        key, value = key.strip(), value.strip()
        if not key.strip("!"):
            raise InputError(f"goals: {option} is {selector!r}: write labels such as pool=gpu,disk!=slow")
        if sign:
            found.append(Requirement(key=key, operator="NotIn" if sign == "!=" else "In", values=(value,)))
        else:
            found.append(Requirement(key=key.strip("!"), operator="DoesNotExist" if key[0] == "!" else "Exists"))
    return found


def pods_of(cluster: Cluster, selector: Any = None) -> Mask:
    """(pods,) that a selector selects: labels, or the mask itself; ``None`` selects all."""
    count = len(cluster.pod_table)
    mask = _given("pods", selector, count)
    if mask is None:
        wanted = requirements("pods", selector)
        labels = cluster.pod_table["labels"]
        by_value = [all(each.matches(value) for each in wanted) for value in labels.values]
        mask = np.array(by_value, bool)[labels.codes] if count else np.zeros(0, bool)
    return mask


def nodes_of(cluster: Cluster, selector: Any = None) -> Mask:
    """(nodes,) that a selector selects: labels, or the mask itself; ``None`` selects all."""
    table = cluster.node_table
    mask = _given("nodes", selector, len(table))
    if mask is None:
        wanted = requirements("nodes", selector)
        mask = np.ones(len(table), bool)
        for each in wanted:
            by_value = [each.matches(value) for value in table.labels.values]
            holds = np.array(by_value, bool)[table.labels.codes] if len(table) else np.zeros(0, bool)
            if each.key == HOSTNAME:
                named = np.flatnonzero(table.named)
                holds[named] = [each.matches({HOSTNAME: table.names[row]}) for row in named.tolist()]
            mask &= holds
    return mask


def _given(option: str, selector: Any, count: int) -> Mask | None:
    """A mask as it is, all for ``None``; ``None`` where it is a selector."""
    if selector is None:
        return np.ones(count, bool)
    if isinstance(selector, (str, Mapping)):
        return None
    mask = np.asarray(selector)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise InputError(
            f"goals: {option} is of type {mask.dtype} and shape {mask.shape}: give labels, a selector, or {count} bools"
        )
    return mask


def narrowed(
    make: Callable[[Cluster], Iterable[Term]], cluster: Cluster, *, nodes: Any = None, pods: Any = None
) -> list[Term]:
    """A goal's terms, about these nodes and pods only."""
    among, of = nodes_of(cluster, nodes), pods_of(cluster, pods)
    return [narrow(term, among, of) for term in make(cluster)]


def narrow(term: Term, nodes: Mask, pods: Mask) -> Term:
    """
    A term about these nodes and pods only.

    Raises
    ------
    InputError
        The term is about the cluster's devices or wishes, which are not told apart.
    """
    if isinstance(term, (Fragmentation, Wishes)):
        raise InputError(f"goals: {term.name!r} is about the whole cluster: leave out nodes and pods")
    if isinstance(term, Preference):
        return term._replace(row=np.where(pods, term.row, -1).astype(np.int32), cost=np.where(nodes, term.cost, 0.0))
    if isinstance(term, Room):
        return term._replace(nodes=np.asarray(term.nodes, bool) & nodes)
    if term.key != NODE and not nodes.all():
        raise InputError(f"goals: {term.name!r} counts by {term.key}: leave out nodes, or narrow it by pods")
    if isinstance(term, Load):
        measures = tuple(of_pods(measure, pods) for measure in term.measures)
        return term._replace(measures=measures, weight=np.where(nodes, term.weight, 0.0))
    first, second = of_pods(term.first, pods), of_pods(term.second, pods)
    return term._replace(first=first, second=second, weight=np.where(nodes, term.weight, 0.0))


def of_pods(measure: Measure, pods: Mask) -> Measure:
    """A measure of these pods only."""
    return measure._replace(amount=np.where(pods, measure.amount, 0))
