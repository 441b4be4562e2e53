"""Improve: what is tried and fails leaves nothing behind; what is done is legal and opens no node."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.placed import Placed, check_legal
from kernels.world import GOALS, world
from placer.encode.problem import Search
from placer.improve import new_search, nodes_to_empty
from placer.kernels import improve, repair
from placer.kernels.structs import pack

worlds = st.builds(
    world, st.integers(0, 10**6), st.integers(2, 6), st.integers(4, 16), goals=st.sampled_from(GOALS),
    bind=st.just(False),
)  # fmt: skip
examples = settings(max_examples=80)


def searched(placed: Placed, seed: int) -> tuple[Search, Any]:
    """What improving keeps, as arrays and as the struct."""
    search = new_search(placed.made.run, seed)
    return search, pack(search)


@given(worlds, st.integers(0, 10**6))
@examples
def test_emptying_nodes_is_legal_leaves_out_no_pod_and_opens_no_node(made, seed):
    placed = Placed(made)
    search, kernel = searched(placed, seed)
    left, used = placed.left(), made.state.pods > 0

    for _ in range(2):
        targets = nodes_to_empty(made.run, search)
        improve.empty_nodes(*placed.parts("problem", "goals", "state", "work"), kernel, targets)

    assert placed.left() == left
    assert not (made.state.pods > 0)[~used].any()
    check_legal(placed)


@given(worlds, st.integers(0, 10**6))
@examples
def test_loads_stay_the_sums_of_sizes(made, seed):
    placed = Placed(made)
    search, kernel = searched(placed, seed)
    standing = search.load - sizes_placed(placed, search)

    targets = nodes_to_empty(made.run, search)
    improve.empty_nodes(*placed.parts("problem", "goals", "state", "work"), kernel, targets)

    assert np.allclose(search.load, standing + sizes_placed(placed, search))


def sizes_placed(placed: Placed, search: Search) -> NDArray[np.float64]:
    """(nodes,) sums of the sizes of the pods in the log."""
    total = np.zeros(placed.made.nodes)
    for line in placed.lines():
        total[placed.log.node[line]] += search.size[class_of(placed, line)]
    return total


@given(worlds, st.integers(0, 10**6))
@examples
def test_a_move_that_fails_leaves_the_state_as_it_was(made, seed):
    placed = Placed(made)
    search, kernel = searched(placed, seed)
    free = {line for line in placed.lines() if made.problem.classes.free_to_move[class_of(placed, line)]}
    draw = np.random.default_rng(seed)
    for line in sorted(free):
        target, node = int(placed.log.node[line]), int(draw.integers(made.nodes))
        if node == target or node not in made.eligible(class_of(placed, line)):
            continue
        others = [one for one in placed.on(node) if one in free and target in made.eligible(class_of(placed, one))]
        search.move[:] = [line, node, *[*others[:2], -1, -1][:2]]
        before = placed.seen()
        if improve.make_move(*placed.parts("problem", "goals", "state", "work"), kernel, target):
            assert placed.log.node[placed.log.line_of_slot[placed.log.slot[line]]] == node
            check_legal(placed)
            return
        assert placed.seen() == before


@given(worlds)
@examples
def test_dropping_lines_that_no_longer_count_keeps_the_others_in_order(made):
    placed = Placed(made)
    for line in placed.lines()[::2]:
        if made.problem.classes.free_to_move[class_of(placed, line)]:
            slot, node = int(placed.log.slot[line]), int(placed.log.node[line])
            repair.take_off(*placed.parts("problem", "state"), line)
            repair.bind_on(*placed.parts("problem", "goals", "state", "work"), slot, node)
    before = listing(placed)

    improve.compact(*placed.parts())

    assert listing(placed) == before
    assert int(placed.log.lines[0]) == len(before)
    for node in range(made.nodes):
        assert sorted(placed.on(node)) == [line for line in placed.lines() if placed.log.node[line] == node]


def class_of(placed: Placed, line: int) -> int:
    """The class of a line's pod."""
    return int(placed.repair.class_of_slot[placed.log.slot[line]])


def listing(placed: Placed) -> list[Any]:
    """Pod, node and units of the lines that count."""
    log = placed.log
    return [
        (int(log.slot[line]), int(log.node[line]), log.unit[log.unit_start[line] : log.unit_start[line + 1]].tolist())
        for line in placed.lines()
    ]


def test_draws_are_spread_over_the_whole_range_and_repeat_with_their_state():
    one, other = np.array([12345], np.int64), np.array([12345], np.int64)

    drawn = [int(improve.draw(one, 10)) for _ in range(5000)]

    assert drawn == [int(improve.draw(other, 10)) for _ in range(5000)]
    assert set(drawn) == set(range(10))
    assert min(np.bincount(drawn)) > 400
