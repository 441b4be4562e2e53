"""Goals: what they are made of, how they are written, narrowed and weighed, and that every reader agrees on them."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import ALL_RULES, random_cluster

import placer as pl
from placer.checks.facts import Facts
from placer.checks.terms import added, value
from placer.errors import InputError
from placer.goals import goals_known, parse_goals, registry
from placer.goals.written import read_goals
from placer.model.term import Fragmentation, Wishes

WRITTEN = [
    "pack",
    "nodes",
    "nodes(resources=nvidia.com/gpu)",
    "balance",
    "balance(formula=linear)",
    "balance(formula=max)",
    "balance(formula=variance)",
    "balance(between=resources)",
    "balance(key=zone,formula=max)",
    "headroom",
    "headroom(above=0.5,resources=cpu)",
    "fragmentation",
    "preferences",
    "spread",
    "spread(key=zone|host,by=app)",
    "room(copies=4)",
    "colocation(pods=app=web,to=app=db)",
    "colocation(pods=app=web,to=app=db,key=zone,traffic=2.5)",
]
GPU = "nvidia.com/gpu"
RACK, ZONE = "topology.kubernetes.io/rack", "topology.kubernetes.io/zone"
REFUSED = ("no node has this label", "no pod has this label", "is on no node")
"""What a random cluster may lack that a goal names."""


def two_pools() -> pl.Cluster:
    """A dear GPU pool in zone a, a cheap plain one in zones a and b."""
    gpu = [
        pl.Node(f"g{i}", cpu=8, memory="8Gi", allocatable={GPU: 4}, labels={"pool": "gpu", ZONE: "a"}, price=5)
        for i in range(2)
    ]
    plain = [
        pl.Node(f"p{i}", cpu=8, memory="16Gi", labels={"pool": "plain", ZONE: "ab"[i % 2]}, price=1) for i in range(4)
    ]
    pods = [
        pl.Pod("train", replicas=2, cpu=1, memory="1Gi", requests={GPU: 1}, labels={"app": "train"}),
        pl.Pod("web", replicas=4, cpu=1, memory="1Gi", labels={"app": "web"}),
        pl.Pod("db", replicas=2, cpu=2, memory="4Gi", labels={"app": "db"}),
    ]
    return pl.Cluster([*gpu, *plain], pods)


def where_of(cluster: pl.Cluster, solution: pl.Solution) -> np.ndarray:
    where = np.maximum(cluster.pod_table.node.astype(np.int64), -1)
    pods, nodes = solution.rows(cluster)
    where[pods] = nodes
    return where


@pytest.mark.parametrize("written", WRITTEN)
def test_every_goal_is_solved_for_and_verified(written):
    cluster = two_pools()
    solution = pl.solve(cluster, goals=[written])
    assert not pl.verify(cluster, solution)
    assert not pl.verify(cluster, pl.Solution.from_dict(solution.to_dict()))
    assert not solution.unplaced


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(WRITTEN))
def test_engine_and_verify_agree_on_every_goal(seed, written):
    cluster = random_cluster(seed, 6, 16, ALL_RULES)
    try:
        solution = pl.solve(cluster, goals=[written])
    except InputError as error:
        assert (
            "no node has this label" in str(error)
            or "no pod has this label" in str(error)
            or "is on no node" in str(error)
        )
        return
    assert not pl.verify(cluster, solution)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(WRITTEN))
def test_what_one_more_pod_adds_is_the_difference_that_it_makes(seed, written):
    cluster = random_cluster(seed, 5, 12, ALL_RULES)
    facts, rng = Facts(cluster), np.random.default_rng(seed)
    where = np.maximum(rng.integers(-1, 5, len(cluster.pod_table)), -1)
    pod = int(rng.integers(0, len(where)))
    where[pod] = -1
    try:
        terms = parse_goals(written)[0].parts[0].goal.terms(cluster)
        stated = [term for term in terms if not isinstance(term, (Fragmentation, Wishes))]
        before = [value(term, facts, where) for term in stated]
    except InputError:
        return
    for term, known in zip(stated, before, strict=True):
        grown = added(term, facts, where, pod)
        for node in range(5):
            there = where.copy()
            there[pod] = node
            assert grown[node] == pytest.approx(value(term, facts, there) - known, abs=1e-9)


def test_terms_sum_to_the_objective_before_and_after():
    cluster = random_cluster(3, 8, 20, ALL_RULES)
    solution = pl.solve(cluster, goals=["pack+2*balance", "preferences"])
    sums: dict[str, float] = {}
    for term in solution.terms:
        sums[term.tier] = sums.get(term.tier, 0.0) + term.after
    assert sums == pytest.approx(dict(solution.objective))
    assert {(term.goal, term.weight) for term in solution.terms} == {
        ("unplaced", 1.0), ("pack", 1.0), ("balance", 2.0), ("preferences", 1.0)
    }  # fmt: skip
    assert solution.terms[0].before == int((cluster.pod_table.node == -1).sum())
    assert pl.Solution.from_dict(solution.to_dict()).terms == list(solution.terms)


def test_nodes_counts_nodes_whatever_they_cost():
    cluster = two_pools()
    solution = pl.solve(cluster, goals=["nodes", "pack"])
    used = {binding.node for binding in solution.bindings}
    assert solution.objective["nodes"] == len(used)
    assert solution.objective["pack"] == sum(5 if node[0] == "g" else 1 for node in used)


def test_a_goal_is_narrowed_by_nodes_pods_and_resources():
    cluster = two_pools()
    gpus = pl.solve(cluster, goals=[pl.goal("pack", resources=GPU), pl.goal("balance", nodes={"pool": "plain"})])
    assert gpus.objective["pack(resources=nvidia.com/gpu)"] == 5.0
    where = where_of(cluster, gpus)
    load = np.bincount(where, cluster.pod_table.requests.column("cpu"), minlength=6) / 8000
    memory = np.bincount(where, cluster.pod_table.requests.column("memory"), minlength=6)
    plain = slice(2, 6)
    expected = (load[plain] ** 2).sum() + ((memory[plain] / 2**34) ** 2).sum()
    assert gpus.objective['balance(nodes="pool=plain")'] == pytest.approx(expected)
    web = pl.solve(cluster, goals=["nodes(pods=app=web)"])
    assert web.objective["nodes(pods=app=web)"] == len({b.node for b in web.bindings if "web" in b.pod})
    assert not pl.verify(cluster, gpus)
    assert not pl.verify(cluster, web)


def test_one_policy_for_each_pool():
    cluster = two_pools()
    goals = [[pl.goal("nodes", nodes={"pool": "gpu"}), pl.goal("balance", 3, nodes={"pool": "plain"}, formula="max")]]
    solution = pl.solve(cluster, goals=goals)
    assert list(solution.goals) == ['nodes(nodes="pool=gpu")+3*balance(nodes="pool=plain", formula=max)']
    assert not pl.verify(cluster, solution)


def test_balance_by_each_formula_is_what_it_says():
    cluster = two_pools()
    solution = pl.solve(cluster, goals=["balance"])
    where = where_of(cluster, solution)
    asked = [cluster.pod_table.requests.column(name) for name in ("cpu", "memory")]
    have = [cluster.node_table.allocatable.column(name) for name in ("cpu", "memory")]
    loads = [np.bincount(where, pods, minlength=6) / nodes for pods, nodes in zip(asked, have, strict=True)]
    mean = [pods.sum() / nodes.sum() for pods, nodes in zip(asked, have, strict=True)]
    expected = {
        "squares": sum((load**2).sum() for load in loads),
        "linear": sum(np.maximum(load - each, 0).sum() for load, each in zip(loads, mean, strict=True)),
        "max": sum(load.max() for load in loads),
        "variance": sum(load.var() for load in loads),
    }
    for formula, number in expected.items():
        terms = pl.goal("balance", formula=formula).goal.terms(cluster)
        assert sum(value(term, Facts(cluster), where) for term in terms) == pytest.approx(number)
    terms = pl.goal("balance", between="resources").goal.terms(cluster)
    expected_between = np.var(np.stack(loads), axis=0).sum()
    assert sum(value(term, Facts(cluster), where) for term in terms) == pytest.approx(expected_between)


def test_spread_counts_squares_by_controller_and_domain_nested():
    nodes = [pl.Node(f"n{i}", cpu=8, labels={ZONE: "ab"[i // 2], RACK: str(i)}) for i in range(4)]
    cluster = pl.Cluster(nodes, [pl.Pod("web", replicas=4, cpu=1), pl.Pod("alone", cpu=1)])
    terms = pl.goal("spread", key=["zone", "rack"]).goal.terms(cluster)
    where = np.array([0, 0, 1, 2, 3])
    assert [value(term, Facts(cluster), where) for term in terms] == pytest.approx([9 + 1, 1e-3 * (4 + 1 + 1)])


def test_room_is_for_the_largest_pod_or_one_like_it():
    cluster = two_pools()
    largest = pl.goal("room", copies=8).goal.terms(cluster)[0]
    assert dict(largest.requests) == {"cpu": 1000, "memory": 2**30, GPU: 1}
    like = pl.goal("room", copies=20, like="db-0").goal.terms(cluster)[0]
    empty = np.full(len(cluster.pod_table), -1)
    assert value(largest, Facts(cluster), empty) == 0.0
    assert value(like, Facts(cluster), empty) == 20 - 4 * 4 - 2 * 2 + 0.0


def test_colocation_counts_pairs_apart():
    cluster = two_pools()
    term = pl.goal("colocation", pods="app=web", to="app=db", traffic=3).goal.terms(cluster)[0]
    where = np.array([0, 0, 2, 2, 3, 4, 2, 3])
    assert value(term, Facts(cluster), where) == 3 * (4 * 2 - 2 * 1 - 1 * 1)


def cheap_zone(cluster):
    """pods in zone b"""
    zone_b = [node.labels.get(ZONE) == "b" for node in cluster.nodes]
    every = pl.Measure(np.ones(len(cluster.pods)), np.ones(len(zone_b)))
    return [pl.Load("zone b", (every,), "linear", zone_b)]


def test_a_function_of_the_users_is_a_goal_in_solve_verify_and_explain():
    cluster = two_pools()
    solution = pl.solve(cluster, goals=[cheap_zone, "pack"])
    assert solution.objective["cheap_zone"] == 0.0
    assert not pl.verify(cluster, solution)
    assert pl.explain(cluster, "web-0", goals=[cheap_zone]).nodes[3].scores == {"cheap_zone": 1.0}


def test_a_function_is_narrowed_by_its_terms():
    cluster = two_pools()
    solution = pl.solve(cluster, goals=[pl.goal(cheap_zone, pods={"app": "web"})])
    where = where_of(cluster, solution)[2:6]
    assert solution.objective['cheap_zone(pods="app=web")'] == sum(node in {3, 5} for node in where.tolist())


def test_a_goal_of_another_package_is_found_by_its_entry_point(monkeypatch):
    entry = EntryPoint("cheap-zone", "test_goals:cheap_zone", "placer.goals")
    entries = EntryPoints([entry, EntryPoint("broken", "test_goals:nothing_here", "placer.goals")])
    monkeypatch.setattr(registry, "entry_points", entries.select)
    cluster = two_pools()
    solution = pl.solve(cluster, goals=["cheap-zone"])
    assert not pl.verify(cluster, pl.Solution.from_dict(solution.to_dict()))
    with pytest.raises(InputError, match="'broken' cannot be loaded from test_goals:nothing_here: AttributeError"):
        pl.solve(cluster, goals=["broken"])
    with pytest.raises(InputError, match="goals: 'cheapzone' is no goal: did you mean 'cheap-zone'"):
        pl.solve(cluster, goals=["cheapzone"])


def test_a_file_that_names_an_unknown_goal_is_not_verified_in_silence():
    cluster = two_pools()
    solution = pl.Solution.from_dict(pl.solve(cluster, goals=[cheap_zone]).to_dict())
    flaws = pl.verify(cluster, solution)
    assert "'cheap_zone', which cannot be computed" in flaws[0].message


@pytest.mark.parametrize(
    ("goals", "message"),
    [
        (["pakc"], "goals: 'pakc' is no goal: did you mean 'pack'?"),
        (["pack", "balance+pack"], "goals: 'pack' is a duplicate: name each goal once"),
        (["0*pack"], "goals: the weight of 'pack' is '0': give a number above 0"),
        (["-2*pack"], "goals: the weight of 'pack' is '-2': give a number above 0"),
        (["pack(size=3)"], "goals: 'pack' has no option 'size': choose among resources, nodes, pods"),
        (["pack(nodes"], "goals: 'pack(nodes': option 'nodes' has no value"),
        (["pack)"], "goals: 'pack)': ')' is not expected"),
        (["balance(formula=cubic)"], "goals: balance: formula is 'cubic': choose among squares, linear, max, variance"),
        (["headroom(above=2)"], "goals: headroom: above is 2.0: give a number from 0 to 1"),
        (["room(copies=0)"], "goals: room: copies is 0: give a count from 1 on"),
        (["room(like=nobody)"], "goals: room: like is 'nobody': no pod has this name"),
        (["colocation"], "goals: colocation: pods and to say who exchanges data"),
        (["spread(key=floor)"], "goals: key 'floor': no node has this label"),
        (["spread(by=team)"], "goals: by is 'team': no pod has this label"),
        (["balance(resources=disk)"], "goals: resources: 'disk' is on no node and in no request"),
        (["fragmentation(nodes=pool=gpu)"], "goals: 'fragmentation' is about the whole cluster"),
        ([3], "goals: 3 is no goal"),
    ],
)
def test_goals_that_cannot_be_meant_are_refused_by_name(goals, message):
    with pytest.raises(InputError) as error:
        pl.solve(two_pools(), goals=goals)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (None, "gives NoneType: give a list of terms"),
        ([SimpleNamespace()], "gives a SimpleNamespace: give terms: Load, Pairs"),
        ([pl.Load("x", (), "linear", np.ones(6))], "term 'x': measures is (): give at least one"),
        ([pl.Load("x", (pl.Measure(np.ones(8), np.ones(6)),), "cube", np.ones(6))], "formula is 'cube'"),
        ([pl.Load("x", (pl.Measure(np.ones(7), np.ones(6)),), "any", np.ones(6))], "amount is of shape (7,): give 8"),
        ([pl.Load("x", (pl.Measure(-np.ones(8), np.ones(6)),), "any", np.ones(6))], "amount is -1: give values from 0"),
        ([pl.Load("x", (pl.Measure(np.ones(8) / 2, np.ones(6)),), "any", np.ones(6))], "finite values of type int64"),
        ([pl.Load("x", (pl.Measure(np.ones(8), np.ones(6)),), "any", -np.ones(6))], "weight is -1.0"),
        ([pl.Preference("x", np.full(8, 2), np.zeros((1, 6)))], "row is 2 to 2: name rows of cost, -1 to 0"),
        ([pl.Preference("x", np.zeros(8), np.zeros((1, 6)), float("nan"))], "factor is nan: give a finite number"),
        ([pl.Room("x", {"cpu": -1}, 1, np.ones(6, bool))], "requests['cpu'] is -1"),
        ([pl.Room("x", {"cpu": 1}, -1, np.ones(6, bool))], "copies is -1: give a count from 0 on"),
    ],
)
def test_terms_that_do_not_fit_the_cluster_are_refused_by_goal_term_and_field(terms, message):
    def mine(cluster):
        return terms

    with pytest.raises(InputError) as error:
        pl.solve(two_pools(), goals=[mine])
    assert str(error.value).startswith("goals: mine")
    assert message in str(error.value)


def test_goals_are_read_from_yaml(tmp_path):
    file = tmp_path / "goals.yaml"
    file.write_text(
        "goals:\n- goal: pack\n  nodes: {pool: gpu}\n- - goal: balance\n    weight: 2\n    formula: max\n  - headroom\n"
    )
    tiers = read_goals(file)
    assert [tier.key for tier in tiers] == ['pack(nodes="pool=gpu")', "2*balance(formula=max)+headroom"]
    assert not pl.verify(two_pools(), pl.solve(two_pools(), goals=tiers))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("goals: 3", "goals is 3: give a list of goals"),
        ("- {weight: 2}", "{'weight': 2} is no goal: give a name, or a mapping with goal: NAME"),
        ("- pakc", "'pakc' is no goal: did you mean 'pack'"),
        ("[", "this is no YAML document"),
    ],
)
def test_a_file_without_goals_is_refused_by_name(tmp_path, text, message):
    file = tmp_path / "goals.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read_goals(file)
    assert str(error.value).startswith(str(file))
    assert message in str(error.value)


@pytest.mark.parametrize("written", WRITTEN)
def test_a_goal_is_read_again_as_it_is_written(written):
    name = parse_goals(written)[0].parts[0].name
    assert parse_goals(name)[0].parts[0].name == name


def test_every_known_goal_has_a_formula():
    assert all(known.formula for known in goals_known().values())
