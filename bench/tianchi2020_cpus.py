"""CPU ids for the pods of one node: as few as can be outside a pod's main socket, and on a core that it has already."""

from __future__ import annotations

from collections.abc import Sequence

from placer.traces.tianchi2020 import Thread

Core = tuple[int, int]


def assign(threads: Sequence[Thread], asked: Sequence[int]) -> list[tuple[int, ...]]:
    """
    Distinct ids for each pod, as many as it asks for.

    Parameters
    ----------
    threads
        The node's ids with their cores and sockets.
    asked
        Ids per pod; no more in sum than there are.

    Returns
    -------
    The cost, ids outside the socket that has most of a pod's and ids on a core beyond the pod's first there, is the
    least where all cores of a socket have equally many ids: how many ids a pod takes of a socket is solved exactly, and
    then the pods, largest share first, take theirs from the cores with most ids left (as Gale and Ryser construct).
    """
    cores: dict[int, dict[int, list[int]]] = {}
    for thread in threads:
        cores.setdefault(thread.socket, {}).setdefault(thread.core, []).append(thread.cpu)
    sockets = list(cores.values())
    taken: list[list[int]] = [[] for _ in asked]
    for free, shares in zip(sockets, _shares(sockets, asked), strict=True):
        for pod in sorted(range(len(asked)), key=lambda pod: -shares[pod]):
            taken[pod] += _take(list(free.values()), shares[pod])
    return [tuple(ids) for ids in taken]


def _take(cores: list[list[int]], wanted: int) -> list[int]:
    """So many ids, from different cores as long as there are any."""
    ids: list[int] = []
    while len(ids) < wanted:
        fullest = sorted((core for core in cores if core), key=len, reverse=True)
        ids += [core.pop() for core in fullest[: wanted - len(ids)]]
    return ids


def _shares(sockets: Sequence[dict[int, list[int]]], asked: Sequence[int]) -> list[list[int]]:
    """(sockets, pods) how many ids each pod takes of each socket."""
    if len(sockets) == 1:
        return [list(asked)]
    from ortools.sat.python import cp_model

    model, costs, shares = cp_model.CpModel(), [], []
    mains = [[model.new_bool_var("") for _ in asked] for _ in sockets]
    for socket, main in zip(sockets, mains, strict=True):
        share = [model.new_int_var(0, wanted, "") for wanted in asked]
        model.add(sum(share) <= sum(map(len, socket.values())))
        for ids, is_main, wanted in zip(share, main, asked, strict=True):
            outside = model.new_int_var(0, wanted, "")
            model.add(outside >= ids - wanted * is_main)
            together = model.new_int_var(0, wanted, "")
            model.add(together >= ids - len(socket))
            costs += [outside, together]
        shares.append(share)
    for pod, wanted in enumerate(asked):
        model.add(sum(share[pod] for share in shares) == wanted)
        model.add_exactly_one(main[pod] for main in mains)
    model.minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    status = solver.solve(model)
    assert status == cp_model.OPTIMAL, "there are as many ids as the pods ask for"
    return [[solver.value(ids) for ids in share] for share in shares]
