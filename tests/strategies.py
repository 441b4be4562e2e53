"""The random clusters that tests share: by hypothesis, and by a seed where thousands are wanted at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random
from typing import TypeVar

from drawing import ALL_RULES, draw_cluster, draw_node, draw_pod, scene
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

import placer as pl

__all__ = ["ALL_RULES", "clusters", "nodes", "plain_clusters", "pods", "random_cluster"]

T = TypeVar("T")


class _Seeded:
    """Choices from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))

    def choice(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent


class _Drawn:
    """Choices that hypothesis makes, and shrinks to the first option, the lowest number and no."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def choice(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def chance(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - percent


def random_cluster(seed: int, nodes: int, pods: int, rules: Collection[str] = ALL_RULES) -> pl.Cluster:
    """
    A cluster of any size, the same for the same arguments.

    Parameters
    ----------
    rules
        Names out of ``ALL_RULES``; without any, pods that ask for cpu and memory.
    """
    return draw_cluster(_Seeded(seed), frozenset(rules), nodes, pods)


@st.composite
def clusters(
    draw: DrawFn, rules: Collection[str] = ALL_RULES, max_nodes: int = 6, max_pods: int = 10, min_nodes: int = 1
) -> pl.Cluster:
    """Clusters with rules out of ``ALL_RULES`` mixed."""
    node_count, pod_count = draw(st.integers(min_nodes, max_nodes)), draw(st.integers(1, max_pods))
    return draw_cluster(_Drawn(draw), frozenset(rules), node_count, pod_count)


def plain_clusters(max_nodes: int = 6, max_pods: int = 10) -> SearchStrategy[pl.Cluster]:
    """Clusters whose pods ask for cpu and memory, and nothing else."""
    return clusters(rules=frozenset(), max_nodes=max_nodes, max_pods=max_pods)


@st.composite
def nodes(draw: DrawFn, rules: Collection[str] = ALL_RULES) -> pl.Node:
    """One node, named ``n0``."""
    return draw_node(scene(_Drawn(draw), frozenset(rules), 3), 0)


@st.composite
def pods(draw: DrawFn, rules: Collection[str] = ALL_RULES) -> pl.Pod:
    """One pod, or several equal ones, named ``p0``, of a cluster of nodes ``n0`` to ``n2``."""
    return draw_pod(scene(_Drawn(draw), frozenset(rules), 3), 0, 4, ["n0", "n1", "n2"])
