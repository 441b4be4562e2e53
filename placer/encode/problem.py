"""
The arrays of the waist: all that engines read.

Every array is listed with shape, dtype, unit and invariant in ``docs/design.md``; a test holds that page to this file.
Nodes are kept in internal order: segment by segment (nodes that no static rule tells apart), so that a segment is a
contiguous range; ``Nodes.row`` leads back to the cluster's table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
I8 = NDArray[np.int8]
F64 = NDArray[np.float64]
BOOL = NDArray[np.bool_]

UNLIMITED = 2**60
"""Free amount of a resource that the node does not limit."""


class Nodes(NamedTuple):
    """Nodes, in internal order."""

    row: I32
    """(nodes,) the node's row in the cluster's table; a permutation."""
    capacity: I64
    """(resources, nodes) base units; ``UNLIMITED`` where the node does not limit it; at least 0."""
    scale: F64
    """(resources, nodes) 1 / capacity, 0 where the node has none or it is not a load resource."""
    price: I64
    """(nodes,) millionths."""
    segment: I32
    """(nodes,) ascending."""
    segment_start: I32
    """(segments + 1,) first node of each segment; segment s is the range [s, s + 1)."""
    block_start: I32
    """(segments + 1,) first block of each segment; blocks of BLOCK nodes do not cross segments."""
    span_start: I32
    """(segments + 1,) first span of each segment; a span is SPAN blocks."""
    domain: I32
    """(keys, nodes) which domain of the key the node stands in; -1 where it lacks the label."""
    by_segment: BOOL
    """(keys,) whether all nodes of a segment stand in one domain of the key."""
    domain_start: I32
    """(keys, most domains + 1) where a domain's nodes begin in ``domain_nodes``."""
    domain_nodes: I32
    """(keys, nodes) nodes by domain, those without one last."""
    domains: I32
    """(keys,) how many domains the key has."""


class Units(NamedTuple):
    """Devices of nodes, written out to units."""

    start: I32
    """(nodes + 1,) first unit of each node."""
    kind: I32
    """(units,) which kind of device."""
    place: I32
    """(units,) number among the node's units of the kind, as bindings name it."""
    capacity: I64
    """(units, dimensions) dimension 0 is thousandths (1000), others named amounts in base units."""
    attributes: I32
    """(units,) which set of attributes."""
    zone: I32
    """(units,) place of the NUMA zone it hangs on; -1 for none."""
    zones: I32
    """(nodes,) how many NUMA zones the node has."""
    numa_kind: I32
    """(3,) the kind of NUMA zones (-1 for none), and the dimensions of cpu and memory."""


class Classes(NamedTuple):
    """Pods that are equal in all that matters to placement."""

    need: I64
    """(classes, resources) base units; 0 is not asked for."""
    asked: I32
    """(classes, resources) the resources asked for, then -1."""
    priority: I32
    """(classes,)"""
    eligible: I32
    """(classes,) which static signature."""
    eligible_start: I32
    """(signatures + 1,) into ``eligible_segments``."""
    eligible_segments: I32
    """(eligible pairs,) segments a signature may stand on, ascending."""
    term_start: I32
    """(classes + 1,) into the arrays of ``Terms``: the class's own rules."""
    adds_start: I32
    """(classes + 1,) into ``adds``."""
    adds: I32
    """(counted pairs,) counters that a pod of the class counts in."""
    self_affine: BOOL
    """(classes,) it matches all its own affinity terms, so that the first of the group may go anywhere."""
    unit_start: I32
    """(classes + 1,) into ``unit_*``: one row a need."""
    unit_kind: I32
    """(needs,) kind of device."""
    unit_count: I32
    """(needs,) different units wanted."""
    unit_amount: I64
    """(needs, dimensions) what is taken of each unit; dimension 0 of 1000 is the whole unit with all it has."""
    unit_where: I32
    """(needs,) row of ``unit_match``."""
    unit_match: BOOL
    """(selectors, attribute sets) whether units with these attributes qualify."""
    numa: I8
    """(classes,) 0 none, 1 require, 2 prefer."""
    numa_amount: I64
    """(classes, 2) cpu and memory taken of one zone."""
    volume_start: I32
    """(classes + 1,) into ``volume_*``: volumes that several pods share, counted once a node."""
    volume_counter: I32
    """(shared volumes,) counter of the pods that hold the volume, per node."""
    volume_resource: I32
    """(shared volumes,) attach limit that it counts for, a row of ``capacity``."""
    free_to_move: BOOL
    """(classes,) no affinity, spread or distinct rule counts it, so that taking one away is always legal."""
    wish: I32
    """(classes,) row of ``wish_cost``."""
    wish_cost: I32
    """(wishes, segments) what static preferences cost there."""


