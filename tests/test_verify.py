"""verify: the frame of a solution, its order of application, what it states, and the present placement."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from checks.case import GPU, GPUS, ZONE, ZONES, near, node, pod, solution

import placer as pl
from placer.errors import InputError, StaleSolutionError
from placer.solution import Binding, Eviction, Move, Solution, Unplaced

TWO = [node("n1"), node("n2", price=3)]
PENDING = [pod("a"), pod("b"), pod("old", node="n1", priority=-1)]
BOTH = [Binding("default/a", "n1"), Binding("default/b", "n1")]
FRAMES: list[tuple[str, str, dict[str, Any]]] = [
    ("a pod that is not in the input", "UnknownPod", {"bindings": [*BOTH, Binding("default/z", "n1")]}),
    (
        "a node that is not in the input",
        "UnknownNode",
        {"bindings": [BOTH[0], Binding("default/b", "n9")], "objective": {}},
    ),
    ("a pod is bound twice", "BoundTwice", {"bindings": [*BOTH, Binding("default/a", "n1")]}),
    ("a pod that stands is bound", "AlreadyBound", {"bindings": [*BOTH, Binding("default/old", "n1")]}),
    ("a pending pod is left out", "NotAccountedFor", {"bindings": BOTH[:1], "objective": {}}),
    ("an unplaced pod that is not in the input", "UnknownPod", {"unplaced": [Unplaced("default/z", [], "")]}),
    ("an unplaced pod that stands", "AlreadyBound", {"unplaced": [Unplaced("default/old", [], "")]}),
    ("a pod is bound and unplaced", "BoundAndUnplaced", {"unplaced": [Unplaced("default/a", [], "")]}),
    (
        "a pod is unplaced twice",
        "UnplacedTwice",
        {"bindings": BOTH[:1], "unplaced": [Unplaced("default/b", [], "")] * 2, "objective": {}},
    ),
    ("an objective that is too good", "Objective", {"objective": {"unplaced": 0, "pack": 0.5}}),
    (
        "unplaced pods that are not counted",
        "Objective",
        {"bindings": [], "unplaced": [Unplaced(b.pod, [], "") for b in BOTH]},
    ),
    ("an objective that is not a number", "Objective", {"objective": {"pack": float("nan")}}),
    ("an objective for no goal", "Objective", {"objective": {"pcak": 1}}),
    (
        "a goal without an objective",
        "Objective",
        {"goals": ["pack", "balance"], "objective": {"unplaced": 0, "pack": 1}},
    ),
    ("a weighted tier", "Objective", {"objective": {"2*pack+balance": 1}}),
    ("unplaced counts by priority that are wrong", "Objective", {"unplaced_by_priority": {0: 2}}),
    ("a bound above the objective", "Bound", {"objective": {"pack": 1}, "bound": {"pack": 1.5}}),
    ("a bound of nothing", "Bound", {"objective": {"unplaced": 0}, "bound": {"pack": 1}}),
    ("an eviction of a pending pod", "Eviction", {"evictions": [Eviction("default/b", "n1", "default/a")]}),
    ("an eviction from another node", "Eviction", {"evictions": [Eviction("default/old", "n2", "default/a")]}),
    ("an eviction for nobody", "Eviction", {"evictions": [Eviction("default/old", "n1", "default/old")]}),
    ("an eviction from an unknown node", "UnknownNode", {"evictions": [Eviction("default/old", "n9", "default/a")]}),
    ("a pod is evicted twice", "Eviction", {"evictions": [Eviction("default/old", "n1", "default/a")] * 2}),
    ("a move from where the pod is not", "Move", {"moves": [Move(0, "default/old", "n2", "n1")]}),
    ("a move to where the pod is", "Move", {"moves": [Move(0, "default/old", "n1", "n1")]}),
    ("a move to an unknown node", "UnknownNode", {"moves": [Move(0, "default/old", "n1", "n9")]}),
    (
        "a pod moves twice in a wave",
        "Move",
        {"moves": [Move(0, "default/old", "n1", "n2"), Move(0, "default/old", "n2", "n1")], "objective": {}},
    ),
]


@pytest.mark.parametrize(("rule", "fields"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES])
def test_a_broken_frame_is_named(rule, fields):
    cluster = pl.Cluster(TWO, PENDING)
    sound = {"bindings": BOTH, "unplaced": [], "objective": {"unplaced": 0}}

    violations = pl.verify(cluster, Solution(input=cluster.digest, **{**sound, **fields}))

    assert {violation.rule for violation in violations} == {rule}


def test_a_sound_frame_passes():
    cluster = pl.Cluster(TWO, PENDING)
    stated = {"unplaced": 0, "pack": 1, "3*balance": 0, "pack+headroom": 1, "fragmentation": 0, "preferences": 0}

    assert pl.verify(cluster, Solution(cluster.digest, BOTH, [], stated, ["pack"], bound={"pack": 1})) == []


def test_a_message_is_one_line_with_who_where_what_and_the_numbers():
    cluster = pl.Cluster([node("n1", cpu=2)], [pod("a", cpu="1500m"), pod("b", cpu=1)])

    violations = pl.verify(cluster, solution(cluster, ("a", "n1"), ("b", "n1")))

    assert violations == [
        (
            "NodeResourcesFit",
            "default/b",
            "n1",
            "default/b on n1 (bindings[1]): NodeResourcesFit: cpu would be 2500 of 2000",
        )
    ]


def test_violations_come_in_the_order_of_application():
    cluster = pl.Cluster([node("n1", cpu=1)], [pod(name, cpu=1, node_selector={"x": "y"}) for name in "abc"])

    violations = pl.verify(cluster, solution(cluster, ("c", "n1"), ("a", "n1"), ("b", "n1")))

    found = [(violation.pod, violation.rule) for violation in violations]
    assert found == [
        ("default/c", "NodeAffinity"),
        ("default/a", "NodeAffinity"),
        ("default/a", "NodeResourcesFit"),
        ("default/b", "NodeAffinity"),
        ("default/b", "NodeResourcesFit"),
    ]


def test_an_eviction_makes_room_just_before_the_binding_of_its_beneficiary():
    cluster = pl.Cluster([node("n1", cpu=1)], [pod("low", cpu=1, node="n1"), pod("high", cpu=1, priority=5)])
    evictions = [Eviction("default/low", "n1", "default/high")]

    assert pl.verify(cluster, solution(cluster, ("high", "n1"), evictions=evictions)) == []


def test_an_eviction_does_not_help_an_earlier_binding():
    pods = [pod("low", cpu=1, node="n1"), pod("high", priority=5), pod("other", cpu=1, priority=5)]
    cluster = pl.Cluster([node("n1", cpu=1)], pods)
    evictions = [Eviction("default/low", "n1", "default/high")]

    late = pl.verify(cluster, solution(cluster, ("other", "n1"), ("high", "n1"), evictions=evictions))
    early = pl.verify(cluster, solution(cluster, ("high", "n1"), ("other", "n1"), evictions=evictions))

    assert [(violation.rule, violation.pod) for violation in late] == [("NodeResourcesFit", "default/other")]
    assert early == []


def test_only_lower_priorities_are_evicted():
    cluster = pl.Cluster([node("n1", cpu=1)], [pod("low", cpu=1, node="n1"), pod("high", cpu=1)])
    evictions = [Eviction("default/low", "n1", "default/high")]

    violations = pl.verify(cluster, solution(cluster, ("high", "n1"), evictions=evictions))

    assert [violation.rule for violation in violations] == ["Eviction"]
    assert violations[0].message.endswith("evicts priority 0 for priority 0, which is not above it")


def test_an_evicted_pod_may_be_bound_again():
    pods = [pod("low", cpu=1, node="n1"), pod("high", cpu=1, priority=5)]
    cluster = pl.Cluster([node("n1", cpu=1), node("n2")], pods)
    evictions = [Eviction("default/low", "n1", "default/high")]

    assert pl.verify(cluster, solution(cluster, ("high", "n1"), ("low", "n2"), evictions=evictions)) == []


def test_a_moved_pod_holds_both_nodes_until_its_wave_ends():
    pods = [pod("x", cpu=1, node="n1"), pod("y", cpu=1, node="n2")]
    cluster = pl.Cluster([node("n1", cpu=1), node("n2", cpu=1), node("n3", cpu=1)], pods)
    to_third, to_first = ("default/x", "n1", "n3"), ("default/y", "n2", "n1")

    at_once = pl.verify(cluster, solution(cluster, moves=[Move(0, *to_third), Move(0, *to_first)]))
    in_turn = pl.verify(cluster, solution(cluster, moves=[Move(0, *to_third), Move(1, *to_first)]))

    assert [(violation.rule, violation.pod, violation.node) for violation in at_once] == [
        ("NodeResourcesFit", "default/y", "n1")
    ]
    assert in_turn == []


def test_a_moved_pod_is_judged_by_the_rules_of_its_new_node():
    pods = [pod("x", "web", node="a1", apart="zone"), pod("y", "web", node="b1")]
    cluster = pl.Cluster(ZONES, pods)

    together = pl.verify(cluster, solution(cluster, moves=[Move(0, "default/x", "a1", "b1")]))
    within = pl.verify(cluster, solution(cluster, moves=[Move(0, "default/x", "a1", "a2")]))

    assert [violation.rule for violation in together] == ["InterPodAffinity"]
    assert within == []


def test_what_the_input_breaks_is_not_held_against_a_solution():
    pods = [pod("x", "web", cpu=9, node="a1", apart="host"), pod("y", "web", node="a1"), pod("a")]
    cluster = pl.Cluster(ZONES, pods)

    assert pl.verify(cluster, solution(cluster, ("a", "a1"))) == []


PRESENT: list[tuple[str, set[tuple[str, str]], list[pl.Pod]]] = [
    ("all is well", set(), [pod("a", "web", node="a1", apart="host"), pod("b", "web", node="a2", apart="host")]),
    ("a node is over-committed", {("NodeResourcesFit", "b")}, [pod(name, cpu=5, node="a1") for name in "ab"]),
    ("ports clash", {("NodePorts", "b")}, [pod(name, ports=[80], node="a1") for name in "ab"]),
    ("a selector is not matched", {("NodeAffinity", "a")}, [pod("a", node="a1", node_selector={ZONE: "b"})]),
    ("a gated pod stands", {("SchedulingGates", "a")}, [pod("a", node="a1", scheduling_gates=["wait"])]),
    ("what placer cannot hold may stand", set(), [pod("a", node="a1", unsupported=["resourceClaims"])]),
    (
        "two pods are too near",
        {("InterPodAffinity", "a"), ("InterPodAffinity", "b")},
        [pod("a", "web", node="a1", apart="zone"), pod("b", "web", node="a2")],
    ),
    (
        "affinity may be met by a later pod",
        set(),
        [pod("a", node="a1", pod_affinity=[near("db")]), pod("b", "db", node="a2")],
    ),
    ("affinity is not met", {("InterPodAffinity", "a")}, [pod("a", node="a1", pod_affinity=[near("db")])]),
    ("a group of one that wants itself", set(), [pod("a", "web", node="a1", pod_affinity=[near("web")])]),
    (
        "a zone is ahead",
        {("PodTopologySpread", "a"), ("PodTopologySpread", "b")},
        [pod(name, "web", node="a1", topology_spread=[near("web")]) for name in "ab"],
    ),
    ("a spread that is even", set(), [pod(n, "web", node=w, topology_spread=[near("web")]) for n, w in ("aa", "bb")]),
    ("pods of a missing node stand nowhere", set(), [pod(name, cpu=9, node="gone") for name in "ab"]),
    ("apart", {("ApartFrom", "a"), ("ApartFrom", "b")}, [pod("a", node="a1", apart_from=["b"]), pod("b", node="a1")]),
    ("too few units", {("NodeResourcesFit", "a")}, [pod("a", gpu=1, node="a1")]),
]


@pytest.mark.parametrize(("expected", "pods"), [row[1:] for row in PRESENT], ids=[row[0] for row in PRESENT])
def test_the_present_placement_is_checked(expected, pods):
    placed = [one.model_copy(update={"node": f"{one.node}1"}) if one.node in ("a", "b") else one for one in pods]

    violations = pl.verify(pl.Cluster(ZONES, placed))

    assert {(violation.rule, violation.pod.removeprefix("default/")) for violation in violations} == expected


def test_units_of_the_present_placement_are_checked():
    pods = [pod("a", gpu=1, node="n1", units={GPU: [0]}), pod("b", gpu=1, node="n1", units={GPU: [0]})]
    cluster = pl.Cluster([node("n1", devices=GPUS)], [*pods, pod("c", gpu=2, node="n1")])

    violations = pl.verify(cluster)

    assert [(violation.rule, violation.pod) for violation in violations] == [("Devices", "default/b")]


def test_goals_are_computed_from_their_formulas():
    nodes = [
        node("n1", "a", cpu=4, memory="4Gi", price=2, devices=[{"kind": GPU, "count": 2}]),
        node("n2", "b", cpu=4, memory="4Gi", taints=[{"key": "slow", "effect": "PreferNoSchedule"}]),
    ]
    wish = {"weight": 10, "term": {"match_expressions": [{"key": ZONE, "operator": "In", "values": ["a"]}]}}
    pods = [
        pod("a", cpu=4, memory="1Gi", devices=[{"kind": GPU, "share": 0.4}], node="n1"),
        pod("b", "web", cpu=2, preferred_nodes=[wish], preferred_pods=[{"weight": 5, "term": near("db")}]),
        pod("c", cpu=9),
    ]
    cluster = pl.Cluster(nodes, pods)
    # On n1 600 + 1000 thousandths are free and no cpu: no pod can use them. Wishes lose 10 + 1 (taint) + 5.
    stated = {
        "unplaced": 1,
        "pack": 3,
        "balance": 1 + 1 / 16 + 1 / 4,
        "headroom": 0.2,
        "fragmentation": 1600,
        "preferences": 16,
        "2*pack+0.5*balance": 6 + 0.5 * (1 + 1 / 16 + 1 / 4),
    }

    answer = solution(cluster, ("b", "n2"), objective=stated, unplaced_by_priority={0: 1})

    assert pl.verify(cluster, answer) == []


def test_a_solution_for_another_input_is_refused():
    cluster, other = pl.Cluster(TWO, PENDING), pl.Cluster(TWO, PENDING[:2])

    with pytest.raises(StaleSolutionError, match="it was made for another input"):
        pl.verify(cluster, solution(other, ("a", "n1")))


def test_what_solve_returns_is_refused_for_another_input():
    cluster, other = pl.Cluster(TWO, PENDING), pl.Cluster(TWO, PENDING[:2])

    with pytest.raises(StaleSolutionError):
        pl.verify(cluster, pl.solve(other))


WRONG: list[tuple[str, Any]] = [
    ("verify: solution is 'x'", "x"),
    ("solution: bindings[0].pod is 5", {"bindings": [Binding(5, "n1")]}),  # type: ignore[arg-type]
    ("solution: bindings[0].devices is [0]", {"bindings": [Binding("default/a", "n1", [0])]}),  # type: ignore[arg-type]
    ("solution: bindings[0].devices['gpu'] is '0'", {"bindings": [Binding("default/a", "n1", {"gpu": "0"})]}),
    ("solution: unplaced[0].pod is None", {"unplaced": [Unplaced(None, [], "")]}),  # type: ignore[arg-type]
    ("solution: moves[0].wave is '1'", {"moves": [Move("1", "default/old", "n1", "n2")]}),  # type: ignore[arg-type]
    ("solution: evictions[0].node is 1", {"evictions": [Eviction("default/old", 1, "default/a")]}),  # type: ignore[arg-type]
    ("solution: objective['pack'] is '1'", {"objective": {"pack": "1"}}),
    ("solution: bound['pack'] is None", {"bound": {"pack": None}}),
]


@pytest.mark.parametrize(("message", "fields"), WRONG, ids=[row[0] for row in WRONG])
def test_values_of_wrong_types_are_refused(message, fields):
    cluster = pl.Cluster(TWO, PENDING)
    sound = {"bindings": BOTH, "unplaced": [], "objective": {"unplaced": 0}}
    given = fields if isinstance(fields, str) else Solution(input=cluster.digest, **{**sound, **fields})

    with pytest.raises(InputError) as error:
        pl.verify(cluster, given)

    assert error.value.problems[0].startswith(message)


def test_something_that_is_no_cluster_is_refused():
    with pytest.raises(InputError, match=r"verify: cluster is \[\]: give a Cluster"):
        pl.verify([])  # type: ignore[arg-type]


def test_an_empty_cluster_passes():
    cluster = pl.Cluster()

    assert pl.verify(cluster) == []
    assert pl.verify(cluster, solution(cluster)) == []


def test_what_solve_returns_passes():
    pods = [pod("web", "web", cpu=1, spread="zone", replicas=2), pod("g", gpu=1, apart="host"), pod("z", cpu=99)]
    cluster = pl.Cluster([*ZONES, node("gpu", "b", devices=GPUS)], pods)

    assert pl.verify(cluster, pl.solve(cluster, goals=["pack", "balance"])) == []


def test_verify_loads_no_engine():
    engines = ("placer.encode", "placer.kernels", "placer.engine", "numba")
    loaded = f"[name for name in sys.modules if name.startswith({engines})]"
    code = f"import sys, placer as pl; c = pl.Cluster(); pl.verify(c); print({loaded})"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


def test_importing_the_module_keeps_the_function_of_its_name():
    code = "import placer as pl; from placer.verify import Violation; print(pl.verify(pl.Cluster()))"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"
