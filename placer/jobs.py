"""
Jobs: independent pieces of a search, run through any ``concurrent.futures.Executor``.

A kind of job is made of four things, and this module knows none of them by name:

payload
    A named tuple of arrays and numbers, picklable: what this job is about, such as the nodes of a cell and a seed. What
    jobs share is not in it: the *base*, which all jobs of a run have in common and which goes to a process once, and
    the *common* part of a round, such as the placement that its jobs begin from.
function
    At the top of a module, so that it is found by name in another process; called as
    ``function(base, common, payload, stop)``. It changes none of them; it looks at ``stop()`` every few hundredths of a
    second and then returns what it has. Without a limit in time its result follows from them alone, wherever it runs.
result
    Small and picklable: which pods go where, say as :class:`placer.placement.Lines`.
check
    Called as ``check(result)`` here, before anybody looks at the result: ``ValueError`` where its type, shape or range
    is not what the function returns. Whoever asked for the job then applies it, with all rules asked by the kernels and
    the objective compared: see :mod:`placer.rounds`.

What goes wrong elsewhere costs only its job. An executor that raises, dies, returns something else or says nothing is
counted in :class:`Counts`, and the job is done once more in this process; after ``MOST_FAILED`` failures in a row all
jobs are. Results come back in the order of the jobs, so that an answer does not depend on who worked how fast.

The base goes to a process when the process says that it does not have it. Where the process is this one, or was forked
from it since, it has it. What goes elsewhere is compressed: of 30,000 nodes × 250,000 pods the base is 13 MB, and 1 MB
on the way.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from operator import itemgetter
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import zstandard

from placer.errors import InputError

LOOK = 0.02
"""Seconds between two looks at whether to stop."""
GRACE = 0.3
"""Seconds that jobs in this process have to hand in what they have, once they are to stop."""
PATIENCE = 10.0
"""Seconds without a word beyond what jobs took so far, after which one is done here as well."""
MOST_FAILED = 3
"""Failures in a row, after which an executor is not asked any more."""
MOST_BASES = 2
"""Bases that a process keeps of runs that are not its own."""

Function = Callable[[Any, Any, Any, Callable[[], bool]], Any]


class Job(NamedTuple):
    """A piece of work; see the module."""

    function: Function
    payload: Any
    check: Callable[[Any], None]


@dataclass
class Counts:
    """
    What became of jobs.

    Attributes
    ----------
    sent, finished
        Jobs, and those of them whose result came back and passed its check.
    improved, wasted
        Of those finished, whose result made the answer better; and whose result was not applied.
    failed
        Times that an executor raised, returned something else, or did not answer before the job was done here.
    error
        The first of these failures.
    """

    sent: int = 0
    finished: int = 0
    improved: int = 0
    wasted: int = 0
    failed: int = 0
    error: str | None = None

    def stated(self) -> dict[str, Any]:
        """As statistics; without ``error`` where there is none."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class _Sent(NamedTuple):
    """A job on its way."""

    session: str
    base: bytes | None
    common: bytes | None
    function: Function
    payload: Any
    seconds: float | None


class _Done(NamedTuple):
    """A result, and how long it took."""

    result: Any
    seconds: float


class _Missing(NamedTuple):
    """Says that a process does not have the base of a session."""

    session: str


class _Host(NamedTuple):
    """A run of this process: where it is forked, ``stop`` is not the child's to ask."""

    process: int
    base: Any
    stop: Callable[[], bool]


_hosts: dict[str, _Host] = {}
_bases: dict[str, Any] = {}


def _packed(value: Any) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(pickle.dumps(value, protocol=5))


def _unpacked(value: bytes) -> Any:
    return pickle.loads(zstandard.ZstdDecompressor().decompress(value))