class Terms(NamedTuple):
    """Group × domain rules, grouped by class; hard ones first within a class."""

    kind: I8
    """(terms,) one of the kinds in ``kernels.terms``."""
    counter: I32
    """(terms,) whose count is looked at."""
    bound: I64
    """(terms,) at most, skew, or at least; a weight for soft kinds."""
    offset: I32
    """(terms,) first bound per domain in ``domain_bound`` (by domain); else the fewest domains, or which words."""
    member: I8
    """(terms,) 1 where the pod counts in the group itself."""
    needs_key: BOOL
    """(terms,) whether nodes without the key are rejected."""
    rule: I8
    """(terms,) the rule to name when it rejects."""
    ghost: I32
    """(terms,) counter of pods that a spread matches and does not count, which preemption subtracts; -1 for none."""
    domain_bound: I32
    """(bounds,) most pods of the group per domain before one more, for rules that bound each domain apart."""


class Counters(NamedTuple):
    """What is counted: pods of a group per domain of a key, over eligible nodes."""

    key: I32
    """(counters,)"""
    eligible: I32
    """(counters,) row of ``eligible_segment``; -1 counts on every node."""
    eligible_segment: BOOL
    """(sets, segments) where a spread rule counts."""
    domains: I32
    """(counters,) domains with an eligible node."""


class Ranking(NamedTuple):
    """kube-scheduler's scores as a table of columns, read by Place only; all weights are 0 where goals place."""

    weight: I64
    """(7,) of taints, node affinity, resources, spread, pods, balance and images, in that order."""
    strategy: I32
    """(1,) of the column resources: 0 least, 1 most allocated, 2 by ``shape``; -1 where goals place."""
    regular: BOOL
    """(1,) two resources that every node has, below 2**46, least allocated: what vectorises."""
    shape: I64
    """(2, points) utilization in per cent, ascending, and what it scores, 0 to 100."""
    fit_amount: I64
    """(scored resources, nodes) allocatable, base units."""
    fit_row: I32
    """(scored resources,) row of ``capacity`` that tells how much is in use; -1 where nobody asks for it."""
    fit_need: I64
    """(classes, scored resources) what a pod counts for while it is placed, base units."""
    fit_weight: I64
    """(scored resources,)"""
    fit_extended: BOOL
    """(scored resources,) scored only for pods that ask for it."""
    balance_amount: I64
    """(balanced resources, nodes) allocatable, base units."""
    balance_row: I32
    """(balanced resources,) as ``fit_row``."""
    balance_extended: BOOL
    """(balanced resources,) as ``fit_extended``."""
    taint_row: I32
    """(classes,) row of ``taint_count``."""
    taint_count: I64
    """(rows, segments) taints of the kind PreferNoSchedule that are not tolerated."""
    wish_row: I32
    """(classes,) row of ``wish_points``; -1 where there is no preference for nodes."""
    wish_points: I64
    """(rows, segments) sum of the weights of preferences that the node matches."""
    image_start: I32
    """(classes + 1,) into ``image_*``."""
    image_node: I32
    """(nodes that hold images,) by class."""
    image_points: I64
    """(nodes that hold images,) 0 to 100; other nodes score 0."""
    spread_start: I32
    """(classes + 1,) into ``spread_*``: constraints that may be violated."""
    spread_counter: I32
    """(constraints,)"""
    spread_key: I32
    """(constraints,) the topology key; a counter per node may stand for the hostname."""
    spread_skew: I64
    """(constraints,) max skew."""
    spread_by_node: BOOL
    """(constraints,) over hostnames: what stands on the node itself is counted."""
    spread_all: BOOL
    """(classes,) nodes that lack one of the constraints' keys are not scored."""
    pull_start: I32
    """(classes + 1,) into ``pull_*``: preferred affinity, of the class itself and of those that match it."""
    pull_counter: I32
    """(pulls,)"""
    pull_weight: I64
    """(pulls,) earned once for each pod that the counter has in the node's domain; below 0 for anti-affinity."""


