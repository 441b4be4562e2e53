"""Quantities: Kubernetes' text forms, read exactly, rounded up to whole units, written back unchanged."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placer.model.quantity import INT64_MAX, format_quantity, parse_quantity

SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-0", 0),
        ("7", 7),
        ("+7", 7),
        ("007", 7),
        ("5.", 5),
        (".5", 1),
        ("1.5", 2),
        ("1n", 1),
        ("1u", 1),
        ("1m", 1),
        ("1000m", 1),
        ("1001m", 2),
        ("3k", 3_000),
        ("3M", 3_000_000),
        ("3G", 3_000_000_000),
        ("3T", 3_000_000_000_000),
        ("3P", 3_000_000_000_000_000),
        ("3E", 3_000_000_000_000_000_000),
        ("3Ki", 3 * 1024),
        ("3Mi", 3 * 1024**2),
        ("3Gi", 3 * 1024**3),
        ("3Ti", 3 * 1024**4),
        ("3Pi", 3 * 1024**5),
        ("3Ei", 3 * 1024**6),
        ("1.5Gi", 1_610_612_736),
        ("0.1Ki", 103),
        ("1e3", 1_000),
        ("1E3", 1_000),
        ("1e+3", 1_000),
        ("25e-1", 3),
        ("1e-999999999", 1),
        ("0e999999999", 0),
        ("9223372036854775807", INT64_MAX),
        ("7.999999999999999999Ei", 9_223_372_036_854_775_807),
    ],
)
def test_text_is_read_in_base_units_rounded_up(text: str, expected: int):
    assert parse_quantity(text, milli=False) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1000),
        ("0.1", 100),
        ("100m", 100),
        ("1.5", 1500),
        ("1500u", 2),
        ("1n", 1),
        ("2k", 2_000_000),
        ("1Ki", 1_024_000),
        ("1e3", 1_000_000),
        (2, 2000),
        (0, 0),
        (0.1, 100),
        (1.0005, 1001),
        (1e-7, 1),
        (1e12, 10**15),
    ],
)
def test_cpu_is_read_in_thousandths_rounded_up(text: str | float, expected: int):
    assert parse_quantity(text, milli=True) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("4gb", "'4gb' is no quantity: write '4G' or '4Gi'"),
        ("4GiB", "'4GiB' is no quantity: write '4G' or '4Gi'"),
        ("4K", "'4K' is no quantity: write '4k' or '4Ki'"),
        ("4 Gi", "'4 Gi' is no quantity: write '4Gi'"),
        ("1,5", "'1,5' is no quantity: write '1.5'"),
        ("4 bytes", "'4 bytes' is no quantity: write '4'"),
        (" 1", "' 1' is no quantity: write '1'"),
        ("1\n", "'1\\n' is no quantity: write '1'"),
        ("1e3Mi", "'1e3Mi' is no quantity: write digits and at most one suffix, such as '500m', '4G' or '4Gi'"),
        ("", "'' is no quantity: write digits"),
        ("Mi", "'Mi' is no quantity: write digits"),
        (".", "'.' is no quantity: write digits"),
        ("1e", "'1e' is no quantity: write"),
        ("1e1.5", "'1e1.5' is no quantity: write digits"),
        ("--1", "'--1' is no quantity: write digits"),
        ("1.2.3", "'1.2.3' is no quantity: write digits"),
        ("0x10", "'0x10' is no quantity: write digits"),
        ("١", "'١' is no quantity: write digits"),
        ("nan", "'nan' is no quantity: write digits"),
        ("9" * 129, f"'{'9' * 32}…' is no quantity: write digits and a suffix, at most 128 characters"),
        ("-1", "'-1' must not be negative: write 0 or more"),
        ("-1e-9", "'-1e-9' must not be negative"),
        (-1, "-1 must not be negative"),
        (-0.5, "-0.5 must not be negative"),
        ("9223372036854775808", "'9223372036854775808' is beyond int64: write at most '9223372036854775807'"),
        ("8Ei", "'8Ei' is beyond int64"),
        ("1e999999999", "'1e999999999' is beyond int64"),
        (2**63, "9223372036854775808 is beyond int64"),
        pytest.param(10**5000, "a number of 16610 bits is beyond int64", id="10**5000"),
        (1e19, "1e+19 is beyond int64"),
        (math.nan, "nan is no quantity: write a finite number"),
        (math.inf, "inf is no quantity: write a finite number"),
        (-math.inf, "-inf is no quantity: write a finite number"),
        (True, "True is no quantity: write a number or a text such as '500m' or '4Gi'"),
        (None, "None is no quantity: write a number or a text"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_value_and_a_fix(value: object, message: str):
    with pytest.raises(ValueError) as caught:
        parse_quantity(value, milli=False)  # type: ignore[arg-type]

    assert message in str(caught.value)


def test_thousandths_reach_int64_before_base_units_do():
    with pytest.raises(ValueError, match="'10P' is beyond int64: write at most '9223372036854775807m'"):
        parse_quantity("10P", milli=True)


def test_numbers_of_numpy_are_read_by_value():
    numpy = pytest.importorskip("numpy")

    assert parse_quantity(numpy.float64(0.25), milli=True) == 250


@pytest.mark.parametrize(
    ("value", "milli", "expected"),
    [
        (1500, True, "1500m"),
        (2000, True, "2"),
        (0, True, "0"),
        (-250, True, "-250m"),
        (0, False, "0"),
        (1023, False, "1023"),
        (1024, False, "1Ki"),
        (1_000_000, False, "1000000"),
        (8 * 2**30, False, "8Gi"),
        (1536 * 2**20, False, "1536Mi"),
        (2**60, False, "1Ei"),
        (-(2**20), False, "-1Mi"),
    ],
)
def test_amounts_are_written_in_one_canonical_form(value: int, milli: bool, expected: str):
    assert format_quantity(value, milli=milli) == expected


@given(value=st.integers(0, INT64_MAX) | st.integers(0, 1023).map(lambda value: value << 50), milli=st.booleans())
def test_what_is_written_reads_back_as_the_same_integer(value: int, milli: bool):
    assert parse_quantity(format_quantity(value, milli=milli), milli=milli) == value


@given(
    digits=st.from_regex(r"[+]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})", fullmatch=True, alphabet="+.0123456789"),
    suffix=st.sampled_from(SUFFIXES) | st.integers(-12, 9).map(lambda exponent: f"e{exponent}"),
    milli=st.booleans(),
)
def test_values_equal_those_of_the_kubernetes_client(digits: str, suffix: str, milli: bool):
    client = pytest.importorskip("kubernetes.utils.quantity", reason="needs the extra kubernetes")
    try:
        expected = math.ceil(Fraction(client.parse_quantity(digits + suffix)) * (1000 if milli else 1))
    except ValueError:
        return
    if expected > INT64_MAX:
        with pytest.raises(ValueError, match="beyond int64"):
            parse_quantity(digits + suffix, milli=milli)
    else:
        assert parse_quantity(digits + suffix, milli=milli) == expected


@given(text=st.text(st.sampled_from("0123456789.+-eEinumkKMGTP bB,"), max_size=12), milli=st.booleans())
def test_any_text_is_an_amount_or_one_clear_error(text: str, milli: bool):
    try:
        amount = parse_quantity(text, milli=milli)
    except ValueError as error:
        assert str(error).startswith(repr(text))
        assert ": write " in str(error)
    else:
        assert 0 <= amount <= INT64_MAX
