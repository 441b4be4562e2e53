"""Run by .ci/run with an installed wheel: the package alone, without the clone, on a tree that it cannot write to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import placer as pl
from placer.data import dataset


def main() -> None:
    package = Path(pl.__file__).parent
    assert Path(sys.prefix) in package.parents, f"placer is {package}, not the installed one"
    assert os.geteuid() == 0 or not os.access(package, os.W_OK), f"{package} can be written to"
    assert (package / "py.typed").is_file()
    assert dataset("mesos-scale/marginals.json.xz").is_relative_to(package)

    command = Path(sys.executable).parent / "placer"
    shown = subprocess.run([command, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "solve" in shown, shown

    cluster = pl.Cluster(
        nodes=[pl.Node("n1", cpu=4, memory="8Gi")], pods=[pl.Pod("web", replicas=3, cpu=1, memory="1Gi")]
    )
    solution = pl.solve(cluster)
    placed = [(binding.pod, binding.node) for binding in solution.bindings]
    assert placed == [("default/web-0", "n1"), ("default/web-1", "n1"), ("default/web-2", "n1")], placed
    assert not solution.unplaced
    assert pl.verify(cluster, solution) == []

    user = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    sys.stdout.write(f"installed: placer {pl.__version__} solves and verifies, as {user}\n")


if __name__ == "__main__":
    main()