class Claims(NamedTuple):
    """Claims that are bound to a volume with the first pod that is placed."""

    start: I32
    """(classes + 1,) into ``claim``, ``offered`` and ``made``: a class's claims in the order in which they choose."""
    claim: I32
    """(waits,) which claim."""
    offered: I32
    """(waits,) which list of offers."""
    made: I32
    """(waits,) row of ``reach`` where a volume can be made for it; -1 for nowhere."""
    offer_start: I32
    """(lists + 1,) into ``offer``."""
    offer: I32
    """(offers,) volumes in order of preference."""
    name: I32
    """(volumes,) equal where two are one, as different claims describe it."""
    reached: I32
    """(volumes,) row of ``reach`` whose nodes reach it."""
    reach: BOOL
    """(sets, segments)"""


class Goals(NamedTuple):
    """How placements are scored."""

    weight: F64
    """(5,) pack, balance, headroom, fragmentation, preferences: tier and weight in one factor; 0 is not asked for."""
    load: I32
    """(load resources,) rows of ``capacity`` whose load counts for pack: cpu, memory and devices."""
    squared: I32
    """(squared resources,) rows of ``capacity`` that balance and headroom count: cpu and memory."""
    opening: F64
    """(nodes,) what using the node costs under pack while it is empty: 0 for nodes that pack means to fill."""
    device_factor: F64
    """(3,) under pack, what is charged for free devices: of the node left by a pod that takes some, of the unit left,
    and of the node for a pod that takes none."""
    gpu_kind: I32
    """(1,) the kind of device that fragmentation is about, -1 for none."""
    typical_class: I32
    """(typical,) classes that stand for the typical pods of fragmentation."""
    typical_share: F64
    """(typical,) their popularity; sums to at most 1."""
    ranking: Ranking
    """Scores in place of goals."""


