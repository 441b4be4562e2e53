"""
YAML as kubectl reads it: duplicate keys refused, dates and times left as texts, aliases only as far as they are small.

Values are built straight from the parser's events, which is what lets a document be refused as soon as it turns out too
deep or too large. A hundred thousand pods belong in JSON, which is read many times as fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from placer.errors import InputError
from placer.formats.content import to_text

MOST_COPIED = 200_000
"""Nodes that aliases may add to a document: more is taken for a bomb."""
COPIED_PER_NODE = 10
"""What aliases may add besides, per node that is written out."""
DEEPEST = 200
"""Levels of nesting; no Kubernetes object comes near."""
LONGEST_NUMBER = 100
_WORDS = {None: "null", True: "true", False: "false"}
TAG = "tag:yaml.org,2002:"
MERGE = "<<"

_NULLS = ("", "~", "null", "Null", "NULL")
_FLAGS = {
    spelled: value
    for word, value in {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.items()
    for spelled in (word, word.capitalize(), word.upper())
}
_NUMBER = re.compile(
    r"[-+]?(?:0b(?P<two>[01_]+)|0o?(?P<eight>[0-7_]+)|0x(?P<sixteen>[0-9a-fA-F_]+)|(?P<ten>0|[1-9][0-9_]*))"
    r"|(?P<fraction>[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?)"
)
_BASES = {"two": 2, "eight": 8, "sixteen": 16, "ten": 10}
_BEFORE_THE_FIRST = re.compile(r"(?:[ \t]*(?:[#%][^\n]*)?\n)*---(?=\s|$)")
_NEXT_DOCUMENT = re.compile(r"^---(?:\s|$)", re.MULTILINE)


def load_documents(text: bytes, where: str) -> Iterator[tuple[str, Any]]:
    """
    The documents of a YAML text, one after the other; empty ones are left out.

    Parameters
    ----------
    text
        UTF-8.
    where
        How errors name it.

    Returns
    -------
    Each document's place, such as ``pods.yaml, document 12``, and its value in JSON types. A text of one document is
    named without a number.

    Raises
    ------
    InputError
        No YAML, no UTF-8, a duplicate key, a tag that JSON has no type for, nested too deeply, or aliases that stand
        for far more than the text says.
    """
    whole = to_text(text, where)
    start = _BEFORE_THE_FIRST.match(whole)
    many = _NEXT_DOCUMENT.search(whole, start.end() if start else 0) is not None
    loader, number = yaml.CSafeLoader(whole), 0
    try:
        while True:
            event = loader.get_event()
            if isinstance(event, StreamEndEvent):
                return
            if isinstance(event, DocumentStartEvent):
                number += 1
                place = f"{where}, document {number}" if many else where
                value = _Document(loader, place).value()
                if value is not None:
                    yield place, value
    except yaml.YAMLError as error:
        raise InputError(f"{where}: {_syntax(error, whole)}") from None
    finally:
        loader.dispose()


class _Document:
    """
    Builds the value of one document.

    Attributes
    ----------
    size
        Nodes so far, those that aliases stand for counted each time.
    written
        Nodes so far that stand in the text.
    """

    def __init__(self, loader: Any, where: str) -> None:
        self.next: Any = loader.get_event
        self.where = where
        self.size = self.written = self.depth = 0
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.texts: dict[str, Any] = {}

    def value(self) -> Any:
        """The document's value."""
        return self.node(self.next())

    def node(self, event: Any) -> Any:
        """The value that begins with this event."""
        if isinstance(event, AliasEvent):
            return self.alias(event)
        before, anchor = self.size, event.anchor
        self.size += 1
        self.written += 1
        if anchor is not None:
            self.anchors[anchor] = None
        if isinstance(event, ScalarEvent):
            value = self.scalar(event)
        else:
            self.depth += 1
            if self.depth > DEEPEST:
                self.refuse(event, f"is nested more than {DEEPEST} deep: no Kubernetes object is")
            value = self.mapping(event) if isinstance(event, MappingStartEvent) else self.sequence(event)
            self.depth -= 1
        if anchor is not None:
            self.anchors[anchor] = (value, self.size - before)
        return value

    def alias(self, event: AliasEvent) -> Any:
        """What an alias stands for, which is shared, not copied; its size counts all the same."""
        if event.anchor not in self.anchors:
            self.refuse(event, f"alias *{event.anchor} has no anchor &{event.anchor} before it: define it first")
        found = self.anchors[event.anchor]
        if found is None:
            self.refuse(event, f"alias *{event.anchor} stands within what it names: write it out")
        value, size = found
        self.size += size
        if self.size - self.written > MOST_COPIED + COPIED_PER_NODE * self.written:
            self.refuse(
                event,
                f"aliases stand for more than {self.size - self.written:,} nodes, from {self.written:,} that are "
                "written: such a document is refused as an alias bomb; write it out",
            )
        return value

    def sequence(self, start: Event) -> list[Any]:
        """A list."""
        self.expect_tag(start, "seq")
        items = []
        while not isinstance(event := self.next(), SequenceEndEvent):
            items.append(self.node(event))
        return items

    def mapping(self, start: Event) -> dict[str, Any]:
        """A map, what ``<<`` merges into it included."""
        self.expect_tag(start, "map")
        own: dict[str, Any] = {}
        merged: list[Any] = []
        merges = False
        while not isinstance(event := self.next(), MappingEndEvent):
            is_merge = isinstance(event, ScalarEvent) and event.value == MERGE and event.implicit[0] and not event.tag
            key = MERGE if is_merge else self.key(event)
            if key in own or (is_merge and merges):
                self.refuse(event, f"key {key!r} is a duplicate: each key may stand once in a map")
            value = self.node(self.next())
            if is_merge:
                merges = True
                merged = value if isinstance(value, list) else [value]
                if not all(isinstance(one, dict) for one in merged):
                    self.refuse(event, "<< merges maps only: give a map, or a list of maps")
            else:
                own[key] = value
        for one in merged:
            own = {**one, **own}
        if merged:
            self.size += sum(len(one) for one in merged)
        return own

    def key(self, event: Event) -> str:
        """A key as JSON has it."""
        key = self.node(event)
        if isinstance(key, str):
            return key
        if isinstance(key, list | dict):
            self.refuse(event, "a list or map stands as a key: keys are texts")
        if key is None or isinstance(key, bool):
            return _WORDS[key]
        return str(key)

    def scalar(self, event: ScalarEvent) -> Any:
        """A text, number, flag or null."""
        text: str = event.value
        if event.tag is None:
            if not event.implicit[0]:
                return text
            value = self.texts.get(text, self)
            if value is self:
                value = self.texts[text] = _plain(text)
            return value
        kind = event.tag.removeprefix(TAG)
        if kind in ("!", "str"):
            return text
        value = _plain(text)
        if kind not in _KINDS:
            self.refuse(event, f"tag {event.tag!r} is none that JSON has a type for: drop it")
        if not isinstance(value, _KINDS[kind]) or (kind == "int" and isinstance(value, bool)):
            self.refuse(event, f"{text[:80]!r} is no {kind}: drop the tag")
        return value

    def expect_tag(self, event: Any, kind: str) -> None:
        """Refuses lists and maps that a tag makes something else."""
        if event.tag not in (None, "!", TAG + kind):
            self.refuse(event, f"tag {event.tag!r} is none that JSON has a type for: drop it")

    def refuse(self, event: Any, text: str) -> NoReturn:
        """Raises what is wrong, with its line."""
        raise InputError(f"{self.where}: line {event.start_mark.line + 1}: {text}")


