"""The one way to compile: cached, without the interpreter lock, with types kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def _place_for_cache() -> None:
    """
    Points numba's cache to a place that can be written, before numba is imported.

    Next to the source where that can be written; else the user's cache directory; else a directory of this user's in
    the system's temporary one. ``NUMBA_CACHE_DIR`` is left alone where it is set.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    here = Path(__file__).parent
    if os.access(here, os.W_OK):
        return
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for base in (Path(home), Path(tempfile.gettempdir())):
        chosen = base / f"placer-kernels-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
        try:
            chosen.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(chosen, os.W_OK):
            os.environ["NUMBA_CACHE_DIR"] = str(chosen)
            return


_place_for_cache()

import numba  # noqa: E402

STAMP = "placer-kernels.stamp"
_seen: set[Path] = set()


def _drop_stale(folder: Path) -> None:
    """
    Empties the kernel cache where any kernel's source has changed since it was filled.

    numba stamps an entry with its own source file only, but a kernel holds compiled copies of those it calls.
    """
    if folder in _seen:
        return
    _seen.add(folder)
    sources = sorted(Path(__file__).parent.glob("*.py"))
    now = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == now:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for entry in [*folder.glob("*.nbi"), *folder.glob("*.nbc")]:
        entry.unlink(missing_ok=True)
    stamp.write_text(now)


def njit(function: F) -> F:
    """Compiles without Python objects; cached on disk; releases the interpreter lock while it runs."""
    compiled = numba.njit(cache=True, nogil=True)(function)
    _drop_stale(Path(cast(str, compiled.stats.cache_path)))
    return cast(F, compiled)
