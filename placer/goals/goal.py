"""A goal with its options, weighed, and a tier of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from placer.errors import InputError
from placer.goals.check import checked
from placer.goals.narrow import narrowed
from placer.goals.registry import Known, find, formula_of
from placer.model.cluster import Cluster
from placer.model.term import Term

NARROWING = ("nodes", "pods")
"""Options that every goal takes: which nodes and pods it is about."""


@dataclass(frozen=True)
class Goal:
    """
    What is minimised.

    Attributes
    ----------
    name
        As written, options included: ``balance(formula=max)``.
    formula
        In words.
    make
        From a cluster to terms.
    column
        The column of the kernels' weights that knows the goal without its terms; -1 for none.
    """

    name: str
    formula: str
    make: Callable[[Cluster], Iterable[Term]]
    column: int = -1

    def terms(self, cluster: Cluster) -> list[Term]:
        """
        The terms for a cluster.

        Raises
        ------
        InputError
            What the function gives is no list of terms that fits the cluster.
        """
        return checked(self.name, self.make(cluster), cluster)


class Part(NamedTuple):
    """A goal and its weight in its tier, above 0."""

    goal: Goal
    weight: float

    @property
    def name(self) -> str:
        """The goal's name."""
        return self.goal.name


class Tier(NamedTuple):
    """
    Goals that are weighed against one another.

    Attributes
    ----------
    key
        As the user wrote it; the objective's key.
    """

    key: str
    parts: tuple[Part, ...]


def goal(what: str | Callable[..., Iterable[Term]], weight: float = 1.0, **options: Any) -> Part:
    """
    A goal with options, for ``goals=``.

    Parameters
    ----------
    what
        A goal's name, or a function from a cluster to terms; its name is then the function's, its formula the first
        line of the docstring.
    weight
        In its tier; above 0.
    options
        What the goal takes, as ``placer goals`` lists it; and for every goal ``nodes`` and ``pods``, which narrow it:
        labels as a mapping, a selector such as ``"pool=gpu,disk!=slow"``, or one bool a node or pod.

    Raises
    ------
    InputError
        An unknown goal or option; a weight that is no number above 0.

    Examples
    --------
    >>> import placer as pl
    >>> pl.goal("pack", nodes={"pool": "gpu"}, weight=2).name
    'pack(nodes="pool=gpu")'
    """
    known = find(what) if isinstance(what, str) else of_function(what)
    number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if not number or not 0 < weight < float("inf"):
        raise InputError(f"goals: the weight of {known.name!r} is {weight!r}: give a number above 0")
    return Part(with_options(known, options), float(weight))


def of_function(function: Callable[..., Iterable[Term]]) -> Known:
    """A user's function as a goal."""
    if not callable(function):
        raise InputError(f"goals: {function!r} is no goal: give a name, a function from a cluster to terms, or pl.goal")
    name = getattr(function, "__name__", type(function).__name__)
    return Known(name, formula_of(function), function)


def with_options(known: Known, options: Mapping[str, Any]) -> Goal:
    """A goal whose function is given these options."""
    if not options:
        return Goal(known.name, known.formula, known.function, known.column)
    taken = known.options()
    for name in options:
        if name not in taken and name not in NARROWING:
            choices = ", ".join([*taken, *(each for each in NARROWING if each not in taken)])
            raise InputError(f"goals: {known.name!r} has no option {name!r}: choose among {choices}")
    given = {name: value for name, value in options.items() if name in taken}
    scope = {name: value for name, value in options.items() if name not in taken}
    make = partial(known.function, **given) if given else known.function
    if scope:
        make = partial(narrowed, make, **scope)
    written = ", ".join(f"{name}={_written(value)}" for name, value in options.items())
    return Goal(f"{known.name}({written})", known.formula, make)


def _written(value: Any) -> str:
    """An option as it is written in text."""
    if isinstance(value, Mapping):
        return '"' + ",".join(f"{key}={each}" for key, each in value.items()) + '"'
    if isinstance(value, str):
        return value if value.replace("-", "").replace(".", "").replace("/", "").isalnum() else f'"{value}"'
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
        return "|".join(value)
    return "..."
