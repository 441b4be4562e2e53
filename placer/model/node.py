"""A node as users write it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from placer.model.device import Amounts, Device
from placer.model.relation import HOSTNAME
from placer.model.taint import Taint
from placer.model.value import FrozenDict, Labels, Value

PRICE_UNIT = 1_000_000
"""Prices are kept as integers, in millionths."""


def _millionths(price: Any) -> Any:
    if isinstance(price, bool) or not isinstance(price, (int, float, str, Decimal)):
        return price
    try:
        amount = (Decimal(str(price)) * PRICE_UNIT).to_integral_value(ROUND_HALF_EVEN)
        if not abs(amount) < 2**63:
            raise ValueError
        return int(amount)
    except (ArithmeticError, ValueError):
        raise ValueError(f"price is {price!r}: give a number from 0 to {2**53 // PRICE_UNIT}") from None


class Image(Value):
    """A container image on a node."""

    names: tuple[str, ...]
    size: int = Field(default=0, ge=0)


class Node(Value):
    """
    A machine that pods are placed on.

    Attributes
    ----------
    name
        Unique in the cluster.
    labels
        Node labels; ``kubernetes.io/hostname`` is the name unless given; ``hostname=False`` leaves it out.
    taints
        What keeps pods off.
    allocatable
        Quantities by resource, in base units (cpu in milli, memory in bytes, others counted). A resource that is not
        named has none; only ``pods`` not named means any number. ``cpu=``, ``memory=``, ``pods=`` are short for it.
    devices
        Units that pods take whole or in part.
    unschedulable
        Cordoned: as if tainted with ``node.kubernetes.io/unschedulable:NoSchedule``.
    volume_limits
        How many volumes of a driver the node attaches.
    price_micro
        What the node costs when it is used, in millionths; written ``price=``; 1 by default.
    """

    name: str = Field(min_length=1)
    labels: Labels = FrozenDict()
    taints: tuple[Taint, ...] = ()
    allocatable: Amounts = FrozenDict()
    devices: tuple[Device, ...] = ()
    unschedulable: bool = False
    images: tuple[Image, ...] = ()
    volume_limits: Annotated[Mapping[str, Annotated[int, Field(ge=0)]], AfterValidator(FrozenDict)] = FrozenDict()
    price_micro: Annotated[int, BeforeValidator(lambda value: value), Field(ge=0, le=2**53)] = PRICE_UNIT
    hostname: bool = True

    def __init__(self, name: str, /, **fields: Any) -> None:
        super().__init__(name=name, **fields)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        data = dict(data)
        short = {key: data.pop(key) for key in ("cpu", "memory", "pods") if data.get(key) is not None}
        if short:
            data["allocatable"] = {**data.get("allocatable", {}), **short}
        if "price" in data:
            data["price_micro"] = _millionths(data.pop("price"))
        labels = data.get("labels", {})
        if data.get("hostname", True) is True and isinstance(labels, Mapping) and "name" in data:
            data["labels"] = {HOSTNAME: data["name"], **labels}
        return data

    @property
    def price(self) -> float:
        """What the node costs when it is used."""
        return self.price_micro / PRICE_UNIT
