"""Arguments of kube-scheduler's plugins: what is wrong with them, and the profile's fields that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from placer.model.profile import CPU_AND_MEMORY, AddedAffinity, Fit
from placer.model.relation import SpreadConstraint
from placer.model.selector import NodeSelectorTerm, PreferredNode
from placer.orchestrators.kubernetes import configuration_objects as objects
from placer.orchestrators.kubernetes.faults import duplicate, forbidden, invalid, required, unsupported
from placer.orchestrators.kubernetes.rule_faults import PREFERRED, REQUIRED, constraint_faults, weight_faults
from placer.orchestrators.kubernetes.selectors import key_faults, node_selector_faults, node_term_faults
from placer.orchestrators.kubernetes.syntax import label_key_fault

STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")


def faults(args: objects.Arguments, path: str) -> Iterator[str]:
    """What kube-scheduler would refuse."""
    return _FAULTS[type(args)](args, path)


def fields(args: objects.Arguments) -> dict[str, Any]:
    """The fields of a profile that the arguments, which have no faults, give."""
    return _FIELDS.get(type(args), lambda _: {})(args)


def _fit_faults(args: objects.NodeResourcesFitArgs, path: str) -> Iterator[str]:
    for place, name in enumerate(args.ignored_resources):
        if fault := label_key_fault(name):
            yield invalid(f"{path}.ignoredResources[{place}]", name, fault)
    for place, group in enumerate(args.ignored_resource_groups):
        at = f"{path}.ignoredResourceGroups[{place}]"
        if "/" in group:
            yield invalid(at, group, "resource group name can't contain '/'", "give what stands before it")
        elif fault := label_key_fault(group):
            yield invalid(at, group, fault)
    if args.scoring_strategy is not None:
        yield from _strategy_faults(args.scoring_strategy, f"{path}.scoringStrategy")


def _strategy_faults(strategy: objects.ScoringStrategy, path: str) -> Iterator[str]:
    if strategy.type not in STRATEGIES:
        yield unsupported(f"{path}.type", strategy.type, STRATEGIES)
    for place, resource in enumerate(strategy.resources):
        if not 0 <= resource.weight <= 100:
            detail = f"resource weight of {resource.name} not in valid range (0, 100]"
            yield invalid(f"{path}.resources[{place}].weight", resource.weight, detail)
    ratio, at = strategy.requested_to_capacity_ratio, f"{path}.requestedToCapacityRatio"
    if strategy.type == "RequestedToCapacityRatio":
        if ratio is None:
            yield required(at, "must be specified when type is RequestedToCapacityRatio")
        else:
            yield from _shape_faults(ratio.shape, f"{at}.shape")
    elif ratio is not None:
        yield forbidden(at, "must be nil when type is not RequestedToCapacityRatio: drop it")


def _shape_faults(shape: list[objects.ShapePoint], path: str) -> Iterator[str]:
    if not shape:
        yield required(path, "at least one point must be specified")
    for place in range(1, len(shape)):
        if shape[place - 1].utilization >= shape[place].utilization:
            detail = "values must be sorted in increasing order"
            yield invalid(f"{path}[{place}].utilization", shape[place].utilization, detail)
            break
    for place, point in enumerate(shape):
        if not 0 <= point.utilization <= 100:
            yield invalid(f"{path}[{place}].utilization", point.utilization, "not in valid range [0, 100]")
        if not 0 <= point.score <= 10:
            yield invalid(f"{path}[{place}].score", point.score, "not in valid range [0, 10]")


def _balanced_faults(args: objects.NodeResourcesBalancedAllocationArgs, path: str) -> Iterator[str]:
    seen = set()
    for place, resource in enumerate(args.resources):
        at = f"{path}.resources[{place}]"
        if resource.name in seen:
            yield duplicate(f"{at}.name", resource.name)
        seen.add(resource.name)
        if resource.weight not in (0, 1):
            yield invalid(f"{at}.weight", resource.weight, "must be 1")


def _affinity_faults(args: objects.InterPodAffinityArgs, path: str) -> Iterator[str]:
    if not 0 <= args.hard_pod_affinity_weight <= 100:
        yield invalid(f"{path}.hardPodAffinityWeight", args.hard_pod_affinity_weight, "not in valid range [0, 100]")


def _spread_faults(args: objects.PodTopologySpreadArgs, path: str) -> Iterator[str]:
    if args.defaulting_type not in ("System", "List"):
        yield unsupported(f"{path}.defaultingType", args.defaulting_type, ("System", "List"))
    elif args.defaulting_type == "System" and args.default_constraints:
        fix = "give List, or drop the constraints"
        yield invalid(f"{path}.defaultingType", "System", "when .defaultConstraints are not empty", fix)
    seen = set()
    for place, constraint in enumerate(args.default_constraints):
        at = f"{path}.defaultConstraints[{place}]"
        if constraint.max_skew <= 0:
            yield invalid(f"{at}.maxSkew", constraint.max_skew, "not in valid range (0, inf)", "give 1 or more")
        yield from key_faults(constraint.topology_key, f"{at}.topologyKey")
        yield from constraint_faults(constraint, at)
        if constraint.label_selector is not None:
            yield forbidden(
                f"{at}.labelSelector", "constraint must not define a selector, as they deduced for each pod: drop it"
            )
        pair = f"{{{constraint.topology_key}, {constraint.when_unsatisfiable}}}"
        if pair in seen:
            yield duplicate(at, pair)
        seen.add(pair)


def _node_affinity_faults(args: objects.NodeAffinityArgs, path: str) -> Iterator[str]:
    added, path = args.added_affinity, f"{path}.addedAffinity"
    if added.required is not None:
        yield from node_selector_faults(added.required.node_selector_terms, f"{path}.{REQUIRED}.nodeSelectorTerms")
    for place, wish in enumerate(added.preferred):
        at = f"{path}.{PREFERRED}[{place}]"
        yield from weight_faults(wish.weight, f"{at}.weight")
        yield from node_term_faults(wish.preference, f"{at}.preference")


def _volume_faults(args: objects.VolumeBindingArgs, path: str) -> Iterator[str]:
    if args.bind_timeout_seconds < 0:
        yield invalid(f"{path}.bindTimeoutSeconds", args.bind_timeout_seconds, "should not be a negative value")
    if args.shape is not None:
        yield forbidden(
            f"{path}.shape", "goes with the feature gate StorageCapacityScoring, which placer has off: drop it"
        )


def _preemption_faults(args: objects.DefaultPreemptionArgs, path: str) -> Iterator[str]:
    percentage, absolute = args.min_candidate_nodes_percentage, args.min_candidate_nodes_absolute
    at = f"{path}.minCandidateNodesPercentage"
    if not 0 <= percentage <= 100:
        yield invalid(at, percentage, "not in valid range [0, 100]")
    if absolute < 0:
        yield invalid(f"{path}.minCandidateNodesAbsolute", absolute, "not in valid range [0, inf)")
    if not percentage and not absolute:
        yield invalid(
            at, percentage, "cannot be zero at the same time as minCandidateNodesAbsolute", "give one of them"
        )


def _no_faults(args: objects.Arguments, path: str) -> Iterator[str]:
    yield from ()


def _fit(args: objects.NodeResourcesFitArgs) -> dict[str, Any]:
    strategy = args.scoring_strategy or objects.ScoringStrategy(type=STRATEGIES[0])
    ratio = strategy.requested_to_capacity_ratio
    fit = Fit(
        strategy=strategy.type,
        resources=_weighed(strategy.resources),
        shape=tuple((point.utilization, point.score) for point in ratio.shape) if ratio else (),
        ignored_resources=tuple(args.ignored_resources),
        ignored_groups=tuple(args.ignored_resource_groups),
    )
    return {"fit": fit}


def _balanced(args: objects.NodeResourcesBalancedAllocationArgs) -> dict[str, Any]:
    return {"balanced": _weighed(args.resources)}


def _affinity(args: objects.InterPodAffinityArgs) -> dict[str, Any]:
    return {
        "hard_affinity_weight": args.hard_pod_affinity_weight,
        "ignores_preferred_terms": args.ignore_preferred_terms_of_existing_pods,
    }


def _spread(args: objects.PodTopologySpreadArgs) -> dict[str, Any]:
    if args.defaulting_type == "System":
        return {}
    rules = (constraint.model_dump(exclude_none=True) for constraint in args.default_constraints)
    return {"system_spread": False, "default_spread": tuple(_constraint(rule) for rule in rules)}


def _constraint(given: dict[str, Any]) -> SpreadConstraint:
    """The constraint over the label key as it stands: ``zone`` is short for nothing in Kubernetes."""
    rule = SpreadConstraint(**{**given, "match_label_keys": tuple(given["match_label_keys"])})
    return rule.model_copy(update={"topology_key": given["topology_key"]})


def _node_affinity(args: objects.NodeAffinityArgs) -> dict[str, Any]:
    added = args.added_affinity
    terms = added.required.node_selector_terms if added.required else []
    preferred = tuple(PreferredNode(weight=wish.weight, term=_term(wish.preference)) for wish in added.preferred)
    return {"added_affinity": AddedAffinity(required=tuple(map(_term, terms)), preferred=preferred)}


def _term(term: objects.NodeTerm) -> NodeSelectorTerm:
    return NodeSelectorTerm(**term.model_dump())


def _preemption(args: objects.DefaultPreemptionArgs) -> dict[str, Any]:
    return {
        "least_candidates_percent": args.min_candidate_nodes_percentage,
        "least_candidates": args.min_candidate_nodes_absolute,
    }


def _weighed(resources: list[objects.ResourceSpec]) -> tuple[tuple[str, int], ...]:
    return tuple((resource.name, resource.weight or 1) for resource in resources) or CPU_AND_MEMORY


_FAULTS: Mapping[type[objects.Arguments], Callable[[Any, str], Iterator[str]]] = {
    objects.NodeResourcesFitArgs: _fit_faults,
    objects.NodeResourcesBalancedAllocationArgs: _balanced_faults,
    objects.InterPodAffinityArgs: _affinity_faults,
    objects.PodTopologySpreadArgs: _spread_faults,
    objects.NodeAffinityArgs: _node_affinity_faults,
    objects.VolumeBindingArgs: _volume_faults,
    objects.DefaultPreemptionArgs: _preemption_faults,
    objects.DynamicResourcesArgs: _no_faults,
}
_FIELDS: Mapping[type[objects.Arguments], Callable[[Any], dict[str, Any]]] = {
    objects.NodeResourcesFitArgs: _fit,
    objects.NodeResourcesBalancedAllocationArgs: _balanced,
    objects.InterPodAffinityArgs: _affinity,
    objects.PodTopologySpreadArgs: _spread,
    objects.NodeAffinityArgs: _node_affinity,
    objects.DefaultPreemptionArgs: _preemption,
}
