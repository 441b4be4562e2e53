"""Wrong usage ends with 2 and one line on what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "nomad"], "there is no such profile"),
        (["--config", "scheduler.yaml"], "--config is 'scheduler.yaml': it goes with --profile kubernetes"),
        (["--as", "xml"], "'xml' is not one of"),
        (["--seed", "many"], "'--seed'"),
        (["--threads", "0"], "'--threads'"),
        (["--as", "parquet"], "--as parquet writes bytes: give -o FILE"),
        (["--json", "--as", "csv"], "--json and --as csv both write to stdout"),
        (["--misspelt"], "No such option"),
    ],
)
def test_solve_refuses(run, small: Path, arguments: list[str], said: str):
    done = run("solve", small, *arguments)

    assert done.exit_code == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


CONFIGURATION = """
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles: [{schedulerName: a}, {schedulerName: b}]
"""


def test_the_profiles_of_a_configuration_are_read_before_the_cluster(run, tmp_path: Path):
    (tmp_path / "scheduler.yaml").write_text(CONFIGURATION)
    asked = ["solve", tmp_path / "none.json", "--profile", "kubernetes", "--config", tmp_path / "scheduler.yaml"]

    assert "no such file" in run(*asked).stderr
    done = run(*asked, "--scheduler-name", "c")
    assert done.exit_code == 2
    assert "scheduler_name is 'c': no profile has that name; give one of 'a', 'b'" in done.stderr


def test_a_wrong_configuration_is_bad_input(run, small: Path, tmp_path: Path):
    (tmp_path / "scheduler.yaml").write_text(CONFIGURATION + "extenders: [{urlPrefix: x}]\n")

    done = run("solve", small, "--profile", "kubernetes", "--config", tmp_path / "scheduler.yaml")

    assert done.exit_code == 1
    assert "scheduler.yaml: extenders: Forbidden: placer calls no extenders" in done.stderr


def test_pods_of_other_schedulers_are_left_alone(run, small: Path):
    (small / "pods.csv").write_text("name,cpu,memory,scheduler_name\na,1,1Gi,mine\nb,1,1Gi,\n")

    done = run("solve", small, "--scheduler-name", "mine", "--json")

    assert done.exit_code == 0
    assert [binding["pod"] for binding in json.loads(done.stdout)["bindings"]] == ["default/a"]
    assert json.loads(done.stdout)["schedulers"] == ["mine"]
    assert "1, of other schedulers" in done.stderr


@pytest.mark.parametrize("arguments", [["solve"], ["explain", "only-a-pod"], ["nonsense"], ["generate", "nonsense"]])
def test_commands_need_their_arguments(run, arguments: list[str]):
    assert run(*arguments).exit_code == 2
