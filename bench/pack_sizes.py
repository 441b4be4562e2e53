"""Clusters of 100 to 250,000 plain pods: gap against time, beside peers where they have a chance."""

from __future__ import annotations

from typing import Any

from bench.common import Options, say
from bench.pack_rows import entries, solved
from bench.peers import PEERS, apart

SIZES = (100, 1_000, 10_000, 250_000)
NODES_PER_POD = 30_000 / 250_000
LIMITS = (1.0, 3.0, 10.0, 30.0, 60.0)
"""Seconds; each is a run of its own."""
PEERS_LIMIT = 30.0
MOST_FOR_PEERS = 10_000
"""Pods up to which peers are run: their model has a literal per pod and node."""


def instances(options: Options) -> list[dict[str, Any]]:
    """
    A row per size, limit and tier, named ``<pods>-<limit>s/<tier>``; ``--time-limit`` is one limit for all.

    Nodes and requests are drawn from the marginals of mesos-scale, case ``plain``: the peers' model can say all of it.
    Peers have 30 s, building the model included, and stand beside each of a size's rows. The price of a node is 1.
    """
    from placer.traces.mesos import generate

    limits = LIMITS if options.time_limit is None else (options.time_limit,)
    solved(generate("plain", nodes=3, pods=10), 1.0)
    rows = []
    for pods in SIZES:
        if options.set not in (None, str(pods)):
            continue
        cluster = generate("plain", nodes=round(pods * NODES_PER_POD), pods=pods, seed=options.seed)
        peers = {name: apart(name, cluster, PEERS_LIMIT) for name in PEERS} if pods <= MOST_FOR_PEERS else {}
        say(f"pack sizes {pods}: {peers}")
        for limit in limits:
            answer = solved(cluster, limit, seed=options.seed)
            rows += entries("sizes", f"{pods}-{limit:g}s", answer, peers)
            say(f"pack sizes {pods} in {limit:g} s: {dict(answer.solution.objective)}, bound {answer.solution.bound}")
    return rows
