"""Small random clusters with all rules mixed, and random answers to them."""

from __future__ import annotations

from random import Random
from typing import Any

import placer as pl
from placer.solution import Binding, Eviction, Move, Unplaced

ZONE = "topology.kubernetes.io/zone"
KEYS = (ZONE, "rack", "kubernetes.io/hostname")
GPU = "nvidia.com/gpu"


def world(random: Random) -> pl.Cluster:
    """A cluster of a few nodes and pods, some of which stand."""
    nodes = [_node(random, index) for index in range(random.randint(1, 5))]
    names = [node.name for node in nodes]
    count = random.randint(1, 9)
    namespaces = {"other": {"team": "red"}} if random.random() < 0.5 else {}
    return pl.Cluster(nodes, [_pod(random, index, names, count) for index in range(count)], namespaces)


def _node(random: Random, index: int) -> pl.Node:
    fields: dict[str, Any] = {"labels": {}, "price": random.choice([0.5, 1, 3])}
    if random.random() < 0.85:
        fields["labels"][ZONE] = random.choice("abc")
    if random.random() < 0.6:
        fields["labels"]["rack"] = random.choice(["1", "2", "30"])
    if random.random() < 0.1:
        fields["hostname"] = False
    if random.random() < 0.1:
        fields["labels"]["kubernetes.io/hostname"] = "n0"
    fields["allocatable"] = {"cpu": random.randint(1, 6), "memory": random.randint(0, 8)}
    if random.random() < 0.3:
        fields["allocatable"]["pods"] = random.randint(0, 3)
    if random.random() < 0.3:
        fields["allocatable"]["example.com/thing"] = random.randint(0, 2)
    if random.random() < 0.2:
        fields["allocatable"][GPU] = random.randint(0, 2)
    if random.random() < 0.25:
        fields["taints"] = [
            {"key": random.choice("tu"), "effect": random.choice(["NoSchedule", "NoExecute", "PreferNoSchedule"])}
            for _ in range(random.randint(1, 2))
        ]
    fields["unschedulable"] = random.random() < 0.1
    if random.random() < 0.4:
        fields["volume_limits"] = {"csi": random.randint(0, 2)}
    if random.random() < 0.5:
        fields["devices"] = _devices(random)
    return pl.Node(f"n{index}", **fields)


def _devices(random: Random) -> list[dict[str, Any]]:
    devices: list[dict[str, Any]] = []
    zones = random.choice([0, 0, 1, 2])
    sizes = [{"cpu": random.randint(1, 4), "memory": random.randint(0, 6)} for _ in range(zones)]
    devices += [{"kind": "numa", "capacity": size} for size in sizes]
    for _ in range(random.randint(0, 2)):
        device: dict[str, Any] = {
            "kind": GPU,
            "count": random.randint(1, 2),
            "attributes": {"model": random.choice("AB")},
        }
        if random.random() < 0.4:
            device["capacity"] = {"memory": random.randint(1, 4)}
        if zones and random.random() < 0.6:
            device["zone"] = random.randrange(zones)
        devices.append(device)
    return devices


def _selector(random: Random) -> dict[str, Any] | None:
    choice = random.randrange(7)
    if choice == 0:
        return None
    if choice == 1:
        return {}
    if choice == 2:
        operator = random.choice(["In", "NotIn", "Exists", "DoesNotExist"])
        values = random.sample(["x", "y", "w"], random.randint(1, 2)) if operator in ("In", "NotIn") else []
        return {"match_expressions": [{"key": random.choice(["app", "tier"]), "operator": operator, "values": values}]}
    return {"match_labels": {random.choice(["app", "tier"]): random.choice("xy")}}


def _term(random: Random) -> dict[str, Any]:
    term: dict[str, Any] = {"topology_key": random.choice(KEYS), "selector": _selector(random)}
    if random.random() < 0.2:
        term["namespaces"] = random.sample(["default", "other"], random.randint(1, 2))
    if random.random() < 0.2:
        term["namespace_selector"] = random.choice([{}, {"match_labels": {"team": "red"}}])
    if random.random() < 0.15:
        term[random.choice(["match_label_keys", "mismatch_label_keys"])] = ["tier"]
    return term


