"""Draws parts of pods around the edges of the scheduler's rules. All are legal; the API server would take them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Parts = dict[str, Any]

APPS = ("web", "api", "db", "cache", "batch")
NAMESPACES = ("default", "prod", "dev")
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
KEYS = (ZONE, HOST, "topology.kubernetes.io/region", "rack", "nope")
CPUS = ("0", "50m", "100m", "150m", "0.25", "400m", "0.7", "1", "1500m", "2", "3.001", "1e0", "0.0005")
MEMORIES = ("0", "64Mi", "100M", "134217735", "256Mi", "819Mi", "1Gi", "1.5Gi", "2048Mi", "3e9", "4G")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def maybe(random: Random, chance: float) -> bool:
    """True with a chance."""
    return random.random() < chance


def some(random: Random, values: tuple[Any, ...] | list[Any], least: int = 0, most: int = 3) -> list[Any]:
    """A few different values, in random order."""
    return random.sample(list(values), min(len(values), random.randint(least, most)))


def resources(random: Random, *, heavy: bool) -> Parts:
    """Requests and limits of a container; limits alone become requests. Heavy ones fill nodes."""
    amounts: Parts = {}
    if maybe(random, 0.7):
        amounts["cpu"] = random.choice(CPUS if heavy else CPUS[:6])
    if maybe(random, 0.7):
        amounts["memory"] = random.choice(MEMORIES if heavy else MEMORIES[:5])
    if maybe(random, 0.1):
        amounts["ephemeral-storage"] = random.choice(("0", "1Gi", "10Gi", "30Gi"))
    if heavy and maybe(random, 0.07):
        amounts[random.choice(("example.com/gpu", "example.com/gpu", "example.com/none"))] = random.choice(
            ("0", "1", "2")
        )
    if maybe(random, 0.15):
        return {"limits": amounts}
    return {"requests": amounts} if maybe(random, 0.9) else {}


def container(random: Random, name: str, *, heavy: bool = False) -> Parts:
    """A container; its image may lack a tag, or have a port in its registry."""
    image = random.choice(("img-0:v1", "img-1:v1", "img-2", "img-3:v1", "host:5000/img-4", "host:5000/img-4:v1"))
    return {"name": name, "image": image, "resources": resources(random, heavy=heavy)}


def base(random: Random, name: str, namespace: str, *, heavy: bool) -> Parts:
    """A pod with labels and containers, nothing more."""
    labels = {"app": random.choice(APPS)}
    if maybe(random, 0.7):
        labels["tier"] = random.choice(("front", "back"))
    if maybe(random, 0.4):
        labels["pod-template-hash"] = random.choice(("h1", "h2"))
    metadata: Parts = {"name": name, "namespace": namespace}
    if maybe(random, 0.95):
        metadata["labels"] = labels
    count = 2 if maybe(random, 0.25) else 1
    spec = {"containers": [container(random, f"c{index}", heavy=heavy) for index in range(count)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def init_containers(random: Random, pod: Parts) -> None:
    """Init containers and sidecars, overhead, pod-level requests and limits."""
    spec = pod["spec"]
    starting = [container(random, f"i{index}") for index in range(random.randint(0, 3))]
    for each in starting:
        if maybe(random, 0.5):
            each["restartPolicy"] = "Always"
    if starting:
        spec["initContainers"] = starting
    if maybe(random, 0.3):
        spec["overhead"] = {"cpu": "100m", "memory": "50Mi"} if maybe(random, 0.7) else {"memory": "120Mi"}
    if maybe(random, 0.3):
        amounts = {"cpu": "4", "memory": "6Gi"}
        whole: Parts = {}
        whole["requests"] = {name: amounts[name] for name in some(random, ("cpu", "memory"), 1, 2)}
        if maybe(random, 0.4):
            whole["limits"] = {name: amounts[name] for name in some(random, ("cpu", "memory"), 1, 2)}
        spec["resources"] = whole


def tolerations(random: Random, pod: Parts) -> None:
    """Tolerations of every form: an empty key, no effect, no operator, no value."""
    drawn: list[Parts] = []
    for _ in range(random.randint(0, 3)):
        toleration: Parts = {"key": random.choice(("team", "disk", "node.kubernetes.io/unschedulable"))}
        if maybe(random, 0.5):
            toleration["operator"] = "Exists"
            if maybe(random, 0.2):
                del toleration["key"]
        else:
            toleration |= {"operator": "Equal"} if maybe(random, 0.5) else {}
            toleration |= {"value": random.choice(("a", "b", ""))} if maybe(random, 0.8) else {}
        if maybe(random, 0.7):
            toleration["effect"] = random.choice(("NoSchedule", "PreferNoSchedule", "NoExecute"))
        drawn.append(toleration)
    if drawn:
        pod["spec"]["tolerations"] = drawn


def node_expression(random: Random, *, odd: bool) -> Parts:
    """One expression over node labels; an odd one is legal, and the scheduler cannot read it."""
    if maybe(random, 0.35):
        values = ["3"] if not odd else [random.choice(("3", "abc", "-1", "+2", "99999999999999999999"))]
        return {
            "key": random.choice(("gen", "disk", "nope")),
            "operator": random.choice(("Gt", "Lt")),
            "values": values,
        }
    key = random.choice(("disk", "gen", ZONE, HOST, "rack", "nope"))
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    if operator in ("Exists", "DoesNotExist"):
        return {"key": key, "operator": operator}
    values = some(random, ("ssd", "hdd", "2", "5", "zone-a", "zone-b", "node-1", "rack-1"), 1, 3)
    if odd and maybe(random, 0.15):
        values.append("not a label value")
    return {"key": key, "operator": operator, "values": values}


def name_field(random: Random, nodes: int) -> Parts:
    """A field that names one node, which may not exist."""
    name = f"node-{random.randrange(nodes)}" if maybe(random, 0.85) else "gone"
    return {"key": "metadata.name", "operator": "In" if maybe(random, 0.7) else "NotIn", "values": [name]}


def node_affinity(random: Random, pod: Parts, nodes: int, fields: float = 0.2) -> None:
    """Node selectors, required terms, even empty ones, and preferred terms."""
    affinity: Parts = {}
    if maybe(random, 0.25):
        pod["spec"]["nodeSelector"] = {"disk": random.choice(("ssd", "hdd"))}
    if maybe(random, 0.6):
        terms = []
        for _ in range(random.randint(1, 3)):
            term: Parts = {}
            if maybe(random, 0.8):
                term["matchExpressions"] = [node_expression(random, odd=True) for _ in range(random.randint(1, 2))]
            if maybe(random, fields):
                term["matchFields"] = [name_field(random, nodes) for _ in range(random.randint(1, 2))]
            terms.append(term)
        affinity[REQUIRED] = {"nodeSelectorTerms": terms}
    if maybe(random, 0.6):
        affinity[PREFERRED] = [preferred_term(random) for _ in range(random.randint(1, 3))]
    if affinity:
        pod["spec"].setdefault("affinity", {})["nodeAffinity"] = affinity


def preferred_term(random: Random) -> Parts:
    """A preferred term; an empty one matches no node."""
    expressions = [node_expression(random, odd=False) for _ in range(random.randint(0, 2))]
    return {
        "weight": random.choice((1, 5, 50, 100)),
        "preference": {"matchExpressions": expressions} if expressions else {},
    }


def ports(random: Random, pod: Parts) -> None:
    """Host ports of containers and sidecars, with and without addresses."""
    for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
        if maybe(random, 0.6):
            drawn: list[Parts] = []
            for port in some(random, (80, 443, 9100), 1, 2):
                drawn.append({"containerPort": 8000 + port, "hostPort": port, "protocol": "TCP"})
                drawn[-1]["protocol"] = random.choice(("TCP", "TCP", "UDP", "SCTP"))
                if maybe(random, 0.5):
                    drawn[-1]["hostIP"] = random.choice(("127.0.0.1", "10.0.0.1", "0.0.0.0"))
            each["ports"] = drawn
    if maybe(random, 0.2):
        pod["spec"]["hostNetwork"] = True
        pod["spec"]["containers"][0]["ports"] = [{"containerPort": 9100, "protocol": "TCP"}]


def selector(random: Random, pod: Parts, own: float) -> Parts | None:
    """A label selector: of the pod's own app, with a chance; else none, empty, of labels, of expressions."""
    app = pod["metadata"].get("labels", {}).get("app")
    if app and maybe(random, own):
        return {"matchLabels": {"app": app}}
    kind = random.random()
    if kind < 0.05:
        return None
    if kind < 0.12:
        return {}
    if kind < 0.65:
        return {"matchLabels": {"app": random.choice((*APPS, "nobody"))}}
    operator = random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    expression: Parts = {"key": random.choice(("app", "tier", "nope")), "operator": operator}
    if operator in ("In", "NotIn"):
        expression["values"] = some(random, (*APPS, "front", "back"), 1, 3)
    return {"matchExpressions": [expression]}


