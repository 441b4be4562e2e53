"""Data sets: found in a clone, or in the installed package, or refused with what there is."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from placer import data
from placer.errors import InputError


def test_the_marginals_of_the_generator_are_found():
    with lzma.open(data.dataset("mesos-scale/marginals.json.xz"), "rt", encoding="utf-8") as file:
        marginals = json.load(file)

    assert (marginals["scale"]["nodes"], marginals["scale"]["pods"]) == (30_000, 250_000)


def test_what_is_installed_comes_before_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    installed, clone = tmp_path / "data", tmp_path / "datasets"
    for place in (installed, clone):
        (place / "both").mkdir(parents=True)
    (clone / "one").mkdir()
    monkeypatch.setattr(data, "PLACES", (installed, clone))

    assert data.dataset("both") == installed / "both"
    assert data.dataset("one") == clone / "one"


@pytest.mark.parametrize("name", ["opnb", "", "mesos-scale/none.json"])
def test_an_unknown_data_set_is_refused_with_those_that_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "mesos-scale").mkdir()
    monkeypatch.setattr(data, "PLACES", (tmp_path / "absent", tmp_path))

    with pytest.raises(InputError) as caught:
        data.dataset(name)

    assert f"there is no data set {name!r} here, only mesos-scale: clone placer's repository" in str(caught.value)


@pytest.mark.parametrize(
    "folder", ["alibaba-openb-gpu-2023", "azure-v1-vm-arrivals", "google-2011-machines", "mesos-scale"]
)
def test_each_folder_of_a_clone_says_origin_and_licence(folder: str):
    clone = Path(__file__).parent.parent / "datasets" / folder
    if not clone.is_dir():
        pytest.skip("needs a clone's datasets/")

    text = (clone / "README.md").read_text(encoding="utf-8")

    assert "## Origin and licence" in text
    for file in clone.iterdir():
        stem = file.name.split("_")[0].split(".")[0]
        assert file.name == "README.md" or stem in text
