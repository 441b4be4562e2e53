"""Whole processes: ``placer solve`` on Parquet and on one Kubernetes JSON dump, read, placed, verified, written."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.common import Options, say

NODES, PODS = 30_000, 250_000


def run(options: Options, nodes: int = NODES, pods: int = PODS) -> dict[str, Any]:
    """
    Times the command as a user runs it: start of the process to its exit, kernels warm, verification included.

    ``read_limit_s`` is one plain reading of the same bytes.
    """
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for case in ("plain", "full"):
            if options.set in (None, case):
                cases += _case(case, nodes, pods, options, Path(folder))
    return {"work": {"nodes": nodes, "pods": pods, "seed": options.seed, "repeat": options.repeat}, "cases": cases}


def _case(case: str, nodes: int, pods: int, options: Options, folder: Path) -> list[dict[str, Any]]:
    say(f"process {case}: writing the cluster")
    tables, dump = folder / case, folder / f"{case}.json"
    arguments = [case, str(nodes), str(pods), str(options.seed), str(tables), str(dump)]
    subprocess.run([sys.executable, "-m", "bench.process", *arguments], check=True)
    files = sorted(tables.iterdir())
    rows = [
        _measure(case, "parquet", [str(path) for path in files], folder, options.repeat),
        _measure(case, "kubernetes-json", [str(dump)], folder, options.repeat),
    ]
    dump.unlink()
    return rows


def _measure(case: str, form: str, inputs: list[str], folder: Path, repeat: int) -> dict[str, Any]:
    out = folder / "out.json"
    command = [sys.executable, "-m", "placer", "solve", *inputs, "--quiet", "-o", str(out)]
    seconds, peaks, codes = [], [], []
    for _ in range(repeat):
        begin = time.perf_counter()
        child = subprocess.Popen(command)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(time.perf_counter() - begin)
        peaks.append(usage.ru_maxrss / 1024)
        codes.append(child.returncode)
    begin = time.perf_counter()
    size = sum(len(Path(path).read_bytes()) for path in inputs)
    limit = time.perf_counter() - begin
    result = {
        "case": case,
        "input": form,
        "input_mb": round(size / 1e6, 1),
        "seconds": statistics.median(seconds),
        "min_s": min(seconds),
        "peak_rss_mb": round(max(peaks)),
        "exit_code": max(codes),
        "read_limit_s": limit,
        "stages": json.loads(out.read_bytes())["statistics"]["seconds"],
    }
    say(f"process: {result}")
    return result


def write_inputs(case: str, nodes: int, pods: int, seed: int, tables: Path, dump: Path) -> None:
    """Writes one cluster in both forms; in a process of its own, since a child starts with its parent's peak memory."""
    from placer.traces.mesos import generate

    cluster = generate(case, nodes=nodes, pods=pods, seed=seed)
    tables.mkdir()
    cluster.write(tables)
    cluster.write(dump)


if __name__ == "__main__":
    case, nodes, pods, seed, tables, dump = sys.argv[1:7]
    write_inputs(case, int(nodes), int(pods), int(seed), Path(tables), Path(dump))
