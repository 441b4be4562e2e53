"""From Kubernetes objects to a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from placer.formats.arrow import without_collector
from placer.model.cluster import Cluster
from placer.orchestrators.kubernetes.admission import has_passed
from placer.orchestrators.kubernetes.budgets import read_budgets
from placer.orchestrators.kubernetes.clients import to_json
from placer.orchestrators.kubernetes.controllers import add_lacking
from placer.orchestrators.kubernetes.documents import Inventory, read_objects_of
from placer.orchestrators.kubernetes.errors import Problems
from placer.orchestrators.kubernetes.nodes import read_nodes
from placer.orchestrators.kubernetes.objects import NamedObject
from placer.orchestrators.kubernetes.pods import PodRows
from placer.orchestrators.kubernetes.subject import Subject
from placer.orchestrators.kubernetes.volumes import Claims

_namespaces = msgspec.json.Decoder(NamedObject)


def read_json(sources: Sequence[tuple[str, bytes]]) -> Cluster:
    """
    A cluster from Kubernetes objects in JSON.

    Parameters
    ----------
    sources
        How errors name each source, and its text: one object, a list of any kind, an array, or objects one after the
        other. Kinds that do not matter to placement are left out.

    Returns
    -------
    Nodes and pods in input order, then the pods that controllers lack.

    Raises
    ------
    InputError
        All that is wrong, each with place, object, field, value and fix.

    Notes
    -----
    Time and memory grow with the text; each distinct rule, label map and request is read once.
    """
    with without_collector():
        inventory = Inventory(Problems())
        for where, data in sources:
            inventory.add_source(where, data)
        return _read(inventory, manifests=True)


def read_objects(objects: Iterable[Any], where: str = "objects") -> Cluster:
    """
    A cluster from Kubernetes objects in memory: dicts, or objects of the Kubernetes client.

    Parameters
    ----------
    where
        How errors name the input.

    Raises
    ------
    InputError
        As in :func:`read_json`.
    """
    with without_collector():
        inventory = Inventory(Problems())
        text = b"[" + b",".join(to_json(objects, where, inventory.problems)) + b"]"
        inventory.add_source(where, text)
        return _read(inventory, manifests=False)


def _read(inventory: Inventory, manifests: bool) -> Cluster:
    namespaces = {
        named.name: Subject(inventory.problems, named.where).checked_labels(
            bytes(named.metadata.labels), "metadata.labels", not manifests or has_passed(named.metadata)
        )
        for named, _ in read_objects_of(inventory, "Namespace", _namespaces, namespaced=False)
    }
    nodes = read_nodes(inventory, manifests)
    pods = PodRows(inventory, nodes, Claims(inventory), manifests)
    pods.read_all()
    inventory.problems.raise_if_any()
    add_lacking(inventory, pods)
    inventory.problems.raise_if_any()
    budgets = read_budgets(inventory)
    table = pods.table()
    inventory.problems.raise_if_any()
    return Cluster.from_tables(nodes, table, namespaces, [*pods.priorities.warnings(), *pods.warnings], budgets)
