"""Bad input: one readable error with place, value and fix; exit code 1; nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "4"}}}


def pod(name: str = "web", cpu: str = "1", **spec: object) -> dict[str, object]:
    containers = [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def manifest(*objects: object) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*objects]}).encode()


def bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


BAD_OPERATOR = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "Is", "values": ["ssd"]}]}]
    }
}
MANIFESTS = {
    "duplicate node": (manifest(NODE, NODE), ["n1", "duplicate"]),
    "duplicate pod": (manifest(NODE, pod(), pod()), ["default/web", "duplicate"]),
    "negative quantity": (manifest(NODE, pod(cpu="-1")), ["default/web", "'-1'"]),
    "no quantity": (manifest(NODE, pod(cpu="4gb")), ["default/web", "'4gb'"]),
    "beyond int64": (manifest(NODE, pod(cpu="99999999999999999999")), ["default/web", "99999999999999999999"]),
    "bad operator": (manifest(NODE, pod(affinity={"nodeAffinity": BAD_OPERATOR})), ["default/web", "'Is'"]),
    "misspelt annotation": (
        manifest(NODE, {**pod(), "metadata": {"name": "web", "annotations": {"placer.dev/numaa": "require"}}}),
        ["placer.dev/numaa", "did you mean placer.dev/numa?"],
    ),
    "empty file": (b"", ["cluster.json", "empty"]),
    "truncated JSON": (manifest(NODE, pod())[:-30], ["cluster.json"]),
    "not UTF-8": (b'{"kind": "Node", "metadata": {"name": "n\xff1"}}', ["cluster.json"]),
    "duplicate key in YAML": (b"kind: Node\nkind: Pod\n", ["duplicate"]),
    "YAML bomb": (bomb(), ["cluster.json"]),
    "no objects": (b"[1, 2, 3]", ["cluster.json"]),
}
TABLES = {
    "misspelt column": ("name,cpu,memry\na,1,1Gi\n", ["memry", "did you mean 'memory'?"]),
    "negative quantity": ("name,cpu\na,-1\n", ["'-1'"]),
    "not a number": ("name,cpu\na,NaN\n", ["NaN"]),
    "beyond int64": ("name,memory\na,9223372036854775808\n", ["9223372036854775808"]),
    "wrong type": ("name,priority\na,high\n", ["priority", "high"]),
    "duplicate": ("name,cpu\na,1\na,1\n", ["pods.csv", "'a'", "duplicate"]),
    "empty": ("", ["pods.csv", "empty"]),
    "ragged": ("name,cpu\na,1,2\n", ["pods.csv"]),
}


def refused(done: object, *said: str) -> None:
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert "this is a bug" not in done.stderr
    for text in said:
        assert text in done.stderr


@pytest.mark.parametrize("command", ["solve", "verify"])
@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests(run, tmp_path: Path, case: str, command: str):
    content, said = MANIFESTS[case]
    (tmp_path / "cluster.json").write_bytes(content)

    refused(run(command, tmp_path / "cluster.json", "--json", "--quiet"), *said)


@pytest.mark.parametrize("case", TABLES)
def test_tables(run, tmp_path: Path, case: str):
    content, said = TABLES[case]
    (tmp_path / "nodes.csv").write_text("name,cpu\nn1,4\n")
    (tmp_path / "pods.csv").write_text(content)

    refused(run("solve", tmp_path), *said)


def test_all_problems_are_shown_together_the_first_ten_in_full(run, tmp_path: Path):
    (tmp_path / "cluster.json").write_bytes(
        manifest(*(pod(f"p{number}", cpu=f"-{number + 1}") for number in range(12)))
    )

    lines = run("solve", tmp_path / "cluster.json").stderr.splitlines()

    assert len(lines) == 11
    assert "default/p0" in lines[0]
    assert lines[-1] == "error: and 2 more problems of this input"


def test_a_file_that_is_not_there(run, tmp_path: Path):
    refused(run("solve", tmp_path / "none.json"), "none.json: no such file or directory")


def test_an_unknown_goal_has_a_hint(run, small: Path):
    refused(run("solve", small, "--goal", "pakc"), "'pakc' is no goal: did you mean 'pack'?")


def test_an_unknown_input_format_has_a_hint(run, small: Path):
    refused(run("solve", small, "--format", "parqet"), "did you mean 'parquet'?")


@pytest.mark.parametrize("limit", ["0", "-1", "nan"])
def test_a_time_limit_must_be_above_zero(run, small: Path, limit: str):
    refused(run("solve", small, "--time-limit", limit), "time_limit is")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 1, "input": 3, "bindings": []}']
)
def test_a_file_that_is_no_solution(run, small: Path, tmp_path: Path, content: bytes):
    (tmp_path / "s.json").write_bytes(content)

    refused(run("verify", small, "--solution", tmp_path / "s.json"), "s.json")


def test_an_old_answer_stays_when_the_new_one_fails(run, small: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    out.write_text("old")
    (small / "pods.csv").write_text("name,cpu\na,-1\n")

    refused(run("solve", small, "-o", out))

    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "small"]


def test_an_answer_in_a_missing_directory_is_refused(run, small: Path, tmp_path: Path):
    refused(run("solve", small, "-o", tmp_path / "no" / "out.json"), "there is no directory")


def test_an_answer_in_place_of_a_directory_is_refused(run, small: Path, tmp_path: Path):
    refused(run("solve", small, "-o", tmp_path), "is a directory")
