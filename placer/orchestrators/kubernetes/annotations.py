"""
``placer.dev/<field>`` annotations: what the model has and Kubernetes has no field for.

The value is JSON as the Python model has it (fields such as ``numa`` and ``price`` are plain text). An annotation takes
the place of what the native fields say.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Any

import msgspec
from pydantic import TypeAdapter

from placer.errors import InputError
from placer.model.cluster import POD_FIELDS
from placer.model.node import Node
from placer.model.pod import Pod
from placer.orchestrators.kubernetes.errors import UNREADABLE, shorten
from placer.orchestrators.kubernetes.subject import Subject

PREFIX = "placer.dev/"
MARK = b"placer.dev"
NATIVE_ONLY = ("namespace", "labels", "terminating")
"""Fields of a pod that only Kubernetes' own fields give."""
POD_ANNOTATIONS = tuple(name for name in POD_FIELDS if name not in NATIVE_ONLY)
NODE_ANNOTATIONS = ("devices", "price", "pods", "volume_limits")
PLAIN_TEXT = ("numa", "owner", "scheduler_name", "nominated", "preemption_policy", "price", "pods")
"""Fields whose annotation is the text itself, not JSON."""
UNLIMITED = "unlimited"
"""Of a node's ``placer.dev/pods``: it takes any number of pods."""

_given = msgspec.json.Decoder(dict[str, Any])


def read_pod_annotations(subject: Subject, raw: bytes) -> dict[str, Any]:
    """Fields of a pod by name."""
    return {
        name: checked
        for name, value in _texts(subject, raw, POD_ANNOTATIONS)
        if (checked := _check(subject, name, value, _adapter(Pod, name))) is not None
    }


def read_node_annotations(subject: Subject, raw: bytes) -> dict[str, Any]:
    """Fields of a node by name; ``price`` in millionths, ``pods`` only as ``"unlimited"``."""
    fields: dict[str, Any] = {}
    for name, value in _texts(subject, raw, NODE_ANNOTATIONS):
        if name == "pods":
            if value != UNLIMITED:
                subject.problem(_path(name), f"is {shorten(value)}: give {UNLIMITED!r}, or drop it")
            fields[name] = value
        elif name == "price":
            fields[name] = _read_price(subject, value)
        else:
            fields[name] = _check(subject, name, value, _adapter(Node, name))
    return {name: value for name, value in fields.items() if value is not None}


def _texts(subject: Subject, raw: bytes, known: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for key, value in (subject.decode(_given, raw, "metadata.annotations") or {}).items():
        if not key.startswith(PREFIX):
            continue
        name = key.removeprefix(PREFIX)
        if name not in known:
            close = get_close_matches(name, known, n=1)
            fix = f"did you mean {PREFIX}{close[0]}?" if close else f"use one of {', '.join(known)}"
            subject.problem(_path(name), f"is unknown: {fix}")
        elif not isinstance(value, str):
            subject.problem(_path(name), f"is {shorten(value)}: give a text, in quotes")
        else:
            yield name, value


def _check(subject: Subject, name: str, value: str, checks: TypeAdapter[Any]) -> Any:
    if name not in PLAIN_TEXT:
        try:
            return subject.model(checks, msgspec.json.decode(value), _path(name), None, own_names=True)
        except UNREADABLE as error:
            text = str(error).rstrip(".")
            subject.problem(_path(name), f"is {shorten(value)}, which is no JSON ({text}): write JSON")
            return None
    return subject.model(checks, value, _path(name), None)


def _read_price(subject: Subject, text: str) -> int | None:
    try:
        return Node("any", price=text).price_micro
    except InputError:
        subject.problem(_path("price"), f"is {shorten(text)}: give a number of at least 0")
        return None


def _path(name: str) -> str:
    return f"metadata.annotations[{PREFIX}{name}]"


@cache
def _adapter(model: type[Pod] | type[Node], field: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[field].rebuild_annotation())
