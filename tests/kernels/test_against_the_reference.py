"""
The kernels against the slow reference on random clusters with all rules mixed.

Three things are held for each cluster: every binding is legal when it is made, by the reference's reading of the rules;
what stays unplaced fits nowhere in the final state; and each node's first rejecting rule is the reference's.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.place import broken_bindings
from reference.rules import rejects
from reference.state import State
from strategies import clusters, random_cluster

import placer as pl

SEEDS = range(1500)
GOALS = (["pack"], ["balance"], ["fragmentation", "pack"], ["preferences", "headroom"])


def final_state(cluster: pl.Cluster, solution: pl.Solution) -> State:
    """The reference's state with all bindings made."""
    state = State(cluster)
    rows = {key: row for row, key in enumerate(state.keys)}
    nodes = {node.name: row for row, node in enumerate(state.nodes)}
    for pod, node, devices, _ in solution.bindings:
        state.bind(rows[pod], nodes[node], devices)
    return state


def check(cluster: pl.Cluster, goals: list[str]) -> None:
    """Solves and holds the answer to the reference and to verify."""
    solution = pl.solve(cluster, goals=goals)
    assert broken_bindings(cluster, solution) == []
    assert list(pl.verify(cluster, solution)) == []
    state = final_state(cluster, solution)
    rows = {key: row for row, key in enumerate(state.keys)}
    for pod, reasons, _ in solution.unplaced:
        first = [rejects(state, rows[pod], node) for node in range(len(state.nodes))]
        assert None not in first, f"{pod} fits on node {first.index(None)}"
        expected = Counter(rule.name for rule in first if rule is not None)
        stated = {reason.rule for reason in reasons}
        assert stated == set(expected) or not state.nodes, (pod, reasons, expected)


@pytest.mark.parametrize("chunk", range(15))
def test_every_binding_is_legal_and_what_is_left_out_fits_nowhere(chunk):
    for seed in SEEDS[chunk * 100 : (chunk + 1) * 100]:
        cluster = random_cluster(seed, nodes=1 + seed % 7, pods=1 + seed % 13)
        check(cluster, list(GOALS[seed % len(GOALS)]))


@given(clusters(), st.sampled_from(GOALS))
@settings(max_examples=200)
def test_drawn_clusters_are_placed_legally(cluster, goals):
    check(cluster, list(goals))
