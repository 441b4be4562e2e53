"""Placing: what the searches choose, against every node tried by the reference's rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.rules import rejects
from reference.state import State as Slow

from kernels import references as slow
from kernels.world import GOALS, World, bind_pod, copied, gpu_world, listed, named, seen, world
from placer.kernels import arrive, devices, fragmentation, place, reject, score
from placer.kernels.structs import pack
from placer.rejections import Rejections

worlds = st.builds(world, st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 12), goals=st.sampled_from(GOALS))
fresh_worlds = st.builds(
    world,
    st.integers(0, 10**6),
    st.integers(1, 6),
    st.integers(1, 12),
    goals=st.sampled_from(GOALS),
    bind=st.just(False),
)
gpu_worlds = st.builds(gpu_world, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 12))
examples = settings(max_examples=60)
PLACING = ("problem", "goals", "state", "work", "log", "plan")


def score_at(made: World, pod_class: int, node: int) -> float:
    """What one more pod costs on one node."""
    out = np.full(made.nodes, np.inf)
    parts = made.structs("problem", "goals", "state", "work")
    score.score_range(*parts, pod_class, made.problem.classes.need[pod_class], node, node + 1, out)
    return float(out[node])


@given(worlds)
@examples
def test_the_node_decided_on_is_the_cheapest_that_fits_and_the_first_of_equals(made):
    for pod_class, pod in made.waiting().items():
        fitting = [node for node in range(made.nodes) if rejects(made.slow, pod, made.row(node)) is None]
        ranked = [(score_at(made, pod_class, node), node) for node in fitting]

        node = arrive.decide(*made.structs("problem", "goals", "state", "work"), pod_class)

        assert node == (min(ranked)[1] if ranked else -1)
        assert all(cost < np.inf for cost, _ in ranked)


@given(worlds)
@examples
def test_the_rule_named_is_the_first_of_the_page(made):
    rejections = Rejections(made.cluster, made.run)
    for pod_class, pod in made.waiting().items():
        found = rejections.codes(pod_class, pod)
        for node in range(made.nodes):
            expected = rejects(made.slow, pod, made.row(node))
            assert int(found[node]) % reject.OTHER_WORDS == int(expected or 0)


@given(worlds)
@examples
def test_standing_pods_hold_what_the_page_says(made):
    made = world_before(made)
    units, dimensions = made.problem.units, {"": 0}
    for node, listed_units in enumerate(made.slow.units):
        at = int(made.encoded.position[node])
        first = int(units.start[at])
        for unit, (_, device) in enumerate(listed_units):
            taken = made.slow.taken[node][unit]
            assert made.state.unit_free[first + unit, 0] == 1000 - taken.milli if device.kind != "numa" else True
            amounts = sorted(device.capacity.get(name, 0) - taken.amounts.get(name, 0) for name in device.capacity)
            free = made.state.unit_free[first + unit, 1:].tolist()
            assert sorted(each for each in free if each) == [each for each in amounts if each]
    assert dimensions


def world_before(made: World) -> World:
    """The same cluster as the input has it."""
    from placer.encode.goals import encode_goals
    from placer.engine import pods_per_class, prepare

    goals = encode_goals(made.encoded, [GOALS[0]], pods_per_class(made.encoded))
    run = prepare(made.cluster, made.encoded, goals)
    return made._replace(run=run, slow=Slow(made.cluster))


@given(worlds)
@examples
def test_admitting_a_pod_and_letting_it_leave_restores_the_state(made):
    problem, goals, state, work = made.structs("problem", "goals", "state", "work")
    for pod_class in made.waiting():
        before = seen(made.state)
        node = arrive.decide(problem, goals, state, work, pod_class)
        if node >= 0:
            slots = arrive.admit(problem, goals, state, work, pod_class, node)
            assert seen(made.state) != before
            arrive.leave(problem, state, work, pod_class, node, slots)
            assert seen(made.state) == before


@given(fresh_worlds)
@examples
def test_a_class_is_placed_as_one_pod_after_another_would_be(made):
    twin = made._replace(run=made.run._replace(state=copied(made.state)))
    twin = twin._replace(packed={**made.packed, "state": pack(twin.state)})
    expected = []
    for family in range(len(made.run.plan.scan_key)):
        for at in range(made.run.plan.family_start[family], made.run.plan.family_start[family + 1]):
            pod_class = int(made.run.plan.order[at])
            for _ in range(made.run.plan.last_slot[pod_class] - made.run.plan.first_slot[pod_class]):
                node = arrive.decide(*twin.structs("problem", "goals", "state", "work"), pod_class)
                if node >= 0:
                    expected.append((pod_class, node))
                    arrive.admit(*twin.structs("problem", "goals", "state", "work"), pod_class, node)
    made.work.scan_key[0] = -1

    place.place_families(*made.structs(*PLACING), 0, len(made.run.plan.scan_key))

    lines = int(made.run.log.lines[0])
    classes = np.searchsorted(made.run.plan.last_slot, made.run.log.slot[:lines], side="right").tolist()
    assert list(zip(classes, made.run.log.node[:lines].tolist(), strict=True)) == expected
    assert seen(made.state) == seen(twin.state)


@given(fresh_worlds)
@examples
def test_after_placing_until_nothing_changes_no_pod_is_left_that_fits(made):
    log, before = made.run.log, -1
    while before < log.lines[0]:
        before = int(log.lines[0])
        made.work.scan_key[0] = -1
        log.next_slot[:] = made.run.plan.first_slot
        place.place_families(*made.structs(*PLACING), 0, len(made.run.plan.scan_key))
    for line in range(before):
        pod = int(made.run.pod_of_slot[log.slot[line]])
        units = log.unit[log.unit_start[line] : log.unit_start[line + 1]]
        node = made.row(int(log.node[line]))
        assert rejects(made.slow, pod, node, named(made, units)) is None
        made.slow.bind(pod, node, named(made, units))

    for pod in made.encoded.pending.tolist():
        if pod not in made.slow.standing:
            assert None not in [rejects(made.slow, pod, node) for node in range(made.nodes)]


@given(worlds)
@examples
def test_what_a_binding_changed_is_taken_in_as_if_begun_anew(made):
    problem, goals, state, work = made.structs("problem", "goals", "state", "work")
    for pod_class, pod in made.waiting().items():
        need = made.problem.classes.need[pod_class]
        place.scan(problem, goals, state, work, pod_class, need)
        first = place.begin_class(problem, state, work, pod_class)
        node = place.best_node(problem, work, pod_class)
        if node >= 0 and bind_pod(made, pod, node):
            place.after_binding(problem, goals, state, work, pod_class, need, node, first)
            found = place.best_node(problem, work, pod_class)
            place.unblock(problem, goals, state, work, pod_class, need)
            scores = made.work.score[made.eligible(pod_class)].tolist()
            assert found == arrive.decide(problem, goals, state, work, pod_class)
            place.scan(problem, goals, state, work, pod_class, need)
            assert scores == made.work.score[made.eligible(pod_class)].tolist()
        made.work.blocked_count[0] = 0


@given(gpu_worlds)
@settings(max_examples=80)
def test_a_share_is_taken_of_the_unit_where_fragmentation_grows_least(made):
    parts = made.structs("problem", "goals", "state", "work")
    problem, _, state, work = parts
    for pod_class in made.waiting():
        for node in range(made.nodes):
            slots = devices.choose_units(problem, state, pod_class, node, work)
            if slots < 0:
                continue
            before = seen(made.state)
            chosen, needs = made.work.chosen[:slots].tolist(), made.work.slot_need[:slots].tolist()
            grows = fragmentation.fragmentation_change(*parts, pod_class, node, slots)
            assert seen(made.state) == before
            options = [chosen]
            if slots == 1 and made.problem.classes.unit_amount[needs[0], 0] < 1000:
                here = range(made.problem.units.start[node], made.problem.units.start[node + 1])
                options = [[u] for u in here if slow.unit_serves(made.problem, made.state, needs[0], u, -1)]
            growth = {tuple(units): grown(made, pod_class, node, units, needs) for units in options}
            assert grows == pytest.approx(min(growth.values()) / 1000)
            taken = tuple(made.work.chosen[:slots].tolist())
            assert growth[taken] == pytest.approx(min(growth.values()))


def grown(made: World, pod_class: int, node: int, units: list[int], needs: list[int]) -> float:
    """How much fragmentation a pod adds that takes these units."""
    after = copied(made.state)
    after.free[:, node] -= made.problem.classes.need[pod_class]
    for unit, need in zip(units, needs, strict=True):
        slow.hold_unit(made.problem, after, pod_class, need, unit, 1)
    before = slow.node_fragmentation(made.problem, made.goals, made.state, node)
    return slow.node_fragmentation(made.problem, made.goals, after, node) - before


@given(st.builds(gpu_world, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 12), st.just(False)),
       st.sampled_from([(100, 0, 0, 0), (0, 0.1, 0.2, 0.3), (50, 0.001, 0, 0.001)]))  # fmt: skip
@settings(max_examples=40)
def test_arriving_pods_go_where_the_score_kept_for_a_node_is_least(made, weights):
    policy = np.array(weights, np.float64)
    arrivals = made.encoded.class_of_pod[made.encoded.pending]
    allowed = np.array([[node in made.eligible(one) for node in range(made.nodes)] for one in range(made.classes)])
    allowed = allowed.reshape(made.classes, made.nodes)
    twin = made._replace(packed={**made.packed, "state": pack(copied(made.state))})
    expected = []
    for pod_class in arrivals.tolist():
        parts = twin.structs("problem", "goals", "state", "work")
        ranked = [
            (float(arrive.arrival_score(*parts, pod_class, node, policy)), node)
            for node in range(made.nodes)
            if allowed[pod_class, node]
        ]
        best = min(ranked, default=(np.inf, -1))
        expected.append(best[1] if best[0] < np.inf else -1)
        if expected[-1] >= 0:
            arrive.admit(*parts, pod_class, expected[-1])

    found = np.zeros(len(arrivals), np.int32)
    kept = np.zeros((made.classes, made.nodes))
    stamp = np.full((made.classes, made.nodes), -1, np.int32)
    parts = made.structs("problem", "goals", "state", "work")
    arrive.arrive_by_fragmentation(*parts, arrivals, policy, allowed, kept, stamp, found)

    assert found.tolist() == expected


def test_lists_of_entries_say_what_the_slots_say():
    made = world(seed=11, nodes=6, pods=12)

    assert listed(made.state) == seen(made.state)["table"]
