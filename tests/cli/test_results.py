"""The forms of an answer: placer's JSON, Binding objects, kubectl lines, tables."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import placer as pl
from placer.cli.results import ResultFormat, choose_format, render
from placer.errors import InputError
from placer.solution import Binding, Eviction, Solution


def test_kubernetes_is_a_list_of_bindings_without_pods_that_do_not_exist_yet(run, web: Path):
    done = run("solve", web, "--quiet", "--as", "kubernetes")

    assert json.loads(done.stdout) == {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"namespace": "default", "name": "cache"},
                "target": {"apiVersion": "v1", "kind": "Node", "name": "n3"},
            }
        ],
    }


def test_kubectl_is_one_command_a_line(run, web: Path):
    done = run("solve", web, "--quiet", "--as", "kubectl")

    words = shlex.split(done.stdout)
    assert words[:2] == ["printf", "%s"]
    assert json.loads(words[2])["target"]["name"] == "n3"
    assert words[3:] == ["|", "kubectl", "create", "--raw", "/api/v1/namespaces/default/pods/cache/binding", "-f", "-"]


def evicting() -> tuple[pl.Cluster, Solution]:
    """A pod makes room for another; a third waits for its controller to make it."""
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=1)],
        [pl.Pod("low", cpu=1, node="n1"), pl.Pod("high", namespace="prod", cpu=1), pl.Pod("made", expected=True)],
    )
    bindings = [Binding("prod/high", "n1"), Binding("default/made", "n1")]
    return cluster, Solution(cluster.digest, bindings, [], {}, evictions=[Eviction("default/low", "n1", "prod/high")])


def test_kubernetes_has_the_eviction_just_before_the_binding_that_it_makes_room_for():
    items = json.loads(render(*evicting(), ResultFormat.kubernetes))["items"]

    low, high = {"namespace": "default", "name": "low"}, {"namespace": "prod", "name": "high"}
    assert items == [
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": low},
        {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": high,
            "target": {"apiVersion": "v1", "kind": "Node", "name": "n1"},
        },
    ]


def test_kubectl_posts_evictions_and_bindings_to_their_subresources():
    lines = [shlex.split(line) for line in render(*evicting(), ResultFormat.kubectl).decode().splitlines()]

    assert [json.loads(words[2])["kind"] for words in lines] == ["Eviction", "Binding"]
    assert [words[3:] for words in lines] == [
        ["|", "kubectl", "create", "--raw", f"/api/v1/namespaces/{path}", "-f", "-"]
        for path in ("default/pods/low/eviction", "prod/pods/high/binding")
    ]


def test_parquet_holds_the_bindings_in_order(run, web: Path, tmp_path: Path):
    import pyarrow.parquet

    out = tmp_path / "bindings.parquet"
    run("solve", web, "--quiet", "-o", out)

    table = pyarrow.parquet.read_table(out)
    assert table.column_names == ["pod", "node", "devices", "claims"]
    assert table.num_rows == 5


@pytest.mark.parametrize(
    ("asked", "out", "chosen"),
    [
        (None, None, None),
        (None, "a.json", ResultFormat.json),
        (None, "a.csv.gz", ResultFormat.csv),
        (None, "a.parquet", ResultFormat.parquet),
        (None, "a.txt", ResultFormat.json),
        (None, "-", ResultFormat.json),
        (ResultFormat.kubectl, "a.csv", ResultFormat.kubectl),
        (ResultFormat.csv, None, ResultFormat.csv),
    ],
)
def test_the_name_tells_the_form_where_none_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: ResultFormat | None,
    out: str | None,
    chosen: ResultFormat | None,
):
    monkeypatch.chdir(tmp_path)

    assert choose_format(asked, None if out is None else Path(out), as_json=False) is chosen


def test_a_missing_directory_is_refused_before_the_work():
    with pytest.raises(InputError, match="there is no directory '/no/such'"):
        choose_format(None, Path("/no/such/out.json"), as_json=False)
