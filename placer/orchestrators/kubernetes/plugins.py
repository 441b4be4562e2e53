"""
kube-scheduler's plugins, and how a configuration merges with the default: Kubernetes, "Scheduler Configuration".

What is configured at an extension point beats ``multiPoint``, and what is configured there beats the default, which is
a ``multiPoint`` of its own. Plugins run in this order: those that an extension point names over ``multiPoint``'s,
``multiPoint``'s, and others that the extension point names.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from placer.orchestrators.kubernetes.configuration_objects import Plugin, Plugins, PluginSet
from placer.orchestrators.kubernetes.faults import duplicate, invalid

ALL = "*"
RUN_AT: dict[str, tuple[str, ...]] = {
    "SchedulingGates": ("preEnqueue",),
    "PrioritySort": ("queueSort",),
    "NodeUnschedulable": ("filter",),
    "NodeName": ("filter",),
    "TaintToleration": ("filter", "preScore", "score"),
    "NodeAffinity": ("preFilter", "filter", "preScore", "score"),
    "NodePorts": ("preFilter", "filter"),
    "NodeResourcesFit": ("preFilter", "filter", "preScore", "score"),
    "VolumeRestrictions": ("preFilter", "filter"),
    "NodeVolumeLimits": ("preFilter", "filter"),
    "VolumeBinding": ("preFilter", "filter", "preScore", "score", "reserve", "preBind"),
    "VolumeZone": ("preFilter", "filter"),
    "PodTopologySpread": ("preFilter", "filter", "preScore", "score"),
    "InterPodAffinity": ("preFilter", "filter", "preScore", "score"),
    "DynamicResources": ("preEnqueue", "preFilter", "filter", "postFilter", "score", "reserve", "preBind"),
    "DefaultPreemption": ("preEnqueue", "postFilter"),
    "NodeResourcesBalancedAllocation": ("preScore", "score"),
    "ImageLocality": ("score",),
    "DefaultBinder": ("bind",),
    "NodeDeclaredFeatures": ("preFilter", "filter"),
    "GangScheduling": ("preEnqueue", "reserve", "permit"),
}
"""Each plugin of kube-scheduler with the extension points that it has."""
OFF_BY_DEFAULT = ("NodeDeclaredFeatures", "GangScheduling")
REMOVED = ("AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits")
"""Plugins of earlier versions, which may be disabled, not enabled."""
WEIGHTS = {"TaintToleration": 3, "NodeAffinity": 2, "PodTopologySpread": 2, "InterPodAffinity": 2}
POINTS = {
    "preEnqueue": "pre_enqueue",
    "queueSort": "queue_sort",
    "preFilter": "pre_filter",
    "filter": "filter",
    "postFilter": "post_filter",
    "preScore": "pre_score",
    "score": "score",
    "reserve": "reserve",
    "permit": "permit",
    "preBind": "pre_bind",
    "bind": "bind",
    "postBind": "post_bind",
}
"""Extension points, with the fields that hold them."""
DEFAULT = PluginSet(
    enabled=[Plugin(name=name, weight=WEIGHTS.get(name, 0)) for name in RUN_AT if name not in OFF_BY_DEFAULT]
)


def merged(plugins: Plugins) -> Plugins:
    """The configured plugins over the default ones, which are part of ``multiPoint`` then."""
    given, off = plugins.multi_point, {plugin.name for plugin in plugins.multi_point.disabled}
    reset = {plugin.name: plugin for plugin in given.enabled}
    kept = [] if ALL in off else [plugin for plugin in DEFAULT.enabled if plugin.name not in off]
    named = {plugin.name for plugin in kept}
    enabled = [reset.get(plugin.name, plugin) for plugin in kept]
    enabled += [plugin for plugin in given.enabled if plugin.name not in named]
    return plugins.model_copy(update={"multi_point": PluginSet(enabled=enabled, disabled=given.disabled)})


def run_at(plugins: Plugins, point: str) -> list[str]:
    """Which of the :func:`merged` plugins run at an extension point, in order."""
    own: PluginSet = getattr(plugins, POINTS[point])
    configured = list(dict.fromkeys(plugin.name for plugin in own.enabled))
    off = {plugin.name for plugin in own.disabled}
    if ALL in off:
        return configured
    everywhere = [
        plugin.name for plugin in plugins.multi_point.enabled if point in RUN_AT[plugin.name] and plugin.name not in off
    ]
    first = [name for name in configured if name in everywhere]
    last = [name for name in configured if name not in everywhere]
    return [*first, *(name for name in everywhere if name not in configured), *last]


def weights(plugins: Plugins) -> dict[str, int]:
    """The weight of each plugin that scores: what ``score`` says beats ``multiPoint``; 0 is 1."""
    given: dict[str, int] = {}
    for plugin in (*plugins.score.enabled, *plugins.multi_point.enabled):
        given.setdefault(plugin.name, plugin.weight or 1)
    return {name: given[name] for name in run_at(plugins, "score")}


def plugin_faults(plugins: Plugins, path: str) -> Iterator[str]:
    """What is wrong with the names at each extension point, as configured."""
    for point, field in (("multiPoint", "multi_point"), *POINTS.items()):
        given: PluginSet = getattr(plugins, field)
        seen = set()
        for place, plugin in enumerate(given.enabled):
            at = f"{path}.{point}.enabled[{place}].name"
            fault = name_fault(plugin.name, at)
            if fault:
                yield fault
            elif point in POINTS and point not in RUN_AT[plugin.name]:
                yield invalid(at, plugin.name, f"plugin does not extend {point}", f"it runs at {_points(plugin.name)}")
            if plugin.name in seen:
                yield duplicate(at, plugin.name)
            seen.add(plugin.name)
        for place, plugin in enumerate(given.disabled):
            fault = name_fault(plugin.name, f"{path}.{point}.disabled[{place}].name")
            if fault and plugin.name not in (ALL, *REMOVED):
                yield fault


def name_fault(name: str, path: str) -> str:
    """Why there is no such plugin, or empty."""
    if name in RUN_AT:
        return ""
    if name in REMOVED:
        return invalid(path, name, "this plugin is no longer there", "NodeVolumeLimits does its work: drop it")
    close = get_close_matches(name, RUN_AT, n=1, cutoff=0.75)
    hint = f"did you mean {close[0]}? " if close else ""
    return invalid(path, name, "no such plugin", f"{hint}placer knows {', '.join(RUN_AT)}")


def _points(name: str) -> str:
    return ", ".join(RUN_AT[name])
