"""Counts per group and domain: pods that come and go need no more entries than there are pods."""

from __future__ import annotations

import numpy as np
import pytest

import placer as pl
from placer.encode.encode import encode
from placer.encode.state import new_state
from placer.kernels.bind import put
from placer.kernels.counters import count_at
from placer.kernels.structs import pack


@pytest.mark.parametrize("pods", [1, 3, 17])
def test_pods_may_move_over_all_nodes_again_and_again(pods):
    nodes = [pl.Node(f"n{row}", cpu=8) for row in range(40)]
    apart = [pl.Pod(f"p{row}", labels={"app": f"a{row}"}, host_ports=[{"port": 80}]) for row in range(pods)]
    encoded = encode(pl.Cluster(nodes, apart))
    classes = encoded.class_of_pod.tolist()
    state = new_state(encoded.problem, np.bincount(classes, minlength=len(encoded.problem.classes.priority)))
    problem, here = pack(encoded.problem), pack(state)
    random = np.random.default_rng(7)
    where = [-1] * pods

    for _ in range(600):
        pod = int(random.integers(pods))
        if where[pod] >= 0:
            put(problem, here, classes[pod], where[pod], -1)
        where[pod] = int(random.integers(len(nodes)))
        put(problem, here, classes[pod], where[pod], 1)

    assert state.entries[0] <= len(state.entry_count)
    for counter in range(len(encoded.problem.counters.key)):
        counted = [pod for pod in range(pods) if counter in adds(encoded.problem, classes[pod])]
        found = [
            count_at(pack(encoded.problem.nodes), pack(encoded.problem.counters), here, counter, node)
            for node in range(len(nodes))
        ]
        assert found == [sum(where[pod] == node for pod in counted) for node in range(len(nodes))]
        assert state.total[counter] == len(counted)
        assert state.nonzero[counter] == len({where[pod] for pod in counted})


def adds(problem, pod_class):
    start = problem.classes.adds_start
    return problem.classes.adds[start[pod_class] : start[pod_class + 1]].tolist()
