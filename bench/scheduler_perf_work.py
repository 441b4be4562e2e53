"""The workloads of ``scheduler-perf``: clusters, the pods to decide in order, floors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import placer as pl
from placer.model.relation import HOSTNAME, ZONE

ZONES = ("zone1", "zone2", "zone3")
SMALL = {"cpu": "100m", "memory": "500Mi"}
NAMESPACES = {"sched-0": {"team": "devops"}, "sched-1": {"team": "devops"}}


class Work(NamedTuple):
    """
    A cluster and the order in which its pods are decided.

    Attributes
    ----------
    sequence
        Rows of the pods to decide.
    every, events
        After so many decided pods, one event: rows of pods that leave.
    """

    cluster: pl.Cluster
    sequence: NDArray[np.int32]
    every: int = 0
    events: tuple[NDArray[np.int32], ...] = ()


class Workload(NamedTuple):
    """How to build a workload at a share of its size, and what it is compared with, in pods a second."""

    build: Callable[[float], Work]
    floor: int | None = None
    cycle: float | None = None


def nodes(count: int, zones: Sequence[str] = (), **fields: Any) -> list[pl.Node]:
    """Nodes of 4 CPU, 32Gi and 110 pods."""
    given = {"cpu": 4, "memory": "32Gi", "pods": 110, **fields}
    return [
        pl.Node(f"node-{place}", labels={ZONE: zones[place % len(zones)]} if zones else {}, **given)
        for place in range(count)
    ]


def group(name: str, count: int, **fields: Any) -> pl.Pod:
    """Equal pods; 100m and 500Mi each unless said otherwise."""
    return pl.Pod(name, replicas=count, **{**SMALL, **fields})


def work(
    given: list[pl.Node],
    before: Sequence[pl.Pod],
    measured: Sequence[pl.Pod],
    namespaces: dict[str, dict[str, str]] | None = None,
    between: tuple[pl.Pod, int] | None = None,
) -> Work:
    """
    A cluster in which pods stand already, and those that are measured.

    Parameters
    ----------
    before
        Pods that stand: placed by the profile itself first, which is not measured.
    between
        Pods of which one arrives after every so many measured ones.
    """
    from placer.decisions import Decisions
    from placer.model.profile import KUBERNETES

    extra = [between[0]] if between else []
    cluster = pl.Cluster(given, [*before, *measured, *extra], namespaces)
    table = cluster.pod_table
    ahead, timed = sum(pod.replicas or 0 for pod in before), sum(pod.replicas or 0 for pod in measured)
    if ahead:
        decisions = Decisions(cluster, KUBERNETES, np.arange(ahead, dtype=np.int32))
        decisions.decide_all()
        run = decisions.run
        lines = int(run.log.lines[0])
        table.node[run.pod_of_slot[run.log.slot[:lines]]] = decisions.encoded.problem.nodes.row[run.log.node[:lines]]
    sequence = np.arange(ahead, ahead + timed, dtype=np.int32)
    if between:
        late = np.arange(ahead + timed, len(table), dtype=np.int32)
        places = np.minimum(np.arange(1, len(late) + 1) * between[1], timed)
        sequence = np.insert(sequence, places, late)
    return Work(cluster, sequence)


def near(color: str, key: str = HOSTNAME, **fields: Any) -> dict[str, Any]:
    """An affinity term over pods of one color."""
    return {"topology_key": key, "selector": {"match_labels": {"color": color}}, **fields}


def of(count: float, size: float) -> int:
    """A share of a count, at least one."""
    return max(1, int(count * size))


BOTH = ("sched-0", "sched-1")


def basic(count: int) -> Callable[[float], Work]:
    """Plain pods."""
    return lambda size: work(
        nodes(of(5000, size)), [group("init", of(1000, size))], [group("measured", of(count, size))]
    )


def daemonset(size: float) -> Work:
    """Each pod names the one special node."""
    special = pl.Node("special", cpu=4, memory="32Gi", pods=90_000)
    only = [{"match_fields": [{"key": "metadata.name", "operator": "In", "values": ["special"]}]}]
    return work([*nodes(of(15_000, size)), special], [], [pl.Pod("ds", replicas=of(30_000, size), node_affinity=only)])


def preemption(size: float) -> Work:
    """Every measured pod preempts."""
    low = group("low", of(4000, size), cpu="900m")
    return work(nodes(of(1000, size)), [low], [group("high", of(1000, size), cpu="3000m", priority=10)])


def preemption_between(size: float) -> Work:
    """A pod that preempts arrives now and then."""
    low = group("low", of(20_000, size), cpu="900m")
    timed = of(5000, size)
    high = group("high", max(1, timed // 32), cpu="3000m", priority=10)
    return work(nodes(of(5000, size)), [low], [group("measured", timed)], between=(high, 32))


def unschedulable(before: int) -> Callable[[float], Work]:
    """A pod that fits nowhere arrives now and then."""

    def build(size: float) -> Work:
        timed = of(10_000, size)
        none = group("none", max(1, timed // 32), cpu=9, priority=10)
        return work(
            nodes(of(5000, size)), [group("init", of(before, size))], [group("measured", timed)], between=(none, 32)
        )

    return build


def mixed_churn(size: float) -> Work:
    """A pod that fits nowhere is made anew every second of the floor."""
    timed = of(10_000, size)
    none = group("churn", max(1, timed // 265), cpu=9)
    return work(nodes(of(5000, size)), [], [group("measured", timed)], between=(none, 265))


def while_gated(size: float) -> Work:
    """Pods leave while others are decided; gated ones wait."""
    gone = of(20_000, size)
    made = work(
        [pl.Node("only", cpu=4, memory="32Gi", pods=90_000)],
        [pl.Pod("leaving", replicas=gone)],
        [
            pl.Pod("measured", replicas=of(20_000, size)),
            pl.Pod("gated", replicas=of(10_000, size), scheduling_gates=["w"]),
        ],
    )
    every = 26
    parts = np.array_split(np.arange(gone, dtype=np.int32), max(1, of(20_000, size) // every))
    return made._replace(every=every, events=tuple(parts))


def gated_with_affinity(size: float) -> Work:
    """Gated pods with affinity cost nothing."""
    label = {"color": "blue"}
    waiting = pl.Pod(
        "gated", replicas=of(10_000, size), labels=label, pod_affinity=[near("blue")], scheduling_gates=["w"]
    )
    measured = pl.Pod("measured", replicas=of(20_000, size), labels=label)
    return work([pl.Node("only", cpu=4, memory="32Gi", pods=90_000)], [], [measured, waiting])


def anti_affinity(size: float) -> Work:
    """Required anti-affinity over hostnames, two namespaces."""

    def pods(name: str, count: int, namespace: str) -> pl.Pod:
        term = near("green", namespaces=list(BOTH))
        return group(name, count, namespace=namespace, labels={"color": "green"}, pod_anti_affinity=[term])

    return work(
        nodes(of(5000, size)), [pods("init", of(1000, size), BOTH[0])], [pods("measured", of(2000, size), BOTH[1])]
    )


def matching_anti_affinity(size: float) -> Work:
    """Pods that only match the anti-affinity of those that stand."""
    label = {"color": "green"}
    init = group("init", of(1000, size), labels=label, pod_anti_affinity=[near("green")])
    return work(nodes(of(5000, size)), [init], [group("measured", of(5000, size), labels=label)])


def affinity(size: float) -> Work:
    """Required affinity over the zone, two namespaces."""

    def pods(name: str, count: int, namespace: str) -> pl.Pod:
        term = near("blue", ZONE, namespaces=list(BOTH))
        return group(name, count, namespace=namespace, labels={"color": "blue"}, pod_affinity=[term])

    return work(
        nodes(of(5000, size), ZONES[:1]),
        [pods("init", of(5000, size), BOTH[0])],
        [pods("measured", of(5000, size), BOTH[1])],
    )


def preferred(weight: int) -> Callable[[float], Work]:
    """Preferred affinity, or anti-affinity, over hostnames."""

    def build(size: float) -> Work:
        def pods(name: str, count: int, namespace: str) -> pl.Pod:
            wish = {"weight": weight, "term": near("red", namespaces=list(BOTH))}
            return group(name, count, namespace=namespace, labels={"color": "red"}, preferred_pods=[wish])

        return work(
            nodes(of(5000, size)), [pods("init", of(5000, size), BOTH[0])], [pods("measured", of(5000, size), BOTH[1])]
        )

    return build


def node_affinity(size: float) -> Work:
    """A required zone."""
    terms = [{"match_expressions": [{"key": ZONE, "operator": "In", "values": ["zone1", "zone2"]}]}]
    pods = [group(name, of(count, size), node_affinity=terms) for name, count in (("init", 5000), ("measured", 10_000))]
    return work(nodes(of(5000, size), ZONES[:1]), pods[:1], pods[1:])


def mixed_base(size: float) -> Work:
    """Plain pods among others with terms of all kinds."""
    each = of(2000, size)
    before = [
        group("plain", each, namespace=BOTH[0]),
        group("near", each, namespace=BOTH[0], labels={"color": "blue"}, pod_affinity=[near("blue", ZONE)]),
        group("apart", each, namespace=BOTH[0], labels={"color": "green"}, pod_anti_affinity=[near("green")]),
        group(
            "wish",
            each,
            namespace=BOTH[0],
            labels={"color": "red"},
            preferred_pods=[{"weight": 1, "term": near("red")}],
        ),
        group(
            "avoid",
            each,
            namespace=BOTH[0],
            labels={"color": "yellow"},
            preferred_pods=[{"weight": -1, "term": near("yellow")}],
        ),
    ]
    return work(nodes(of(5000, size), ZONES[:1]), before, [group("measured", of(5000, size), namespace=BOTH[0])])


def by_selector(
    count: int,
    per_namespace: int,
    measured: int,
    rule: Callable[[dict[str, Any]], dict[str, Any]],
    zones: Sequence[str] = (),
) -> Callable[[float], Work]:
    """Pods in a hundred namespaces that a namespace selector picks."""

    def build(size: float) -> Work:
        chosen: dict[str, Any] = {"namespace_selector": {"match_labels": {"team": "devops"}}}
        fields = {"labels": {"color": "green"}, **rule(near("green", ZONE if zones else HOSTNAME, **chosen))}
        spaces = {f"ns-{place}": {"team": "devops"} for place in range(of(100, size))}
        before = [group(f"init-{name}", per_namespace, namespace=name, **fields) for name in spaces]
        return work(
            nodes(of(count, size), zones),
            before,
            [group("measured", of(measured, size), namespace="measure-ns-0", **fields)],
            {**spaces, "measure-ns-0": {"team": "devops"}},
        )

    return build


def spread(when: str) -> Callable[[float], Work]:
    """Zone max skew 5."""

    def build(size: float) -> Work:
        rule = {
            "topology_key": ZONE,
            "max_skew": 5,
            "when_unsatisfiable": when,
            "selector": {"match_labels": {"color": "blue"}},
        }
        measured = group("measured", of(5000, size), labels={"color": "blue"}, topology_spread=[rule])
        return work(nodes(of(5000, size), ZONES), [group("init", of(5000, size))], [measured])

    return build


def default_spread(count: int) -> Callable[[float], Work]:
    """Pods of one Service: the scheduler's default constraints."""

    def build(size: float) -> Work:
        label = {"app": "service"}
        measured = group("measured", of(count, size), labels=label, siblings={"match_labels": label})
        return work(nodes(of(5000, size), ZONES), [group("init", of(5000, size))], [measured])

    return build


