"""Each kernel says what its slow reference says, on small problems in which some pods stand."""

from __future__ import annotations

import inspect
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.rules import rejects
from strategies import ALL_RULES

import placer as pl
import placer.kernels
from kernels import references as slow
from kernels.references import REFERENCES
from kernels.world import GOALS, World, can_stand, copied, gpu_world, listed, seen, world
from placer.encode.encode import encode
from placer.encode.state import new_state, new_work
from placer.kernels import bind, counters, devices, fragmentation, place, repair, score, terms
from placer.kernels.structs import pack

worlds = st.builds(
    world,
    seed=st.integers(0, 10**6),
    nodes=st.integers(1, 6),
    pods=st.integers(1, 12),
    goals=st.sampled_from(GOALS),
)
draws = st.integers(0, 10**6)
examples = settings(max_examples=60)

HELPERS = {
    "cell_of": "where a pod counts; measures summed by hand go through it",
    "measure": "adds to cells; held by tests/test_costs.py",
    "cell_values": "a part of change_at",
    "in_cell": "a part of change_at",
    "product_change": "a part of change_at",
    "domain_of": "a part of change_at",
    "wish_of": "a part of change_at",
    "change_at": "held by what moves change, in tests/test_search.py",
    "copies_on": "held by what moves change",
    "add_whole": "held by what moves change",
    "add_wholes": "add_whole for each term",
    "whole_at": "held by placing by terms, in tests/test_search.py",
    "add_by_node": "held by placing by terms",
    "cost_at": "held by placing by terms",
    "add_costs": "tested against the terms once the pod is put, in tests/test_search.py",
    "segment_cost": "tested with add_costs",
    "read_segment_costs": "segment_cost for each segment; held by replicas that go evenly over zones",
    "rescore": "tested to leave what begin_class would make anew",
    "fullness": "what guides among equal moves",
    "level": "what guides among equal moves",
    "set_leaf": "held by what moves change",
    "whole_value": "held by what moves change",
    "leaf_of": "where a cell stands in a tree",
    "shift_whole": "held by what moves change",
    "shift": "tested against the terms before and after, in tests/test_search.py",
    "whole_change": "held by what moves change",
    "add_simple": "a part of relocation",
    "relocation": "tested against the terms before and after, in tests/test_search.py",
    "stays_counted": "held by searches that stay legal",
    "bounds_allow": "held by searches that stay legal",
    "may_change": "held by searches that stay legal",
    "may_move": "held by searches that stay legal",
    "wishes_lost": "held by searches that lower wishes",
    "is_zoned": "whether the last unit of a line is a zone",
    "take": "tested with undo to restore the state",
    "lift": "tested with undo to restore the state",
    "set_down": "tested with undo to restore the state",
    "land": "held by searches that stay legal",
    "exchange_slots": "held by searches that stay legal",
    "undo": "tested to restore the state",
    "accepts": "held by searches that never end worse",
    "is_less": "held by searches that never end worse",
    "keep": "held by searches that never end worse",
    "keep_or_undo": "held by searches that never end worse",
    "draw_on": "a random choice",
    "draw_line": "a random choice",
    "draw_node": "a random choice",
    "best_target": "a choice of what to try",
    "relocate": "held by wander",
    "swap_change": "tested against both moves made, in tests/test_search.py",
    "swap": "held by wander",
    "chain": "held by wander",
    "clear_node": "held by wander",
    "return_to_best": "held by searches that never end worse",
    "wander": "tested to be legal and never to end worse, in tests/test_search.py",
    "pack": "turns named tuples into structs; all tests go through it",
    "hold_units": "hold_unit for each unit of a pod",
    "drop_entry": "undoes add_entry; counting pods on and off goes through it",
    "read_terms": "most_before for each term of a class, into scratch",
    "open_segments": "term_allows for each segment; held by the search for the best node",
    "block_node": "set_score to infinity, listed; held by the search for the best node",
    "block_domain": "block_node for each node of a domain",
    "block_by_nodes": "term_allows for each node; held by the search for the best node",
    "unblock": "undoes block_node; held by placing class by class",
    "score_range": "the goals' terms in a row; held by the search for the best node",
    "scan": "score_range and the minima; held by the search for the best node",
    "begin_class": "opens segments and blocks nodes; held by the search for the best node",
    "after_binding": "tested to leave what begin_class would make anew",
    "bind": "choose_units, hold_unit and put, with a line in the log",
    "record": "the line of bind",
    "place_class": "tested to do what decide does pod by pod",
    "place_families": "tested to leave no pod that fits",
    "place_family": "the part of place_families that places one family",
    "decide": "tested against all nodes tried with the reference's rules",
    "admit": "choose_units, hold_unit and put; tested with leave to restore the state",
    "leave": "undoes admit",
    "fits_now": "tested against the reference's rules",
    "arrival_score": "tested within arrive_by_fragmentation",
    "arrive_by_fragmentation": "tested against every node tried anew",
    "fragmentation_after": "node_fragmentation once the pod is put; tested so",
    "fragmentation_change": "tested against every unit tried",
    "devices_left": "a preference among nodes, without a rule behind it",
    "check_units": "choose_units and volumes_fit for each node; held by the search for the best node",
    "waits": "whether a class has claims",
    "stays_served": "a part of claims_fit",
    "find_volume": "a part of claims_fit",
    "claims_fit": "held by rejections and by fits_now, against the reference's rules",
    "settle_claims": "held by what later pods of the same claims may do; the reference's state has them too",
    "release_claims": "undoes settle_claims; tested with leave to restore the state",
    "lowest_units": "held by put_standing",
    "assume_units": "held by put_standing",
    "put_standing": "tested against the reference's state",
    "first_rejection": "held by rejections",
    "rejections": "tested against the reference's rules",
    "tell_rejections": "counts what rejections says; held by messages that equal the reference of kube-scheduler",
    "score_of": "a node's score, wherever it is kept",
    "least_of_segment": "a part of best_node",
    "link_lines": "tested against the log",
    "unlink": "tested with take_off",
    "take_off": "tested with put_back to restore the state",
    "put_back": "undoes take_off",
    "choose_ejected": "a choice of what to try; its promise that enough goes is tested",
    "choose_holders": "a choice of what to try",
    "choose_out": "one of the two choices",
    "near_nodes": "tested to list the nodes where least is short",
    "place_one": "scan, begin_class, best_node and bind",
    "bind_on": "bind, and the line listed with its node",
    "exchange": "tested to leave nothing behind where it fails",
    "repair_pod": "tested to leave nothing behind where it fails, and legal bindings elsewhere",
    "repair_slots": "repair_pod for each pod",
    "charge": "a part of put",
    "put_share": "hold_unit and put",
    "lines_on": "tested against the log",
    "able_classes": "tested to list in order what fits",
    "bind_share": "put_share, with a line in the log that is listed with its node",
    "refill_unit": "held by refill_nodes",
    "refill_at": "held by refill_nodes",
    "draw": "a random choice",
    "need_of": "what a class asks for, nothing for -1",
    "amounts_fit": "what is tried first; make_move asks fits_now",
    "allows": "may_stand and terms_allow",
    "compact": "tested to keep the lines that count, in order",
    "try_pods": "held by empty_node",
    "try_node": "held by empty_node",
    "find_move": "tested to find a move on a small cluster where there is one",
    "make_move": "tested to leave nothing behind where it fails",
    "empty_node": "held by empty_nodes",
    "empty_nodes": "tested to be legal, to leave out no pod and to open no node",
    "zone_of": "a part of units_serve",
    "units_serve": "held by restoring placements: what was chosen serves, and what verify rejects does not",
    "may_arrive": "fits_now, with units named; tested through replay and rebind against verify",
    "arrive": "hold_units, settle_claims, put and record",
    "replay": "tested to restore placements, and against verify to bind only what is legal",
    "put_as_before": "undoes rebind",
    "rebind": "tested against verify, and to leave nothing behind where it fails",
    "worth_tables": "bounds of price_patterns",
    "most_worth": "the least of what the tables say",
    "take_pod": "a step of search_from",
    "list_fitting": "a step of search_from",
    "search_from": "price_patterns for one class",
    "price_patterns": "tested against every way to fill a node, in tests/packing/test_configuration.py",
    "refill_nodes": "tested to be legal, to leave out no more pods and to take no less of the units",
}
"""Kernels without a reference of their own, and why."""
EXACT = frozenset(
    [
        "in_use",
        "shape_points",
        "amount_points",
        "resource_points",
        "deviation_points",
        "balances",
        "balance_points",
        "rank_regularly",
        "first_image",
        "add_ranking",
        "is_feasible",
        "count_feasible",
        "static_points",
        "read_counts",
        "lacks_key",
        "constraint_weight",
        "spread_points",
        "pulls_any",
        "pull_points",
        "best_by_segment",
        "best_by_node",
        "rank",
        "rank_quickly",
        "is_dynamic",
        "rank_class",
        "rank_runs",
        "bind_one",
        "explain_ranking",
        "suits",
        "set_aside",
        "put_domain_aside",
        "gather",
        "release",
        "pulled_at",
        "note_binding",
        "domain_weights",
        "spread_of",
        "even_points",
        "near_points",
        "rank_aside",
        "best_of_both",
        "lie_down",
        "lie_down_all",
        "get_up",
        "is_before",
        "lower_pods",
        "mark_breaking",
        "count_once",
        "victims_on",
        "move",
        "weigh",
        "is_cheaper",
        "choose_candidates",
        "evict",
        "take_away",
    ]
)
"""Kernels of the exact profile: held by decisions that equal the reference of kube-scheduler, see test_decisions."""


