"""openb: the cluster as its README tells it, and the order in which the paper lets pods arrive."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import placer as pl
from placer.data import PLACES
from placer.errors import InputError
from placer.traces import FORMATS, openb

FOLDER = PLACES[1] / "alibaba-openb-gpu-2023"
needs_data = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs a clone's datasets/")
NODE_FILE, POD_FILE = "openb_node_list_gpu_node.csv", "openb_pod_list_default.csv"
NODES = "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\nn1,32000,1024,0,\n"
PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\n"


def trace(folder: Path, pods: str, nodes: str = NODES) -> Path:
    (folder / NODE_FILE).write_text(nodes)
    (folder / POD_FILE).write_text(PODS + pods)
    return folder


def test_gpus_are_units_with_their_model(tmp_path: Path):
    cluster = openb.read(trace(tmp_path, ""))

    assert [dict(node.allocatable) for node in cluster.nodes] == [
        {"cpu": 64_000, "memory": 256 * 2**30},
        {"cpu": 32_000, "memory": 2**30},
    ]
    assert [node.devices for node in cluster.nodes] == [
        (pl.Device(kind="nvidia.com/gpu", count=2, attributes={"model": "P100"}),),
        (),
    ]
    assert [node.labels.get("model") for node in cluster.nodes] == ["P100", None]


def test_pods_ask_for_whole_gpus_shares_of_one_or_none_and_for_types(tmp_path: Path):
    cluster = openb.read(trace(tmp_path, "a,1000,1,2,1000,\nb,1000,1,1,460,V100M16|V100M32\nc,1000,1,0,0,\n"))

    where = (pl.Requirement(key="model", operator="In", values=("V100M16", "V100M32")),)
    assert [pod.devices for pod in cluster.pods] == [
        (pl.DeviceNeed(kind="nvidia.com/gpu", count=2),),
        (pl.DeviceNeed(kind="nvidia.com/gpu", share=0.46, where=where),),
        (),
    ]
    assert [(pod.name, pod.node, dict(pod.requests)) for pod in cluster.pods] == [
        (name, None, {"cpu": 1000, "memory": 2**20}) for name in "abc"
    ]


def test_a_type_keeps_pods_off_other_types_when_solved(tmp_path: Path):
    cluster = openb.read(trace(tmp_path, "a,1000,1,1,500,P100\nb,1000,1,1,500,T4\n"))

    solution = pl.solve(cluster)

    assert [(binding.pod, binding.node) for binding in solution.bindings] == [("default/a", "n0")]
    assert [pod.pod for pod in solution.unplaced] == ["default/b"]


@pytest.mark.parametrize(
    ("nodes", "pods", "problems"),
    [
        (
            "sn,cpu_milli,memory_mib,gpu,model\nn0,-1,1,2,P100\nn0,1,1,x,P100\n",
            "a,1,1,0,0,\n",
            [
                f"{NODE_FILE}: line 3: gpu is 'x', which is no whole number from 0 to 1024",
                f"{NODE_FILE}: line 3: sn is 'n0', which is a duplicate: each name may stand once",
                f"{NODE_FILE}: line 2: cpu_milli is '-1', which is no whole number from 0 to 1099511627776",
            ],
        ),
        (
            NODES,
            "a,1,1,0,0,\nb,1,1,1,0,\nc,1,1,2,500,\nd,1,1,1,1001,\n",
            [
                f"{POD_FILE}: line 5: gpu_milli is '1001', which is no whole number from 0 to 1000",
                f"{POD_FILE}: line 3: gpu_milli is '0', which is no share, with num_gpu 1: give 1 to 1000",
                f"{POD_FILE}: line 4: gpu_milli is '500', which is a share, with num_gpu 2: give 1000, or 1 GPU",
            ],
        ),
    ],
)
def test_wrong_values_are_told_with_file_line_and_value(tmp_path: Path, nodes: str, pods: str, problems: list[str]):
    with pytest.raises(InputError) as caught:
        openb.read(trace(tmp_path, pods, nodes))

    assert [text.removeprefix(f"{tmp_path}/") for text in caught.value.problems][: len(problems)] == problems


def test_a_list_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path):
    with pytest.raises(InputError, match=r"has no file 'openb_pod_list_x.csv'.*for pods one of default$"):
        openb.read(trace(tmp_path, ""), pods="x")


@needs_data
@pytest.mark.parametrize(
    ("nodes", "pods", "sizes", "gpus", "asked"),
    [
        ("gpu_node", "default", (1213, 8152), 6_212_000, 6_086_800),
        ("all_node", "gpushare80", (1523, 8152), 6_212_000, 4_408_190),
        ("gpu_node", "multigpu40", (1213, 8746), 6_212_000, 9_442_800),
    ],
)
def test_the_lists_hold_what_their_readme_says(nodes: str, pods: str, sizes: tuple[int, int], gpus: int, asked: int):
    cluster = openb.read(FOLDER, nodes=nodes, pods=pods)

    assert (len(cluster.nodes), len(cluster.pods)) == sizes
    wanted, capacity = openb.gpu_milli(cluster)
    assert (int(wanted.sum()), capacity) == (asked, gpus)


@needs_data
def test_the_folder_is_detected_and_loads_as_a_cluster():
    assert FORMATS["openb"].detect(FOLDER)
    assert repr(pl.load(FOLDER)) == "<Cluster: 1213 nodes, 8152 pods, 8152 pending>"


@needs_data
def test_copies_are_added_until_130_percent_of_the_gpus_are_asked_for():
    cluster = openb.read(FOLDER)
    asked, capacity = openb.gpu_milli(cluster)

    order = openb.inflate(cluster, seed=42)

    assert sorted(order[:8152].tolist()) == list(range(8152))
    assert 1.3 * capacity <= asked[order].sum() < 1.3 * capacity + 8000
    assert asked[order[:-1]].sum() < 1.3 * capacity


@needs_data
def test_from_a_list_that_asks_for_more_pods_are_taken_out():
    cluster = openb.read(FOLDER, pods="multigpu40")
    asked, capacity = openb.gpu_milli(cluster)

    order = openb.inflate(cluster, seed=42)

    assert len(set(order.tolist())) == len(order) < 8746
    assert 1.3 * capacity - 8000 < asked[order].sum() <= 1.3 * capacity


@needs_data
def test_a_seed_is_an_order_and_another_seed_another():
    cluster = openb.read(FOLDER)

    assert openb.inflate(cluster, 42).tolist() == openb.inflate(cluster, 42).tolist()
    assert openb.inflate(cluster, 42).tolist() != openb.inflate(cluster, 43).tolist()


def test_copies_of_pods_that_ask_for_no_gpu_never_end_and_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"no pod asks for nvidia.com/gpu"):
        openb.inflate(openb.read(trace(tmp_path, "a,1,1,0,0,\n")), seed=0)


def test_arrivals_come_in_their_order_and_copies_have_names_of_their_own(tmp_path: Path):
    cluster = openb.read(trace(tmp_path, "a,1,1,0,0,\nb,2,1,1,500,\n"))

    came = openb.arrivals(cluster, np.array([1, 0, 1, 1]))

    assert [(pod.name, pod.requests["cpu"], len(pod.devices)) for pod in came.pods] == [
        ("b", 2, 1),
        ("a", 1, 0),
        ("b-1", 2, 1),
        ("b-2", 2, 1),
    ]


@needs_data
def test_the_published_figures_are_those_at_100_percent_arrived():
    published = openb.published()

    assert published["default"] == {
        "Random": 86.3,
        "DotProd": 90.62,
        "GpuClustering": 91.65,
        "GpuPacking": 91.78,
        "BestFit": 92.86,
        "FGD": 95.23,
    }
    assert len(published) == 11
    assert "gpushare20" not in published


@needs_data
def test_a_published_figure_that_is_no_number_is_refused(tmp_path: Path):
    shutil.copy(FOLDER / "published_alloc_summary.csv", tmp_path)
    file = tmp_path / "published_alloc_summary.csv"
    file.write_text(file.read_text().replace("86.3", "much", 1))

    with pytest.raises(InputError, match=r"line .*alloc_pct_at_arrived_100 is 'much', which is no number"):
        openb.published(tmp_path)
