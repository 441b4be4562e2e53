"""How many volumes a driver attaches to a node: Kubernetes, "Node-specific Volume Limits"."""

from __future__ import annotations

from .cluster import Node, Object, Pod
from .plugin import Plugin
from .status import Status, unschedulable
from .volumes import annotations_of, claim_of, class_name

MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins"
# In-tree plugin: the field of a volume, the driver that took over, and the field that identifies the disk.
IN_TREE = {
    "kubernetes.io/aws-ebs": ("awsElasticBlockStore", "ebs.csi.aws.com", "volumeID"),
    "kubernetes.io/gce-pd": ("gcePersistentDisk", "pd.csi.storage.gke.io", "pdName"),
    "kubernetes.io/azure-disk": ("azureDisk", "disk.csi.azure.com", "diskURI"),
    "kubernetes.io/azure-file": ("azureFile", "file.csi.azure.com", "shareName"),
    "kubernetes.io/cinder": ("cinder", "cinder.csi.openstack.org", "volumeID"),
    "kubernetes.io/portworx-volume": ("portworxVolume", "pxd.portworx.com", "volumeID"),
    "kubernetes.io/vsphere-volume": ("vsphereVolume", "csi.vsphere.vmware.com", "volumePath"),
}


class NodeVolumeLimits(Plugin):
    """The pod's new volumes and those that pods of the node use stay within each driver's limit."""

    name = "NodeVolumeLimits"

    def filter(self, node: Node) -> Status | None:
        csi_node = self.cluster.csi_nodes.get(node.name)
        drivers = (csi_node or {}).get("spec", {}).get("drivers") or ()
        limits = {each["name"]: (each.get("allocatable") or {}).get("count") for each in drivers}
        attached = {volume for pod in node.pods for volume in self.attachments(pod, csi_node)}
        new = self.attachments(self.pod, csi_node) - attached
        for driver in {driver for driver, _ in new}:
            limit = limits.get(driver)
            count = sum(each == driver for each, _ in attached | new)
            if limit is not None and count > limit:
                return unschedulable(self.name, "node(s) exceed max volume count")
        return None

    def attachments(self, pod: Pod, csi_node: Object | None) -> set[tuple[str, str]]:
        """Driver and volume of what the pod attaches; a claim without a volume is one of its own."""
        inline = {in_tree(volume, csi_node) for volume in pod.volumes}
        claims = [claim_of(self.cluster, pod, name) for name in pod.claims]
        used = {self.attachment(claim, csi_node) for claim in claims if claim is not None}
        return {each for each in inline | used if each is not None}

    def attachment(self, claim: Object, csi_node: Object | None) -> tuple[str, str] | None:
        """Driver and volume of a claim, by its volume, else by its storage class."""
        volume = self.cluster.volumes.get(claim["spec"].get("volumeName") or "")
        if volume is not None:
            csi = volume["spec"].get("csi")
            return (csi["driver"], csi["volumeHandle"]) if csi else in_tree(volume["spec"], csi_node)
        found = self.cluster.classes.get(class_name(claim))
        if found is None:
            return None
        driver = found["provisioner"]
        if driver in IN_TREE:
            if not migrated(driver, csi_node):
                return None
            driver = IN_TREE[driver][1]
        metadata = claim["metadata"]
        return driver, f"unbound {metadata.get('namespace')}/{metadata['name']}"


def migrated(plugin: str, csi_node: Object | None) -> bool:
    """Whether a CSI driver took over from the in-tree plugin on the node."""
    return csi_node is not None and plugin in (annotations_of(csi_node).get(MIGRATED) or "").split(",")


def in_tree(source: Object, csi_node: Object | None) -> tuple[str, str] | None:
    """Driver and disk of an in-tree volume whose plugin is migrated on the node."""
    for plugin, (field, driver, disk) in IN_TREE.items():
        if source.get(field) and migrated(plugin, csi_node):
            return driver, str(source[field].get(disk))
    return None
