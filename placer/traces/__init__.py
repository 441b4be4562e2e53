"""Public traces as clusters, and a generator of clusters at scale."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placer.model.cluster import Cluster


class Reader:
    """
    A trace's reader, imported when first used.

    Parameters
    ----------
    module
        A module of this package, with ``read(path, **options)`` and ``detect(path)``.
    description
        One sentence.
    """

    def __init__(self, module: str, description: str) -> None:
        self._module = f"{__name__}.{module}"
        self.__doc__ = description

    def read(self, path: str | Path, **options: Any) -> Cluster:
        """The trace as a cluster; options are those of the module's ``read``."""
        cluster: Cluster = import_module(self._module).read(Path(path), **options)
        return cluster

    def detect(self, path: Path) -> bool:
        """Whether the file or directory is of this trace; opens nothing but regular files."""
        return bool(import_module(self._module).detect(path))


FORMATS: dict[str, Reader] = {
    "openb": Reader("openb", "Alibaba's GPU-sharing cluster of 2023: the folder of its lists of nodes and pods."),
    "google-2011": Reader(
        "google2011", "The machines of the Google cell of 2011: machines.csv or its folder; no pods."
    ),
    "azure-v1": Reader("azure_v1", "Arrivals of virtual machines at Azure: the folder; its first hour, on 100 hosts."),
    "huawei-2021": Reader("huawei2021", "Huawei CodeCraft 2021: one file; machines alive after the last day."),
    "tianchi-2020": Reader("tianchi2020", "Tianchi 2020, schedule: a set's list of apps, beside its nodes and rule."),
    "vsbppc": Reader("vsbppc", "Variable-sized bin packing with conflicts: one instance; bins at linear costs."),
}
"""Readers by the names that ``--format`` takes."""
