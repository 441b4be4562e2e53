"""Files in and out: compression told by content, and files that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import zstandard

from placer.errors import InputError

STANDARD_INPUT = Path("-")
GZIP, XZ, ZSTANDARD = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
COMPRESSED_SUFFIXES = (".gz", ".xz", ".zst")


def read_bytes(path: Path) -> bytes:
    """
    The content of a file, decompressed where it starts as gzip, xz or zstandard data does.

    Parameters
    ----------
    path
        A file, or ``-`` for standard input.

    Raises
    ------
    InputError
        Missing, a directory, unreadable, or compressed data that is cut short or damaged.
    """
    where = describe(path)
    try:
        data = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(_unreadable(path, error)) from None
    return decompress(data, where)


def list_directory(path: Path) -> list[Path]:
    """What the directory holds, by name, without what is hidden."""
    try:
        return [path / name for name in sorted(os.listdir(path)) if not name.startswith(".")]
    except OSError as error:
        raise InputError(_unreadable(path, error)) from None


def describe(path: Path) -> str:
    """How errors name the file."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def decompress(data: bytes, where: str) -> bytes:
    """The data itself, or what it holds compressed."""
    try:
        if data.startswith(GZIP):
            return gzip.decompress(data)
        if data.startswith(XZ):
            return lzma.decompress(data)
        if data.startswith(ZSTANDARD):
            return _decompress_zstandard(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, MemoryError, ValueError) as error:
        raise InputError(f"{where}: compressed data cannot be read ({error}): it is cut short or damaged") from None
    return data


def compress(data: bytes, suffix: str) -> bytes:
    """The data as a file of this suffix holds it."""
    match suffix:
        case ".gz":
            return gzip.compress(data, 6, mtime=0)
        case ".xz":
            return lzma.compress(data, preset=3)
        case ".zst":
            return zstandard.ZstdCompressor().compress(data)
    return data


def replace_file(path: Path, data: bytes) -> None:
    """
    Puts the data in place of the file in one step; compressed where the name ends in .gz, .xz or .zst.

    Raises
    ------
    InputError
        The directory is missing or not writable, or the disk is full; the old file is then untouched.
    """
    replace_files({path: data})


def replace_files(files: Mapping[Path, bytes]) -> None:
    """Puts several files in place, after all of them have been written beside their places in full."""
    with contextlib.ExitStack() as stack:
        ready = []
        for path, data in files.items():
            content = compress(data, path.suffix)
            ready.append((path, content, stack.enter_context(_beside(path, content))))
        for path, content, temporary in ready:
            with _writing(path):
                if temporary is None:
                    path.write_bytes(content)
                else:
                    os.replace(temporary, os.path.realpath(path))


@contextlib.contextmanager
def _beside(path: Path, content: bytes) -> Iterator[str | None]:
    """A finished file in the directory of ``path``, gone at the end; ``None`` where ``path`` is a pipe or device."""
    target = os.path.realpath(path)
    with _writing(path):
        mode = os.stat(target).st_mode if os.path.exists(target) else None
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a directory: give a file")
    if mode is not None and not stat.S_ISREG(mode):
        yield None
        return
    temporary = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:100]}.{secrets.token_hex(6)}")
    try:
        with _writing(path), open(temporary, "xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be written ({_reason(error)}): choose another place") from None


def _decompress_zstandard(data: bytes) -> bytes:
    parts = []
    try:
        while data:
            frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(data))
            if not frame.eof:
                raise EOFError("the last frame has no end")
            data = frame.unused_data
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    return b"".join(parts)


def _unreadable(path: Path, error: OSError | ValueError) -> str:
    where = describe(path)
    if isinstance(error, FileNotFoundError):
        return f"{where}: no such file or directory: check the path"
    if isinstance(error, IsADirectoryError):
        return f"{where}: is a directory: give a file"
    return f"{where}: cannot be read ({_reason(error)}): check the path and its permissions"


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
