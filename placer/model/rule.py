"""
The hard rules by name, with the words in which each rejects a node.

Names and words are kube-scheduler's where it has the rule. The order is the order in which a node's first failing rule
is named: that of kube-scheduler's default plugins, with placer's own rules beside those they resemble.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple


class Rule(IntEnum):
    """Hard rules, in the order in which they are asked."""

    SchedulingGates = 1
    Unsupported = 2
    NodeUnschedulable = 3
    NodeName = 4
    ForbiddenNodes = 5
    TaintToleration = 6
    NodeAffinity = 7
    AnyOf = 8
    NodePorts = 9
    NodeResourcesFit = 10
    Devices = 11
    Numa = 12
    VolumeRestrictions = 13
    NodeVolumeLimits = 14
    VolumeBinding = 15
    VolumeZone = 16
    PodTopologySpread = 17
    InterPodAffinity = 18
    ApartFrom = 19
    DomainLimit = 20
    DistinctDomains = 21
    DomainShares = 22


class Reason(NamedTuple):
    """
    Why nodes reject a pod.

    Attributes
    ----------
    rule
        The rule's name.
    reason
        Its words.
    nodes
        How many nodes it rejects first.
    """

    rule: str
    reason: str
    nodes: int


WORDS: dict[Rule, str] = {
    Rule.SchedulingGates: "Scheduling is blocked due to non-empty scheduling gates",
    Rule.Unsupported: "placer does not support a rule of the pod",
    Rule.NodeUnschedulable: "node(s) were unschedulable",
    Rule.NodeName: "node(s) didn't match the requested node name",
    Rule.ForbiddenNodes: "node(s) were forbidden to the pod",
    Rule.TaintToleration: "node(s) had untolerated taint(s)",
    Rule.NodeAffinity: "node(s) didn't match Pod's node affinity/selector",
    Rule.AnyOf: "node(s) matched none of the pod's alternatives",
    Rule.NodePorts: "node(s) didn't have free ports for the requested pod ports",
    Rule.NodeResourcesFit: "Insufficient {0}",
    Rule.Devices: "Insufficient {0} devices",
    Rule.Numa: "node(s) had no NUMA zone with room",
    Rule.VolumeRestrictions: (
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
        "already in-use by another pod"
    ),
    Rule.NodeVolumeLimits: "node(s) exceed max volume count",
    Rule.VolumeBinding: "node(s) didn't match PersistentVolume's node affinity",
    Rule.VolumeZone: "node(s) had no available volume zone",
    Rule.PodTopologySpread: "node(s) didn't match pod topology spread constraints",
    Rule.InterPodAffinity: "node(s) didn't match pod affinity rules",
    Rule.ApartFrom: "node(s) held a pod to stay apart from",
    Rule.DomainLimit: "node(s) were in a domain at its limit of pods",
    Rule.DistinctDomains: "node(s) were in a domain in use before enough distinct ones are",
    Rule.DomainShares: "node(s) were in a domain that has its share of pods",
}
OTHER_WORDS: dict[Rule, str] = {
    Rule.NodeAffinity: "node(s) didn't match scheduler-enforced node affinity",
    Rule.VolumeRestrictions: "node(s) had no available disk",
    Rule.VolumeBinding: "node(s) didn't find available persistent volumes to bind",
    Rule.PodTopologySpread: "node(s) didn't match pod topology spread constraints (missing required label)",
    Rule.InterPodAffinity: "node(s) didn't match pod anti-affinity rules",
}
"""The second wording of rules that have one."""
KEPT_OUT: tuple[tuple[Rule, re.Pattern[str]], ...] = (
    (Rule.VolumeRestrictions, re.compile(r'persistentvolumeclaim ".*" not found')),
    (Rule.VolumeBinding, re.compile(r'persistentvolumeclaim ".*" (is being deleted|bound to non-existent .*)')),
    (Rule.VolumeBinding, re.compile("pod has unbound immediate PersistentVolumeClaims")),
    (Rule.VolumeZone, re.compile(r'persistentvolume ".*" not found')),
)
"""Words for which kube-scheduler's plugins keep a pod out before any node is looked at, in the order asked."""
TOO_MANY_PODS = "Too many pods"
MISSING_LABEL = OTHER_WORDS[Rule.PodTopologySpread]
ANTI_AFFINITY = OTHER_WORDS[Rule.InterPodAffinity]
EXISTING_ANTI_AFFINITY = "node(s) didn't satisfy existing pods anti-affinity rules"


def kept_out(text: str) -> int:
    """The place in :data:`KEPT_OUT` of what keeps a pod unplaced, or their number for placer's own words."""
    found = (place for place, (_, words) in enumerate(KEPT_OUT) if words.fullmatch(text))
    return next(found, len(KEPT_OUT))


def rule_of(text: str) -> Rule:
    """The rule behind one of a pod's texts of ``unsupported``."""
    place = kept_out(text)
    return KEPT_OUT[place][0] if place < len(KEPT_OUT) else Rule.Unsupported


def insufficient(resource: str) -> str:
    """The words of NodeResourcesFit for one resource."""
    return TOO_MANY_PODS if resource == "pods" else WORDS[Rule.NodeResourcesFit].format(resource)


def message(reasons: list[Reason], nodes: int) -> str:
    """
    One line on a pod that fits nowhere, as kube-scheduler writes it.

    ``0/5 nodes are available: 2 Insufficient cpu, 3 node(s) were unschedulable.``, parts in alphabetical order.
    """
    gates = [reason for reason in reasons if reason.rule in ("SchedulingGates", "Unsupported")]
    if gates:
        return "; ".join(reason.reason for reason in gates)
    if not nodes:
        return "no nodes available to schedule pods"
    before = [reason.reason for reason in reasons if kept_out(reason.reason) < len(KEPT_OUT)]
    if before:
        return f"0/{nodes} nodes are available: {', '.join(before)}."
    parts = sorted(f"{reason.nodes} {reason.reason}" for reason in reasons)
    return f"0/{nodes} nodes are available: {', '.join(parts)}."
