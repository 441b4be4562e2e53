"""When a run is to stop, and why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from placer.errors import InputError

if TYPE_CHECKING:
    from placer.answers import Answers


def check_above(where: str, name: str, value: Any, whole: bool = False) -> None:
    """
    Whether a limit that is given is a number above 0, a ``whole`` one where that is asked for.

    Raises
    ------
    InputError
        It is not; named are the function (``where``), its argument and the value.
    """
    above = is_number(value) and value > 0
    if value is not None and not (above and (not whole or isinstance(value, Integral))):
        kind = "whole " if above else ""
        raise InputError(f"{where}: {name} is {value!r}: give a {kind}number above 0, or leave it out")


def is_number(value: Any) -> bool:
    """Whether a value is a number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


class Limit:
    """
    The limits of a run.

    Parameters
    ----------
    begun
        When it began, on the monotonic clock.

    Attributes
    ----------
    reason
        ``done`` while it goes on; else what a solution says in ``stopped``.
    """

    def __init__(self, begun: float, time_limit: float | None, steps: int | None, stop: threading.Event | None) -> None:
        self.begun, self.deadline = begun, None if time_limit is None else begun + time_limit
        self.steps, self.stop, self.reason = steps, stop, "done"
        self.given = time_limit is not None or steps is not None

    def reached(self) -> bool:
        """Whether to stop now; notes the reason."""
        if self.stop is not None and self.stop.is_set():
            self.reason = "interrupted"
        elif self.deadline is not None and time.monotonic() >= self.deadline:
            self.reason = "time_limit"
        return self.reason != "done"

    def near(self, answers: Answers) -> bool:
        """As :meth:`reached`, also where the answer is as close to its bound as was asked for, or has reached it."""
        if self.reason == "done" and answers.close and not answers.proven:
            self.reason = "gap_limit"
        return self.reached() or answers.proven

    def early(self, share: float) -> Callable[[], bool]:
        """Tells when this share of the time that is left now has passed, or :meth:`reached` says so."""
        now = time.monotonic()
        deadline = None if self.deadline is None else now + share * (self.deadline - now)
        return lambda: self.reached() or (deadline is not None and time.monotonic() >= deadline)

    @contextmanager
    def less(self, seconds: float) -> Iterator[None]:
        """Keeps so much of the time for what comes after."""
        deadline = self.deadline
        self.deadline = None if deadline is None else deadline - seconds
        yield
        self.deadline = deadline
