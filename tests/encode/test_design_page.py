"""docs/design.md lists every array of the waist; this holds the page to the code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import placer as pl
from placer.encode import problem as waist
from placer.encode.encode import encode
from placer.encode.goals import encode_goals
from placer.engine import new_repair, pods_per_class, prepare
from placer.improve import new_search
from placer.model.profile import KUBERNETES

PAGE = (Path(__file__).parents[2] / "docs" / "design.md").read_text()
DTYPES = {"I64": np.int64, "I32": np.int32, "I8": np.int8, "F64": np.float64, "BOOL": np.bool_}
TUPLES = (
    "Nodes",
    "Units",
    "Classes",
    "Terms",
    "Counters",
    "Claims",
    "Ranking",
    "Goals",
    "State",
    "Work",
    "Log",
    "Plan",
    "Repair",
    "Search",
)


def section(name: str) -> dict[str, tuple[str, str]]:
    """Array → (dtype, text) of one section of the page."""
    body = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    return {row[0]: (row[1], row[2]) for row in re.findall(r"^\| `(\w+)` \| (\w+) \| (.*) \|$", body, re.MULTILINE)}


def sample() -> dict[str, object]:
    """Arrays of a small cluster with every kind of rule that makes arrays."""
    cluster = pl.Cluster(
        [
            pl.Node("a", cpu=4, pods=9, labels={"zone": "x"}, devices=[pl.Device(kind="nvidia.com/gpu", count=2)]),
            pl.Node("b", cpu=4, pods=9, labels={"zone": "y"}),
        ],
        [pl.Pod("web", replicas=2, cpu=1, spread="zone", gpu=1), pl.Pod("db", cpu=1, node="a", apart="host")],
    )
    encoded = encode(cluster, profile=KUBERNETES)
    goals = encode_goals(encoded, [[("pack", 1.0)]], pods_per_class(encoded))
    run = prepare(cluster, encoded, goals)
    beside = [new_repair(run), new_search(run, seed=0)]
    parts = [*encoded.problem, encoded.ranking, goals, run.state, run.work, run.log, run.plan, *beside]
    return {type(part).__name__: part for part in parts}


@pytest.mark.parametrize("name", TUPLES)
def test_the_page_lists_every_array_of_a_part_and_no_other(name):
    assert list(section(name)) == list(getattr(waist, name)._fields)


@pytest.mark.parametrize("name", TUPLES)
def test_each_array_has_the_dtype_and_the_axes_that_the_page_says(name):
    part = sample()[name]
    for field, (dtype, text) in section(name).items():
        array = getattr(part, field)
        if field == "ranking":
            assert dtype == "Ranking"
            continue
        assert array.dtype == DTYPES[dtype], field
        axes = re.match(r"\(([^)]*)\)", text)
        assert axes is not None, f"{name}.{field} says no shape"
        assert array.ndim == len([axis for axis in axes.group(1).split(",") if axis.strip()]), field
        assert array.flags.c_contiguous, field
