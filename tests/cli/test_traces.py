"""Public traces are inputs like others: told by content, and named by --format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import placer as pl
from placer.data import dataset

HUAWEI = "1\n(s1, 32, 64, 100, 1)\n1\n(v1, 4, 8, 0)\n1\n2\n(add, v1, 1)\n(add, v1, 2)\n"


@pytest.mark.parametrize(
    ("name", "format", "nodes", "pods"),
    [
        ("alibaba-openb-gpu-2023", "openb", 1213, 8152),
        ("google-2011-machines", "google-2011", 12580, 0),
        ("azure-v1-vm-arrivals", "azure-v1", 100, 851),
    ],
)
def test_a_public_trace_is_read_from_its_folder(name: str, format: str, nodes: int, pods: int):
    told, named = pl.load(dataset(name)), pl.load(dataset(name), format=format)

    assert (len(told.nodes), len(told.pods)) == (nodes, pods)
    assert told.digest == named.digest


def test_the_huawei_trace_is_one_file(run, tmp_path: Path):
    path = tmp_path / "trace.txt"
    path.write_text(HUAWEI)

    done = run("solve", path, "--json")

    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["bindings"]) == 2
