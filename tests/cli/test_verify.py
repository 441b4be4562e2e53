"""placer verify: the rules broken, by rule; exit code 1 when there are any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.test_asked import everything_broken


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Five pods of 1 cpu stand on a node of 2."""
    (tmp_path / "nodes.csv").write_text("name,cpu\nn1,2\n")
    (tmp_path / "pods.csv").write_text("name,cpu,node\n" + "".join(f"p{number},1,n1\n" for number in range(7)))
    return tmp_path


def answer_with(run, cluster: Path, out: Path, **changes: object) -> Path:
    run("solve", cluster, "--quiet", "-o", out)
    out.write_text(json.dumps(json.loads(out.read_text()) | changes))
    return out


def test_the_present_placement_is_checked_without_a_solution(run, crowded: Path):
    done = run("verify", crowded)

    assert done.exit_code == 1
    assert "NodeResourcesFit" in done.stderr
    assert "and 2 more" in done.stderr
    assert "error: the present placement: 5 violations" in done.stderr


def test_a_placement_in_order_ends_with_zero(run, web: Path):
    done = run("verify", web)

    assert done.exit_code == 0
    assert "the present placement: no rule is broken" in done.stderr
    assert ["NodeResourcesFit", "1", "0"] in [line.split() for line in done.stderr.splitlines()]


def test_every_rule_of_a_dump_is_audited(run, tmp_path: Path):
    dump = tmp_path / "dump.json"
    everything_broken().write(dump)

    done = run("verify", dump, "--json")

    rules = json.loads(done.stdout)["rules"]
    assert done.exit_code == 1
    assert [rule for rule, found in rules.items() if not found["violating"]] == ["Unsupported"]
    assert rules["NodePorts"] == {"checked": 2, "violating": 1}
    assert rules["TaintToleration"] == {"checked": 25, "violating": 1}
    rows = [line.split()[:3] for line in done.stderr.splitlines()]
    assert ["VolumeBinding", "5", "1"] in rows


def test_json_lists_every_violation_and_counts_them(run, crowded: Path):
    done = run("verify", crowded, "--json")

    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert report["verified"] is False
    assert report["by_rule"] == {"NodeResourcesFit": 5}
    assert report["rules"]["NodeResourcesFit"] == {"checked": 7, "violating": 5}
    assert report["rules"]["NodePorts"] == {"checked": 0, "violating": 0}
    assert report["violations"][0]["rule"] == "NodeResourcesFit"
    assert report["violations"][0]["node"] == "n1"


def test_a_broken_solution_names_the_rule(run, web: Path, tmp_path: Path):
    wrong = [{"pod": "default/cache", "node": "n1"}]
    out = answer_with(run, web, tmp_path / "out.json", bindings=wrong)

    done = run("verify", web, "--solution", out)

    assert done.exit_code == 1
    assert "NodeAffinity" in done.stderr


def test_a_solution_for_another_input_is_refused(run, web: Path, small: Path, tmp_path: Path):
    out = answer_with(run, web, tmp_path / "out.json")

    done = run("verify", small, "--solution", out)

    assert done.exit_code == 1
    assert "made for another input" in done.stderr


def test_a_newer_solution_is_refused_by_version(run, web: Path, tmp_path: Path):
    out = answer_with(run, web, tmp_path / "out.json", version=99)

    done = run("verify", web, "--solution", out)

    assert done.exit_code == 1
    assert "version is 99, newer than 1" in done.stderr


def test_quiet_still_shows_the_error(run, crowded: Path):
    done = run("verify", crowded, "--quiet")

    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
