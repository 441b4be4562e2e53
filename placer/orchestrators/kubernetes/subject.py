"""The object that is being read: how errors name it, and how its raw JSON becomes values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError

from placer.model.quantity import parse_quantity
from placer.model.value import FrozenDict
from placer.orchestrators.kubernetes.errors import (
    UNREADABLE,
    Problems,
    decoding_problem,
    model_problems,
    quantity_problem,
    shorten,
)
from placer.orchestrators.kubernetes.objects import is_absent
from placer.orchestrators.kubernetes.selectors import labels_faults

if TYPE_CHECKING:
    from placer.orchestrators.kubernetes.documents import Inventory, Item

T = TypeVar("T")
NOTHING: FrozenDict = FrozenDict()
_mapping: msgspec.json.Decoder[Mapping[str, Any]] = msgspec.json.Decoder(dict[str, Any])


class Subject:
    """
    What is being read, so that problems can name it.

    Attributes
    ----------
    where
        ``pods.json, item 12, Pod default/web-3``.
    place
        The same as inventory, item and object, which makes the text only when it is asked for.
    prefix
        What stands before field paths: ``spec.template.`` for pods made from a template.
    """

    def __init__(self, problems: Problems, where: str = "", prefix: str = "") -> None:
        self.problems, self._where, self.prefix = problems, where, prefix
        self.place: tuple[Inventory, Item, str] | None = None

    @property
    def where(self) -> str:
        """How errors name the object."""
        if self.place is None:
            return self._where
        inventory, item, named = self.place
        return f"{inventory.where(item)}, {named}"

    @where.setter
    def where(self, text: str) -> None:
        self.place, self._where = None, text

    def problem(self, path: str, text: str) -> None:
        """Notes that a field is wrong."""
        self.add(f"{path} {text}")

    def add(self, text: str) -> None:
        """Notes a problem whose text starts with the field's path."""
        self.problems.add(self.where, self.prefix + text)

    def faults(self, texts: Iterable[str]) -> bool:
        """Notes all of these problems, and says whether there were any."""
        found = False
        for text in texts:
            found = True
            self.add(text)
        return found

    def decode(self, decoder: msgspec.json.Decoder[T], raw: bytes, path: str) -> T | None:
        """What the raw field holds; ``None`` where it is absent or wrong."""
        if is_absent(raw):
            return None
        try:
            return decoder.decode(raw)
        except UNREADABLE as error:
            self.add(decoding_problem(error, raw, path))
            return None

    def model(
        self,
        checks: TypeAdapter[T],
        value: Any,
        path: str,
        default: T,
        own_names: bool = False,
        words: Iterable[str] = (),
    ) -> T:
        """
        The value as our own model has it; ``default`` where it is wrong: see :func:`model_problems`.

        Parameters
        ----------
        words
            What the API server says of it, in place of what our models say.
        """
        try:
            return checks.validate_python(value)
        except ValidationError as error:
            if self.faults(words):
                return default
            for text in model_problems(error, path, own_names):
                self.add(text)
            return default

    def labels(self, raw: bytes, path: str) -> FrozenDict:
        """Labels, or another map of texts."""
        given = self.decode(_mapping, raw, path) or {}
        labels = {key: value or "" for key, value in given.items() if value is None or isinstance(value, str)}
        for key, value in given.items():
            if key not in labels:
                self.problem(f"{path}.{key}", f"is {shorten(value)}: give a text, in quotes")
        return FrozenDict(labels)

    def checked_labels(self, raw: bytes, path: str, passed: bool = False) -> FrozenDict:
        """Labels, or a selector of that form, with keys and values as labels have them unless they have ``passed``."""
        labels = self.labels(raw, path)
        if not passed:
            self.faults(labels_faults(labels, path))
        return labels

    def amounts(self, raw: bytes, path: str) -> dict[str, int]:
        """Quantities by resource, in base units."""
        return self.parse_amounts(self.map_of(raw, path), path)

    def map_of(self, raw: bytes, path: str) -> Mapping[str, Any]:
        """A map of anything; an empty one where it is absent or wrong."""
        return self.decode(_mapping, raw, path) or {}

    def parse_amounts(self, given: Mapping[str, Any], path: str) -> dict[str, int]:
        """Quantities that are decoded already."""
        amounts = {}
        for name, quantity in given.items():
            try:
                amounts[name] = parse_quantity(quantity, milli=name == "cpu")
            except ValueError as error:
                self.add(quantity_problem(f"{path}.{name}", error))
        return amounts
