"""
A slow referee: ``docs/semantics.md`` read out loud, pod by pod, over objects.

State is a list of (pod, node) that stand and the units that each pod took. Nothing is counted ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import placer as pl
from placer.model.device import WHOLE

GPU = "nvidia.com/gpu"
CORDON = pl.Taint(key="node.kubernetes.io/unschedulable")


class Standing(NamedTuple):
    """A pod on a node; ``leaving`` while a move is under way, when only the node's load feels it."""

    pod: int
    node: int
    leaving: bool = False


class Unit(NamedTuple):
    """A unit of a node, and what has been taken of it."""

    kind: str
    place: int
    device: pl.Device
    taken: list[tuple[int, dict[str, int]]]

    def left(self, name: str = "") -> int:
        if not name:
            return WHOLE - sum(milli for milli, _ in self.taken)
        return self.device.capacity.get(name, 0) - sum(amounts.get(name, 0) for _, amounts in self.taken)

    def serves(self, need: pl.DeviceNeed) -> bool:
        if not all(expression.matches(self.device.attributes) for expression in need.where):
            return False
        if any(self.left(name) < amount for name, amount in need.amounts.items()):
            return False
        if need.share_milli == WHOLE:
            return self.left() == WHOLE and all(
                self.left(name) == amount for name, amount in self.device.capacity.items()
            )
        return self.left() >= need.share_milli

    def give(self, need: pl.DeviceNeed) -> None:
        amounts = self.device.capacity if need.share_milli == WHOLE else need.amounts
        self.taken.append((need.share_milli, dict(amounts)))