class Costs(NamedTuple):
    """
    What goals cost: terms over measures. A measure sums amounts of pods in cells, one per group and domain of a key.

    The cell of a pod of class c on node n is ``start[m] + group[m, c] * domains[m] + domain[key[m], n]``; a node that
    lacks the key has none. Tables by domain have a column a node, of which the first ``domains[m]`` are used.
    """

    domain: I32
    """(keys, nodes) the node's domain; -1 where it lacks the label; row 0 is each node by itself."""
    key: I32
    """(measures,) row of ``domain``."""
    domains: I32
    """(measures,) how many domains the key has."""
    start: I64
    """(measures + 1,) first cell of each measure in ``State.cost_value``."""
    amount: I64
    """(measures, classes) what one pod adds; 0 for classes that are not meant."""
    group: I32
    """(measures, classes)"""
    scale: F64
    """(measures, nodes) by domain: what one unit is worth there."""
    touched_start: I32
    """(classes + 1,) into ``touched``."""
    touched: I32
    """(pairs,) measures in which a class has an amount."""
    kind: I8
    """(terms,) one of the kinds in ``kernels.costs``."""
    tier: I32
    """(terms,) which tier of the objective, 0 first."""
    factor: F64
    """(terms,) what one unit of the term counts for in its tier; of either sign."""
    place: F64
    """(terms,) the same while nodes are chosen for pods, all tiers in one sum; 0 leaves it out."""
    weight: F64
    """(terms, nodes) by domain of the term's measures: 0 leaves a domain out."""
    threshold: F64
    """(terms,) above what, or how many copies."""
    constant: F64
    """(terms,) added to what the term comes to in its tier, factor apart."""
    first: I32
    """(terms + 1,) into ``of``."""
    of: I32
    """(measures of terms,) those that are summed; of pairs the two that are multiplied."""
    watch_start: I32
    """(measures + 1,) into ``watch``."""
    watch: I32
    """(pairs,) terms that look at a measure."""
    wish_row: I32
    """(preference terms, classes) row of ``wish_cost``; -1 where it does not concern the class."""
    wish_term: I32
    """(preference terms,) which term."""
    wish_cost: F64
    """(rows, nodes)"""
    room: I64
    """(terms, resources) request of one copy; 0 is not asked for."""
    reach: I8
    """(terms,) 0 where each domain is one node, 1 where nodes of a segment stand in one domain, 2 for other keys."""
    term_start: I32
    """(classes + 1,) into ``term``."""
    term: I32
    """(pairs,) terms that change with a pod of the class; units and wishes apart."""
    domain_start: I32
    """(keys, most domains + 1) where a domain's nodes begin in ``domain_nodes``."""
    domain_nodes: I32
    """(keys, nodes) nodes by domain, those without one last."""


class Problem(NamedTuple):
    """All of it; nothing here changes while placing."""

    nodes: Nodes
    units: Units
    classes: Classes
    terms: Terms
    counters: Counters
    claims: Claims
    costs: Costs


class State(NamedTuple):
    """What changes with each binding."""

    free: I64
    """(resources, nodes) base units left; may be negative where the input over-commits."""
    pods: I32
    """(nodes,) how many pods stand on each."""
    unit_free: I64
    """(units, dimensions) what is left of each unit."""
    slot_key: I64
    """(slots,) open-addressing table: counter << 32 | domain, -1 where empty; a power of two long."""
    slot_entry: I32
    """(slots,) the entry of each slot."""
    entry_domain: I32
    """(entries,)"""
    entry_count: I32
    """(entries,) pods of the counter's group in the domain."""
    entry_next: I32
    """(entries,) next entry of the same counter; -1 ends."""
    head: I32
    """(counters,) first entry; -1 for none."""
    total: I64
    """(counters,) sum of its entries."""
    nonzero: I32
    """(counters,) entries above 0."""
    entries: I64
    """(2,) how many entries were ever used; the first that is free again, -1 for none, linked by ``entry_next``."""
    claim_volume: I32
    """(claims,) the volume that each is bound to; -1 for none."""
    claim_node: I32
    """(claims,) the node that a volume is made for; -1 while nothing is decided, or where it is bound."""
    claim_pods: I32
    """(claims,) placed pods that hold it: with the last one the decision is taken back."""
    held_by: I32
    """(names of volumes,) the claim that each is bound to; -1 for none."""
    cost_value: I64
    """(cells of all measures,) sum of the amounts of the pods that stand there."""