def public_kernels() -> set[str]:
    """Compiled functions of all kernel modules, without those that are private to one."""
    found = set()
    for file in Path(placer.kernels.__file__).parent.glob("*.py"):
        module = import_module(f"placer.kernels.{file.stem}")
        for name, value in inspect.getmembers(module, lambda value: hasattr(value, "py_func")):
            if value.py_func.__module__ == module.__name__ and not name.startswith("_"):
                found.add(name)
    return found


def test_every_kernel_has_a_reference_or_a_reason_to_have_none():
    known = set(REFERENCES) | set(HELPERS) | EXACT

    assert not public_kernels() - known
    assert not set(REFERENCES) & set(HELPERS)


def pick(made: World, draw: int) -> tuple[int, int]:
    """A class and a node."""
    return draw % made.classes, draw // 1000 % made.nodes


@given(worlds)
@examples
def test_counts_are_those_of_the_pods_that_stand(made):
    problem, starts = made.problem, made.problem.classes.adds_start
    expected: Counter[tuple[int, int]] = Counter()
    for (pod_class, node), pods in made.stands.items():
        for at in problem.classes.adds[starts[pod_class] : starts[pod_class + 1]]:
            if slow.counts_there(problem.nodes, problem.counters, at, node):
                expected[int(at), int(problem.nodes.domain[problem.counters.key[at], node])] += pods
    of_counter = [[n for (at, _), n in expected.items() if at == one] for one in range(len(problem.counters.key))]

    assert seen(made.state)["table"] == dict(expected) == listed(made.state)
    assert made.state.total.tolist() == [sum(found) for found in of_counter]
    assert made.state.nonzero.tolist() == [len(found) for found in of_counter]


