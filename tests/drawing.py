"""
Random clusters, written once for two sources of choices: a seed, and hypothesis.

Few values of everything, and capacities that are tight, so that rules bind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import placer as pl

T = TypeVar("T")
GPU = "nvidia.com/gpu"
FPGA = "example.com/fpga"
ZONE, RACK, HOST = "topology.kubernetes.io/zone", "topology.kubernetes.io/rack", "kubernetes.io/hostname"
NAMESPACES = {"other": {"team": "red"}, "third": {"team": "blue"}}

ALL_RULES = frozenset(
    {
        "affinity", "any_of", "anti_affinity", "apart", "cordon", "devices", "disks", "distinct", "gates", "labels",
        "limits", "names", "namespaces", "node_affinity", "numa", "ports", "preferences", "prices", "priorities",
        "replicas", "resources", "shares", "spread", "standing", "taints", "terminating", "volumes",
    }
)  # fmt: skip
"""
What a cluster may have beside cpu and memory. ``labels``: nodes that lack a zone, a rack or the hostname; ``names``:
pinned pods and forbidden nodes; ``namespaces``: more than one; ``resources``: extended ones, also one that no node has,
and limits of pods; ``standing``: pods that are bound already, some to a node that is not there.
"""


class Source(Protocol):
    """Where choices come from; what is first or lowest is simplest."""

    def integer(self, low: int, high: int) -> int: ...

    def choice(self, options: Sequence[T]) -> T: ...

    def chance(self, percent: int) -> bool: ...


class Scene(NamedTuple):
    """What the parts of one cluster share."""

    source: Source
    rules: frozenset[str]
    nodes: int
    volumes: dict[tuple[str, str], dict[str, Any]]
    offers: dict[str, dict[str, Any]]
    free: dict[str, dict[str, list[tuple[int, pl.Device]]]]
    """Node → kind → (place, line) of units that no pod is known to hold."""

    def has(self, rule: str, percent: int) -> bool:
        return rule in self.rules and self.source.chance(percent)

    def some(self, options: Sequence[T], least: int, most: int) -> list[T]:
        return [self.source.choice(options) for _ in range(self.source.integer(least, most))]

    @property
    def zones(self) -> list[str]:
        return ["a", "b", "c"] if self.nodes < 20 else [f"z{zone}" for zone in range(5)]

    @property
    def racks(self) -> list[str]:
        return ["1", "2", "30"] if self.nodes < 20 else [str(rack) for rack in range(self.nodes // 8)]

    @property
    def names(self) -> list[str]:
        return [f"n{self.source.integer(0, self.nodes - 1)}"] if self.nodes else []


def scene(source: Source, rules: frozenset[str], nodes: int) -> Scene:
    unknown = rules - ALL_RULES
    assert not unknown, f"no such rules: {sorted(unknown)}"
    return Scene(source, rules, nodes, {}, {}, {})


def draw_cluster(source: Source, rules: frozenset[str], nodes: int, pods: int) -> pl.Cluster:
    """A cluster of so many nodes and pods."""
    here = scene(source, rules, nodes)
    drawn = [draw_node(here, row) for row in range(nodes)]
    here.free.update({node.name: _units(node) for node in drawn})
    listed: list[pl.Pod] = []
    left = pods
    while left:
        pod = draw_pod(here, len(listed), left, [node.name for node in drawn])
        left -= 1 if pod.replicas is None else pod.replicas
        listed.append(pod)
    namespaces = NAMESPACES if "namespaces" in rules else {}
    return pl.Cluster(drawn, listed, namespaces)


def _units(node: pl.Node) -> dict[str, list[tuple[int, pl.Device]]]:
    found: dict[str, list[tuple[int, pl.Device]]] = {}
    for device in node.devices:
        units = found.setdefault(device.kind, [])
        units += [(len(units) + each, device) for each in range(device.count)]
    return found


def draw_node(here: Scene, row: int) -> pl.Node:
    """A node of a few cpus, with what the rules of the scene need."""
    source = here.source
    labels = {}
    if not here.has("labels", 15):
        labels[ZONE] = "" if here.has("labels", 5) else source.choice(here.zones)
    if not here.has("labels", 30):
        labels[RACK] = source.choice(here.racks)
    if source.chance(50):
        labels["disk"] = source.choice(["ssd", "hdd"])
    if here.has("labels", 5):
        labels[HOST] = source.choice(["n0", "odd"])
    fields: dict[str, Any] = {"hostname": HOST not in labels and not here.has("labels", 8), "labels": labels}
    fields["allocatable"] = {"cpu": source.integer(2, 8), "memory": source.integer(2, 12)}
    if here.has("resources", 30):
        fields["allocatable"]["pods"] = source.integer(0, 4)
    if here.has("resources", 40):
        fields["allocatable"]["example.com/thing"] = source.integer(0, 2)
    if here.has("taints", 20):
        fields["taints"] = [draw_taint(here) for _ in range(source.integer(1, 2))]
    fields["unschedulable"] = here.has("cordon", 7)
    if here.has("prices", 60):
        fields["price"] = source.choice([2, 0.5, 3.25, 0])
    if here.has("volumes", 50):
        fields["volume_limits"] = {"csi": source.integer(0, 2)}
    if here.has("disks", 30):
        driver = source.choice(["ebs.csi.aws.com", "pd.csi.storage.gke.io"])
        fields["volume_limits"] = {**fields.get("volume_limits", {}), driver: source.integer(0, 1)}
    fields["devices"] = _devices(here)
    if here.has("devices", 15) and not any(device["kind"] == GPU for device in fields["devices"]):
        fields["allocatable"][GPU] = source.integer(0, 3)
    return pl.Node(f"n{row}", **fields)


def _devices(here: Scene) -> list[dict[str, Any]]:
    source, devices = here.source, []
    zones = source.integer(1, 2) if here.has("numa", 50) else 0
    for _ in range(zones):
        capacity = {"cpu": source.choice([1, 2, "1500m", 4]), "memory": source.integer(1, 6)}
        devices += [{"kind": "numa", "capacity": capacity}]
    for kind, percent in ((GPU, 60), (FPGA, 15)):
        if here.has("devices", percent):
            for _ in range(source.integer(1, 2)):
                line: dict[str, Any] = {"kind": kind, "count": source.integer(1, 2)}
                line["attributes"] = {"model": source.choice("AB")} if source.chance(80) else {}
                line["capacity"] = {"memory": source.choice([8, 4])} if source.chance(60) else {}
                line["zone"] = source.integer(0, zones - 1) if zones and source.chance(60) else None
                devices.append(line)
    return devices


def draw_taint(here: Scene) -> dict[str, Any]:
    effects = ["NoSchedule", "NoExecute", *(["PreferNoSchedule"] * 2 if "preferences" in here.rules else [])]
    source = here.source
    return {"key": source.choice("tu"), "value": source.choice(["", "x"]), "effect": source.choice(effects)}


def draw_pod(here: Scene, number: int, left: int, nodes: Sequence[str]) -> pl.Pod:
    """A pod, or equal ones: at most ``left``."""
    source = here.source
    namespace = source.choice(["default", "default", "other", "third"]) if "namespaces" in here.rules else "default"
    fields: dict[str, Any] = {"namespace": namespace, "labels": _labels(here), "requests": _requests(here)}
    chosen = set()
    for rule in sorted(here.rules & set(RULES)):
        if source.chance(max(16, 120 // len(here.rules))):
            chosen.add(rule)
    for rule in sorted(chosen):
        RULES[rule](here, fields)
    if here.has("priorities", 40):
        fields["priority"] = source.choice([10, -5])
    fields["terminating"] = here.has("terminating", 12)
    if here.has("standing", 35):
        fields["node"] = source.choice([*nodes, "gone"]) if nodes and source.chance(96) else "gone"
        if source.chance(40):
            fields["units"] = _recorded(here, pl.Pod(f"p{number}", **fields))
    elif left > 1 and here.has("replicas", 35):
        fields["replicas"] = source.integer(1, min(left, 4 if left < 100 else 16))
    return pl.Pod(f"p{number}", **fields)


def _labels(here: Scene) -> dict[str, str]:
    labels = {"app": here.source.choice("xyz")} if here.source.chance(85) else {}
    if here.source.chance(50):
        labels["tier"] = here.source.choice("xy")
    return labels


def _requests(here: Scene) -> dict[str, Any]:
    source = here.source
    requests: dict[str, Any] = {"cpu": source.choice([1, 0, "500m", 2]), "memory": source.integer(0, 3)}
    if here.has("resources", 20):
        requests[source.choice(["example.com/thing", "example.com/nowhere"])] = source.choice([1, 1, 2, 0])
    if here.has("devices", 15):
        requests[GPU] = source.integer(1, 2)
    return requests


def _recorded(here: Scene, pod: pl.Pod) -> dict[str, list[int]]:
    """Units that nobody else is known to hold and that serve the pod's needs; none where there are too few."""
    free = here.free.get(pod.node or "", {})
    asked = [pl.DeviceNeed(kind=GPU, count=pod.requests[GPU])] if pod.requests.get(GPU) else []
    found: dict[str, list[int]] = {}
    for need in (*pod.devices, *asked):
        able = [
            (place, line)
            for place, line in free.get(need.kind, [])
            if all(one.matches(line.attributes) for one in need.where)
            and all(line.capacity.get(name, 0) >= amount for name, amount in need.amounts.items())
        ][-need.count :]
        if len(able) < need.count:
            return {}
        free[need.kind] = [unit for unit in free[need.kind] if unit not in able]
        found.setdefault(need.kind, []).extend(place for place, _ in able)
    return found


