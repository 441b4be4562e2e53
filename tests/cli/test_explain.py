"""placer explain: node by node, why here and not there, and what would let it fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_a_pod_that_fits_nowhere_has_its_reasons_and_the_smallest_changes(run, web: Path):
    done = run("explain", web, "report")

    assert done.exit_code == 0
    assert "Insufficient memory: asks 10Gi, 7Gi free of 8Gi" in done.stderr
    assert "- ask 2Gi less memory (8Gi)" in done.stderr


def test_with_a_solution_the_state_is_that_of_the_decision(run, web: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    run("solve", web, "--quiet", "-o", out)

    done = run("explain", web, "default/web-0", "--solution", out, "--json")

    assert json.loads(done.stdout)["state"] == "before binding 2 of 5"


def test_instead_of_a_node_that_is_rejected_names_the_rule(run, web: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    run("solve", web, "--quiet", "-o", out)

    done = run("explain", web, "web-0", "--solution", out, "--instead-of", "n3")

    assert "Not n3: TaintToleration" in done.stderr


def test_instead_of_a_node_that_is_accepted_shows_the_difference_term_by_term(run, tmp_path: Path):
    (tmp_path / "nodes.csv").write_text("name,cpu,price\ncheap,4,1\ndear,4,3\n")
    (tmp_path / "pods.csv").write_text("name,cpu,node\na,1,cheap\n")

    done = run("explain", tmp_path, "a", "--instead-of", "dear", "--goal", "pack", "--json")

    comparison = json.loads(done.stdout)["comparison"]
    assert comparison["terms"] == {"pack": {"here": 1.0, "there": 3.0, "difference": 2.0}}
    assert "dear is dearer than cheap" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "pod is 'nobody', which the input does not have"),
        (["report", "--instead-of", "n9"], "instead_of is 'n9', which the input does not have"),
        (["report", "--goal", "balanse"], "did you mean 'balance'?"),
    ],
)
def test_names_that_are_not_there_are_errors(run, web: Path, arguments: list[str], said: str):
    done = run("explain", web, *arguments)

    assert done.exit_code == 1
    assert said in done.stderr


def test_of_many_nodes_the_best_are_listed_and_the_others_counted_by_reason(run, tmp_path: Path):
    rows = [*(f"good-{n},4,\n" for n in range(15)), *(f"small-{n},1,\n" for n in range(30))]
    (tmp_path / "nodes.csv").write_text("name,cpu,memory\n" + "".join(rows))
    (tmp_path / "pods.csv").write_text("name,cpu\na,2\n")

    done = run("explain", tmp_path, "a")

    lines = [" ".join(line.split()) for line in done.stderr.splitlines()]
    assert "5 more nodes fits" in lines
    assert "30 nodes NodeResourcesFit Insufficient cpu" in lines
    assert len(lines) < 20
