"""
Named tuples of arrays as structs by reference.

A kernel that takes dozens of arrays compiles slowly and is slow to call when each is an argument of its own. So the
waist's named tuples are packed once into numba structs, which kernels pass on as one pointer each. The arrays are the
same objects; nothing is copied. Kernels name the tuples as the types of their arguments: the fields are the same.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import types as core_types
from numba.core.extending import overload
from numba.experimental import structref

from placer.kernels.jit import njit

NAMES = (
    "Nodes",
    "Units",
    "Classes",
    "Terms",
    "Counters",
    "Claims",
    "Costs",
    "Ranking",
    "Goals",
    "Problem",
    "State",
    "Work",
    "Log",
    "Plan",
    "Bodies",
    "Repair",
    "Walk",
    "Search",
)
"""The named tuples of ``encode.problem`` that kernels take."""
_TYPES: dict[str, Any] = {}


def _declare(name: str) -> None:
    """Declares the struct type and its Python handle for one named tuple, findable by name for the kernel cache."""
    struct = type(f"{name}Struct", (types.StructRef,), {"__module__": __name__})
    handle = type(f"{name}Handle", (structref.StructRefProxy,), {"__module__": __name__})
    globals()[struct.__name__], globals()[handle.__name__] = struct, handle
    structref.register(struct)
    structref.define_boxing(struct, handle)
    _TYPES[name] = struct


for _name in NAMES:
    _declare(_name)


def as_struct(value: Any) -> Any:
    """Compiled code only: a named tuple as a struct, nested ones included."""
    raise NotImplementedError("use pack()")


def _is_named_tuple(value: Any) -> bool:
    """Whether a numba type is a named tuple's."""
    return isinstance(value, core_types.BaseNamedTuple)


def _struct_type(value: Any) -> Any:
    """The struct type of a named tuple's type."""
    if _is_named_tuple(value):
        fields = [(name, _struct_type(part)) for name, part in zip(value.fields, value.types, strict=True)]
        return _TYPES[value.instance_class.__name__](fields)
    return value


# Without annotations: numba wants the signature of what is built, to the letter.
@overload(as_struct)
def _as_struct(value):  # type: ignore[no-untyped-def]
    struct = _struct_type(value)
    lines = ["def build(value):", "    result = new(struct)"]
    for name, part in zip(value.fields, value.types, strict=True):
        inner = f"as_struct(value.{name})" if _is_named_tuple(part) else f"value.{name}"
        lines.append(f"    result.{name} = {inner}")
    lines.append("    return result")
    scope = {"new": structref.new, "struct": struct, "as_struct": as_struct}
    exec("\n".join(lines), scope)
    return scope["build"]


@njit
def pack(value: Any) -> Any:
    """A named tuple of arrays as a struct that kernels take by reference; the arrays are shared, not copied."""
    return as_struct(value)