def draw_selector(here: Scene) -> dict[str, Any] | None:
    """A selector of pods: of one label, by expressions, of all, or of none."""
    source = here.source
    kind = source.integer(0, 9)
    if kind == 8:
        return {}
    if kind == 9:
        return None
    if kind < 5:
        return {"match_labels": {"app": source.choice("xyz")}}
    key, operator = source.choice(["app", "tier"]), source.choice(["In", "NotIn", "Exists", "DoesNotExist"])
    values = here.some("xyz", 1, 2) if operator in ("In", "NotIn") else []
    return {"match_expressions": [{"key": key, "operator": operator, "values": values}]}


def draw_node_term(here: Scene) -> dict[str, Any]:
    """A term over nodes, with any operator; now and then an empty one."""
    source = here.source
    if source.chance(10) and here.nodes:
        operator = source.choice(["In", "NotIn"])
        return {"match_fields": [{"key": "metadata.name", "operator": operator, "values": here.names}]}
    expressions = 0 if source.chance(5) else 2 if source.chance(30) else 1
    return {"match_expressions": [_node_expression(here) for _ in range(expressions)]}


def _node_expression(here: Scene) -> dict[str, Any]:
    source = here.source
    operator = source.choice(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"])
    if operator in ("Gt", "Lt"):
        return {"key": RACK, "operator": operator, "values": [source.choice(["1", "2", "-3"])]}
    key = source.choice([ZONE, RACK, "disk", HOST])
    if operator in ("Exists", "DoesNotExist"):
        return {"key": key, "operator": operator}
    values = {ZONE: [*here.zones, ""], RACK: here.racks, "disk": ["ssd", "hdd"], HOST: ["n0", "n1", "odd"]}[key]
    return {"key": key, "operator": operator, "values": here.some(values, 1, 2)}


def draw_toleration(here: Scene) -> dict[str, Any]:
    source = here.source
    if source.chance(15):
        return {"operator": "Exists"}
    if source.chance(20):
        return {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}
    toleration: dict[str, Any] = {"key": source.choice("tu"), "operator": source.choice(["Equal", "Exists"])}
    if toleration["operator"] == "Equal":
        toleration["value"] = source.choice(["", "x"])
    if source.chance(30):
        toleration["effect"] = source.choice(["NoSchedule", "NoExecute"])
    return toleration


def draw_term(here: Scene) -> dict[str, Any]:
    """An affinity term."""
    source = here.source
    term: dict[str, Any] = {"topology_key": source.choice([ZONE, HOST, RACK]), "selector": draw_selector(here)}
    if here.has("namespaces", 20):
        term["namespaces"] = here.some(["default", "other", "third"], 1, 2)
    if here.has("namespaces", 20):
        team = source.choice(["red", "blue"])
        term["namespace_selector"] = source.choice([{"match_labels": {"team": team}}, {}])
    if source.chance(15):
        term["match_label_keys"] = [source.choice(["tier", "app"])]
    if source.chance(10):
        term["mismatch_label_keys"] = [source.choice(["tier", "app"])]
    return term


def _taints(here: Scene, pod: dict[str, Any]) -> None:
    pod["tolerations"] = [draw_toleration(here) for _ in range(here.source.integer(1, 2))]


def _names(here: Scene, pod: dict[str, Any]) -> None:
    if here.source.chance(70):
        pod["forbidden_nodes"] = [*here.names, *here.names]
    else:
        pod["nodes"] = [*here.names, *here.names, *here.names, "gone"]


def _node_affinity(here: Scene, pod: dict[str, Any]) -> None:
    if here.source.chance(30):
        pod["node_selector"] = {ZONE: here.source.choice(here.zones)}
    else:
        pod["node_affinity"] = [draw_node_term(here) for _ in range(here.source.integer(1, 2))]


def _any_of(here: Scene, pod: dict[str, Any]) -> None:
    pod["any_of"] = [_alternative(here) for _ in range(here.source.integer(1, 2))]


def _alternative(here: Scene) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if here.source.chance(40):
        found["node_selector"] = {ZONE: here.source.choice(here.zones)}
    if here.source.chance(40):
        found["node_affinity"] = [draw_node_term(here)]
    if here.source.chance(50):
        found["tolerations"] = [draw_toleration(here)]
    return found


def _volumes(here: Scene, pod: dict[str, Any]) -> None:
    """Volumes by name; what is named twice is one volume, and the same wherever it is named."""
    for name in dict.fromkeys(here.some("vwz", 1, 2)):
        volume: dict[str, Any] = {"name": name, "driver": "csi" if here.source.chance(70) else ""}
        if here.source.chance(20):
            volume["topology"] = [draw_node_term(here) for _ in range(here.source.integer(1, 2))]
        if here.source.chance(20):
            key = here.source.choice([ZONE, "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/region"])
            volume["zones"] = {key: here.some([*here.zones, "elsewhere"], 1, 2)}
        if here.source.chance(20):
            volume["access"] = "ReadWriteOncePod"
        if here.source.chance(35):
            volume = {"name": name, "driver": volume["driver"], "waiting": _waiting(here)}
        volume = here.volumes.setdefault((pod["namespace"], name), volume)
        pod["volumes"] = [*pod.get("volumes", []), volume]


def _waiting(here: Scene) -> dict[str, Any]:
    """Offers of a few volumes that several claims may want, the same wherever they are offered."""
    source = here.source
    offers = []
    for name in here.some("abc", 0, 3) if source.chance(70) else []:
        if name not in here.offers:
            offer: dict[str, Any] = {"name": name}
            if source.chance(60):
                offer["topology"] = [draw_node_term(here)]
            here.offers[name] = offer
        if here.offers[name] not in offers:
            offers.append(here.offers[name])
    made = [draw_node_term(here)] if source.chance(50) else []
    return {"offers": offers, "provisions": source.chance(60), "topology": made}


def _disks(here: Scene, pod: dict[str, Any]) -> None:
    """Disks without claims; few of each kind, so that they meet."""
    source = here.source
    for _ in range(source.integer(1, 2)):
        disk: dict[str, Any] = {"kind": source.choice(["gce", "aws", "iscsi", "rbd"]), "name": source.choice("xy")}
        if disk["kind"] == "rbd":
            disk |= {"pool": source.choice(["rbd", "other"]), "monitors": here.some("mno", 1, 2)}
        pod["disks"] = [*pod.get("disks", []), {**disk, "read_only": source.chance(50)}]


def _ports(here: Scene, pod: dict[str, Any]) -> None:
    source = here.source
    for _ in range(source.integer(1, 2)):
        port: dict[str, Any] = {"port": source.choice([80, 81]), "protocol": source.choice(["TCP", "TCP", "UDP"])}
        if source.chance(60):
            port["host_ip"] = source.choice(["10.0.0.1", "10.0.0.2"])
        pod["host_ports"] = [*pod.get("host_ports", []), port]


def _needs(here: Scene, pod: dict[str, Any]) -> None:
    source = here.source
    for _ in range(source.choice([1, 1, 1, 2])):
        need: dict[str, Any] = {"kind": FPGA if source.chance(15) else GPU, "count": source.choice([1, 1, 2])}
        if source.chance(60):
            need["share"] = source.choice([0.5, 0.25, 0.7])
        if source.chance(30):
            need["amounts"] = {"memory": source.integer(1, 5)}
        if source.chance(30):
            operator = source.choice(["In", "NotIn"])
            need["where"] = [{"key": "model", "operator": operator, "values": ["A"]}]
        pod["devices"] = [*pod.get("devices", []), need]


def _numa(here: Scene, pod: dict[str, Any]) -> None:
    pod["numa"] = here.source.choice(["require", "prefer"] if "preferences" in here.rules else ["require"])


def _affinity(here: Scene, pod: dict[str, Any]) -> None:
    pod["pod_affinity"] = [draw_term(here) for _ in range(here.source.choice([1, 1, 2]))]


def _anti_affinity(here: Scene, pod: dict[str, Any]) -> None:
    pod["pod_anti_affinity"] = [draw_term(here) for _ in range(here.source.choice([1, 1, 2]))]


def _spread(here: Scene, pod: dict[str, Any]) -> None:
    pod["topology_spread"] = [_constraint(here) for _ in range(here.source.choice([1, 1, 2]))]


def _constraint(here: Scene) -> dict[str, Any]:
    source = here.source
    rule: dict[str, Any] = {"topology_key": source.choice([ZONE, HOST, RACK]), "selector": draw_selector(here)}
    rule["max_skew"] = source.integer(1, 2)
    if here.has("preferences", 30):
        rule["when_unsatisfiable"] = "ScheduleAnyway"
    elif source.chance(25):
        rule["min_domains"] = source.integer(1, 4)
    for policy, default in (("node_affinity_policy", "Honor"), ("node_taints_policy", "Ignore")):
        if source.chance(40):
            rule[policy] = {"Honor": "Ignore", "Ignore": "Honor"}[default]
    if source.chance(15):
        rule["match_label_keys"] = [source.choice(["tier", "app"])]
    return rule


def _own_group(here: Scene) -> dict[str, Any]:
    key = here.source.choice([ZONE, RACK, HOST])
    return {"topology_key": key, "selector": None if here.source.chance(30) else draw_selector(here)}


def _limits(here: Scene, pod: dict[str, Any]) -> None:
    pod["domain_limits"] = [{"at_most": here.source.integer(1, 2), **_own_group(here)}]


def _distinct(here: Scene, pod: dict[str, Any]) -> None:
    pod["distinct_domains"] = [{"at_least": here.source.integer(2, 3), **_own_group(here)}]


def _shares(here: Scene, pod: dict[str, Any]) -> None:
    source = here.source
    shares = {zone: source.choice([1, 2, 70, 0]) for zone in here.zones[: source.integer(1, 3)]}
    if not any(shares.values()):
        shares[here.zones[0]] = 1
    rule = {**_own_group(here), "topology_key": ZONE, "shares": shares}
    pod["domain_shares"] = [{**rule, "hard": not here.has("preferences", 35)}]


def _apart(here: Scene, pod: dict[str, Any]) -> None:
    spaces = ["default/", "", "other/"] if "namespaces" in here.rules else ["default/", ""]
    names = [name for number in here.some(range(8), 2, 5) for name in (f"p{number}", f"p{number}-0")]
    pod["apart_from"] = [here.source.choice(spaces) + name for name in names]


def _gates(here: Scene, pod: dict[str, Any]) -> None:
    if here.source.chance(15):
        pod[here.source.choice(["scheduling_gates", "unsupported"])] = ["something"]


def _preferences(here: Scene, pod: dict[str, Any]) -> None:
    source = here.source
    if source.chance(50):
        pod["preferred_nodes"] = [{"weight": source.choice([5, -7]), "term": draw_node_term(here)}]
    else:
        pod["preferred_pods"] = [{"weight": source.choice([3, -2]), "term": draw_term(here)}]


RULES = {
    "affinity": _affinity,
    "any_of": _any_of,
    "anti_affinity": _anti_affinity,
    "apart": _apart,
    "devices": _needs,
    "disks": _disks,
    "distinct": _distinct,
    "gates": _gates,
    "limits": _limits,
    "names": _names,
    "node_affinity": _node_affinity,
    "numa": _numa,
    "ports": _ports,
    "preferences": _preferences,
    "shares": _shares,
    "spread": _spread,
    "taints": _taints,
    "volumes": _volumes,
}
