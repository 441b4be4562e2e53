"""Hard rules of a group softened by one step, or dropped: what :func:`placer.relax` tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from placer.explaining.load import need_text, port_text
from placer.explaining.relax_load import asking, less_text
from placer.explaining.relax_static import tolerating
from placer.explaining.relax_static import without as without_requirements
from placer.explaining.state import CORDON, untolerated
from placer.explaining.static import taint_text
from placer.explaining.subject import subject
from placer.infeasible.parts import LISTED, Part, parts_of, without
from placer.model.cluster import Cluster
from placer.model.device import WHOLE
from placer.model.pod import Pod
from placer.model.taint import Taint

LESS = 10
"""Per cent less that is tried of a resource, and of a share of a device."""


class Softer(NamedTuple):
    """
    A change to the rules of all pods of a group.

    Attributes
    ----------
    part
        The rule.
    text
        The change in the words of ``placer explain``: ``ask 200m less cpu (1800m)``.
    pod
        A pod of the group, changed.
    """

    part: Part
    text: str
    pod: Pod


def softer(cluster: Cluster, pod: Pod, kinds: Sequence[str]) -> list[Softer]:
    """Of each hard rule of a pod, the next step softer and the rule dropped; nothing that changes nothing."""
    taints = _taints(cluster, pod)
    found = []
    for part in parts_of(pod, kinds, tainted=bool(taints)):
        make = STEPS.get(part.kind, _drop)
        steps = [*make(pod, part, kinds, taints)]
        if part.kind == "resource":
            steps += one_more(cluster, pod, part.which)
        found += [Softer(part, text, changed) for text, changed in steps]
    return found


Steps = Iterator[tuple[str, Pod]]


def _drop(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    words = {
        "gates": f"lift the scheduling gates {', '.join(pod.scheduling_gates)}",
        "unsupported": f"drop what is not supported: {', '.join(pod.unsupported)}",
        "any_of": "drop the alternatives (any_of)",
        "pin": f"lift the pin to {', '.join(pod.nodes)}",
        "forbidden": f"allow the forbidden nodes {', '.join(pod.forbidden_nodes)}",
        "port": f"give up host port {', '.join(map(port_text, pod.host_ports))}",
        "volume": "give up "
        + ", ".join([f"volume {v.name}" for v in pod.volumes] + [f"disk {d.name}" for d in pod.disks]),
        "affinity": f"drop the pod affinity over {', '.join(term.topology_key for term in pod.pod_affinity)}",
        "apart": f"drop apart_from {', '.join(pod.apart_from)}",
    }
    yield words[part.kind], without(pod, [part])


def _listed(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    """A rule of a field of several: one step softer where there is one, and dropped."""
    name = LISTED[part.kind]
    rules = getattr(pod, name)
    rule = rules[int(part.which)]
    key = rule.topology_key
    steps: dict[str, tuple[str, dict[str, object]]] = {
        "max_skew": (f"raise max_skew of the spread over {key} to ", {"max_skew": getattr(rule, "max_skew", 0) + 1}),
        "at_most": ("allow ", {"at_most": getattr(rule, "at_most", 0) + 1}),
        "at_least": ("ask for ", {"at_least": getattr(rule, "at_least", 0) - 1}),
        "shares": (f"make the shares over {key} soft", {"hard": False}),
    }
    after = {"at_most": f" a {key}", "at_least": f" distinct {key}"}.get(part.kind, "")
    if part.kind in steps:
        words, fields = steps[part.kind]
        (value,) = fields.values()
        if value != 1:
            changed = rule.model_copy(update=fields)
            listed = tuple(changed if each is rule else each for each in rules)
            number = "" if isinstance(value, bool) else value
            yield f"{words}{number}{after}", pod.model_copy(update={name: listed})
    dropped = {
        "max_skew": f"drop the spread over {key}",
        "at_most": f"drop the limit a {key}",
        "at_least": f"drop distinct {key}",
        "anti_affinity": f"drop the pod anti-affinity over {key}",
    }
    if part.kind in dropped:
        yield dropped[part.kind], without(pod, [part])


def _resource(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    amount = pod.requests[part.which]
    yield _less(pod, part.which, amount - _tenth(amount))


def _tenth(amount: int) -> int:
    """About so many per cent of an amount as are tried, in units that the amount itself is written in."""
    less = max(1, amount * LESS // 100)
    units = [
        unit
        for unit in (*(10**power for power in range(19)), *(2**power for power in range(63)))
        if amount % unit == 0 and unit * 4 <= less
    ]
    unit = max(units, default=1)
    return less // unit * unit


def _less(pod: Pod, resource: str, amount: int) -> tuple[str, Pod]:
    return less_text(pod, {resource: amount}), asking(pod, {resource: amount})


def one_more(cluster: Cluster, pod: Pod, resource: str) -> Steps:
    """The largest amount with which some node, empty, takes one more of these pods."""
    amount, free = pod.requests[resource], cluster.node_table.allocatable.column(resource, 0)
    free = np.unique(free[free > 0])
    least = int((free // (free // amount + 1)).max(initial=0))
    if least:
        yield _less(pod, resource, least)


def _device(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    """A smaller share or fewer units of one need; a whole kind given up."""
    needs = [need for need in subject(pod, kinds).needs if need.kind == part.which]
    for place, need in enumerate(pod.devices):
        if need.kind != part.which:
            continue
        if 1 < need.share_milli < WHOLE:
            fields = {"share_milli": need.share_milli - max(1, need.share_milli * LESS // 100)}
            text = f"ask {fields['share_milli']}/1000 of each unit of {need.kind} instead of {need.share_milli}/1000"
        elif need.count > 1:
            fields = {"count": need.count - 1}
            text = f"ask {need_text(need.model_copy(update=fields))} of {need.kind} instead of {need_text(need)}"
        else:
            continue
        listed = [need.model_copy(update=fields) if other == place else each for other, each in enumerate(pod.devices)]
        yield text, pod.model_copy(update={"devices": tuple(listed)})
    yield f"give up the need for {part.which} ({', '.join(map(need_text, needs))})", without(pod, [part])


def _numa(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    if pod.numa == "require":
        yield "prefer one NUMA zone instead of requiring it", pod.model_copy(update={"numa": "prefer"})


def _toleration(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    """Each taint alone, and all of them."""
    for taint in taints:
        yield f"tolerate {taint_text(taint)}", tolerating(pod, frozenset([taint]))
    if len(taints) > 1:
        yield f"tolerate {', '.join(map(taint_text, taints))}", tolerating(pod, frozenset(taints))


def _selector(pod: Pod, part: Part, kinds: Sequence[str], taints: Sequence[Taint]) -> Steps:
    """Each label of the selector alone, the affinity, and all of it."""
    for key, value in pod.node_selector.items():
        yield (
            f"drop {key}={value} of the node selector and affinity",
            without_requirements(pod, frozenset([("selector", key, 0)])),
        )
    if pod.node_affinity:
        yield "drop the node affinity", pod.model_copy(update={"node_affinity": ()})
    if len(pod.node_selector) + bool(pod.node_affinity) > 1:
        yield "drop the node selector and affinity", without(pod, [part])


STEPS: dict[str, Callable[[Pod, Part, Sequence[str], Sequence[Taint]], Steps]] = {
    **dict.fromkeys(LISTED, _listed),
    "resource": _resource,
    "device": _device,
    "numa": _numa,
    "toleration": _toleration,
    "selector": _selector,
}


def _taints(cluster: Cluster, pod: Pod) -> list[Taint]:
    """What keeps the pod off some node, the cordon as the taint that it is."""
    table = cluster.node_table
    missing = {taint: None for listed in table.taints.values for taint in untolerated(listed, pod.tolerations)}
    if table.unschedulable.any() and not any(each.tolerates(CORDON) for each in pod.tolerations):
        missing[CORDON] = None
    return sorted(missing, key=taint_text)
