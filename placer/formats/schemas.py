"""JSON Schemas of what files hold: columns of tables, Kubernetes objects, solutions."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from placer.formats.columns import NAMESPACE_COLUMNS, NODE_COLUMNS, POD_COLUMNS, RESOURCE_PREFIXES, ColumnKind
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.value import FrozenDict

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NAME_OF_RESOURCE = "/|^(" + "|".join(RESOURCE_PREFIXES) + ")"
QUANTITY = {"type": ["integer", "number", "string", "null"], "minimum": 0}
TYPES: dict[str, dict[str, Any]] = {
    "name": {"type": "string", "minLength": 1},
    "text": {"type": ["string", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "integer": {"type": ["integer", "null"]},
    "amount": QUANTITY,
    "amounts": {"type": ["string", "object", "null"], "contentMediaType": "application/json"},
    "price": {"type": ["number", "null"], "minimum": 0},
    "keys": {"type": ["string", "array", "null"]},
    "json": {"type": ["string", "object", "array", "null"], "contentMediaType": "application/json"},
}


class _WithDefaults(GenerateJsonSchema):
    """Shows empty maps as the defaults that they are."""

    def encode_default(self, dft: Any) -> Any:
        return dict(dft) if isinstance(dft, FrozenDict) else super().encode_default(dft)


def tables_schema() -> dict[str, Any]:
    """The tables of nodes, pods and namespaces, a row as an object."""
    return {
        "$schema": DRAFT,
        "title": "placer tables",
        "description": "One table of nodes and one of pods; namespaces are optional. Null is the default of a column.",
        "type": "object",
        "properties": {
            "nodes": _table(NODE_COLUMNS, Node),
            "pods": _table(POD_COLUMNS, Pod),
            "namespaces": _table(NAMESPACE_COLUMNS, None),
        },
        "required": ["nodes", "pods"],
        "additionalProperties": False,
    }


def manifest_schema() -> dict[str, Any]:
    """A Kubernetes object, or a list of them: only what tells them apart."""
    kind = {"type": "string", "description": "Node, Pod, Deployment, List and the like; others are left alone."}
    return {
        "$schema": DRAFT,
        "title": "Kubernetes objects",
        "description": "Objects as the Kubernetes API defines them; fields that placer does not use are ignored.",
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": kind,
            "metadata": {"type": "object"},
            "spec": {"type": "object"},
            "status": {"type": "object"},
            "items": {"type": "array", "items": {"type": "object"}, "description": "Of a list: its objects."},
        },
        "required": ["kind"],
    }


def solution_schema() -> dict[str, Any]:
    """An answer in JSON, version 1."""
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    number = {"type": "number"}
    numbers = {"type": "object", "additionalProperties": number}
    reason = _object(rule=text, reason=text, nodes=count)
    unplaced = _object(pod=text, message=text, reasons={"type": "array", "items": reason})
    devices = {"type": "object", "additionalProperties": {"type": "array", "items": count}}
    binding = _object(pod=text, node=text) | {"description": "Each is legal when applied in this order."}
    binding["properties"]["devices"] = devices | {"description": "Places of the units taken, by kind of device."}
    return {
        "$schema": DRAFT,
        "title": "placer solution",
        "type": "object",
        "properties": {
            "version": {"const": 1},
            "input": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$", "description": "Digest of the cluster."},
            "seed": {"type": "integer"},
            "goals": {"type": "array", "items": text},
            "limits": {"type": "object"},
            "now": {"type": ["string", "null"]},
            "schedulers": {
                "type": ["array", "null"],
                "items": text,
                "description": "Whose pods were decided; null: all.",
            },
            "status": {"enum": ["optimal", "feasible"]},
            "stopped": {"enum": ["done", "gap_limit", "time_limit", "step_limit", "interrupted"]},
            "objective": numbers | {"description": "Per tier, most important first, minimised."},
            "bound": {"anyOf": [numbers, {"type": "null"}]},
            "gap": {"type": ["number", "null"]},
            "terms": {
                "type": "array",
                "items": _object(tier=text, goal=text, term=text, before=number, after=number, weight=number),
            },
            "unplaced_by_priority": {"type": "object", "additionalProperties": count},
            "bindings": {"type": "array", "items": binding},
            "unplaced": {"type": "array", "items": unplaced},
            "reserve": {"type": ["string", "null"], "description": "The label whose domains may fail one at a time."},
            "failover": {"type": "array", "items": binding},
            "buffers": {"type": "array", "items": {"type": "object"}},
            "room": {"type": "array", "items": binding},
            "unmet": {"type": "array", "items": unplaced},
            "evictions": {"type": "array", "items": _object(pod=text, node=text, beneficiary=text)},
            "moves": {"type": "array", "items": _object(wave=count, pod=text, source=text, target=text)},
            "statistics": {"type": "object"},
        },
        "required": ["version", "input", "bindings"],
    }


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _table(columns: dict[str, ColumnKind], model: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "object",
        "properties": {name: _column(name, kind, model) for name, kind in columns.items()},
        "required": ["name"],
        "additionalProperties": False,
    }
    if model is not None:
        row["patternProperties"] = {
            NAME_OF_RESOURCE: QUANTITY | {"description": "Amount of the resource that the column is named after."}
        }
    return {"type": "array", "items": row}


def _column(name: str, kind: ColumnKind, model: Any) -> dict[str, Any]:
    column = {**TYPES[kind.kind], "description": kind.meaning}
    if kind.unit:
        column["unit"] = kind.unit
    if model is not None and kind.kind == "json":
        from placer.formats.cells import adapter

        column["contentSchema"] = adapter(model, name).json_schema(schema_generator=_WithDefaults)
    return column
