"""Static signatures: the nodes that a class may ever stand on are those that the static rules allow."""

from __future__ import annotations

from hypothesis import given, settings
from reference import rules
from reference.state import State

from encode.seeded import seeded
from placer.encode.encode import encode

RULES = (
    rules.unschedulable,
    rules.node_name,
    rules.forbidden,
    rules.taints,
    rules.node_affinity,
    rules.any_of,
    rules.volume_binding,
    rules.volume_zone,
)


def eligible_rows(encoded, pod_class: int) -> set[int]:
    """Table rows of the nodes in the segments of a class."""
    classes, nodes = encoded.problem.classes, encoded.problem.nodes
    signature = classes.eligible[pod_class]
    segments = classes.eligible_segments[classes.eligible_start[signature] : classes.eligible_start[signature + 1]]
    ranges = [range(nodes.segment_start[segment], nodes.segment_start[segment + 1]) for segment in segments]
    return {int(nodes.row[node]) for part in ranges for node in part}


@given(seeded(least_nodes=0))
@settings(max_examples=150)
def test_a_class_may_stand_where_every_static_rule_lets_its_pods(cluster):
    encoded, state = encode(cluster), State(cluster)

    for pod, pod_class in enumerate(encoded.class_of_pod.tolist()):
        offered = any(volume.waiting and volume.waiting.offers for volume in state.pods[pod].volumes)
        if pod_class >= 0 and not offered:
            allowed = {node for node in range(len(state.nodes)) if not any(rule(state, pod, node) for rule in RULES)}
            assert eligible_rows(encoded, pod_class) == allowed, state.pods[pod]


@given(seeded(least_nodes=0))
def test_segments_cover_all_nodes_once_and_in_order(cluster):
    nodes = encode(cluster).problem.nodes

    assert sorted(nodes.row.tolist()) == list(range(len(cluster.node_table)))
    assert nodes.segment_start.tolist()[0] == 0
    assert nodes.segment_start.tolist()[-1] == len(nodes.row)
    for segment, (low, high) in enumerate(zip(nodes.segment_start[:-1], nodes.segment_start[1:], strict=True)):
        assert set(nodes.segment[low:high].tolist()) <= {segment}
        assert nodes.row[low:high].tolist() == sorted(nodes.row[low:high].tolist())