@given(worlds)
@examples
def test_counts_of_a_domain_and_the_least_count(made):
    nodes, packed, state = made.problem.nodes, made.packed["counters"], made.packed["state"]
    for counter in range(len(made.problem.counters.key)):
        for domain in range(nodes.domains[made.problem.counters.key[counter]]):
            expected = slow.find_entry(made.state, counter, domain)
            assert counters.find_entry(state, counter, domain) == expected
        for node in range(made.nodes):
            expected = slow.count_at(nodes, made.problem.counters, made.state, counter, node)
            assert counters.count_at(made.packed["nodes"], packed, state, counter, node) == expected
        for fewest in range(4):
            expected = slow.least_count(made.problem.counters, made.state, counter, fewest)
            assert counters.least_count(packed, state, counter, fewest) == expected


@given(worlds, st.lists(st.tuples(draws, st.integers(-1, 2)), max_size=12))
@examples
def test_counting_pods_on_and_off_in_any_order(made, changes):
    held: Counter[tuple[int, int]] = Counter()
    twin = copied(made.state)
    room = len(made.state.entry_count) - int((made.state.slot_key != -1).sum())
    for draw, change in changes:
        if not len(made.problem.counters.key) or room <= len(held) + 1:
            break
        counter, node = draw % len(made.problem.counters.key), draw // 1000 % made.nodes
        if held[counter, node] + change < 0:
            continue
        held[counter, node] += change
        counters.count_pod(*made.structs("nodes", "counters", "state"), counter, node, change)
        slow.count_pod(made.problem.nodes, made.problem.counters, twin, counter, node, change)
        assert seen(made.state) == seen(twin)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), unique=True, max_size=15))
