"""Goals as the slow referee reads them, on the state that its judge() or audit() ended in."""

from __future__ import annotations

from typing import Any

import placer as pl

from .referee import GPU, Referee, Unit


def goals(referee: Referee) -> dict[str, float]:
    """Every goal's value."""
    standing = {one.pod for one in referee.here}
    unplaced = [row for row, pod in enumerate(referee.pods) if pod.node is None and row not in standing]
    used = {one.node for one in referee.here}
    loads = []
    for node in range(len(referee.nodes)):
        for resource in ("cpu", "memory"):
            have = referee.allocatable[node].get(resource, 0)
            if have:
                load = sum(referee.requests[one.pod].get(resource, 0) for one in referee.here if one.node == node)
                loads.append(load / have)
    return {
        "unplaced": len(unplaced),
        "pack": sum(referee.nodes[node].price for node in used),
        "balance": sum(load**2 for load in loads),
        "headroom": sum(max(0.0, load - 0.8) for load in loads),
        "fragmentation": _fragmentation(referee),
        "preferences": _preferences(referee),
    }


def _fragmentation(referee: Referee) -> float:
    total = 0.0
    counted = [row for row, pod in enumerate(referee.pods) if pod.node is None or pod.node in referee.names]
    for row in counted:
        for node in range(len(referee.nodes)):
            gpus = [unit for unit in referee.units[node] if unit.kind == GPU]
            total += _unusable(referee, row, node, gpus)
    return total / max(len(counted), 1)


def _unusable(referee: Referee, row: int, node: int, gpus: list[Unit]) -> float:
    free = sum(unit.left() for unit in gpus)
    needs = referee.needs[row]
    if not any(need.kind == GPU for need in needs) or "NodeResourcesFit" in referee.carried(row, node):
        return free
    able = [[u for u in referee.units[node] if u.kind == need.kind and u.serves(need)] for need in needs]
    if not _together(referee, [units for units, need in zip(able, needs, strict=True) for _ in range(need.count)], []):
        return free
    useful = [unit for units, need in zip(able, needs, strict=True) if need.kind == GPU for unit in units]
    return sum(unit.left() for unit in gpus if not any(unit is other for other in useful))


def _together(referee: Referee, slots: list[list[Unit]], used: list[Unit]) -> bool:
    """Whether each slot gets a unit of its own: tried out."""
    if not slots:
        return True
    return any(
        _together(referee, slots[1:], [*used, unit]) for unit in slots[0] if not any(unit is other for other in used)
    )


def _preferences(referee: Referee) -> float:
    everyone, lost, soft = referee.here, 0.0, []
    for row, node, _ in everyone:
        pod, labels = referee.pods[row], referee.labels[node]
        referee.here = [one for one in everyone if one.pod != row]
        for wish in pod.preferred_nodes:
            empty = not wish.term.match_expressions and not wish.term.match_fields
            matches = empty or wish.term.matches(labels, referee.names[node])
            lost += abs(wish.weight) if matches == (wish.weight < 0) else 0
        for taint in referee.nodes[node].taints:
            if taint.effect == "PreferNoSchedule" and not any(t.tolerates(taint) for t in pod.tolerations):
                lost += 1
        for near in pod.preferred_pods:
            key = near.term.topology_key
            count = referee.counted(referee.term(row, near.term), key, labels[key]) if key in labels else 0
            lost += (near.weight if count == 0 else 0) if near.weight > 0 else -near.weight * count
        for rule in pod.topology_spread:
            key = rule.topology_key
            if rule.when_unsatisfiable == "ScheduleAnyway" and key in labels:
                lost += max(0, referee.skew(row, node, rule, {key}) - rule.max_skew)
        if pod.numa == "prefer" and any(unit.kind == "numa" for unit in referee.units[node]):
            lost += not referee.zone_of.get(row)
        soft += [(row, share) for share in pod.domain_shares if not share.hard]
    referee.here = everyone
    return lost + _above_soft_shares(referee, soft)


def _above_soft_shares(referee: Referee, soft: list[tuple[int, pl.DomainShares]]) -> int:
    """Per distinct wish: the pods of each domain beyond its share, at most those that wish it."""
    wishes: dict[Any, list[int]] = {}
    for row, share in soft:
        group = frozenset(referee.group(row, share.selector))
        wishes.setdefault((share.topology_key, share.shares, group), []).append(row)
    lost = 0
    for (key, shares, group), rows in wishes.items():
        first = rows[0]
        share = next(s for r, s in soft if r == first and s.topology_key == key and s.shares == shares)
        for domain in {referee.labels[one.node].get(key) for one in referee.here}:
            there = [one.pod for one in referee.here if referee.labels[one.node].get(key) == domain]
            most = referee.share_of(first, share, domain) if domain is not None else 0
            above = len([row for row in there if row in group or row in rows]) - most
            lost += min(max(0, above), len([row for row in there if row in rows]))
    return lost
