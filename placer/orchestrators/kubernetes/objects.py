"""
Kubernetes objects, as far as placement needs them: every other field is skipped while decoding.

What many objects share (affinity, tolerations, resources, labels) stays raw JSON here, so that each distinct text is
read once: see :mod:`placer.orchestrators.kubernetes.parts`.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

EMPTY = Raw()
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Camel(Struct, rename="camel"):
    """Fields in Python's spelling for JSON's camelCase."""


class OwnerReference(Camel):
    """Who made an object; ``controller`` is true for one at most."""

    kind: str | None = None
    name: str | None = None
    controller: bool | None = None


class Metadata(Camel):
    """What all objects have."""

    name: str | None = None
    namespace: str | None = None
    labels: Raw = EMPTY
    annotations: Raw = EMPTY
    owner_references: list[OwnerReference] | None = None
    deletion_timestamp: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    creation_timestamp: str | None = None


class Container(Camel):
    """A container; ``restartPolicy: Always`` makes an init container a sidecar."""

    name: str | None = None
    image: str | None = None
    resources: Raw = EMPTY
    ports: Raw = EMPTY
    restart_policy: str | None = None


class ClaimSource(Camel):
    """``persistentVolumeClaim`` of a pod's volume."""

    claim_name: str | None = None


class GceDisk(Camel):
    """``gcePersistentDisk``."""

    name: str = field(name="pdName", default="")
    read_only: bool | None = None


class AwsDisk(Camel):
    """``awsElasticBlockStore``."""

    name: str = field(name="volumeID", default="")
    read_only: bool | None = None


class IscsiDisk(Camel):
    """``iscsi``."""

    name: str = field(name="iqn", default="")
    read_only: bool | None = None


class RbdImage(Camel):
    """``rbd``."""

    name: str = field(name="image", default="")
    pool: str = "rbd"
    monitors: list[str] = []
    read_only: bool | None = None


class PodVolume(Camel):
    """A volume of a pod."""

    name: str | None = None
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: Raw = EMPTY
    gce: GceDisk | None = field(name="gcePersistentDisk", default=None)
    aws: AwsDisk | None = field(name="awsElasticBlockStore", default=None)
    iscsi: IscsiDisk | None = None
    rbd: RbdImage | None = None


class PodSpec(Camel):
    """``spec`` of a pod or of a pod template."""

    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    volumes: list[PodVolume] | None = None
    priority: Int32 | None = None
    priority_class_name: str | None = None
    preemption_policy: str | None = None
    scheduler_name: str | None = None
    runtime_class_name: str | None = None
    host_network: bool | None = None
    node_selector: Raw = EMPTY
    affinity: Raw = EMPTY
    tolerations: Raw = EMPTY
    topology_spread_constraints: Raw = EMPTY
    scheduling_gates: Raw = EMPTY
    overhead: Raw = EMPTY
    resources: Raw = EMPTY
    resource_claims: Raw = EMPTY
    workload_ref: Raw = EMPTY
    scheduling_group: Raw = EMPTY


class PodStatus(Camel):
    """``status`` of a pod."""

    phase: str | None = None
    start_time: str | None = None
    nominated_node_name: str | None = None


class PodObject(Camel):
    """A Pod."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


class NodeSpec(Camel):
    """``spec`` of a node."""

    taints: Raw = EMPTY
    unschedulable: bool | None = None


class NodeStatus(Camel):
    """``status`` of a node."""

    allocatable: Raw = EMPTY
    capacity: Raw = EMPTY
    images: list[Raw] | None = None


class NodeObject(Camel):
    """A Node."""

    metadata: Metadata | None = None
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


class NamedObject(Camel):
    """A Namespace, of which only the labels matter."""

    metadata: Metadata | None = None


class Expression(Camel):
    """One expression of a selector."""

    key: str | None = None
    operator: str | None = None
    values: list[str] | None = None


class Selector(Camel):
    """A ``labelSelector`` or ``namespaceSelector``."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Expression] | None = None


class NodeTerm(Camel):
    """A node selector term."""

    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class NodeTerms(Camel):
    """A node selector: one of its terms must match."""

    node_selector_terms: list[NodeTerm] | None = None


class PreferredNodeTerm(Camel):
    """A weighted preference for nodes."""

    weight: Int32 = 0
    term: NodeTerm | None = field(name="preference", default=None)


