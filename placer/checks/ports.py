"""NodePorts: no two pods on a node hold ports that clash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from placer.checks.finding import Finding
from placer.checks.scene import Scene
from placer.model.rule import Rule
from placer.model.volume import HostPort


def check(scene: Scene) -> Iterator[Finding]:
    """Walks through the events of pods with host ports; without an order, pods arrive in input order."""
    timeline = scene.timeline
    column = scene.facts.pods["host_ports"]
    held: dict[tuple[int, int, str], Counter[HostPort]] = {}
    for event in scene.carriers("host_ports", checked=False).tolist():
        ports, node = column[int(timeline.pod[event])], int(timeline.node[event])
        places = [held.setdefault((node, port.port, port.protocol), Counter()) for port in ports]
        if timeline.checked[event]:
            clashes = [
                f"{_text(port)} would clash with {_text(other)}, held by {count}, allowed is 0"
                for port, place in zip(ports, places, strict=True)
                for other, count in place.items()
                if count > 0 and port.clashes(other)
            ]
            if clashes:
                yield Finding(event, Rule.NodePorts.name, "; ".join(clashes))
        for port, place in zip(ports, places, strict=True):
            place[port] += int(timeline.sign[event])


def _text(port: HostPort) -> str:
    return f"{port.host_ip}:{port.port}/{port.protocol}"