def inclusion_policy(size: float) -> Work:
    """Hostname max skew 1, both inclusion policies Honor, some nodes tainted."""
    label = {"color": "blue"}
    rule = {
        "topology_key": HOSTNAME,
        "max_skew": 1,
        "selector": {"match_labels": label},
        "node_affinity_policy": "Honor",
        "node_taints_policy": "Honor",
    }
    taint = pl.Taint(key="foo", effect="NoSchedule")
    tainted = [
        pl.Node(f"tainted-{place}", cpu=4, memory="32Gi", pods=110, taints=[taint]) for place in range(of(1000, size))
    ]
    return work(
        [*nodes(of(4000, size)), *tainted],
        [],
        [group("measured", of(4000, size), labels=label, topology_spread=[rule])],
    )


def volumes(count: int, before: int, measured: int, driver: str, limit: int | None) -> Callable[[float], Work]:
    """A bound volume for each pod."""

    def build(size: float) -> Work:
        limits: dict[str, Any] = {"volume_limits": {driver: limit}} if limit else {}
        names = [f"pod-{place}" for place in range(of(before, size) + of(measured, size))]
        pods = [
            pl.Pod(name, replicas=1, **SMALL, volumes=[{"name": f"claim-{name}", "driver": driver}]) for name in names
        ]
        first = of(before, size)
        return work(nodes(of(count, size), (), **limits), pods[:first], pods[first:])

    return build


