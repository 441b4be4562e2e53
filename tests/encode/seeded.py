"""Clusters for the tests of the encoder: drawn by seed, which is quicker than choice by choice."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from strategies import ALL_RULES, random_cluster

import placer as pl


def seeded(rules: Collection[str] = ALL_RULES, least_nodes: int = 1) -> SearchStrategy[pl.Cluster]:
    """Clusters of up to 6 nodes and 12 pods."""
    return st.builds(
        random_cluster, st.integers(0, 10**6), st.integers(least_nodes, 6), st.integers(1, 12), st.just(rules)
    )
