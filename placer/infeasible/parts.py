"""The hard rules of a group of pods, one by one: which there are, the pod without some of them, and their words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from placer.explaining.load import need_text, port_text
from placer.explaining.subject import amount_text, subject
from placer.model.pod import Pod
from placer.model.relation import RACK, REGION, ZONE
from placer.model.rule import Rule
from placer.model.selector import LabelSelector, Requirement
from placer.model.taint import Toleration
from placer.model.value import FrozenDict

RULES = {
    "shares": Rule.DomainShares,
    "at_least": Rule.DistinctDomains,
    "at_most": Rule.DomainLimit,
    "apart": Rule.ApartFrom,
    "max_skew": Rule.PodTopologySpread,
    "affinity": Rule.InterPodAffinity,
    "anti_affinity": Rule.InterPodAffinity,
    "numa": Rule.Numa,
    "device": Rule.Devices,
    "volume": Rule.VolumeBinding,
    "port": Rule.NodePorts,
    "any_of": Rule.AnyOf,
    "forbidden": Rule.ForbiddenNodes,
    "pin": Rule.NodeName,
    "selector": Rule.NodeAffinity,
    "resource": Rule.NodeResourcesFit,
    "toleration": Rule.TaintToleration,
    "gates": Rule.SchedulingGates,
    "unsupported": Rule.Unsupported,
}
"""Kinds of parts and their rules; the simplest to understand last: of two that would do it is the one that is kept."""
LISTED = {
    "shares": "domain_shares",
    "at_least": "distinct_domains",
    "at_most": "domain_limits",
    "max_skew": "topology_spread",
    "anti_affinity": "pod_anti_affinity",
}
"""Kinds of which each rule of a field is a part of its own. Terms of affinity hold together, and are one part."""
FIELDS: dict[str, dict[str, Any]] = {
    "apart": {"apart_from": ()},
    "affinity": {"pod_affinity": ()},
    "numa": {"numa": None},
    "volume": {"volumes": (), "disks": ()},
    "port": {"host_ports": ()},
    "any_of": {"any_of": ()},
    "forbidden": {"forbidden_nodes": ()},
    "pin": {"nodes": ()},
    "selector": {"node_selector": FrozenDict(), "node_affinity": ()},
    "gates": {"scheduling_gates": ()},
    "unsupported": {"unsupported": ()},
}
"""Kinds that are a part as a whole, and the fields without them."""
HELPED = {
    "affinity": "pod_affinity",
    "at_least": "distinct_domains",
    "max_skew": "topology_spread",
    "shares": "domain_shares",
}
"""Kinds of rules, and their fields, that count other pods, of which more may be better."""
TOLERATES_ALL = Toleration(operator="Exists")
NAMES = {ZONE: "zone", RACK: "rack", REGION: "region", "kubernetes.io/hostname": "node"}


class Part(NamedTuple):
    """
    One hard rule of a group.

    Attributes
    ----------
    kind
        Of :data:`RULES`.
    which
        The place in its field, the resource, or the kind of device; empty where the kind has one part.
    """

    kind: str
    which: str = ""

    @property
    def rule(self) -> Rule:
        """The rule that it is of."""
        return RULES[self.kind]


def parts_of(pod: Pod, kinds: Sequence[str], tainted: bool) -> list[Part]:
    """
    The hard rules of a pod, in the order of :data:`RULES`.

    Parameters
    ----------
    kinds
        Kinds of devices of the cluster.
    tainted
        Whether there are cordons, or taints that reject.
    """
    read = subject(pod, kinds)
    found = [Part("resource", name) for name in read.requests]
    found += [Part("device", kind) for kind in dict.fromkeys(need.kind for need in read.needs)]
    found += [Part(kind) for kind, fields in FIELDS.items() if any(getattr(pod, name) for name in fields)]
    for kind, name in LISTED.items():
        found += [Part(kind, str(place)) for place, each in enumerate(getattr(pod, name)) if _is_hard(kind, each)]
    found += [Part("toleration")] if tainted and TOLERATES_ALL not in pod.tolerations else []
    order = list(RULES)
    return sorted(found, key=lambda part: order.index(part.kind))


def _is_hard(kind: str, rule: Any) -> bool:
    if kind == "max_skew":
        return bool(rule.when_unsatisfiable == "DoNotSchedule")
    return kind != "shares" or bool(rule.hard)


def without(pod: Pod, dropped: Collection[Part]) -> Pod:
    """The pod without some of its rules."""
    changed: dict[str, Any] = {}
    for part in dropped:
        changed.update(FIELDS.get(part.kind, {}))
    for kind, name in LISTED.items():
        places = {int(part.which) for part in dropped if part.kind == kind}
        if places:
            changed[name] = tuple(rule for place, rule in enumerate(getattr(pod, name)) if place not in places)
    names = {part.which for part in dropped if part.kind in ("resource", "device")}
    if names:
        changed["requests"] = FrozenDict({name: amount for name, amount in pod.requests.items() if name not in names})
        changed["devices"] = tuple(need for need in pod.devices if need.kind not in names)
    if any(part.kind == "toleration" for part in dropped):
        changed["tolerations"] = (*pod.tolerations, TOLERATES_ALL)
    return pod.model_copy(update=changed)


def part_text(pod: Pod, part: Part, kinds: Sequence[str], taints: Iterable[str] = ()) -> str:
    """
    A rule in words: ``has anti-affinity over zone to app=web``.

    Parameters
    ----------
    taints
        Those that the pod does not tolerate.
    """
    if part.kind in LISTED:
        return _listed_text(part.kind, getattr(pod, LISTED[part.kind])[int(part.which)])
    if part.kind == "resource":
        return f"asks {amount_text(part.which, pod.requests[part.which])} {part.which}"
    if part.kind == "device":
        needs = [need_text(need) for need in subject(pod, kinds).needs if need.kind == part.which]
        return f"asks {' and '.join(needs)} of {part.which}"
    return f"does not tolerate {', '.join(taints)}" if part.kind == "toleration" else _field_text(pod, part.kind)


def _field_text(pod: Pod, kind: str) -> str:
    if kind == "selector":
        return f"selects nodes by {_selector_text(pod)}"
    if kind == "affinity":
        terms = (f"over {short(term.topology_key)} to {selected(term.selector)}" for term in pod.pod_affinity)
        return f"has affinity {' and '.join(terms)}"
    listed = {
        "port": ("takes host port", map(port_text, pod.host_ports)),
        "numa": ("needs one NUMA zone for all", ()),
        "volume": ("has volumes", (*(volume.name for volume in pod.volumes), *(disk.name for disk in pod.disks))),
        "any_of": ("must match one of its alternatives", ()),
        "forbidden": ("may not stand on", pod.forbidden_nodes),
        "pin": ("may stand on nothing but", pod.nodes),
        "apart": ("keeps apart from", pod.apart_from),
        "gates": ("has the scheduling gates", pod.scheduling_gates),
        "unsupported": ("has what is not supported:", pod.unsupported),
    }
    words, names = listed[kind]
    return f"{words} {', '.join(names)}".strip()


def _listed_text(kind: str, rule: Any) -> str:
    key = short(rule.topology_key)
    match kind:
        case "max_skew":
            fewest = f", min_domains {rule.min_domains}" if rule.min_domains else ""
            return f"is spread over {key}, max_skew {rule.max_skew}{fewest}"
        case "anti_affinity":
            return f"has anti-affinity over {key} to {selected(rule.selector)}"
        case "at_most":
            return f"allows {rule.at_most} a {key}"
        case "at_least":
            return f"needs {rule.at_least} distinct {key}s"
    return f"has shares over {key}: {', '.join(f'{domain} {share}' for domain, share in rule.shares.items())}"


def short(key: str) -> str:
    """``zone`` for the well-known keys, other keys as they are."""
    return NAMES.get(key, key)


def selected(selector: LabelSelector | None) -> str:
    """``app=web``; ``nobody`` and ``all pods`` where nothing and everything is selected."""
    if selector is None:
        return "nobody"
    if selector.is_empty:
        return "all pods"
    return ", ".join([*_labels(selector.match_labels), *map(_requirement, selector.match_expressions)])


def _selector_text(pod: Pod) -> str:
    terms = (
        ", ".join(map(_requirement, [*term.match_expressions, *term.match_fields])) or "an empty term"
        for term in pod.node_affinity
    )
    return ", ".join([*_labels(pod.node_selector), *filter(None, [" or ".join(terms)])])


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in labels.items()]


def _requirement(requirement: Requirement) -> str:
    return f"{requirement.key} {requirement.operator} {', '.join(requirement.values)}".strip()