class Work(NamedTuple):
    """Scratch of one thread."""

    score: F64
    """(nodes,) of the class being placed; infinite where it does not fit."""
    single: F64
    """(nodes,) for scoring one node alone."""
    block_best: F64
    """(blocks,) least score of each block."""
    span_best: F64
    """(spans,) least score of each span."""
    segment_best: F64
    """(segments,) least score of each segment."""
    segment_more: F64
    """(segments,) what terms over keys that are equal within segments add to all scores of a segment."""
    whole: F64
    """(terms, 3) sums of terms over all cells, as of the last scan: see ``kernels.costs.add_whole``."""
    segment_open: BOOL
    """(segments,) whether rules over large domains allow the segment now."""
    most: I64
    """(most terms of a class,) what each hard term allows now."""
    blocked: I32
    """(nodes,) nodes taken out by rules over small domains."""
    blocked_count: I64
    """(1,) how many."""
    chosen: I32
    """(most slots,) units chosen for a pod."""
    slot_need: I32
    """(most slots,) the need that each serves; -1 is a NUMA zone."""
    scan_key: I64
    """(1,) what ``score`` was computed for; -1 for nothing."""
    points: I64
    """(segments,) under a ranking, what taints and node affinity score; empty where goals place, as all below."""
    static: I64
    """(2, segments) the columns taints and node affinity, 0 to 100."""
    sums: F64
    """(nodes,) what soft constraints sum up to."""
    near: I64
    """(nodes,) pods of one constraint's group in the node's domain."""
    spread: I64
    """(nodes,) the column spread, 0 to 100, or before it is normalised."""
    pull: I64
    """(nodes,) the column pods, 0 to 100, or before it is normalised."""
    aside: BOOL
    """(nodes,) set aside and looked at one by one: see ``kernels.aside``."""
    side: I32
    """(nodes,) those that are."""
    side_count: I64
    """(1,) how many."""
    side_score: F64
    """(nodes,) their scores."""
    eligible: BOOL
    """(segments,) the class may stand there."""
    feasible: I64
    """(segments,) nodes that the class fits on now."""
    ignored: BOOL
    """(segments,) lacks a key of the class's soft constraints, and is left out of the column spread."""
    counts: I64
    """(most soft constraints of a class, nodes) pods on a node set aside that a constraint over hostnames counts."""
    pulled: I64
    """(nodes,) what pulls over hostnames sum up to."""
    weights: F64
    """(most soft constraints of a class,) the logarithm of its domains."""
    seen: BOOL
    """(most domains of a key equal within segments + 1,) scratch."""
    plain_spread: I64
    """(segments,) the column spread of nodes not set aside, before it is normalised."""
    plain_pull: I64
    """(segments,) the column pods of nodes not set aside, before it is normalised."""
    picked: I32
    """(most claims of a class,) volumes found for a pod's claims; -1 is one to be made, -2 leaves it as it is."""


class Log(NamedTuple):
    """Bindings in order; a pod bound again has a later line, and only its last line counts."""

    slot: I32
    """(lines,) which pod: classes' pods one after another."""
    node: I32
    """(lines,)"""
    unit_start: I64
    """(lines + 1,) into ``unit``."""
    unit: I32
    """(units taken,)"""
    unit_need: I32
    """(units taken,) the need each serves; -1 is a NUMA zone."""
    lines: I64
    """(1,) lines in use."""
    line_of_slot: I32
    """(pods,) the line that counts; -1 where the pod is not placed."""
    next_slot: I32
    """(classes,) the first pod of each class that may still be unplaced."""


class Plan(NamedTuple):
    """The order of placing."""

    order: I32
    """(classes to place,)"""
    family_start: I32
    """(families + 1,) into ``order``."""
    family_need: I64
    """(families, resources) the largest request in the family."""
    scan_key: I64
    """(families,) equal where one scan serves both."""
    circle: I32
    """(families,) equal for neighbours that wait for one another; -1 for the others."""
    first_slot: I32
    """(classes,) first pod of each class."""
    last_slot: I32
    """(classes,) one past its last pod."""


class Bodies(NamedTuple):
    """Pods by the row of the cluster's table, as preemption sees them."""

    pod_class: I32
    """(pods,) -1 for pods that are never placed."""
    priority: I32
    """(pods,)"""
    started: I64
    """(pods,) seconds since 1970; 2**62 for pods that have just started."""
    holds_units: BOOL
    """(pods,) it holds units of devices, and is not evicted."""
    head: I32
    """(nodes,) the first pod of each node, -1 for none."""
    tail: I32
    """(nodes,) the last one."""
    next: I32
    """(pods,) the next pod of the same node, -1 for none."""
    budget_start: I32
    """(pods + 1,) into ``budget``."""
    budget: I32
    """(pairs,) disruption budgets that the pod counts for."""
    allowed: I64
    """(budgets,) evictions that each allows."""
    left: I64
    """(budgets,) scratch."""
    listed: I32
    """(pods + 1,) scratch: pods of lower priority on one node."""
    breaking: BOOL
    """(pods + 1,) scratch: whose eviction breaks a budget."""
    victims: I32
    """(pods + 1,) the pods to evict."""
    short: BOOL
    """(resources,) what is short on the node tried last."""
    extra: I64
    """(most terms of a class,) scratch: how many more than one hold a claim that one pod may hold."""


