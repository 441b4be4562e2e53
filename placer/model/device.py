"""
Devices: units of a node that pods take whole or in part.

GPUs and shares of one, NUMA zones and the halves of a dual VM are all units: a need must fit in single units, not in
their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from placer.model.quantity import parse_quantity
from placer.model.selector import Requirement
from placer.model.value import FrozenDict, Labels, Value

WHOLE = 1000
"""Thousandths of a unit in one unit."""
NUMA = "numa"
"""The kind of a NUMA zone; its capacity has cpu and memory."""


def parse_amounts(amounts: Any) -> Any:
    """Amounts by name, quantities read into base units (cpu in milli)."""
    if not isinstance(amounts, Mapping):
        return amounts
    return {name: parse_quantity(amount, milli=name == "cpu") for name, amount in amounts.items()}


def _thousandths(share: Any) -> Any:
    if isinstance(share, bool) or not isinstance(share, (int, float, str, Decimal)):
        return share
    try:
        thousandths = (Decimal(str(share)) * WHOLE).to_integral_value(ROUND_CEILING)
        if not abs(thousandths) < 2**63:
            raise ValueError
        return int(thousandths)
    except (ArithmeticError, ValueError):
        raise ValueError(f"share is {share!r}: give a fraction above 0 and up to 1") from None


def _as_written(amounts: Mapping[str, int]) -> dict[str, int | str]:
    """Amounts in JSON, so that :func:`parse_amounts` reads them back: cpu says that it is in milli."""
    return {name: f"{amount}m" if name == "cpu" else amount for name, amount in amounts.items()}


Amounts = Annotated[
    Mapping[str, int],
    BeforeValidator(parse_amounts),
    AfterValidator(FrozenDict),
    PlainSerializer(_as_written, when_used="json"),
]
"""Amounts by name in base units: cpu in milli, memory in bytes, others counted."""


class Device(Value):
    """
    Equal units of a node.

    Attributes
    ----------
    kind
        What pods ask for, such as ``nvidia.com/gpu``; ``numa`` is a NUMA zone.
    count
        How many equal units this line stands for.
    capacity
        What one unit holds beside its own thousandths, in base units: ``{"memory": "80Gi"}``.
    attributes
        What needs may select by: ``{"model": "A100"}``.
    zone
        The NUMA zone these units hang on: its place among the node's units of kind ``numa``, from 0.
    """

    kind: str = Field(min_length=1)
    count: int = Field(default=1, ge=0)
    capacity: Amounts = FrozenDict()
    attributes: Labels = FrozenDict()
    zone: int | None = Field(default=None, ge=0)


class DeviceNeed(Value):
    """
    What a pod takes of one kind of device.

    Attributes
    ----------
    kind
        The devices' kind.
    count
        How many different units, all of one node.
    share
        Thousandths of each unit, written as a fraction (0.5 is half a unit); 1 is a whole unit, which must be
        entirely free and is taken with all its capacity. Not given: 1 without ``amounts``, 0 with.
    amounts
        What is taken of each unit's capacity: ``{"memory": "10Gi"}``.
    where
        Expressions over the units' attributes that must all hold.
    """

    kind: str = Field(min_length=1)
    count: int = Field(default=1, ge=1)
    share_milli: int = Field(default=-1, ge=-1, le=WHOLE)
    amounts: Amounts = FrozenDict()
    where: tuple[Requirement, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _share_is_a_fraction(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "share" in data:
            data = dict(data)
            share = _thousandths(data.pop("share"))
            if not isinstance(share, int) or not 0 < share <= WHOLE:
                raise ValueError("share must be a fraction above 0 and up to 1, such as 0.5")
            data["share_milli"] = share
        return data

    @model_validator(mode="after")
    def _takes_something(self) -> Self:
        if self.share_milli == -1:
            object.__setattr__(self, "share_milli", 0 if self.amounts else WHOLE)
        if self.share_milli == 0 and not self.amounts:
            raise ValueError("a need takes a share or amounts of its units: give one")
        return self

    @property
    def whole(self) -> bool:
        """Whether the units must be entirely free and are taken whole."""
        return self.share_milli == WHOLE
