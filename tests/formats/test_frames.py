"""Data frames: what a column may hold, what it means, and that every rule survives the way there and back."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import placer as pl
from placer.formats.columns import NODE_COLUMNS, POD_COLUMNS
from placer.formats.frames import bindings_frame, namespaces_frame, read_csv, read_frames, read_parquet, write_frames
from placer.formats.tables import to_csv, to_parquet
from placer.model.node import Node
from placer.model.pod import Pod
from placer.model.relation import HOSTNAME
from placer.solution import Binding, Solution

from .generated import NODE_FIELDS, POD_FIELDS, clusters

pa = pytest.importorskip("pyarrow", reason="tables need the extra frames")

NODES = {"name": ["n1", "n2"], "cpu": [4, 8], "memory": ["16Gi", "8Gi"]}


def read(nodes: dict[str, Any] = NODES, pods: dict[str, Any] | None = None) -> pl.Cluster:
    return read_frames(pa.table(nodes), pa.table({"name": ["web"]} if pods is None else pods))


def problem(pods: dict[str, Any], nodes: dict[str, Any] = NODES) -> str:
    with pytest.raises(pl.InputError) as caught:
        read(nodes, pods)
    return str(caught.value)


def assert_equal(back: pl.Cluster, cluster: pl.Cluster) -> None:
    assert list(back.nodes) == list(cluster.nodes)
    assert list(back.pods) == list(cluster.pods)
    assert back.namespaces == cluster.namespaces
    assert back.digest == cluster.digest


def test_the_strategies_and_the_columns_know_every_field_of_the_model():
    assert {*NODE_FIELDS, "name"} == set(Node.model_fields)
    assert {*POD_FIELDS, "name"} == set(Pod.model_fields)
    assert set(Node.model_fields) - set(NODE_COLUMNS) == {"allocatable", "price_micro"}
    assert set(Pod.model_fields) - set(POD_COLUMNS) == {"requests"}


@given(cluster=clusters())
@settings(max_examples=150)
def test_every_rule_survives_frames(cluster):
    nodes, pods = write_frames(cluster)
    assert_equal(read_frames(nodes, pods, namespaces_frame(cluster)), cluster)


@given(cluster=clusters())
@settings(max_examples=60)
def test_every_rule_survives_parquet_and_csv_files(cluster):
    nodes, pods = write_frames(cluster)
    with TemporaryDirectory() as folder:
        for write, reads in ((to_parquet, read_parquet), (to_csv, read_csv)):
            paths = [Path(folder, name) for name in ("nodes", "pods", "namespaces")]
            for path, table in zip(paths, (nodes, pods, namespaces_frame(cluster)), strict=True):
                path.write_bytes(write(table))
            assert_equal(reads(*paths), cluster)


@given(cluster=clusters())
@settings(max_examples=40)
def test_every_rule_survives_polars_and_pandas(cluster):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    nodes, pods = write_frames(cluster)
    spaces = namespaces_frame(cluster)
    assert_equal(read_frames(polars.from_arrow(nodes), polars.from_arrow(pods), polars.from_arrow(spaces)), cluster)


def test_pandas_frames_are_read():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    nodes = pandas.DataFrame(NODES)
    pods = pandas.DataFrame(
        {
            "name": ["a", "b"],
            "cpu": [0.5, 1.0],
            "node": [None, "n1"],
            "labels": [{"app": "x"}, {"tier": "y"}],
            "numa": pandas.Categorical(["require", None]),
            "priority": pandas.array([7, None], dtype="Int64"),
        }
    )
    cluster = read_frames(nodes, pods)
    assert list(cluster.pods) == [
        pl.Pod("a", cpu=0.5, labels={"app": "x"}, numa="require", priority=7),
        pl.Pod("b", cpu=1, node="n1", labels={"tier": "y"}),
    ]


def test_an_empty_column_of_pandas_is_no_text():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pods = pandas.DataFrame({"name": ["a", "b"], "node": [float("nan")] * 2})
    assert read_frames(pandas.DataFrame(NODES), pods).pod_table.node.tolist() == [-1, -1]


def test_nodes_are_made_of_their_columns():
    cluster = read(
        {
            "name": ["n1", "n2"],
            "cpu": [1.5, None],
            "memory": [1024, None],
            "nvidia.com/gpu": [None, 4],
            "resources": ['{"odd": "2k"}', None],
            "labels": [{"zone": "a"}, {"zone": "b"}],
            "taints": ['[{"key": "gpu"}]', None],
            "unschedulable": [None, True],
            "price": [0.25, None],
            "hostname": [None, False],
        }
    )
    assert list(cluster.nodes) == [
        pl.Node(
            "n1",
            cpu=1.5,
            memory=1024,
            allocatable={"odd": 2000},
            labels={"zone": "a"},
            taints=[pl.Taint(key="gpu")],
            price=0.25,
        ),
        pl.Node("n2", allocatable={"nvidia.com/gpu": 4}, labels={"zone": "b"}, unschedulable=True, hostname=False),
    ]


def test_a_hostname_label_that_is_not_the_name_stays():
    cluster = read({"name": ["n1", "n2"], "labels": [json.dumps({HOSTNAME: "n1"}), json.dumps({HOSTNAME: "other"})]})
    assert [cluster.node_labels(row)[HOSTNAME] for row in (0, 1)] == ["n1", "other"]
    assert cluster.node_table.named.tolist() == [True, False]


@pytest.mark.parametrize(
    ("column", "values", "milli"),
    [
        ("cpu", [0.1 + 0.2, 1.0005, 0.0], [300, 1001, 0]),
        ("cpu", [2, None, 1], [2000, 0, 1000]),
        ("cpu", ["500m", "1.5", None], [500, 1500, 0]),
        ("cpu", ["2", "16", "3"], [2000, 16000, 3000]),
        ("cpu_milli", [250, None, 1], [250, 0, 1]),
        ("cpu_milli", [250.0, None, 1.0], [250, 0, 1]),
        ("cpu", pa.array([2, 0, 1], pa.uint8()), [2000, 0, 1000]),
        ("cpu", pa.array(["2", "0", "2"]).dictionary_encode(), [2000, 0, 2000]),
    ],
)
def test_cpu_is_cores_in_any_type_or_thousandths(column, values, milli):
    cluster = read(pods={"name": ["a", "b", "c"], column: values})
    assert cluster.pod_table.requests.column("cpu").tolist() == milli


def test_memory_is_bytes_or_a_quantity():
    cluster = read(pods={"name": ["a", "b"], "memory": ["1Gi", "512"]})
    assert cluster.pod_table.requests.column("memory").tolist() == [2**30, 512]


def test_numbers_of_64_bits_are_exact():
    cluster = read(pods={"name": ["a"], "memory": [2**63 - 1]})
    assert cluster.pod_table.requests.column("memory").tolist() == [2**63 - 1]


def test_replicas_are_numbered_pods():
    cluster = read(pods={"name": ["web", "db", "none"], "replicas": [2, None, 0], "gpu": [1, 0, 0]})
    assert list(cluster.pods) == [pl.Pod("web-0", gpu=1), pl.Pod("web-1", gpu=1), pl.Pod("db")]


def test_replicas_and_a_pod_of_the_same_name_are_duplicates():
    text = problem({"name": ["web", "web-0"], "replicas": [2, None]})
    assert "Pod default/web-0: metadata.name 'default/web-0' is a duplicate" in text


def test_pods_of_two_namespaces_may_have_one_name():
    cluster = read(pods={"name": ["a", "a"], "namespace": ["x", None]})
    assert cluster.pod_table.keys() == ["x/a", "default/a"]


def test_nodes_are_found_by_name_and_unknown_ones_are_kept():
    cluster = read(pods={"name": ["a", "b", "c", "d"], "node": ["n2", None, "", "gone"]})
    assert cluster.pod_table.node.tolist() == [1, -1, -1, -2]
    assert cluster.pod_table.unknown_nodes == {3: "gone"}
    assert [pod.node for pod in cluster.pods] == ["n2", None, None, "gone"]


def test_spread_and_apart_are_written_out_as_in_python():
    cluster = read(
        pods={
            "name": ["a", "b", "c", "d"],
            "labels": ['{"app": "x"}', None, None, '{"app": "x"}'],
            "spread": ["zone", '["zone", "rack"]', None, "zone"],
            "apart": [None, "host", None, None],
        }
    )
    assert list(cluster.pods) == [
        pl.Pod("a", labels={"app": "x"}, spread="zone"),
        pl.Pod("b", spread=["zone", "rack"], apart="host"),
        pl.Pod("c"),
        pl.Pod("d", labels={"app": "x"}, spread="zone"),
    ]


def test_texts_that_mean_the_same_are_one_value():
    cluster = read(pods={"name": ["a", "b", "c"], "labels": ['{"x":"1","y":"2"}', '{ "y": "2", "x": "1" }', None]})
    assert cluster.pod_table["labels"].codes.tolist() == [0, 0, 1]
    assert cluster.pod_table["labels"].values == [{"x": "1", "y": "2"}, {}]


def test_rules_may_be_maps_structs_and_lists():
    tolerations = pa.array([[{"key": "a", "operator": "Exists", "value": None}], None, []])
    labels = pa.array([[("app", "x")], [], None], pa.map_(pa.string(), pa.string()))
    cluster = read(pods={"name": ["a", "b", "c"], "tolerations": tolerations, "labels": labels})
    assert list(cluster.pods) == [
        pl.Pod("a", tolerations=[pl.Toleration(key="a", operator="Exists")], labels={"app": "x"}),
        pl.Pod("b"),
        pl.Pod("c"),
    ]


def test_a_slice_of_a_nested_column_is_read_where_it_lies():
    labels = pa.array([[("app", "w")], [("app", "x")], [("app", "y")]], pa.map_(pa.string(), pa.string()))
    table = pa.table({"name": ["a", "b", "c"], "labels": labels, "nodes": [["n1"], ["n2"], None]}).slice(1, 2)
    cluster = read_frames(pa.table(NODES), table)
    assert list(cluster.pods) == [
        pl.Pod("b", labels={"app": "x"}, nodes=("n2",)),
        pl.Pod("c", labels={"app": "y"}),
    ]


def test_columns_in_chunks_are_read_as_one():
    table = pa.table({"name": ["a"], "labels": ['{"x": "1"}'], "memory": [1]})
    cluster = read_frames(pa.table(NODES), pa.concat_tables([table, table.set_column(0, "name", [["b"]])]))
    assert list(cluster.pods) == [pl.Pod(name, labels={"x": "1"}, memory=1) for name in ("a", "b")]


def test_number_columns_are_not_copied_and_names_stay_in_their_buffers():
    names = pa.array(["a", "b"])
    cluster = read(pods={"name": names})
    assert cluster.pod_table.names.base.texts is not None
    assert cluster.pod_table.names[1] == "b"
    assert cluster.pod_table.names[np.int32(-1)] == "b"
    assert cluster.pod_table.names.tolist() == ["a", "b"]


def test_tables_without_rows_are_a_cluster():
    cluster = read_frames(pa.table({"name": pa.array([], pa.string())}), pa.table({"name": pa.array([])}))
    assert (len(cluster.nodes), len(cluster.pods)) == (0, 0)


def test_only_columns_that_differ_from_the_defaults_are_written():
    nodes, pods = write_frames(pl.Cluster([pl.Node("n1", cpu=2)], [pl.Pod("a", memory="1Ki", node="n1")]))
    assert nodes.to_pydict() == {"name": ["n1"], "cpu_milli": [2000]}
    assert pods.to_pydict() == {"name": ["a"], "node": ["n1"], "memory": [1024]}


def test_bindings_are_a_table():
    solution = Solution(
        "sha256:0",
        [Binding("default/a", "n1", {"gpu": [0, 1]}), Binding("default/b", "n2", {}, {"data": "pv"})],
        [],
        {},
    )
    assert bindings_frame(solution).to_pydict() == {
        "pod": ["default/a", "default/b"],
        "node": ["n1", "n2"],
        "devices": ['{"gpu":[0,1]}', None],
        "claims": [None, '{"data":"pv"}'],
    }


@pytest.mark.parametrize(
    ("pods", "text"),
    [
        ({"nam": ["a"]}, "pods: there is no column 'name': it is required"),
        ({"name": ["a"], "lables": ["{}"]}, "pods: there is no column 'lables': did you mean 'labels'?"),
        ({"name": ["a"], "cpu-milli": [1]}, "did you mean 'cpu_milli'?"),
        ({"name": ["a", None]}, "pods, row 1, column name: is None: every row needs a name"),
        ({"name": ["a", ""]}, "pods, row 1, column name: is '': every row needs a name"),
        ({"name": [1]}, "pods: column name is of type int64: give text"),
        ({"name": ["a", "a"]}, "pods, row 1 ('a'), column name: is 'a': a duplicate: each name may stand once"),
        ({"name": ["a"], "cpu": [-1]}, "pods, row 0 ('a'), column cpu: is -1: negative: give 0 or more"),
        ({"name": ["a"], "cpu": [-0.5]}, "column cpu: is -0.5: negative"),
        ({"name": ["a"], "cpu": [float("nan")]}, "pods, row 0 ('a'), column cpu: is nan: no number"),
        ({"name": ["a"], "memory": [float("inf")]}, "column memory: is inf: beyond int64"),
        ({"name": ["a"], "memory": [1.5]}, "column memory: is 1.5: a fraction: give a whole number"),
        ({"name": ["a"], "cpu_milli": [0.5]}, "column cpu_milli: is 0.5: a fraction"),
        ({"name": ["a"], "cpu": [2**62]}, "column cpu: is 4611686018427387904: beyond int64"),
        ({"name": ["a"], "memory": pa.array([2**63], pa.uint64())}, "is 9223372036854775808: beyond int64"),
        ({"name": ["a"], "memory": ["9999999999999999999"]}, "column memory: '9999999999999999999' is beyond int64"),
        ({"name": ["a"], "memory": ["4gb"]}, "pods, row 0 ('a'), column memory: '4gb' is no quantity"),
        ({"name": ["a"], "memory": [True]}, "pods: column memory is of type bool: give numbers"),
        ({"name": ["a"], "cpu": [1], "cpu_milli": [1]}, "columns 'cpu_milli' and 'cpu' say the same: drop one"),
        ({"name": ["a"], "gpu": [1], "nvidia.com/gpu": [1]}, "columns 'gpu' and 'nvidia.com/gpu' say the same"),
        (
            {"name": ["a"], "memory": [1], "resources": ['{"memory": 2}']},
            "column resources: is '{\"memory\": 2}': 'memory' has a column of its own as well: give it once",
        ),
        ({"name": ["a"], "priority": [2**31]}, "column priority: is 2147483648: give a whole number from -2147483648"),
        ({"name": ["a"], "replicas": [-1]}, "column replicas: is -1: give a whole number from 0"),
        ({"name": ["a"], "replicas": [2**31 - 1]}, "column replicas: 2147483647 pods in all: give at most"),
        ({"name": ["a"], "labels": ["{"]}, "pods, row 0 ('a'), column labels: '{': Invalid JSON"),
        ({"name": ["a"], "labels": ['{"x": 1}']}, "column labels: x is 1: Input should be a valid string"),
        ({"name": ["a"], "labels": [1]}, "pods: column labels is of type int64: give JSON text"),
        (
            {"name": ["a", "b", "c"], "tolerations": ['[{"key": "k", "oper": "Exists"}]'] * 3},
            "pods, row 0 ('a') and 2 more rows, column tolerations: [0].oper is 'Exists': no such field",
        ),
        ({"name": ["a"], "numa": ["maybe"]}, "column numa: 'maybe': Input should be 'require' or 'prefer'"),
        ({"name": ["a"], "terminating": [1]}, "pods: column terminating is of type int64: give true or false"),
        ({"name": ["a"], "terminating": ["yes"]}, "column terminating: is 'yes': give true or false"),
        ({"name": ["a"], "apart": [3]}, "pods: column apart is of type int64: give a key"),
        ({"name": ["a"], "spread": ['["zone"']}, "column spread: '[\"zone\"': Invalid JSON"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_place_value_and_fix(pods, text):
    assert text in problem(pods)


def test_prices_are_numbers_of_at_least_0():
    text = problem({"name": ["a"]}, {"name": ["n1", "n2", "n3"], "price": [-1.0, float("nan"), 1.0]})
    assert "nodes, row 0 ('n1'), column price: is -1.0: give a number from 0 to 9007199254" in text
    assert "nodes, row 1 ('n2'), column price: is nan: give a number" in text


def test_all_problems_of_both_tables_come_together_and_ten_of_them_in_full():
    nodes = {"name": [f"n{row}" for row in range(20)], "cpu": [-1] * 20}
    text = problem({"name": ["a"], "node_selector": ["["]}, nodes)
    assert "nodes, row 9 ('n9'), column cpu: is -1" in text
    assert "n10" not in text
    assert "more problems of this input" in text


def test_columns_that_stand_twice_are_refused():
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["name", "cpu", "cpu"])
    with pytest.raises(pl.InputError, match="column 'cpu' is a duplicate"):
        read_frames(pa.table(NODES), table)


def test_what_is_no_table_is_refused():
    with pytest.raises(pl.InputError, match="pods: a int is no table: use a polars, pandas or pyarrow table"):
        read_frames(pa.table(NODES), 3)


def test_a_column_of_mixed_types_is_named():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    with pytest.raises(pl.InputError, match=r"pods: column cpu: .*: give each column one type"):
        read_frames(pandas.DataFrame(NODES), pandas.DataFrame({"name": ["a", "b"], "cpu": ["500m", 1]}))
