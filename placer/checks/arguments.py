"""Whether what is given to verify has the types that it is read with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from placer.errors import InputError
from placer.model.cluster import Cluster
from placer.solution import Binding, Bindings, Solution


def check(cluster: Any, solution: Any) -> None:
    """
    Refuses what is no cluster or solution.

    Raises
    ------
    InputError
        Every value of a wrong type.
    """
    problems = []
    if not isinstance(cluster, Cluster):
        problems.append(f"verify: cluster is {_shown(cluster)}: give a Cluster, such as placer.load returns")
    if solution is not None and not isinstance(solution, Solution):
        problems.append(f"verify: solution is {_shown(solution)}: give a Solution, such as placer.solve returns")
    elif solution is not None:
        problems += _problems(solution)
    if problems:
        raise InputError(problems)


def _shown(value: Any) -> str:
    return f"{value!r:.60}"


def _problems(solution: Solution) -> Iterator[str]:
    for name in ("bindings", "failover", "room"):
        yield from _bindings(name, getattr(solution, name))
    for name in ("unplaced", "unmet"):
        for index, unplaced in enumerate(getattr(solution, name)):
            yield from _texts(f"{name}[{index}]", pod=unplaced.pod)
    if solution.reserve is not None and not isinstance(solution.reserve, str):
        yield f"solution: reserve is {_shown(solution.reserve)}: give a label key"
    for index, (pod, node, beneficiary) in enumerate(solution.evictions):
        yield from _texts(f"evictions[{index}]", pod=pod, node=node, beneficiary=beneficiary)
    for index, (wave, pod, source, target) in enumerate(solution.moves):
        yield from _texts(f"moves[{index}]", pod=pod, source=source, target=target)
        if not _is_number(wave, int):
            yield f"solution: moves[{index}].wave is {_shown(wave)}: give an integer"
    for name in ("objective", "bound"):
        for key, value in (getattr(solution, name) or {}).items():
            if not _is_number(value, (int, float)):
                yield f"solution: {name}[{key!r}] is {_shown(value)}: give a number"


def _bindings(name: str, bindings: Sequence[Binding]) -> Iterator[str]:
    if isinstance(bindings, Bindings):
        return
    for index, (pod, node, devices, claims) in enumerate(bindings):
        yield from _texts(f"{name}[{index}]", pod=pod, node=node)
        if devices:
            yield from _devices(f"{name}[{index}].devices", devices)
        if claims:
            yield from _claims(f"{name}[{index}].claims", claims)


def _texts(path: str, **fields: Any) -> Iterator[str]:
    for name, value in fields.items():
        if not isinstance(value, str):
            yield f"solution: {path}.{name} is {_shown(value)}: give a name"


def _devices(path: str, devices: Any) -> Iterator[str]:
    if not isinstance(devices, Mapping):
        yield f"solution: {path} is {_shown(devices)}: give places by kind, such as {{'nvidia.com/gpu': [0, 1]}}"
        return
    for kind, places in devices.items():
        sound = isinstance(places, Sequence) and not isinstance(places, str)
        if not sound or not all(_is_number(place, int) for place in places):
            yield f"solution: {path}[{kind!r}] is {_shown(places)}: give a list of places, counted from 0"


def _claims(path: str, claims: Any) -> Iterator[str]:
    if not isinstance(claims, Mapping):
        yield f"solution: {path} is {_shown(claims)}: give volumes by claim, such as {{'data': 'pv-1'}}"
        return
    yield from _texts(path, **{str(name): volume for name, volume in claims.items()})


def _is_number(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
