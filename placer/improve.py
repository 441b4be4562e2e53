"""Improving: what is left of a limit once all pods are placed lowers the goal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placer.encode.problem import Search
from placer.engine import Run, bound_lines, class_of_slot, new_repair
from placer.goals import Tier

CHUNK = 8
"""Nodes between two looks at the clock: a few hundredths of a second."""
MOST_DRY = 32
"""Chunks in a row that empty no node, after which a round that made moves is begun anew."""
MOST_PODS = 512
"""Pods of a node that is to be emptied that are looked at."""
POD = 1e-3
"""Size of a pod that asks for nothing, as a share of the mean."""


def empties(tiers: Sequence[Tier]) -> bool:
    """Whether the first tier is served by emptying nodes: it is ``pack`` and no other goal."""
    return bool(tiers) and [part.name for part in tiers[0].parts] == ["pack"]


def improve(
    run: Run,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] | None = None,
    steps: int | None = None,
    seed: int = 0,
    nodes: NDArray[np.int32] | None = None,
) -> dict[str, Any]:
    """
    Lowers ``pack`` by emptying nodes, until no move helps or a limit ends it.

    Every hard rule holds on, every pod that is placed stays placed, and no node is opened. Goals of later tiers may
    lose; other goals are not searched for.

    Parameters
    ----------
    steps
        Nodes to try to empty, at most.
    seed
        Of the sequence in which nodes are looked at.
    nodes
        Internal nodes that pods may leave and may go to; all by default.

    Returns
    -------
    ``steps`` made, ``moves_tried``, ``moves_kept`` and ``moves_per_s``, and as ``done`` whether no move helps.
    """
    from placer.kernels.improve import empty_nodes
    from placer.kernels.repair import link_lines
    from placer.kernels.structs import pack

    clock = time.perf_counter()
    repair, search = new_repair(run), new_search(run, seed, nodes)
    problem, goals, state = pack(run.encoded.problem), pack(run.goals), pack(run.state)
    work, log, beside, kernel = pack(run.work), pack(run.log), pack(repair), pack(search)
    link_lines(log, beside)
    left = steps if steps is not None else 2**62
    made, kept, done = 0, -1, False
    while not done and left > made and not stop():
        targets, dry = nodes_to_empty(run, search, nodes), 0
        done, kept = int(search.moves[1]) == kept, int(search.moves[1])
        for low in range(0, 0 if done else len(targets), CHUNK):
            if stop() or made >= left or (dry >= MOST_DRY and int(search.moves[1]) > kept):
                break
            chunk = targets[low : low + min(CHUNK, left - made)]
            empty_nodes(problem, goals, state, work, log, beside, kernel, chunk)
            made += len(chunk)
            dry = 0 if not run.state.pods[chunk].all() else dry + 1
            if progress:
                progress(low, len(targets))
    tried, kept, _ = search.moves.tolist()
    seconds = max(time.perf_counter() - clock, 1e-9)
    return {
        "steps": made,
        "moves_tried": tried,
        "moves_kept": kept,
        "moves_per_s": round(tried / seconds),
        "done": done,
    }


def new_search(run: Run, seed: int, among: NDArray[np.int32] | None = None) -> Search:
    """What improving begins with: sizes by what is scarce on the nodes in use, and their order by the seed."""
    problem, state, rows = run.encoded.problem, run.state, run.goals.squared
    used = _among(np.flatnonzero(state.pods > 0), among)
    free = np.maximum(state.free[rows][:, used].sum(axis=1), 1)
    size = (problem.classes.need[:, rows] / free).sum(axis=1)
    size += POD * size.mean() if size.any() else 1.0
    rng = np.random.default_rng(seed % 2**64)
    lines, classes = _placed(run)
    encoded = run.encoded
    standing = encoded.position[encoded.standing_node], size[encoded.class_of_pod[encoded.standing]]
    nodes, sizes = np.concatenate([run.log.node[lines], standing[0]]), np.concatenate([size[classes], standing[1]])
    return Search(
        used=rng.permutation(used),
        size=size,
        load=np.bincount(nodes, sizes, minlength=len(state.pods)).astype(np.float64),
        random=rng.integers(1, 2**62, 1),
        line=np.zeros(MOST_PODS, np.int64),
        move=np.zeros(4, np.int64),
        moves=np.zeros(3, np.int64),
    )


def nodes_to_empty(run: Run, search: Search, among: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
    """Nodes in use all of whose pods may move, those of least load per price first."""
    problem, pods = run.encoded.problem, run.state.pods
    lines, classes = _placed(run)
    movable = np.bincount(run.log.node[lines], problem.classes.free_to_move[classes], minlength=len(pods))
    price = problem.nodes.price
    able = _among(np.flatnonzero((pods > 0) & (movable == pods) & (price > 0) & (pods <= MOST_PODS)), among)
    return able[np.argsort(search.load[able] / price[able], kind="stable")].astype(np.int32)


def _among(nodes: NDArray[np.int64], among: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """Those of nodes that are among others; all where those are not given."""
    return (nodes if among is None else np.intersect1d(nodes, among, assume_unique=True)).astype(np.int32)


def _placed(run: Run) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The lines that count, and the classes of their pods."""
    lines = bound_lines(run.log)
    return lines, class_of_slot(run.plan)[run.log.slot[lines]]
