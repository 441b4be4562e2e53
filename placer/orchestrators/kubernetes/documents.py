"""From files' content to objects by kind: single objects, lists, arrays, and objects one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct

from placer.orchestrators.kubernetes.errors import UNREADABLE, Problems, decoding_problem
from placer.orchestrators.kubernetes.objects import EMPTY, Metadata, is_absent

GROUPS: dict[str, tuple[str, ...]] = {
    "Node": ("",),
    "Pod": ("",),
    "Namespace": ("",),
    "Service": ("",),
    "LimitRange": ("",),
    "ReplicationController": ("",),
    "PersistentVolume": ("",),
    "PersistentVolumeClaim": ("",),
    "Deployment": ("apps", "extensions"),
    "ReplicaSet": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "DaemonSet": ("apps", "extensions"),
    "Job": ("batch",),
    "CronJob": ("batch",),
    "StorageClass": ("storage.k8s.io",),
    "CSINode": ("storage.k8s.io",),
    "PriorityClass": ("scheduling.k8s.io",),
    "PodDisruptionBudget": ("policy",),
    "RuntimeClass": ("node.k8s.io",),
}
"""The kinds that are read, with their API groups."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
DEEPEST_LIST = 8
_HEAD = re.compile(
    rb'\s*\{\s*"apiVersion"\s*:\s*"([A-Za-z0-9./-]{1,200})"\s*,\s*"kind"\s*:\s*"([A-Za-z]{1,100})"\s*[,}]'
)
_TRAILING = re.compile(r"JSON is malformed: trailing characters \(byte (\d+)\)")
_ANY_PLACE = re.compile(r" \(byte \d+\)")


class _Head(Struct, rename="camel"):
    kind: str | None = None
    api_version: str | None = None
    items: Raw = EMPTY


_top: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Head | list[Raw])
_head = msgspec.json.Decoder(_Head)
_items = msgspec.json.Decoder(list[Raw])


class Item(NamedTuple):
    """
    One object.

    Attributes
    ----------
    raw
        Its JSON, not copied.
    source
        Which of the inventory's sources it comes from.
    number
        Its place there, from 1; 0 where it is the only one.
    """

    raw: Raw
    source: int
    number: int


class Inventory:
    """
    All objects of an input by kind, still raw, in input order.

    Attributes
    ----------
    sources
        How errors name each source.
    kinds
        Kind → objects, for each kind of ``GROUPS``.
    """

    def __init__(self, problems: Problems) -> None:
        self.sources: list[str] = []
        self.kinds: dict[str, list[Item]] = {kind: [] for kind in GROUPS}
        self.problems = problems

    def add_source(self, where: str, data: bytes) -> None:
        """Sorts in what a file, or one document of it, holds."""
        source = len(self.sources)
        self.sources.append(where)
        for raw, head, alone in _documents(where, data, self.problems):
            self._add(Item(raw, source, alone), head, "", 0)

    def where(self, item: Item) -> str:
        """How errors name the place of an object: ``pods.json, item 12``."""
        source = self.sources[item.source]
        return f"{source}, item {item.number}" if item.number else source

    def _add(self, item: Item, head: _Head | list[Raw] | None, default: str, depth: int) -> None:
        quick = _HEAD.match(item.raw) if head is None else None
        items: Raw | None = None
        if quick:
            kind, group = quick[2].decode(), quick[1].decode().rpartition("/")[0]
        else:
            head = self._head(item) if head is None else head
            if not isinstance(head, _Head):
                self._add_all(item, head, "", depth)
                return
            if not head.kind and not default:
                text = "kind is missing: give Kubernetes objects, each with apiVersion and kind"
                self.problems.add(self.where(item), text)
            kind = head.kind or default
            group = head.api_version.rpartition("/")[0] if head.api_version else None
            items = head.items
        if kind.endswith("List"):
            self._add_list(item, items, kind.removesuffix("List"), depth)
        elif group is None or group in GROUPS.get(kind, ()):
            found = self.kinds.get(kind)
            if found is not None:
                found.append(item)

    def _head(self, item: Item) -> _Head | list[Raw]:
        """What an item is; nothing, and noted, where it is no object."""
        try:
            head: _Head | list[Raw] = _top.decode(item.raw)
            return head
        except UNREADABLE as error:
            self.problems.add(self.where(item), decoding_problem(error, bytes(item.raw)))
            return []

    def _add_list(self, item: Item, items: Raw | None, kind: str, depth: int) -> None:
        raw: Raw = EMPTY
        try:
            raw = _head.decode(item.raw).items if items is None else items
            short = memoryview(raw).nbytes <= len(b"null")
            found = [] if short and is_absent(bytes(raw)) else _items.decode(raw)
        except UNREADABLE as error:
            self.problems.add(self.where(item), decoding_problem(error, bytes(raw), "items"))
            return
        self._add_all(item, found, kind, depth)

    def _add_all(self, item: Item, items: Sequence[Raw], kind: str, depth: int) -> None:
        if depth == DEEPEST_LIST:
            self.problems.add(self.where(item), f"lists stand in lists {depth} deep: write one list")
            return
        source = item.source
        if item.number:
            source = len(self.sources)
            self.sources.append(self.where(item))
        for number, raw in enumerate(items, 1):
            self._add(Item(raw, source, number), None, kind, depth + 1)


