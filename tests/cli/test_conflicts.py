"""What conflicts, on the command line: explain shows it, and solve --require-all fails with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CROWDED = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: a}}, status: {allocatable: {cpu: "4", pods: "9"}}}
- {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {zone: b}}, status: {allocatable: {cpu: "4", pods: "9"}}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    replicas: 3
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        affinity:
          podAntiAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
            - {topologyKey: zone, labelSelector: {matchLabels: {app: web}}}
        containers: [{name: main, image: web, resources: {requests: {cpu: "1"}}}]
"""


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    path = tmp_path / "crowded.yaml"
    path.write_text(CROWDED)
    return path


def test_require_all_fails_with_the_conflict_in_words(run, crowded: Path):
    done = run("solve", crowded, "--require-all", "--json")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == ["error: default/web needs 3 zones, 2 exist"]


def test_explain_shows_what_conflicts_with_the_others(run, crowded: Path):
    done = run("explain", crowded, "web-0", "--json")

    assert "Together with the others: default/web needs 3 zones, 2 exist" in done.stderr
    found = json.loads(done.stdout)["conflicts"]
    assert found["status"] == "infeasible"
    assert found["conflicts"][0]["pods"] == {"default/web": 3}
    assert found["conflicts"][0]["minimal"]


def test_in_an_answer_a_pod_that_has_a_node_has_no_conflict(run, crowded: Path, tmp_path: Path):
    out = tmp_path / "out.json"
    run("solve", crowded, "--quiet", "-o", out)
    placed = json.loads(out.read_text())["bindings"][0]["pod"]

    done = run("explain", crowded, placed, "--solution", out, "--json")

    assert json.loads(done.stdout)["conflicts"] is None
    assert "Together" not in done.stderr
