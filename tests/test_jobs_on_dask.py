"""Jobs on a real Dask cluster of several processes, some of which are killed while they work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from test_improve import gaps, told

import placer as pl
from placer import filling, jobs, rounds

distributed = pytest.importorskip("distributed", reason="needs distributed: pip install 'placer-engine[distributed]'")

STEPS = 600


@pytest.fixture(autouse=True, scope="module")
def small_cells() -> Iterator[None]:
    """Cells of a few nodes, so that a small cluster has several; and nothing is left to patterns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "CELL", 16)
        patch.setattr(filling, "MOST_PODS", 0)
        yield


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two worker processes, and who replaces those that die."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def alone() -> pl.Solution:
    return pl.solve(gaps(), steps=STEPS, threads=1)


def processes(client: Any) -> list[int]:
    """The workers' processes."""
    return list(client.run(os.getpid).values())


def test_the_answer_is_that_of_one_process_and_was_made_by_others(client, alone):
    solution = pl.solve(gaps(), steps=STEPS, executor=client.get_executor())

    assert told(solution) == told(alone)
    assert solution.statistics["jobs"] == alone.statistics["jobs"]
    assert solution.statistics["jobs"]["failed"] == 0
    assert pl.verify(gaps(), solution) == []


def test_a_time_limit_holds_and_the_answer_gets_better(client):
    cluster, begun = gaps(400), time.monotonic()

    solution = pl.solve(cluster, time_limit=3.0, executor=client.get_executor())

    assert time.monotonic() - begun < 10
    assert pl.verify(cluster, solution) == []
    assert solution.objective["pack"] < pl.solve(cluster).objective["pack"]


def test_workers_killed_while_they_work_lose_nothing(client, alone):
    killed: list[int] = []

    def kill(answer: Any) -> None:
        """With the first answers that come in, one worker after the other, whatever it is at."""
        if len(killed) < 2:
            left = [pid for pid in processes(client) if pid not in killed]
            killed.append(left[0])
            os.kill(left[0], signal.SIGKILL)

    solution = pl.solve(gaps(), steps=STEPS, executor=client.get_executor(), on_answer=kill)

    assert len(killed) == 2
    assert told(solution) == told(alone)
    assert pl.verify(gaps(), solution) == []


def test_a_cluster_that_goes_away_in_the_middle_loses_nothing(alone, monkeypatch):
    monkeypatch.setattr(jobs, "PATIENCE", 0.5)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        closed = threading.Event()

        def close(answer: Any) -> None:
            if not closed.is_set():
                closed.set()
                for pid in processes(client):
                    os.kill(pid, signal.SIGKILL)
                client.close()

        solution = pl.solve(gaps(), steps=STEPS, executor=client.get_executor(), on_answer=close)

    assert closed.is_set()
    assert told(solution) == told(alone)
    assert solution.statistics["jobs"]["failed"] > 0