def _documents(where: str, data: bytes, problems: Problems) -> Iterator[tuple[Raw, Any, int]]:
    """Each top-level JSON value: its raw text, what it is, and its number from 1, or 0 where it is alone."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        problems.add(where, "is empty: give Kubernetes objects")
        return
    rest, number, start = memoryview(data), 0, 0
    while True:
        end = len(rest)
        try:
            head = _top.decode(rest if start else data)
        except UNREADABLE as error:
            trailing = _TRAILING.fullmatch(str(error))
            if trailing is None:
                at = start + _place(error)
                text = decoding_problem(error, bytes(rest))
                problems.add(where, _ANY_PLACE.sub(f" (byte {at})", text) if start else text)
                return
            end = int(trailing[1]) - 1
            head = _top.decode(rest[:end])
        more = end < len(rest)
        number += 1 if more or number else 0
        yield Raw(rest[:end]), head, number
        if not more:
            return
        rest, start = rest[end:], start + end


def _place(error: Exception) -> int:
    found = _ANY_PLACE.search(str(error))
    return int(found[0][7:-1]) if found else 0


T = TypeVar("T")


class Named(NamedTuple):
    """An object's names, its metadata, and how errors name it."""

    metadata: Metadata
    namespace: str
    name: str
    where: str


def read_objects_of(
    inventory: Inventory, kind: str, decoder: msgspec.json.Decoder[T], namespaced: bool
) -> Iterator[tuple[Named, T]]:
    """
    Decodes all objects of a kind of which there are not many; what is wrong is noted and left out.

    A name that stands twice is a problem too.
    """
    seen: set[tuple[str, str]] = set()
    for item in inventory.kinds[kind]:
        place = inventory.where(item)
        try:
            value = decoder.decode(item.raw)
        except UNREADABLE as error:
            where = f"{place}, {name_in(bytes(item.raw), kind, namespaced)}"
            inventory.problems.add(where, decoding_problem(error, bytes(item.raw)))
            continue
        metadata: Metadata = getattr(value, "metadata", None) or Metadata()
        namespace = (metadata.namespace or "default") if namespaced else ""
        name = metadata.name or ""
        where = f"{place}, {kind} {namespace + '/' if namespaced else ''}{name}".rstrip()
        if not name:
            inventory.problems.add(where, "metadata.name is missing")
        elif (namespace, name) in seen:
            inventory.problems.add(where, f"metadata.name {name!r} is a duplicate: each name may stand once")
        else:
            seen.add((namespace, name))
            yield Named(metadata, namespace, name, where), value


def name_in(raw: bytes, kind: str, namespaced: bool) -> str:
    """``Pod default/web-3``, as far as the names of an object that cannot be decoded can be told."""
    try:
        metadata = msgspec.json.decode(raw).get("metadata")
        name = str(metadata.get("name") or "")
        return f"{kind} {metadata.get('namespace') or 'default'}/{name}" if namespaced else f"{kind} {name}"
    except (*UNREADABLE, AttributeError):
        return kind