class Repair(NamedTuple):
    """What repair keeps beside the log."""

    class_of_slot: I32
    """(pods,) class of each pending pod."""
    head: I32
    """(nodes,) a counting line of the node, -1 for none."""
    next: I32
    """(lines,) the next counting line of the same node."""
    given: I64
    """(resources,) scratch."""
    size: F64
    """(resources,) 1 / what the cluster has of each, to add up shares."""


class Walk(NamedTuple):
    """What the general search keeps beside the log and ``Repair``."""

    line: I64
    """(pods that may move,) their lines."""
    moves: BOOL
    """(classes,) whether pods of the class may move."""
    kin: I32
    """(classes,) equal where pods may change places in the log, as no rule tells them apart; -1 where units do."""
    fixed_start: I32
    """(classes + 1,) into ``fixed``."""
    fixed: I32
    """(pairs,) counters in which a pod of the class must count as before when it moves."""
    whole: F64
    """(terms, 3) sums of terms over all cells: see ``kernels.costs.add_whole``."""
    tree_start: I64
    """(terms + 1,) into ``tree``."""
    tree: F64
    """(nodes of binary trees,) of terms that take the largest cell: leaves are cells, the root is at 1."""
    special: I32
    """(2,) the terms of fragmentation and wishes, -1 for none."""
    by_state: BOOL
    """(classes,) whether an exchange of its pods is made before its change is known."""
    guide: I32
    """(guiding resources,) rows of ``capacity`` by whose use nodes are told apart that are to be emptied."""
    worth: F64
    """(nodes,) what it costs to have any pod on each."""
    value: F64
    """(3, tiers + 1) change of the objective since the search began: now, at its best, and of the move under way; what
    guides among equal ones is the last."""
    trial: F64
    """(2, tiers + 1) scratch: change of a move that is not made, and the least of several."""
    heat: F64
    """(5,) the share of the mean change for the worse that is kept on average; then sum and number of changes for the
    worse, in the tier that leads and in the last one."""
    grain: F64
    """(tiers + 1,) changes up to this are none."""
    lead: I32
    """(2,) the tier in which a move for the worse may be kept, and whether emptying nodes is tried."""
    window: I32
    """(nodes,) where moves are looked for."""
    random: I64
    """(1,) state of the generator; not 0."""
    undo: I64
    """(steps, 3) since the best: line, node before or -1 - other line, first of its units in ``undo_unit``."""
    undo_unit: I32
    """(units,) that lines held before."""
    counts: I64
    """(6,) moves tried and kept, steps and units noted, nodes of the window (0: all), returns to the best."""
    held: I64
    """(most pods of a node,) scratch: lines of one node."""


class Search(NamedTuple):
    """What improving keeps beside the log and ``Repair``."""

    used: I32
    """(nodes in use at first,) in random order."""
    size: F64
    """(classes,) requests of cpu and memory as shares of what the nodes in use have free, summed; above 0."""
    load: F64
    """(nodes,) sum of the sizes of the pods placed there."""
    random: I64
    """(1,) state of the generator; not 0."""
    line: I64
    """(most pods,) scratch: lines of the node to be emptied."""
    move: I64
    """(4,) scratch: the line that moves, where to, and the two lines it changes places with, -1 for none."""
    moves: I64
    """(3,) moves tried, moves made, and how many tried are enough for the present node."""