def preemption_with_volumes(size: float) -> Work:
    """Every measured pod preempts; each has a volume."""

    def pods(name: str, count: int, cpu: str, priority: int) -> list[pl.Pod]:
        return [
            pl.Pod(
                f"{name}-{place}",
                replicas=1,
                cpu=cpu,
                memory="500Mi",
                priority=priority,
                volumes=[{"name": f"{name}-{place}", "driver": "ebs.csi.aws.com"}],
            )
            for place in range(count)
        ]

    return work(
        nodes(of(1000, size)), pods("low", of(4000, size), "900m", 0), pods("high", of(1000, size), "3000m", 10)
    )


WORKLOADS: dict[str, Workload] = {
    "SchedulingBasic": Workload(basic(10_000), 270),
    "SchedulingBasic/50000": Workload(basic(50_000), 270),
    "SchedulingDaemonset": Workload(daemonset, 390),
    "PreemptionBasic": Workload(preemption),
    "PreemptionAsync": Workload(preemption_between, 160),
    "Unschedulable": Workload(unschedulable(100), 140),
    "Unschedulable/20000": Workload(unschedulable(20_000), 140),
    "SchedulingWithMixedChurn": Workload(mixed_churn, 265),
    "SchedulingWhileGated": Workload(while_gated, 130),
    "SchedulingPodAntiAffinity": Workload(anti_affinity, 60),
    "SchedulingPodMatchingAntiAffinity": Workload(matching_anti_affinity, 540),
    "SchedulingPodAffinity": Workload(affinity, 35),
    "SchedulingPreferredPodAffinity": Workload(preferred(1), 90),
    "SchedulingPreferredPodAntiAffinity": Workload(preferred(-1), 90),
    "SchedulingNodeAffinity": Workload(node_affinity, 220),
    "MixedSchedulingBasePod": Workload(mixed_base, 140),
    "SchedulingRequiredPodAntiAffinityWithNSSelector": Workload(
        by_selector(6000, 40, 2000, lambda term: {"pod_anti_affinity": [term]}), 24
    ),
    "SchedulingPreferredAntiAffinityWithNSSelector": Workload(
        by_selector(5000, 40, 2000, lambda term: {"preferred_pods": [{"weight": -1, "term": term}]}), 55
    ),
    "SchedulingRequiredPodAffinityWithNSSelector": Workload(
        by_selector(5000, 50, 2000, lambda term: {"pod_affinity": [term]}, ZONES[:1]), 35
    ),
    "SchedulingPreferredAffinityWithNSSelector": Workload(
        by_selector(5000, 50, 5000, lambda term: {"preferred_pods": [{"weight": 1, "term": term}]}), 90
    ),
    "SchedulingGatedPodsWithPodAffinityImpactForThroughput": Workload(gated_with_affinity, 110),
    "TopologySpreading": Workload(spread("DoNotSchedule"), 85),
    "PreferredTopologySpreading": Workload(spread("ScheduleAnyway"), 125),
    "DefaultTopologySpreading": Workload(default_spread(10_000)),
    "DefaultTopologySpreading/50000": Workload(default_spread(50_000)),
    "SchedulingWithNodeInclusionPolicy": Workload(inclusion_policy, 68),
    "SchedulingSecrets": Workload(basic(10_000), 260),
    "SchedulingInTreePVs": Workload(volumes(5000, 1000, 2000, "ebs.csi.aws.com", None), 90),
    "SchedulingCSIPVs": Workload(volumes(5000, 5000, 5000, "ebs.csi.aws.com", 39), 48),
    "PreemptionPVs": Workload(preemption_with_volumes),
}
"""The workloads by name, with Kubernetes' floors (the lower end of a range)."""


