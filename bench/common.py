"""What all benchmarks share: the machine, timing, options."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Options(NamedTuple):
    """What the command line gives every benchmark."""

    path: Path | None = None
    data: Path | None = None
    set: str | None = None
    time_limit: float | None = None
    seed: int = 0
    repeat: int = 3


def parse(arguments: list[str]) -> tuple[str, Options, bool]:
    """Name, options and whether JSON is wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("name")
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--data", type=Path, help="the set's own folder; for pack, the folder of all sets")
    parser.add_argument("--set", help="one set, case or trace; for pack also SET/INSTANCE")
    parser.add_argument("--time-limit", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    given = parser.parse_args(arguments)
    options = Options(given.path, given.data, given.set, given.time_limit, given.seed, max(1, given.repeat))
    return given.name, options, given.json


def machine() -> dict[str, Any]:
    """Processor, cores, system and versions."""
    import numba
    import numpy

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "numba": numba.__version__,
    }


class Timing(NamedTuple):
    """Seconds: the median of the repeats and the least."""

    median: float
    least: float


def timed(action: Callable[[], Any], repeat: int) -> tuple[Timing, Any]:
    """Runs an action ``repeat`` times with the collector off; times and the last result."""
    seconds = []
    result = None
    for _ in range(repeat):
        result = None
        gc.collect()
        gc.disable()
        try:
            started = time.perf_counter()
            result = action()
            seconds.append(time.perf_counter() - started)
        finally:
            gc.enable()
    return Timing(statistics.median(seconds), min(seconds)), result


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)