def perform(sent: _Sent, common: Any = None) -> _Done | _Missing:
    """Runs a job, in whatever process this is; ``common`` comes in one piece where it is this one."""
    begin = time.monotonic()
    host = _hosts.get(sent.session)
    if host is None and sent.session not in _bases:
        if sent.base is None:
            return _Missing(sent.session)
        for old in list(_bases)[: 1 - MOST_BASES]:
            _bases.pop(old, None)
        _bases[sent.session] = _unpacked(sent.base)
    base = host.base if host is not None else _bases[sent.session]
    mine = host is not None and host.process == os.getpid()

    def stop() -> bool:
        if sent.seconds is not None and time.monotonic() - begin >= sent.seconds:
            return True
        if not mine:
            return False
        now = _hosts.get(sent.session)
        return now is None or now.stop()

    shared = common if sent.common is None else _unpacked(sent.common)
    return _Done(sent.function(base, shared, sent.payload, stop), time.monotonic() - begin)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_executor(executor: Any) -> None:
    """
    Whether jobs can be sent through it.

    Raises
    ------
    InputError
        It is no ``concurrent.futures.Executor``.
    """
    if executor is not None and not isinstance(executor, Executor):
        raise InputError(
            f"solve: executor is {executor!r}: give a concurrent.futures.Executor, such as ProcessPoolExecutor() or a "
            "Dask client's get_executor(), or leave it out"
        )


class _Heard(NamedTuple):
    """Word of a job: its future is done, or it could not be sent, for the reason ``error``."""

    turn: int
    place: int
    here: bool
    future: Future[Any] | None
    error: str


