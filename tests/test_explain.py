"""Explain: which rule rejects a pod on each node, how nodes score, and the smallest changes that let it fit."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import placer as pl
from placer.errors import InputError
from placer.explaining.changes import Change
from placer.model.rule import Rule
from placer.model.taint import Toleration

ZONE = "topology.kubernetes.io/zone"


def zone(name: str) -> dict[str, str]:
    return {ZONE: name}


def change(explanation: object, kind: str) -> Change:
    found = [change for change in explanation.changes if change.kind == kind]  # type: ignore[attr-defined]
    assert found, [change.text for change in explanation.changes]  # type: ignore[attr-defined]
    return found[0]


def fits(cluster: pl.Cluster, pod: pl.Pod) -> bool:
    changed = Change("", "", pod).apply(cluster)
    return pl.explain(changed, f"{pod.namespace}/{pod.name}").nodes.accepted > 0


def test_a_node_that_is_too_full_says_what_is_asked_and_what_is_free():
    cluster = pl.Cluster([pl.Node("n1", cpu=8)], [pl.Pod("old", cpu="6800m", node="n1"), pl.Pod("new", cpu=4)])

    explanation = pl.explain(cluster, "new")

    assert explanation.nodes[0].rule == "NodeResourcesFit"
    assert explanation.nodes[0].reason == "Insufficient cpu: asks 4000m, 1200m free of 8000m"
    assert explanation.message == "0/1 nodes are available: 1 Insufficient cpu."


def test_the_first_rule_that_rejects_is_named_and_counted():
    nodes = [
        pl.Node("cordoned", cpu=8, unschedulable=True),
        pl.Node("tainted", cpu=8, taints=[{"key": "gpu", "value": "true"}]),
        pl.Node("small", cpu=1),
        pl.Node("tiny", cpu=1),
    ]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2)])

    explanation = pl.explain(cluster, "web")

    assert [verdict.rule for verdict in explanation.nodes] == [
        "NodeUnschedulable",
        "TaintToleration",
        "NodeResourcesFit",
        "NodeResourcesFit",
    ]
    assert explanation.message == (
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu."
    )


def test_a_pod_that_stands_is_explained_without_its_own_binding():
    cluster = pl.Cluster([pl.Node("n1", cpu=2), pl.Node("n2", cpu=4)], [pl.Pod("web", cpu=2, node="n1")])

    explanation = pl.explain(cluster, "web")

    assert (explanation.state, explanation.node) == ("present", "n1")
    assert [verdict.rule for verdict in explanation.nodes] == [None, None]
    assert explanation.changes == ()


def test_an_empty_node_costs_its_price_and_a_used_one_nothing():
    nodes = [pl.Node("used", cpu=4, price=3), pl.Node("empty", cpu=4, price=2)]
    cluster = pl.Cluster(nodes, [pl.Pod("old", cpu=1, node="used"), pl.Pod("new", cpu=1)])

    explanation = pl.explain(cluster, "new", goals=["pack", "balance"])

    assert [dict(verdict.scores) for verdict in explanation.nodes] == [
        {"pack": 0.0, "balance": 0.1875},
        {"pack": 2.0, "balance": 0.0625},
    ]
    assert [row[0] for row in explanation.rows()] == ["used", "empty"]


def test_headroom_counts_load_above_four_fifths():
    cluster = pl.Cluster([pl.Node("n1", cpu=10)], [pl.Pod("old", cpu=7, node="n1"), pl.Pod("new", cpu=2)])

    explanation = pl.explain(cluster, "new", goals=["2*headroom"])

    assert explanation.nodes[0].scores["headroom"] == pytest.approx(0.1)
    assert explanation.nodes[0].total == pytest.approx((0.2,))


def test_fragmentation_counts_what_a_typical_pod_cannot_use():
    nodes = [pl.Node("n1", cpu=8, devices=[{"kind": "nvidia.com/gpu", "count": 2}])]
    need = {"kind": "nvidia.com/gpu", "share": 0.5}
    cluster = pl.Cluster(nodes, [pl.Pod("half", cpu=1, devices=[need]), pl.Pod("whole", cpu=1, gpu=1)])

    explanation = pl.explain(cluster, "half", goals=["fragmentation"])

    # Afterwards 500 of 1500 thousandths are lost on the pod that needs a whole unit, which is half of the pods.
    assert explanation.nodes[0].scores == {"fragmentation": 250.0}


def test_preferences_count_what_wishes_lose():
    nodes = [pl.Node("plain", cpu=4), pl.Node("ssd", cpu=4, labels={"disk": "ssd"})]
    term = {"match_expressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=1, preferred_nodes=[{"weight": 7, "term": term}])])

    explanation = pl.explain(cluster, "web", goals=["preferences"], instead_of="plain")

    assert [verdict.scores["preferences"] for verdict in explanation.nodes] == [7.0, 0.0]


def test_here_and_there_are_compared_term_by_term():
    nodes = [pl.Node("n1", cpu=4, price=1), pl.Node("n2", cpu=4, price=5)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2, node="n1")])

    comparison = pl.explain(cluster, "web", goals=["pack", "balance"], instead_of="n2").comparison

    assert comparison.terms == {"pack": (1.0, 5.0, 4.0), "balance": (0.25, 0.25, 0.0)}
    assert comparison.total == (4.0, 0.0)


def test_there_is_said_to_reject_with_its_rule_and_reason():
    nodes = [pl.Node("n1", cpu=4), pl.Node("n2", cpu=1)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu=2, node="n1")])

    comparison = pl.explain(cluster, "web", instead_of="n2").comparison

    assert (comparison.rule, comparison.reason) == (
        "NodeResourcesFit",
        "Insufficient cpu: asks 2000m, 1000m free of 1000m",
    )


def solution(cluster: pl.Cluster, bindings: list[tuple[str, str]], **fields: object) -> pl.Solution:
    return pl.Solution.from_dict(
        {
            "version": 1,
            "input": cluster.digest,
            "bindings": [{"pod": pod, "node": node} for pod, node in bindings],
            **fields,
        }
    )


def test_with_a_solution_only_earlier_bindings_stand():
    pods = [pl.Pod(name, cpu=2) for name in "abc"]
    cluster = pl.Cluster([pl.Node("n1", cpu=4), pl.Node("n2", cpu=4)], pods)
    answer = solution(cluster, [("default/a", "n1"), ("default/b", "n1"), ("default/c", "n2")])

    second = pl.explain(cluster, "b", solution=answer)
    third = pl.explain(cluster, "c", solution=answer)

    assert (second.state, second.node) == ("before binding 2 of 3", "n1")
    assert [verdict.rule for verdict in second.nodes] == [None, None]
    assert [verdict.rule for verdict in third.nodes] == ["NodeResourcesFit", None]


def test_an_unplaced_pod_is_explained_in_the_final_state():
    cluster = pl.Cluster([pl.Node("n1", cpu=4)], [pl.Pod("a", cpu=3), pl.Pod("big", cpu=3)])

    explanation = pl.explain(cluster, "big", solution=solution(cluster, [("default/a", "n1")]))

    assert (explanation.state, explanation.node) == ("final", None)
    assert explanation.nodes[0].reason == "Insufficient cpu: asks 3000m, 1000m free of 4000m"


def test_evictions_for_a_pod_are_made_before_it_is_decided():
    pods = [pl.Pod("low", cpu=3, node="n1"), pl.Pod("high", cpu=3, priority=5)]
    cluster = pl.Cluster([pl.Node("n1", cpu=4)], pods)
    eviction = {"pod": "default/low", "node": "n1", "beneficiary": "default/high"}
    answer = solution(cluster, [("default/high", "n1")], evictions=[eviction])

    assert pl.explain(cluster, "high", solution=answer).nodes[0].rule is None
    assert pl.explain(cluster, "high").nodes[0].rule == "NodeResourcesFit"


def test_less_of_one_resource_is_proposed_by_the_smallest_amount():
    nodes = [pl.Node("n1", cpu=2, memory="1Gi"), pl.Node("n2", cpu=1, memory="4Gi")]
    cluster = pl.Cluster(nodes, [pl.Pod("web", cpu="2200m", memory="1Gi")])

    explanation = pl.explain(cluster, "web")

    assert change(explanation, "resource").text == "ask 200m less cpu (2000m)"
    assert fits(cluster, change(explanation, "resource").pod)


def test_a_toleration_is_proposed_for_the_taint_that_is_in_the_way():
    nodes = [pl.Node("n1", cpu=2, taints=[{"key": "gpu", "value": "true"}, {"key": "spot"}]), pl.Node("n2", cpu=1)]
    cluster = pl.Cluster([*nodes, pl.Node("n3", cpu=2, taints=[{"key": "gpu", "value": "true"}])], [pl.Pod("a", cpu=2)])

    assert change(pl.explain(cluster, "a"), "toleration").text == "tolerate gpu=true:NoSchedule"


def test_a_selector_requirement_is_proposed_to_be_dropped():
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=2, labels={"arch": "arm"})],
        [pl.Pod("web", cpu=1, node_selector={"disk": "ssd", "arch": "arm"})],
    )

    changed = change(pl.explain(cluster, "web"), "selector")

    assert changed.text == "drop disk=ssd of the node selector and affinity"
    assert changed.pod.node_selector == {"arch": "arm"}


def test_a_third_zone_or_a_larger_skew_lets_a_spread_pod_fit():
    nodes = [pl.Node("a", cpu=9, labels=zone("a")), pl.Node("b", cpu=1, labels=zone("b"))]
    pods = [pl.Pod("web", replicas=1, cpu=1, spread="zone", labels={"app": "web"}, node="a")]
    cluster = pl.Cluster(nodes, [*pods, pl.Pod("next", cpu=2, spread="zone", labels={"app": "web"})])

    explanation = pl.explain(cluster, "next")

    assert explanation.nodes[0].rule == "PodTopologySpread"
    assert change(explanation, "max_skew").text == f"raise max_skew of the spread over {ZONE} to 2"
    assert change(explanation, "domain").text == f"a third zone: add a node like a with {ZONE}=zone-3"
    assert change(explanation, "resource").text == "ask 1000m less cpu (1000m)"


def test_a_node_in_several_new_domains_is_proposed_where_one_is_not_enough():
    rack = "topology.kubernetes.io/rack"
    pods = [pl.Pod("a", labels={"app": "a"}, apart=["zone", "rack"], node="n1"), pl.Pod("b", labels={"app": "a"})]
    cluster = pl.Cluster([pl.Node("n1", cpu=1, labels={**zone("a"), rack: "r"})], pods)

    explanation = pl.explain(cluster, "b")

    assert [change.text for change in explanation.changes] == [
        f"a second zone and a second rack: add a node like n1 with {ZONE}=zone-2 and {rack}=rack-2"
    ]


def test_a_host_port_in_use_is_proposed_to_be_given_up():
    pods = [pl.Pod("old", ports=[80], node="n1"), pl.Pod("new", ports=[80, 443])]
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], pods)

    assert change(pl.explain(cluster, "new"), "port").text == "give up host port 80/TCP"
    assert change(pl.explain(cluster, "new"), "node").text == "add a node like n1"


def test_fewer_or_smaller_devices_are_proposed():
    nodes = [pl.Node("n1", cpu=4, devices=[{"kind": "nvidia.com/gpu", "count": 2}])]
    half = {"kind": "nvidia.com/gpu", "share": 0.3}
    cluster = pl.Cluster(nodes, [pl.Pod("old", devices=[half], node="n1"), pl.Pod("new", gpu=2)])

    texts = [change.text for change in pl.explain(cluster, "new").changes if change.kind == "device"]

    assert texts == [
        "ask 1 unit of nvidia.com/gpu instead of 2 units",
        "ask 700/1000 of each unit of nvidia.com/gpu instead of 1000/1000",
    ]


def test_one_zone_preferred_lets_a_pod_fit_that_no_numa_zone_has_room_for():
    zones = [{"kind": "numa", "count": 2, "capacity": {"cpu": 32, "memory": "64Gi"}}]
    cluster = pl.Cluster([pl.Node("n1", cpu=64, devices=zones)], [pl.Pod("big", cpu=40, numa="require")])

    explanation = pl.explain(cluster, "big")

    assert explanation.nodes[0].rule == "Numa"
    assert [change.text for change in explanation.changes] == [
        "ask 8000m less cpu (32000m)",
        "prefer one NUMA zone instead of requiring it",
    ]


def test_pins_and_forbidden_nodes_are_lifted_one_by_one():
    nodes = [pl.Node("n1", cpu=1), pl.Node("n2", cpu=4), pl.Node("n3", cpu=4)]
    cluster = pl.Cluster(
        nodes, [pl.Pod("pinned", cpu=2, nodes=["n1"]), pl.Pod("b", cpu=2, forbidden_nodes=["n2", "n3"])]
    )

    assert change(pl.explain(cluster, "pinned"), "pin").text == "lift the pin to n1"
    assert change(pl.explain(cluster, "b"), "forbidden").pod.forbidden_nodes == ("n3",)


def test_gates_are_lifted_with_whatever_else_is_in_the_way():
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("web", cpu=2, scheduling_gates=["quota"])])

    kinds = [change.kind for change in pl.explain(cluster, "web").changes]

    assert kinds == ["gates + resource"]


def test_kinds_are_combined_where_none_does_alone():
    cluster = pl.Cluster([pl.Node("n1", cpu=1, taints=[{"key": "spot"}])], [pl.Pod("web", cpu=2)])

    explanation = pl.explain(cluster, "web")

    assert [change.text for change in explanation.changes] == [
        "tolerate spot:NoSchedule and ask 1000m less cpu (1000m)"
    ]


def test_unknown_names_and_goals_are_input_errors():
    cluster = pl.Cluster([pl.Node("n1", cpu=1)], [pl.Pod("web", cpu=1)])

    with pytest.raises(InputError, match="pod is 'wob', which the input does not have"):
        pl.explain(cluster, "wob")
    with pytest.raises(InputError, match="instead_of is 'n9', which the input does not have"):
        pl.explain(cluster, "web", instead_of="n9")
    with pytest.raises(InputError, match="goals: 'speed' is no goal"):
        pl.explain(cluster, "web", goals=["speed"])


def test_a_table_is_cut_after_so_many_nodes_and_counts_the_rest():
    cluster = pl.Cluster([pl.Node(f"n{i}", cpu=1) for i in range(5)], [pl.Pod("web", cpu=1)])

    explanation = pl.explain(cluster, "web")

    assert explanation.rows(2) == [("n0", "fits", "", "1"), ("n1", "fits", "", "1"), ("and 3 more nodes", "", "", "")]
    assert explanation.to_dict(2)["nodes_not_listed"] == 3


LABELS = st.fixed_dictionaries({}, optional={"app": st.sampled_from("ab"), "tier": st.sampled_from("xy")})
SELECTORS = st.one_of(st.none(), LABELS.map(lambda labels: {"match_labels": labels}))
KEYS = st.sampled_from(["zone", "host", "rack"])
TERMS = st.lists(st.fixed_dictionaries({"topology_key": KEYS, "selector": SELECTORS}), max_size=2)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {"key": st.sampled_from(["disk", ZONE]), "operator": st.sampled_from(["In", "NotIn"]), "values": st.just(["a"])}
    ),
    st.fixed_dictionaries({"key": st.sampled_from(["disk", "arch"]), "operator": st.just("Exists")}),
)
NODE_TERMS = st.lists(
    st.lists(EXPRESSIONS, min_size=1, max_size=2).map(lambda expressions: {"match_expressions": expressions}),
    max_size=2,
)
TAINTS = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from("pqr"), "effect": st.sampled_from(["NoSchedule", "NoExecute"])}),
    max_size=3,
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)
DEVICES = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.just("gpu"),
            "count": st.integers(1, 2),
            "capacity": st.sampled_from([{}, {"memory": 8}]),
            "attributes": st.sampled_from([{}, {"model": "a"}]),
            "zone": st.sampled_from([None, 0, 1]),
        }
    ),
    max_size=2,
)
ZONES = st.sampled_from([(), ({"kind": "numa", "count": 2, "capacity": {"cpu": 2, "memory": 4}},)])
NEEDS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("gpu"), "count": st.integers(1, 2), "share": st.sampled_from([0.3, 0.6, 1])},
        optional={
            "amounts": st.just({"memory": 5}),
            "where": st.just([{"key": "model", "operator": "In", "values": ["a"]}]),
        },
    ),
    max_size=2,
)
SPREADS = st.lists(
    st.fixed_dictionaries(
        {
            "topology_key": KEYS,
            "selector": SELECTORS,
            "min_domains": st.sampled_from([None, 2, 3]),
            "node_affinity_policy": st.sampled_from(["Honor", "Ignore"]),
            "node_taints_policy": st.sampled_from(["Honor", "Ignore"]),
        }
    ),
    max_size=2,
)


VOLUMES = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from("vw"),
            "driver": st.just("ebs"),
            "access": st.sampled_from(["ReadWriteOnce", "ReadWriteOncePod"]),
            "topology": NODE_TERMS,
        }
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda volume: volume["name"],
)
PORTS = st.lists(st.fixed_dictionaries({"port": st.integers(80, 82)}), min_size=1, max_size=2)
ALTERNATIVE = {"node_selector": {"disk": "a"}, "tolerations": [{"key": "q", "operator": "Exists"}]}
RULES = {
    "tolerations": st.just(({"key": "p", "operator": "Exists"},)),
    "node_selector": st.sampled_from([{"disk": "a"}, {"disk": "b", "arch": "arm"}]),
    "node_affinity": NODE_TERMS,
    "any_of": st.just((ALTERNATIVE,)),
    "pod_affinity": TERMS,
    "pod_anti_affinity": TERMS,
    "topology_spread": SPREADS,
    "domain_limits": st.builds(
        lambda key, selector: ({"topology_key": key, "selector": selector, "at_most": 1},), KEYS, SELECTORS
    ),
    "distinct_domains": st.builds(
        lambda key, selector: ({"topology_key": key, "selector": selector, "at_least": 2},), KEYS, SELECTORS
    ),
    "domain_shares": st.builds(
        lambda selector: ({"topology_key": "zone", "selector": selector, "shares": {"a": 1, "b": 2}},), SELECTORS
    ),
    "host_ports": PORTS,
    "volumes": VOLUMES,
    "devices": NEEDS,
    "numa": st.just("require"),
    "nodes": st.sampled_from([("n0",), ("n1",)]),
    "forbidden_nodes": st.sampled_from([("n0",), ("n0", "n1")]),
    "apart_from": st.sampled_from([("default/p1",), ("default/p1", "default/p2")]),
    "scheduling_gates": st.just(("g",)),
    "requests": st.fixed_dictionaries({"cpu": st.integers(3, 6), "memory": st.integers(0, 8)}),
}


@st.composite
def nodes(draw: st.DrawFn, name: str, rough: bool) -> pl.Node:
    """A node; a rough one may be tainted, cordoned or small."""
    optional = {
        ZONE: st.sampled_from("ab"),
        "topology.kubernetes.io/rack": st.sampled_from("ab"),
        "disk": st.sampled_from("ab"),
        "arch": st.just("arm"),
    }
    return pl.Node(
        name,
        labels=draw(st.fixed_dictionaries({}, optional=optional)),
        allocatable={
            "cpu": draw(st.integers(0, 4) if rough else st.integers(4, 9)),
            "memory": draw(st.integers(0, 6) if rough else st.integers(6, 12)),
            **({"pods": draw(st.integers(1, 3))} if rough else {}),
        },
        taints=draw(TAINTS) if rough else (),
        unschedulable=draw(st.sampled_from([False, False, False, True])) if rough else False,
        devices=[*draw(DEVICES), *draw(ZONES)],
        volume_limits=draw(st.sampled_from([{}, {"ebs": 1}])),
        hostname=draw(st.sampled_from([True, True, False])),
    )


@st.composite
def pods(draw: st.DrawFn, name: str, node: str | None, theme: list[str]) -> pl.Pod:
    """A pod with some of a few rules."""
    rules = draw(st.lists(st.sampled_from(theme), max_size=3, unique=True))
    return pl.Pod(
        name,
        node=node,
        labels=draw(LABELS),
        terminating=draw(st.sampled_from([False, False, True])) if node else False,
        **{"requests": {"cpu": draw(st.integers(0, 2)), "memory": 1}, **{rule: draw(RULES[rule]) for rule in rules}},
    )


@st.composite
def clusters(draw: st.DrawFn) -> pl.Cluster:
    """A pending pod ``p0`` and a few that stand."""
    names = [f"n{place}" for place in range(draw(st.integers(1, 3)))]
    theme = draw(st.lists(st.sampled_from(sorted(RULES)), min_size=1, max_size=4, unique=True))
    count, rough = draw(st.integers(1, 5)), draw(st.booleans())
    placed = [draw(pods(f"p{place}", draw(st.sampled_from(names)) if place else None, theme)) for place in range(count)]
    return pl.Cluster([draw(nodes(name, rough)) for name in names], placed)


@st.composite
def stuck(draw: st.DrawFn) -> tuple[pl.Cluster, str]:
    """A cluster and a pod that fits nowhere."""
    cluster = draw(clusters())
    key = cluster.pod_table.key(0)
    assume(pl.explain(cluster, key).nodes.accepted == 0)
    return cluster, key


@settings(max_examples=120)
@given(stuck())
def test_every_proposal_makes_the_pod_fit_when_applied(case: tuple[pl.Cluster, str]):
    cluster, key = case

    explanation = pl.explain(cluster, key)

    assert explanation.changes
    for proposed in explanation.changes:
        assert pl.explain(proposed.apply(cluster), key).nodes.accepted > 0, proposed.text


DROPPED = {
    "port": "host_ports",
    "volume": "volumes",
    "affinity": "pod_affinity",
    "anti_affinity": "pod_anti_affinity",
    "apart": "apart_from",
}
STEPPED = {
    "max_skew": [("topology_spread", "max_skew", -1)],
    "at_most": [("domain_limits", "at_most", -1)],
    "device": [("devices", "count", 1), ("devices", "share_milli", 1)],
}


def smaller(kind: str, before: pl.Pod, after: pl.Pod) -> list[pl.Pod]:
    """Pods with a change of the same kind that is smaller by one step."""
    if kind in DROPPED:
        return with_fewer_dropped(before, after, DROPPED[kind])
    if kind in STEPPED:
        return [pod for step in STEPPED[kind] for pod in stepped(before, after, *step)]
    if kind == "resource":
        return with_one_more(before, after)
    if kind == "toleration":
        old, added = before.tolerations, after.tolerations[len(before.tolerations) :]
        return [after.model_copy(update={"tolerations": (*old, *part)}) for part in proper_parts(added)]
    return with_more_requirements(before, after) if kind == "selector" else []


def with_one_more(before: pl.Pod, after: pl.Pod) -> list[pl.Pod]:
    return [
        after.model_copy(update={"requests": type(before.requests)({**after.requests, name: amount + 1})})
        for name, whole in before.requests.items()
        if (amount := after.requests.get(name, 0)) < whole
    ]


def with_fewer_dropped(before: pl.Pod, after: pl.Pod, name: str) -> list[pl.Pod]:
    gone = list(getattr(before, name))
    for item in getattr(after, name):
        gone.remove(item)
    return [after.model_copy(update={name: (*getattr(after, name), *part)}) for part in some_parts(gone)]


def with_more_requirements(before: pl.Pod, after: pl.Pod) -> list[pl.Pod]:
    dropped = [key for key in before.node_selector if key not in after.node_selector]
    kept = [after.node_selector | {key: before.node_selector[key]} for key in dropped]
    found = [after.model_copy(update={"node_selector": selector}) for selector in kept]
    if len(before.node_affinity) == 1 and before.node_affinity != after.node_affinity:
        whole = before.node_affinity[0].match_expressions
        left = after.node_affinity[0].match_expressions if after.node_affinity else ()
        for part in some_parts([expression for expression in whole if expression not in left]):
            term = before.node_affinity[0].model_copy(update={"match_expressions": (*left, *part)})
            found.append(after.model_copy(update={"node_affinity": (term,)}))
    return found


def proper_parts(items: list[object] | tuple[object, ...]) -> list[tuple[object, ...]]:
    return [part for size in range(len(items)) for part in combinations(items, size)]


def some_parts(items: list[object]) -> list[tuple[object, ...]]:
    return [part for size in range(1, len(items) + 1) for part in combinations(items, size)]


def stepped(before: pl.Pod, after: pl.Pod, name: str, field: str, step: int) -> list[pl.Pod]:
    rules = getattr(after, name)
    if len(rules) != len(getattr(before, name)):
        return []
    return [
        after.model_copy(
            update={
                name: (
                    *rules[:place],
                    rule.model_copy(update={field: getattr(rule, field) + step}),
                    *rules[place + 1 :],
                )
            }
        )
        for place, (old, rule) in enumerate(zip(getattr(before, name), rules, strict=True))
        if getattr(old, field) != getattr(rule, field)
    ]


@settings(max_examples=120)
@given(stuck())
def test_nothing_smaller_of_the_same_kind_makes_the_pod_fit(case: tuple[pl.Cluster, str]):
    cluster, key = case
    before = cluster.pod(0)

    for proposed in pl.explain(cluster, key).changes:
        if proposed.pod is not None:
            for pod in smaller(proposed.kind, before, proposed.pod):
                assert not fits(cluster, pod), proposed.text


@settings(max_examples=60)
@given(clusters())
def test_every_node_that_is_counted_has_the_reason_that_is_counted(cluster: pl.Cluster):
    explanation = pl.explain(
        cluster, cluster.pod_table.key(0), goals=["pack+balance+headroom", "preferences+fragmentation"]
    )

    rejected = [verdict for verdict in explanation.nodes if verdict.rule is not None]
    for reason in explanation.summary:
        named = [verdict for verdict in rejected if verdict.rule == reason.rule and reason.reason in verdict.reason]
        assert len(named) >= reason.nodes
    assert {verdict.rule for verdict in rejected} == {reason.rule for reason in explanation.summary}
    assert len(explanation.lines()) >= 2
    assert explanation.to_dict()["accepted"] == len(explanation.nodes) - len(rejected)


GENEROUS = {
    "toleration": {"tolerations": (Toleration(operator="Exists"),)},
    "selector": {"node_selector": {}, "node_affinity": ()},
    "any_of": {"any_of": ()},
    "pin": {"nodes": ()},
    "forbidden": {"forbidden_nodes": ()},
    "volume": {"volumes": ()},
    "port": {"host_ports": ()},
    "device": {"devices": ()},
    "numa": {"numa": None},
    "max_skew": {"topology_spread": ()},
    "affinity": {"pod_affinity": ()},
    "anti_affinity": {"pod_anti_affinity": ()},
    "apart": {"apart_from": ()},
    "at_most": {"domain_limits": ()},
    "at_least": {"distinct_domains": ()},
    "shares": {"domain_shares": ()},
    "resource": {"requests": {}},
}


@settings(max_examples=120)
@given(stuck())
def test_every_kind_that_could_let_the_pod_fit_is_proposed(case: tuple[pl.Cluster, str]):
    cluster, key = case
    before = cluster.pod(0)
    assume(not before.scheduling_gates)

    proposed = {change.kind for change in pl.explain(cluster, key).changes}

    for kind, fields in GENEROUS.items():
        if fits(cluster, before.model_copy(update=fields)):
            assert kind in proposed, kind


@settings(max_examples=150)
@given(clusters())
def test_the_rule_that_explain_names_is_the_first_that_verify_finds_broken(cluster: pl.Cluster):
    pod = cluster.pod(0)
    assume(not pod.devices and pod.numa is None)
    key = cluster.pod_table.key(0)

    for verdict in pl.explain(cluster, key).nodes:
        broken = {violation.rule for violation in pl.verify(cluster, solution(cluster, [(key, verdict.node)]))}
        assert verdict.rule == next((rule.name for rule in Rule if rule.name in broken), None)


def test_explain_shares_no_code_with_the_engines():
    import subprocess
    import sys

    script = "import sys, placer.explain; print(*[m for m in sys.modules if m.startswith('placer.')])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert not [name for name in loaded if name.split(".")[1] in ("encode", "kernels", "packing", "solve", "verify")]


def test_selectors_of_groups_without_a_selector_mean_pods_with_equal_labels():
    limit = {"topology_key": "zone", "at_most": 1}
    old = pl.Pod("old", labels={"app": "a"}, node="n1")
    cluster = pl.Cluster(
        [pl.Node("n1", cpu=1, labels=zone("a"))], [old, pl.Pod("new", labels={"app": "a"}, domain_limits=[limit])]
    )

    explanation = pl.explain(cluster, "new")

    assert explanation.nodes[0].rule == "DomainLimit"
    assert change(explanation, "at_most").pod.domain_limits[0].at_most == 2
