"""A CP-SAT model that can be told to stop while it is being built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ortools.sat.python import cp_model

LOOK = 64
"""Variables and constraints between two looks at whether to stop: a few milliseconds."""


class StoppableModel(cp_model.CpModel):
    """
    Raises the error given, from whatever adds to it, once it is to stop.

    Parameters
    ----------
    stop
        Whether to; asked now and then.
    error
        Private to who builds the model, and caught there.
    """

    def __init__(self, stop: Callable[[], bool], error: type[Exception]) -> None:
        super().__init__()
        self._stop, self._error, self._added = stop, error, 0

    def _look(self) -> None:
        self._added += 1
        if self._added % LOOK == 0 and self._stop():
            raise self._error

    def new_bool_var(self, name: str) -> Any:
        """As the model's."""
        self._look()
        return super().new_bool_var(name)

    def new_int_var(self, lb: Any, ub: Any, name: str) -> Any:
        """As the model's."""
        self._look()
        return super().new_int_var(lb, ub, name)

    def add(self, ct: Any) -> Any:
        """As the model's."""
        self._look()
        return super().add(ct)

    def add_implication(self, a: Any, b: Any) -> Any:
        """As the model's."""
        self._look()
        return super().add_implication(a, b)

    def add_bool_or(self, *literals: Any) -> Any:
        """As the model's."""
        self._look()
        return super().add_bool_or(*literals)

    def add_hint(self, var: Any, value: Any) -> None:
        """As the model's."""
        self._look()
        super().add_hint(var, value)