class Referee:
    """Judges one cluster."""

    def __init__(self, cluster: pl.Cluster) -> None:
        self.cluster = cluster
        self.pods: list[pl.Pod] = list(cluster.pods)
        self.nodes: list[pl.Node] = list(cluster.nodes)
        self.keys = [f"{pod.namespace}/{pod.name}" for pod in self.pods]
        self.names = [node.name for node in self.nodes]
        self.labels = [dict(node.labels) for node in self.nodes]
        kinds = {device.kind for node in self.nodes for device in node.devices}
        self.devices: list[list[pl.Device]] = []
        self.allocatable: list[dict[str, int]] = []
        for node in self.nodes:
            bare = [
                pl.Device(kind=kind, count=node.allocatable[kind])
                for kind in sorted(kinds)
                if kind in node.allocatable and not any(device.kind == kind for device in node.devices)
            ]
            self.devices.append([*node.devices, *bare])
            self.allocatable.append({name: amount for name, amount in node.allocatable.items() if name not in kinds})
        self.needs: list[list[pl.DeviceNeed]] = []
        self.requests: list[dict[str, int]] = []
        for pod in self.pods:
            asked = [
                pl.DeviceNeed(kind=kind, count=pod.requests[kind]) for kind in sorted(kinds) if pod.requests.get(kind)
            ]
            self.needs.append([*pod.devices, *asked])
            self.requests.append({name: amount for name, amount in pod.requests.items() if name not in kinds})
        self.here: list[Standing] = []
        self.units: list[list[Unit]] = []
        self.held: dict[tuple[int, int], list[tuple[Unit, tuple[int, dict[str, int]]]]] = {}
        self.zone_of: dict[int, bool] = {}
        self.claims: dict[tuple[str, str], tuple[str, int]] = {}
        self.reset()

    def reset(self) -> None:
        """Nothing stands."""
        self.here, self.held, self.zone_of, self.units = [], {}, {}, []
        self.claims = {}
        for devices in self.devices:
            counts: dict[str, int] = {}
            units = []
            for device in devices:
                for _ in range(device.count):
                    units.append(Unit(device.kind, counts.get(device.kind, 0), device, []))
                    counts[device.kind] = counts.get(device.kind, 0) + 1
            self.units.append(units)

    # What happens

    def judge(self, solution: Any) -> set[tuple[str, str]]:
        """(rule, pod) of every rule that a sound solution breaks, and the state in the end."""
        self.reset()
        self._stand()
        broken: set[tuple[str, str]] = set()
        evictions = {}
        for pod, node, beneficiary in solution.evictions:
            evictions.setdefault(beneficiary, []).append((pod, node))
        for pod, node, devices, _ in solution.bindings:
            for victim, source in evictions.get(pod, []):
                self._leave(self.keys.index(victim), self.names.index(source))
            row, place = self.keys.index(pod), self.names.index(node)
            broken |= {(rule, pod) for rule in self.bound(row, place)}
            broken |= self._arrive(row, place, devices)
        for wave in sorted({move.wave for move in solution.moves}):
            moving = [move for move in solution.moves if move.wave == wave]
            for _, pod, source, target in moving:
                row, old = self.keys.index(pod), self.names.index(source)
                self.here[self.here.index(Standing(row, old))] = Standing(row, old, leaving=True)
                broken |= {(rule, pod) for rule in self.stays(row, self.names.index(target))}
                broken |= self._arrive(row, self.names.index(target), None)
            for _, pod, source, _ in moving:
                row, old = self.keys.index(pod), self.names.index(source)
                self.here.remove(Standing(row, old, leaving=True))
                self._give_back(row, old)
        return broken

    def audit(self) -> set[tuple[str, str]]:
        """(rule, pod) of every rule that the present placement breaks."""
        self.reset()
        bound = [(row, self.names.index(pod.node)) for row, pod in enumerate(self.pods) if pod.node in self.names]
        broken: set[tuple[str, str]] = set()
        for row, node in bound:
            broken |= {(rule, self.keys[row]) for rule in self.carried(row, node)}
            self.here.append(Standing(row, node))
        for row, _ in self._by_knowledge(bound):
            node = dict(bound)[row]
            found = self._take(row, node, self.pods[row].units or None)
            broken |= {(rule, self.keys[row]) for rule in found}
        everyone = self.here
        for row, node in bound:
            self.here = [one for one in everyone if one.pod != row]
            rules = {*self.static(row, node), *self.grouped(row, node)} - {"Unsupported"}
            broken |= {(rule, self.keys[row]) for rule in rules}
        self.here = everyone
        return broken

    def _by_knowledge(self, bound: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return sorted(bound, key=lambda pair: not self.pods[pair[0]].units)

    def _stand(self) -> None:
        bound = [(row, self.names.index(pod.node)) for row, pod in enumerate(self.pods) if pod.node in self.names]
        self.here = [Standing(row, node) for row, node in bound]
        for row, node in self._by_knowledge(bound):
            self._take(row, node, self.pods[row].units or None)

    def _arrive(self, row: int, node: int, devices: Mapping[str, Sequence[int]] | None) -> set[tuple[str, str]]:
        rules = {*self.static(row, node), *self.carried(row, node), *self.grouped(row, node)}
        rules |= set(self._take(row, node, devices))
        self.here.append(Standing(row, node))
        return {(rule, self.keys[row]) for rule in rules}

    def _leave(self, row: int, node: int) -> None:
        self.here.remove(Standing(row, node))
        self._give_back(row, node)

    def _give_back(self, row: int, node: int) -> None:
        for unit, part in self.held.pop((row, node), []):
            unit.taken.remove(part)

    # Static rules

    def static(self, row: int, node: int) -> Iterator[str]:
        pod, there, labels = self.pods[row], self.nodes[node], self.labels[node]
        if pod.scheduling_gates:
            yield "SchedulingGates"
        if pod.unsupported:
            yield "Unsupported"
        ways = [(*pod.tolerations, *one.tolerations) for one in pod.any_of] or [pod.tolerations]
        if there.unschedulable and not any(any(t.tolerates(CORDON) for t in way) for way in ways):
            yield "NodeUnschedulable"
        if pod.nodes and there.name not in pod.nodes:
            yield "NodeName"
        if there.name in pod.forbidden_nodes:
            yield "ForbiddenNodes"
        if not any(self._bears(node, way) for way in ways):
            yield "TaintToleration"
        if not self.node_matches(pod.node_selector, pod.node_affinity, node):
            yield "NodeAffinity"
        if pod.any_of:
            yield from self._any_of(pod, node)
        for volume in pod.volumes:
            if volume.topology and not any(term.matches(labels, there.name) for term in volume.topology):
                yield "VolumeBinding"
            yield from self._zones(volume, labels)

    def _zones(self, volume: pl.Volume, labels: Mapping[str, str]) -> Iterator[str]:
        new, old = "topology.kubernetes.io/", "failure-domain.beta.kubernetes.io/"
        keys = [prefix + name for prefix in (new, old) for name in ("zone", "region")]
        told = {key: value for key, value in labels.items() if key in keys}
        for key, values in volume.zones.items():
            if told and told.get(key, told.get(key.replace(old, new))) not in values:
                yield "VolumeZone"

    def _any_of(self, pod: pl.Pod, node: int) -> Iterator[str]:
        """No alternative matches; or some match and some can enter, but no single one does both."""
        matching = [one for one in pod.any_of if self.node_matches(one.node_selector, one.node_affinity, node)]
        if not matching:
            yield "AnyOf"
            return
        cordoned = self.nodes[node].unschedulable
        open_to, bearing = [], []
        for one in pod.any_of:
            way = (*pod.tolerations, *one.tolerations)
            if not cordoned or any(t.tolerates(CORDON) for t in way):
                open_to.append(one)
            if self._bears(node, way):
                bearing.append(one)
        if open_to and bearing and not any(one in open_to and one in bearing for one in matching):
            yield "AnyOf"

    def _bears(self, node: int, tolerations: Sequence[pl.Toleration]) -> bool:
        hard = [taint for taint in self.nodes[node].taints if taint.effect in ("NoSchedule", "NoExecute")]
        return all(any(toleration.tolerates(taint) for toleration in tolerations) for taint in hard)

    def node_matches(self, selector: Mapping[str, str], terms: Sequence[Any], node: int) -> bool:
        labels = self.labels[node]
        if any(labels.get(key) != value for key, value in selector.items()):
            return False
        return not terms or any(term.matches(labels, self.names[node]) for term in terms)

    # Claims that wait: (volume, node) of each that a binding has decided, without a volume where one is made

    def bound(self, row: int, node: int) -> Iterator[str]:
        yield from self.stays(row, node)
        for volume in self.pods[row].volumes:
            key = (self.pods[row].namespace, volume.name)
            if volume.waiting is None or key in self.claims:
                continue
            taken = {name for name, _ in self.claims.values()}
            left = [offer for offer in volume.waiting.offers if offer.name not in taken]
            fit = [offer.name for offer in left if self.node_matches({}, offer.topology, node)]
            if not fit and not (volume.waiting.provisions and self.node_matches({}, volume.waiting.topology, node)):
                yield "VolumeBinding"
            else:
                self.claims[key] = (fit[0] if fit else "", node)

    def stays(self, row: int, node: int) -> Iterator[str]:
        for volume in self.pods[row].volumes:
            bound = self.claims.get((self.pods[row].namespace, volume.name)) if volume.waiting else None
            if bound and bound[0]:
                (offer,) = (one for one in volume.waiting.offers if one.name == bound[0])
                if not self.node_matches({}, offer.topology, node):
                    yield "VolumeBinding"
            elif bound and bound[1] != node:
                yield "VolumeBinding"

    # What a node carries

    def carried(self, row: int, node: int) -> Iterator[str]:
        pod = self.pods[row]
        there = [one.pod for one in self.here if one.node == node]
        for resource, amount in self.requests[row].items():
            if amount > 0 and resource != "pods":
                used = sum(self.requests[other].get(resource, 0) for other in there)
                if used + amount > self.allocatable[node].get(resource, 0):
                    yield "NodeResourcesFit"
        if len(there) + 1 > self.allocatable[node].get("pods", 10**9):
            yield "NodeResourcesFit"
        for other in there:
            if any(mine.clashes(theirs) for mine in pod.host_ports for theirs in self.pods[other].host_ports):
                yield "NodePorts"
            if any(mine.clashes(theirs) for mine in pod.disks for theirs in self.pods[other].disks):
                yield "VolumeRestrictions"
        yield from self._volumes(row, node)

    def _volumes(self, row: int, node: int) -> Iterator[str]:
        pod = self.pods[row]
        there = [one.pod for one in self.here if one.node == node]
        for driver, most in self.nodes[node].volume_limits.items():
            old = {(self.pods[o].namespace, v.name) for o in there for v in self.pods[o].volumes if v.driver == driver}
            new = {(pod.namespace, volume.name) for volume in pod.volumes if volume.driver == driver}
            old |= {("", f"{d.kind} {d.name}") for o in there for d in self.pods[o].disks if d.driver == driver}
            new |= {("", f"{disk.kind} {disk.name}") for disk in pod.disks if disk.driver == driver}
            if new - old and len(old | new) > most:
                yield "NodeVolumeLimits"
        for one in self.here:
            other = self.pods[one.pod]
            if one.leaving or one.pod == row or other.namespace != pod.namespace:
                continue
            for mine in pod.volumes:
                for theirs in other.volumes:
                    if mine.name == theirs.name and "ReadWriteOncePod" in (mine.access, theirs.access):
                        yield "VolumeRestrictions"

    # Units

    def _take(self, row: int, node: int, named: Mapping[str, Sequence[int]] | None) -> set[str]:
        """Takes the units named, or the lowest ones for ``None``; the rules broken by that."""
        if named is None:
            return self._take_lowest(row, node)
        pod, units = self.pods[row], self.units[node]
        zones = [unit for unit in units if unit.kind == "numa"]
        broken: set[str] = set()
        held: list[Any] = []
        places = {kind: list(listed) for kind, listed in named.items()}
        served = []
        for need in self.needs[row]:
            mine = places.get(need.kind, [])
            if len(mine) < need.count:
                broken.add("Devices")
            served.append((need, mine[: need.count]))
            places[need.kind] = mine[need.count :]
        zone = None
        if pod.numa and zones and places.get("numa"):
            zone = places["numa"].pop(0)
        if any(places.values()):
            broken.add("Devices")
        self.zone_of[row] = zone is not None and zone < len(zones)
        if zone is None:
            if pod.numa == "require" and zones:
                broken.add("Numa")
        elif zone >= len(zones):
            broken.add("Numa")
        else:
            if not self._zone_has_room(row, zones[zone]):
                broken.add("Numa")
            held.append(self._take_zone(row, zones[zone]))
        broken |= self._serve(units, served, zone, held)
        self.held[row, node] = held
        return broken

    def _serve(
        self,
        units: list[Unit],
        served: list[tuple[pl.DeviceNeed, list[int]]],
        zone: int | None,
        held: list[Any],
    ) -> set[str]:
        """Gives needs the units of the places named for them."""
        broken: set[str] = set()
        used: list[Unit] = []
        for need, listed in served:
            for place in listed:
                found = [unit for unit in units if (unit.kind, unit.place) == (need.kind, place)]
                if not found or any(found[0] is unit for unit in used):
                    broken.add("Devices")
                    continue
                used.append(found[0])
                if not found[0].serves(need):
                    broken.add("Devices")
                if zone is not None and found[0].device.zone not in (None, zone):
                    broken.add("Numa")
                found[0].give(need)
                held.append((found[0], found[0].taken[-1]))
        return broken

    def _zone_has_room(self, row: int, zone: Unit) -> bool:
        asked = {name: self.requests[row].get(name, 0) for name in ("cpu", "memory")}
        return all(amount == 0 or amount <= zone.left(name) for name, amount in asked.items())

    def _take_zone(self, row: int, zone: Unit) -> tuple[Unit, tuple[int, dict[str, int]]]:
        part = (0, {name: self.requests[row].get(name, 0) for name in ("cpu", "memory")})
        zone.taken.append(part)
        return zone, part

    def _take_lowest(self, row: int, node: int) -> set[str]:
        pod, zones = self.pods[row], [unit for unit in self.units[node] if unit.kind == "numa"]
        self.zone_of[row] = False
        broken: set[str] = set()
        if pod.numa and zones:
            for zone in zones:
                held = []
                if self._zone_has_room(row, zone):
                    held.append(self._take_zone(row, zone))
                    chosen = self._lowest(row, node, zone.place)
                    if all(len(listed) == need.count for need, listed in chosen):
                        self.zone_of[row] = True
                        self.held[row, node] = [*held, *self._give_all(chosen)]
                        return set()
                for unit, part in held:
                    unit.taken.remove(part)
            if pod.numa == "require":
                broken.add("Numa")
        chosen = self._lowest(row, node, None)
        if any(not listed for _, listed in chosen):
            broken.add("Devices")
        self.held[row, node] = self._give_all(chosen)
        return broken

    def _lowest(self, row: int, node: int, zone: int | None) -> list[tuple[pl.DeviceNeed, list[Unit]]]:
        chosen: list[tuple[pl.DeviceNeed, list[Unit]]] = []
        for need in self.needs[row]:
            used = [unit for _, listed in chosen for unit in listed]
            able = [
                unit
                for unit in self.units[node]
                if unit.kind == need.kind
                and unit.serves(need)
                and not any(unit is other for other in used)
                and (zone is None or unit.device.zone in (None, zone))
            ][: need.count]
            chosen.append((need, able if len(able) == need.count else []))
        return chosen

    def _give_all(self, chosen: list[tuple[pl.DeviceNeed, list[Unit]]]) -> list[Any]:
        held = []
        for need, listed in chosen:
            for unit in listed:
                unit.give(need)
                held.append((unit, unit.taken[-1]))
        return held

    # Groups and domains

    def counted(self, pods: Sequence[int], key: str, value: str | None, eligible: Sequence[int] | None = None) -> int:
        """How many of the pods stand in a domain, or for ``None`` in any."""
        total = 0
        for one in self.here:
            domain = self.labels[one.node].get(key)
            if (
                one.leaving
                or one.pod not in pods
                or domain is None
                or (eligible is not None and one.node not in eligible)
            ):
                continue
            total += value is None or domain == value
        return total

    def selected(self, selector: Any, row: int, match: Sequence[str] = (), mismatch: Sequence[str] = ()) -> list[int]:
        """Pods with labels that a rule of the pod selects, in any namespace."""
        own = self.pods[row].labels
        if selector is None:
            return []
        return [
            other
            for other, pod in enumerate(self.pods)
            if selector.matches(pod.labels)
            and all(pod.labels.get(key) == own[key] for key in match if key in own)
            and all(pod.labels.get(key) != own[key] for key in mismatch if key in own)
        ]

    def same_namespace(self, row: int, pods: Sequence[int]) -> list[int]:
        return [other for other in pods if self.pods[other].namespace == self.pods[row].namespace]

    def term(self, row: int, term: pl.AffinityTerm) -> list[int]:
        """The pods that an affinity term of a pod means."""
        meant = []
        for other in self.selected(term.selector, row, term.match_label_keys, term.mismatch_label_keys):
            namespace = self.pods[other].namespace
            chosen = term.namespace_selector
            if not term.namespaces and chosen is None:
                inside = namespace == self.pods[row].namespace
            else:
                inside = namespace in term.namespaces or (
                    chosen is not None and chosen.matches(self.cluster.namespace_labels(namespace))
                )
            if inside:
                meant.append(other)
        return meant

    def group(self, row: int, selector: Any) -> list[int]:
        if selector is None:
            same = [other for other, pod in enumerate(self.pods) if pod.labels == self.pods[row].labels]
            return self.same_namespace(row, same)
        return self.same_namespace(row, self.selected(selector, row))

    def grouped(self, row: int, node: int) -> Iterator[str]:
        yield from self._spread(row, node)
        yield from self._affinity(row, node)
        yield from self._apart(row, node)
        yield from self._domains(row, node)

    def skew(self, row: int, node: int, rule: pl.SpreadConstraint, keys: set[str]) -> int:
        """What the skew would be with the pod on the node, which has the key."""
        pod = self.pods[row]
        eligible = [
            other
            for other in range(len(self.nodes))
            if keys <= self.labels[other].keys()
            and (
                rule.node_affinity_policy == "Ignore" or self.node_matches(pod.node_selector, pod.node_affinity, other)
            )
            and (rule.node_taints_policy == "Ignore" or self._bears(other, pod.tolerations))
        ]
        matching = self.same_namespace(row, self.selected(rule.selector, row, rule.match_label_keys))
        counting = [other for other in matching if not self.pods[other].terminating]
        if rule.selector == pl.LabelSelector() and not set(rule.match_label_keys) & set(pod.labels):
            counting = []
        domains = {self.labels[other][rule.topology_key] for other in eligible}
        counts = [self.counted(counting, rule.topology_key, domain, eligible) for domain in domains]
        least = 0 if len(domains) < (rule.min_domains or 0) or not counts else min(counts)
        own = self.counted(counting, rule.topology_key, self.labels[node][rule.topology_key], eligible)
        return own + (row in matching) - least

    def _spread(self, row: int, node: int) -> Iterator[str]:
        hard = [rule for rule in self.pods[row].topology_spread if rule.when_unsatisfiable == "DoNotSchedule"]
        keys = {rule.topology_key for rule in hard}
        if not keys <= self.labels[node].keys():
            yield "PodTopologySpread"
        for rule in hard:
            if rule.topology_key in self.labels[node] and self.skew(row, node, rule, keys) > rule.max_skew:
                yield "PodTopologySpread"

    def _affinity(self, row: int, node: int) -> Iterator[str]:
        pod, labels = self.pods[row], self.labels[node]
        terms = pod.pod_affinity
        if terms:
            matching = [
                other for other in range(len(self.pods)) if all(other in self.term(row, term) for term in terms)
            ]
            keyed = all(term.topology_key in labels for term in terms)
            met = keyed and all(self.counted(matching, t.topology_key, labels[t.topology_key]) for t in terms)
            nobody = not any(self.counted(matching, term.topology_key, None) for term in terms)
            if not met and not (keyed and nobody and row in matching):
                yield "InterPodAffinity"
        for term in pod.pod_anti_affinity:
            key = term.topology_key
            if key in labels and self.counted(self.term(row, term), key, labels[key]):
                yield "InterPodAffinity"
        for one in self.here:
            for term in self.pods[one.pod].pod_anti_affinity:
                domain = self.labels[one.node].get(term.topology_key)
                together = domain is not None and labels.get(term.topology_key) == domain
                if together and not one.leaving and row in self.term(one.pod, term):
                    yield "InterPodAffinity"

    def _apart(self, row: int, node: int) -> Iterator[str]:
        def names(one: int, other: int) -> bool:
            full = [name if "/" in name else f"default/{name}" for name in self.pods[one].apart_from]
            return self.keys[other] in full

        for one in self.here:
            near = one.node == node and one.pod != row and not one.leaving
            if near and (names(row, one.pod) or names(one.pod, row)):
                yield "ApartFrom"

    def share_of(self, row: int, rule: pl.DomainShares, domain: str | None) -> int:
        """How many pods of the group a domain takes."""
        total = 0
        for other in self.group(row, rule.selector):
            pod = self.pods[other]
            stands = pod.node in self.names
            total += stands or (pod.node is None and not pod.scheduling_gates and not pod.unsupported)
        return ceil(total * rule.shares.get(domain, 0) / sum(rule.shares.values()))  # type: ignore[arg-type]

    def _domains(self, row: int, node: int) -> Iterator[str]:
        pod, labels = self.pods[row], self.labels[node]
        for limit in pod.domain_limits:
            key = limit.topology_key
            if key in labels and self.counted(self.group(row, limit.selector), key, labels[key]) + 1 > limit.at_most:
                yield "DomainLimit"
        for rule in pod.distinct_domains:
            key, group = rule.topology_key, self.group(row, rule.selector)
            used = {value for here in self.labels if (value := here.get(key)) and self.counted(group, key, value)}
            if key not in labels or (len(used) < rule.at_least and labels[key] in used):
                yield "DistinctDomains"
        for share in pod.domain_shares:
            key = share.topology_key
            if not share.hard:
                continue
            group = self.group(row, share.selector)
            if key not in labels or self.counted(group, key, labels[key]) + 1 > self.share_of(row, share, labels[key]):
                yield "DomainShares"
