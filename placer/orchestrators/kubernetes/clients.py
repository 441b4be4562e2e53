"""Objects of Kubernetes clients for Python as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from placer.orchestrators.kubernetes.errors import Problems, shorten

_MODEL_NAME = re.compile(r"V\d+(?:(?:alpha|beta)\d+)?(?P<kind>[A-Z]\w*)")


def to_json(objects: Iterable[Any], where: str, problems: Problems) -> Iterator[bytes]:
    """Each object's JSON; what is no object is noted."""
    for number, given in enumerate(objects, 1):
        plain = _as_mapping(given)
        if plain is None:
            problems.add(f"{where}, item {number}", f"is {shorten(given)}: give a Kubernetes object")
            continue
        try:
            yield msgspec.json.encode(plain)
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            problems.add(f"{where}, item {number}", f"cannot be written as JSON ({error}): give what JSON can hold")


def _as_mapping(given: Any) -> Mapping[str, Any] | None:
    if isinstance(given, Mapping):
        return given
    if type(given).__module__.split(".")[0] == "kubernetes" and hasattr(given, "openapi_types"):
        plain = _sanitizer()(given)
        return {**plain, "kind": plain.get("kind") or _kind_of(given)}
    plain = given.to_dict() if hasattr(given, "to_dict") else None
    return plain if isinstance(plain, Mapping) else None


def _kind_of(given: Any) -> str:
    """Objects in lists of the typed client do not say their kind, their class does."""
    match = _MODEL_NAME.fullmatch(type(given).__name__)
    return match["kind"] if match else ""


@cache
def _sanitizer() -> Callable[[Any], Any]:
    from kubernetes.client import ApiClient

    sanitize: Callable[[Any], Any] = ApiClient().sanitize_for_serialization
    return sanitize