def _node_term(random: Random) -> dict[str, Any]:
    if random.random() < 0.15:
        name = [random.choice(["n0", "n1"])]
        return {"match_fields": [{"key": "metadata.name", "operator": random.choice(["In", "NotIn"]), "values": name}]}
    if random.random() < 0.1:
        return {}
    choice: dict[str, Any] = random.choice(
        [
            {"key": ZONE, "operator": "In", "values": random.sample("abc", 2)},
            {"key": ZONE, "operator": "NotIn", "values": ["a"]},
            {"key": "rack", "operator": "Exists"},
            {"key": "rack", "operator": random.choice(["Gt", "Lt"]), "values": ["1"]},
            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["n0", "n2"]},
        ]
    )
    return {"match_expressions": [choice]}


def _spread(random: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "topology_key": random.choice(KEYS),
        "selector": _selector(random),
        "max_skew": random.randint(1, 2),
        "when_unsatisfiable": random.choice(["DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
        "node_affinity_policy": random.choice(["Honor", "Ignore"]),
        "node_taints_policy": random.choice(["Honor", "Ignore"]),
    }
    if rule["when_unsatisfiable"] == "DoNotSchedule" and random.random() < 0.3:
        rule["min_domains"] = random.randint(1, 4)
    if random.random() < 0.2:
        rule["match_label_keys"] = ["tier"]
    return rule


def _shares(random: Random) -> dict[str, Any]:
    shares = {name: random.randint(1, 3) for name in random.sample("abc", random.randint(1, 3))}
    return {"topology_key": ZONE, "shares": shares, "hard": random.random() < 0.6, "selector": _selector(random)}


def _need(random: Random) -> dict[str, Any]:
    need: dict[str, Any] = {"kind": random.choice([GPU, GPU, GPU, "numa"]), "count": random.randint(1, 2)}
    if need["kind"] == "numa":
        return {**need, "count": 1, "amounts": {"cpu": "1"}}
    if random.random() < 0.6:
        need["share"] = random.choice([0.3, 0.5, 1])
    if random.random() < 0.3:
        need["amounts"] = {"memory": random.randint(1, 2)}
    if random.random() < 0.3:
        need["where"] = [{"key": "model", "operator": "In", "values": ["A"]}]
    return need


def _toleration(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {"operator": "Exists"},
            {"key": "t", "operator": "Exists"},
            {"key": "u", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"},
        ]
    )


def _alternative(random: Random) -> dict[str, Any]:
    alternative: dict[str, Any] = {}
    if random.random() < 0.5:
        alternative["node_selector"] = {ZONE: random.choice("abc")}
    if random.random() < 0.5:
        alternative["node_affinity"] = [_node_term(random)]
    if random.random() < 0.5:
        alternative["tolerations"] = [_toleration(random)]
    return alternative


def _volume(random: Random) -> dict[str, Any]:
    volume: dict[str, Any] = {"name": random.choice(["v", "w", "z"]), "driver": random.choice(["", "csi"])}
    if random.random() < 0.3:
        volume["topology"] = [_node_term(random)]
    if random.random() < 0.3:
        key = random.choice([ZONE, "failure-domain.beta.kubernetes.io/zone"])
        volume["zones"] = {key: random.sample("abc", 2)}
    if random.random() < 0.3:
        volume["access"] = "ReadWriteOncePod"
    if random.random() < 0.3:
        return _waiting(volume["name"])
    return volume


def _waiting(name: str) -> dict[str, Any]:
    """A claim that waits, the same whoever names it, and offers that all of them want."""
    zones = [[{"match_expressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}] for zone in "abc"]
    offers = [{"name": "p", "topology": zones[0]}, {"name": "q", "topology": zones[1]}, {"name": "r"}]
    waiting: dict[str, dict[str, Any]] = {
        "v": {"offers": offers[:2], "provisions": False},
        "w": {"offers": [offers[1], offers[0]], "topology": zones[2]},
        "z": {"topology": zones[1]},
    }
    return {"name": f"waiting-{name}", "waiting": waiting[name]}


def _rules(random: Random, names: list[str], count: int) -> dict[str, Any]:
    """A few of all rules."""
    makers: dict[str, Any] = {
        "tolerations": lambda: [_toleration(random)],
        "node_selector": lambda: {random.choice(KEYS): random.choice(["a", "b", "1", "n0"])},
        "node_affinity": lambda: [_node_term(random) for _ in range(random.randint(1, 2))],
        "preferred_nodes": lambda: [{"weight": random.choice([5, -7]), "term": _node_term(random)}],
        "pod_affinity": lambda: [_term(random) for _ in range(random.randint(1, 2))],
        "pod_anti_affinity": lambda: [_term(random) for _ in range(random.randint(1, 2))],
        "preferred_pods": lambda: [{"weight": random.choice([3, -2]), "term": _term(random)}],
        "topology_spread": lambda: [_spread(random) for _ in range(random.randint(1, 2))],
        "domain_limits": lambda: [
            {"topology_key": random.choice(KEYS), "at_most": random.randint(1, 2), "selector": _selector(random)}
        ],
        "distinct_domains": lambda: [
            {"topology_key": random.choice(KEYS), "at_least": random.randint(2, 3), "selector": _selector(random)}
        ],
        "domain_shares": lambda: [_shares(random)],
        "host_ports": lambda: [
            {
                "port": random.choice([80, 81]),
                "protocol": random.choice(["TCP", "UDP"]),
                "host_ip": random.choice(["0.0.0.0", "10.0.0.1", "10.0.0.2"]),
            }
            for _ in range(random.randint(1, 2))
        ],
        "volumes": lambda: [_volume(random) for _ in range(random.randint(1, 2))],
        "devices": lambda: [_need(random) for _ in range(random.randint(1, 2))],
        "numa": lambda: random.choice(["require", "prefer"]),
        "any_of": lambda: [_alternative(random) for _ in range(random.randint(1, 2))],
        "nodes": lambda: random.sample([*names, "gone"], 2),
        "forbidden_nodes": lambda: [random.choice([*names, "gone"])],
        "apart_from": lambda: [f"{random.choice(['default/', 'other/', ''])}p{random.randrange(count)}"],
        "scheduling_gates": lambda: ["gate"],
        "unsupported": lambda: ["resourceClaims"],
        "terminating": lambda: True,
    }
    rare = {"scheduling_gates", "unsupported", "nodes"}
    chosen = random.sample([*makers], random.randint(0, 4))
    return {name: makers[name]() for name in chosen if name not in rare or random.random() < 0.3}


def _pod(random: Random, index: int, names: list[str], count: int) -> pl.Pod:
    fields = _rules(random, names, count)
    fields["labels"] = {key: random.choice("xy") for key in ("app", "tier") if random.random() < 0.7}
    fields["namespace"] = random.choice(["default", "default", "other"])
    fields["requests"] = {
        name: random.randint(0, 2) for name in ("cpu", "memory", "example.com/thing", GPU) if random.random() < 0.4
    }
    fields["priority"] = random.choice([0, 0, 10])
    if random.random() < 0.4:
        fields["node"] = random.choice([*names, *names, *names, "gone"])
        if random.random() < 0.4:
            fields["units"] = places(random)
    return pl.Pod(f"p{index}", **fields)


def places(random: Random) -> dict[str, tuple[int, ...]]:
    """Units by kind, right or wrong."""
    named = {}
    if random.random() < 0.8:
        named[GPU] = tuple(random.sample(range(3), random.randint(1, 2)))
    if random.random() < 0.4:
        named["numa"] = (random.randrange(2),)
    return named


def answer(random: Random, cluster: pl.Cluster) -> dict[str, Any]:
    """Bindings in a random order onto random nodes, with evictions and moves now and then."""
    names = [node.name for node in cluster.nodes]
    pods = list(cluster.pods)
    keys = [f"{pod.namespace}/{pod.name}" for pod in pods]
    pending = [key for key, pod in zip(keys, pods, strict=True) if pod.node is None]
    random.shuffle(pending)
    bound = pending[: random.randint(0, len(pending))]
    where = {key: pod.node for key, pod in zip(keys, pods, strict=True) if pod.node in names}
    bindings = []
    for key in bound:
        pod = pods[keys.index(key)]
        wants = pod.devices or pod.numa or pod.requests.get(GPU)
        node = random.choice(names)
        bindings.append(Binding(key, node, places(random) if wants and random.random() < 0.9 else {}))
    evictions = []
    if bound and random.random() < 0.3:
        victims = random.sample([*where], min(len(where), random.randint(0, 2)))
        evictions += [Eviction(key, where[key], random.choice(bound)) for key in victims]
    for eviction in evictions:
        del where[eviction.pod]
    where |= {binding.pod: binding.node for binding in bindings}
    moves = []
    if len(names) > 1 and random.random() < 0.4:
        for wave in range(2):
            for key in random.sample([*where], min(len(where), random.randint(0, 2))):
                target = random.choice([name for name in names if name != where[key]])
                moves.append(Move(wave, key, where[key], target))
                where[key] = target
    unplaced = [Unplaced(key, [], "") for key in pending[len(bound) :]]
    return {"bindings": bindings, "unplaced": unplaced, "evictions": evictions, "moves": moves}