def apps(count: int, pods: int, rules: Callable[[dict[str, str]], dict[str, Any]]) -> Callable[[float], Work]:
    """Apps of a hundred pods on nodes of three zones: what the real cycle was measured on."""

    def build(size: float) -> Work:
        measured = []
        for place in range(max(1, of(pods, size) // 100)):
            label = {"app": f"app-{place}"}
            measured.append(group(f"app-{place}", 100, labels=label, **rules(label)))
        return work(nodes(of(count, size), ZONES), [], measured)

    return build


def zone_and_host(label: dict[str, str]) -> dict[str, Any]:
    """Zone max skew 1, hard; hostname max skew 1, soft."""
    selector = {"match_labels": label}
    return {
        "topology_spread": [
            {"topology_key": ZONE, "selector": selector},
            {"topology_key": HOSTNAME, "selector": selector, "when_unsatisfiable": "ScheduleAnyway"},
        ]
    }


def apart(label: dict[str, str]) -> dict[str, Any]:
    """Required anti-affinity to the own app over hostnames."""
    return {"pod_anti_affinity": [{"topology_key": HOSTNAME, "selector": {"match_labels": label}}]}


def distinct(count: int, pods: int) -> Callable[[float], Work]:
    """Every pod with a request of its own, rules of all sorts among them."""

    def build(size: float) -> Work:
        measured = []
        for place in range(of(pods, size)):
            label = {"app": f"app-{place // 10}"}
            rule: dict[str, Any] = (zone_and_host, apart, lambda label: {})[place // 10 % 3](label)
            measured.append(
                pl.Pod(
                    f"pod-{place}",
                    replicas=1,
                    labels=label,
                    requests={"cpu": f"{100 + place % 97}m", "memory": 2**28 + 4096 * place},
                    **rule,
                )
            )
        return work(nodes(of(count, size), ZONES), [], measured)

    return build


CYCLES: dict[str, Workload] = {
    "cycle/basic/5000": Workload(apps(5000, 20_000, lambda label: {}), None, 151),
    "cycle/spread/5000": Workload(apps(5000, 10_000, zone_and_host), None, 102),
    "cycle/anti/5000": Workload(apps(5000, 10_000, apart), None, 78),
    "cycle/basic/30000": Workload(apps(30_000, 50_000, lambda label: {}), None, 12.3),
    "cycle/spread/30000": Workload(apps(30_000, 10_000, zone_and_host), None, 7.4),
    "cycle/anti/30000": Workload(apps(30_000, 10_000, apart), None, 15.3),
    "distinct/30000": Workload(distinct(30_000, 3000)),
}
"""Workloads of the real scheduling cycle, with its pods a second where it was measured."""
