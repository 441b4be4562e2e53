"""The Google cell of 2011: machines of ten kinds, scaled to the largest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import placer as pl
from placer.data import PLACES
from placer.errors import InputError
from placer.traces import FORMATS, google2011

FOLDER = PLACES[1] / "google-2011-machines"
needs_data = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs a clone's datasets/")
HEADER = "machine_id,cpu,memory,utilization,available_capacity_for_29_days\n"


def machines(folder: Path, rows: str) -> Path:
    path = folder / "machines.csv"
    path.write_text(HEADER + rows)
    return path


def test_the_largest_machine_has_96_cores_and_256_gib_unless_told(tmp_path: Path):
    path = machines(tmp_path, "7,1.0,1.0,0,0\n8,0.5,0.25,0,0\n")

    assert [dict(node.allocatable) for node in google2011.read(path).nodes] == [
        {"cpu": 96_000, "memory": 256 * 2**30},
        {"cpu": 48_000, "memory": 64 * 2**30},
    ]
    assert [dict(node.allocatable) for node in google2011.read(path, cores=10, memory_gib=4).nodes] == [
        {"cpu": 10_000, "memory": 4 * 2**30},
        {"cpu": 5_000, "memory": 2**30},
    ]


def test_the_kind_is_the_instance_type(tmp_path: Path):
    node = google2011.read(machines(tmp_path, "7,0.5,0.4995,0,0\n")).nodes[0]

    assert (node.name, node.labels["node.kubernetes.io/instance-type"]) == ("machine-7", "0.5-0.4995")


@needs_data
def test_the_cell_has_12580_machines_of_ten_kinds():
    cluster = pl.load(FOLDER)

    kinds = Counter(node.labels["node.kubernetes.io/instance-type"] for node in cluster.nodes)
    assert (len(cluster.nodes), len(cluster.pods)) == (12_580, 0)
    assert kinds.most_common(3) == [("0.5-0.4995", 6731), ("0.5-0.2493", 3863), ("0.5-0.749", 1000)]
    assert len(kinds) == 10


@needs_data
def test_the_table_and_its_folder_are_detected_and_others_are_not(tmp_path: Path):
    (tmp_path / "machines.csv").write_text("name,cpu\n")

    assert [FORMATS["google-2011"].detect(path) for path in (FOLDER, FOLDER / "machines.csv.xz")] == [True, True]
    assert [FORMATS["google-2011"].detect(path) for path in (tmp_path, tmp_path / "machines.csv")] == [False, False]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("7,1.5,1,0,0\n", "line 2: cpu is '1.5', which is no number from 0 to 1"),
        ("7,1,nan,0,0\n", "line 2: memory is 'nan', which is no number from 0 to 1"),
        ("7,1,1,0,0\n7,1,1,0,0\n", "line 3: machine_id is '7', which is a duplicate"),
        ("7,1\n", "line 2: has 2 values: give 5"),
    ],
)
def test_wrong_values_are_told_with_line_and_value(tmp_path: Path, rows: str, problem: str):
    with pytest.raises(InputError) as caught:
        google2011.read(machines(tmp_path, rows))

    assert problem in str(caught.value)


def test_a_folder_without_the_table_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"has no file 'machines.csv'"):
        google2011.read(tmp_path)
