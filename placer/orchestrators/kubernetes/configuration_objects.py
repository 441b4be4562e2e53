"""``KubeSchedulerConfiguration`` of ``kubescheduler.config.k8s.io/v1``, field by field; unknown ones are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

API_VERSION = "kubescheduler.config.k8s.io/v1"
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Configured(BaseModel):
    """An object of the configuration."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class Plugin(Configured):
    """A plugin at an extension point; the weight is for scores."""

    name: str
    weight: Int32 = 0


class PluginSet(Configured):
    """What is enabled and disabled at an extension point."""

    enabled: list[Plugin] = []
    disabled: list[Plugin] = []


class Plugins(Configured):
    """What runs where."""

    multi_point: PluginSet = PluginSet()
    pre_enqueue: PluginSet = PluginSet()
    queue_sort: PluginSet = PluginSet()
    pre_filter: PluginSet = PluginSet()
    filter: PluginSet = PluginSet()
    post_filter: PluginSet = PluginSet()
    pre_score: PluginSet = PluginSet()
    score: PluginSet = PluginSet()
    reserve: PluginSet = PluginSet()
    permit: PluginSet = PluginSet()
    pre_bind: PluginSet = PluginSet()
    bind: PluginSet = PluginSet()
    post_bind: PluginSet = PluginSet()


class PluginConfig(Configured):
    """Arguments of a plugin, read by its own model."""

    name: str
    args: dict[str, Any] = {}


class ProfileObject(Configured):
    """One of ``profiles``."""

    scheduler_name: str | None = None
    percentage_of_nodes_to_score: Int32 | None = None
    plugins: Plugins = Plugins()
    plugin_config: list[PluginConfig] = []


class LeaderElection(Configured):
    """``leaderElection``; no effect."""

    leader_elect: bool | None = None
    lease_duration: str | None = None
    renew_deadline: str | None = None
    retry_period: str | None = None
    resource_lock: str | None = None
    resource_name: str | None = None
    resource_namespace: str | None = None


class ClientConnection(Configured):
    """``clientConnection``; no effect."""

    kubeconfig: str | None = None
    accept_content_types: str | None = None
    content_type: str | None = None
    qps: float | None = None
    burst: Int32 | None = None


class Configuration(Configured):
    """All of it. Fields of the process have no effect: placer looks at all nodes, in one process."""

    api_version: str
    kind: str
    profiles: list[ProfileObject] = []
    extenders: list[Any] = []
    parallelism: Int32 = 16
    percentage_of_nodes_to_score: Int32 | None = None
    pod_initial_backoff_seconds: Int64 = 1
    pod_max_backoff_seconds: Int64 = 10
    delay_cache_until_active: bool = False
    enable_profiling: bool | None = None
    enable_contention_profiling: bool | None = None
    leader_election: LeaderElection = LeaderElection()
    client_connection: ClientConnection = ClientConnection()


class Arguments(Configured):
    """Of a plugin; ``kind`` is the plugin's name with ``Args``."""

    api_version: Literal["kubescheduler.config.k8s.io/v1"] | None = None
    kind: str | None = None


class ResourceSpec(Configured):
    """A resource that is scored; weight 0 is 1."""

    name: str
    weight: Int64 = 0


class ShapePoint(Configured):
    """A point of a scoring function."""

    utilization: Int32 = 0
    score: Int32 = 0


class CapacityRatio(Configured):
    """``requestedToCapacityRatio``."""

    shape: list[ShapePoint] = []


class ScoringStrategy(Configured):
    """How NodeResourcesFit scores."""

    type: str = ""
    resources: list[ResourceSpec] = []
    requested_to_capacity_ratio: CapacityRatio | None = None


class NodeResourcesFitArgs(Arguments):
    """Of NodeResourcesFit."""

    ignored_resources: list[str] = []
    ignored_resource_groups: list[str] = []
    scoring_strategy: ScoringStrategy | None = None


class NodeResourcesBalancedAllocationArgs(Arguments):
    """Of NodeResourcesBalancedAllocation."""

    resources: list[ResourceSpec] = []


class InterPodAffinityArgs(Arguments):
    """Of InterPodAffinity."""

    hard_pod_affinity_weight: Int32 = 1
    ignore_preferred_terms_of_existing_pods: bool = False


class Constraint(Configured):
    """A spread constraint by default."""

    max_skew: Int32 = 0
    topology_key: str = ""
    when_unsatisfiable: str = ""
    label_selector: dict[str, Any] | None = None
    min_domains: Int32 | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: list[str] = []


class PodTopologySpreadArgs(Arguments):
    """Of PodTopologySpread."""

    default_constraints: list[Constraint] = []
    defaulting_type: str = "System"


class Expression(Configured):
    """One expression of a node selector."""

    key: str = ""
    operator: str = ""
    values: list[str] = []


class NodeTerm(Configured):
    """A node selector term."""

    match_expressions: list[Expression] = []
    match_fields: list[Expression] = []


class NodeTerms(Configured):
    """A node selector."""

    node_selector_terms: list[NodeTerm] = []


class PreferredNodeTerm(Configured):
    """A weighted preference."""

    weight: Int32 = 0
    preference: NodeTerm = NodeTerm()


class Affinity(Configured):
    """``addedAffinity``."""

    required: NodeTerms | None = Field(default=None, alias="requiredDuringSchedulingIgnoredDuringExecution")
    preferred: list[PreferredNodeTerm] = Field(default=[], alias="preferredDuringSchedulingIgnoredDuringExecution")


class NodeAffinityArgs(Arguments):
    """Of NodeAffinity."""

    added_affinity: Affinity = Affinity()


class VolumeBindingArgs(Arguments):
    """Of VolumeBinding; placer binds at once, so that the timeout has no effect."""

    bind_timeout_seconds: Int64 = 600
    shape: list[ShapePoint] | None = None


class DefaultPreemptionArgs(Arguments):
    """Of DefaultPreemption."""

    min_candidate_nodes_percentage: Int32 = 10
    min_candidate_nodes_absolute: Int32 = 100


class DynamicResourcesArgs(Arguments):
    """Of DynamicResources, which placer does not have; no effect."""

    filter_timeout: str | None = None
    binding_timeout: str | None = None


ARGUMENTS: dict[str, type[Arguments]] = {
    "NodeResourcesFit": NodeResourcesFitArgs,
    "NodeResourcesBalancedAllocation": NodeResourcesBalancedAllocationArgs,
    "InterPodAffinity": InterPodAffinityArgs,
    "PodTopologySpread": PodTopologySpreadArgs,
    "NodeAffinity": NodeAffinityArgs,
    "VolumeBinding": VolumeBindingArgs,
    "DefaultPreemption": DefaultPreemptionArgs,
    "DynamicResources": DynamicResourcesArgs,
}
"""The plugins that take arguments."""
