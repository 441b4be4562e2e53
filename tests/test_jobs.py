"""Jobs through any executor: what goes wrong elsewhere costs only its job, and the answer is the same."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from executors import BROKEN, Blocks, Forgets, Spoils
from test_improve import gaps, told

import placer as pl
from placer import filling, jobs, rounds
from placer.jobs import Job, Runner

STEPS = 600
"""As many as emptying nodes takes, and a few for what comes after."""


def double(base: int, common: int, payload: int, stop) -> int:
    """A job: what is shared plus twice what is asked."""
    time.sleep(0.01 * (payload % 3))
    return base + (common or 0) + 2 * payload


def number(result: Any) -> None:
    if type(result) is not int:
        raise ValueError(f"the answer is {result!r}, no number")


def fail(base: int, common: int, payload: int, stop) -> int:
    raise LookupError("a bug")


def until_told(base: int, common: int, payload: int, stop) -> int:
    while not stop():
        time.sleep(0.01)
    return payload


def process(base: int, common: int, payload: int, stop) -> int:
    return os.getpid()


def results(runner: Runner, count: int = 7) -> list[tuple[int, Any]]:
    return list(runner.round([Job(double, place, number) for place in range(count)]))


EXPECTED = [(place, 100 + 2 * place) for place in range(7)]


@pytest.fixture
def hasty(monkeypatch):
    """Nobody is waited for."""
    monkeypatch.setattr(jobs, "PATIENCE", 0.05)


@pytest.fixture(scope="module")
def spawned():
    """Two processes that share nothing with this one."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_results_come_in_the_order_of_the_jobs():
    with Runner(100, lambda: False, threads=3) as runner:
        assert results(runner) == EXPECTED
        assert results(runner) == EXPECTED

    assert runner.counts.stated() == {"sent": 14, "finished": 14, "improved": 0, "wasted": 0, "failed": 0}


def test_what_a_round_has_in_common_goes_with_each_of_its_jobs(spawned):
    for executor in (None, spawned):
        with Runner(100, lambda: False, executor) as runner:
            asked = [Job(double, place, number) for place in range(3)]
            assert list(runner.round(asked, common=1000)) == [(0, 1100), (1, 1102), (2, 1104)]


def test_what_is_shared_goes_once_to_a_process(spawned, monkeypatch):
    sent = []
    real = spawned.submit
    monkeypatch.setattr(spawned, "submit", lambda f, job: sent.append(job.base is not None) or real(f, job))
    with Runner(100, lambda: False, spawned) as runner:
        for _ in range(4):
            assert results(runner) == EXPECTED

    assert runner.counts.failed == 0
    assert 1 <= sum(sent) <= 2 * len(EXPECTED)
    assert sent[-len(EXPECTED) :] == [False] * len(EXPECTED)


def test_processes_forked_from_this_one_have_it_already(monkeypatch):
    sent = []
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        real = pool.submit
        monkeypatch.setattr(pool, "submit", lambda f, job: sent.append(job.base) or real(f, job))
        with Runner(100, lambda: False, pool) as runner:
            assert results(runner) == EXPECTED

    assert sent == [None] * len(EXPECTED)


@pytest.mark.parametrize("executor", BROKEN)
def test_an_executor_that_goes_wrong_costs_only_its_jobs(executor, hasty):
    with Runner(100, lambda: False, BROKEN[executor]()) as runner:
        assert results(runner) == EXPECTED
        assert results(runner) == EXPECTED

    counts = runner.counts
    assert (counts.sent, counts.finished) == (14, 14)
    assert counts.failed >= jobs.MOST_FAILED
    assert counts.error


@pytest.mark.parametrize(
    ("executor", "error"),
    [
        ("refuses", "RuntimeError: cannot schedule new futures after shutdown"),
        ("forgets", "no answer in 0 s"),
        ("answers a text", "the answer is 'done', no job's"),
        ("fails", "ValueError: no such file"),
        ("returns no future", "TypeError: submit returned '_Done(result=100, "),
        ("cancels", "the job was cancelled"),
    ],
)
def test_the_first_failure_is_told(executor, error, hasty):
    with Runner(100, lambda: False, BROKEN[executor]()) as runner:
        results(runner)

    assert runner.counts.stated()["error"].startswith(error)


def test_an_answer_that_fails_its_check_is_a_failure():
    with Runner(100, lambda: False, Spoils(lambda done: done._replace(result="garbage"))) as runner:
        assert results(runner) == EXPECTED

    assert runner.counts.error == "the answer is 'garbage', no number"


@pytest.mark.parametrize("seconds", [None, "1", -1.0, float("nan")])
def test_a_time_that_is_none_is_a_failure(seconds):
    with Runner(100, lambda: False, Spoils(lambda done: done._replace(seconds=seconds))) as runner:
        assert results(runner) == EXPECTED

    assert runner.counts.failed >= jobs.MOST_FAILED


def test_an_executor_that_is_shut_down_is_not_waited_for():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with Runner(100, lambda: False, pool) as runner:
        assert results(runner) == EXPECTED

    assert runner.counts.error == "RuntimeError: cannot schedule new futures after shutdown"


def test_a_failure_now_and_then_leaves_the_executor_at_work():
    place = iter(range(100))
    executor = Spoils(lambda done: done if next(place) % 3 else None)
    with Runner(100, lambda: False, executor) as runner:
        assert results(runner) == EXPECTED
        assert results(runner) == EXPECTED
        assert runner.executor is executor

    assert 0 < runner.counts.failed < 14


