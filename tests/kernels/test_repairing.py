"""Repair: what is tried and fails leaves nothing behind; what is done is legal."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import references as slow
from kernels.placed import Placed, check_legal
from kernels.world import GOALS, world
from placer.kernels import repair
from placer.kernels.claims import waits

tight = st.builds(
    world, st.integers(0, 10**6), st.integers(1, 5), st.integers(4, 14), goals=st.sampled_from(GOALS),
    bind=st.just(False),
)  # fmt: skip
examples = settings(max_examples=80)


@given(tight)
@examples
def test_each_node_lists_its_counting_lines(made):
    placed = Placed(made)

    for node in range(made.nodes):
        assert sorted(placed.on(node)) == [line for line in placed.lines() if placed.log.node[line] == node]


@given(tight)
@examples
def test_a_pod_taken_off_and_put_back_restores_everything(made):
    placed = Placed(made)
    before = placed.seen()

    for line in placed.lines():
        if waits(placed.parts("problem")[0], int(placed.repair.class_of_slot[placed.log.slot[line]])):
            continue  # Its claims are decided anew when it is bound again, so repair leaves it where it is.
        repair.take_off(*placed.parts("problem", "state"), line)
        assert line not in placed.on(int(placed.log.node[line]))
        assert placed.seen()[0] != before[0]
        repair.put_back(*placed.parts("problem", "state"), line)
        assert placed.seen() == before


@given(tight, st.integers(0, 10**6))
@examples
def test_an_exchange_that_fails_leaves_the_state_as_it_was(made, draw):
    placed = Placed(made)
    for slot in placed.left():
        for node in made.eligible(int(placed.repair.class_of_slot[slot])):
            movable = [
                line
                for line in placed.on(node)
                if made.problem.classes.free_to_move[placed.repair.class_of_slot[placed.log.slot[line]]]
            ]
            chosen = [line for place, line in enumerate(movable) if draw >> place & 1]
            if not chosen or int(placed.log.lines[0]) + 17 > len(placed.log.slot):
                continue
            before = placed.seen()
            enough = fits_after(placed, slot, node, chosen)
            if not enough:
                continue
            done = repair.exchange(
                *placed.parts("problem", "goals", "state", "work"), slot, node, np.array(chosen, np.int64), len(chosen)
            )
            assert done or placed.seen() == before
            if done:
                check_legal(placed)
                return


def fits_after(placed: Placed, slot: int, node: int, chosen: list[int]) -> bool:
    """Whether amounts suffice once some pods are gone: what ``exchange`` takes for granted."""
    made, pod_class = placed.made, int(placed.repair.class_of_slot[slot])
    given_back = sum(made.problem.classes.need[placed.repair.class_of_slot[placed.log.slot[line]]] for line in chosen)
    return slow.shortage(made.problem, made.state, pod_class, node, given_back, placed.repair.size) == 0


@given(tight)
@examples
def test_repairing_a_pod_is_legal_or_leaves_everything_as_it_was(made):
    placed = Placed(made)
    priority = made.problem.classes.priority[placed.repair.class_of_slot]
    for slot in placed.left():
        before, pods = placed.seen(), set(placed.left())
        done = repair.repair_pod(*placed.parts("problem", "goals", "state", "work"), slot)
        if not done:
            assert placed.seen() == before
            continue
        assert placed.log.line_of_slot[slot] >= 0
        lost = set(placed.left()) - pods
        assert all(priority[other] < priority[slot] for other in lost)
    check_legal(placed)


@given(tight)
@examples
def test_the_nodes_near_are_those_where_least_is_short(made):
    placed = Placed(made)
    nothing = np.zeros(len(made.state.free), np.int64)
    for slot in placed.left():
        pod_class = int(placed.repair.class_of_slot[slot])
        ranked = {
            node: slow.shortage(made.problem, made.state, pod_class, node, nothing, placed.repair.size)
            for node in made.eligible(pod_class)
            if placed.on(node) and slow.terms_allow(made.problem, made.state, pod_class, node)
        }
        for most in (2, 256):
            near = np.zeros(most, np.int64)
            found = int(repair.near_nodes(*placed.parts("problem", "state"), pod_class, near))
            assert found == min(len(ranked), most)
            listed = [ranked[int(node)] for node in near[:found]]
            assert np.allclose(listed, sorted(ranked.values())[:found])


@given(tight)
@examples
def test_the_pods_that_would_go_may_go_and_leave_enough(made):
    placed = Placed(made)
    out = np.zeros(16, np.int64)
    for slot in placed.left():
        pod_class = int(placed.repair.class_of_slot[slot])
        for node in range(made.nodes):
            nothing = np.zeros(len(made.state.free), np.int64)
            if slow.shortage(made.problem, made.state, pod_class, node, nothing, placed.repair.size) == 0:
                continue
            count, _ = repair.choose_ejected(*placed.parts("problem", "state"), pod_class, node, out)
            chosen = out[:count].tolist()
            assert len(set(chosen)) == count
            assert set(chosen) <= set(placed.on(node))
            classes = [placed.repair.class_of_slot[placed.log.slot[line]] for line in chosen]
            assert made.problem.classes.free_to_move[classes].all()
            assert not count or fits_after(placed, slot, node, chosen)
