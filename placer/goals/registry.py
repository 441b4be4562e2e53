"""The goals that are known by name: placer's own, and those that other packages register."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from placer.errors import InputError
from placer.goals import standard
from placer.model.term import Term

GROUP = "placer.goals"
"""Entry points of this group name functions from a cluster to terms; an entry's name is the goal's."""


@dataclass(frozen=True)
class Known:
    """
    A goal by name.

    Attributes
    ----------
    name
        What ``goals`` calls it.
    formula
        What is minimised.
    function
        From a cluster, and options by keyword, to terms.
    column
        Its place among the weights of ``encode.problem.Goals``, where the kernels know it without its terms and
        options; -1 for none.
    """

    name: str
    formula: str
    function: Callable[..., Iterable[Term]]
    column: int = -1

    def options(self) -> dict[str, Any]:
        """Options and their defaults; without a default ``inspect.Parameter.empty``."""
        try:
            parameters = list(inspect.signature(self.function).parameters.values())[1:]
        except (TypeError, ValueError):
            return {}
        named = (each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL))
        return {each.name: each.default for each in named}


STANDARD = {
    known.name: known
    for known in (
        Known("pack", "sum of prices of the nodes that hold any pod", standard.pack, 0),
        Known("balance", "sum over nodes and cpu, memory of (used / allocatable)²", standard.balance, 1),
        Known("headroom", "sum over nodes and cpu, memory of max(0, used / allocatable - 0.8)", standard.headroom, 2),
        Known(
            "fragmentation",
            "sum over nodes of the expected GPU thousandths that a typical pod cannot use",
            standard.fragmentation,
            3,
        ),
        Known(
            "preferences",
            "sum of what wishes lose: preferred nodes and pods, soft taints, spread and shares",
            standard.preferences,
            4,
        ),
        Known("nodes", "number of nodes that hold any pod", standard.nodes_used),
        Known("spread", "sum over controllers and zones of (pods of the controller in the zone)²", standard.spread),
        Known("room", "copies of the largest pod for which no node has room", standard.room),
        Known("colocation", "pairs of pods that exchange data and stand on different nodes", standard.colocation),
    )
}

COLUMNS = {known.name: known.column for known in STANDARD.values() if known.column >= 0}
"""Goals that the kernels know by a column of weights."""


def goals_known() -> dict[str, Known]:
    """All goals by name: placer's own first, then registered ones by name."""
    found = dict(STANDARD)
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        if entry.name not in found:
            found[entry.name] = _loaded(entry)
    return found


def find(name: str) -> Known:
    """The goal of a name; other packages are looked at only for names that are not placer's own."""
    if name in STANDARD:
        return STANDARD[name]
    for entry in entry_points(group=GROUP, name=name):
        return _loaded(entry)
    names = [*STANDARD, *sorted(each.name for each in entry_points(group=GROUP))]
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose among {', '.join(names)}"
    raise InputError(f"goals: {name!r} is no goal: {hint}")


def _loaded(entry: Any) -> Known:
    """A goal of another package."""
    try:
        function = entry.load()
    except Exception as error:
        raise InputError(
            f"goals: {entry.name!r} cannot be loaded from {entry.value}: {type(error).__name__}: {error}: "
            "mend or remove the package that registers it"
        ) from error
    if not callable(function):
        raise InputError(f"goals: {entry.name!r} from {entry.value} is no function from a cluster to terms: mend it")
    return Known(entry.name, formula_of(function), function)


def formula_of(function: Callable[..., Any]) -> str:
    """A function's formula in words: the first line of its docstring."""
    return (inspect.getdoc(function) or "as its function says").splitlines()[0].rstrip(".")
