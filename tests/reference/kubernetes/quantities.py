"""Quantities, as ``resource.Quantity`` reads them: Kubernetes, "Resource units in Kubernetes"."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from math import ceil

BINARY = {suffix: Fraction(1024**power) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
DECIMAL = {suffix: Fraction(1000) ** power for power, suffix in enumerate("num kMGTPE", start=-3) if suffix != " "}
NUMBER = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+)|([a-zA-Z]*))")


@cache
def quantity(text: str) -> Fraction:
    """
    The exact value of a quantity.

    Digits finer than nano are rounded up, as the API server does.
    """
    parts = NUMBER.fullmatch(text)
    if parts is None or not (parts[2] or parts[3]):
        raise ValueError(f"{text!r} is no quantity")
    sign, whole, decimals, exponent, suffix = parts.groups(default="")
    value = Fraction(int((whole + decimals) or "0"), 10 ** len(decimals))
    if exponent:
        value *= Fraction(10) ** int(exponent)
    elif suffix:
        value *= BINARY[suffix] if suffix in BINARY else DECIMAL[suffix]
    value = Fraction(ceil(value * 10**9), 10**9)
    return -value if sign == "-" else value


def units(resource: str, value: Fraction) -> int:
    """A quantity in the scheduler's base units, rounded up: thousandths for cpu, ones for the rest."""
    return ceil(value * 1000) if resource == "cpu" else ceil(value)
