"""One function a rule: whether it rejects a pod on a node, given what stands there now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import placer as pl
from placer.model.rule import Rule

from .devices import given, why_not
from .groups import (
    cordon,
    covered,
    group,
    hard_taints,
    meant,
    node_matches,
    share_of,
    spread_counts,
    spread_group,
)
from .state import State, choose


def rejects(state: State, pod: int, node: int, devices: Mapping[str, Sequence[int]] | None = None) -> Rule | None:
    """
    The first rule, in the order of ``Rule``, that rejects a pod on a node now; ``None`` where it fits.

    Parameters
    ----------
    devices
        Units as a binding names them, checked as given; ``None`` looks for some.
    """
    assert pod not in state.standing, "the pod stands already"
    for rule, rejecting in RULES.items():
        if rejecting is not None and rejecting(state, pod, node):
            return rule
        if rule is Rule.Devices:
            units = why_not(state, pod, node) if devices is None else given(state, pod, node, devices).rule
            if units is not None:
                return units
    return None


def fits(state: State, pod: int) -> list[int]:
    """The nodes on which a pod fits now."""
    return [node for node in range(len(state.nodes)) if rejects(state, pod, node) is None]


def gates(state: State, pod: int, node: int) -> bool:
    return bool(state.pods[pod].scheduling_gates)


def unsupported(state: State, pod: int, node: int) -> bool:
    return bool(state.pods[pod].unsupported)


def alternatives(pod: pl.Pod) -> list[tuple[pl.Alternative, list[pl.Toleration]]]:
    """The pod's alternatives with the tolerations that it has with each; without any, one that asks for nothing."""
    return [(each, [*pod.tolerations, *each.tolerations]) for each in pod.any_of or [pl.Alternative()]]


def unschedulable(state: State, pod: int, node: int) -> bool:
    return not any(covered(cordon(state.nodes[node]), with_it) for _, with_it in alternatives(state.pods[pod]))


def node_name(state: State, pod: int, node: int) -> bool:
    return bool(state.pods[pod].nodes) and state.nodes[node].name not in state.pods[pod].nodes


def forbidden(state: State, pod: int, node: int) -> bool:
    return state.nodes[node].name in state.pods[pod].forbidden_nodes


def taints(state: State, pod: int, node: int) -> bool:
    return not any(covered(hard_taints(state.nodes[node]), with_it) for _, with_it in alternatives(state.pods[pod]))


def node_affinity(state: State, pod: int, node: int) -> bool:
    return not node_matches(state, node, state.pods[pod].node_selector, state.pods[pod].node_affinity)


def any_of(state: State, pod: int, node: int) -> bool:
    everything = [*cordon(state.nodes[node]), *hard_taints(state.nodes[node])]
    return not any(
        node_matches(state, node, each.node_selector, each.node_affinity) and covered(everything, with_it)
        for each, with_it in alternatives(state.pods[pod])
    )


def volume_binding(state: State, pod: int, node: int) -> bool:
    for bound in choose(state, pod, node).values():
        if bound is None or (bound.volume is None and bound.node != node):
            return True
        if bound.volume and not node_matches(state, node, {}, bound.volume.topology):
            return True
    return not all(node_matches(state, node, {}, volume.topology) for volume in state.pods[pod].volumes)


def volume_zone(state: State, pod: int, node: int) -> bool:
    """A node that says nothing of zones passes; else each label of each volume is matched, by its old name or new."""
    renamed = {
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    }
    labels = state.labels[node]
    if not labels.keys() & {*renamed, *renamed.values()}:
        return False
    for volume in state.pods[pod].volumes:
        for key, values in volume.zones.items():
            own = labels[key] if key in labels else labels.get(renamed.get(key, key))
            if own not in values:
                return True
    return False


def ports(state: State, pod: int, node: int) -> bool:
    taken = [port for other in state.on(node) for port in state.pods[other].host_ports]
    return any(mine.clashes(theirs) for mine in state.pods[pod].host_ports for theirs in taken)


def resources(state: State, pod: int, node: int) -> bool:
    most = state.allocatable[node].get("pods")
    if most is not None and len(state.on(node)) + 1 > most:
        return True
    wanted = {name: amount for name, amount in state.requests[pod].items() if amount > 0 and name != "pods"}
    return any(amount > state.left(node, name) for name, amount in wanted.items())


def volume_restrictions(state: State, pod: int, node: int) -> bool:
    beside = [disk for other in state.on(node) for disk in state.pods[other].disks]
    if any(same_disk(mine, theirs) for mine in state.pods[pod].disks for theirs in beside):
        return True
    return any(
        mine.name == theirs.name and "ReadWriteOncePod" in (mine.access, theirs.access)
        for other in state.standing
        if state.pods[other].namespace == state.pods[pod].namespace
        for mine in state.pods[pod].volumes
        for theirs in state.pods[other].volumes
    )


def same_disk(one: pl.Disk, other: pl.Disk) -> bool:
    """Whether two pods cannot have these on one node."""
    if one.kind != other.kind or one.name != other.name or one.pool != other.pool:
        return False
    if one.kind == "rbd" and set(one.monitors).isdisjoint(other.monitors):
        return False
    return one.kind == "aws" or not one.read_only or not other.read_only


