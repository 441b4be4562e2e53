"""placer formats: what is read and written, and what each holds."""

from __future__ import annotations

import json

import pytest


def test_the_list_names_each_format_once(run):
    listed = json.loads(run("formats", "--json").stdout)

    names = [format["name"] for format in listed]
    assert len(set(names)) == len(names)
    assert {"kubernetes", "parquet", "csv", "solution"} <= set(names)
    assert all(format["description"] for format in listed)


def test_the_table_goes_to_stderr(run):
    done = run("formats")

    assert done.stdout == ""
    assert "kubernetes" in done.stderr


@pytest.mark.parametrize("name", ["parquet", "csv", "kubernetes", "solution"])
def test_a_schema_is_one_document_on_stdout(run, name: str):
    done = run("formats", "--schema", name)

    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert done.stderr == ""


def test_a_misspelt_format_is_an_error_with_a_hint(run):
    done = run("formats", "--schema", "parket")

    assert done.exit_code == 1
    assert "did you mean 'parquet'?" in done.stderr
