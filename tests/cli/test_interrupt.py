"""Ctrl-C: the first gives the best answer so far, the second leaves at once with 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from placer.cli.interrupt import interruptible

WAITING = """
import importlib, sys, time
module = importlib.import_module("placer.solve")
real = module.solve

def solve(cluster, *, stop, **given):
    sys.stderr.write("solving\\n")
    sys.stderr.flush()
    {wait}
    return real(cluster, stop=stop, **given)

module.solve = solve
from placer.cli import main
main()
"""


def start(wait: str, *arguments: object) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", WAITING.format(wait=wait), *map(str, arguments)]
    child = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "solving" not in child.stderr.readline():
        assert child.poll() is None
    return child


def test_the_first_signal_sets_the_event_and_the_answer_comes_back():
    told = []

    def work(stop: threading.Event) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(10)
        return "so far"

    assert interruptible(work, lambda: told.append("once")) == "so far"
    assert told == ["once"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_signal_does_not_wait():
    def work(stop: threading.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        stop.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(60)

    with pytest.raises(KeyboardInterrupt):
        interruptible(work, lambda: None)


def test_errors_of_the_work_come_back():
    def work(stop: threading.Event) -> None:
        raise ValueError("from the work")

    with pytest.raises(ValueError, match="from the work"):
        interruptible(work, lambda: None)


def test_an_interrupted_solve_prints_its_answer(small: Path):
    child = start("stop.wait(60)", "solve", small, "--json")

    child.send_signal(signal.SIGINT)
    stdout, stderr = child.communicate(timeout=60)

    assert child.returncode in (0, 3)
    assert json.loads(stdout)["stopped"] == "interrupted"
    assert "stopped by an interrupt" in stderr


def test_a_second_interrupt_leaves_with_130_and_writes_nothing(small: Path, tmp_path: Path):
    child = start("time.sleep(60)", "solve", small, "-o", tmp_path / "out.json")

    child.send_signal(signal.SIGINT)
    while "Ctrl-C again leaves at once" not in child.stderr.readline():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    stdout, stderr = child.communicate(timeout=10)

    assert (child.returncode, stdout) == (130, "")
    assert stderr == "error: interrupted: nothing is written\n"
    assert not (tmp_path / "out.json").exists()


def test_a_reader_that_goes_away_ends_the_command_quietly(web: Path):
    program = f"{sys.executable} -m placer solve {web} --json --quiet | true; echo ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1", "3")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a Linux device")
def test_a_full_disk_behind_stdout_is_an_error(web: Path):
    program = f"{sys.executable} -m placer solve {web} --json --quiet > /dev/full"

    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == "error: standard output: cannot be written (No space left on device): choose another place\n"