@examples
def test_entries_are_found_again(pairs):
    made = fresh(seed=5)
    for counter, domain in pairs:
        room = (made.state.slot_key != -1).sum() < len(made.state.entry_count)
        if counter < len(made.state.head) and room and slow.find_entry(made.state, counter, domain) < 0:
            twin = copied(made.state)
            entry = counters.add_entry(made.packed["state"], counter, domain)
            made.state.entry_count[entry] = twin.entry_count[slow.add_entry(twin, counter, domain)] = 1
            assert counters.find_entry(made.packed["state"], counter, domain) == entry
            assert listed(made.state) == listed(twin) == seen(twin)["table"] == seen(made.state)["table"]


def fresh(seed: int) -> World:
    """A world in which only the standing pods of the input stand."""
    return world(seed, nodes=5, pods=12, bind=False)


@given(worlds)
@examples
def test_terms_look_at_what_stands(made):
    problem, state = made.structs("problem", "state")
    for pod_class in range(made.classes):
        first = slow.bootstraps(made.problem, made.state, pod_class)
        assert terms.bootstraps(problem, state, pod_class) == first
        for term in slow._terms(made.problem, pod_class):
            if made.problem.terms.kind[term] >= slow.SOFT_COUNT:
                continue
            most = 0
            if made.problem.terms.kind[term] not in (slow.AFFINITY, slow.AT_MOST_BY_DOMAIN):
                most = slow.most_before(made.problem, made.state, term)
                assert terms.most_before(problem, state, term) == most
            for node in range(made.nodes):
                expected = slow.term_allows(made.problem, made.state, term, node, most, first)
                assert terms.term_allows(problem, state, term, node, most, first) == expected
        for node in range(made.nodes):
            assert terms.terms_allow(problem, state, pod_class, node) == slow.terms_allow(
                made.problem, made.state, pod_class, node
            )
            assert terms.soft_cost(problem, state, pod_class, node) == slow.soft_cost(
                made.problem, made.state, pod_class, node
            )


@given(worlds, draws)
@examples
def test_a_pod_put_on_and_taken_off_restores_every_array(made, draw):
    if not made.classes:
        return
    pod_class, node = pick(made, draw)
    made = grown(made)
    problem, state = made.structs("problem", "state")
    before, twin = seen(made.state), copied(made.state)

    bind.put(problem, state, pod_class, node, 1)
    slow.put(made.problem, twin, pod_class, node, 1)
    assert seen(made.state) == seen(twin)

    bind.put(problem, state, pod_class, node, -1)
    slow.put(made.problem, twin, pod_class, node, -1)
    assert seen(made.state) == seen(twin) == before


def grown(made: World) -> World:
    """The same world with room in the table for pods that the cluster does not have."""
    state = new_state(made.problem, np.full(made.classes, 10**3))
    for (pod_class, node), pods in made.stands.items():
        for _ in range(pods):
            bind.put(made.packed["problem"], pack(state), pod_class, node, 1)
    state.unit_free[:] = made.state.unit_free
    state.free[:] = made.state.free
    return made._replace(run=made.run._replace(state=state), packed={**made.packed, "state": pack(state)})


@given(worlds)
@examples
def test_shared_volumes_are_attached_once_a_node(made):
    for pod_class in range(made.classes):
        for node in range(made.nodes):
            expected = slow.volumes_fit(made.problem, made.state, pod_class, node)
            assert bind.volumes_fit(*made.structs("problem", "state"), pod_class, node) == expected


@given(st.builds(world, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 12),
                 rules=st.just({"devices", "numa", "standing", "resources"})))  # fmt: skip
