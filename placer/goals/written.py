"""
Goals as they are written: text on the command line and in Python, mappings in YAML.

A tier in text is goals joined by ``+``, each with a weight before ``*`` and options in brackets after its name:
``2*balance(formula=max,resources=cpu|memory)+pack(nodes="pool=gpu,disk!=slow")``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from placer.errors import InputError
from placer.goals.goal import Part, Tier, goal
from placer.goals.registry import find
from placer.model.term import Term

Written = str | Part | Tier | Callable[..., Iterable[Term]]
"""One goal or tier: text, what :func:`placer.goal` or this module gives, or a function."""
TOKEN = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s+*(),="']+)|([+*(),=]))""")


def parse_goals(goals: Written | Sequence[Written | Sequence[Written]]) -> tuple[Tier, ...]:
    """
    Tiers from their written form: ``["pack", "2*balance+headroom"]``; a list within the list is one tier.

    Raises
    ------
    InputError
        An unknown goal or option, a weight that is no number above 0, a goal named twice.
    """
    tiers: list[Tier] = []
    problems: list[str] = []
    for written in [goals] if isinstance(goals, (str, Part, Tier)) or callable(goals) else goals:
        try:
            tiers.append(_tier(written))
        except InputError as error:
            problems += error.problems
    seen: set[str] = set()
    for name in (part.name for tier in tiers for part in tier.parts):
        if name in seen:
            problems.append(f"goals: {name!r} is a duplicate: name each goal once")
        seen.add(name)
    if problems:
        raise InputError(problems)
    return tuple(tiers)


def _tier(written: Any) -> Tier:
    """One tier."""
    if isinstance(written, Tier):
        return written
    if isinstance(written, str):
        return Tier(written, tuple(_Reader(written).tier()))
    parts: list[Part] = []
    for each in written if isinstance(written, (list, tuple)) and not isinstance(written, Part) else [written]:
        if isinstance(each, str):
            parts += _Reader(each).tier()
        else:
            parts.append(each if isinstance(each, Part) else goal(each))
    return Tier("+".join(_key(part) for part in parts), tuple(parts))


def _key(part: Part) -> str:
    return part.name if part.weight == 1.0 else f"{part.weight:g}*{part.name}"


def parse_part(name: str, weight: Any = 1.0, options: Mapping[str, Any] | None = None) -> Part:
    """A goal from a name and options as text or YAML has them; numbers and lists are read by what the goal expects."""
    known = find(name)
    defaults = known.options()
    return goal(name, weight, **{key: _value(value, defaults.get(key)) for key, value in (options or {}).items()})


def _value(value: Any, default: Any) -> Any:
    """An option's text as what the goal expects: the type of its default; lists are joined by ``|``."""
    if not isinstance(value, str):
        return value
    if default is not inspect.Parameter.empty and isinstance(default, (int, float)) and not isinstance(default, bool):
        try:
            return int(value) if isinstance(default, int) else float(value)
        except ValueError:
            return value
    return value.split("|") if "|" in value else value


class _Reader:
    """Reads one tier of text."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens = text, list[tuple[str, bool]]()
        place = 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            if match is None:
                raise self.refused(f"{text[place:]!r} cannot be read")
            quoted = next((part for part in match.groups()[:2] if part is not None), None)
            self.tokens.append((match[3] or match[4] or "", False) if quoted is None else (quoted, True))
            place = match.end()
        self.at = 0

    def tier(self) -> list[Part]:
        """Goals joined by ``+``."""
        parts = [self.part()]
        while self.skip("+"):
            parts.append(self.part())
        if self.at < len(self.tokens):
            raise self.refused(f"{self.tokens[self.at][0]!r} is not expected")
        return parts

    def part(self) -> Part:
        """A goal, its weight before it and its options behind it."""
        name, weight = self.word("a goal"), 1.0
        if self.skip("*"):
            text, name = name, self.word("a goal")
            try:
                weight = float(text)
            except ValueError:
                weight = -1.0
            if not 0 < weight < float("inf"):
                raise InputError(f"goals: the weight of {name!r} is {text!r}: give a number above 0")
        options: dict[str, str] = {}
        if self.skip("("):
            while not self.skip(")"):
                key, value = self.option()
                options[key] = value
                if not self.skip(","):
                    if self.skip(")"):
                        break
                    raise self.refused("a ) is missing")
        return parse_part(name, weight, options)

    def option(self) -> tuple[str, str]:
        """``name=value``; the value is quoted, or goes on to the next comma or bracket."""
        key = self.word("an option")
        if not self.skip("="):
            raise self.refused(f"option {key!r} has no value")
        value = self.word(f"the value of {key}")
        while self.at < len(self.tokens) and self.tokens[self.at] not in ((",", False), (")", False)):
            value += self.tokens[self.at][0]
            self.at += 1
        return key, value

    def word(self, what: str) -> str:
        """The next word."""
        if self.at >= len(self.tokens) or (not self.tokens[self.at][1] and self.tokens[self.at][0] in "+*(),="):
            raise self.refused(f"{what} is missing")
        self.at += 1
        return self.tokens[self.at - 1][0]

    def skip(self, sign: str) -> bool:
        """Whether the next token is this sign, which is then passed."""
        here = self.at < len(self.tokens) and self.tokens[self.at] == (sign, False)
        self.at += here
        return here

    def refused(self, what: str) -> InputError:
        """The error for this text."""
        return InputError(f"goals: {self.text!r}: {what}: write goals such as 2*balance(formula=max)+pack")


def read_goals(path: Path) -> tuple[Tier, ...]:
    """
    Tiers from a YAML file: a list, or a mapping with the list under ``goals``.

    An entry is text as on the command line, a mapping ``{goal: pack, weight: 2, nodes: {pool: gpu}}``, or a list of
    these, which is one tier.

    Raises
    ------
    InputError
        No such list; whatever :func:`parse_goals` refuses.
    """
    import yaml

    from placer.formats.files import read_bytes

    try:
        given = yaml.safe_load(read_bytes(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: {error}: this is no YAML document") from None
    listed = given.get("goals") if isinstance(given, Mapping) else given
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{path}: goals is {listed!r}: give a list of goals, most important first")
    try:
        return parse_goals([_entry(each) for each in listed])
    except InputError as error:
        raise InputError([f"{path}: {problem}" for problem in error.problems]) from None


def _entry(entry: Any) -> Any:
    if isinstance(entry, list):
        return [_entry(each) for each in entry]
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, Mapping) or not isinstance(entry.get("goal"), str):
        raise InputError(f"goals: {entry!r} is no goal: give a name, or a mapping with goal: NAME")
    options = {str(key): value for key, value in entry.items() if key not in ("goal", "weight")}
    return parse_part(entry["goal"], entry.get("weight", 1.0), options)
