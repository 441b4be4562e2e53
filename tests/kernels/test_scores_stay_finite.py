"""Scores of nodes on which a pod does not fit are computed like all others, and must not fail."""

import placer as pl


def test_a_pod_that_is_a_thousandth_too_large_for_a_node_it_would_fill_is_left_out():
    cluster = pl.Cluster([pl.Node("n", cpu=1, memory="1Gi")], [pl.Pod("p", cpu="1001m", memory="1Gi")])

    solution = pl.solve(cluster)

    assert [each.message for each in solution.unplaced] == ["0/1 nodes are available: 1 Insufficient cpu."]


def test_the_same_beside_devices():
    gpu = pl.Device(kind="nvidia.com/gpu", count=1)
    cluster = pl.Cluster(
        [pl.Node("n", cpu=1, memory="1Gi", devices=[gpu])],
        [pl.Pod("p", cpu="1001m", memory="1Gi", gpu=1), pl.Pod("q", cpu="1001m", memory="1Gi", gpu=1, priority=1)],
    )

    solution = pl.solve(cluster)

    assert [each.pod for each in solution.unplaced] == ["default/p", "default/q"]