_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


def _plain(text: str) -> Any:
    """What a text without quotes means; dates, times and whatever else is no JSON type stay texts."""
    if text in _NULLS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if match is None:
        return text
    digits = match[match.lastgroup or 0].replace("_", "")
    try:
        if match.lastgroup == "fraction":
            value = float(digits)
            return value if value not in (float("inf"), float("-inf")) else text
        number = int(digits, _BASES[match.lastgroup or "ten"])
    except ValueError:
        return text
    return -number if text.startswith("-") else number


def _syntax(error: yaml.YAMLError, text: str) -> str:
    """What the parser finds wrong, in one line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = [getattr(error, "context", None), getattr(error, "problem", None) or getattr(error, "reason", None)]
    said = ", ".join(part for part in parts if part) or " ".join(str(error).split())
    if mark is None:
        return f"{said}: it is no YAML"
    if "nesting depth" in said:
        # libyaml has a limit of its own, newer ones below what its look-ahead reads before the first event is seen.
        return f"line {mark.line + 1}: is nested more than {DEEPEST} deep: no Kubernetes object is"
    lines = text.split("\n", mark.line + 1)
    line = lines[mark.line] if mark.line < len(lines) else ""
    at_tab = "\t" in line[: len(line) - len(line.lstrip())]
    return (
        f"line {mark.line + 1}: {said}: {'indent with spaces, never tabs' if at_tab else 'it is cut short or no YAML'}"
    )
