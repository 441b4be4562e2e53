"""What is wrong with Kubernetes objects, in the words of the input: place, object, field path, value, fix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError

from placer.errors import InputError

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON raises."""
LONGEST_VALUE = 120
KIND_WORDS = {
    "str": "a text, in quotes",
    "int": "an integer",
    "bool": "true or false",
    "array": "a list",
    "object": "a map",
}
JSON_NAMES = {"selector": "labelSelector", "term": "", "host_ip": "hostIP", "port": "hostPort"}
_AT = re.compile(r"(?P<text>.*) - at `(?P<key>key in )?\$(?P<path>.*)`", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]*)`, got `[^`]*`")
_RANGE = re.compile(r"Expected `int` (?P<sign>>=|<=) (?P<bound>-?[0-9]+)")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_PATH_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<place>[0-9]+)\]")


class Problems:
    """All that is wrong with one input, each once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    @property
    def texts(self) -> list[str]:
        """One line a problem, in the order in which they were found."""
        return list(self._texts)

    def add(self, where: str, text: str) -> None:
        """Notes one problem of the object that ``where`` names."""
        self._texts[f"{where}: {text}"] = None

    def raise_if_any(self) -> None:
        """Raises one error with all that was found."""
        if self._texts:
            raise InputError(self.texts)


def shorten(value: Any) -> str:
    """The value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def decoding_problem(error: Exception, raw: bytes, path: str = "") -> str:
    """
    An error of decoding JSON as field path, value and fix.

    Parameters
    ----------
    raw
        The JSON that was decoded; its value at the path is shown.
    path
        Where that JSON stands in the object.
    """
    if isinstance(error, RecursionError):
        return _at(path, "is nested too deeply: no Kubernetes object is")
    if isinstance(error, UnicodeDecodeError):
        return _at(path, "holds bytes that are no UTF-8: save the file as UTF-8")
    if not isinstance(error, msgspec.ValidationError):
        return _at(path, f"is no JSON ({str(error).rstrip('.')}): it is cut short or damaged")
    found = _AT.fullmatch(str(error))
    text, below = (found["text"], found["path"]) if found else (str(error), "")
    value = _value_at(raw, below)
    missing = _MISSING.fullmatch(text)
    if missing:
        return f"{_join(path, below + '.' + missing['name'])} is missing"
    shown = f"is {shorten(value[0])}: " if value else "is wrong: "
    return _at(_join(path, below), shown + _fix(text))


def model_problems(error: ValidationError, path: str, own_names: bool = False) -> list[str]:
    """
    Errors of our own models as field path, value and fix.

    Parameters
    ----------
    own_names
        The input has our names for the fields, as annotations do, not Kubernetes'.
    """
    texts = []
    for detail in error.errors(include_url=False):
        at = path + "".join(_step(part, own_names) for part in detail["loc"])
        text = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            text = "no such field: check its spelling"
        if detail["type"] == "missing":
            texts.append(f"{at} is missing")
        elif isinstance(detail["input"], Mapping | Sequence) and not isinstance(detail["input"], str):
            texts.append(f"{at}: {text}")
        else:
            texts.append(f"{at} is {shorten(detail['input'])}: {text}")
    return texts


def quantity_problem(path: str, error: ValueError) -> str:
    """An error of a quantity's text: ``…requests.memory is '4gb', which is no quantity: write '4G' or '4Gi'``."""
    text = re.sub(r" (is no quantity|is beyond int64): ", r", which \1: ", str(error), count=1)
    return f"{path} is {text.replace(' must not be negative: ', ', which must not be negative: ', 1)}"


def _at(path: str, text: str) -> str:
    return f"{path} {text}" if path else text


def _join(path: str, below: str) -> str:
    return (path + below).lstrip(".")


def _step(part: int | str, own_names: bool) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if own_names:
        return f".{part}"
    first, *rest = part.split("_")
    name = JSON_NAMES.get(part, first + "".join(word.capitalize() for word in rest))
    return f".{name}" if name else ""


def _fix(text: str) -> str:
    expected = _EXPECTED.fullmatch(text)
    if expected:
        kinds = [kind for kind in expected["kinds"].split(" | ") if kind != "null"]
        return "give " + " or ".join(KIND_WORDS.get(kind, kind) for kind in kinds)
    bound = _RANGE.fullmatch(text)
    if bound:
        return f"give an integer of at {'least' if bound['sign'] == '>=' else 'most'} {bound['bound']}"
    return text[:1].lower() + text[1:]


def _value_at(raw: bytes, path: str) -> tuple[Any] | None:
    """The value at a path of msgspec's, or ``None`` where it cannot be told."""
    try:
        value = msgspec.json.decode(raw)
        for step in _PATH_STEP.finditer(path):
            value = value[step["name"]] if step["name"] is not None else value[int(step["place"])]
    except (*UNREADABLE, LookupError, TypeError):
        return None
    return (value,)
