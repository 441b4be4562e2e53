"""Random clusters in which every field of nodes and pods can have any legal value."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import placer as pl
from placer.model.node import Image
from placer.model.relation import HOSTNAME
from placer.model.volume import ZONE_KEYS, Offer, Waiting

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6) | st.sampled_from(
    ["null", "NaN", "a,b", 'q"q', "001", "1e3", "true", "line\nline", "tab\t", " "]
)
keys = st.sampled_from(["app", "tier", "zone", HOSTNAME, "topology.kubernetes.io/zone"]) | words
labels = st.dictionaries(keys, words | st.just(""), max_size=3)
amounts = st.dictionaries(
    st.sampled_from(["cpu", "memory", "pods", "ephemeral-storage", "nvidia.com/gpu", "hugepages-2Mi", "odd", "name"]),
    st.integers(0, 2**63 - 1).map(lambda value: value // 1000),
    max_size=4,
)
base_units = amounts.map(lambda given: {name: f"{value}m" if name == "cpu" else value for name, value in given.items()})


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=2).map(tuple)


requirements = st.one_of(
    st.builds(pl.Requirement, key=keys, operator=st.sampled_from(["In", "NotIn"]), values=st.tuples(words, words)),
    st.builds(pl.Requirement, key=keys, operator=st.sampled_from(["Exists", "DoesNotExist"])),
)
orders = st.builds(pl.Requirement, key=keys, operator=st.sampled_from(["Gt", "Lt"]), values=st.tuples(words))
selectors = st.builds(pl.LabelSelector, match_labels=labels, match_expressions=several(requirements))
fields = st.builds(
    pl.Requirement, key=st.just("metadata.name"), operator=st.sampled_from(["In", "NotIn"]), values=st.tuples(words)
)
node_terms = st.builds(
    pl.NodeSelectorTerm, match_expressions=several(requirements | orders), match_fields=several(fields)
)
weights = st.integers(1, 100) | st.integers(-100, -1)
affinity_terms = st.builds(
    pl.AffinityTerm,
    topology_key=keys,
    selector=st.none() | selectors,
    namespaces=several(words),
    namespace_selector=st.none() | selectors,
    match_label_keys=several(keys),
    mismatch_label_keys=several(keys),
)
hard_spread = st.builds(
    pl.SpreadConstraint,
    topology_key=keys,
    max_skew=st.integers(1, 9),
    selector=st.none() | selectors,
    min_domains=st.none() | st.integers(1, 5),
    node_affinity_policy=st.sampled_from(["Honor", "Ignore"]),
    node_taints_policy=st.sampled_from(["Honor", "Ignore"]),
    match_label_keys=several(keys),
)
soft_spread = st.builds(pl.SpreadConstraint, topology_key=keys, when_unsatisfiable=st.just("ScheduleAnyway"))
effects = st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])
taints = st.builds(pl.Taint, key=words, value=words | st.just(""), effect=effects)
tolerations = st.builds(pl.Toleration, key=words, value=words | st.just(""), effect=st.none() | effects) | st.builds(
    pl.Toleration, key=words | st.just(""), operator=st.just("Exists"), effect=st.none() | effects
)
devices = st.builds(
    pl.Device,
    kind=words,
    count=st.integers(0, 8),
    capacity=base_units,
    attributes=labels,
    zone=st.none() | st.integers(0, 3),
)
needs = st.builds(
    pl.DeviceNeed,
    kind=words,
    count=st.integers(1, 4),
    share_milli=st.integers(1, 1000),
    amounts=base_units,
    where=several(requirements),
)
waiting = st.builds(
    Waiting,
    offers=several(st.builds(Offer, name=words, topology=several(node_terms))),
    provisions=st.booleans(),
    topology=several(node_terms),
)
volumes = st.builds(pl.Volume, name=words, driver=words | st.just(""), waiting=waiting) | st.builds(
    pl.Volume,
    name=words,
    driver=words | st.just(""),
    topology=several(node_terms),
    zones=st.dictionaries(st.sampled_from(list(ZONE_KEYS)), st.lists(words, min_size=1, max_size=2), max_size=2),
    access=st.sampled_from(["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]),
)
disks = st.builds(
    pl.Disk,
    kind=st.sampled_from(["gce", "aws", "iscsi", "rbd"]),
    name=words,
    pool=words | st.just(""),
    monitors=several(words),
    read_only=st.booleans(),
)
ports = st.builds(
    pl.HostPort,
    port=st.integers(1, 65535),
    protocol=st.sampled_from(["TCP", "UDP", "SCTP"]),
    host_ip=st.sampled_from(["0.0.0.0", "10.0.0.1"]),
)
alternatives = st.builds(
    pl.Alternative, node_selector=labels, node_affinity=several(node_terms), tolerations=several(tolerations)
)
limits = st.builds(pl.DomainLimit, topology_key=keys, at_most=st.integers(1, 9), selector=st.none() | selectors)
distinct = st.builds(pl.DistinctDomains, topology_key=keys, at_least=st.integers(2, 9), selector=st.none() | selectors)
shares = st.builds(
    pl.DomainShares,
    topology_key=keys,
    shares=st.dictionaries(words, st.integers(1, 99), min_size=1, max_size=3),
    hard=st.booleans(),
    selector=st.none() | selectors,
)
NODE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "labels": labels,
    "taints": several(taints),
    "allocatable": base_units,
    "devices": several(devices),
    "unschedulable": st.booleans(),
    "images": several(st.builds(Image, names=several(words), size=st.integers(0, 2**40))),
    "volume_limits": st.dictionaries(words, st.integers(0, 99), max_size=2),
    "price_micro": st.integers(0, 2**53),
    "hostname": st.booleans(),
}
POD_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "namespace": words,
    "labels": labels,
    "requests": base_units,
    "replicas": st.none() | st.integers(0, 3),
    "priority": st.integers(-(2**31), 2**31 - 1),
    "preemption_policy": st.sampled_from(["PreemptLowerPriority", "Never"]),
    "node": st.none() | words,
    "tolerations": several(tolerations),
    "node_selector": labels,
    "node_affinity": several(node_terms),
    "preferred_nodes": several(st.builds(pl.PreferredNode, weight=weights, term=node_terms)),
    "pod_affinity": several(affinity_terms),
    "pod_anti_affinity": several(affinity_terms),
    "preferred_pods": several(st.builds(pl.PreferredPods, weight=weights, term=affinity_terms)),
    "topology_spread": several(hard_spread | soft_spread),
    "domain_limits": several(limits),
    "distinct_domains": several(distinct),
    "domain_shares": several(shares),
    "host_ports": several(ports),
    "disks": several(disks),
    "volumes": several(volumes),
    "devices": several(needs),
    "numa": st.sampled_from([None, "require", "prefer"]),
    "units": st.dictionaries(words, several(st.integers(0, 7)), max_size=2),
    "any_of": several(alternatives),
    "nodes": several(words),
    "forbidden_nodes": several(words),
    "apart_from": several(words),
    "scheduling_gates": several(words),
    "unsupported": several(words),
    "owner": words | st.just(""),
    "scheduler_name": words | st.just(""),
    "images": several(words),
    "assumed": st.dictionaries(st.sampled_from(["cpu", "memory"]), st.integers(0, 2**40), max_size=2),
    "arriving": st.dictionaries(st.sampled_from(["cpu", "memory"]), st.integers(0, 2**40), max_size=2),
    "siblings": st.none() | selectors,
    "started": st.integers(0, 2**40),
    "nominated": words | st.just(""),
    "stateful": st.integers(0, 2**40),
    "terminating": st.booleans(),
    "expected": st.booleans(),
}
"""A strategy per field; a test holds the names to the model."""


@st.composite
def some_fields(draw: st.DrawFn, strategies: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Values for a few of the fields, so that each example stays small and defaults occur."""
    chosen = draw(st.lists(st.sampled_from(sorted(strategies)), max_size=5, unique=True))
    return {name: draw(strategies[name]) for name in chosen}


@st.composite
def clusters(draw: st.DrawFn) -> pl.Cluster:
    """A cluster of up to four nodes and four written pods."""
    node_names = draw(st.lists(words, max_size=4, unique=True))
    pod_names = draw(st.lists(words, max_size=4, unique=True))
    nodes = [pl.Node(name, **draw(some_fields(NODE_FIELDS))) for name in node_names]
    pods = []
    for place, name in enumerate(pod_names):
        given = draw(some_fields(POD_FIELDS))
        if node_names and draw(st.booleans()):
            given["node"] = draw(st.sampled_from(node_names))
        pods.append(pl.Pod(f"{place}{name}", **given))
    return pl.Cluster(nodes, pods, draw(st.dictionaries(words, labels, max_size=2)))