@settings(max_examples=150)
def test_units_are_found_where_any_assignment_is(made):
    problem, state, work = made.structs("problem", "state", "work")
    for pod_class in range(made.classes):
        for node in range(made.nodes):
            for need in slow._needs(made.problem, pod_class):
                for unit in range(made.problem.units.start[node], made.problem.units.start[node + 1]):
                    assert devices.unit_matches(problem, need, unit) == slow.unit_matches(made.problem, need, unit)
                    for zone in (-1, 0, 1):
                        expected = slow.unit_serves(made.problem, made.state, need, unit, zone)
                        assert devices.unit_serves(problem, state, need, unit, zone) == expected
            slots = devices.choose_units(problem, state, pod_class, node, work)
            assert slots == slow.choose_units(made.problem, made.state, pod_class, node, made.work)
            if slots > 0:
                check_choice(made, pod_class, node, slots)


def check_choice(made: World, pod_class: int, node: int, slots: int) -> None:
    """The units chosen are different, on the node, and each serves its need, when the zone is taken."""
    units = made.problem.units
    chosen, served = made.work.chosen[:slots].tolist(), made.work.slot_need[:slots].tolist()
    count = made.problem.classes.unit_count
    needs = [need for need in slow._needs(made.problem, pod_class) for _ in range(count[need])]
    after, zone = copied(made.state), -1
    if served[-1] == -1:
        zone = int(units.place[chosen[-1]])
        assert slow.zone_has_room(made.problem, made.state, pod_class, chosen[-1])
        slow.hold_unit(made.problem, after, pod_class, -1, chosen[-1], 1)
    assert [need for need in served if need >= 0] == needs
    assert len(set(chosen[: len(needs)])) == len(needs)
    for unit, need in zip(chosen, needs, strict=False):
        assert units.start[node] <= unit < units.start[node + 1]
        assert slow.unit_serves(made.problem, after, need, unit, zone)


@given(worlds, draws)
@examples
def test_units_are_held_and_given_back(made, draw):
    problem, state = made.structs("problem", "state")
    before, twin = seen(made.state), copied(made.state)
    for pod_class in range(made.classes):
        needs = slow._needs(made.problem, pod_class)
        needs += [-1] if made.problem.classes.numa[pod_class] else []
        for need in needs:
            if len(made.problem.units.kind):
                unit = draw % len(made.problem.units.kind)
                for sign in (1, -1):
                    devices.hold_unit(problem, state, pod_class, need, unit, sign)
                    slow.hold_unit(made.problem, twin, pod_class, need, unit, sign)
                    assert np.array_equal(made.state.unit_free, twin.unit_free)
    assert seen(made.state) == before


@given(worlds)
@examples
def test_scores_are_the_goals_formulas(made):
    nodes, goals, state = made.structs("nodes", "goals", "state")
    classes, starts = made.problem.classes, made.problem.nodes.segment_start
    for pod_class in range(made.classes):
        need, asked = classes.need[pod_class], classes.asked[pod_class]
        found, expected = np.empty(made.nodes), np.empty(made.nodes)
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            score.score_fit(made.state.free, need, asked, low, high, found)
            slow.score_fit(made.state.free, need, asked, low, high, expected)
            assert found[low:high].tolist() == expected[low:high].tolist()
            score.add_pack(nodes, goals, state, need, low, high, found)
            slow.add_pack(made.problem.nodes, made.goals, made.state, need, low, high, expected)
            score.add_spread_load(nodes, goals, state, need, low, high, found)
            slow.add_spread_load(made.problem.nodes, made.goals, made.state, need, low, high, expected)
            score.add_wishes(made.packed["problem"], goals, state, pod_class, low, high, found)
            slow.add_wishes(made.problem, made.goals, made.state, pod_class, low, high, expected)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


gpu_worlds = st.builds(gpu_world, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 12))


@given(gpu_worlds)
@settings(max_examples=100)
def test_fragmentation_is_what_typical_pods_cannot_use(made):
    for node in range(made.nodes):
        found = fragmentation.node_fragmentation(*made.structs("problem", "goals", "state"), node)
        assert found == pytest.approx(slow.node_fragmentation(made.problem, made.goals, made.state, node))


