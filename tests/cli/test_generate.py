"""placer generate: clusters of any size that placer itself reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import placer as pl


@pytest.mark.parametrize("case", ["plain", "full", "distinct"])
def test_a_generated_cluster_is_read_back(run, tmp_path: Path, case: str):
    out = tmp_path / case

    done = run(
        "generate", "mesos-scale", "--case", case, "--nodes", 20, "--pods", 100, "--seed", 3, "-o", out, "--json"
    )

    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (told["case"], told["nodes"], told["pods"], told["seed"]) == (case, 20, 100, 3)
    cluster = pl.load(out)
    assert (len(cluster.nodes), len(cluster.pods)) == (20, 100)


@pytest.mark.parametrize(
    ("as_format", "files"),
    [("parquet", ["nodes.parquet", "pods.parquet"]), ("csv", ["nodes.csv", "pods.csv"]), ("json", ["cluster.json"])],
)
def test_the_form_is_chosen(run, tmp_path: Path, as_format: str, files: list[str]):
    out = tmp_path / "out"

    run("generate", "mesos-scale", "--nodes", 5, "--pods", 20, "-o", out, "--as", as_format, "--quiet")

    assert [path.name for path in sorted(out.iterdir()) if path.name in files] == files
    assert len(pl.load(out).pods) == 20


def test_objects_go_to_the_file_that_is_named(run, tmp_path: Path):
    out = tmp_path / "dump.json.gz"

    done = run("generate", "mesos-scale", "--nodes", 5, "--pods", 20, "-o", out, "--as", "json")

    assert done.exit_code == 0
    assert len(pl.load(out).pods) == 20


def test_equal_seeds_give_equal_clusters(run, tmp_path: Path):
    for name in ("a", "b"):
        run("generate", "mesos-scale", "--nodes", 5, "--pods", 20, "--seed", 1, "-o", tmp_path / name, "--quiet")

    assert pl.load(tmp_path / "a").digest == pl.load(tmp_path / "b").digest


def test_a_missing_parent_is_refused(run, tmp_path: Path):
    done = run("generate", "mesos-scale", "--nodes", 5, "--pods", 20, "-o", tmp_path / "no" / "such")

    assert done.exit_code == 1
    assert "there is no directory" in done.stderr
