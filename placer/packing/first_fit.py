"""First fit decreasing, with conflicts, for each kind of node in turn: something to begin from."""

from __future__ import annotations

import numpy as np

from placer.packing.configuration import Pattern
from placer.packing.dive import cheapest, price_of
from placer.packing.parts import Parts


def first_fit(parts: Parts) -> list[Pattern] | None:
    """
    The cheapest of the placements that open nodes of one kind as long as there are any; ``None`` where none has room.

    O(kinds × pods × nodes opened).
    """
    kinds = np.flatnonzero(parts.nodes > 0)
    size = (parts.capacity / np.maximum(parts.capacity.max(axis=0), 1)).mean(axis=1)
    best: list[Pattern] | None = None
    for favoured in kinds[parts.price[kinds] > 0].tolist():
        order = sorted(kinds.tolist(), key=lambda kind: (parts.price[kind] > 0, kind != favoured, -size[kind]))
        filled = _filled(parts, order)
        if filled is not None:
            patterns = cheapest(parts, filled, parts.nodes)
            if best is None or price_of(parts, patterns) < price_of(parts, best):
                best = patterns
    return best


def _filled(parts: Parts, order: list[int]) -> list[Pattern] | None:
    """Pods one by one on the first node that takes them; nodes are opened in this order of kinds."""
    most, free = int(min(parts.pods.sum(), parts.nodes.sum())), parts.nodes.copy()
    room, barred = np.zeros((most, parts.need.shape[1]), np.int64), np.zeros((most, len(parts.pods)), bool)
    held, kind_of = [list[int]() for _ in range(most)], np.zeros(most, np.int64)
    opened = 0
    for pod_class, pods in enumerate(parts.pods.tolist()):
        for _ in range(pods):
            fits = (room[:opened] >= parts.need[pod_class]).all(axis=1) & ~barred[:opened, pod_class]
            node = int(np.argmax(fits)) if fits.any() else opened
            if node == opened:
                able = (kind for kind in order if free[kind] and parts.eligible[pod_class, kind])
                kind = next((k for k in able if (parts.need[pod_class] <= parts.capacity[k]).all()), None)
                if kind is None:
                    return None
                room[node], kind_of[node], barred[node] = parts.capacity[kind], kind, ~parts.eligible[:, kind]
                free[kind] -= 1
                opened += 1
            room[node] -= parts.need[pod_class]
            held[node].append(pod_class)
            barred[node] |= parts.clash[pod_class]
            barred[node, pod_class] = held[node].count(pod_class) >= parts.most[pod_class]
    return [Pattern(int(kind_of[node]), tuple(held[node])) for node in range(opened)]
