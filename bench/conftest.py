"""Sizes that suit CI: one small cluster of each kind."""

from __future__ import annotations

import pytest

from placer.model.cluster import Cluster
from placer.traces.mesos import generate

SIZES = {"mesos-3k-plain": "plain", "mesos-3k-full": "full", "mesos-3k-distinct": "distinct"}


@pytest.fixture(scope="session", params=list(SIZES))
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """3,000 nodes × 25,000 pods of one case."""
    return generate(SIZES[request.param], nodes=3_000, pods=25_000, seed=0)
