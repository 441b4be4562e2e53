"""Arrivals of virtual machines at Azure (public dataset V1): a slice of its five-minute steps, on nodes of choice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placer.errors import InputError
from placer.model.cluster import Cluster, tabulate_nodes
from placer.model.node import Node
from placer.model.table import Column, Names
from placer.model.value import FrozenDict
from placer.traces.tables import MIB, pod_table
from placer.traces.text import find, need, read_text

FLAVOURS = "flav_map.txt"
BATCH_ENDS = "|"
PARTS = ("train", "dev")


class Flavour(NamedTuple):
    """What a virtual machine of one letter asks for, in milli-CPU and MiB."""

    letter: str
    cpu: int
    memory: int


class Arrivals(NamedTuple):
    """
    Virtual machines in order of arrival.

    Attributes
    ----------
    seconds
        (steps,) of the steps, since the start of the trace.
    step, place
        (pods,) int32: the step, and the place among the step's arrivals.
    flavour
        (pods,) int32.
    batch
        (pods,) int32: which of all batches.
    batch_step
        (batches,) the step of each batch.
    """

    seconds: list[int]
    step: NDArray[np.int32]
    place: NDArray[np.int32]
    flavour: NDArray[np.int32]
    batch: NDArray[np.int32]
    batch_step: list[int]


def detect(path: Path) -> bool:
    """Whether the path is a folder with the flavours and some part of the trace."""
    return path.is_dir() and find(path, FLAVOURS) is not None and any(find(path, _file(part)) for part in PARTS)


def read(
    path: str | Path,
    part: str | None = None,
    start: int = 0,
    stop: int = 12,
    nodes: int = 100,
    cpu: int | str = 64,
    memory: int | str = "512Gi",
) -> Cluster:
    """
    What arrives within some steps, all pending, on equal nodes.

    Parameters
    ----------
    path
        The trace's folder.
    part
        ``train`` or ``dev``; the first that is there where not given.
    start, stop
        Steps of five minutes, counted from 0 within the part; ``stop`` is not among them.
    nodes, cpu, memory
        How many nodes, and quantities of each: the trace names no hosts. The largest flavour has 16 cores and 112 GB.

    Returns
    -------
    Pods ``vm-<second>-<place>`` with the label ``flavour``; the batch that they came in is their owner.

    Raises
    ------
    InputError
        A file is missing, steps that the part does not have, or an unknown flavour, with line and value.
    """
    folder = Path(path)
    chosen = part or next((name for name in PARTS if find(folder, _file(name))), PARTS[0])
    if chosen not in PARTS:
        raise InputError(f"azure-v1: part is {chosen!r}: give one of {', '.join(PARTS)}")
    if nodes < 0:
        raise InputError(f"azure-v1: nodes is {nodes!r}: give 0 or more")
    flavours = read_flavours(need(folder, FLAVOURS, "give the trace's folder"))
    came = read_arrivals(need(folder, _file(chosen), "give the trace's folder"), flavours, start, stop)
    numbers = np.array([(flavour.cpu, flavour.memory * MIB) for flavour in flavours], np.int64).reshape(-1, 2)
    requests = numbers[came.flavour]
    seconds = np.array(came.seconds, np.int64)[came.batch_step].tolist()
    pods = pod_table(
        Names([f"vm-{second}" for second in came.seconds], came.step, came.place, checked=True),
        {"cpu": requests[:, 0], "memory": requests[:, 1]},
        labels=Column(came.flavour, [FrozenDict(flavour=flavour.letter) for flavour in flavours]),
        owner=Column(came.batch, [f"Batch/{second}-{number}" for number, second in enumerate(seconds)]),
    )
    width = len(str(max(nodes - 1, 0)))
    table = tabulate_nodes([Node(f"host-{row:0{width}}", cpu=cpu, memory=memory) for row in range(nodes)])
    return Cluster.from_tables(table, pods)


def read_flavours(path: Path) -> list[Flavour]:
    """``vCPU,GB letter`` a line."""
    flavours: list[Flavour] = []
    problems = []
    for line, text in enumerate(read_text(path).splitlines(), 1):
        flavour = _flavour(text)
        if flavour is None or flavour.letter in {known.letter for known in flavours}:
            problems.append(f"{path}: line {line} is {text!r}: write cores,GB and a letter of its own, as '2,3.5 g'")
        else:
            flavours.append(flavour)
    if problems:
        raise InputError(problems)
    return flavours


def read_arrivals(path: Path, flavours: Sequence[Flavour], start: int, stop: int) -> Arrivals:
    """The steps ``start`` to ``stop`` of a part."""
    lines = read_text(path).splitlines()
    if not 0 <= start < stop <= len(lines):
        raise InputError(
            f"{path}: steps {start} to {stop} are not among its {len(lines)}: choose within 0 to {len(lines)}"
        )
    codes = {flavour.letter: code for code, flavour in enumerate(flavours)} | {BATCH_ENDS: -1}
    seconds: list[int] = []
    marks: list[NDArray[np.int32]] = []
    problems: list[str] = []
    for line, text in enumerate(lines[start:stop], start + 1):
        second, _, rest = text.partition(" ")
        tokens = [token for token in rest.split(",") if token]
        unknown = sorted(set(tokens) - set(codes))
        if not _is_second(second) or (seconds and int(second) <= seconds[-1]):
            problems.append(f"{path}: line {line} begins with {second!r}: give seconds, more on each line")
        elif unknown:
            problems.append(f"{path}: line {line} has flavour {unknown[0]!r}: give one of {', '.join(sorted(codes))}")
        else:
            seconds.append(int(second))
            marks.append(np.array([codes[token] for token in tokens], np.int32))
    if problems:
        raise InputError(problems)
    return _arrivals(seconds, marks)


def _arrivals(seconds: list[int], marks: list[NDArray[np.int32]]) -> Arrivals:
    """Machines told from the marks that end batches; the end of a step ends a batch too."""
    lengths = np.array([len(step) for step in marks], np.int64)
    step = np.repeat(np.arange(len(marks), dtype=np.int32), lengths)
    mark = np.concatenate(marks)
    machine = mark >= 0
    ends = np.cumsum(~machine)
    step, group = step[machine], ends[machine]
    starts = np.ones(len(step), bool)
    starts[1:] = (step[1:] != step[:-1]) | (group[1:] != group[:-1])
    begins = np.searchsorted(step, np.arange(len(marks)))
    return Arrivals(
        seconds=seconds,
        step=step,
        place=(np.arange(len(step)) - begins[step]).astype(np.int32),
        flavour=mark[machine],
        batch=(np.cumsum(starts) - 1).astype(np.int32),
        batch_step=step[starts].tolist(),
    )


def _flavour(text: str) -> Flavour | None:
    size, _, letter = text.partition(" ")
    cores, _, memory = size.partition(",")
    try:
        cpu, mebibytes = Decimal(cores) * 1000, Decimal(memory) * 1024
        whole = 0 < cpu < 2**40 and 0 < mebibytes < 2**40 and cpu == int(cpu) and mebibytes == int(mebibytes)
    except InvalidOperation:
        return None
    return Flavour(letter, int(cpu), int(mebibytes)) if whole and letter and letter != BATCH_ENDS else None


def _is_second(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _file(part: str) -> str:
    return f"v1.{part}.txt"
