"""Ctrl-C: the first asks for the best answer so far, the second leaves at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from types import FrameType
from typing import TypeVar

T = TypeVar("T")
LONGEST_WAIT = 0.2
"""Seconds after which a signal is noticed at the latest."""


def interruptible(work: Callable[[threading.Event], T], asked_to_stop: Callable[[], None]) -> T:
    """
    Runs work in a thread, so that the main one answers signals while kernels run.

    Parameters
    ----------
    work
        Called with the event that the first Ctrl-C sets; its result or error is this function's.
    asked_to_stop
        Called once, at the first Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        At the second Ctrl-C; the thread is then left behind.
    """
    stop = threading.Event()
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work(stop))
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is waited for
            answer.set_exception(error)

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()
        asked_to_stop()

    in_main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGINT, first) if in_main else None
    try:
        threading.Thread(target=run, name="placer-solve", daemon=True).start()
        # A signal that arrives just before the wait begins does not end it: so none is long.
        while not answer.done():
            wait([answer], timeout=LONGEST_WAIT)
        return answer.result()
    finally:
        if in_main:
            signal.signal(signal.SIGINT, previous)
