"""``python -m bench NAME [PATH] [options]``: runs one benchmark; without a name, lists them."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from bench.common import machine, parse
from placer.errors import UsageError

NAMES = {
    "mesos30k": "30,000 nodes × 250,000 pods: encode, place and verify, and how good the answer is",
    "online": "one arriving pod at a time, every node looked at",
    "startup": "import, help, first solve with cold and warm kernel cache",
    "scale": "growth from 3,000 × 25,000 to 100,000 × 1,000,000",
    "process": "whole processes: Parquet and one Kubernetes JSON dump, read to verified answer",
    "kube-oracle": "decisions of the real kube-scheduler, one by one: python -m bench kube-oracle CASES",
    "scheduler-perf": "Kubernetes' own scheduler benchmark on the exact profile",
    "openb": "GPU allocation on the Alibaba cluster, against published policies",
    "pack": "answers with a bound, against peers: --set NAME or NAME/INSTANCE of one of its sets",
    "demo": "the openb cluster and mesos30k, each ending in a verified summary",
    "compare": "what got worse between two outputs: python -m bench compare A B",
}


def table(result: dict[str, Any]) -> str:
    """A benchmark's rows as plain text, one column a key."""
    lines = [f"{key}: {value}" for key, value in result.items() if not isinstance(value, list)]
    for key, rows in result.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            columns = list(rows[0])
            cells = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
            widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
            lines += ["", key]
            lines += ["  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main(arguments: list[str]) -> int:
    """Runs what the arguments name."""
    if not arguments or arguments[0].startswith("-"):
        print("\n".join(f"{name:10s} {text}" for name, text in NAMES.items()))
        return 0
    if arguments[0] == "compare":
        from bench.compare import compare

        print(compare(*arguments[1:3]))
        return 0
    name, options, as_json = parse(arguments)
    if name not in NAMES:
        print(f"bench: {name!r} is no benchmark: choose among {', '.join(NAMES)}", file=sys.stderr)
        return 2
    try:
        figures = importlib.import_module(f"bench.{name.replace('-', '_')}").run(options)
    except UsageError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    result = {"bench": name, "machine": machine(), **figures}
    print(json.dumps(result) if as_json else table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