@st.composite
def scored(draw) -> tuple[World, np.ndarray]:
    """A world with scores of few values, so that many are equal."""
    made = draw(worlds)
    values = st.sampled_from([0.0, 1.0, 2.0, np.inf])
    return made, np.array(draw(st.lists(values, min_size=made.nodes, max_size=made.nodes)))


def minima(made: World, kernels: ModuleType) -> None:
    """Finds all minima again, by kernels or by their references."""
    nodes, work = (made.problem.nodes, made.work) if kernels is slow else made.structs("nodes", "work")
    for part in made.work[2:5]:
        part[:] = np.nan
    for segment in range(len(made.problem.nodes.segment_start) - 1):
        for block in range(*made.problem.nodes.block_start[segment : segment + 2].tolist()):
            kernels.refresh_block(nodes, work, segment, block)
        for span in range(*made.problem.nodes.span_start[segment : segment + 2].tolist()):
            kernels.refresh_span(nodes, work, segment, span)
        kernels.refresh_segment(nodes, work, segment)


@given(scored(), st.lists(st.tuples(draws, st.sampled_from([0.0, 1.0, 3.0, np.inf])), max_size=8), draws)
@examples
def test_the_best_node_is_the_first_of_least_score_whatever_changed(pair, changes, opened):
    made, scores = pair
    nodes, work, problem = made.structs("nodes", "work", "problem")
    made.work.score[:] = scores
    made.work.segment_open[:] = [opened >> segment & 1 for segment in range(len(made.work.segment_open))]
    minima(made, slow)
    expected = [part.copy() for part in made.work[2:5]]
    minima(made, place)
    assert all(map(np.array_equal, made.work[2:5], expected))
    for draw, value in [*changes, (0, scores[0])]:
        place.set_score(nodes, work, draw % made.nodes, value)
        found = [part.copy() for part in made.work[2:5]]
        slow.set_score(made.problem.nodes, made.work, draw % made.nodes, value)
        assert all(map(np.array_equal, made.work[2:5], found))
        for pod_class in range(made.classes):
            expected = slow.best_node(made.problem, made.work, pod_class)
            assert place.best_node(problem, work, pod_class) == expected


def test_the_best_node_is_found_in_blocks_and_spans_far_from_the_first():
    made = world(seed=1, nodes=3, pods=3, rules=())
    many = pl.Cluster([pl.Node(f"n{row}", cpu=4) for row in range(5000)], [pl.Pod("p", cpu=1)])
    encoded = encode(many)
    made = made._replace(encoded=encoded, run=made.run._replace(work=new_work(encoded.problem)))
    nodes, work, problem = pack(encoded.problem.nodes), pack(made.work), pack(encoded.problem)
    made.work.segment_open[:] = True

    found = []
    changes = ((4999, 5.0), (2048, 5.0), (4100, 3.0), (4101, 3.0), (4100, 9.0), (4101, np.inf), (2048, np.inf))
    for node, value in changes:
        place.set_score(nodes, work, node, value)
        found.append(place.best_node(problem, work, 0))

    assert found == [4999, 2048, 4100, 4100, 4101, 2048, 4999]


@given(worlds, draws)
@examples
def test_what_is_short_is_a_sum_of_shares(made, draw):
    given_back = np.array([draw % 7] * len(made.state.free), np.int64)
    shares = 1.0 / np.maximum(made.problem.nodes.capacity.sum(axis=1), 1)
    for pod_class in range(made.classes):
        for node in range(made.nodes):
            found = repair.shortage(*made.structs("problem", "state"), pod_class, node, given_back, shares)
            expected = slow.shortage(made.problem, made.state, pod_class, node, given_back, shares)
            assert found == pytest.approx(expected)


@given(st.builds(world, st.integers(0, 10**6), st.integers(1, 4), st.integers(3, 12),
                 rules=st.sampled_from([ALL_RULES, {"volumes", "standing"}, {"volumes"}])))  # fmt: skip
@settings(max_examples=150)
def test_a_pod_is_rejected_by_the_rules_of_the_page(made):
    for pod_class, pod in made.waiting().items():
        for node in range(made.nodes):
            rule = rejects(made.slow, pod, made.row(node))
            assert can_stand(made, pod_class, node) == (rule is None), rule
