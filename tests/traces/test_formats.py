"""The registry of traces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from placer.traces import FORMATS


def test_the_traces_by_name():
    assert list(FORMATS) == ["openb", "google-2011", "azure-v1", "huawei-2021", "tianchi-2020", "vsbppc"]


def test_each_reader_says_what_it_reads():
    assert (
        FORMATS["openb"].__doc__ == "Alibaba's GPU-sharing cluster of 2023: the folder of its lists of nodes and pods."
    )


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_trace_is_left_to_others(name: str, tmp_path: Path):
    (tmp_path / "pods.yaml").write_text("kind: Pod\n")
    (tmp_path / "data.parquet").write_bytes(b"PAR1\x00\xff")
    os.mkfifo(tmp_path / "pipe")

    found = [FORMATS[name].detect(tmp_path / part) for part in ("", "pods.yaml", "data.parquet", "pipe", "absent")]

    assert found == [False] * 5


def test_naming_the_traces_loads_no_reader():
    code = "import sys, placer.traces; print([m for m in sys.modules if m.startswith('placer.traces.')])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
