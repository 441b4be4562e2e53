"""The objective of a run, term by term, from its final state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from placer.checks.devices import replay
from placer.checks.facts import Facts
from placer.checks.objective import Final, term_value
from placer.checks.scene import Scene
from placer.checks.timeline import Plan, final_places, solution_timeline, standing_timeline
from placer.costs import term_values
from placer.engine import Run, bindings
from placer.goals import Tier
from placer.model.cluster import Cluster
from placer.model.table import PENDING
from placer.solution import Rows, TermCost


def measure(
    cluster: Cluster,
    run: Run,
    tiers: Sequence[Tier],
    rows: Rows,
    devices: Mapping[int, Mapping[str, Sequence[int]]],
) -> list[TermCost]:
    """
    What each term of the run comes to, weight included, with the pods that stood already and those placed as well.

    Parameters
    ----------
    rows, devices
        The bindings and the units they take, as in :class:`placer.solution.Bindings`.
    """
    facts = Facts(cluster)
    nothing = np.zeros(0, np.int64)
    begun = _final(cluster, facts, Plan(nothing, nothing, nothing, [], []), {})
    plan = Plan(rows.pod.astype(np.int64), rows.node.astype(np.int64), np.arange(len(rows.pod)), [], [])
    ended = _final(cluster, facts, plan, devices)
    found = []
    for each, after in zip(run.encoded.weighed, term_values(run).tolist(), strict=True):
        before = each.weight * term_value(begun, each.term)
        # Units and wishes are not in the arrays: they are measured on the model.
        value = each.weight * term_value(ended, each.term) if np.isnan(after) else after
        found.append(TermCost(tiers[each.tier].key, each.goal, each.term.name, before, value, each.weight))
    return found


def from_arrays(run: Run, tiers: Sequence[Tier]) -> dict[str, float] | None:
    """Per tier the sum of its terms, from a run's arrays alone; ``None`` where a term is measured elsewhere."""
    found = dict.fromkeys((tier.key for tier in tiers), 0.0)
    for each, value in zip(run.encoded.weighed, term_values(run).tolist(), strict=True):
        found[tiers[each.tier].key] += value
    return None if any(np.isnan(value) for value in found.values()) else found


def objective(tiers: Sequence[Tier], terms: Sequence[TermCost]) -> dict[str, float]:
    """Per tier the sum of its terms."""
    return {tier.key: float(sum(term.after for term in terms if term.tier == tier.key)) for tier in tiers}


def left_out(cluster: Cluster, unplaced: int, decided: int | None = None) -> TermCost:
    """The first tier: a pod left out costs 1."""
    pending = int((cluster.pod_table.node == PENDING).sum()) if decided is None else decided
    return TermCost("unplaced", "unplaced", "unplaced", float(pending), float(unplaced), 1.0)


def _final(cluster: Cluster, facts: Facts, plan: Plan, devices: Mapping[int, Mapping[str, Sequence[int]]]) -> Final:
    scene = Scene(facts, solution_timeline(cluster, plan, held=False), devices)
    return Final(facts, final_places(cluster, plan), cache(lambda: replay(scene)))


def zoneless(cluster: Cluster) -> int:
    """Pods that stand already, would like one NUMA zone and have none."""
    scene = Scene(Facts(cluster), standing_timeline(cluster, cluster.pod_table.node), {})
    return len(replay(scene).zoneless)


def all_terms(cluster: Cluster, run: Run) -> NDArray[np.float64]:
    """(terms,) what each term of a run comes to, those that are measured on the model as well."""
    found = term_values(run)
    if np.isnan(found).any():
        (pods, nodes), devices = bindings(run)
        plan = Plan(pods.astype(np.int64), nodes.astype(np.int64), np.arange(len(pods)), [], [])
        ended = _final(cluster, Facts(cluster), plan, devices)
        for place in np.flatnonzero(np.isnan(found)).tolist():
            each = run.encoded.weighed[place]
            found[place] = each.weight * term_value(ended, each.term)
    return found
