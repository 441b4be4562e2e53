"""How many pods each rule is asked of: those that have something in a field of it, or that others mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from placer.checks import structure
from placer.checks.distinct import distinct
from placer.checks.facts import Facts, Mask
from placer.model.cluster import Cluster
from placer.model.rule import Rule
from placer.solution import Solution

OF_EVERY_POD = (Rule.SchedulingGates, Rule.NodeUnschedulable, Rule.TaintToleration, Rule.NodeResourcesFit)
"""Rules that are asked of every pod; ``Unsupported`` is asked of those that a solution places, not of what stands."""
FIELDS: dict[Rule, tuple[str, ...]] = {
    Rule.NodeName: ("nodes",),
    Rule.ForbiddenNodes: ("forbidden_nodes",),
    Rule.NodeAffinity: ("node_selector", "node_affinity"),
    Rule.AnyOf: ("any_of",),
    Rule.NodePorts: ("host_ports",),
    Rule.Numa: ("numa",),
    Rule.VolumeRestrictions: ("volumes", "disks"),
    Rule.NodeVolumeLimits: ("volumes", "disks"),
    Rule.VolumeBinding: ("volumes",),
    Rule.VolumeZone: ("volumes",),
    Rule.DomainLimit: ("domain_limits",),
    Rule.DistinctDomains: ("distinct_domains",),
}
"""Rules that are asked of the pods that have something in one of these."""


def pods_asked(cluster: Cluster, solution: Solution | None = None) -> dict[str, int]:
    """
    Rule → pods of which :func:`placer.verify` asks it, for every rule.

    Parameters
    ----------
    solution
        ``None`` for the pods that stand, else those that it binds or moves.
    """
    facts = Facts(cluster)
    standing = cluster.pod_table.node >= 0
    everyone, named = np.ones(len(standing), bool), np.zeros(len(standing), bool)
    arriving = standing if solution is None else named.copy()
    if solution is not None:
        plan, _ = structure.read(cluster, solution)
        arriving[plan.pod] = True
        arriving[[move.pod for move in plan.moved]] = True
        units = solution.units()
        named[[pod for pod, line in zip(plan.pod.tolist(), plan.line.tolist(), strict=True) if line in units]] = True
    found = dict.fromkeys(Rule, ~everyone if solution is None else everyone)
    found |= dict.fromkeys(OF_EVERY_POD, everyone)
    found |= {rule: _having(facts, fields) for rule, fields in FIELDS.items()}
    found |= {rule: mask(facts, standing | arriving) for rule, mask in OTHERS.items()}
    found[Rule.Devices] |= named
    return {rule.name: int(np.count_nonzero(mask & arriving)) for rule, mask in found.items()}


def _having(facts: Facts, fields: tuple[str, ...]) -> Mask:
    """(pods,) with something in one of these fields."""
    mask = np.zeros(len(facts.pods), bool)
    for field in fields:
        some = facts.truthy(field)
        mask |= False if some is None else some
    return mask


def _needing(facts: Facts, standing: Mask) -> Mask:
    """(pods,) that need devices, asked for as such or as a resource that some node lists as devices, or name units."""
    return facts.units.needs.map(bool).astype(bool) | _having(facts, ("numa", "units"))


def _spread(facts: Facts, standing: Mask) -> Mask:
    hard = facts.pods["topology_spread"].map(lambda rules: any(r.when_unsatisfiable == "DoNotSchedule" for r in rules))
    return hard.astype(bool)


def _shared(facts: Facts, standing: Mask) -> Mask:
    return facts.pods["domain_shares"].map(lambda rules: any(rule.hard for rule in rules)).astype(bool)


def _related(facts: Facts, standing: Mask) -> Mask:
    """(pods,) with terms of their own, and those that anti-affinity of a pod that stands keeps away."""
    carriers = _having(facts, ("pod_anti_affinity",)) & standing
    rows, pods, identities = np.flatnonzero(carriers), facts.pods, facts.identities
    meant = np.zeros(len(identities.namespace), bool)
    if len(rows):
        _, first = distinct([pods[name].codes[rows] for name in ("pod_anti_affinity", "namespace", "labels")])
        for row in rows[first].tolist():
            for term in pods["pod_anti_affinity"][row]:
                meant[identities.of_term(term, pods["namespace"][row], pods["labels"][row])] = True
    return _having(facts, ("pod_affinity", "pod_anti_affinity")) | meant[identities.of_pod]


def _apart(facts: Facts, standing: Mask) -> Mask:
    """(pods,) that name others, and those that are named."""
    mask = _having(facts, ("apart_from",))
    named = {facts.pods.index(name) for row in np.flatnonzero(mask).tolist() for name in facts.pods["apart_from"][row]}
    mask[[row for row in named if row >= 0]] = True
    return mask


OTHERS: dict[Rule, Callable[[Facts, Mask], Mask]] = {
    Rule.Devices: _needing,
    Rule.PodTopologySpread: _spread,
    Rule.InterPodAffinity: _related,
    Rule.ApartFrom: _apart,
    Rule.DomainShares: _shared,
}
"""Rules of which a field alone does not tell; asked with who stands at any time."""
