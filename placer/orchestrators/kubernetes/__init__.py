"""Kubernetes: clusters from API objects and back, and solutions as bindings."""

from placer.orchestrators.kubernetes.bindings import binding_objects
from placer.orchestrators.kubernetes.configuration import read_configuration
from placer.orchestrators.kubernetes.read import read_json, read_objects
from placer.orchestrators.kubernetes.write import write_objects

__all__ = ["binding_objects", "read_configuration", "read_json", "read_objects", "write_objects"]
