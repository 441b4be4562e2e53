"""Quantities as Kubernetes writes them ("500m", "4Gi", "1e3"), read as exact integers and written back."""

from __future__ import annotations

import math
import re
from functools import lru_cache

INT64_MAX = 2**63 - 1
# Nothing that fits int64 needs more characters; longer text would only cost time.
MAX_LENGTH = 128

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<whole>[0-9]+)(?:\.(?P<part>[0-9]*))?|\.(?P<bare>[0-9]+))"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]+))?"
)
_LIKE_A_QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]+)(?:([kmgtpe])i?)?(?:b|byte|bytes)?", re.IGNORECASE)


def parse_quantity(text: str | int | float, *, milli: bool) -> int:
    """
    Reads a quantity, as Kubernetes reads it, into whole units.

    Parameters
    ----------
    text
        A quantity's text, or a number of base units. A float counts as its shortest text, so that 0.1 is a tenth.
    milli
        Whether to count thousandths, as for cpu; otherwise base units, as for memory.

    Returns
    -------
    The amount, rounded up to the next whole unit. Memoised by text.

    Raises
    ------
    ValueError
        Not a quantity, negative, or beyond int64; the text names the value and what to write.

    Notes
    -----
    Grammar and rounding: apimachinery, ``resource.Quantity``. Two things differ: a suffix without digits is refused
    (there it is 0), and so is what int64 does not hold (there it is capped).
    """
    if isinstance(text, str):
        return _parse(text, milli)
    if isinstance(text, bool) or not isinstance(text, int | float):
        raise ValueError(f"{text!r} is no quantity: write a number or a text such as '500m' or '4Gi'")
    if isinstance(text, int):
        shown = repr(text) if text.bit_length() < MAX_LENGTH else f"a number of {text.bit_length()} bits"
        return _within(int(text) * (1000 if milli else 1), shown, milli)
    if not math.isfinite(text):
        raise ValueError(f"{text!r} is no quantity: write a finite number")
    return _parse(float.__repr__(text), milli, shown=repr(text))


def format_quantity(value: int, *, milli: bool) -> str:
    """
    Writes an amount as the text that :func:`parse_quantity` reads back as the same integer.

    Parameters
    ----------
    value
        Whole units; one below zero keeps its sign, as a shortage that is shown, and does not read back.
    milli
        Whether the units are thousandths, as for cpu.

    Returns
    -------
    ``1500m`` or ``2`` for thousandths; otherwise the largest of Ki to Ei that divides the amount, or plain digits.
    """
    if milli:
        return f"{value}m" if value % 1000 else str(value // 1000)
    for suffix, power in reversed(_BINARY.items()):
        if value and value % 2**power == 0:
            return f"{value >> power}{suffix}"
    return str(value)


@lru_cache(maxsize=65536)
def _parse(text: str, milli: bool, shown: str = "") -> int:
    shown = shown or repr(text)
    match = _QUANTITY.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise ValueError(_no_quantity(text))
    part = match["part"] or match["bare"] or ""
    suffix = match["suffix"] or ""
    digits = int((match["whole"] or "") + part) << _BINARY.get(suffix, 0)
    if digits and match["sign"] == "-":
        raise ValueError(_negative(shown))
    power = int(match["exponent"] or _DECIMAL.get(suffix, 0)) - len(part) + (3 if milli else 0)
    return _within(_scaled_up(digits, power), shown, milli)


def _scaled_up(digits: int, power: int) -> int:
    """``digits`` × 10^``power``, rounded up; powers far beyond int64 are cut, so that 1e999999999 costs nothing."""
    power = max(-2 * MAX_LENGTH, min(power, MAX_LENGTH))
    scale: int = 10 ** abs(power)
    return digits * scale if power >= 0 else -(-digits // scale)


def _within(amount: int, shown: str, milli: bool) -> int:
    if amount < 0:
        raise ValueError(_negative(shown))
    if amount > INT64_MAX:
        most = format_quantity(INT64_MAX, milli=milli)
        raise ValueError(f"{shown} is beyond int64: write at most '{most}'")
    return amount


def _negative(shown: str) -> str:
    return f"{shown} must not be negative: write 0 or more"


def _no_quantity(text: str) -> str:
    if len(text) > MAX_LENGTH:
        return f"{text[:32] + '…'!r} is no quantity: write digits and a suffix, at most {MAX_LENGTH} characters"
    compact = "".join(text.split()).replace(",", ".")
    like = _LIKE_A_QUANTITY.fullmatch(compact)
    if _QUANTITY.fullmatch(compact):
        fix = f"write '{compact}'"
    elif like is None:
        fix = "write digits and at most one suffix, such as '500m', '4G' or '4Gi'"
    elif like[2]:
        decimal = like[2].upper().replace("K", "k")
        fix = f"write '{like[1]}{decimal}' or '{like[1]}{decimal.upper()}i'"
    else:
        fix = f"write '{like[1]}'"
    return f"{text!r} is no quantity: {fix}"
