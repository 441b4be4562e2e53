"""Growth: the plain mesos-scale cluster from 3,000 × 25,000 to 100,000 × 1,000,000."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np

from bench.common import Options, say

POINTS = ((3_000, 25_000), (10_000, 83_000), (30_000, 250_000), (100_000, 1_000_000))


def run(options: Options) -> dict[str, Any]:
    """
    Places each size in a process of its own, so that its peak memory is its own.

    What is timed: from encoded arrays to bindings, median of the repeats. ``exponent`` is the slope of log seconds
    over log pods.
    """
    points = []
    for nodes, pods in POINTS:
        command = [sys.executable, "-m", "bench.scale", str(nodes), str(pods), str(options.seed), str(options.repeat)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        points.append(json.loads(done.stdout))
        say(f"scale: {points[-1]}")
    slope = np.polyfit(np.log([p["pods"] for p in points]), np.log([p["place_s"] for p in points]), 1)[0]
    return {
        "work": {"case": "plain", "goal": "pack", "seed": options.seed, "repeat": options.repeat},
        "points": points,
        "exponent": float(slope),
    }


def one_point(nodes: int, pods: int, seed: int, repeat: int) -> dict[str, Any]:
    """One size, measured in this process."""
    from bench.common import timed
    from bench.mesos30k import place_encoded
    from placer.encode.encode import encode
    from placer.traces.mesos import generate
    from placer.warm import warmup
    from placer.writing import peak_rss_mb

    warmup()
    cluster = generate("plain", nodes=nodes, pods=pods, seed=seed)
    encode_time, encoded = timed(lambda: encode(cluster), repeat)
    place_time, run = timed(lambda: place_encoded(cluster, encoded), repeat)
    return {
        "nodes": nodes,
        "pods": pods,
        "encode_s": encode_time.median,
        "place_s": place_time.median,
        "place_min_s": place_time.least,
        "unplaced": int((run.log.line_of_slot < 0).sum()),
        "peak_rss_mb": peak_rss_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(one_point(*(int(argument) for argument in sys.argv[1:5]))))
