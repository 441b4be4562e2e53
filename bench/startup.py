"""What a user waits for before anything happens: whole processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from bench.common import Options, say

SOLVE = """
import time
started = time.perf_counter()
import placer as pl
cluster = pl.Cluster([pl.Node("n1", cpu=4, memory="8Gi")], [pl.Pod("web", replicas=3, cpu=1)])
assert len(pl.solve(cluster).bindings) == 3
print(time.perf_counter() - started)
"""


def run(options: Options) -> dict[str, Any]:
    """
    Times whole processes from start to exit, median of the repeats.

    ``import_s`` is what ``import placer`` adds to an empty interpreter; the first solves are timed inside the process,
    import included: cold with an empty kernel cache (once), warm with the cache of the run before.
    """
    repeat = max(options.repeat, 5)
    empty = _process([sys.executable, "-c", "pass"], repeat)
    imported = _process([sys.executable, "-c", "import placer"], repeat)
    helped = _process([sys.executable, "-m", "placer", "--help"], repeat)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        say("startup: compiling all that a first solve needs")
        cold = _inside(environment)
        warm = statistics.median(_inside(environment) for _ in range(repeat))
    return {
        "work": {"repeat": repeat, "empty_interpreter_s": empty},
        "import_s": max(0.0, imported - empty),
        "help_s": helped,
        "first_solve_cold_s": cold,
        "first_solve_warm_s": warm,
    }


def _process(command: list[str], repeat: int) -> float:
    seconds = []
    for _ in range(repeat + 1):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[1:])


def _inside(environment: dict[str, str]) -> float:
    done = subprocess.run([sys.executable, "-c", SOLVE], check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)