def label_keys(random: Random, pod: Parts, term: Parts, *, spread: bool) -> None:
    """``matchLabelKeys``, merged into the selector as the API server does; needs a selector."""
    if term.get("labelSelector") is None or not maybe(random, 0.25):
        return
    field, operator = ("matchLabelKeys", "In")
    if not spread and maybe(random, 0.4):
        field, operator = ("mismatchLabelKeys", "NotIn")
    term[field] = ["pod-template-hash"]
    value = pod["metadata"].get("labels", {}).get("pod-template-hash")
    if value is not None:
        expressions = [*term["labelSelector"].get("matchExpressions", ())]
        expressions.append({"key": "pod-template-hash", "operator": operator, "values": [value]})
        term["labelSelector"] = term["labelSelector"] | {"matchExpressions": expressions}


def pod_term(random: Random, pod: Parts) -> Parts:
    """A term of pod affinity or anti-affinity."""
    term: Parts = {"topologyKey": random.choices(KEYS, (5, 5, 1, 2, 0.4))[0]}
    chosen = selector(random, pod, 0.3)
    if chosen is not None:
        term["labelSelector"] = chosen
    if maybe(random, 0.3):
        term["namespaces"] = some(random, NAMESPACES, 1, 2)
    if maybe(random, 0.25):
        term["namespaceSelector"] = random.choice(
            (
                {},
                {"matchLabels": {"team": "x"}},
                {"matchLabels": {"team": "nobody"}},
                {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
                {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
            )
        )
    label_keys(random, pod, term, spread=False)
    return term


def pod_affinity(random: Random, pod: Parts, kinds: tuple[str, ...] = ("podAffinity", "podAntiAffinity")) -> None:
    """Required and preferred terms."""
    for kind in kinds:
        terms: Parts = {}
        if maybe(random, 0.35):
            terms[REQUIRED] = [pod_term(random, pod) for _ in range(random.choice((1, 1, 2)))]
        if maybe(random, 0.4):
            terms[PREFERRED] = [
                {"weight": random.choice((1, 5, 50, 100)), "podAffinityTerm": pod_term(random, pod)}
                for _ in range(random.choice((1, 1, 2)))
            ]
        if terms:
            pod["spec"].setdefault("affinity", {})[kind] = terms


def spread(random: Random, pod: Parts) -> None:
    """Topology spread constraints, of different keys and actions."""
    constraints = []
    for key in some(random, KEYS[:4] if maybe(random, 0.9) else KEYS, 0, 3):
        constraint: Parts = {"maxSkew": random.choice((1, 1, 2, 3, 5)), "topologyKey": key}
        constraint["whenUnsatisfiable"] = random.choice(("DoNotSchedule", "ScheduleAnyway"))
        chosen = selector(random, pod, 0.6)
        if chosen is not None:
            constraint["labelSelector"] = chosen
        if constraint["whenUnsatisfiable"] == "DoNotSchedule" and maybe(random, 0.3):
            constraint["minDomains"] = random.choice((1, 2, 3, 5))
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if maybe(random, 0.3):
                constraint[policy] = random.choice(("Honor", "Ignore"))
        label_keys(random, pod, constraint, spread=True)
        constraints.append(constraint)
    if constraints:
        pod["spec"]["topologySpreadConstraints"] = constraints


def gates(random: Random, pod: Parts) -> None:
    """A scheduling gate."""
    if maybe(random, 0.4):
        pod["spec"]["schedulingGates"] = [{"name": "example.com/wait"}]


def priority(random: Random, pod: Parts) -> None:
    """A priority, and perhaps no preemption."""
    if maybe(random, 0.85):
        waits = pod["metadata"]["name"].startswith("p")
        pod["spec"]["priority"] = random.choice((0, 10, 100, 1000) if waits else (-10, 0, 10, 100))
    if maybe(random, 0.08):
        pod["spec"]["preemptionPolicy"] = "Never"


def inline_volumes(random: Random, pod: Parts) -> None:
    """Disks named in the pod."""
    read_only = maybe(random, 0.4)
    kinds: tuple[Callable[[], Parts], ...] = (
        lambda: {"gcePersistentDisk": {"pdName": random.choice(("d1", "d2")), "readOnly": read_only}},
        lambda: {"awsElasticBlockStore": {"volumeID": random.choice(("vol-1", "vol-2")), "readOnly": read_only}},
        lambda: {
            "iscsi": {
                "targetPortal": "10.0.0.1:3260",
                "iqn": random.choice(("iqn.1", "iqn.2")),
                "lun": random.randint(0, 1),
                "readOnly": read_only,
            }
        },
        lambda: {
            "rbd": {
                "monitors": some(random, ("m1", "m2", "m3"), 1, 2),
                "pool": random.choice(("p1", "p2")),
                "image": "image",
                "readOnly": read_only,
            }
        },
        lambda: {"configMap": {"name": "settings"}},
    )
    drawn = [random.choice(kinds)() for _ in range(random.randint(0, 2))]
    if drawn:
        pod["spec"]["volumes"] = [{"name": f"v{index}"} | each for index, each in enumerate(drawn)]
