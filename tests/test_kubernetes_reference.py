"""The reference decides as kube-scheduler v1.36 does, on every recorded decision, character for character."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.reference.kubernetes import decide_all

CASES = sorted((Path(__file__).parent / "data" / "kube-oracle" / "cases").glob("*.json.gz"))
FAMILIES = sorted({path.name.rpartition("-")[0] for path in CASES})


def read(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return case


@pytest.mark.parametrize("family", FAMILIES)
def test_the_reference_decides_as_kubernetes_does(family):
    cases = [read(path) for path in CASES if path.name.rpartition("-")[0] == family]

    assert len(cases) == 12
    for case in cases:
        for ours, theirs in zip(decide_all(case), case["expected"], strict=True):
            assert ours == theirs, f"{case['name']}, {theirs['pod']}"


def test_all_recorded_decisions_are_there():
    assert len(FAMILIES) == 21
    assert sum(len(read(path)["expected"]) for path in CASES) == 4166
