"""Buffers as they are written on the command line: a shape in a word, or a file of pods."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from placer.errors import UsageError

if TYPE_CHECKING:
    from placer.model.pod import Pod

SHAPE = re.compile(r"(?:(?P<namespace>[^/=:]+)/)?(?P<name>[^/=:]+)=(?P<count>\d+):(?P<amounts>[^:]+)")


def read_buffers(texts: Iterable[str]) -> list[Pod]:
    """
    Pods for which room stays free.

    Parameters
    ----------
    texts
        ``spare-web=3:cpu=1,memory=1Gi``, or the name of a file of pods, whose rules they keep.

    Raises
    ------
    UsageError
        Neither a shape nor a file.
    """
    return [pod for text in texts for pod in _read(text)]


def _read(text: str) -> list[Pod]:
    from placer.model.pod import Pod

    shape = SHAPE.fullmatch(text)
    if Path(text).exists() or shape is None:
        return _of_file(text)
    amounts = dict(part.partition("=")[::2] for part in shape["amounts"].split(","))
    namespace = {"namespace": shape["namespace"]} if shape["namespace"] else {}
    return [Pod(shape["name"], replicas=int(shape["count"]), requests=amounts, **namespace)]


def _of_file(text: str) -> list[Pod]:
    from placer.formats import load

    if not Path(text).exists():
        raise UsageError(
            f"--buffer is {text!r}, which is no file and no shape: "
            "write NAME=COUNT:RESOURCE=AMOUNT, such as spare-web=3:cpu=1,memory=1Gi, or give a file of pods"
        )
    return list(load(text).pods)
