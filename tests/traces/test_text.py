"""Text of traces: all that is wrong in a file is told at once, with line and value."""

from __future__ import annotations

import gzip
import lzma
import os
from pathlib import Path

import pytest

from placer.errors import InputError
from placer.traces.text import Rows, find, first_lines


def written(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text)
    return path


def read_names_and_cpu(path: Path) -> None:
    rows = Rows(path, ("name", "cpu"))
    rows.names("name")
    rows.integers("cpu")
    rows.refuse()


def test_a_file_is_found_compressed_or_not(tmp_path: Path):
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "b.csv.xz").write_bytes(lzma.compress(b"x"))

    assert find(tmp_path, "a.csv") == tmp_path / "a.csv"
    assert find(tmp_path, "b.csv") == tmp_path / "b.csv.xz"
    assert find(tmp_path, "c.csv") is None


@pytest.mark.parametrize("pack", [bytes, lzma.compress, gzip.compress])
def test_the_first_lines_are_read_from_compressed_files_too(tmp_path: Path, pack):
    path = tmp_path / "file"
    path.write_bytes(pack(b"one\ntwo\n" + b"x" * 100_000))

    assert first_lines(path)[:2] == ["one", "two"]


def test_the_first_lines_of_damaged_files_pipes_and_folders_are_none(tmp_path: Path):
    (tmp_path / "damaged").write_bytes(b"\xfd7zXZ\x00 not xz at all")
    os.mkfifo(tmp_path / "pipe")

    assert [first_lines(tmp_path / name) for name in ("damaged", "pipe", "", "absent")] == [[], [], [], []]


def test_columns_are_read_as_names_numbers_and_fractions(tmp_path: Path):
    rows = Rows(written(tmp_path, "name,cpu,part\na,7,0.25\n\nb,0,1\n"), ("name", "cpu", "part"))

    assert rows.names("name") == ["a", "b"]
    assert rows.integers("cpu").tolist() == [7, 0]
    assert rows.scaled("part", 1000).tolist() == [250, 1000]
    assert list(rows.text("absent")) == ["", ""]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["list.csv: is empty: give a file with the header name,cpu"]),
        ("name\na\n", ["list.csv: line 1: has no column 'cpu', only name: add it"]),
        ("name,cpu\na,1\nb\n", ["list.csv: line 3: has 1 values: give 2"]),
        (
            "name,cpu\na,-1\na,nan\n,4x\n",
            [
                "list.csv: line 3: name is 'a', which is a duplicate: each name may stand once",
                "list.csv: line 4: name is '', which is empty: name it",
                "list.csv: line 2: cpu is '-1', which is no whole number from 0 to 1099511627776",
                "list.csv: line 3: cpu is 'nan', which is no whole number from 0 to 1099511627776",
                "list.csv: line 4: cpu is '4x', which is no whole number from 0 to 1099511627776",
            ],
        ),
        (
            "name,cpu\na," + "1" * 200_000 + "\n",
            ["list.csv: line 2: is no CSV (field larger than field limit (131072)): write it anew"],
        ),
        (
            f"name,cpu\na,{2**63}\n",
            [f"list.csv: line 2: cpu is '{2**63}', which is no whole number from 0 to 1099511627776"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_line_and_value(tmp_path: Path, text: str, problems: list[str]):
    with pytest.raises(InputError) as caught:
        read_names_and_cpu(written(tmp_path, text))

    assert [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == problems


@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan", "inf", "x", "1" * 50])
def test_a_fraction_outside_0_to_1_is_refused(tmp_path: Path, value: str):
    rows = Rows(written(tmp_path, f"part\n{value}\n"), ("part",))
    rows.scaled("part", 10)

    with pytest.raises(InputError, match=r"line 2: part is .* which is no number from 0 to 1"):
        rows.refuse()


def test_a_blank_line_does_not_shift_the_line_that_an_error_names(tmp_path: Path):
    rows = Rows(written(tmp_path, "cpu\n1\n\nx\n"), ("cpu",))
    rows.integers("cpu")

    assert rows.problems[0].startswith(f"{tmp_path}/list.csv: line 4: cpu is 'x'")
