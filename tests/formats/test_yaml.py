"""YAML: documents with their places, kubectl's scalars, and refusal of what is no plain data."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl
from placer.formats.yaml import load_documents


def load(text: str | bytes) -> list[tuple[str, Any]]:
    return list(load_documents(text.encode() if isinstance(text, str) else text, "pods.yaml"))


def value(text: str) -> Any:
    ((_, found),) = load(text)
    return found


def refused(text: str | bytes) -> str:
    with pytest.raises(pl.InputError) as caught:
        load(text)
    (problem,) = caught.value.problems
    return problem


def test_a_single_document_has_no_number_and_many_are_numbered_from_one():
    assert load("a: 1") == [("pods.yaml", {"a": 1})]
    assert load("# first\n---\na: 1\n...\n") == [("pods.yaml", {"a": 1})]
    assert load("a: 1\n---\nb: 2\n") == [("pods.yaml, document 1", {"a": 1}), ("pods.yaml, document 2", {"b": 2})]


def test_empty_documents_are_left_out_but_count():
    assert load("---\n---\na: 1\n---\n# nothing\n--- null\n---\nb: 2\n") == [
        ("pods.yaml, document 2", {"a": 1}),
        ("pods.yaml, document 5", {"b": 2}),
    ]
    assert load("") == load("# only\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500m", "500m"),
        ("1Gi", "1Gi"),
        ("1e3", "1e3"),
        ("0.1", 0.1),
        ("4", 4),
        ("-4", -4),
        ("+4", 4),
        ("1_000", 1000),
        ("0x1F", 31),
        ("010", 8),
        ("0o10", 8),
        ("0b11", 3),
        ("089", "089"),
        ("1.", 1.0),
        (".5", 0.5),
        ("1.5e+3", 1500.0),
        ("1.0e+999", "1.0e+999"),
        ("9" * 200, "9" * 200),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("12:30:45", "12:30:45"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ("y", "y"),
        ("yes", True),
        ("Off", False),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("''", ""),
        ("'5'", "5"),
        ('"yes"', "yes"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5),
        ("!!bool no", False),
        ("!!null ~", None),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_mean_what_kubectl_takes_them_for(text, expected):
    found = value(f"a: {text}\n")["a"]
    assert found == expected
    assert type(found) is type(expected)


def test_keys_are_texts_as_json_has_them():
    assert value("1: a\ntrue: b\n~: c\n0.5: d\n") == {"1": "a", "true": "b", "null": "c", "0.5": "d"}


def test_aliases_and_merge_keys_are_filled_in():
    text = "base: &base {a: 1, b: 2}\nown: {<<: *base, b: 3}\nboth: {<<: [*base, {c: 4}], '<<': x}\nagain: *base\n"
    assert value(text) == {
        "base": {"a": 1, "b": 2},
        "own": {"a": 1, "b": 3},
        "both": {"a": 1, "b": 2, "c": 4, "<<": "x"},
        "again": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "pods.yaml: line 3: key 'a' is a duplicate: each key may stand once in a map"),
        ("x: 1\n---\na: {b: 1, b: 2}", "pods.yaml, document 2: line 3: key 'b' is a duplicate: each key may"),
        ("1: a\n'1': b", "line 2: key '1' is a duplicate"),
        ("a: {<<: {b: 1}, <<: {c: 1}}", "line 1: key '<<' is a duplicate"),
        ("a: {<<: 5}", "line 1: << merges maps only: give a map, or a list of maps"),
        ("? [a]\n: b", "line 1: a list or map stands as a key: keys are texts"),
        ("a: *b", "line 1: alias *b has no anchor &b before it: define it first"),
        ("a: &a [*a]", "line 1: alias *a stands within what it names: write it out"),
        ("a: !!binary aGk=", "line 1: tag 'tag:yaml.org,2002:binary' is none that JSON has a type for: drop it"),
        (
            "a: !!python/object:os.system {}",
            "line 1: tag 'tag:yaml.org,2002:python/object:os.system' is none that JSON",
        ),
        ("a: !!set {b}", "line 1: tag 'tag:yaml.org,2002:set' is none"),
        ("a: !!int x", "line 1: 'x' is no int: drop the tag"),
        (
            "a:\n\tb: 1",
            (
                "pods.yaml: line 2: while scanning for the next token, found character that cannot start any "
                "token: indent with spaces, never tabs"
            ),
        ),
        ("a: [1, 2", "line 2: while parsing a flow sequence, did not find expected ',' or ']': it is cut short or no"),
        ("a: 'b\nc", "line 2: while scanning a quoted scalar, found unexpected end of stream: it is cut short or no"),
        ("a: b: c", "line 1: mapping values are not allowed in this context"),
        ("a: \0", "control characters are not allowed"),
        (b"a: \xff", "pods.yaml: byte 3 is 0xff, which is no UTF-8: save the file as UTF-8"),
        ("a: " + "[" * 100_000, "line 1: is nested more than 200 deep: no Kubernetes object is"),
        ("- " * 100_000 + "x", "line 1: is nested more than 200 deep"),
    ],
)
def test_what_is_no_plain_data_is_one_error_with_its_line(text, problem):
    assert problem in refused(text)


def test_a_bomb_of_aliases_is_one_clear_error_in_seconds():
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 1_000_000))]
    start = time.monotonic()
    problem = refused("\n".join(lines))
    assert time.monotonic() - start < 10
    assert "aliases stand for more than" in problem
    assert "refused as an alias bomb; write it out" in problem


def test_a_few_aliases_to_large_parts_are_no_bomb():
    text = f"base: &base {json.dumps(list(range(20_000)))}\n" + "".join(f"k{n}: *base\n" for n in range(10))
    assert len(value(text)) == 11


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])),
        lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
        max_leaves=20,
    ).filter(lambda found: found is not None)
)
def test_json_data_comes_back_from_yaml(found):
    assert value(yaml.dump(found, Dumper=yaml.CSafeDumper, allow_unicode=True)) == found
    assert value(yaml.dump(found, Dumper=yaml.SafeDumper, default_flow_style=True)) == found
