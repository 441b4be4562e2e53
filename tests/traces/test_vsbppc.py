"""Variable-sized bin packing with conflicts: items as pods, bins as nodes."""

from __future__ import annotations

import csv
import lzma
from pathlib import Path

import pytest

import placer as pl
from placer.data import dataset
from placer.traces import vsbppc

SMALL = "3\n1 60 2\n2 40\n3 30 1\n"


def instance(folder: Path, text: str = SMALL) -> Path:
    path = folder / "small.txt"
    path.write_text(text)
    return path


def test_items_are_pods_apart_from_those_in_conflict_whichever_line_has_the_pair(tmp_path: Path):
    pods = vsbppc.read(instance(tmp_path)).pods

    assert [(pod.name, pod.requests["cpu"], pod.apart_from) for pod in pods] == [
        ("item-1", 60_000, ("default/item-2", "default/item-3")),
        ("item-2", 40_000, ("default/item-1",)),
        ("item-3", 30_000, ("default/item-1",)),
    ]


def test_bins_of_each_type_are_as_many_as_items_that_fit(tmp_path: Path):
    nodes = vsbppc.read(instance(tmp_path), {50: 3, 100: 7}).nodes

    assert [(node.allocatable["cpu"], node.price) for node in nodes] == [(50_000, 3)] * 2 + [(100_000, 7)] * 3


def test_without_bins_the_first_set_that_holds_every_item_is_taken(tmp_path: Path):
    small, large = vsbppc.read(instance(tmp_path)), vsbppc.read(instance(tmp_path, "1\n1 200\n"))

    assert {node.price for node in small.nodes} == {100, 120, 150}
    assert {node.price for node in large.nodes} == {220, 250}


def test_costs_by_capacity_are_those_of_the_sets():
    assert vsbppc.BINS["set2_7types_convex"] == {70: 59, 100: 100, 130: 149, 160: 203, 190: 262, 220: 327, 250: 396}
    assert vsbppc.BINS["set2_7types_concave"] == {70: 84, 100: 100, 130: 115, 160: 127, 190: 138, 220: 149, 250: 159}


def test_the_cheapest_bins_are_found_and_proven(tmp_path: Path):
    """Items 2 and 3 share a bin of 100 rather than two of 60; item 1 has one of 60."""
    cluster = vsbppc.read(instance(tmp_path), "set1_5types_linear")

    solution = pl.solve(cluster, goals=["pack"], prove=True)

    assert (solution.objective["pack"], solution.status) == (60 + 80, "optimal")
    assert pl.verify(cluster, solution) == []


def test_the_file_is_known_by_its_first_lines(tmp_path: Path):
    packed = tmp_path / "small.txt.xz"
    packed.write_bytes(lzma.compress(SMALL.encode()))

    assert vsbppc.detect(instance(tmp_path))
    assert vsbppc.detect(packed)
    assert not vsbppc.detect(instance(tmp_path, "3\n2 60\n"))
    assert len(vsbppc.read(packed).pods) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1 is no number of items: write one up to 100000"),
        ("x\n1 60\n", "line 1 is no number of items"),
        ("2\n1 60\n", "line 1 says 2 items, and 1 lines follow: give a line per item"),
        ("1\n2 60\n", "line 2 begins with '2 60': write item 1 and its size"),
        ("1\n1 0\n", "line 2: size is '0': give a whole number from 1 to 1000000000"),
        ("2\n1 60 3\n2 4\n", "line 2: conflict is '3': name another item from 1 to 2"),
        ("1\n1 60 1\n", "line 2: conflict is '1': name another item"),
        ("1\n1 260\n", "the largest item has size 260, and no bin holds it: give larger bins"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_fix(tmp_path: Path, text: str, words: str):
    with pytest.raises(pl.InputError, match=words.replace("(", r"\(")):
        vsbppc.read(instance(tmp_path, text))


@pytest.mark.parametrize(
    ("bins", "words"),
    [("set9", "there are no bins 'set9': give one of set1_3types_linear"), ({100: 0}, "capacity 100 and cost 0: give")],
)
def test_bins_that_are_not_known_are_refused(tmp_path: Path, bins, words: str):
    with pytest.raises(pl.InputError, match=words):
        vsbppc.read(instance(tmp_path), bins)


def test_the_data_sets_size_bound_is_proven_by_counting():
    """The set's own bound ignores conflicts; ours is at least that, and at most the best cost seen."""
    try:
        folder = dataset("vsbppc-conflicts")
    except pl.InputError:
        pytest.skip("the instances have no licence, and are not here")
    with (folder / "best_known.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["instance"] == "Correia_Random_1_2_9_1")
    cluster = vsbppc.read(folder / "instances" / f"{row['instance']}.txt.xz", row["bin_config"])

    solution = pl.solve(cluster, goals=["pack"], prove=True, steps=5)

    assert int(row["size_lower_bound"]) < solution.bound["pack"] <= solution.objective["pack"]
    assert solution.bound["pack"] <= int(row["best_cost_seen"])
