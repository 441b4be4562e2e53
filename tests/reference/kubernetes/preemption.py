"""Evictions for a pod of higher priority: Kubernetes, "Pod Priority and Preemption"."""

from __future__ import annotations

from dataclasses import dataclass

from .cluster import NOT_YET, Cluster, Node, Pod
from .messages import fit_error
from .plugin import Plugin
from .selectors import label_selector
from .status import Status, unresolvable

NEVER = "not eligible due to preemptionPolicy=Never."
LOWEST_PRIORITY = -(2**31)


@dataclass(frozen=True)
class Candidate:
    """A node on which the pod fits once the victims are gone."""

    node: Node
    victims: list[Pod]
    broken_budgets: int


def first_failure(plugins: list[Plugin], node: Node) -> Status | None:
    """The status of the first filter that rejects."""
    return next((status for plugin in plugins if (status := plugin.filter(node))), None)


def preempt(
    cluster: Cluster, pod: Pod, plugins: list[Plugin], failures: dict[str, Status]
) -> tuple[list[Candidate], str]:
    """
    The best candidates, in node order, or none and why.

    Parameters
    ----------
    failures
        Why each node was rejected. Evictions are tried where the code is ``Unschedulable``.
    """
    if pod.spec.get("preemptionPolicy") == "Never":
        return [], f"preemption: {NEVER}"
    candidates: list[Candidate] = []
    statuses = {node.name: unresolvable("", "Preemption is not helpful for scheduling") for node in cluster.nodes}
    for node in cluster.nodes:
        if failures[node.name].code == "Unschedulable":
            tried = victims_on(cluster, pod, [plugin.copied() for plugin in plugins], node.copied())
            if isinstance(tried, Candidate):
                candidates.append(tried)
            else:
                statuses[node.name] = tried
    if not candidates:
        return [], f"preemption: {fit_error(len(cluster.nodes), statuses.values())}"
    best = min(map(cost, candidates))
    return [each for each in candidates if cost(each) == best], ""


def victims_on(cluster: Cluster, pod: Pod, plugins: list[Plugin], node: Node) -> Candidate | Status:
    """
    The pods to evict from a node, or why that does not help.

    All pods of lower priority go; then each comes back, those first whose budget would break, the more important
    first, unless the pod would not fit any more.
    """
    lower = [each for each in node.pods if each.priority < pod.priority]
    if not lower:
        return unresolvable("", "No preemption victims found for incoming pod")
    for each in lower:
        move(plugins, node, each, back=False)
    failure = first_failure(plugins, node)
    if failure:
        return failure
    lower = sorted([each for each in lower if each.started != NOT_YET] + newest_first(lower), key=importance)
    breaking, other = by_budget(cluster, lower)
    victims: list[Pod] = []
    for each in [*breaking, *other]:
        move(plugins, node, each, back=True)
        if first_failure(plugins, node):
            move(plugins, node, each, back=False)
            victims.append(each)
    broken = sum(each in breaking for each in victims)
    return Candidate(node, victims, broken)


def move(plugins: list[Plugin], node: Node, pod: Pod, *, back: bool) -> None:
    """Takes a pod from the node, or puts it back."""
    if back:
        node.pods.append(pod)
    else:
        node.pods.remove(pod)
    for plugin in plugins:
        (plugin.add if back else plugin.remove)(node, pod)


def newest_first(pods: list[Pod]) -> list[Pod]:
    """Pods that have not started. Each would start now, a little later whenever asked: the last to come goes first."""
    return [each for each in reversed(pods) if each.started == NOT_YET]


def importance(pod: Pod) -> tuple[int, str]:
    """Higher priority first, then the earlier start."""
    return -pod.priority, pod.started


def by_budget(cluster: Cluster, pods: list[Pod]) -> tuple[list[Pod], list[Pod]]:
    """
    Pods whose eviction would break a disruption budget, and the others: Kubernetes, "Disruptions".

    Each pod takes one from every budget that selects it; those that find nothing left break it. A budget without a
    selector, or with an empty one, selects none.
    """
    left = [(budget["status"].get("disruptionsAllowed") or 0) for budget in cluster.budgets]
    breaking: list[Pod] = []
    other: list[Pod] = []
    for pod in pods:
        breaks = False
        for place, budget in enumerate(cluster.budgets):
            selector = label_selector(budget["spec"].get("selector"))
            near = (budget["metadata"].get("namespace") or "default") == pod.namespace
            evicted = pod.name in (budget["status"].get("disruptedPods") or {})
            if near and pod.labels and not evicted and not selector.empty and selector.matches(pod.labels):
                left[place] -= 1
                breaks = breaks or left[place] < 0
        (breaking if breaks else other).append(pod)
    return breaking, other


def cost(candidate: Candidate) -> tuple[int, int, int, int, list[int]]:
    """
    What decides between candidates, least first.

    Broken budgets, the highest victim's priority, the sum of priorities above the lowest there is, the number of
    victims, and the latest of the nodes' earliest starts among their highest victims.
    """
    victims = candidate.victims
    highest = max(each.priority for each in victims)
    start = min(each.started for each in victims if each.priority == highest)
    total = sum(each.priority - LOWEST_PRIORITY for each in victims)
    return candidate.broken_budgets, highest, total, len(victims), [-ord(each) for each in start]
