"""Terms as arrays: what a run's cells come to is what summing by hand over pods gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.costs import term_values
from placer.encode.costs import Weighed, told_apart, with_costs
from placer.encode.encode import encode
from placer.encode.goals import encode_goals
from placer.engine import Run, bindings, place, pods_per_class, prepare
from placer.errors import InputError
from placer.goals.quantities import domains
from placer.model.term import FORMULAS, Load, Measure, Pairs, Preference, Room, Term


def placed(cluster: pl.Cluster, terms: list[Term]) -> Run:
    """A cluster placed by pack, with terms measured."""
    encoded = encode(cluster, told_apart=told_apart(cluster, terms))
    encoded = with_costs(cluster, encoded, [Weighed(term, 0, 1.0, 0.0) for term in terms])
    run = prepare(cluster, encoded, encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded)))
    place(run)
    return run


def by_hand(cluster: pl.Cluster, run: Run, term: Term) -> float:
    """Pod by pod."""
    where = cluster.pod_table.node.astype(np.int64)
    (pods, nodes), _ = bindings(run)
    where[pods] = nodes
    domain = domains(cluster, term.key) if term.key != "node" else np.arange(len(cluster.node_table))
    cells: dict[tuple[int, int], list[float]] = {}
    weight = {}
    for node, one in enumerate(domain.tolist()):
        if one >= 0:
            weight[one] = term.weight[node]
    measures = term.measures if isinstance(term, Load) else (term.first, term.second)
    groups = 1 if measures[0].group is None else int(measures[0].group.max(initial=0)) + 1
    for one in weight:
        for group in range(groups):
            cells[group, one] = [0.0, 0.0]
    for pod, node in enumerate(where.tolist()):
        if node < 0 or domain[node] < 0:
            continue
        group = 0 if measures[0].group is None else int(measures[0].group[pod])
        for place_of, measure in enumerate(measures):
            scale = measure.scale[node] if isinstance(term, Load) else 1.0
            cells[group, int(domain[node])][place_of if isinstance(term, Pairs) else 0] += measure.amount[pod] * scale
    if isinstance(term, Pairs):
        return term.factor * sum(weight[one] * a * b for (_, one), (a, b) in cells.items()) + term.constant
    values = [(weight[one], value) for (_, one), (value, _) in cells.items()]
    counted = [value for each, value in values if each > 0]
    found = {
        "any": sum(each for each, value in values if value > 0),
        "linear": sum(each * value for each, value in values),
        "squares": sum(each * value**2 for each, value in values),
        "above": sum(each * max(0.0, value - term.threshold) for each, value in values),
        "max": max([each * value for each, value in values], default=0.0),
        "variance": float(np.var(counted)) if counted else 0.0,
    }
    return term.factor * found[term.formula] + term.constant


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(FORMULAS), st.sampled_from(["node", "zone", "host"]), st.booleans())
def test_cells_are_the_sums_of_the_pods_that_stand(seed, formula, key, grouped):
    cluster = random_cluster(seed, 6, 20, ALL_RULES)
    rng = np.random.default_rng(seed)
    pods, nodes = len(cluster.pod_table), len(cluster.node_table)
    group = rng.integers(0, 3, pods).astype(np.int32) if grouped else None
    by_node = rng.random(nodes), rng.integers(0, 3, nodes).astype(float)
    if key == "zone":
        domain = domains(cluster, key)
        if not (domain >= 0).any():
            return
        by_node = tuple(np.append(values, 0.0)[domain] for values in (rng.random(nodes), rng.random(nodes)))
    one, other = (Measure(rng.integers(0, 4, pods), by_node[0], group) for _ in range(2))
    terms: list[Term] = [
        Load("load", (one, other), formula, by_node[1], key, threshold=1.5, factor=2.0, constant=3.0),
        Pairs("pairs", one, other, by_node[1], key, factor=-1.0, constant=5.0),
    ]
    run = placed(cluster, terms)
    assert term_values(run) == pytest.approx([by_hand(cluster, run, term) for term in terms])


def test_preferences_are_summed_over_the_pods_that_stand():
    cluster = pl.Cluster(
        [pl.Node("a", cpu=2), pl.Node("b", cpu=8)], [pl.Pod("p", replicas=3, cpu=1), pl.Pod("q", cpu=1)]
    )
    term = Preference("p", np.array([0, 0, 0, -1], np.int32), np.array([[1.0, 10.0]]), factor=2.0)
    run = placed(cluster, [term])
    (pods, nodes), _ = bindings(run)
    expected = 2 * sum((1.0, 10.0)[node] for pod, node in zip(pods.tolist(), nodes.tolist(), strict=True) if pod < 3)
    assert term_values(run).tolist() == [expected]


def test_room_is_what_is_free_on_single_nodes():
    cluster = pl.Cluster([pl.Node("a", cpu=4), pl.Node("b", cpu=4), pl.Node("c", cpu=4)], [pl.Pod("p", cpu=2)])
    run = placed(cluster, [Room("room", {"cpu": 3000}, 3, np.array([True, True, True]))])
    assert term_values(run).tolist() == [1.0]


def test_a_shape_that_asks_for_what_nobody_asks_for_is_refused():
    cluster = pl.Cluster([pl.Node("a", cpu=4)], [pl.Pod("p", cpu=2)])
    with pytest.raises(InputError, match="room for disk 5: no pod of the cluster asks for it"):
        placed(cluster, [Room("room", {"disk": 5}, 3, np.array([True]))])
