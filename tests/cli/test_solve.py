"""placer solve: read, place, verify, write; exit codes say how it ended."""

from __future__ import annotations

import csv
import json
from importlib import import_module
from pathlib import Path

import pytest

import placer as pl
from placer.solution import Binding
from placer.verify import Violation


def test_zero_when_every_pod_is_placed(run, small: Path):
    done = run("solve", small)

    assert done.exit_code == 0
    assert done.stdout == ""
    assert "verified" in done.stderr


def test_three_when_pods_stay_unplaced(run, web: Path):
    done = run("solve", web)

    assert done.exit_code == 3
    assert "default/report: 0/3 nodes are available" in done.stderr


def test_json_is_one_document_and_all_of_stdout(run, web: Path):
    done = run("solve", web, "--json")

    solution = json.loads(done.stdout)
    assert done.exit_code == 3
    assert solution["version"] == 1
    assert [unplaced["pod"] for unplaced in solution["unplaced"]] == ["default/report"]
    assert solution["statistics"]["verified"] is True


def test_statistics_hold_the_seconds_of_each_stage_and_the_memory(run, web: Path):
    statistics = json.loads(run("solve", web, "--json").stdout)["statistics"]

    assert [stage for stage in statistics["seconds"] if stage in ("load", "encode", "place", "verify")] == [
        "load",
        "encode",
        "place",
        "verify",
    ]
    assert statistics["peak_rss_mb"] > 10


def test_equal_runs_are_equal_but_for_statistics(run, web: Path):
    first, second = (json.loads(run("solve", web, "--json", "--seed", 7).stdout) for _ in range(2))

    del first["statistics"], second["statistics"]
    assert first == second
    assert first["seed"] == 7


def test_quiet_shows_nothing(run, small: Path):
    done = run("solve", small, "--quiet")

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_standard_input_is_read(run, web: Path):
    assert run("solve", "-", "--quiet", stdin=web.read_bytes()).exit_code == 3


def test_goals_are_tiers_in_order(run, web: Path):
    solution = json.loads(run("solve", web, "--json", "--goal", "balance", "--goal", "2*pack+headroom").stdout)

    assert solution["goals"] == ["balance", "2*pack+headroom"]
    assert list(solution["objective"]) == ["unplaced", "balance", "2*pack+headroom"]


def test_a_time_limit_is_kept_in_the_answer(run, web: Path):
    solution = json.loads(run("solve", web, "--json", "--time-limit", "5", "--steps", "1000").stdout)

    assert solution["limits"] == {"time_limit": 5.0, "steps": 1000}


def test_a_proof_is_shown_with_its_bound_and_gap(run, web: Path):
    done = run("solve", web, "--prove", "--gap", "0.05")
    told = json.loads(run("solve", web, "--prove", "--json").stdout)

    assert "gap" in done.stderr
    assert (told["status"], told["gap"]) == ("optimal", 0.0)
    assert told["bound"] == told["objective"]


def test_a_gap_below_0_is_bad_input(run, web: Path):
    done = run("solve", web, "--gap", "-1")

    assert done.exit_code == 1
    assert "gap is -1.0: give 0 or a number above" in done.stderr


def test_require_all_fails_and_names_a_pod(run, web: Path, tmp_path: Path):
    out = tmp_path / "out.json"

    done = run("solve", web, "--require-all", "-o", out)

    assert done.exit_code == 1
    assert "default/report" in done.stderr
    assert not out.exists()


def test_the_answer_is_written_and_can_be_verified(run, web: Path, tmp_path: Path):
    out = tmp_path / "answer.json"

    assert run("solve", web, "-o", out, "--quiet").exit_code == 3
    assert run("verify", web, "--solution", out).exit_code == 0
    assert len(pl.Solution.read(out).bindings) == 5


def test_a_compressed_name_is_written_compressed(run, web: Path, tmp_path: Path):
    out = tmp_path / "answer.json.gz"

    run("solve", web, "-o", out, "--quiet")

    assert out.read_bytes()[:2] == b"\x1f\x8b"
    assert len(pl.Solution.read(out).bindings) == 5


