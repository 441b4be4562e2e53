"""Finds the data sets: what is installed with placer, and all others in a clone's ``datasets/``."""

from __future__ import annotations

from pathlib import Path

from placer.errors import InputError

_PACKAGE = Path(__file__).resolve().parent
PLACES = (_PACKAGE / "data", _PACKAGE.parent / "datasets")
"""Where data sets are looked for, first to last: the installed package, then the clone."""


def dataset(name: str) -> Path:
    """
    Finds a data set's folder or file.

    Parameters
    ----------
    name
        Path below ``datasets/``, such as ``mesos-scale/marginals.json.xz``.

    Returns
    -------
    A path that exists.

    Raises
    ------
    InputError
        Neither the installed package nor a clone has it.
    """
    for place in PLACES:
        if name and (place / name).exists():
            return place / name
    # site-packages has a parent too, which is no clone: only folders that exist are worth naming.
    known = sorted({entry.name for place in PLACES if place.is_dir() for entry in place.iterdir() if entry.is_dir()})
    raise InputError(
        f"there is no data set {name!r} here, only {', '.join(known) or 'none'}: "
        "clone placer's repository, whose datasets/ has them all, and run from there"
    )
