"""``bench pack`` at a size for CI: quality beside time, and what happens where data is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import pack
from bench.common import Options
from bench.pack_random import random_cluster
from bench.pack_rows import entries, solved
from placer.errors import UsageError

KEYS = {"set", "name", "objective", "bound", "gap", "seconds", "best_known", "verified", "peers"}


@pytest.mark.parametrize("seed", [7, 42])
def test_a_random_cluster_with_all_rules_is_closed(benchmark: Any, seed: int) -> None:
    """60 pods × 15 nodes, whole ``solve`` with its proof."""
    cluster = random_cluster(seed, None)
    answer = benchmark.pedantic(solved, (cluster, None), rounds=1)
    rows = entries("random", str(seed), answer)
    benchmark.extra_info |= {row["name"]: (row["objective"], row["bound"]) for row in rows}
    assert all(row["verified"] and row["bound"] <= row["objective"] for row in rows)


def test_an_instance_of_a_set_is_run_alone_with_its_peers() -> None:
    """One cluster of 100, its three peers beside it."""
    result = pack.run(Options(set="plain/3"))
    assert [row["name"] for row in result["instances"]] == ["3/unplaced", "3/pack"]
    assert all(row.keys() >= KEYS and len(row["peers"]) == 3 for row in result["instances"])
    assert result["proven"]["plain"]["of"] == 1


def test_a_set_whose_data_is_not_there_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """Never silently."""
    result = pack.run(Options(set="openb", data=tmp_path))
    assert result["instances"] == []
    assert "no folder alibaba-openb-gpu-2023" in result["skipped"]["openb"]


def test_an_unknown_set_is_wrong_usage() -> None:
    """The error lists the sets."""
    with pytest.raises(UsageError, match="choose among random, plain"):
        pack.run(Options(set="nope"))
