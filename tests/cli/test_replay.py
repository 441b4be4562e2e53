"""placer solve --replay: the pods that stand, decided once more; exit code 0 whatever they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NODE = """
apiVersion: v1
kind: Node
metadata: {{name: {name}, uid: {name}}}
status: {{allocatable: {{cpu: "4", memory: 8Gi, pods: "110"}}}}
---"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, uid: {name}}}
spec:
  nodeName: {node}
  containers: [{{name: main, image: web, resources: {{requests: {{cpu: "1", memory: 1Gi}}}}}}]
status: {{phase: Running, startTime: "2026-01-31T12:00:0{second}Z"}}
---"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Five nodes and four pods as kube-scheduler binds them; then ``c`` was moved by hand from n3 to n1."""
    placed = [("d", "n4", 4), ("c", "n1", 3), ("b", "n2", 2), ("a", "n1", 1)]
    nodes = [NODE.format(name=name) for name in ("n1", "n2", "n3", "n4", "n5")]
    pods = [POD.format(name=name, node=node, second=second) for name, node, second in placed]
    path = tmp_path / "dump.yaml"
    path.write_text("".join(nodes + pods))
    return path


def test_a_pod_moved_by_hand_is_the_one_reported(run, dump: Path):
    done = run("solve", dump, "--profile", "kubernetes", "--replay", "--json", "--quiet")

    report = json.loads(done.stdout)
    assert done.exit_code == 0
    assert report["counts"] == {"equal": 2, "tied": 1, "below": 1, "illegal": 0}
    assert report["skipped"] == 0
    (moved,) = report["differing"]
    assert moved == {
        "pod": "default/c",
        "node": "n1",
        "verdict": "below",
        "best": "n3",
        "score": 434,
        "best_score": 452,
        "plugins": {"NodeResourcesFit": -19, "NodeResourcesBalancedAllocation": 1},
        "plugin": "",
        "reasons": [],
        "below": 18,
        "message": (
            "n1 scores 434, n3 would have scored 452: NodeResourcesFit -19, NodeResourcesBalancedAllocation +1"
        ),
    }


def test_what_is_read(run, dump: Path, snapshot):
    done = run("solve", dump, "--profile", "kubernetes", "--replay")

    assert done.exit_code == 0
    assert done.stdout == ""
    assert "\n".join(line.rstrip() for line in done.stderr.splitlines()) == snapshot


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--replay is given without --profile: give --profile kubernetes"),
        (["--profile", "kubernetes", "--as", "csv"], "--replay places nothing that -o or --as could write"),
    ],
)
def test_options_that_do_not_go_with_it(run, dump: Path, options: list[str], said: str):
    done = run("solve", dump, "--replay", *options)

    assert done.exit_code == 2
    assert said in done.stderr
