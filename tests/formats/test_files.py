"""Files: decompressed by content when read, replaced whole or not at all when written."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
from pathlib import Path

import pytest

import placer as pl
from placer.formats.files import read_bytes, replace_file, replace_files

TEXT = b"pods and nodes\n" * 100


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst", ".json"])
def test_a_file_reads_as_it_was_written(tmp_path, suffix):
    if suffix == ".zst":
        pytest.importorskip("zstandard", reason="zstandard is not installed")
    path = tmp_path / f"file{suffix}"
    replace_file(path, TEXT)
    assert read_bytes(path) == TEXT
    assert (path.read_bytes() == TEXT) == (suffix in ("", ".json"))


def test_compression_is_told_by_content_not_by_name(tmp_path):
    path = tmp_path / "pods.json"
    path.write_bytes(gzip.compress(TEXT))
    assert read_bytes(path) == TEXT


def test_a_file_of_several_zstandard_frames_is_read_to_its_end(tmp_path):
    zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
    path = tmp_path / "pods.zst"
    path.write_bytes(zstandard.compress(b"one ") + zstandard.compress(b"two"))
    assert read_bytes(path) == b"one two"


def test_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lzma.compress(TEXT))))
    assert read_bytes(Path("-")) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_compressed_data_that_is_cut_short_is_one_clear_error(tmp_path, pack):
    path = tmp_path / "pods"
    path.write_bytes(pack(os.urandom(2000))[:-100])
    with pytest.raises(pl.InputError, match=r"pods: compressed data cannot be read \(.*\): it is cut short or damaged"):
        read_bytes(path)


def test_a_zstandard_frame_without_its_end_is_one_clear_error(tmp_path):
    zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
    path = tmp_path / "pods"
    path.write_bytes(zstandard.compress(os.urandom(2000))[:-100])
    with pytest.raises(pl.InputError, match="it is cut short or damaged"):
        read_bytes(path)


def test_missing_files_and_directories_are_named(tmp_path):
    with pytest.raises(pl.InputError, match=r"none\.json: no such file or directory: check the path"):
        read_bytes(tmp_path / "none.json")
    with pytest.raises(pl.InputError, match="is a directory: give a file"):
        read_bytes(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(pl.InputError, match=r"out.json: cannot be written \(No space left on device\)"):
        replace_file(path, TEXT)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_of_several_files_none_is_replaced_when_one_cannot_be(tmp_path):
    first = tmp_path / "first"
    first.write_bytes(b"old")
    with pytest.raises(pl.InputError, match="No such file or directory"):
        replace_files({first: b"new", tmp_path / "none" / "second": b"new"})
    assert first.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["first"]


def test_an_interrupt_leaves_no_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda source, target: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "out.json", TEXT)
    assert os.listdir(tmp_path) == []


def test_a_replaced_file_keeps_its_mode_and_a_link_its_target(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_devices_are_written_to_not_replaced():
    replace_file(Path(os.devnull), TEXT)
    assert not Path(os.devnull).is_file()


def test_a_directory_is_not_replaced(tmp_path):
    with pytest.raises(pl.InputError, match="is a directory: give a file"):
        replace_file(tmp_path, TEXT)
