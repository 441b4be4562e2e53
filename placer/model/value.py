"""The base of everything that users write: frozen, closed, hashable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from placer.errors import InputError

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Reporting(ModelMetaclass):
    """Turns what a constructor call finds wrong into placer's own error."""

    def __call__(cls, *args: Any, **fields: Any) -> Any:  # noqa: N805 (a metaclass, which ruff cannot see)
        try:
            return super().__call__(*args, **fields)
        except ValidationError as error:
            name = args[0] if args else fields.get("name", "")
            where = f"{cls.__name__} {fields.get('namespace', '')}{'/' if 'namespace' in fields else ''}{name}".strip()
            raise InputError(validation_problems(where, error)) from None


class Value(BaseModel, metaclass=_Reporting):
    """A frozen value; unknown fields are errors; a wrong one raises :class:`placer.errors.InputError`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FrozenDict(dict[str, Any]):
    """A dict that is not changed after it is made, so that it can be hashed and shared by many rows."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("labels, requests and the like are not changed in place: make a new object")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


Labels = Annotated[Mapping[str, str], AfterValidator(FrozenDict)]
"""Label keys and values, as written on nodes and pods."""


def validation_problems(where: str, error: ValidationError) -> list[str]:
    """
    Pydantic's errors in placer's words: where, field path, value and fix.

    Parameters
    ----------
    where
        File and object, such as ``pods.yaml, document 12, Pod default/web-3``.
    """
    problems = []
    for detail in error.errors(include_url=False):
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
        text = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            text = "no such field: check its spelling"
        value = "" if detail["type"] == "missing" else repr(detail["input"])[:120]
        subject = " is ".join(part for part in (path, value) if part)
        problems.append(f"{where}: {subject}: {text}" if subject else f"{where}: {text}")
    return problems