class Runner:
    """
    Sends rounds of jobs.

    Parameters
    ----------
    base
        What all jobs share; not changed while they run.
    stop
        Whether to come back with what there is.
    executor
        Who works; threads of this process by default. It is neither shut down nor waited for at the end.
    threads
        How many threads of this process; its cores by default.

    Attributes
    ----------
    counts
        What became of the jobs so far.
    width
        How many jobs were worked on at a time in the last round.
    """

    def __init__(
        self, base: Any, stop: Callable[[], bool], executor: Executor | None = None, threads: int | None = None
    ) -> None:
        self.base, self.stop, self.executor = base, stop, executor
        self.counts, self.width = Counts(), threads or cores()
        self._threads = ThreadPoolExecutor(threads or cores(), thread_name_prefix="placer-job")
        self._session, self._packed_base = uuid.uuid4().hex, b""
        self._turn, self._failed_in_a_row, self._longest, self._worked = 0, 0, 0.0, 0.0
        self._words: queue.SimpleQueue[_Heard] = queue.SimpleQueue()
        self._out: queue.SimpleQueue[tuple[int, int, _Sent] | None] = queue.SimpleQueue()
        self._forget()
        _hosts[self._session] = _Host(os.getpid(), base, stop)
        if executor is not None:
            # An executor may take its time to take a job, or never do.
            threading.Thread(target=self._send_all, args=(executor,), name="placer-sender", daemon=True).start()

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget()
        _hosts.pop(self._session, None)
        self._out.put(None)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def round(self, jobs: Sequence[Job], seconds: float | None = None, common: Any = None) -> Iterator[tuple[int, Any]]:
        """
        Runs jobs that do not depend on one another.

        Parameters
        ----------
        seconds
            That each may take; ``None`` where the clock does not end it.
        common
            What these jobs share; not changed while they run.

        Yields
        ------
        Places among ``jobs`` and results, checked, in the order of the jobs. All of them, unless the run is to stop.
        """
        self._forget(jobs, seconds, common)
        begin = self._last_word = time.monotonic()
        for index in range(len(jobs)):
            self.counts.sent += 1
            self._send(index)
        for index in range(len(jobs)):
            while index not in self._found:
                if self.stop():
                    self._drain()
                    yield from sorted((pair for pair in self._found.items() if pair[0] >= index), key=itemgetter(0))
                    return
                self._listen(LOOK)
                self._redo_late()
            yield index, self._found[index]
        wall = max(time.monotonic() - begin, 1e-9)
        self.width = max(1, min(len(jobs), round(self._worked / wall)))

    def _forget(self, jobs: Sequence[Job] = (), seconds: float | None = None, common: Any = None) -> None:
        """Begins a round: what is still on its way is called back, and not listened to any more."""
        self._turn += 1
        for future in self._futures if self._turn > 1 else ():
            with contextlib.suppress(Exception):
                future.cancel()
        self._jobs, self._seconds, self._common, self._packed_common = jobs, seconds, common, b""
        self._futures: list[Future[Any]] = []
        self._found: dict[int, Any] = {}
        self._done_here: set[int] = set()
        self._with_base: set[int] = set()
        self._worked = 0.0

    def _send(self, index: int) -> None:
        """Sends a job to the executor, with the base where that was asked for; or to this process."""
        job = self._jobs[index]
        sent = _Sent(self._session, None, None, job.function, job.payload, self._seconds)
        if self.executor is None or index in self._done_here:
            self._done_here.add(index)
            self._watch(self._turn, index, True, self._threads.submit(perform, sent, self._common))
            return
        self._packed_common = self._packed_common or _packed(self._common)
        if index in self._with_base:
            self._packed_base = self._packed_base or _packed(self.base)
            sent = sent._replace(base=self._packed_base)
        self._out.put((self._turn, index, sent._replace(common=self._packed_common)))

    def _send_all(self, executor: Executor) -> None:
        """Hands jobs to the executor, one by one."""
        while (item := self._out.get()) is not None:
            turn, index, sent = item
            if turn != self._turn:
                continue
            try:
                future = executor.submit(perform, sent)
                if not isinstance(future, Future):
                    raise TypeError(f"submit returned {str(future)[:80]!r}, no Future")
            except Exception as error:  # noqa: BLE001 - an executor may raise what it likes: it is counted
                self._words.put(_Heard(turn, index, False, None, _told(error)))
            else:
                self._watch(turn, index, False, future)

    def _watch(self, turn: int, index: int, here: bool, future: Future[Any]) -> None:
        self._futures.append(future)
        future.add_done_callback(lambda done: self._words.put(_Heard(turn, index, here, done, "")))

    def _listen(self, seconds: float) -> None:
        """Takes in one word, where one comes in so many seconds."""
        try:
            heard = self._words.get(timeout=seconds)
        except queue.Empty:
            return
        if heard.turn != self._turn:
            return
        if heard.here:
            assert heard.future is not None
            self._keep(heard.place, heard.future.result())
            return
        self._last_word = time.monotonic()
        try:
            done = _result_of(heard)
            if isinstance(done, _Missing) and heard.place not in self._with_base:
                self._with_base.add(heard.place)
                self._send(heard.place)
                return
            if not isinstance(done, _Done) or not isinstance(done.seconds, float) or not 0 <= done.seconds < np.inf:
                raise ValueError(f"the answer is {str(done)[:80]!r}, no job's")
            self._keep(heard.place, done)
            self._failed_in_a_row = 0
        except ValueError as error:
            self._fail(heard.place, str(error))

    def _keep(self, index: int, done: _Done) -> None:
        """Keeps the first result of a job that passes its check."""
        self._jobs[index].check(done.result)
        if index not in self._found:
            self._found[index] = done.result
            self.counts.finished += 1
            self._worked += done.seconds
            self._longest = max(self._longest, done.seconds)

    def _fail(self, index: int, error: str) -> None:
        """Counts a failure of the executor and does the job here; all of them where it fails time after time."""
        self.counts.failed += 1
        self.counts.error = self.counts.error or error
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= MOST_FAILED:
            self.executor = None
        for each in [index] if self.executor is not None else range(len(self._jobs)):
            if each not in self._found and each not in self._done_here:
                self._done_here.add(each)
                self._send(each)

    def _redo_late(self) -> None:
        """Does a job here where nothing was heard for long; its own answer still counts if it comes first."""
        waiting = [index for index in range(len(self._jobs)) if index not in self._found]
        patience = PATIENCE + self._longest + (self._seconds or 0.0)
        if waiting and self._done_here.isdisjoint(waiting) and time.monotonic() - self._last_word > patience:
            self._last_word = time.monotonic()
            self._fail(waiting[0], f"no answer in {patience:.0f} s")

    def _drain(self) -> None:
        """Waits a moment for jobs of this process, which have been told to stop."""
        until = time.monotonic() + GRACE
        while self._done_here - self._found.keys() and (left := until - time.monotonic()) > 0:
            self._listen(left)


def _result_of(heard: _Heard) -> Any:
    """What a future holds; ``ValueError`` says why it holds nothing."""
    if heard.future is None:
        raise ValueError(heard.error)
    if heard.future.cancelled():
        raise ValueError("the job was cancelled")
    error = heard.future.exception()
    if error is not None:
        raise ValueError(_told(error))
    return heard.future.result()


def _told(error: BaseException) -> str:
    """An error in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