class NodeAffinity(Camel):
    """``spec.affinity.nodeAffinity``."""

    required: NodeTerms | None = field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)
    preferred: list[PreferredNodeTerm] | None = field(
        name="preferredDuringSchedulingIgnoredDuringExecution", default=None
    )


class PodTerm(Camel):
    """A pod affinity term."""

    topology_key: str | None = None
    selector: Selector | None = field(name="labelSelector", default=None)
    namespaces: list[str] | None = None
    namespace_selector: Selector | None = None
    match_label_keys: list[str] | None = None
    mismatch_label_keys: list[str] | None = None


class PreferredPodTerm(Camel):
    """A weighted preference for pods to stand with, or apart from."""

    weight: Int32 = 0
    term: PodTerm = field(name="podAffinityTerm", default_factory=PodTerm)


class PodAffinity(Camel):
    """``spec.affinity.podAffinity`` or ``podAntiAffinity``."""

    required: list[PodTerm] | None = field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)
    preferred: list[PreferredPodTerm] | None = field(
        name="preferredDuringSchedulingIgnoredDuringExecution", default=None
    )


class Affinity(Camel):
    """``spec.affinity``."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class TolerationObject(Camel):
    """One of ``spec.tolerations``."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: Int64 | None = None


class TaintObject(Camel):
    """One of a node's ``spec.taints``."""

    key: str | None = None
    value: str | None = None
    effect: str | None = None


class SpreadObject(Camel):
    """One of ``spec.topologySpreadConstraints``."""

    topology_key: str | None = None
    max_skew: Int32 | None = None
    when_unsatisfiable: str | None = None
    selector: Selector | None = field(name="labelSelector", default=None)
    min_domains: Int32 | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: list[str] | None = None


class Gate(Camel):
    """One of ``spec.schedulingGates``."""

    name: str = ""


class ContainerPort(Camel):
    """One of a container's ports."""

    container_port: Int32 | None = None
    host_port: Int32 | None = None
    protocol: str | None = None
    host_ip: str | None = field(name="hostIP", default=None)


class Resources(Camel):
    """``resources`` of a container or pod."""

    requests: Raw = EMPTY
    limits: Raw = EMPTY


class NodeImage(Camel):
    """One of a node's ``status.images``."""

    names: list[str] | None = None
    size_bytes: Annotated[int, Meta(ge=0)] | None = None


class ClaimSpec(Camel):
    """``spec`` of a PersistentVolumeClaim, or of a template of one."""

    volume_name: str | None = None
    storage_class_name: str | None = None
    access_modes: list[str] | None = None
    volume_mode: str | None = None
    selector: Selector | None = None
    resources: Resources | None = None


class Phase(Camel):
    """``status`` of a claim or a volume."""

    phase: str | None = None


class ClaimObject(Camel):
    """A PersistentVolumeClaim, or one of a StatefulSet's ``volumeClaimTemplates``."""

    metadata: Metadata | None = None
    spec: ClaimSpec | None = None
    status: Phase | None = None


class EphemeralTemplate(Camel):
    """``volumeClaimTemplate`` of a generic ephemeral volume."""

    spec: ClaimSpec | None = None


class EphemeralVolume(Camel):
    """``ephemeral`` of a pod's volume."""

    volume_claim_template: EphemeralTemplate | None = None


class CsiSource(Camel):
    """``spec.csi`` of a PersistentVolume."""

    driver: str | None = None


class VolumeNodeAffinity(Camel):
    """``spec.nodeAffinity`` of a PersistentVolume."""

    required: NodeTerms | None = None


class ClaimReference(Camel):
    """``spec.claimRef`` of a PersistentVolume."""

    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class VolumeSpec(Camel):
    """``spec`` of a PersistentVolume."""

    capacity: Raw = EMPTY
    access_modes: list[str] | None = None
    volume_mode: str | None = None
    storage_class_name: str | None = None
    claim_ref: ClaimReference | None = None

    csi: CsiSource | None = None
    node_affinity: VolumeNodeAffinity | None = None
    aws_elastic_block_store: Raw = EMPTY
    gce_persistent_disk: Raw = EMPTY
    azure_disk: Raw = EMPTY
    azure_file: Raw = EMPTY
    cinder: Raw = EMPTY
    vsphere_volume: Raw = EMPTY
    portworx_volume: Raw = EMPTY


class VolumeObject(Camel):
    """A PersistentVolume."""

    metadata: Metadata | None = None
    spec: VolumeSpec | None = None
    status: Phase | None = None


