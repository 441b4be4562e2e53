"""What wishes lose in a final state."""

from __future__ import annotations

import numpy as np

from placer.engine import Run, bindings
from placer.model.cluster import Cluster


def lost(cluster: Cluster, run: Run) -> float:
    """The goal ``preferences``: see ``docs/semantics.md``. O(pods that stand)."""
    from placer.kernels.structs import pack
    from placer.kernels.terms import total_lost

    encoded = run.encoded
    (pods, nodes), devices = bindings(run)
    rows = np.concatenate([encoded.standing, pods])
    where = encoded.position[np.concatenate([cluster.pod_table.node[encoded.standing], nodes])]
    total = int(total_lost(pack(encoded.problem), pack(run.state), encoded.class_of_pod[rows], where))
    prefer = encoded.problem.classes.numa[encoded.class_of_pod[pods]] == 2
    zones = encoded.problem.units.zones[encoded.position[nodes]] > 0
    missed = [place for place in np.flatnonzero(prefer & zones).tolist() if "numa" not in devices.get(place, {})]
    return float(total + len(missed))
