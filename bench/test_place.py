"""Placing at a size for CI, under pytest-benchmark, quality beside time."""

from __future__ import annotations

from typing import Any

from bench.mesos30k import PACK, bounds_of, place_encoded
from placer.encode.tiers import encode_tiers
from placer.model.cluster import Cluster
from placer.verify import verify
from placer.writing import answer


def test_encode(benchmark: Any, cluster: Cluster) -> None:
    """Tables to arrays; no reading."""
    encoded = benchmark(lambda: encode_tiers(cluster, PACK)[0])
    benchmark.extra_info |= {"pod_classes": len(encoded.problem.classes.priority)}


def test_place_all_pending_pods(benchmark: Any, cluster: Cluster) -> None:
    """Arrays to bindings, goal pack, repair included; no load, no verify."""
    encoded = encode_tiers(cluster, PACK)[0]
    place_encoded(cluster, encoded)
    run = benchmark.pedantic(place_encoded, (cluster, encoded), rounds=3)
    bounds = bounds_of(encoded)
    used = int((run.state.pods > 0).sum())
    left = int((run.log.line_of_slot < 0).sum())
    benchmark.extra_info |= {"unplaced": left, "nodes_used": used, "nodes_bound": bounds["nodes"]}
    assert verify(cluster, answer(cluster, run, PACK)) == []


def test_verify(benchmark: Any, cluster: Cluster) -> None:
    """The independent check of the whole answer."""
    encoded = encode_tiers(cluster, PACK)[0]
    solution = answer(cluster, place_encoded(cluster, encoded), PACK)
    violations = benchmark.pedantic(verify, (cluster, solution), rounds=3)
    assert violations == []