def volume_limits(state: State, pod: int, node: int) -> bool:
    drivers = {"aws": "ebs.csi.aws.com", "gce": "pd.csi.storage.gke.io"}

    def volumes(rows: Sequence[int], driver: str) -> set[tuple[str, ...]]:
        listed = [(state.pods[row].namespace, volume) for row in rows for volume in state.pods[row].volumes]
        disks = {("a disk", disk.kind, disk.name) for row in rows for disk in state.pods[row].disks}
        claims = {(namespace, volume.name) for namespace, volume in listed if volume.driver == driver}
        return {*claims, *(disk for disk in disks if drivers.get(disk[1]) == driver)}

    for driver, most in state.nodes[node].volume_limits.items():
        attached, mine = volumes(state.on(node), driver), volumes([pod], driver)
        if not mine <= attached and len(attached | mine) > most:
            return True
    return False


def spread(state: State, pod: int, node: int) -> bool:
    hard = [rule for rule in state.pods[pod].topology_spread if rule.when_unsatisfiable == "DoNotSchedule"]
    keys = {rule.topology_key for rule in hard}
    if not keys <= set(state.labels[node]):
        return True
    for rule in hard:
        counts, least = spread_counts(state, pod, rule, keys)
        there = counts.get(state.labels[node][rule.topology_key], 0)
        if there + (pod in spread_group(state, pod, rule)) - least > rule.max_skew:
            return True
    return False


def pod_affinity(state: State, pod: int, node: int) -> bool:
    return _affinity(state, pod, node) or _anti_affinity(state, pod, node) or _unwelcome(state, pod, node)


def _affinity(state: State, pod: int, node: int) -> bool:
    terms, labels = state.pods[pod].pod_affinity, state.labels[node]
    if not terms:
        return False
    if not all(term.topology_key in labels for term in terms):
        return True
    matching = set.intersection(*(meant(state, pod, term) for term in terms))
    if all(state.in_domain(matching, term.topology_key, labels[term.topology_key]) for term in terms):
        return False
    somewhere = any(
        term.topology_key in state.labels[where]
        for term in terms
        for other, where in state.standing.items()
        if other in matching
    )
    return somewhere or pod not in matching


def _anti_affinity(state: State, pod: int, node: int) -> bool:
    labels = state.labels[node]
    return any(
        term.topology_key in labels
        and state.in_domain(meant(state, pod, term), term.topology_key, labels[term.topology_key])
        for term in state.pods[pod].pod_anti_affinity
    )


def _unwelcome(state: State, pod: int, node: int) -> bool:
    """Whether a pod that stands in the domain wants to be apart from this one."""
    return any(
        term.topology_key in state.labels[node]
        and state.labels[node][term.topology_key] == state.labels[where].get(term.topology_key)
        and pod in meant(state, other, term)
        for other, where in state.standing.items()
        for term in state.pods[other].pod_anti_affinity
    )


def apart_from(state: State, pod: int, node: int) -> bool:
    def names(one: int, other: int) -> bool:
        full = [name if "/" in name else f"default/{name}" for name in state.pods[one].apart_from]
        return state.keys[other] in full

    return any(names(pod, other) or names(other, pod) for other in state.on(node))


def domain_limit(state: State, pod: int, node: int) -> bool:
    labels = state.labels[node]
    for rule in state.pods[pod].domain_limits:
        key = rule.topology_key
        if key in labels and state.in_domain(group(state, pod, rule), key, labels[key]) + 1 > rule.at_most:
            return True
    return False


def distinct_domains(state: State, pod: int, node: int) -> bool:
    for rule in state.pods[pod].distinct_domains:
        domain = state.labels[node].get(rule.topology_key)
        held = {
            state.labels[where].get(rule.topology_key)
            for other, where in state.standing.items()
            if other in group(state, pod, rule)
        } - {None}
        if domain is None or (len(held) < rule.at_least and domain in held):
            return True
    return False


def domain_shares(state: State, pod: int, node: int) -> bool:
    for rule in state.pods[pod].domain_shares:
        if rule.hard:
            domain = state.labels[node].get(rule.topology_key)
            held = state.in_domain(group(state, pod, rule), rule.topology_key, domain)
            if held + 1 > share_of(state, pod, rule, domain):
                return True
    return False


RULES = {
    Rule.SchedulingGates: gates,
    Rule.Unsupported: unsupported,
    Rule.NodeUnschedulable: unschedulable,
    Rule.NodeName: node_name,
    Rule.ForbiddenNodes: forbidden,
    Rule.TaintToleration: taints,
    Rule.NodeAffinity: node_affinity,
    Rule.AnyOf: any_of,
    Rule.NodePorts: ports,
    Rule.NodeResourcesFit: resources,
    Rule.Devices: None,  # with Numa, from one search for units
    Rule.Numa: None,
    Rule.VolumeRestrictions: volume_restrictions,
    Rule.NodeVolumeLimits: volume_limits,
    Rule.VolumeBinding: volume_binding,
    Rule.VolumeZone: volume_zone,
    Rule.PodTopologySpread: spread,
    Rule.InterPodAffinity: pod_affinity,
    Rule.ApartFrom: apart_from,
    Rule.DomainLimit: domain_limit,
    Rule.DistinctDomains: distinct_domains,
    Rule.DomainShares: domain_shares,
}
