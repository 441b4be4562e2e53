"""Azure V1: a slice of the steps in which virtual machines arrive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import placer as pl
from placer.data import PLACES
from placer.errors import InputError
from placer.traces import FORMATS, azure_v1

FOLDER = PLACES[1] / "azure-v1-vm-arrivals"
needs_data = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs a clone's datasets/")
FLAVOURS = "1,1.75 b\n2,3.5 g\n"


def trace(folder: Path, steps: str, flavours: str = FLAVOURS) -> Path:
    (folder / "flav_map.txt").write_text(flavours)
    (folder / "v1.train.txt").write_text(steps)
    return folder


def test_machines_ask_for_what_their_flavour_has_and_batches_own_them(tmp_path: Path):
    cluster = azure_v1.read(trace(tmp_path, "300 g,|,b,b,|\n600 g,|\n"), stop=2)

    assert [(pod.name, pod.owner, pod.labels["flavour"], dict(pod.requests)) for pod in cluster.pods] == [
        ("vm-300-0", "Batch/300-0", "g", {"cpu": 2000, "memory": 3584 * 2**20}),
        ("vm-300-1", "Batch/300-1", "b", {"cpu": 1000, "memory": 1792 * 2**20}),
        ("vm-300-2", "Batch/300-1", "b", {"cpu": 1000, "memory": 1792 * 2**20}),
        ("vm-600-0", "Batch/600-2", "g", {"cpu": 2000, "memory": 3584 * 2**20}),
    ]


def test_the_end_of_a_step_ends_a_batch_and_a_step_may_be_empty(tmp_path: Path):
    cluster = azure_v1.read(trace(tmp_path, "300 g,g\n600 \n900 g,|\n"), stop=3)

    assert [pod.owner for pod in cluster.pods] == ["Batch/300-0", "Batch/300-0", "Batch/900-1"]


def test_a_slice_starts_and_stops_where_asked(tmp_path: Path):
    folder = trace(tmp_path, "300 g,|\n600 b,|\n900 g,|\n")

    assert [pod.name for pod in azure_v1.read(folder, start=1, stop=2).pods] == ["vm-600-0"]


def test_hosts_are_chosen_by_the_caller(tmp_path: Path):
    cluster = azure_v1.read(trace(tmp_path, "300 g,|\n"), stop=1, nodes=2, cpu="16", memory="112Gi")

    assert [(node.name, dict(node.allocatable)) for node in cluster.nodes] == [
        ("host-0", {"cpu": 16_000, "memory": 112 * 2**30}),
        ("host-1", {"cpu": 16_000, "memory": 112 * 2**30}),
    ]


@needs_data
def test_the_dev_part_has_as_many_machines_batches_and_steps_as_its_readme_says():
    cluster = azure_v1.read(FOLDER, part="dev", stop=1000)

    assert len(cluster.pods) == 259_159
    assert len(np.unique(cluster.pod_table["owner"].codes)) == 53_109
    assert len(set(cluster.pod_table.names.tolist())) == 259_159


@needs_data
def test_the_folder_loads_as_its_first_hour_and_is_placed_on_the_default_hosts():
    assert FORMATS["azure-v1"].detect(FOLDER)
    cluster = pl.load(FOLDER)

    assert repr(cluster) == "<Cluster: 100 nodes, 851 pods, 851 pending>"
    assert not pl.solve(cluster).unplaced


@pytest.mark.parametrize(
    ("steps", "flavours", "options", "problem"),
    [
        ("300 g,x,|\n", FLAVOURS, {"stop": 1}, "v1.train.txt: line 1 has flavour 'x': give one of b, g, |"),
        ("300 g\nx g\n", FLAVOURS, {"stop": 2}, "v1.train.txt: line 2 begins with 'x': give seconds"),
        ("300 g\n300 g\n", FLAVOURS, {"stop": 2}, "v1.train.txt: line 2 begins with '300': give seconds, more on each"),
        ("300 g\n", FLAVOURS, {}, "v1.train.txt: steps 0 to 12 are not among its 1"),
        ("300 g\n", FLAVOURS, {"start": 1, "stop": 1}, "steps 1 to 1 are not among its 1"),
        ("300 g\n", "2,3.5\n", {"stop": 1}, "flav_map.txt: line 1 is '2,3.5': write cores,GB and a letter"),
        ("300 g\n", "2,3.5 g\n1,1 g\n", {"stop": 1}, "flav_map.txt: line 2 is '1,1 g'"),
        ("300 g\n", "2,nan g\n", {"stop": 1}, "flav_map.txt: line 1 is '2,nan g'"),
        ("300 g\n", "-2,1 g\n", {"stop": 1}, "flav_map.txt: line 1 is '-2,1 g'"),
        ("300 g\n", FLAVOURS, {"stop": 1, "part": "test"}, "part is 'test': give one of train, dev"),
        ("300 g\n", FLAVOURS, {"stop": 1, "nodes": -1}, "nodes is -1: give 0 or more"),
        ("300 g\n", FLAVOURS, {"stop": 1, "part": "dev"}, "has no file 'v1.dev.txt'"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_value(tmp_path: Path, steps: str, flavours: str, options, problem: str):
    with pytest.raises(InputError) as caught:
        azure_v1.read(trace(tmp_path, steps, flavours), **options)

    assert problem in str(caught.value)