def test_a_bug_in_a_job_is_raised_here_with_its_own_words():
    with Runner(100, lambda: False) as runner, pytest.raises(LookupError, match="a bug"):
        list(runner.round([Job(fail, 0, number)]))


def test_jobs_here_hand_in_what_they_have_when_they_are_told_to_stop():
    stop = threading.Event()
    with Runner(0, stop.is_set, threads=2) as runner:
        threading.Timer(0.1, stop.set).start()
        assert list(runner.round([Job(until_told, place, number) for place in range(2)])) == [(0, 0), (1, 1)]


def test_jobs_end_by_themselves_after_their_time():
    with Runner(0, lambda: False, threads=2) as runner:
        assert list(runner.round([Job(until_told, 5, number)], seconds=0.05)) == [(0, 5)]


@pytest.mark.parametrize("executor", [Forgets, Blocks])
def test_a_stop_does_not_wait_for_an_executor_that_says_nothing(executor):
    begun = time.monotonic()
    with Runner(100, lambda: time.monotonic() - begun > 0.2, executor()) as runner:
        assert results(runner) == []


def test_an_executor_works_in_other_processes(spawned):
    with Runner(0, lambda: False, spawned) as runner:
        found = {pid for _, pid in runner.round([Job(process, place, number) for place in range(4)])}

    assert os.getpid() not in found


@pytest.mark.parametrize("executor", ["dask", 4, ThreadPoolExecutor])
def test_what_is_no_executor_is_refused(executor):
    with pytest.raises(pl.InputError, match=r"solve: executor is .*: give a concurrent\.futures\.Executor"):
        pl.solve(gaps(2), executor=executor)


@pytest.fixture(autouse=True, scope="module")
def small_cells():
    """Cells of a few nodes, so that small clusters have several; and nothing is left to patterns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "CELL", 16)
        patch.setattr(filling, "MOST_PODS", 0)
        yield


@pytest.fixture(scope="module")
def alone() -> pl.Solution:
    """The answer of one thread."""
    return pl.solve(gaps(), steps=STEPS, threads=1)


def test_cells_and_seeds_both_take_part(alone):
    assert pl.verify(gaps(), alone) == []
    assert alone.objective["pack"] < pl.solve(gaps()).objective["pack"]
    assert alone.statistics["jobs"]["sent"] >= 4 + rounds.SEEDS
    assert alone.statistics["jobs"]["improved"] > 0


@pytest.mark.parametrize("threads", [2, 5])
def test_answers_do_not_depend_on_the_number_of_threads(threads, alone):
    assert told(pl.solve(gaps(), steps=STEPS, threads=threads)) == told(alone)


def test_answers_do_not_depend_on_the_executor(spawned, alone):
    for executor in (spawned, ThreadPoolExecutor(3)):
        solution = pl.solve(gaps(), steps=STEPS, executor=executor)

        assert told(solution) == told(alone)
        assert solution.statistics["jobs"] == alone.statistics["jobs"]


@pytest.mark.parametrize("executor", BROKEN)
def test_answers_are_the_same_where_the_executor_goes_wrong(executor, alone, hasty):
    solution = pl.solve(gaps(), steps=STEPS, executor=BROKEN[executor]())

    assert told(solution) == told(alone)
    assert solution.statistics["jobs"]["failed"] >= jobs.MOST_FAILED


def wrong_nodes(done: Any) -> Any:
    """All pods that moved, to one node."""
    if not isinstance(done, jobs._Done):
        return done
    anew = done.result.anew
    return done._replace(result=done.result._replace(anew=anew._replace(node=np.zeros_like(anew.node))))


def no_pods(done: Any) -> Any:
    """All pods that moved, to no node."""
    anew = done.result.anew
    return done._replace(result=done.result._replace(anew=anew._replace(node=np.full_like(anew.node, -1))))


@pytest.mark.parametrize("spoil", [wrong_nodes, no_pods])
def test_answers_that_look_right_and_are_wrong_are_never_applied(spoil):
    cluster = gaps()
    before = pl.solve(cluster)

    solution = pl.solve(cluster, steps=STEPS, executor=Spoils(spoil))

    assert pl.verify(cluster, solution) == []
    assert solution.unplaced == []
    assert solution.objective["pack"] <= before.objective["pack"]
    assert solution.statistics["jobs"]["wasted"] > 0


@pytest.mark.parametrize("executor", ["forgets", "blocks"])
def test_a_time_limit_holds_where_nobody_answers(executor):
    cluster, begun = gaps(), time.monotonic()

    solution = pl.solve(cluster, time_limit=0.5, executor=BROKEN[executor]())

    assert time.monotonic() - begun < 5
    assert solution.stopped == "time_limit"
    assert pl.verify(cluster, solution) == []


def test_a_killed_worker_loses_nothing(alone):
    pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    pool.submit(os.getpid).result()
    threading.Timer(0.2, lambda: [os.kill(pid, 9) for pid in list(pool._processes)]).start()

    solution = pl.solve(gaps(), steps=STEPS, executor=pool)

    assert told(solution) == told(alone)
    pool.shutdown(wait=False)


def test_several_solves_at_once_do_not_disturb_one_another(alone):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: pl.solve(gaps(), steps=STEPS, threads=2), range(3)))

    assert [told(each) for each in found] == [told(alone)] * 3


def test_nothing_is_left_running_or_known():
    pl.solve(gaps(), steps=STEPS)

    assert jobs._hosts == {}


def test_executors_are_left_as_they_were():
    with ThreadPoolExecutor(1) as pool:
        pl.solve(gaps(4), steps=100, executor=pool)
        assert pool.submit(int, "7").result() == 7
