"""One function for every input: what it is is told by content, what is wrong with it in one error."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import placer as pl
from placer.errors import DISTRIBUTION, MissingExtraError
from placer.formats import arrow, formats, load, schema, write
from placer.formats.columns import NODE_COLUMNS, POD_COLUMNS
from placer.formats.files import replace_file
from placer.formats.frames import write_frames
from placer.formats.tables import to_csv, to_parquet
from placer.solution import Binding, Solution

needs_kubernetes = pytest.mark.skipif(
    find_spec("placer.orchestrators") is None, reason="placer.orchestrators.kubernetes is not there"
)
pa = pytest.importorskip("pyarrow", reason="tables need the extra frames")

CLUSTER = pl.Cluster(
    [pl.Node("n1", cpu=4, memory="8Gi", labels={"zone": "a"}, price=0.5), pl.Node("n2", cpu=2)],
    [pl.Pod("web", replicas=2, cpu=0.5, spread="zone"), pl.Pod("db", memory="1Gi", node="n1", numa="require")],
    {"default": {"team": "x"}},
)
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "4"}}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "500m"}}}]},
}
YAML = """apiVersion: v1
kind: Node
metadata: {name: n1}
status: {allocatable: {cpu: '4'}}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: c, resources: {requests: {cpu: 500m}}}]}
"""


def assert_equal(back: pl.Cluster, cluster: pl.Cluster) -> None:
    assert list(back.nodes) == list(cluster.nodes)
    assert list(back.pods) == list(cluster.pods)
    assert back.digest == cluster.digest


def assert_small(cluster: pl.Cluster) -> None:
    assert [(node.name, node.allocatable["cpu"]) for node in cluster.nodes] == [("n1", 4000)]
    assert [(pod.name, pod.requests["cpu"]) for pod in cluster.pods] == [("web", 500)]


def refused(*inputs: object, format: str | None = None) -> str:
    with pytest.raises(pl.InputError) as caught:
        load(*inputs, format=format)
    return str(caught.value)


@needs_kubernetes
def test_json_of_one_object_each_is_read(tmp_path):
    for name, item in (("node", NODE), ("pod", POD)):
        (tmp_path / f"{name}.json").write_text(json.dumps(item))
    assert_small(load(tmp_path / "node.json", tmp_path / "pod.json"))
    assert_small(load(str(tmp_path)))


@needs_kubernetes
def test_lists_and_multi_document_yaml_are_read_and_mixed(tmp_path):
    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [NODE, POD]}))
    (tmp_path / "all.yaml").write_text(YAML)
    assert_small(load(tmp_path / "all.json"))
    assert_small(load(tmp_path / "all.yaml"))
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "n1.json.gz").write_bytes(gzip.compress(json.dumps(NODE).encode()))
    (tmp_path / "pod.yml").write_text(YAML.split("---")[1])
    assert_small(load([tmp_path / "nodes", tmp_path / "pod.yml"]))


@needs_kubernetes
@pytest.mark.parametrize("text", [YAML, json.dumps({"kind": "List", "items": [NODE, POD]})])
def test_standard_input_is_read(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert_small(load("-"))


@needs_kubernetes
def test_objects_are_read():
    assert_small(load(NODE, POD))
    assert_small(load([NODE, POD]))


def test_frames_are_read():
    nodes, pods = write_frames(CLUSTER)
    for back in (load((nodes, pods)), load(nodes, pods)):
        assert list(back.pods) == list(CLUSTER.pods)


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_tables_are_read_from_a_directory_or_as_files_in_any_order(tmp_path, format):
    write(CLUSTER, tmp_path, format)
    assert sorted(os.listdir(tmp_path)) == [f"{role}.{format}" for role in ("namespaces", "nodes", "pods")]
    assert_equal(load(tmp_path), CLUSTER)
    files = [tmp_path / f"{role}.{format}" for role in ("pods", "namespaces", "nodes")]
    assert_equal(load(*files), CLUSTER)
    assert_equal(load(*files, format=format), CLUSTER)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_tables_may_be_compressed_and_of_both_kinds(tmp_path, suffix):
    nodes, pods = write_frames(CLUSTER)
    replace_file(tmp_path / f"nodes.csv{suffix}", to_csv(nodes))
    replace_file(tmp_path / f"pods.parquet{suffix}", to_parquet(pods))
    assert list(load(tmp_path).pods) == list(CLUSTER.pods)


def test_tables_of_other_names_are_told_by_a_word_or_by_their_place(tmp_path):
    nodes, pods = write_frames(CLUSTER)
    for name, table in (("prod_pod_list", pods), ("prod_node_list", nodes), ("a", nodes), ("b", pods)):
        (tmp_path / name).write_bytes(to_parquet(table))
    assert list(load(tmp_path / "prod_pod_list", tmp_path / "prod_node_list").pods) == list(CLUSTER.pods)
    assert list(load(tmp_path / "a", tmp_path / "b").pods) == list(CLUSTER.pods)


@needs_kubernetes
@pytest.mark.parametrize("name", ["all.json", "all.yaml", "all.json.gz", "all.yml.xz", "all.json.zst"])
def test_kubernetes_files_are_written_and_read(tmp_path, name):
    CLUSTER.write(tmp_path / name)
    assert_equal(load(tmp_path / name), CLUSTER)


def test_a_new_directory_gets_parquet(tmp_path):
    CLUSTER.write(tmp_path / "new" / "cluster")
    assert_equal(load(tmp_path / "new" / "cluster"), CLUSTER)


def test_a_solution_beside_tables_is_left_alone_but_is_no_cluster(tmp_path):
    CLUSTER.write(tmp_path)
    path = tmp_path / "solution.json"
    Solution(CLUSTER.digest, [Binding("default/web-0", "n1")], [], {}).write(path)
    assert_equal(load(tmp_path), CLUSTER)
    assert "solution.json: is a placer solution, no cluster: give it with --solution" in refused(path)
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True, indent=1))
    assert "is a placer solution" in refused(path)


def test_a_solution_on_standard_input_is_no_cluster(monkeypatch):
    data = Solution(CLUSTER.digest, [], [], {}).to_json()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert "standard input: is a placer solution" in refused("-")


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("x.json", b"", "x.json: is empty"),
        ("x.json", b" \n", "x.json: is empty"),
        pytest.param("x.json", b'{"kind": "Node", "metadata": {"na', "x.json", marks=needs_kubernetes),
        ("x.yaml", b"kind: Node\nmetadata: {name: \xff\xfe}\n", "x.yaml: byte 28 is 0xff, which is no UTF-8"),
        ("x.yaml", "kind: Node".encode("utf-16"), "x.yaml: is UTF-16, not UTF-8: save the file as UTF-8"),
        ("x.yaml", b"a\0b", "x.yaml: holds binary data of no kind that placer reads"),
        ("nodes.parquet", b"name,cpu\n", "nodes.parquet: does not start with PAR1 as Parquet files do"),
        ("nodes.parquet", b"PAR1 and no more", "nodes.parquet"),
        (
            "nodes.csv",
            b"name,cpu\nn1,4\n",
            "nodes.csv: there is no table of pods: give pods.parquet or pods.csv as well",
        ),
        ("x.json.gz", gzip.compress(b"{}" * 99)[:-9], "x.json.gz: compressed data cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path, name, content, text):
    (tmp_path / name).write_bytes(content)
    assert text in refused(tmp_path / name)
    assert name in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (b"name,cpu\na,1,2\n", "pods.csv: CSV parse error: Expected 2 columns, got 3"),
        (b"name,cpu\na,\xff\n", "pods.csv: byte 11 is 0xff, which is no UTF-8"),
        (b"name,node\n" + b"a,n1\n" * 20000 + b"b,\xff\n", "write CSV in UTF-8"),
        (b"name,cpu\na,-1\n", "pods.csv, row 0 ('a'), column cpu"),
        (b"name,cpu\n,1\n", "pods.csv, row 0, column name: is None: every row needs a name"),
        (b"name,cpus\na,1\n", "pods.csv: there is no column 'cpus': did you mean 'cpu'?"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_said_with_its_name(tmp_path, rows, text):
    (tmp_path / "nodes.csv").write_bytes(b"name,cpu\nn1,4\n")
    (tmp_path / "pods.csv").write_bytes(rows)
    assert text in refused(tmp_path)


def test_what_looks_like_a_number_in_csv_stays_a_text_where_texts_are_meant(tmp_path):
    (tmp_path / "nodes.csv").write_bytes(b"\xef\xbb\xbfname,cpu,memory\r\n001,4,1Gi\r\n")
    (tmp_path / "pods.csv").write_bytes(b"name,node,cpu\n1e3,001,0.5\nNaN,,\n")
    cluster = load(tmp_path)
    assert list(cluster.nodes) == [pl.Node("001", cpu=4, memory="1Gi")]
    assert list(cluster.pods) == [pl.Pod("1e3", node="001", cpu=0.5), pl.Pod("NaN")]


def test_paths_and_directories_that_hold_nothing_are_named(tmp_path):
    assert "is empty: put Kubernetes objects" in refused(tmp_path)
    (tmp_path / "readme.txt").write_text("hello")
    assert "holds nothing that placer reads" in refused(tmp_path)
    assert "none: no such file or directory" in refused(tmp_path / "none")
    assert "there is no input" in refused()


def test_tables_twice_or_among_other_input_are_refused(tmp_path):
    write(CLUSTER, tmp_path, "parquet")
    write(CLUSTER, tmp_path, "csv")
    assert "is a table of namespaces as well: give one of them" in refused(tmp_path)
    for file in tmp_path.glob("*.csv"):
        file.unlink()
    (tmp_path / "more.json").write_text(json.dumps(POD))
    assert "holds tables (namespaces.parquet) and other input (more.json)" in refused(tmp_path)


def test_standard_input_twice_and_things_that_are_no_input_are_refused():
    assert "'-' is a duplicate" in refused("-", "-")
    assert "input 1 is 3, a int: give paths, or Kubernetes objects" in refused(NODE, 3)
    assert "1 data frames: give two" in refused(pa.table({"name": ["n1"]}))


def test_unknown_formats_are_named_with_what_may_be_meant(tmp_path):
    assert "format 'parket' is unknown: did you mean 'parquet'?" in refused(tmp_path, format="parket")
    assert "use one of" in refused(tmp_path, format="zzz")


def test_without_pyarrow_the_extra_is_named(monkeypatch, tmp_path):
    CLUSTER.write(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"need pyarrow: pip install '.+\[frames\]'"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["out.txt", "nodes.parquet", "nodes.csv"])
def test_a_path_that_tells_no_format_is_refused(tmp_path, name):
    with pytest.raises(pl.InputError, match="give a directory"):
        write(CLUSTER, tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_cluster_is_no_solution(tmp_path):
    with pytest.raises(pl.InputError, match="a cluster is no solution"):
        write(CLUSTER, tmp_path / "x.json", "solution")


def test_a_directory_that_cannot_be_filled_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(pl.InputError, match="No space left on device"):
        write(CLUSTER, tmp_path / "new")
    assert os.listdir(tmp_path) == []


def test_formats_are_listed_with_what_they_can():
    found = {format.name: (format.reads, format.writes) for format in formats()}
    assert found["kubernetes"] == found["parquet"] == found["csv"] == (True, True)
    assert all(format.description.endswith(".") for format in formats())


def test_the_schema_of_tables_lists_every_column_with_type_and_meaning():
    tables = schema("parquet")["properties"]
    assert set(tables["nodes"]["items"]["properties"]) == set(NODE_COLUMNS)
    assert set(tables["pods"]["items"]["properties"]) == set(POD_COLUMNS)
    assert tables["pods"]["items"]["properties"]["memory"]["unit"] == "bytes"
    assert tables["pods"]["items"]["properties"]["labels"]["contentSchema"]["type"] == "object"
    assert all({"type", "description"} <= set(column) for column in tables["pods"]["items"]["properties"].values())


def test_the_schema_of_solutions_has_every_field_of_one():
    fields = Solution("sha256:0", [], [], {}).to_dict()
    assert set(schema("solution")["properties"]) == set(fields)
    for format in formats():
        assert msgspec.json.encode(schema(format.name))


def test_a_registered_format_is_found(monkeypatch, tmp_path):
    class Entry:
        name = "mine"

        def load(self) -> pl.formats.Format:  # type: ignore[name-defined]
            return Format(
                "mine", "My own.", read=lambda paths: CLUSTER, detect=lambda paths: paths[0].suffix == ".mine"
            )

    from placer.formats import Format, registry

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry()] if group == "placer.formats" else [])
    (tmp_path / "x.mine").write_text("anything")
    assert load(tmp_path / "x.mine") is CLUSTER
    assert load(tmp_path / "x.mine", format="mine") is CLUSTER


def test_frames_need_no_files_and_files_no_frames():
    assert arrow.is_frame(pa.table({}))
    assert not arrow.is_frame({"name": ["a"]})


def cluster_or_error(*paths: Path) -> None:
    try:
        assert isinstance(load(*paths), pl.Cluster)
    except pl.InputError as error:
        assert str(error).strip()


@needs_kubernetes
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@settings(max_examples=150)
def test_any_bytes_are_a_cluster_or_one_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(data)
    cluster_or_error(path)
    cluster_or_error(path, path)


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[float, int, bytes]]:
    """Places in a file as fractions, how many bytes go there, and what comes in their place."""
    return draw(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=4)), min_size=1, max_size=4))


def mutate(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, gone, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + gone :]
    return data


@pytest.mark.parametrize("name", ["nodes.parquet", "pods.parquet", "nodes.csv", "pods.csv"])
def test_a_damaged_table_is_a_cluster_or_one_error(tmp_path, name):
    write(CLUSTER, tmp_path, Path(name).suffix[1:])
    check_damaged(tmp_path, tmp_path / name)


@needs_kubernetes
@pytest.mark.parametrize("name", ["all.json", "all.yaml"])
def test_a_damaged_manifest_is_a_cluster_or_one_error(tmp_path, name):
    CLUSTER.write(tmp_path / name)
    check_damaged(tmp_path, tmp_path / name)


def check_damaged(target: Path, file: Path) -> None:
    good = file.read_bytes()

    @given(changes=mutations())
    @settings(max_examples=60)
    def check(changes: list[tuple[float, int, bytes]]) -> None:
        file.write_bytes(mutate(good, changes))
        cluster_or_error(target)

    check()


def test_the_name_to_install_is_the_one_of_the_project():
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["name"] == DISTRIBUTION
