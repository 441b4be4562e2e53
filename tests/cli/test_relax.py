"""placer relax: what softening each hard rule would buy."""

from __future__ import annotations

import json
from pathlib import Path


def test_one_document_has_what_each_change_buys_with_its_proof(run, web: Path):
    done = run("relax", web, "--json", "--quiet")

    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["objective"] == {"unplaced": 1, "pack": 3.0}
    assert [(each["pods"], each["text"], each["tier"], each["bought"]) for each in found["relaxations"]] == [
        ("default/report", "ask 4Gi less memory (6Gi)", "unplaced", 1.0),
        ("default/web", "tolerate dedicated=cache:NoSchedule", "pack", 1.0),
    ]
    assert all(each["proven"] for each in found["relaxations"])
    assert (found["unknown"], found["untried"]) == (0, 0)


def test_goals_are_those_asked_for(run, web: Path):
    done = run("relax", web, "--goal", "balance", "--json", "--quiet")

    assert set(json.loads(done.stdout)["objective"]) == {"unplaced", "balance"}


def test_what_the_limit_left_out_is_said(run, web: Path):
    done = run("relax", web, "--time-limit", "0.000001")

    assert done.exit_code == 0
    assert "were not tried in time" in done.stderr


def test_bad_input_is_one_clear_error(run, web: Path):
    assert "did you mean 'pack'?" in run("relax", web, "--goal", "packk").stderr
    done = run("relax", web, "--time-limit", "0")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "relax: time_limit is 0.0: give a number above 0" in done.stderr
