"""The generator mesos-scale: sizes, load and apps of every case; requests that are all different."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import placer as pl
from placer.errors import InputError
from placer.traces.mesos import _jitter, generate

NODES, PODS = 3_000, 25_000


def test_30000_nodes_are_the_ten_kinds_apportioned_by_largest_remainder():
    nodes = generate("plain", 30_000, 10, seed=1).node_table

    kinds = Counter(map(tuple, (nodes.allocatable.table[:, :2] >> [0, 20]).tolist()))
    assert kinds.most_common(4) == [
        ((48_000, 130_941), 16_052),
        ((48_000, 65_352), 9_212),
        ((48_000, 196_346), 2_385),
        ((96_000, 262_144), 1_896),
    ]
    assert len(kinds) == 10


@pytest.mark.parametrize("case", ["plain", "full", "distinct"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_scarcest_resource_is_at_88_percent_and_apps_have_7_pods_on_average(case: str, seed: int):
    cluster = generate(case, NODES, PODS, seed)

    asked = cluster.pod_table.requests.table.sum(axis=0)
    held = cluster.node_table.allocatable.table[:, :2].sum(axis=0)
    assert (len(cluster.nodes), len(cluster.pods)) == (NODES, PODS)
    assert float((asked / held).max()) == pytest.approx(0.88, abs=0.001)
    assert PODS / len(np.unique(cluster.pod_table["labels"].codes)) == pytest.approx(7.3, abs=0.5)


def test_the_same_seed_draws_the_same_cluster_and_another_seed_another():
    assert generate("full", 100, 800, seed=5).digest == generate("full", 100, 800, seed=5).digest
    assert generate("full", 100, 800, seed=5).digest != generate("full", 100, 800, seed=6).digest


def test_no_two_requests_are_equal_in_distinct_and_none_is_more_than_5_percent_off():
    plain, distinct = (generate(case, NODES, PODS, seed=4).pod_table.requests.table for case in ("plain", "distinct"))

    assert len(np.unique(distinct, axis=0)) == PODS
    assert (np.abs(distinct - plain) <= 0.05 * plain + [1, 2**20]).all()


def test_where_whole_mib_do_not_tell_pods_apart_smaller_units_do():
    requests = np.repeat(np.array([[1_000, 100]]), 3_000, axis=0)

    different = _jitter(requests, np.random.default_rng(0))

    assert len(np.unique(different, axis=0)) == 3_000
    assert (different[:, 1] % 2**10 == 0).all()
    assert (different[:, 1] % 2**20 != 0).any()


def test_the_full_case_round_trips(tmp_path):
    cluster = generate("full", 30, 250, seed=2)

    cluster.write(tmp_path / "cluster.json")

    assert pl.load(tmp_path / "cluster.json").digest == cluster.digest


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("huge", 1, 1), "case is 'huge': choose among plain, full, distinct"),
        (("plain", 0, 1), "nodes is 0: give a number above 0"),
        (("plain", 1, -1), "pods is -1: give a number above 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, problem: str):
    with pytest.raises(InputError) as caught:
        generate(*arguments)

    assert caught.value.problems == [f"mesos-scale: {problem}"]