def test_json_and_an_output_file_give_both(run, small: Path, tmp_path: Path):
    out = tmp_path / "bindings.csv"

    done = run("solve", small, "--json", "-o", out)

    assert json.loads(done.stdout)["bindings"] == [
        {"pod": "default/a", "node": "n1"},
        {"pod": "default/b", "node": "n1"},
    ]
    assert list(csv.DictReader(out.open())) == [
        {"pod": "default/a", "node": "n1", "devices": "", "claims": ""},
        {"pod": "default/b", "node": "n1", "devices": "", "claims": ""},
    ]


def test_no_verify_says_so(run, small: Path):
    done = run("solve", small, "--no-verify", "--json")

    assert json.loads(done.stdout)["statistics"]["verified"] is None
    assert "not asked for" in done.stderr


def test_a_warning_of_the_input_is_shown(run, tmp_path: Path):
    (tmp_path / "nodes.csv").write_text("name,cpu\nn1,4\n")
    (tmp_path / "pods.csv").write_text("name,cpu,node\na,1,gone\n")

    done = run("solve", tmp_path)

    assert done.exit_code == 0
    assert "Pod default/a: bound to node 'gone', which the input does not have" in done.stderr


def test_an_answer_that_breaks_a_rule_is_not_given_away(
    run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = [
        Violation("NodeResourcesFit", "default/a", "n1", "default/a on n1: NodeResourcesFit: cpu would be 5 of 4")
    ]
    monkeypatch.setattr(import_module("placer.verify"), "verify", lambda cluster, solution: broken)
    out = tmp_path / "out.json"

    done = run("solve", small, "-o", out, "--json")

    assert done.exit_code == 1
    assert json.loads(done.stdout)["verified"] is False
    assert "NodeResourcesFit" in done.stderr
    assert not out.exists()


def test_what_the_answer_says_is_what_the_library_says(run, web: Path):
    solution = json.loads(run("solve", web, "--json").stdout)

    expected = pl.solve(pl.load(web))
    assert [Binding(row["pod"], row["node"]) for row in solution["bindings"]] == list(expected.bindings)


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two nodes, and one pod more than one of them has room for."""
    path = tmp_path / "pair"
    path.mkdir()
    (path / "nodes.csv").write_text("name,cpu,memory\nn1,4,8Gi\nn2,4,8Gi\n")
    (path / "pods.csv").write_text("name,replicas,cpu,memory\nweb,5,1,1Gi\n")
    return path


def test_a_reserve_and_buffers_are_kept_and_told(run, pair: Path, tmp_path: Path):
    out = tmp_path / "answer.json"

    done = run("solve", pair, "--reserve", "node", "--buffer", "spare=2:cpu=1,memory=1Gi", "-o", out)

    answer = json.loads(out.read_text())
    assert done.exit_code == 3
    assert "each of 2 kubernetes.io/hostname may fail; 1 pods left out for it" in done.stderr
    assert "room for 2 of 2 pods" in done.stderr
    assert [binding["pod"] for binding in answer["room"]] == ["default/spare-0", "default/spare-1"]
    assert answer["reserve"] == "kubernetes.io/hostname"
    assert run("verify", pair, "--solution", out).exit_code == 0


def test_a_buffer_is_a_shape_or_a_file_of_pods(run, pair: Path, tmp_path: Path):
    manifest = tmp_path / "spare.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: big}\n"
        "spec: {containers: [{name: a, resources: {requests: {cpu: '5'}}}]}\n"
    )

    done = run("solve", pair, "--json", "--buffer", "team/spare=1:cpu=500m", "--buffer", manifest)

    answer = json.loads(done.stdout)
    assert done.exit_code == 3  # a buffer finds no room
    assert [binding["pod"] for binding in answer["room"]] == ["team/spare-0"]
    assert [unmet["pod"] for unmet in answer["unmet"]] == ["default/big"]


@pytest.mark.parametrize("text", ["nothing.yaml", "spare=many:cpu=1", "spare=3"])
def test_a_buffer_that_is_neither_is_refused(run, pair: Path, text: str):
    done = run("solve", pair, "--buffer", text)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: --buffer is {text!r}, which is no file and no shape")
