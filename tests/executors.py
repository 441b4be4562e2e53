"""Executors that go wrong, each in its own way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any


class Refuses(Executor):
    """Raises when it is given a job."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise RuntimeError("cannot schedule new futures after shutdown")


class Forgets(Executor):
    """Takes jobs and says nothing more."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Blocks(Executor):
    """Does not come back from taking a job."""

    def __init__(self) -> None:
        from threading import Event

        self.end = Event()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.end.wait()
        return Future()


class Answers(Executor):
    """Answers at once what is told, whatever the job."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if isinstance(self.answer, BaseException):
            future.set_exception(self.answer)
        else:
            future.set_result(self.answer)
        return future


class NoFutures(Executor):
    """Returns the result itself."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)


class Spoils(Executor):
    """Does the job, and hands out something else."""

    def __init__(self, spoil: Callable[[Any], Any]) -> None:
        self.spoil = spoil

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(self.spoil(function(*args, **kwargs)))
        return future


class Cancels(Executor):
    """Cancels each job."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


BROKEN: dict[str, Callable[[], Executor]] = {
    "refuses": Refuses,
    "forgets": Forgets,
    "blocks": Blocks,
    "answers a text": lambda: Answers("done"),
    "answers nothing": lambda: Answers(None),
    "fails": lambda: Answers(ValueError("no such file")),
    "exits": lambda: Answers(SystemExit(1)),
    "is interrupted": lambda: Answers(CancelledError()),
    "returns no future": NoFutures,
    "cancels": Cancels,
}