class TopologyExpression(Camel):
    """A key and the values allowed."""

    key: str
    values: list[str]


class TopologyTerm(Camel):
    """One of a StorageClass's ``allowedTopologies``."""

    match_label_expressions: list[TopologyExpression] | None = None


class StorageClassObject(Camel):
    """A StorageClass."""

    metadata: Metadata | None = None
    provisioner: str | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: list[TopologyTerm] | None = None


class DriverCount(Camel):
    """How many volumes of a driver a node attaches."""

    count: Count | None = None


class CsiDriver(Camel):
    """One of a CSINode's ``spec.drivers``."""

    name: str
    allocatable: DriverCount | None = None


class CsiNodeSpec(Camel):
    """``spec`` of a CSINode."""

    drivers: list[CsiDriver] | None = None


class CsiNodeObject(Camel):
    """A CSINode."""

    metadata: Metadata | None = None
    spec: CsiNodeSpec | None = None


class ServiceSpec(Camel):
    """``spec`` of a Service."""

    selector: dict[str, str] | None = None


class ServiceObject(Camel):
    """A Service, of which only the selector matters."""

    metadata: Metadata | None = None
    spec: ServiceSpec | None = None


class BudgetSpec(Camel):
    """``spec`` of a PodDisruptionBudget; what it asks for is in its status already."""

    selector: Selector | None = None


class BudgetStatus(Camel):
    """``status`` of a PodDisruptionBudget."""

    disruptions_allowed: Int32 = 0
    disrupted_pods: dict[str, Raw] | None = None


class BudgetObject(Camel):
    """A PodDisruptionBudget."""

    metadata: Metadata | None = None
    spec: BudgetSpec | None = None
    status: BudgetStatus | None = None


class PriorityClassObject(Camel):
    """A PriorityClass."""

    metadata: Metadata | None = None
    value: Int32 = 0
    global_default: bool | None = None
    preemption_policy: str | None = None


class LimitItem(Camel):
    """One of a LimitRange's limits."""

    type: str | None = None
    default: Raw = EMPTY
    default_request: Raw = EMPTY
    min: Raw = EMPTY
    max: Raw = EMPTY


class LimitRangeSpec(Camel):
    """``spec`` of a LimitRange."""

    limits: list[LimitItem] | None = None


class LimitRangeObject(Camel):
    """A LimitRange."""

    metadata: Metadata | None = None
    spec: LimitRangeSpec | None = None


class Overhead(Camel):
    """``overhead`` of a RuntimeClass."""

    pod_fixed: Raw = EMPTY


class Scheduling(Camel):
    """``scheduling`` of a RuntimeClass."""

    node_selector: Raw = EMPTY
    tolerations: Raw = EMPTY


class RuntimeClassObject(Camel):
    """A RuntimeClass."""

    metadata: Metadata | None = None
    overhead: Overhead | None = None
    scheduling: Scheduling | None = None


class Template(Camel):
    """A pod template; its ``spec`` is read when a pod is made of it."""

    metadata: Metadata | None = None
    spec: Raw = EMPTY


class Ordinals(Camel):
    """``spec.ordinals`` of a StatefulSet."""

    start: Count | None = None


class ControllerSpec(Camel):
    """``spec`` of all kinds of controllers together."""

    replicas: Count | None = None
    selector: Raw = EMPTY
    template: Template | None = None
    ordinals: Ordinals | None = None
    volume_claim_templates: list[ClaimObject] | None = None
    parallelism: Count | None = None
    completions: Count | None = None
    suspend: bool | None = None


class Condition(Camel):
    """One of a status's conditions."""

    type: str | None = None
    status: str | None = None


class ControllerStatus(Camel):
    """``status`` of a controller; only a Job's matters, and only its conditions are then typed."""

    succeeded: Count | None = None
    conditions: list[Condition] | None = None


class ControllerObject(Camel):
    """A Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet or Job."""

    metadata: Metadata | None = None
    spec: ControllerSpec | None = None
    status: ControllerStatus | None = None


def is_absent(raw: bytes) -> bool:
    """Whether a raw field is not there, or null."""
    return raw in (b"", b"null")


def plain(value: Any) -> Any:
    """A struct as a dict of its Python field names, without what is not given: the input of our own models."""
    if isinstance(value, Struct):
        parts = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: plain(part) for name, part in parts if part is not None}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value
