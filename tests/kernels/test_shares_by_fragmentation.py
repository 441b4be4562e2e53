"""Under fragmentation a share goes to the unit where fragmentation grows least, among those that can serve it."""

from __future__ import annotations

import placer as pl

GPU = "nvidia.com/gpu"


def share(name: str, milli: int, **more: object) -> pl.Pod:
    """A pod that takes thousandths of one GPU."""
    return pl.Pod(name, devices=[pl.DeviceNeed(kind=GPU, share_milli=milli, **more)])


def test_a_unit_without_the_memory_asked_for_is_not_taken():
    gpu = pl.Device(kind=GPU, count=2, capacity={"memory": 8})
    node = pl.Node("n", cpu=4, memory=4, devices=[gpu])
    standing = pl.Pod("s", node="n", devices=[pl.DeviceNeed(kind=GPU, share_milli=500, amounts={"memory": 8})])
    whole = pl.Pod("w", devices=[pl.DeviceNeed(kind=GPU)], replicas=3)
    small = share("p", 250, amounts={"memory": 4}).model_copy(update={"priority": 1})
    cluster = pl.Cluster([node], [standing, small, whole])

    solution = pl.solve(cluster, goals=["fragmentation"])

    assert [(each.pod, each.devices) for each in solution.bindings] == [("default/p", {GPU: [1]})]
    assert pl.verify(cluster, solution) == []


def test_of_units_as_free_the_one_is_taken_that_fewer_pods_ask_for():
    node = pl.Node(
        "n", cpu=4, memory=4, devices=[pl.Device(kind=GPU, attributes={"model": model}) for model in ("A", "B")]
    )
    model_a = [{"key": "model", "operator": "In", "values": ["A"]}]
    picky = pl.Pod("w", devices=[pl.DeviceNeed(kind=GPU, where=model_a)], replicas=3)
    cluster = pl.Cluster([node], [share("p", 500).model_copy(update={"priority": 1}), picky])

    solution = pl.solve(cluster, goals=["fragmentation"])

    assert [(each.pod, each.devices) for each in solution.bindings] == [
        ("default/p", {GPU: [1]}),
        ("default/w-0", {GPU: [0]}),
    ]
