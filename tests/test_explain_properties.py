"""Explain on random clusters: proposals fit, nothing smaller of a kind does, and verify names the same rule."""

from __future__ import annotations

from itertools import combinations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import placer as pl
from placer.explaining.changes import Change
from placer.model.rule import Rule
from placer.model.taint import Toleration

ZONE = "topology.kubernetes.io/zone"


def fits(cluster: pl.Cluster, pod: pl.Pod) -> bool:
    changed = Change("", "", pod).apply(cluster)
    return pl.explain(changed, f"{pod.namespace}/{pod.name}").nodes.accepted > 0


def solution(cluster: pl.Cluster, bindings: list[tuple[str, str]], **fields: object) -> pl.Solution:
    return pl.Solution.from_dict(
        {
            "version": 1,
            "input": cluster.digest,
            "bindings": [{"pod": pod, "node": node} for pod, node in bindings],
            **fields,
        }
    )


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
